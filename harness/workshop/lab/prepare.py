"""Everything that the labs build, built beforehand: afterwards no check needs a network."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from harness.core.errors import EngineFault
from harness.session import Session, TraceMode
from harness.workshop.lab.check import choose, goal_cells, selection
from harness.workshop.lab.exercises import load
from harness.workshop.lab.folder import replace, start

if TYPE_CHECKING:
    from harness.session import Hooks
    from harness.workshop.lab.exercises import Exercise

_AT_ONCE: Final = 2


def prepare(hooks: Hooks) -> None:
    """Get the default bases, and build the start and the solution of every lab on its own.

    What an attendee writes is neither of them. But it differs from them in its last steps only, and what comes before
    those is then in the builder's cache. The hooks are called from several threads.

    Raises:
        EngineUnavailable: there is no engine.
        BaseUnavailable: a base cannot be had.
        EngineFault: something does not build.
    """
    exercises = load()
    with TemporaryDirectory(prefix="signal-lab-") as place:
        folder = Path(place)
        start(folder, exercises)
        first, *others = exercises
        _both(first, folder, hooks)  # alone, as it gets the bases: they are not to be assembled twice
        with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="lab") as pool:
            for _ in pool.map(partial(_both, folder=folder, hooks=hooks), others):
                pass  # its iterator raises what failed, and cancels the others


def _both(exercise: Exercise, folder: Path, hooks: Hooks) -> None:
    wanted = dataclasses.replace(selection(exercise, folder / exercise.key), trace=TraceMode.OFF)
    for files in (exercise.start, exercise.solution):
        replace(folder, exercise, files)
        with Session(wanted, hooks) as session:
            bases = choose(session.base_facts, exercise, named=False)
            try:
                for _, cell in goal_cells(session.cells, exercise, bases):
                    session.image_of(cell)
            except EngineFault as fault:
                which = "start" if files is exercise.start else "solution"
                why = f"the {which} of lab {exercise.key} cannot be built: {fault.message}"
                raise EngineFault(why, remedy="signal-harness doctor   # can the engine build at all?") from fault
