"""What a stop would do to a container, foretold from its processes and settings while nothing is done to it. Pure.

What is certain follows from a rule of the kernel: PID 1 of a PID namespace gets no signal that it neither handles nor
blocks (pid_namespaces(7)), SIGKILL and SIGSTOP are handled by nobody (signal(7)). What follows from the habits of a
known program is likely. What an app does in its handler is never seen from outside: that is measured by stopping it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from harness.core.doubt import signals_group
from harness.core.handlers import caught_by_runtime
from harness.core.process import apps_below_wrappers, chain
from harness.core.program import STARTERS, Kind, kind_of, manner_of, rewritten
from harness.core.quiescence import drops
from harness.core.signals import Signal
from harness.core.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.core.process import Process, Tree

_SIGKILL: Final = 9
_SIGSTOP: Final = 19
_MOST: Final = 60


class Sure(StrEnum):
    """How sure a forecast is."""

    CERTAIN = "certain"
    LIKELY = "likely"
    OPEN = "cannot tell"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopping:
    """How the engine would stop a container.

    ``grace_s`` is the time from the signal to SIGKILL, in seconds; ``None`` where the engine waits for ever. ``unless``
    are reasons why what is seen now may not be so at a stop.
    """

    signal: Signal
    grace_s: int | None
    unless: tuple[str, ...] = ()

    @property
    def afterwards(self) -> str:
        """What ends a container that does not end by itself, as a clause."""
        return (
            "no SIGKILL ever follows" if self.grace_s is None else f"SIGKILL ends the container after {self.grace_s} s"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """What a stop would do.

    ``verdict`` is the word that a stop is judged by, ``None`` where it cannot be told. ``process`` decides it; ``None``
    where none does.
    """

    verdict: Verdict | None
    sure: Sure
    reason: str
    process: Process | None = None

    @property
    def bad(self) -> bool:
        """Whether it would not be stopped well, as far as can be told."""
        return self.verdict is not None and not self.verdict.good

    @property
    def order(self) -> int:
        """Its place among others, the worst first."""
        ranks = [Verdict.FORCED, Verdict.ABRUPT, None, Verdict.GRACEFUL]
        return 2 * ranks.index(self.verdict) + (self.sure is not Sure.CERTAIN)


@dataclass(kw_only=True)
class _Spread:
    """Who is sent a signal if PID 1 is, and what becomes of that, each by PID on the host.

    ``executables`` are the names of files by PID, ``apps`` the processes that the container is there for. ``told`` is
    by whom, ``None`` for the engine; ``dies`` are those that the signal ends by its default action, ``unknown`` why it
    cannot be told what a process does, ``stuck`` who gets it and does nothing for others; ``unless`` is what may be
    otherwise.
    """

    tree: Tree
    apps: Tree
    stopping: Stopping
    executables: Mapping[int, str]
    told: dict[int, tuple[Signal, Process | None]] = field(default_factory=dict)
    dies: dict[int, Process] = field(default_factory=dict)
    unknown: dict[int, str] = field(default_factory=dict)
    stuck: dict[int, Process] = field(default_factory=dict)
    unless: dict[str, None] = field(default_factory=dict)

    @property
    def doubts(self) -> str:
        """What makes a forecast wrong, as a clause behind it."""
        return "".join(f", unless {doubt}" for doubt in self.unless)

    def send(self, process: Process, signal: Signal, by: Process | None) -> None:
        """Let a process be sent a signal, and those that it forwards it to; once is enough."""
        if process.pid in self.told:
            return
        self.told[process.pid] = (signal, by)
        init = kind_of(process.argv) is Kind.INIT
        if process.catches(signal) or process.blocks(signal) or (init and process.fetches_signals):
            self._handled(process, signal)
        elif process.ignores(signal) or not signal.fatal:
            self.stuck[process.pid] = process
        elif process.fetches_signals is not False and not process.is_namespace_init:
            self.unknown[process.pid] = "it may fetch signals, which ones cannot be seen"
        elif process.fetches_signals:
            self.unknown[process.pid] = "it fetches signals, which ones cannot be seen"
        elif init and not drops(process, signal):
            self.unknown[process.pid] = "it was busy when it was looked at, and may fetch signals all the same"
        elif process.is_namespace_init:
            self.stuck[process.pid] = process
        else:
            self.dies[process.pid] = process

    def _handled(self, process: Process, signal: Signal) -> None:
        children = self.below(process)
        if process in self.apps or not children:
            return
        manner = manner_of(process.argv)
        if manner.raises:
            lost = self.stuck if process.is_namespace_init else self.dies
            lost[process.pid] = process
        elif manner.unknown:
            self.unknown[process.pid] = manner.unknown
        elif manner.forwards is not None and signal.number not in manner.forwards:
            self.stuck[process.pid] = process
        else:
            number = rewritten(process.argv, signal.number)
            if number == 0:
                self.stuck[process.pid] = process
                return
            self.unless |= {manner.unless: None} if manner.unless else {}
            for target in self._targets(process, children[0]):
                self.send(target, Signal(number), process)

    def _targets(self, process: Process, child: Process) -> Iterable[Process]:
        """To whom a wrapper sends what it forwards: an init was told whether to all of its child's process group."""
        if kind_of(process.argv) is Kind.INIT and signals_group(process):
            return [one for one in self.tree if one.alive and one.pgid == child.pgid and one is not process]
        return [child]

    def below(self, process: Process) -> Tree:
        """The living children of a process, the one that it started first before those that came to it."""
        children = (one for one in self.tree if one.alive and one.ppid == process.pid)
        return tuple(sorted(children, key=lambda one: one.inner_pid or one.pid))

    def ends_all(self, process: Process) -> bool | None:
        """Whether the container ends with a process; ``None`` if that is not known."""
        if process is self.tree[0]:
            return True
        parent = next((one for one in self.tree if one.pid == process.ppid), None)
        if parent is None or kind_of(parent.argv) in (Kind.OTHER, Kind.SUPERVISOR):
            return None
        return self.ends_all(parent) if self.below(parent)[:1] == (process,) else None

    def fatal_to(self, app: Process) -> Process | None:
        """A process other than an app that dies of the signal, and may take the app with it."""
        dying = [one for one in self.dies.values() if one is not app]
        above = [one for one in dying if one in chain(self.tree, app.pid)]
        return next(iter([*above, *filter(self.ends_all, dying)]), None)


