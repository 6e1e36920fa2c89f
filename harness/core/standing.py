"""Whether a container is as it was before a signal, so that the next one may be sent to it as well. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.core.program import Kind, kind_of
from harness.core.quiescence import exact

if TYPE_CHECKING:
    from collections.abc import Collection

    from harness.core.process import Process, Tree
    from harness.core.quiescence import Habits

_NO_LENGTH_NS: Final = 0


def stands(habits: Habits, now: Tree, *, apps: Collection[int], began_ns: int) -> bool:
    """Whether a signal has left no trace in the processes of a container that rests.

    They are the same, run the same, treat each signal as before, and have none on its way. Nobody sleeps on a timeout
    that has been set since, which may be how a parent waits for an end that it has asked for. The ``apps`` may: a
    runtime has its own, and that the app does no more than log is what whoever asks this has been told.

    Args:
        habits: what the processes did before the signal.
        now: the processes as it has been decided, at rest.
        apps: the PIDs of the apps among them.
        began_ns: when the signal was sent, by the monotonic clock.
    """
    before = habits.last
    if not exact(now) or before.keys() != {process.pid for process in now}:
        return False
    return all(
        _same(before[process.pid], process)
        and not (process.pid in habits.restless and kind_of(process.argv) is not Kind.INIT)
        and (process.pid in apps or _sleeps_as_before(habits, process, began_ns))
        for process in now
    )


def _same(before: Process, now: Process) -> bool:
    return before.alive == now.alive and not now.pending and _profile(before) == _profile(now)


def _profile(process: Process) -> tuple[object, ...]:
    return (
        process.ppid,
        process.pgid,
        process.argv,
        process.caught,
        process.ignored,
        process.blocked,
        process.threads,
        process.fetches_signals,
        process.state[:1] in "Tt",
    )


def _sleeps_as_before(habits: Habits, process: Process, began_ns: int) -> bool:
    if process.waits is None:
        return False
    inits = kind_of(process.argv) is Kind.INIT
    old = habits.last[process.pid]
    return inits or all(habits.had(old, wait, began_ns, longer_ns=_NO_LENGTH_NS) for wait in process.waits)
