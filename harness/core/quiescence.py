"""When a container has come to rest, and what its PID 1 does with a signal. Pure functions on process trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.core.process import Process, Tree
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


def drops(main: Process, signal: Signal) -> bool:
    """Whether the kernel drops a signal sent to this main process.

    A signal that PID 1 of a PID namespace neither handles nor blocks has no effect (pid_namespaces(7); in the kernel
    ``sig_task_ignored`` for ``SIGNAL_UNKILLABLE``). A blocked one stays pending for sigwait or a signalfd.

    Returns:
        Whether the sample proves it: also ``False`` if the masks cannot be trusted at this moment.
    """
    return (
        main.is_namespace_init
        and main.asleep
        and main.fetches_signals is False
        and not main.catches(signal)
        and not main.blocks(signal)
    )
