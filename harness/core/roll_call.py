"""The roll call of a container: for each of its processes, whether it was told, and what became of that. Pure.

By the kernel's record where there is one. Else by masks, samples and the container's end, and each line says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.core.document import Became, Call, Kind, Role
from harness.core.evidence import Ground
from harness.core.quiescence import drops
from harness.core.signal_path import ENGINE, TERMINAL, signal_path
from harness.core.trace import Fate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.core.document import Participant, SignalPath, Step
    from harness.core.evidence import Evidence, Seen, SignalEvidence
    from harness.core.process import Process

_SIGKILL: Final = "SIGKILL"


def roll_call(evidence: Evidence) -> tuple[Call, ...]:
    """Every process that was seen, parents before their children; empty where no signal is at stake."""
    signalled = evidence.signalled
    if signalled is None:
        return ()
    path = signal_path(signalled)
    pids = {process.pid: number for number, process in enumerate(_everyone(signalled.seen))}
    return tuple(
        _recorded(signalled, process, pids.get(process.ppid), path)
        if path
        else _inferred(signalled, process, pids.get(process.ppid))
        for process in _everyone(signalled.seen)
    )


def _everyone(seen: Seen) -> Iterator[Process]:
    """The processes before, and those that came since."""
    yield from seen.before
    known = {process.pid for process in seen.before}
    yield from (process for process in seen.after if process.pid not in known)


def _recorded(evidence: SignalEvidence, process: Process, parent: int | None, path: SignalPath) -> Call:
    """One process by the kernel's record."""
    number, sent = process.inner_pid or process.pid, evidence.sent.name
    steps = [step for step in path.steps if step.kind is not Kind.SEND and path.participants[step.who].pid == number]
    sends = [step for step in path.steps if step.to is not None and path.participants[step.to].pid == number]
    told = [step for step in sends if step.signal == sent and step.who != step.to]
    first = told[0] if told else None
    return Call(
        pid=number,
        command=process.command,
        parent=parent,
        app=process.pid in (evidence.seen.app_pid, *evidence.more_apps),
        told=first is not None,
        by=_named(path.participants[first.who]) if first else None,
        after_ms=first.at_us / 1000 if first else None,
        became=_became(evidence, process, sends, steps) if first else None,
        end=_end(evidence.seen, process, sends, steps, path),
        inferred=False,
    )


def _named(sender: Participant) -> str:
    return sender.name if sender.pid is None else f"{sender.name} (PID {sender.pid})"


def _became(evidence: SignalEvidence, process: Process, sends: Sequence[Step], steps: Sequence[Step]) -> Became:
    """What became of the signal, by the steps of a process that was sent it."""
    sent = evidence.sent
    of_sent = [step for step in sends if step.signal == sent.name]
    ran = any(step.kind is Kind.HANDLER and step.signal == sent.name for step in steps)
    if ran:
        return Became.RAISED if any(step.who == step.to for step in of_sent) else Became.HANDLED
    if any(step.kind is Kind.END and step.signal == sent.name for step in steps):
        return Became.DIED
    if all(step.outcome is Fate.IGNORED for step in of_sent):
        return Became.DROPPED if process.is_namespace_init else Became.IGNORED
    after = next((one for one in evidence.seen.after if one.pid == process.pid), None)
    if after is not None and after.awaits(sent):
        return Became.PENDING
    return Became.FETCHED if process.blocks(sent) or process.fetches_signals else Became.NOTHING


def _end(seen: Seen, process: Process, sends: Sequence[Step], steps: Sequence[Step], path: SignalPath) -> str:
    """How a process ended, or that it did not."""
    end = next((step for step in steps if step.kind is Kind.END), None)
    killer = next((path.participants[step.who] for step in reversed(sends) if step.signal == _SIGKILL), None)
    spared = process.is_namespace_init and end is not None and end.signal != _SIGKILL
    if end is not None and (end.signal is None or spared):  # PID 1 dies of no signal but SIGKILL (pid_namespaces(7))
        return _exit_of(seen) if process is seen.main else "exited"
    if end is not None and (end.signal != _SIGKILL or killer is None):
        return f"died of {end.signal}"
    if killer is None:
        return _seen_end(seen, process)
    if killer.role is Role.KERNEL:
        return f"{_SIGKILL} by {killer.name.replace('ends', 'ended')}"
    grace = ", as the grace period ended" if killer.role is Role.STARTER else ""
    return f"{_SIGKILL} by {_named(killer)}{grace}"


def _seen_end(seen: Seen, process: Process) -> str:
    """The end of a process as far as samples and the container's end tell."""
    after = next((one for one in seen.after if one.pid == process.pid), None)
    if seen.running and after is not None:
        return "still there" if after.alive else "a zombie"
    if seen.running:
        return "gone"
    return _exit_of(seen) if process is seen.main else "ended with the container" if after else "gone"


def _exit_of(seen: Seen) -> str:
    return "exited" if seen.running or seen.exit_code is None else f"exited with {seen.exit_code}"


def _inferred(evidence: SignalEvidence, process: Process, parent: int | None) -> Call:
    """One process by what masks, samples and the log let expect."""
    seen = evidence.seen
    main, app = process is seen.main, process is seen.app
    told, became = None, None
    if main and not evidence.typed:
        told = True
        became = Became.DROPPED if drops(process, evidence.sent) else None
    if app and evidence.deliveries:
        told, became = True, Became.HANDLED
    if evidence.ground is Ground.MASKS and not main:
        told = False
    return Call(
        pid=process.inner_pid or process.pid,
        command=process.command,
        parent=parent,
        app=process.pid in (seen.app_pid, *evidence.more_apps),
        told=told,
        by=(TERMINAL if evidence.typed else ENGINE) if told and main else None,
        after_ms=None,
        became=became,
        end=_seen_end(seen, process),
        inferred=True,
    )
