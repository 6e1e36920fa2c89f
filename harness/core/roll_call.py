"""The roll call of a container: for each of its processes, whether it was told, and what became of that. Pure.

By the kernel's record where there is one. Else by masks, samples and the container's end, and each line says so.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from msgspec import structs

from harness.core.document import Became, Call, Kind, Role
from harness.core.evidence import ASKING, Ground
from harness.core.quiescence import drops
from harness.core.signal_path import KERNEL, TERMINAL, signal_path
from harness.core.signals import Signal, parse_signal
from harness.core.trace import Fate, Handled, Parting, Sent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.core.document import Participant, SignalPath, Step
    from harness.core.evidence import Evidence, Seen, SignalEvidence
    from harness.core.process import Process
    from harness.core.trace import Life

_SIGKILL: Final = "SIGKILL"
_KILLED: Final = 9
_BY_SIGNAL: Final = 128
_STAYS: Final = "still there"


def roll_call(evidence: Evidence) -> tuple[Call, ...]:
    """Every process that was there from the signal on, parents before their children; empty where none is at stake.

    Those that came and went between two samples are in it where there is a record. Of helpers that are all alike, as
    those of a loop, the first speaks for all.
    """
    signalled = evidence.signalled
    if signalled is None:
        return ()
    path, seen = signal_path(signalled), signalled.seen
    everyone = tuple(_everyone(seen))
    sampled = {process.pid for process in everyone}
    helpers = tuple(life for life in seen.lives if life.pid not in sampled) if path else ()
    known = [*(process.pid for process in everyone), *(life.pid for life in helpers)]
    pids = {pid: number for number, pid in enumerate(known)}
    calls = tuple(
        _recorded(signalled, process, pids.get(process.ppid), path)
        if path
        else _inferred(signalled, process, pids.get(process.ppid))
        for process in everyone
    )
    return _alike((*calls, *(_helper(signalled, life, pids.get(life.parent)) for life in helpers)), len(calls))


def _everyone(seen: Seen) -> Iterator[Process]:
    """The processes before, and those that came since."""
    yield from seen.before
    known = {process.pid for process in seen.before}
    yield from (process for process in seen.after if process.pid not in known)


def _alike(calls: Sequence[Call], sampled: int) -> tuple[Call, ...]:
    """Calls of which those of helpers without children stand for all that are alike, and say for how many."""
    parents = {call.parent for call in calls}
    alike = {
        number: structs.replace(call, pid=None, after_ms=None)
        for number, call in enumerate(calls)
        if number >= sampled and number not in parents and not call.told
    }
    counts = Counter(alike.values())
    kept = [number for number in range(len(calls)) if number not in alike or _first(alike, number)]
    places = {number: place for place, number in enumerate(kept)}
    return tuple(
        structs.replace(
            calls[number],
            parent=None if (parent := calls[number].parent) is None else places[parent],
            end=calls[number].end + _more(counts[alike[number]] - 1 if number in alike else 0),
        )
        for number in kept
    )


def _first(alike: Mapping[int, Call], number: int) -> bool:
    return next(other for other, call in alike.items() if call == alike[number]) == number


def _more(count: int) -> str:
    return f"; {count} more like it came and went" if count else ""


def _helper(evidence: SignalEvidence, life: Life, parent: int | None) -> Call:
    """A process that no sample before or after has shown, by the kernel's record."""
    records = evidence.seen.trace or ()
    sends_to = [one for one in records if isinstance(one, Sent) and one.target_pid == life.pid]
    told = [one for one in sends_to if one.number == evidence.sent.number and one.sender_pid != life.pid]
    first = told[0] if told else None
    return Call(
        pid=life.inner_pid,
        command=life.command,
        parent=parent,
        app=False,
        told=first is not None,
        by=_sender(evidence.seen, first) if first else None,
        after_ms=round((first.time_s - min(one.time_s for one in records)) * 1000, 3) if first else None,
        became=_helped(evidence, life, told) if first else None,
        end=_life_end(life, sends_to),
        inferred=False,
        signal=None,
    )


def _helped(evidence: SignalEvidence, life: Life, told: Sequence[Sent]) -> Became:
    number = evidence.sent.number
    took = [one for one in evidence.seen.trace or () if isinstance(one, Handled) and one.pid == life.pid]
    if any(one.number == number and one.handler for one in took):
        return Became.HANDLED
    if all(one.fate is Fate.IGNORED for one in told):
        return Became.IGNORED
    return Became.DIED if life.parting is Parting.KILLED else Became.NOTHING


