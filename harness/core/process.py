"""The processes of a container at one moment: one, a whole tree, the chain from the first down to one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from harness.core.program import PLUMBING, STARTERS, WRAPPERS, Kind, kind_of, passes_on, program

if TYPE_CHECKING:
    import re
    from collections.abc import Collection, Iterable

    from harness.core.signals import Signal


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """A timeout that a thread sleeps on, or a timer of its process.

    ``until_ns`` is the latest moment at which it runs out, by the monotonic clock; ``None`` if that cannot be seen.
    ``length_ns`` is how long it was meant to be; ``None`` where it was given as a moment.
    """

    length_ns: int | None
    until_ns: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """One process of a container at one moment, as proc_pid_status(5) and ps(1) show it.

    ``state`` is that of ps(1), with a ``+`` for the foreground of its terminal. ``argv`` are the words of its command
    line; ps shows them joined, and they are split at blanks then, as well as that can be done.
    ``pid`` counts on the engine's host, ``inner_pid`` in the container where that can be seen. ``is_namespace_init``
    says whether it is PID 1 of its PID namespace, which the kernel treats as no other. ``activity`` is a
    fingerprint of how often its threads ran so far (their context switches); equal values mean that none ran between.
    ``wchan`` names the kernel functions that its threads sleep in, ``threads`` are their ids on the host, and
    ``leader_wchan`` is that of its first thread alone, while that sleeps. ``waits`` are the timeouts that may wake it;
    ``None`` if they cannot be seen.
    """

    pid: int
    ppid: int
    pgid: int
    state: str
    caught: int
    ignored: int
    blocked: int
    pending: int
    argv: tuple[str, ...]
    inner_pid: int | None = None
    is_namespace_init: bool = False
    activity: int | None = None
    wchan: str | None = None
    leader_wchan: str | None = None
    threads: frozenset[int] = frozenset()
    waits: tuple[Wait, ...] | None = None

    @property
    def command(self) -> str:
        """The command line for people."""
        return shown(self.argv)

    @property
    def has_words(self) -> bool:
        """Whether ``argv`` is its command line, and not its name in brackets, as ps(1) shows what has none.

        That is a zombie, and before it becomes one, whatever has let go of its memory as it ends, while it still calls
        itself running (proc_pid_cmdline(5); kernel/exit.c, ``do_exit``).
        """
        return self.alive and not (len(self.argv) == 1 and self.argv[0].startswith("[") and self.argv[0].endswith("]"))

    @property
    def fetches_signals(self) -> bool | None:
        """Whether it sleeps in sigtimedwait(2); ``None`` if that cannot be seen.

        For as long as it does, the kernel takes the signals it waits for out of its ``blocked`` mask, though they are
        not dropped (kernel/signal.c, ``do_sigtimedwait``): tini looks as if it let SIGTERM through.
        """
        return None if self.wchan is None else "sigtimedwait" in self.wchan

    @property
    def waits_for_reader(self) -> bool:
        """Whether it sleeps as a pipe or terminal is full, as its output's is while the engine is slow to read it."""
        return self.wchan is not None and any(name in self.wchan for name in ("pipe_write", "n_tty_write"))

    @property
    def in_foreground(self) -> bool:
        """Whether its terminal sends it the signals of keys such as Ctrl-C."""
        return "+" in self.state

    @property
    def asleep(self) -> bool:
        """Whether it is dead, or waits for something or is stopped with no signal on its way to it."""
        return not self.alive or (self.state[:1] in "SITt" and self.deliverable == 0)

    @property
    def deliverable(self) -> int:
        """The pending signals that are not blocked."""
        return self.pending & ~self.blocked

    @property
    def alive(self) -> bool:
        """Whether it is more than an entry in the process table."""
        return self.state[:1] not in "ZX"

    def catches(self, signal: Signal) -> bool:
        """Whether it has a handler for the signal."""
        return bool(self.caught >> (signal.number - 1) & 1)

    def awaits(self, signal: Signal) -> bool:
        """Whether the signal is pending on it."""
        return bool(self.pending >> (signal.number - 1) & 1)

    def may_get(self, signal: Signal) -> bool:
        """Whether it may get to know of the signal: by a handler, or by fetching it."""
        return self.catches(signal) or self.blocks(signal) or self.fetches_signals is not False

    def ignores(self, signal: Signal) -> bool:
        """Whether it has set the signal to be ignored."""
        return bool(self.ignored >> (signal.number - 1) & 1)

    def blocks(self, signal: Signal) -> bool:
        """Whether it blocks the signal, as processes do that fetch signals with sigwait or a signalfd."""
        return bool(self.blocked >> (signal.number - 1) & 1)


