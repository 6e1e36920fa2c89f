"""One signal, sent by the engine to PID 1, or as a key typed on the container's terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from harness.core.evidence import SignalEvidence
from harness.core.signals import Signal
from harness.run.observation import Observation, SignalDecider

if TYPE_CHECKING:
    from harness.run.protocol import Launch

CTRL_C: Final = b"\x03"
CTRL_C_SIGNAL: Final = Signal(2)
"""What a terminal makes of Ctrl-C, unless it was told otherwise (termios(3), ``VINTR``)."""


def with_terminal(launch: Launch) -> Launch:
    """How a container is run that keys are typed into."""
    return replace(launch, tty=True)


def send(observation: Observation, signal: Signal) -> SignalEvidence:
    """Send a signal, and look on until it is decided what it did."""
    return _see(observation, signal, typed=False)


def press_ctrl_c(observation: Observation) -> SignalEvidence:
    """Press Ctrl-C, and look on until it is decided what that did."""
    return _see(observation, CTRL_C_SIGNAL, typed=True)


def _see(observation: Observation, signal: Signal, *, typed: bool) -> SignalEvidence:
    initial = observation.open()
    if typed:
        echoes = observation.inbox.echoes
        began_ns = observation.container.type(CTRL_C)
        observation.wait_for_signal(
            lambda: observation.inbox.echoes > echoes,
            silence="the terminal does not echo Ctrl-C, as if it were only a character",
        )
    else:
        began_ns = observation.container.kill(signal)
    decider = SignalDecider(observation, initial, signal=signal, began_ns=began_ns, from_engine=not typed)
    decision = observation.decide(decider.step)
    return SignalEvidence(
        **observation.seen_of_signal(initial, decision, signal=signal, began_ns=began_ns),
        typed=typed,
    )
