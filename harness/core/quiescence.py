"""When a container has come to rest after a signal, and what its PID 1 does with one. Pure functions on process trees.

A container rests when nothing is under way in it that the signal may have started: no process that has to do with it
runs, has a signal on its way to it, or sleeps on a timeout that may still make it act. What the container did before
the signal, such as a loop that sleeps each second, says nothing and does not count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from harness.core.process import chain
from harness.core.program import NO_HEARTBEAT, PLUMBING, Kind, kind_of, program
from harness.core.signals import Signal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.core.process import Process, Tree, Wait

_SLACK_NS: Final = 50_000_000
"""How much later than it was set a timeout may run out: timers are coalesced, and event loops round them up."""

RESTLESS_NS: Final = 2_000_000_000
"""Timeouts of at most this length make a loop: supervisors look each second. Those of runtimes are longer: for garbage
after 8 s (V8), for idle connections each 30 s."""

_ALARM: Final = Signal(14)
_WHOLESALE: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Habits:
    """What the processes of a container do by themselves, from samples before anything was done to it.

    ``children`` are those that each process had, by command line: one that comes later and is the same, as in a shell's
    ``while sleep 1``, is one of its habits. ``last`` are the processes as they were in the end, by PID. ``busy`` are
    those that ran while the container did not come to rest, ``ticking`` those that sleep for short times, or have a
    child that does; ``restless`` are both.
    """

    since_ns: int
    last: Mapping[int, Process]
    busy: frozenset[int]
    children: frozenset[tuple[int, tuple[str, ...]]]
    ticking: frozenset[int]

    @classmethod
    def of(cls, samples: Sequence[Tree], *, since_ns: int) -> Habits:
        """Habits from samples in order, the last of which is the tree before the signal; ``since_ns`` the start."""
        last = samples[-1]
        # What ran only until the container came to rest was getting ready.
        never_rests = len(samples) > 1 and not quiet(samples[-2], last)
        busy = frozenset(
            now.pid
            for first, second in pairwise(samples[len(samples) // 2 - 1 :] if never_rests else ())
            for before, now in _same(first, second)
            if before.activity != now.activity
        )
        ticking = frozenset(pid for process in last if _short(process) for pid in (process.pid, process.ppid))
        return cls(
            since_ns=since_ns,
            last={process.pid: process for process in last},
            busy=busy,
            children=frozenset((process.ppid, process.argv) for tree in samples for process in tree),
            ticking=ticking,
        )

    @property
    def restless(self) -> frozenset[int]:
        """Those that run again and again, by what is seen of them."""
        return self.busy | self.ticking

    def knows(self, process: Process, parent: Process | None) -> bool:
        """Whether a process was there before, or is like one that was; a shell forks before it runs what it names."""
        forked = parent is not None and parent.pid in self.restless and process.argv == parent.argv
        return process.pid in self.last or forked or (process.ppid, process.argv) in self.children

    def had(self, process: Process, wait: Wait, began_ns: int, *, longer_ns: int) -> bool:
        """Whether a long timeout may be one that was pending before the signal, slept on for what is left of it."""
        if wait.until_ns is None or wait.until_ns - began_ns <= longer_ns:
            return False
        earliest_ns = wait.until_ns if wait.length_ns is None else began_ns + wait.length_ns
        return any(
            old.until_ns is not None
            and earliest_ns <= old.until_ns + _SLACK_NS
            and self.since_ns + (old.length_ns or old.until_ns - self.since_ns) <= wait.until_ns + _SLACK_NS
            for old in process.waits or ()
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Concern:
    """Which processes a signal concerns: the ``apps``, who was ``told``, and who of those has ``acted`` on it.

    ``sent`` are those of them that have sent a signal by the kernel's record; ``deeds`` counts what has come of it so
    far, such as signals sent on.
    """

    apps: frozenset[int]
    told: frozenset[int]
    acted: frozenset[int] = frozenset()
    sent: frozenset[int] = frozenset()
    deeds: int = 0

    def among(self, tree: Tree, habits: Habits) -> Tree:
        """The processes of a tree that may have to do with the signal.

        Those are the ones that lead to an app, those that were told, and whatever was not there before. Others were not
        told, and do what they always do.
        """
        by_pid = {process.pid: process for process in tree}
        ways = {process.pid for app in self.apps for process in chain(tree, app)} | {tree[0].pid if tree else 0}
        return tuple(
            process
            for process in tree
            if process.pid in ways | self.told or not habits.knows(process, by_pid.get(process.ppid))
        )


def quiet(first: Tree, second: Tree, restless: frozenset[int] = frozenset()) -> bool:
    """Whether nothing was under way in a container while it was sampled twice.

    Each sample must show the same processes, all asleep, with no signal on its way. Where the samples carry thread
    activity, none may have run in between, but those that never rest. As the first sample was complete before the
    second began, there is then a moment at which every thread slept and no signal was pending, whatever the load of the
    machine: nothing but a timer or input from outside can start anything. One that waits until its output is read is
    not quiet: the engine may do that at any moment.
    """
    if not second or len(first) != len(second):
        return False
    return all(
        a.pid == b.pid
        and a.asleep
        and b.asleep
        and not b.waits_for_reader
        and (a.activity == b.activity or b.pid in restless or (a.fetches_signals is True and b.fetches_signals is True))
        for a, b in zip(first, second, strict=True)
    )


def next_deed_ns(
    tree: Tree, concern: Concern, habits: Habits, *, began_ns: int, deadline_ns: int, old_ns: int = RESTLESS_NS
) -> int | None:
    """When the last of the timeouts has run out that may make a process act on the signal.

    Each process that was told may act once more as the timeout runs out that it sleeps on, as may what it started and
    waits for. An app, or a package manager, that has acted already does not do so by a timeout that had been pending
    before the signal and is longer than ``old_ns``; another process may act at its next heartbeat, such as a shell as
    its ``sleep`` ends. One that ticks shows the next of its ticks alone: a longer timeout may be behind that,
    or it counts them, so that the deadline decides. That is not so of inits (tini looks for signals each second), whose
    ticks do not count at all once they have passed the signal on and look for the next, nor where ``old_ns`` is 0.

    Returns:
        A moment by the monotonic clock, the signal's own where nothing is pending; at most the deadline, as what runs
        out later cannot count. ``None`` if the timeouts of a process cannot be seen.
    """
    moments = [began_ns]
    among = {process.pid for process in concern.among(tree, habits)}
    for process in tree:
        if not process.alive:
            continue
        master = process.pid if process.pid in among else process.ppid
        if master not in concern.told and (process.pid not in among or process.pid in habits.last):
            continue
        before = habits.last.get(process.pid)
        if process.waits is None:
            return None
        endless = process.pid in habits.busy and not process.waits  # it runs by something else than a timeout
        ticks = process.pid in habits.ticking & concern.told and kind_of(process.argv) is not Kind.INIT
        if endless or (ticks and old_ns) or (process.pid not in concern.apps and _may_wake_by_alarm(process)):
            moments.append(deadline_ns)
        beats = kind_of(process.argv) not in NO_HEARTBEAT if process.pid in among else program(process.argv) in PLUMBING
        heartless = process.pid in concern.apps or not beats or old_ns == 0
        acted = before is not None and heartless and master in concern.acted
        moments += [
            _end_ns(wait, began_ns=began_ns, deadline_ns=deadline_ns)
            for wait in process.waits
            if not (acted and before and habits.had(before, wait, began_ns, longer_ns=old_ns))
            and not (process.pid in concern.sent and before and _looks_for_the_next(process, before, wait))
        ]
    last = max(moment for moment in moments if moment <= deadline_ns)
    return last if last == began_ns else min(last + _SLACK_NS, deadline_ns)


def _looks_for_the_next(process: Process, before: Process, wait: Wait) -> bool:
    """Whether an init sleeps until the next signal, for as long as it did before the one that it has passed on.

    That is a loop around sigtimedwait(2): what the timeout brings is another look (tini.c,
    ``wait_and_forward_signal``).
    """
    looks = kind_of(process.argv) is Kind.INIT and process.fetches_signals is True and before.fetches_signals is True
    return looks and any(wait.length_ns is not None and wait.length_ns == old.length_ns for old in before.waits or ())


def _end_ns(wait: Wait, *, began_ns: int, deadline_ns: int) -> int:
    """When a timeout has run out at the latest: the deadline for one that may do so by then, or cannot be seen.

    A length is known to have begun before the sample that shows it, and may have done so as early as the signal.
    """
    if wait.until_ns is None:
        return deadline_ns
    may_end_before = wait.length_ns is not None and began_ns + wait.length_ns <= deadline_ns
    return min(wait.until_ns, deadline_ns) if may_end_before else wait.until_ns


def as_first_seen(tree: Tree, earlier: Mapping[int, Process]) -> Tree:
    """A tree with the timeouts that an earlier sample shows of the processes that have not run since.

    Who has not run sleeps on what it did, so that the first sample of a timeout is the closest to its beginning. One
    that is not asleep shows none, and may have its last switch behind it (kernel/sched/fair.c, ``DELAY_DEQUEUE``).
    """

    def of(process: Process) -> Process:
        first = earlier.get(process.pid)
        if first is None or first.waits is None or first.activity is None or not first.asleep:
            return process
        return replace(process, waits=first.waits) if first.activity == process.activity else process

    return tuple(of(process) for process in tree)


def _may_wake_by_alarm(process: Process) -> bool:
    """Whether an alarm(2) may be pending, which does not show: a process has a handler for it, and not for all."""
    return process.catches(_ALARM) and process.caught.bit_count() < _WHOLESALE


def ticked_ns(tree: Tree, now_ns: int) -> int | None:
    """When the short timeouts in a tree have run out; ``None`` if there are none.

    One that was given as a moment (clock_nanosleep(2), TIMER_ABSTIME) is short if that is near. Whoever sleeps on a
    short one again by then ticks. One that does not had only something left to do, as a runtime has soon after its
    start.
    """
    ends = [
        wait.until_ns
        for process in tree
        if kind_of(process.argv) is not Kind.INIT
        for wait in process.waits or ()
        if wait.until_ns is not None
        and (wait.until_ns - now_ns if wait.length_ns is None else wait.length_ns) <= RESTLESS_NS
    ]
    return max(ends) + _SLACK_NS if ends else None


def _short(process: Process) -> list[Wait]:
    """The timeouts of a process that are short enough to make a loop."""
    return [wait for wait in process.waits or () if wait.length_ns is not None and wait.length_ns <= RESTLESS_NS]


def exact(tree: Iterable[Process]) -> bool:
    """Whether the samples count thread activity, so that two of them prove rest."""
    living = [process for process in tree if process.alive]
    return bool(living) and all(process.activity is not None for process in living)


def drops(main: Process, signal: Signal) -> bool:
    """Whether the kernel drops a signal sent to this main process.

    A signal that PID 1 of a PID namespace neither handles nor blocks has no effect (pid_namespaces(7); in the kernel
    ``sig_task_ignored`` for ``SIGNAL_UNKILLABLE``). A blocked one stays pending for sigwait or a signalfd. It is the
    first thread whose mask decides, whatever the others do (kernel/signal.c, ``prepare_signal`` and ``sig_ignored``).

    Returns:
        Whether the sample proves it: also ``False`` if the masks cannot be trusted at this moment.
    """
    sleeps = main.asleep and main.fetches_signals is False
    leader = main.leader_wchan
    return (
        main.is_namespace_init
        and (sleeps or (leader is not None and "sigtimedwait" not in leader))
        and not main.catches(signal)
        and not main.blocks(signal)
    )


def steady(samples: Sequence[tuple[int, Tree]], *, for_ns: int, lasting_ns: int) -> bool:
    """Whether a container that does not rest does the same all the time: what runs in it has not changed for a while.

    Processes that come and go, as those of a loop, do not count; one that has come to stay does, and so do the signals
    that are caught or ignored and the number of threads, which change as a runtime gets ready.

    Args:
        samples: when each was taken, in order, and what it showed.
        for_ns: how long nothing may have changed.
        lasting_ns: how long a process must have been there to have come to stay.
    """
    now_ns = samples[-1][0]
    before = [tree for at_ns, tree in samples if at_ns <= now_ns - for_ns]
    if not before:
        return False
    lately = [{process.pid for process in tree} for at_ns, tree in samples if at_ns >= now_ns - lasting_ns]
    stay = set.intersection(*lately)
    return {_profile(one) for one in samples[-1][1] if one.pid in stay} <= {_profile(one) for one in before[-1]}


def _profile(process: Process) -> tuple[int, tuple[str, ...], int, int, int]:
    return process.pid, process.argv, process.caught, process.ignored, len(process.threads)


def _same(first: Tree, second: Tree) -> Iterator[tuple[Process, Process]]:
    """The processes that are in both samples."""
    by_pid = {process.pid: process for process in first}
    return ((by_pid[process.pid], process) for process in second if process.pid in by_pid)