def forecast(tree: Tree, stopping: Stopping, executables: Mapping[int, str] | None = None) -> Forecast:
    """What a stop would do to a container.

    Args:
        tree: its processes now, the main one first.
        stopping: how the engine would stop it.
        executables: the names of the files that processes run, by PID on the host, where that is known.
    """
    signal = stopping.signal
    if signal.number == _SIGKILL:
        reason = "its stop signal is SIGKILL, which no process can handle: a stop ends everything at once"
        return Forecast(verdict=Verdict.FORCED, sure=Sure.CERTAIN, reason=reason)
    if not tree:
        return Forecast(verdict=None, sure=Sure.OPEN, reason="its processes cannot be seen")
    main = tree[0]
    if signal.number == _SIGSTOP:
        reason = f"its stop signal is SIGSTOP, which halts PID 1, {_named(main)}: {stopping.afterwards}"
        return Forecast(verdict=Verdict.FORCED, sure=Sure.CERTAIN, reason=reason, process=main)
    spread = _Spread(tree=tree, apps=apps_below_wrappers(tree), stopping=stopping, executables=executables or {})
    spread.send(main, signal, None)
    found = [_of_app(app, spread) for app in spread.apps]
    worst = min(found, key=lambda one: one.order)
    if len(found) > 1 and worst.process in spread.apps:
        worst = _changed(worst, reason=f"{worst.reason} (one of {len(found)} apps)")
    return _hedged(worst, stopping)


def _hedged(found: Forecast, stopping: Stopping) -> Forecast:
    """A forecast that says what it stands on, where that may not last."""
    if not stopping.unless or found.sure is Sure.OPEN:
        return found
    return _changed(found, sure=Sure.LIKELY, reason=f"{found.reason}; but {' and '.join(stopping.unless)}")


def _changed(found: Forecast, *, reason: str, sure: Sure | None = None) -> Forecast:
    return Forecast(verdict=found.verdict, sure=sure or found.sure, reason=reason, process=found.process)


def _of_app(app: Process, spread: _Spread) -> Forecast:
    """What a stop would do to one app."""
    main, stopping = spread.tree[0], spread.stopping
    if main.pid in spread.stuck:
        return _forced_by_main(main, app, stopping)
    if app.pid not in spread.told:
        return _untold(app, spread)
    signal, by = spread.told[app.pid]
    if app.pid in spread.unknown:
        return _open(app, f"{_of(app, main)}: {spread.unknown[app.pid]}")
    if app.pid in spread.dies:
        sure = Sure.CERTAIN if app is main else Sure.LIKELY
        told = (
            f"{_forwarded(by, signal, app)}, which"
            if by
            else f"the app, {_named(app)}, is not PID 1 of a PID namespace: it gets {signal},"
        )
        reason = f"{told} has no handler for it and dies: what is under way is lost"
        return Forecast(verdict=Verdict.ABRUPT, sure=sure, reason=reason, process=app)
    if app.pid in spread.stuck:
        reason = f"{_forwarded(by, signal, app)}, which does not heed it: {stopping.afterwards}"
        return Forecast(verdict=Verdict.FORCED, sure=Sure.LIKELY, reason=reason, process=app)
    dying = spread.fatal_to(app)
    if dying is not None:
        reason = f"{_named(dying)} dies of {signal}, and the container may end before the app, {_named(app)}, is done"
        return _by_death(dying, spread, reason)
    return _handled(app, signal, by, spread)


