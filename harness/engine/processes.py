"""A container's processes with their signal masks through ``docker top``, and what makes two samples one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from harness.core.errors import Disturbed, EngineFault
from harness.core.process import Process, Tree
from harness.engine.client import our_errors
from harness.engine.proc import MOST_ARGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import docker

_COLUMNS: Final = "pid,ppid,pgid,stat,wchan:40,caught,ignored,blocked,pending,args"
_LOOKS: Final = 30
_LOOKS_BY_PS: Final = 5


def settled(sample: Callable[[], Tree]) -> Tree:
    """Sample a tree until its main process has not run from one sample to the next.

    What it blocks and what it sleeps in are read one after the other: an init that wakes in between looks as if it let
    all signals through. Of one that is always busy, what it sleeps in is left out: nothing can be concluded from it.
    Where it does not show how often it ran, as in ps(1), it is looked at less often: it may never be seen asleep.
    """
    tree = sample()
    for _ in range(_LOOKS if tree and tree[0].activity is not None else _LOOKS_BY_PS):
        again = sample()
        if not (tree and again) or _rested(tree[0], again[0]):
            return again
        tree = again
    return (replace(tree[0], wchan=None, leader_wchan=None), *tree[1:])


def _rested(before: Process, now: Process) -> bool:
    """Whether a process has not run between two samples, as far as these show it."""
    if now.activity is None:
        return now.wchan is not None and (before.wchan, before.blocked) == (now.wchan, now.blocked)
    return before.activity == now.activity and now.state[:1] != "R"


def top_tree(api: docker.APIClient, container_id: str, started: Sequence[str] = ()) -> Tree:
    """Sample a container's processes with ps(1) on the engine's host, in `proc_tree`'s order; none once it is gone.

    ``started`` are the words that the container was started with.
    """
    try:
        with our_errors():
            answer = api.top(container_id, ps_args=f"-o {_COLUMNS}")
    except Disturbed:
        raise
    except EngineFault:
        return ()
    return read_top(answer["Titles"], answer["Processes"] or [], started)


def with_wchan(tree: Tree, other: Tree) -> Tree:
    """A tree completed with what its processes sleep in, from another sample of the same container.

    Only root may see that in /proc (proc_pid_wchan(5)); the engine's ps is root. It shows it for main threads only.
    """
    by_pid = {process.pid: process.wchan for process in other}
    return tuple(replace(process, wchan=process.wchan or by_pid.get(process.pid)) for process in tree)


def _words(line: str, started: Sequence[str]) -> tuple[str, ...]:
    """The words of a command line that ps shows joined.

    They are those that the container was started with, or the last of these, as an init starts what follows its own
    options; the engine's init has them behind its own words. Else they are split at blanks.
    """
    for first in range(len(started)):
        rest = tuple(started[first:])
        if line == " ".join(rest):
            return rest
        if first == 0 and line.endswith(joined := " -- " + " ".join(rest)):
            return (*line.removesuffix(joined).split(), "--", *rest)
    return tuple(line.split())


def read_top(titles: list[str], rows: list[list[str]], started: Sequence[str] = ()) -> Tree:
    """Read the answer of ``docker top``, the root of the tree first."""
    columns = [title.lower().replace("catched", "caught") for title in titles]
    processes: dict[int, Process] = {}
    for row in rows:
        cells = dict(zip(columns, row, strict=False))
        pid = int(cells["pid"])
        processes[pid] = Process(
            pid=pid,
            ppid=int(cells["ppid"]),
            pgid=int(cells["pgid"]),
            state=cells["stat"],
            caught=int(cells["caught"], 16),
            ignored=int(cells["ignored"], 16),
            blocked=int(cells["blocked"], 16),
            pending=int(cells["pending"], 16),
            wchan=None if cells.get("wchan", "-") in ("-", "?") else cells["wchan"],
            argv=_words((cells.get("args") or cells.get("command") or "")[:MOST_ARGS], started),
        )

    def below(parent: int | None) -> Iterator[Process]:
        for pid, process in sorted(processes.items()):
            if process.ppid == parent or (parent is None and process.ppid not in processes):
                yield process
                yield from below(pid)

    tree = tuple(below(None))
    # The engine's processes are those of its container's PID namespace: the root of their tree began it.
    return tuple(replace(process, is_namespace_init=number == 0) for number, process in enumerate(tree))
