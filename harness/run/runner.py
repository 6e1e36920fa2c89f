"""Many cells at once, each as soon as its image is there."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.core.errors import EngineUnavailable, HarnessError
from harness.core.model import Forwards, Result, Run, Untested, Verdict
from harness.core.reproduce import commands
from harness.core.verdict import judge, judge_all
from harness.run.observe import Patience, observe
from harness.run.protocol import Launch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from harness.core.catalogue import AppLog, Variant
    from harness.core.model import BaseFacts, Cell, Evidence
    from harness.run.protocol import Engine


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """How cells are run.

    ``facts_of`` gives what is known of a base. ``image_of`` gives the image of a base and variant, building it if need
    be; it raises `HarnessError` if there is
    none to be had, whose text then is the reason that its cells are untested. ``on_result`` is called for each cell as
    it ends, in one thread at a time.
    """

    app: AppLog
    image_of: Callable[[str, Variant], str]
    facts_of: Callable[[str], BaseFacts]
    jobs: int
    repeat: int = 1
    patience: Patience = field(default_factory=Patience)
    on_result: Callable[[Result], None] = lambda _: None


class Runner:
    """Runs cells on an engine. A context manager: on leaving, cells that wait are dropped and those under way end."""

    def __init__(self, engine: Engine, schedule: Schedule) -> None:
        self._engine = engine
        self._schedule = schedule
        self._pool: Executor = ThreadPoolExecutor(max_workers=schedule.jobs, thread_name_prefix="cell")
        self._telling = threading.Lock()
        self._gone: str | None = None
        self._leaving = False

    def __enter__(self) -> Runner:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Drop what waits, and wait for what is under way."""
        self._leaving = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def submit(self, cells: Sequence[Cell]) -> list[Future[Result]]:
        """Start running cells, the first ones first; a future for each, in the same order."""
        return [self._pool.submit(self._run, cell) for cell in cells]

    def _run(self, cell: Cell) -> Result:
        result = self._result(cell)
        with self._telling:
            self._schedule.on_result(result)
        return result

    def _result(self, cell: Cell) -> Result:
        runs: list[Run] = []
        for _ in range(self._schedule.repeat):
            evidence = self._observe(cell)
            runs.append(Run(evidence=evidence, judgement=judge(evidence)))
            if isinstance(evidence, Untested) or self._leaving:
                break
        judgement, shown = judge_all(runs)
        return Result(
            cell=cell,
            runs=tuple(runs),
            judgement=judgement,
            shown=shown,
            expected=cell.variant.expect.of(cell.signal) or Forwards.DEPENDS,
            reproduce=() if judgement.verdict is Verdict.UNTESTED else self._reproduce(cell),
        )

    def _reproduce(self, cell: Cell) -> tuple[str, ...]:
        return commands(cell, self._schedule.image_of(cell.base, cell.variant))

    def _observe(self, cell: Cell) -> Evidence | Untested:
        """Run a cell once. A fault of the engine or of the harness is never a finding: the cell is untested."""
        if self._gone is not None:
            return Untested(reason=self._gone)
        variant = cell.variant
        if unmet := variant.unmet(self._schedule.facts_of(cell.base)):
            return Untested(reason=unmet)
        try:
            launch = Launch(
                image=self._schedule.image_of(cell.base, variant),
                init=variant.init,
                entrypoint=variant.entrypoint,
                command=variant.command,
            )
            with self._engine.launch(launch) as container:
                return observe(container, cell.signal, self._schedule.app, self._schedule.patience)
        except EngineUnavailable as gone:
            self._gone = f"the engine went away: {gone}"
            return Untested(reason=self._gone)
        except HarnessError as fault:
            return Untested(reason=str(fault))
