"""Cells that are run while somebody watches: one that waits before each action, or many at once."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from harness.core.describe import describe_row
from harness.run.runner import Runner
from harness.workshop.stepping import Observer, SteppedEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.core.document import Row
    from harness.core.evidence import LogLine
    from harness.core.process import Tree
    from harness.core.result import Result
    from harness.core.subject import Cell
    from harness.run.inbox import Inbox
    from harness.run.protocol import Container, Engine, Launch
    from harness.run.runner import Schedule
    from harness.workshop.stepping import Action


class Phase(Enum):
    """How far a run has come."""

    COMING = auto()
    """There is no container yet: the image is being built."""
    STARTING = auto()
    HELD = auto()
    """Something is about to be done to it, as soon as it may proceed."""
    UNDER_WAY = auto()
    OVER = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """An action that was done, and when, in nanoseconds of the monotonic clock."""

    action: Action
    at_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """What is to be seen of a run at one moment.

    ``held`` is the action that waits, ``actions`` are those that were done; ``elapsed_s`` is how long the
    last one has been under way. ``run`` counts the containers: where evidence leaves room for doubt there are several.
    """

    cell: Cell
    phase: Phase
    launch: Launch | None = None
    container: str = ""
    tree: Tree = ()
    lines: tuple[LogLine, ...] = ()
    actions: tuple[Taken, ...] = ()
    held: Action | None = None
    elapsed_s: float = 0.0
    run: int = 0
    row: Row | None = None


class Started:
    """Cells under way on an engine whose containers are observed."""

    def __init__(
        self, cells: Sequence[Cell], engine: SteppedEngine, schedule: Schedule, receive: Callable[[Result], Row]
    ) -> None:
        self._engine = engine
        self._stack = ExitStack()
        self._futures = self._stack.enter_context(Runner(engine, schedule, receive)).submit(cells)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows so far, in the order of the cells."""
        return tuple(future.result() for future in self._futures if future.done() and not future.cancelled())

    def abandon(self) -> None:
        """Give them up, without waiting for their containers to go."""
        self._engine.abandon()
        for future in self._futures:
            future.cancel()

    def close(self) -> None:
        """Give them up, and wait until nothing is left of them."""
        self.abandon()
        self._stack.close()


class LiveCell(Started, Observer):
    """One cell, run in a fresh container that waits before each thing that is done to it."""

    def __init__(self, cell: Cell, engine: Engine, schedule: Schedule) -> None:
        self.cell = cell
        self._lock = threading.Lock()
        self._seen = Snapshot(cell=cell, phase=Phase.COMING)
        self._inbox: Inbox | None = None
        self._gate = threading.Event()
        self._begun = False
        super().__init__([cell], SteppedEngine(engine, self), replace(schedule, jobs=1), describe_row)

    def proceed(self) -> None:
        """Let what is held be done."""
        with self._lock:
            if self._seen.held is not None:
                self._seen = replace(self._seen, held=None)
                self._begun = True
                self._gate.set()

    def snapshot(self) -> Snapshot:
        """What is to be seen now."""
        row = next(iter(self.rows), None)
        with self._lock:
            seen = replace(self._seen, phase=self._phase(), lines=self._inbox.lines if self._inbox else (), row=row)
        if row is not None:
            return replace(seen, phase=Phase.OVER, held=None)
        if seen.phase is Phase.UNDER_WAY and seen.actions:
            return replace(seen, elapsed_s=(time.monotonic_ns() - seen.actions[-1].at_ns) / 1e9)
        return seen

    def _phase(self) -> Phase:
        """How far a run without a result has come."""
        if self._seen.held is not None:
            return Phase.HELD
        if self._begun:
            return Phase.UNDER_WAY
        return Phase.STARTING if self._seen.tree else Phase.COMING

    def created(self, launch: Launch, container: Container) -> None:
        """See `harness.workshop.stepping.Observer`."""
        with self._lock:
            self._inbox = container.inbox
            run = self._seen.run + 1
            self._seen = replace(self._seen, launch=launch, container=container.name, tree=(), actions=(), run=run)

    def seen(self, tree: Tree) -> None:
        """See `harness.workshop.stepping.Observer`."""
        with self._lock:
            self._seen = replace(self._seen, tree=tree)

    def waits(self, action: Action) -> threading.Event:
        """See `harness.workshop.stepping.Observer`: the first container waits, those that repeat it do not."""
        with self._lock:
            if self._seen.run > 1:
                self._begun = True
                return super().waits(action)
            self._seen, self._gate = replace(self._seen, held=action), threading.Event()
            return self._gate

    def does(self, action: Action) -> None:
        """See `harness.workshop.stepping.Observer`."""
        with self._lock:
            taken = Taken(action=action, at_ns=time.monotonic_ns())
            self._seen = replace(self._seen, actions=(*self._seen.actions, taken))


class Batch(Started):
    """Many cells at once, with nothing held."""

    def __init__(self, cells: Sequence[Cell], engine: Engine, schedule: Schedule) -> None:
        self.cells = tuple(cells)
        self._began_s = self._ended_s = time.monotonic()
        super().__init__(cells, SteppedEngine(engine, Observer()), schedule, self._receive)

    def _receive(self, result: Result) -> Row:
        self._ended_s = time.monotonic()
        return describe_row(result)

    @property
    def over(self) -> bool:
        """Whether all have ended."""
        return all(future.done() for future in self._futures)

    @property
    def duration_s(self) -> float:
        """How long the results have taken so far, in seconds."""
        return self._ended_s - self._began_s
