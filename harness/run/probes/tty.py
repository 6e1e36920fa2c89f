"""``tty``: Ctrl-C, typed as a key on the container's terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from harness.core.signals import Signal
from harness.run.control import with_control
from harness.run.rest import SignalDecider

if TYPE_CHECKING:
    from harness.core.evidence import SignalEvidence, Untested
    from harness.core.reproduce import ByHand
    from harness.run.asking import Asking
    from harness.run.observation import Observation

CTRL_C: Final = b"\x03"
SIGNAL: Final = Signal(2)
"""What a terminal makes of Ctrl-C, unless it was told otherwise (termios(3), ``VINTR``)."""


def ask(asking: Asking) -> SignalEvidence | Untested:
    """Press Ctrl-C, and look on until it is decided what that did."""

    def look(observation: Observation) -> SignalEvidence:
        initial = observation.open()
        echoes = observation.inbox.echoes
        began_ns = observation.container.type(CTRL_C)
        observation.wait_for_signal(
            lambda: observation.inbox.echoes > echoes,
            silence="the terminal does not echo Ctrl-C, as if it were only a character",
        )
        decider = SignalDecider(observation, initial, signal=SIGNAL, began_ns=began_ns, from_engine=False)
        decision = observation.decide(decider.step)
        return observation.signalled(initial, decision, signal=SIGNAL, began_ns=began_ns, typed=True)

    launch = replace(asking.launch, tty=True)
    return with_control(asking, launch, asking.see(launch, look))


def by_hand(hand: ByHand) -> tuple[str, ...]:
    """Start it on a terminal, press the key there, and look; in the end the keys that leave it are pressed."""
    keys = f"(sleep 2; printf '\\003'; {hand.settled}; printf '\\020\\021')"
    press = f"{keys} | script -qc 'stty raw -echo; {hand.cli} attach {hand.name}' /dev/null >/dev/null   # Ctrl-C"
    return hand.run(how="-dit"), hand.listening, press, hand.logs, hand.state, hand.remove
