"""Many cells at once, each as soon as its image is there."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from harness.core.doubt import doubt
from harness.core.errors import EngineUnavailable, HarnessError
from harness.core.evidence import SignalEvidence, Untested
from harness.core.judge import judge, judge_all
from harness.core.question import Probe
from harness.core.reproduce import commands
from harness.core.result import Result, Run
from harness.core.signals import parse_signal
from harness.core.verdict import Expected, Verdict
from harness.run.observation import Patience
from harness.run.observe import Question, observe
from harness.run.protocol import Launch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from harness.core.evidence import Evidence
    from harness.core.facts import BaseFacts, StartCommand
    from harness.core.signals import Signal
    from harness.core.subject import App, Cell, Variant
    from harness.run.protocol import Engine

_STOP_SIGNAL: Final = "SIGTERM"  # what the engine sends where an image has no STOPSIGNAL (Dockerfile reference)

# `dumb-init npm start` and SIGTERM on Debian: the second delivery merged with the first in 10 of 12 runs on an idle
# machine, `tini -g npm start` on musl in 9 of 16. Ten runs all miss what shows in every other run once in a thousand.
DOUBTFUL_REPEATS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """How cells are run.

    ``facts_of`` gives what is known of a base. ``image_of`` gives the image of a base and variant, building it if need
    be, and ``start_of`` what an image starts; they raise `HarnessError` if there is none to be had, whose text then is
    the reason that its cells are untested. ``repeat`` is how often each cell runs; ``None`` is once, but
    `DOUBTFUL_REPEATS` times where the evidence leaves room for doubt. ``on_result`` is called for each cell as it ends,
    in one thread at a time.
    """

    app: App
    image_of: Callable[[str, Variant], str]
    start_of: Callable[[str], StartCommand]
    facts_of: Callable[[str], BaseFacts]
    jobs: int
    repeat: int | None = None
    patience: Patience = field(default_factory=Patience)
    on_result: Callable[[Result], None] = lambda _: None

    def signal_of(self, cell: Cell) -> Signal:
        """The signal that a cell is about: the one to send, else the one that the engine's stop sends to its image.

        Raises:
            HarnessError: its image is not to be had.
        """
        if cell.signal is not None:
            return cell.signal
        stops = self.start_of(self.image_of(cell.base, cell.variant)).stop_signal if cell.probe is Probe.STOP else None
        return parse_signal(stops or _STOP_SIGNAL)


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
        self.leave()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def leave(self) -> None:
        """Let cells under way end with the run they are at."""
        self._leaving = True

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
        wanted = self._schedule.repeat or 1
        while len(runs) < wanted:
            evidence = self._observe(cell)
            runs.append(Run(evidence=evidence, judgement=judge(evidence)))
            if isinstance(evidence, Untested) or self._leaving:
                break
            if self._schedule.repeat is None and isinstance(evidence, SignalEvidence) and doubt(evidence):
                wanted = DOUBTFUL_REPEATS
        judgement, shown = judge_all(runs)
        start, reproduce = self._described(cell) if any(_tested(run) for run in runs) else (None, ())
        return Result(
            cell=cell,
            runs=tuple(runs),
            judgement=judgement,
            shown=shown,
            expected=cell.variant.expect.of(cell.probe, cell.signal) or Expected.DEPENDS,
            start=start,
            reproduce=reproduce,
        )

    def _described(self, cell: Cell) -> tuple[StartCommand | None, tuple[str, ...]]:
        """What a tested cell started, and how to repeat it; an engine that has gone since takes neither verdict."""
        try:
            image = self._schedule.image_of(cell.base, cell.variant)
            patience = self._schedule.patience
            return self._start(cell), commands(cell, image, self._schedule.app, grace_s=patience.grace_s)
        except HarnessError:
            return None, ()

    def _start(self, cell: Cell) -> StartCommand:
        """What the cell's image starts, with the options that the variant runs it with."""
        start = self._schedule.start_of(self._schedule.image_of(cell.base, cell.variant))
        variant = cell.variant
        if variant.entrypoint is not None:
            # An ENTRYPOINT given on the command line takes the image's CMD away (docs.docker.com, docker run).
            start = replace(start, entrypoint=variant.entrypoint, command=())
        return start if variant.command is None else replace(start, command=variant.command)

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
            question = Question(probe=cell.probe, signal=self._schedule.signal_of(cell))
            return observe(self._engine, launch, question, self._schedule.app, self._schedule.patience)
        except EngineUnavailable as gone:
            self._gone = f"the engine went away: {gone}"
            return Untested(reason=self._gone)
        except HarnessError as fault:
            return Untested(reason=str(fault))


def _tested(run: Run) -> bool:
    return run.judgement.verdict is not Verdict.UNTESTED
