"""``signal``: one signal, sent by the engine to the main process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.run.control import with_control
from harness.run.rest import SignalDecider

if TYPE_CHECKING:
    from harness.core.evidence import SignalEvidence, Untested
    from harness.core.reproduce import ByHand
    from harness.run.asking import Asking
    from harness.run.observation import Observation


def ask(asking: Asking) -> SignalEvidence | Untested:
    """Send a signal, and look on until it is decided what it did."""

    def look(observation: Observation) -> SignalEvidence:
        initial = observation.open()
        began_ns = observation.container.kill(asking.signal)
        decider = SignalDecider(observation, initial, signal=asking.signal, began_ns=began_ns)
        decision = observation.decide(decider.step)
        observation.wait_for_event("kill", signal=asking.signal, began_ns=began_ns)
        return observation.signalled(initial, decision, signal=asking.signal, began_ns=began_ns)

    return with_control(asking, asking.launch, asking.see(asking.launch, look))


def by_hand(hand: ByHand) -> tuple[str, ...]:
    """Start it, look, send the signal, and look again."""
    kill = f"{hand.cli} kill --signal={hand.cell.question.name} {hand.name}"
    return hand.run(), hand.listening, hand.top, kill, hand.settled, hand.logs, hand.state, hand.remove