def _forced_by_main(main: Process, app: Process, stopping: Stopping) -> Forecast:
    signal = stopping.signal
    manner = manner_of(main.argv)
    never = "" if app is main else f"; the app, {_named(app)}, is never told"
    if not main.catches(signal) and not main.blocks(signal) and not main.fetches_signals:
        sure = Sure.CERTAIN if main.ignores(signal) or drops(main, signal) else Sure.LIKELY
        does = "ignores" if main.ignores(signal) else "neither handles nor blocks"
        reason = f"PID 1, {_named(main)}, {does} {signal}, so that the kernel drops it: {stopping.afterwards}{never}"
        return Forecast(verdict=Verdict.FORCED, sure=sure, reason=reason, process=main)
    does = "only handles it as its runtime does" if manner.raises else "forwards it to nobody"
    reason = f"PID 1, {_named(main)}, gets {signal} and {does}: {stopping.afterwards}{never}"
    return Forecast(verdict=Verdict.FORCED, sure=Sure.LIKELY, reason=reason, process=main)


def _untold(app: Process, spread: _Spread) -> Forecast:
    """What becomes of an app that nobody tells, as far as that is known."""
    main, stopping, way = spread.tree[0], spread.stopping, chain(spread.tree, app.pid)
    puzzle = next((one for one in way if one.pid in spread.unknown), None)
    if puzzle is not None:
        return _open(puzzle, f"{_of(puzzle, main)} handles {stopping.signal}; {spread.unknown[puzzle.pid]}")
    dying = spread.fatal_to(app)
    if dying is not None:
        never = f"the app, {_named(app)}, which is never told, is killed as the container ends"
        return _by_death(dying, spread, f"{_named(dying)} dies of {stopping.signal}, and {never}")
    stuck = next((one for one in reversed(way) if one.pid in spread.stuck), None)
    if stuck is None:
        return _open(main, f"{_of(main, main)} forwards {stopping.signal}, but not to the app, {_named(app)}")
    reason = (
        f"{_of(stuck, main)} forwards {stopping.signal} to nobody: the app, {_named(app)}, is never told; "
        f"{stopping.afterwards}"
    )
    return Forecast(verdict=Verdict.FORCED, sure=Sure.LIKELY, reason=reason, process=stuck)


def _by_death(dying: Process, spread: _Spread, reason: str) -> Forecast:
    """What follows as a process above the app dies."""
    if spread.ends_all(dying):
        return Forecast(verdict=Verdict.ABRUPT, sure=Sure.LIKELY, reason=f"{reason}{spread.doubts}", process=dying)
    return _open(dying, f"{_named(dying)} dies of the signal; what its parent does then cannot be seen from outside")


def _handled(app: Process, signal: Signal, by: Process | None, spread: _Spread) -> Forecast:
    """What becomes of an app that has a handler, or fetches the signal."""
    stopping = spread.stopping
    told = f"PID 1 is the app, {_named(app)}" if by is None else _forwarded(by, signal, app)
    if stopping.grace_s == 0:
        reason = f"{told}, but SIGKILL follows at once: its grace is 0 s"
        return Forecast(verdict=Verdict.FORCED, sure=Sure.LIKELY, reason=reason, process=app)
    runtime = caught_by_runtime(app, signal, spread.executables.get(app.pid)) if app.catches(signal) else None
    if runtime is not None:
        return _open(app, f"{told}: {runtime} always handles {signal}, so the app's own handler cannot be seen")
    if kind_of(app.argv) in STARTERS:
        return _open(app, f"{told}, which starts others, and has none now")
    time = "as long as it takes" if stopping.grace_s is None else f"{stopping.grace_s} s"
    does = "handles" if app.catches(signal) else "fetches"
    reason = f"{told}, which {does} {signal if by is None else 'it'} and has {time} to end{spread.doubts}"
    return Forecast(verdict=Verdict.GRACEFUL, sure=Sure.LIKELY, reason=reason, process=app)


def _open(process: Process, reason: str) -> Forecast:
    return Forecast(verdict=None, sure=Sure.OPEN, reason=reason, process=process)


def _forwarded(by: Process | None, signal: Signal, app: Process) -> str:
    sender = "the engine" if by is None else _named(by)
    return f"{sender} forwards {signal} to the app, {_named(app)}"


def _of(process: Process, main: Process) -> str:
    return f"PID 1, {_named(process)}," if process is main else _named(process)


def _named(process: Process) -> str:
    command = process.command
    return f"`{command if len(command) <= _MOST else command[: _MOST - 1] + '…'}`"
