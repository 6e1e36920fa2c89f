"""When a container has come to rest, and what its PID 1 does with a signal. Pure functions on process trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.core.model import Process, Tree
    from harness.core.signals import Signal


def quiet(first: Tree, second: Tree) -> bool:
    """Whether nothing was under way in a container while it was sampled twice.

    Each sample must show the same processes, all asleep, with no signal on its way. Where the samples carry thread
    activity, none may have run in between. As the first sample was complete before the second began, there is then a
    moment at which every thread slept and no signal was pending, whatever the load of the machine: nothing but a
    timer or input from outside can start anything.
    """
    if not second or len(first) != len(second):
        return False
    return all(
        a.pid == b.pid and a.asleep and b.asleep and (a.activity == b.activity or _polls(a, b))
        for a, b in zip(first, second, strict=True)
    )


def _polls(first: Process, second: Process) -> bool:
    """Whether a process only looks for signals now and then, as tini does every second; there were none for it."""
    return first.fetches_signals is True and second.fetches_signals is True


def timed(before: Tree, now: Tree) -> bool:
    """Whether a process has gone to sleep for a set time since, in nanosleep(2): it has something to do afterwards.

    util-linux's su as PID 1 passes SIGTERM on, sleeps for two seconds and then sends SIGKILL. A process that slept so
    before the signal, as in a shell's ``while sleep 1`` loop, says nothing of it.
    """
    slept = {process.pid for process in before if _in_nanosleep(process)}
    return any(_in_nanosleep(process) and process.pid not in slept for process in now)


def _in_nanosleep(process: Process) -> bool:
    return process.wchan is not None and "nanosleep" in process.wchan


def exact(tree: Tree) -> bool:
    """Whether the samples count thread activity, so that two of them prove rest."""
    return bool(tree) and all(process.activity is not None for process in tree if process.alive)


def drops(pid1: Process, signal: Signal) -> bool:
    """Whether the kernel drops a signal sent to this PID 1.

    A signal that PID 1 of a PID namespace neither handles nor blocks has no effect (pid_namespaces(7); in the kernel
    ``sig_task_ignored`` for ``SIGNAL_UNKILLABLE``). A blocked one stays pending for sigwait or a signalfd.

    Returns:
        Whether the sample proves it: also ``False`` if the masks cannot be trusted at this moment.
    """
    return pid1.asleep and pid1.fetches_signals is False and not pid1.catches(signal) and not pid1.blocks(signal)


def find_app(tree: Tree, inner_pid: int | None) -> Process | None:
    """The process of the app: by the PID it logged, or else the one process without a child.

    Returns:
        ``None`` if the tree does not tell which process is the app.
    """
    if inner_pid is not None and any(process.inner_pid is not None for process in tree):
        return next((process for process in tree if process.inner_pid == inner_pid), None)
    parents = {process.ppid for process in tree}
    leaves = [process for process in tree if process.pid not in parents and process.alive]
    return leaves[0] if len(leaves) == 1 else None


def path(tree: Tree, target: int) -> Tree:
    """The processes from PID 1 down to one of them, both included; empty if that one is not there."""
    by_pid = {process.pid: process for process in tree}
    steps: list[Process] = []
    current = by_pid.get(target)
    while current is not None and current not in steps:
        steps.append(current)
        current = by_pid.get(current.ppid)
    return tuple(reversed(steps))


class Kin(Protocol):
    """A process that names its parent: one that was sampled, or one of a results document."""

    @property
    def pid(self) -> int:
        """Its own number."""
        ...

    @property
    def ppid(self) -> int:
        """Its parent's."""
        ...


def depths(processes: Iterable[Kin]) -> dict[int, int]:
    """How far below the top each process is, by its number; parents come before their children."""
    found: dict[int, int] = {}
    for process in processes:
        found[process.pid] = found.get(process.ppid, -1) + 1
    return found
