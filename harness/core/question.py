"""What is asked of a container: a signal, or another probe."""

from __future__ import annotations

from enum import StrEnum


class Probe(StrEnum):
    """What is asked of a container."""

    SIGNAL = "signal"
    STOP = "stop"
    EXIT_CODE = "exit-code"
    REAP = "reap"
    TTY = "tty"
