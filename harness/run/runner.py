"""The runner: many cells at once, each as soon as its image is there."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from msgspec import structs

from harness.core.doubt import doubt
from harness.core.errors import Abandoned, Disturbed, EngineUnavailable, HarnessError
from harness.core.evidence import SignalEvidence, Untested
from harness.core.judge import judge, judge_all
from harness.core.question import Probe
from harness.core.reproduce import ByHand
from harness.core.result import Result, Run
from harness.core.verdict import Expected
from harness.run.abandoning import AbandonableEngine
from harness.run.agenda import Agenda
from harness.run.asking import Asking
from harness.run.observation import Patience
from harness.run.probes import module_of
from harness.run.protocol import Launch
from harness.run.sharing import Sharing
from harness.run.side_by_side import SideBySide
from harness.run.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from harness.core.evidence import Evidence
    from harness.core.facts import StartCommand
    from harness.core.subject import Cell
    from harness.run.protocol import Engine

S = TypeVar("S")
T = TypeVar("T")

# dumb-init above a package manager, SIGTERM, Debian: the second delivery merged with the first in 10 of 12 runs on an
# idle machine; `tini -g`, musl: in 9 of 16. Ten runs all miss what shows in every other run once in a thousand.
DOUBTFUL_REPEATS = 10

RUNS_AT_MOST = 3
"""How often a run is begun that faults of the engine hit: twice more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A cell that can be run: its image, which is there, and what the image by itself starts."""

    cell: Cell
    image: str
    configured: StartCommand

    @property
    def start(self) -> StartCommand:
        """What is started, with the subject's options."""
        options, start = self.cell.subject.launch, self.configured
        if options.entrypoint is not None:
            # An ENTRYPOINT given on the command line takes the image's CMD away (docs.docker.com, docker run).
            start = structs.replace(start, entrypoint=options.entrypoint, command=())
        if options.command is not None:
            start = structs.replace(start, command=options.command)
        return structs.replace(start, stop_signal=options.stop_signal or start.stop_signal)

    @property
    def launch(self) -> Launch:
        """How its container is run."""
        return Launch(image=self.image, options=self.cell.subject.launch, publish=self.cell.subject.app.port)


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """How cells are run.

    ``jobs`` is how many run at once, of which ``starts`` at most start a container and wait until it is ready; ``None``
    is all of them. ``prepare`` makes a cell ready, waiting for the build of its image if need be; it raises
    `HarnessError` if it cannot be, whose text then is the reason that the cell is untested. ``repeat`` is how often
    each cell runs; ``None`` is once, but `DOUBTFUL_REPEATS` times where the evidence leaves room for doubt. With
    ``shares`` a signal goes to a container that those before have left as it was, where the evidence proves that;
    whatever runs more than once does so in fresh ones.
    """

    prepare: Callable[[Cell], Prepared]
    jobs: int
    starts: int | None = None
    repeat: int | None = None
    patience: Patience = field(default_factory=Patience)
    shares: bool = False


