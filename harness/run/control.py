"""A control: whether the app's pattern for receipts finds one, where the app is known to have been sent the signal.

Without the kernel's record nothing but the log says whether an app received a signal, and a log that says nothing may
only use other words. So the signal is sent to the app itself, in another container: if the pattern then finds a
receipt, it would have found one before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.core.evidence import SignalEvidence, Untested
from harness.run.waiting import until

if TYPE_CHECKING:
    from harness.core.signals import Signal
    from harness.run.asking import Asking
    from harness.run.observation import Observation
    from harness.run.protocol import Launch


def with_control(asking: Asking, launch: Launch, evidence: SignalEvidence | Untested) -> SignalEvidence | Untested:
    """Evidence that rests on a silent log, with the word of a control on that log; other evidence as it is."""
    if isinstance(evidence, Untested) or not _rests_on_silence(evidence):
        return evidence
    control = asking.see(
        replace(launch, control=True), lambda observation: _control(observation, evidence.sent, evidence)
    )
    return evidence if isinstance(control, Untested) else control


def _rests_on_silence(evidence: SignalEvidence) -> bool:
    return (
        evidence.seen.trace is None
        and evidence.receipts == ()
        and any(each.deliveries is None for each in evidence.per_app)
    )


def _control(observation: Observation, signal: Signal, evidence: SignalEvidence) -> SignalEvidence:
    initial = observation.open()
    observation.container.tell(initial.app, signal)

    def look() -> bool | None:
        receipts = observation.receipts(initial.lines) or ()
        found = any(receipt.signal == signal.name for receipt in receipts)
        return True if found else False if observation.ended() else None

    found = until(look, timeout_s=observation.patience.deadline_s, time=observation.inbox)
    return replace(evidence, proven=bool(found))
