"""A control: whether the app's pattern for receipts finds one, where the app is known to have been sent the signal.

Without the kernel's record nothing but the log says whether an app received a signal, and a log that says nothing may
only use other words. So the signal is sent to the app itself, in another container: if the pattern then finds a
receipt, it would have found one before. A receipt that does not come at once may be a line that always comes: then it
comes in another container, too, to which nothing is sent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.core.evidence import SignalEvidence, Untested
from harness.run.waiting import until

_LATE_S = 0.3
_SOON_S = 0.05
"""After how many seconds a receipt does not come at once: one that names its process, and one that does not."""

_MORE_S = 1.0
"""How much longer than before a line is waited for: one container may be slower to start than the other."""

if TYPE_CHECKING:
    from harness.core.signals import Signal
    from harness.run.asking import Asking
    from harness.run.observation import Observation
    from harness.run.protocol import Launch


def with_control(asking: Asking, launch: Launch, evidence: SignalEvidence | Untested) -> SignalEvidence | Untested:
    """Evidence that rests on a silent log, with the word of a control on that log; other evidence as it is."""
    if isinstance(evidence, Untested) or evidence.seen.trace is not None:
        return evidence
    late_s = _late_s(evidence)
    if late_s is None and not _rests_on_silence(evidence):
        return evidence

    def look(observation: Observation) -> SignalEvidence:
        if late_s is not None:
            return replace(evidence, early=_seen(observation, evidence.sent, tell=False, within_s=late_s))
        within_s = observation.patience.deadline_s
        return replace(evidence, proven=_seen(observation, evidence.sent, tell=True, within_s=within_s))

    control = asking.see(replace(launch, control=True), look)
    return evidence if isinstance(control, Untested) else control


def _late_s(evidence: SignalEvidence) -> float | None:
    """How long to wait for a receipt without a signal, in seconds; ``None`` where no receipt leaves room for doubt."""
    first = next((receipt for receipt in evidence.own_receipts if receipt.signal == evidence.sent.name), None)
    if first is None:
        return None
    after_s = (first.read_ns - evidence.seen.began_ns) / 1e9
    return None if after_s < (_SOON_S if first.pid is None else _LATE_S) else after_s + _MORE_S


def _rests_on_silence(evidence: SignalEvidence) -> bool:
    return evidence.receipts == () and any(each.deliveries is None for each in evidence.per_app)


def _seen(observation: Observation, signal: Signal, *, tell: bool, within_s: float) -> bool:
    """Whether a receipt comes within some seconds, if the app is sent the signal or if it is not."""
    initial = observation.open()
    if tell:
        observation.container.tell(initial.app, signal)

    def look() -> bool | None:
        receipts = observation.receipts(0 if not tell else initial.lines) or ()
        found = any(receipt.signal == signal.name for receipt in receipts)
        return True if found else False if observation.ended() else None

    return bool(until(look, timeout_s=within_s, time=observation.inbox))