def _sender(seen: Seen, sent: Sent) -> str:
    """Who sent a signal to a helper, by its command line where that is known."""
    if sent.by_kernel:
        return KERNEL
    pid = sent.sender_pid
    process = next((one for one in _everyone(seen) if pid == one.pid or pid in one.threads), None)
    if process is not None:
        return f"{process.command} (PID {process.inner_pid or process.pid})"
    return next((life.command for life in seen.lives if life.pid == pid), sent.sender)


def _life_end(life: Life, sends_to: Sequence[Sent]) -> str:
    """How a process ended by the kernel's word to its parent; the last signal that it was sent is what ended it."""
    if life.parting is Parting.EXITED:
        return "exited"
    if life.ended_s is None:
        return _STAYS
    fatal = [one for one in sends_to if one.fate is not Fate.IGNORED]
    if not fatal:
        return "died of a signal" if life.parting else "ended"
    name = Signal(fatal[-1].number).name
    return f"{name} by {KERNEL}, as PID 1 ended" if life.parting is None else f"died of {name}"


def _recorded(evidence: SignalEvidence, process: Process, parent: int | None, path: SignalPath) -> Call:
    """One process by the kernel's record."""
    number, sent = process.inner_pid or process.pid, evidence.sent.name
    life = next((one for one in evidence.seen.lives if one.pid == process.pid), None)
    sends, _ = _steps_of(process, path)
    told = [step for step in sends if step.signal == sent and step.who != step.to]
    first = told[0] if told else next((step for step in sends if _asked(step, path)), None)
    by_another = first is not None and first.signal != sent
    return Call(
        pid=number,
        command=process.command,
        parent=parent,
        app=process.pid in (evidence.seen.app_pid, *evidence.more_apps),
        told=first is not None,
        by=_named(path.participants[first.who]) if first else None,
        after_ms=first.at_us / 1000 if first else None,
        became=_became(evidence, process, life, path, str(first.signal)) if first else None,
        end=_end(evidence.seen, process, life, path),
        inferred=False,
        signal=first.signal if first and by_another else None,
    )


def _asked(step: Step, path: SignalPath) -> bool:
    """Whether a step is another process asking by a signal of whatever name, and not the kernel."""
    return step.who != step.to and step.signal in ASKING and path.participants[step.who].role is not Role.KERNEL


def _steps_of(process: Process, path: SignalPath) -> tuple[list[Step], list[Step]]:
    """The signals that a process was sent, and what it did."""
    number = process.inner_pid or process.pid
    steps = [step for step in path.steps if step.kind is not Kind.SEND and path.participants[step.who].pid == number]
    return [step for step in path.steps if step.to is not None and path.participants[step.to].pid == number], steps


def _named(sender: Participant) -> str:
    return sender.name if sender.pid is None else f"{sender.name} (PID {sender.pid})"


def _became(
    evidence: SignalEvidence,
    process: Process,
    life: Life | None,
    path: SignalPath,
    signal: str,
) -> Became:
    """What became of a signal, by the steps of a process that was sent it."""
    sent, (sends, steps) = parse_signal(signal), _steps_of(process, path)
    of_sent = [step for step in sends if step.signal == sent.name]
    taken = [step.kind for step in steps if step.signal == sent.name]
    if Kind.HANDLER in taken:
        again = any(step.who == step.to for step in of_sent)
        app = process.pid == evidence.seen.app_pid
        return Became.RAISED if again and (evidence.raised_again or not app) else Became.HANDLED
    if Kind.END in taken or (Kind.DEFAULT in taken and life is not None and life.parting is Parting.KILLED):
        return Became.DIED
    if all(step.outcome is Fate.IGNORED for step in of_sent):
        return Became.DROPPED if process.is_namespace_init else Became.IGNORED
    after = next((one for one in evidence.seen.after if one.pid == process.pid), None)
    if after is not None and after.awaits(sent):
        return Became.PENDING
    return Became.FETCHED if process.blocks(sent) or process.fetches_signals else Became.NOTHING


