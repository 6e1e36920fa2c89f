"""One signal, sent by the engine to PID 1, or as a key typed on the container's terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from harness.core.model import SignalEvidence
from harness.core.signals import Signal
from harness.run.watch import SignalDecider, Watch

if TYPE_CHECKING:
    from harness.run.protocol import Launch

CTRL_C: Final = b"\x03"
CTRL_C_SIGNAL: Final = Signal(2)
"""What a terminal makes of Ctrl-C, unless it was told otherwise (termios(3), ``VINTR``)."""


def with_terminal(launch: Launch) -> Launch:
    """How a container is run that keys are typed into."""
    return replace(launch, tty=True)


def send(watch: Watch, signal: Signal) -> SignalEvidence:
    """Send a signal, and look on until it is decided what it did."""
    return _see(watch, signal, typed=False)


def press_ctrl_c(watch: Watch) -> SignalEvidence:
    """Press Ctrl-C, and look on until it is decided what that did."""
    return _see(watch, CTRL_C_SIGNAL, typed=True)


def _see(watch: Watch, signal: Signal, *, typed: bool) -> SignalEvidence:
    opening = watch.open()
    if typed:
        echoes = watch.inbox.echoes
        began_ns = watch.container.type(CTRL_C)
        watch.wait_for_signal(
            lambda: watch.inbox.echoes > echoes,
            silence="the terminal does not echo Ctrl-C, as if it were only a character",
        )
    else:
        began_ns = watch.container.kill(signal)
    decider = SignalDecider(watch, opening, signal=signal, began_ns=began_ns, from_engine=not typed)
    decision = watch.decide(decider.step)
    return SignalEvidence(
        **watch.seen_of_signal(opening, decision, signal=signal, began_ns=began_ns),
        typed=typed,
    )
