"""``reap``: a process is orphaned and ends. Does PID 1 wait for it, or does it stay a zombie?

The orphan is made with ``docker exec``: a shell starts it and leaves, so that the kernel gives it to the container's
PID 1 (pid_namespaces(7)), or to a subreaper above it (prctl(2), PR_SET_CHILD_SUBREAPER).
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.core.describe import finding
from harness.core.document import Finding
from harness.core.judge import judge
from harness.core.reason import head
from harness.core.verdict import Judgement, Outcome, Verdict
from harness.run.faults import CannotTest
from harness.run.rest import Rest
from harness.run.waiting import until

if TYPE_CHECKING:
    from harness.core.evidence import Seen, Untested
    from harness.core.process import Process, Tree
    from harness.core.reproduce import ByHand
    from harness.run.asking import Asking
    from harness.run.observation import Observation

_ORPHAN: Final = ("sleep", "3600")
_MAKE: Final = ("/bin/sh", "-c", f"{' '.join(_ORPHAN)} </dev/null >/dev/null 2>&1 & echo $!")
_SEEN_S: Final = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ReapEvidence:
    """A process whose parent had gone before it ended: who adopted it, and whether it was still there as a zombie."""

    seen: Seen
    orphan: Process
    zombie: bool

    @property
    def signalled(self) -> None:
        """No signal is at stake."""
        return


def ask(asking: Asking) -> ReapEvidence | Untested:
    """Orphan a process, end it, and look on until it is waited for or plainly is not."""
    return asking.see(asking.launch, _reap)


def _reap(observation: Observation) -> ReapEvidence:
    container = observation.container
    initial = observation.open()
    began_ns = container.inbox.now_ns()
    code, output = container.execute(_MAKE)
    number = output.strip()
    # An engine under load has been seen to lose what a command wrote that was over at once.
    if code != 0 or (number and not number.isdecimal()):
        raise CannotTest(f"no process could be started in the container: {output.strip() or f'exit code {code}'}")
    known = {process.pid for process in initial.tree}

    def adopted() -> tuple[Process, Tree] | None:
        tree = container.tree()
        pids = {process.pid for process in tree}
        orphan = next((p for p in tree if p.pid not in known and p.argv == _ORPHAN and p.ppid in pids), None)
        return None if orphan is None else (orphan, tree)

    adoption = until(adopted, timeout_s=_SEEN_S, time=container.inbox)
    if adoption is None:
        raise CannotTest("the orphaned process does not show in the container's process tree")
    orphan, before = adoption
    inner = number or orphan.inner_pid
    if inner is None:
        raise CannotTest("the engine has lost what the command that started a process in the container wrote")
    code, output = container.execute(("/bin/sh", "-c", f"kill -KILL {inner}"))
    if code != 0:
        raise CannotTest(f"the orphaned process could not be ended: {output.strip() or f'exit code {code}'}")
    rest = Rest.after(observation, before, told={orphan.ppid})

    def look() -> bool | None:
        observation.check()
        if observation.inbox.died is not None:
            raise CannotTest("the container ended as its orphan did")
        resting = rest.step()
        left = next((process for process in rest.sample if process.pid == orphan.pid), None)
        if resting and left is None:
            return False
        return True if resting and rest.lasting() and left is not None and not left.alive else None

    zombie = until(look, timeout_s=observation.patience.decide_s, time=container.inbox)
    if zombie is None:
        raise CannotTest(f"the container did not come to rest within {observation.patience.decide_s:g} s")
    seen = observation.seen(before=before, choice=initial.choice, after=rest.sample, began_ns=began_ns)
    return ReapEvidence(seen=seen, orphan=orphan, zombie=zombie)


@judge.register(ReapEvidence)
def _judged(evidence: ReapEvidence) -> Judgement:
    seen = evidence.seen
    return Judgement(
        verdict=Verdict.ZOMBIE if evidence.zombie else Verdict.REAPED,
        delivery=None,
        outcome=Outcome.RUNNING if seen.running else Outcome.ENDED,
        reason=f"{head(seen)}: {_reason(evidence)}" if seen.main else head(seen),
    )


def _reason(evidence: ReapEvidence) -> str:
    seen, orphan = evidence.seen, evidence.orphan
    adopter = next((process for process in seen.before if process.pid == orphan.ppid), None)
    who = "it" if adopter is None or adopter is seen.main else f"`{adopter.command}`"
    left = "did not wait for it: it stays a zombie" if evidence.zombie else "waited for it"
    return f"an orphan, `{orphan.command}`, passed to {who} and ended, and {who} {left}"


@finding.register(ReapEvidence)
def _found(evidence: ReapEvidence) -> Finding:
    return Finding(
        brief="",
        text=f"the orphan {'is a zombie' if evidence.zombie else 'is gone'}",
        facts={"orphan": evidence.orphan.command, "zombie": evidence.zombie},
        marked={evidence.orphan.pid: "the orphan"},
    )


def by_hand(hand: ByHand) -> tuple[str, ...]:
    """Start it, orphan a process with ``docker exec``, end that, and look."""
    return (
        hand.run(),
        hand.listening,
        f"orphan=$({hand.cli} exec {hand.name} {shlex.join(_MAKE)})",
        f'{hand.cli} exec {hand.name} /bin/sh -c "kill -KILL $orphan"',
        hand.settled,
        # A zombie is in no cgroup, and so not in what docker top shows.
        f'{hand.cli} exec {hand.name} /bin/sh -c "cat /proc/$orphan/stat"   # a Z, or no such file?',
        hand.remove,
    )