class Runner(Generic[T]):
    """Runs cells on an engine. A context manager: on leaving, cells that wait or are under way are dropped.

    Args:
        engine: where they run.
        schedule: how they are run.
        receive: called with each result as its cell ends, in one thread at a time; what it makes of it is what the
            cell's future holds.
    """

    def __init__(self, engine: Engine, schedule: Schedule, receive: Callable[[Result], T]) -> None:
        self._engine = AbandonableEngine(engine)
        self._schedule = schedule
        self._receive = receive
        self._pool: Executor = ThreadPoolExecutor(max_workers=schedule.jobs, thread_name_prefix="cell")
        self._turns = Turns(schedule.starts or schedule.jobs)
        self._telling = threading.Lock()
        self._doubting = threading.Lock()
        self._counting = threading.Lock()
        self._gone: str | None = None
        self._sharing = Sharing() if schedule.shares and (schedule.repeat or 1) == 1 else None
        self._to_come: Counter[int] = Counter()
        self._shared: list[Future[T]] = []

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Drop what waits, give up what is under way, and wait until nothing is left of it."""
        self.abandon()
        for future in self._shared:
            future.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._sharing:
            self._sharing.close()

    def abandon(self) -> None:
        """Give up what is under way; what waits for it is told so (`Abandoned`)."""
        self._engine.abandon()

    def submit(self, cells: Sequence[Cell]) -> list[Future[T]]:
        """Start running cells, the first ones first; a future for each, in the same order."""
        if self._sharing is None:
            return [self._pool.submit(self._run, cell) for cell in cells]
        with self._counting:
            self._to_come.update(_kind(cell) for cell in cells if cell.question.probe is Probe.SIGNAL)
        alike = [_kind(cell) if cell.question.probe is Probe.SIGNAL else cell.id for cell in cells]
        agenda = Agenda(alike, width=self._schedule.starts or self._schedule.jobs)
        futures = [Future[T]() for _ in cells]
        self._shared += futures
        for _ in cells:
            self._pool.submit(self._run_next, agenda, cells, futures)
        return futures

    def _run_next(self, agenda: Agenda, cells: Sequence[Cell], futures: Sequence[Future[T]]) -> None:
        """Run the cell whose turn it is."""
        place = agenda.take()
        future = futures[place]
        try:
            if future.set_running_or_notify_cancel():
                future.set_result(self._run(cells[place]))
        except BaseException as error:  # as a pool hands on whatever comes
            future.set_exception(error)
            raise
        finally:
            agenda.done(place)

    def _run(self, cell: Cell) -> T:
        result = self._result(cell)
        if self._engine.abandoned:
            raise Abandoned(f"{cell.id} was given up")
        with self._telling:
            return self._receive(result)

    def _result(self, cell: Cell) -> Result:
        try:
            prepared = self._prepared(cell)
        except HarnessError as fault:
            return self._judged(cell, [Untested(reason=str(fault))])
        finally:
            self._began(cell)
        evidence = self._runs(prepared)
        if self._sharing and not self._to_come[_kind(cell)]:
            self._sharing.end(_kind(cell))
        return self._judged(cell, evidence, prepared)

    def _runs(self, prepared: Prepared) -> list[Evidence | Untested]:
        """All runs of a cell, in the order in which they were begun."""
        repeat = self._schedule.repeat
        if repeat is not None and repeat > 1:
            return self._repeats(prepared, repeat)
        first = self._ask(prepared, again=False)
        doubtful = repeat is None and isinstance(first, SignalEvidence) and doubt(first) and not self._is_last(first)
        return [first, *(self._repeats(prepared, DOUBTFUL_REPEATS - 1) if doubtful else ())]

    def _repeats(self, prepared: Prepared, times: int) -> list[Evidence | Untested]:
        """Several runs of a cell, in fresh containers."""
        return self._several([lambda: self._ask(prepared, again=True)] * times, enough=self._is_last)

    def _several(self, tasks: Sequence[Callable[[], S]], *, enough: Callable[[S], bool]) -> list[S]:
        """Do several things of a cell; workers that have no cell to run help."""
        work = SideBySide(tasks, enough=enough)
        with suppress(RuntimeError):  # the pool takes nothing any more: on leaving
            for _ in range(min(len(tasks), self._schedule.jobs) - 1):
                self._pool.submit(work.help)
        return work.all()

    def _is_last(self, run: Evidence | Untested) -> bool:
        """Whether a cell is not run again after a run of it."""
        return isinstance(run, Untested) or self._engine.abandoned

    def _began(self, cell: Cell) -> None:
        """Take in that a cell is under way: as the last of its kind is, none has to stand ready for another."""
        if self._sharing and cell.question.probe is Probe.SIGNAL:
            with self._counting:
                self._to_come[_kind(cell)] -= 1

    def _prepared(self, cell: Cell) -> Prepared:
        """A cell made ready, again where the engine was away meanwhile and has come back.

        Raises:
            HarnessError: it cannot be made ready; the text is the reason.
        """
        last: HarnessError = EngineUnavailable("")
        for _ in range(RUNS_AT_MOST):
            if self._gone is not None:
                raise EngineUnavailable(self._gone)
            try:
                return self._schedule.prepare(cell)
            except (Disturbed, EngineUnavailable) as fault:
                last = fault
                if self._engine.abandoned:
                    break
                if not self._lives(fault):
                    raise EngineUnavailable(str(self._gone)) from fault
        raise last

    def _lives(self, fault: HarnessError) -> bool:
        """Whether the engine answers after a fault; one that does not is asked nothing any more."""
        with self._doubting:
            if self._gone is None and not self._engine.answers():
                self._gone = f"the engine went away: {fault}"
        return self._gone is None

    def _ask(self, prepared: Prepared, *, again: bool) -> Evidence | Untested:
        """Run a cell once, or ``again``.

        A fault of the engine or of the harness is never a finding: the cell is untested.
        A run that a fault of the engine or of the connection hit is made again from the start, in a fresh container.
        """
        why = ""
        for _ in range(RUNS_AT_MOST):
            if self._gone is not None:
                return Untested(reason=self._gone)
            try:
                return self._asked(prepared, again=again)
            except (Disturbed, EngineUnavailable) as fault:
                why = str(fault)
                if self._engine.abandoned or not self._lives(fault):
                    return Untested(reason=self._gone or why)
        return Untested(reason=why)

    def _asked(self, prepared: Prepared, *, again: bool) -> Evidence | Untested:
        try:
            asking = Asking(
                engine=self._engine,
                turns=self._turns,
                launch=prepared.launch,
                app=prepared.cell.subject.app,
                patience=self._patience(prepared.cell),
                question=prepared.cell.question,
                start=prepared.start,
                several=self._several,
            )
            if self._sharing and prepared.cell.question.probe is Probe.SIGNAL and not again:
                kind = _kind(prepared.cell)
                return self._sharing.ask(asking, kind, more=lambda: self._to_come[kind] > 0)
            return module_of(prepared.cell.question.probe).ask(asking)
        except (Disturbed, EngineUnavailable):
            raise
        except HarnessError as fault:
            return Untested(reason=str(fault))

    def _patience(self, cell: Cell) -> Patience:
        """How long to wait, with the grace period that the subject has of its own."""
        own = cell.subject.launch.stop_timeout
        return self._schedule.patience if own is None else replace(self._schedule.patience, grace_s=own)

    def _judged(self, cell: Cell, evidence: Sequence[Evidence | Untested], prepared: Prepared | None = None) -> Result:
        runs = tuple(Run(evidence=one, judgement=judge(one)) for one in evidence)
        judgement, shown = judge_all(runs)
        tested = prepared is not None and any(not isinstance(one, Untested) for one in evidence)
        return Result(
            cell=cell,
            runs=runs,
            judgement=judgement,
            shown=shown,
            expected=cell.subject.expect.of(cell.question) or Expected.DEPENDS,
            start=prepared.start if prepared and tested else None,
            reproduce=self._by_hand(prepared, shown) if prepared and tested else (),
        )

    def _by_hand(self, prepared: Prepared, shown: Run) -> tuple[str, ...]:
        cell = prepared.cell
        grace_s = self._patience(cell).grace_s
        evidence = None if isinstance(shown.evidence, Untested) else shown.evidence
        hand = ByHand(cell=cell, image=prepared.image, app=cell.subject.app, grace_s=grace_s, evidence=evidence)
        return module_of(cell.question.probe).by_hand(hand)


def _kind(cell: Cell) -> int:
    """What a cell's container is a container of: cells of a subject have the subject itself in common."""
    return id(cell.subject)
