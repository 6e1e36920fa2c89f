"""A container's processes in this machine's /proc: the tree with its signal masks, and marks behind their output.

The standard library and what is pure are all that it needs: a helper container runs it, too (`harness.engine.helper`).
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from harness.core.process import Process, Tree
from harness.engine.waits import waits

MOST_ARGS: Final = 400
"""How much of a command line is kept."""

_CGROUPS: Final = Path("/sys/fs/cgroup")
# Where below it a hierarchy is mounted, by its controllers: cgroups v2 have none.
_MOUNTS: Final = {"": ("", "unified"), "pids": ("pids",)}


def seen_in_proc(container_id: str, pid: int) -> bool:
    """Whether this machine's /proc shows that container's PID 1, unlike that of remote engines and virtual machines."""
    try:
        return container_id in Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii")
    except OSError:
        return False


def proc_tree(main: int) -> Tree:
    """Sample the processes of a container from /proc (proc_pid_status(5), proc_tid_children(5)).

    These are its main process and all below it, and what else is in its cgroup: what ``docker exec`` started and, if
    the PID namespace is shared, what another process adopted. A zombie is in no cgroup (cgroups(7)): below its parent.
    The main process comes first, each before what is below it, one branch after the other; none once it is gone.
    """
    tree: dict[int, Process] = {}
    _add_below(main, tree)
    if main not in tree or not tree[main].alive:
        return ()
    for pid in _members(main):
        _add_below(pid, tree)
    return tuple(tree.values())


def _add_below(root: int, tree: dict[int, Process]) -> None:
    """Add a process, unless it is gone, and all below it to a tree that may have some of them."""
    waiting = [root]
    while waiting:
        pid = waiting.pop(0)
        with suppress(OSError, KeyError, ValueError):  # ended while we looked; the next sample shows how
            if pid not in tree:
                tree[pid], children = _proc(pid)
                waiting = [*children, *waiting]


def _members(pid: int) -> list[int]:
    """The processes of a process's cgroup; none where that cannot be read."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for mount in _MOUNTS.get(controllers, ()) if path != "/" else ():  # the root has all of the machine
            with suppress(OSError, ValueError):
                procs = _CGROUPS.joinpath(mount, path.lstrip("/"), "cgroup.procs").read_text(encoding="ascii")
                members = [int(number) for number in procs.split()]
                if pid in members:
                    return members
    return []


def _proc(pid: int) -> tuple[Process, list[int]]:
    """A process and its children; raises `OSError` if it is gone."""
    root = Path(f"/proc/{pid}")
    main: dict[str, str] | None = None
    children: list[int] = []
    states: set[str] = set()
    wchans: set[str] = set()
    leader_wchan: str | None = None
    threads: set[int] = set()
    activity = pending = 0
    for task in sorted(root.joinpath("task").iterdir(), key=lambda path: path.name != str(pid)):
        try:
            status = _status(task)
            wchan = task.joinpath("wchan").read_text(encoding="ascii")
            children += map(int, task.joinpath("children").read_text(encoding="ascii").split())
        except OSError:
            if task.name == str(pid):
                raise
            continue
        main = main or status
        if task.name == str(pid) and status["State"][0] == "S" and wchan not in ("", "0"):
            leader_wchan = wchan
        threads.add(int(task.name))
        wchans.add(wchan)
        states.add("R" if _about_to_sleep(status["State"][0], wchan) else status["State"][0])
        pending |= int(status["SigPnd"], 16) & ~int(status["SigBlk"], 16)
        activity += int(status["voluntary_ctxt_switches"]) + int(status["nonvoluntary_ctxt_switches"])
    if main is None:
        raise ProcessLookupError(pid)
    # A group asleep is one all of whose threads are.
    state = next((state for state in "RDT" if state in states), main["State"][0])
    inner_pid = int(main["NSpid"].split()[-1])
    return (
        Process(
            pid=pid,
            ppid=int(main["PPid"]),
            pgid=int(main["NSpgid"].split()[0]),
            state=state + ("+" if _in_foreground(root) else ""),
            caught=int(main["SigCgt"], 16),
            ignored=int(main["SigIgn"], 16),
            blocked=int(main["SigBlk"], 16),
            pending=pending | int(main["ShdPnd"], 16),
            argv=_argv(root.joinpath("cmdline").read_bytes()) or (f"[{main['Name']}]",),
            inner_pid=inner_pid,
            is_namespace_init=inner_pid == 1,
            activity=activity,
            # "0" is both running and "may not be seen"; nothing can be concluded from it.
            wchan=None if wchans & {"", "0"} else " ".join(sorted(wchans)),
            leader_wchan=leader_wchan,
            threads=frozenset(threads),
            waits=waits(root, map(str, threads)) if state in "SID" else (),
        ),
        children,
    )


def _argv(cmdline: bytes) -> tuple[str, ...]:
    """The words of a command line as proc_pid_cmdline(5) has them, up to a size.

    A process that changed its title has all of it in one word.
    """
    text = cmdline.rstrip(b"\0").decode("utf-8", "replace")[:MOST_ARGS]
    return tuple(text.split("\0")) if text else ()


def _about_to_sleep(state: str, wchan: str) -> bool:
    """Whether a thread calls itself asleep, but has not left the processor yet, and may find that it must not sleep.

    A thread sets its state first and looks once more for a reason to stay awake; on a busy machine it may be preempted
    in between, for long. It sleeps in nothing then (kernel/sched/core.c, ``get_wchan``).
    """
    return state in "SD" and wchan in ("", "0") and _shows_wchan()


@cache
def _shows_wchan() -> bool:
    """Whether this kernel shows us what processes sleep in, as it does to root: init and kthreadd always sleep."""
    for pid in (1, 2):
        with suppress(OSError):
            if Path(f"/proc/{pid}/wchan").read_text(encoding="ascii") not in ("", "0"):
                return True
    return False


def _in_foreground(root: Path) -> bool:
    """Whether a process is of the foreground process group of its terminal (proc_pid_stat(5), pgrp and tpgid)."""
    fields = root.joinpath("stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return fields[2] == fields[5]


def _status(task: Path) -> dict[str, str]:
    text = task.joinpath("status").read_text(encoding="utf-8", errors="replace")
    fields = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _, value in fields}


def write_marks(pid: int, mark: bytes, *, tty: bool) -> int:
    """Write a mark into a process's standard output and error, to arrive after all that was written before.

    It needs root and a local engine. On a terminal no key that makes a signal may be on its way: the kernel then throws
    away the output that nobody has read yet (termios(3), ``NOFLSH``), and the mark with it. Returned is how many marks
    will arrive: one if both are the same pipe or terminal; 0 if they are neither.

    Raises:
        OSError: one was not written, as the reader does not keep up, the process is gone, or this is not allowed; the
            other may have been.
    """
    outputs: dict[tuple[int, int], Path] = {}
    for number in (1, 2):
        path = Path(f"/proc/{pid}/fd/{number}")
        status = path.stat()
        if not (stat.S_ISCHR(status.st_mode) if tty else stat.S_ISFIFO(status.st_mode)):
            return 0
        outputs.setdefault((status.st_dev, status.st_ino), path)
    for path in outputs.values():
        output = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            if os.write(output, mark) != len(mark):
                raise BlockingIOError("the mark was cut")
        finally:
            os.close(output)
    return len(outputs)
