"""What contradicts a finding: a deed that is not the harness's, or one of the harness's that did not happen. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.core.evidence import Ground
from harness.core.signals import Signal
from harness.core.trace import Fate, Sent, sends

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.evidence import Seen, SignalEvidence


_KILLED: Final = 9


def contradiction(evidence: SignalEvidence, ours: Sequence[int]) -> str | None:
    """Why evidence says nothing about what a signal did; ``None`` if nothing contradicts it.

    Args:
        evidence: of a signal.
        ours: the numbers of the signals that the harness had the engine send, as often as it did.
    """
    ended = None if _KILLED in ours else _ended_by_itself(evidence)
    return _somebody_else(evidence.seen, ours) or _not_sent(evidence, bool(ours)) or ended


def _somebody_else(seen: Seen, ours: Sequence[int]) -> str | None:
    """Whether somebody else signalled the container as well, by the engine's events and by the kernel's record."""
    left = list(ours)
    for event in seen.events:
        if event.action != "kill" or event.signal is None:
            continue
        if event.signal not in left:
            return f"somebody else had the engine send {Signal(event.signal)} to the container"
        left.remove(event.signal)
    left = list(ours)
    for record in seen.trace or ():
        if not isinstance(record, Sent) or not record.from_outside or record.fate is Fate.LOST:
            continue
        if record.number == _KILLED and _KILLED in ours:
            continue  # the engine's runtime may send it to each process
        if record.number not in left:
            return f"somebody outside the container, `{record.sender}`, sent {Signal(record.number)} into it"
        left.remove(record.number)
    return None


def _not_sent(evidence: SignalEvidence, asked: bool) -> str | None:
    """Whether the engine took the order to send the signal, and nothing shows that it did."""
    seen, signal = evidence.seen, evidence.sent
    if not asked or seen.main is None:
        return None
    if seen.trace is not None:
        ids = {seen.main.pid} | seen.main.threads
        if any(record.target_pid in ids for record in sends(seen.trace, signal.number)):
            return None
        return f"the engine took the order to send {signal}, but the kernel's record has no such signal to PID 1"
    told = any(event.action == "kill" for event in seen.events)
    if told or not seen.running or evidence.deliveries:
        return None
    return f"the engine took the order to send {signal}, but tells of no such event"


def _ended_by_itself(evidence: SignalEvidence) -> str | None:
    """Whether the container ended although nothing in it had been told anything, by the record or by PID 1's masks."""
    seen = evidence.seen
    main = seen.main
    if seen.running or main is None or evidence.typed:
        return None
    if seen.trace is None:
        told = not main.is_namespace_init or main.may_get(evidence.sent)
    else:
        told = any(
            record.number != _KILLED and not (isinstance(record, Sent) and record.fate is Fate.IGNORED)
            for record in seen.trace
        )
    if told or evidence.ground is Ground.MASKS:
        return None
    code = "unknown" if seen.exit_code is None else seen.exit_code
    return f"the kernel dropped {evidence.sent}, and the container ended by itself, with exit code {code}"
