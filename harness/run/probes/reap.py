"""Reaping: a process is orphaned and ends. Does PID 1 wait for it, or does it stay a zombie?

The orphan is made with ``docker exec``: a shell starts it and leaves, so that the kernel gives it to the container's
PID 1 (pid_namespaces(7)), or to a subreaper above it (prctl(2), PR_SET_CHILD_SUBREAPER).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.core.evidence import ReapEvidence
from harness.run.observation import CannotTest, Rest
from harness.run.waiting import until

if TYPE_CHECKING:
    from harness.core.process import Process, Tree
    from harness.run.observation import Observation

_ORPHAN: Final = "sleep 3600"
_MAKE: Final = ("/bin/sh", "-c", f"{_ORPHAN} </dev/null >/dev/null 2>&1 & echo $!")
_SEEN_S: Final = 10.0


def reap(observation: Observation) -> ReapEvidence:
    """Orphan a process, end it, and look on until it is waited for or plainly is not."""
    container = observation.container
    initial = observation.open()
    began_ns = container.inbox.now_ns()
    code, output = container.execute(_MAKE)
    inner = output.strip()
    if code != 0 or not inner.isdecimal():
        raise CannotTest(f"no process could be started in the container: {output.strip() or f'exit code {code}'}")
    known = {process.pid for process in initial.tree}

    def adopted() -> tuple[Process, Tree] | None:
        tree = container.tree()
        pids = {process.pid for process in tree}
        found = next((p for p in tree if p.pid not in known and p.args == _ORPHAN and p.ppid in pids), None)
        return None if found is None else (found, tree)

    found = until(adopted, timeout_s=_SEEN_S, time=container.inbox)
    if found is None:
        raise CannotTest("the orphaned process does not show in the container's process tree")
    orphan, before = found
    code, output = container.execute(("/bin/sh", "-c", f"kill -KILL {inner}"))
    if code != 0:
        raise CannotTest(f"the orphaned process could not be ended: {output.strip() or f'exit code {code}'}")
    rest = Rest(observation, before)

    def look() -> bool | None:
        observation.check()
        if observation.inbox.died is not None:
            raise CannotTest("the container ended as its orphan did")
        resting = rest.step()
        left = next((process for process in rest.sample if process.pid == orphan.pid), None)
        if resting and left is None:
            return False
        return True if resting and rest.lasting and left is not None and not left.alive else None

    zombie = until(look, timeout_s=observation.patience.decide_s, time=container.inbox)
    if zombie is None:
        raise CannotTest(f"the container did not come to rest within {observation.patience.decide_s:g} s")
    return ReapEvidence(
        **observation.seen(before=before, app=initial.app, after=rest.sample, began_ns=began_ns),
        orphan=orphan,
        zombie=zombie,
    )