def _end(seen: Seen, process: Process, life: Life | None, path: SignalPath) -> str:
    """How a process ended, or that it did not."""
    sends, steps = _steps_of(process, path)
    parting = life.parting if life else None
    end = next((step for step in steps if step.kind is Kind.END), None)
    killer = next((path.participants[step.who] for step in reversed(sends) if step.signal == _SIGKILL), None)
    if parting is Parting.EXITED or (end is not None and end.signal is None and parting is None):
        return _exit_of(seen) if process is seen.main else "exited"
    if end is not None and (end.signal != _SIGKILL or killer is None):
        return f"died of {end.signal or 'a signal'}"
    if killer is None:
        last = next((step.signal for step in reversed(sends) if step.outcome is not Fate.IGNORED), None)
        return f"died of {last or 'a signal'}" if parting is Parting.KILLED else _seen_end(seen, process, life)
    if killer.role is Role.KERNEL:
        return f"{_SIGKILL} by {killer.name.replace('ends', 'ended')}"
    grace = ", as the grace period ended" if killer.role is Role.STARTER else ""
    return f"{_SIGKILL} by {_named(killer)}{grace}"


def _seen_end(seen: Seen, process: Process, life: Life | None = None) -> str:
    """The end of a process as far as samples and the container's end tell, and the time of its own."""
    after = next((one for one in seen.after if one.pid == process.pid), None)
    if seen.running and after is not None:
        return _STAYS if after.alive else "a zombie"
    if seen.running:
        return "gone"
    if process is seen.main:
        return _exit_of(seen)
    return "ended" if life and life.ended_s is not None else "ended with the container" if after else "gone"


def _exit_of(seen: Seen) -> str:
    return "exited" if seen.running or seen.exit_code is None else f"exited with {seen.exit_code}"


def _inferred(evidence: SignalEvidence, process: Process, parent: int | None) -> Call:
    """One process by what masks, samples, the log and the engine's events let expect."""
    told, became = _expected(evidence, process)
    sender = TERMINAL if evidence.typed else evidence.seen.engine
    return Call(
        pid=process.inner_pid or process.pid,
        command=process.command,
        parent=parent,
        app=process.pid in (evidence.seen.app_pid, *evidence.more_apps),
        told=told,
        by=sender if told and _addressed(evidence, process) else None,
        after_ms=None,
        became=became,
        end=_expected_end(evidence, process),
        inferred=True,
        signal=None,
    )


def _addressed(evidence: SignalEvidence, process: Process) -> bool:
    """Whether the signal goes to a process by itself: the engine's to the main one, Ctrl-C to the foreground."""
    return process.in_foreground if evidence.typed else process is evidence.seen.main


def _expected(evidence: SignalEvidence, process: Process) -> tuple[bool | None, Became | None]:
    """Whether a process was told and what became of that, as far as its masks and its end show; else ``None``."""
    seen, sent = evidence.seen, evidence.sent
    after = next((one for one in seen.after if one.pid == process.pid), None)
    if process is seen.app and evidence.deliveries:
        return True, Became.HANDLED
    if after is not None and after.awaits(sent) and not process.awaits(sent):
        return True, Became.PENDING
    if _addressed(evidence, process):
        return True, _by_masks(process, sent, gone=after is None)
    dropped = seen.main is not None and _by_masks(seen.main, sent, gone=False) in (Became.DROPPED, Became.IGNORED)
    if evidence.ground is Ground.MASKS or (dropped and not evidence.typed):
        return False, None  # nobody had it who could have passed it on
    died = seen.exit_code == _BY_SIGNAL + sent.number and process is seen.app and process is not seen.main
    if died and _by_masks(process, sent, gone=True) is Became.DIED:
        return True, Became.DIED
    return None, None


def _by_masks(process: Process, sent: Signal, *, gone: bool) -> Became | None:
    """What becomes of a signal at a process that is sent it, by its masks; ``None`` where its own code decides.

    A handler is not the app's word: it may be its runtime's, which raises the signal again.
    """
    if process.catches(sent):
        return None
    if process.ignores(sent):
        return Became.IGNORED
    if drops(process, sent):
        return Became.DROPPED
    if process.blocks(sent) or process.fetches_signals:
        return Became.FETCHED
    return Became.DIED if gone and not process.is_namespace_init and process.fetches_signals is False else None


def _expected_end(evidence: SignalEvidence, process: Process) -> str:
    """How a process ended, by the engine's events and the samples."""
    seen = evidence.seen
    forced = any(event.action == "kill" and event.signal == _KILLED for event in seen.events)
    if seen.running or not forced or evidence.sent.number == _KILLED or seen.exit_code != _BY_SIGNAL + _KILLED:
        return _seen_end(seen, process)
    if process is seen.main:
        return f"{_SIGKILL} by {seen.engine}, as the grace period ended"
    there = any(one.pid == process.pid and one.alive for one in seen.after)
    init = seen.main is not None and seen.main.is_namespace_init
    return f"{_SIGKILL} by {KERNEL}, as PID 1 ended" if there and init else _seen_end(seen, process)