Tree = tuple[Process, ...]


def shown(argv: Iterable[str]) -> str:
    """A command line for people; it cannot be split again."""
    return " ".join(argv)


def find_app(tree: Tree, inner_pid: int | None) -> Process | None:
    """The process of the app: by the PID it logged, or else the one process without a child.

    Returns:
        ``None`` if the tree does not tell which process is the app.
    """
    apps = find_apps(tree, () if inner_pid is None else (inner_pid,))
    return apps[0] if len(apps) == 1 else None


def find_apps(tree: Tree, inner_pids: Collection[int]) -> Tree:
    """The processes of the apps: by the PIDs they logged, or else the one without a child, or its equals.

    Processes are equals that one parent started with one command line, such as the workers of a server. What only
    helps others along, such as the ``cat`` of a pipe or the ``sleep`` of a loop, does not count while there is more.

    Returns:
        None if the tree does not tell which processes are the apps.
    """
    if inner_pids and any(process.inner_pid is not None for process in tree):
        return tuple(process for process in tree if process.inner_pid in inner_pids)
    leaves = childless(tree)
    while plumbing := [process for process in leaves if program(process.argv) in PLUMBING]:
        rest = tuple(process for process in tree if process not in plumbing)
        if not any(process.alive for process in rest):
            break
        tree, leaves = rest, childless(rest)
    return leaves if len({(process.ppid, process.argv) for process in leaves}) == 1 else ()


def apps_below_wrappers(tree: Tree, pattern: re.Pattern[str] | None = None) -> Tree:
    """The first processes from the main one down that do not only start another; several if several are started.

    What only helps others along is none, nor what has no process below it that it could be there for: a shell that runs
    a loop is the app itself. An init never is, whatever it starts. Whatever has started the very command that its own
    command line ends in is no app either.

    Args:
        tree: a container's processes.
        pattern: tells the apps by their command lines instead: the uppermost that it finds, but for those that only
            start others while it finds any else, as they may have an app's words in theirs.
    """
    below: dict[int, list[Process]] = {}
    for process in tree:
        if process.alive:
            below.setdefault(process.ppid, []).append(process)

    def down(process: Process) -> Tree:
        everything = below.get(process.pid, [])
        children = [child for child in everything if program(child.argv) not in PLUMBING]
        if kind_of(process.argv) in STARTERS:
            children = children or everything
        if children and kind_of(process.argv) in WRAPPERS:
            return tuple(app for child in children for app in down(child))
        return tuple(app for child in launched(process, children) for app in down(child)) or (process,)

    def launched(process: Process, children: Iterable[Process]) -> Tree:
        """What a process has started that its own command line ends in; sudo(8) does that from another of itself."""
        found = tuple(child for child in children if passes_on(process.argv, child.argv))
        again = (child for child in children if child.argv == process.argv)
        return found or tuple(app for child in again for app in launched(child, below.get(child.pid, ())))

    def matching(process: Process, wrappers: Collection[Kind]) -> Tree:
        if pattern and pattern.search(process.command) and kind_of(process.argv) not in wrappers:
            return (process,)
        return tuple(app for child in below.get(process.pid, ()) for app in matching(child, wrappers))

    if not tree or pattern is None:
        return down(tree[0]) if tree else ()
    return matching(tree[0], WRAPPERS) or matching(tree[0], ())


def childless(tree: Tree) -> Tree:
    """The living processes without a child."""
    parents = {process.ppid for process in tree}
    return tuple(process for process in tree if process.pid not in parents and process.alive)


def only_starts_others(tree: Tree) -> bool:
    """Whether all that lives is there to start something else, as an init or a package manager that is at its start.

    A shell above one has started it; a shell alone may be what the container is there for.
    """
    return all(kind_of(process.argv) in STARTERS for process in apps_below_wrappers(tree))


def chain(tree: Tree, target: int) -> Tree:
    """The processes from the first one down to one of them, both included; empty if that one is not there."""
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
