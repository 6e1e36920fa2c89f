"""A container's processes with their signal masks: from /proc if the engine is local, else through ``docker top``."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.core.errors import EngineFault
from harness.core.process import Process, Tree
from harness.engine.client import our_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

_COLUMNS: Final = "pid,ppid,pgid,stat,wchan:40,caught,ignored,blocked,pending,args"
_MOST_ARGS: Final = 400


def seen_in_proc(container_id: str, pid: int) -> bool:
    """Whether this machine's /proc shows that container's PID 1: not so for remote engines and virtual machines."""
    try:
        return container_id in Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii")
    except OSError:
        return False


def proc_tree(pid1: int) -> Tree:
    """Sample a process and all below it from /proc (proc_pid_status(5), proc_tid_children(5)).

    Orphans move up to PID 1, so this is every process of the container but those of ``docker exec``.

    Returns:
        PID 1 first, each process before what is below it, one branch after the other; empty once PID 1 is gone.
    """
    found: list[Process] = []
    waiting = [pid1]
    while waiting:
        pid = waiting.pop(0)
        try:
            process, children = _proc(pid)
        except (OSError, KeyError, ValueError):
            if pid == pid1:
                return ()
            continue  # ended while we looked; the next sample shows how
        if pid == pid1 and not process.alive:
            return ()
        found.append(process)
        waiting = [*children, *waiting]
    return tuple(found)


def _proc(pid: int) -> tuple[Process, list[int]]:
    root = Path(f"/proc/{pid}")
    main: dict[str, str] | None = None
    children: list[int] = []
    states: set[str] = set()
    wchans: set[str] = set()
    threads: set[int] = set()
    activity = 0
    pending = 0
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
        threads.add(int(task.name))
        wchans.add(wchan)
        states.add("R" if _about_to_sleep(status["State"][0], wchan) else status["State"][0])
        pending |= int(status["SigPnd"], 16) & ~int(status["SigBlk"], 16)
        activity += int(status["voluntary_ctxt_switches"]) + int(status["nonvoluntary_ctxt_switches"])
    if main is None:
        raise ProcessLookupError(pid)
    # A group asleep is one all of whose threads are.
    state = next((state for state in "RDT" if state in states), main["State"][0])
    args = root.joinpath("cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")
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
            args=(args or f"[{main['Name']}]")[:_MOST_ARGS],
            inner_pid=int(main["NSpid"].split()[-1]),
            activity=activity,
            # "0" is both running and "may not be seen"; nothing can be concluded from it.
            wchan=None if wchans & {"", "0"} else " ".join(sorted(wchans)),
            threads=frozenset(threads),
        ),
        children,
    )


def _about_to_sleep(state: str, wchan: str) -> bool:
    """Whether a thread calls itself asleep, but has not left the processor yet, and may find that it must go on.

    A thread sets its state first and looks once more for a reason to stay awake; on a busy machine it may be preempted
    in between, for long. It sleeps in nothing then (kernel/sched/core.c, ``get_wchan``).
    """
    return state in "SD" and wchan in ("", "0") and _shows_wchan()


@cache
def _shows_wchan() -> bool:
    """Whether this kernel tells us what sleeps where, as it tells root: asked of init and of kthreadd, which sleep."""
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


def top_tree(api: docker.APIClient, container_id: str) -> Tree:
    """Sample a container's processes with ps(1) on the engine's host, in `proc_tree`'s order; empty once it is gone.

    Raises:
        EngineUnavailable: the engine went away.
    """
    try:
        with our_errors():
            answer = api.top(container_id, ps_args=f"-o {_COLUMNS}")
    except EngineFault:
        return ()
    return read_top(answer["Titles"], answer["Processes"] or [])


def with_wchan(tree: Tree, told: Tree) -> Tree:
    """A tree with what another sample of the same container tells of what its processes sleep in.

    Only root may see that in /proc (proc_pid_wchan(5)); the engine's ps is root. It tells it of main threads alone.
    """
    by_pid = {process.pid: process.wchan for process in told}
    return tuple(replace(process, wchan=process.wchan or by_pid.get(process.pid)) for process in tree)


def read_top(titles: list[str], rows: list[list[str]]) -> Tree:
    """Read the answer of ``docker top``, the root of the tree first."""
    names = {"CAUGHT": "caught", "CATCHED": "caught", "IGNORED": "ignored", "BLOCKED": "blocked", "PENDING": "pending"}
    columns = [names.get(title, title.lower()) for title in titles]
    processes = []
    for row in rows:
        cells = dict(zip(columns, row, strict=False))
        processes.append(
            Process(
                pid=int(cells["pid"]),
                ppid=int(cells["ppid"]),
                pgid=int(cells["pgid"]),
                state=cells["stat"],
                caught=int(cells["caught"], 16),
                ignored=int(cells["ignored"], 16),
                blocked=int(cells["blocked"], 16),
                pending=int(cells["pending"], 16),
                wchan=None if cells.get("wchan", "-") in ("-", "?") else cells["wchan"],
                args=(cells.get("args") or cells.get("command") or "")[:_MOST_ARGS],
            )
        )
    known = {process.pid for process in processes}

    def below(parent: int | None) -> Iterator[Process]:
        for process in sorted(processes, key=lambda process: process.pid):
            if process.ppid == parent or (parent is None and process.ppid not in known):
                yield process
                yield from below(process.pid)

    return tuple(below(None))
