"""``signal``: one signal, sent by the engine to the main process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.run.control import with_control
from harness.run.rest import SignalDecider

if TYPE_CHECKING:
    from harness.core.evidence import SignalEvidence, Untested
    from harness.core.reproduce import ByHand
    from harness.core.signals import Signal
    from harness.run.asking import Asking
    from harness.run.observation import InitialState, Observation


def ask(asking: Asking) -> SignalEvidence | Untested:
    """Send a signal to a fresh container, and look on until it is decided what it did."""

    def look(observation: Observation) -> SignalEvidence:
        return send(observation, observation.open(), asking.signal)

    return with_control(asking, asking.launch, asking.see(asking.launch, look))


def send(observation: Observation, initial: InitialState, signal: Signal) -> SignalEvidence:
    """Send a signal to a container that is ready and at rest, and look on until it is decided what it did.

    Raises:
        CannotTest: nothing decides it.
        Disturbed: something of what the container did may have been missed.
        EngineFault: the engine refused.
        EngineUnavailable: the engine went away.
    """
    began_ns = observation.container.kill(signal)
    decider = SignalDecider(observation, initial, signal=signal, began_ns=began_ns)
    decision = observation.decide(decider.step)
    observation.wait_for_event("kill", signal=signal, began_ns=began_ns)
    return observation.signalled(initial, decision, signal=signal, began_ns=began_ns)


def by_hand(hand: ByHand) -> tuple[str, ...]:
    """Start it, look, send the signal, and look again."""
    kill = f"{hand.cli} kill --signal={hand.cell.question.name} {hand.name}"
    return hand.run(), hand.listening, hand.top, kill, hand.settled, hand.logs, hand.state, hand.remove
