"""Linux signals by number and name, independent of the machine the harness runs on.

Numbers are those of signal(7), column x86/ARM; a client on macOS has others, the container never has. Names of
real-time signals count as the engine counts them: ``SIGRTMIN`` is 34 and ``SIGRTMAX`` is 64 (moby/sys, package signal).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from harness.core.errors import UsageError

_STANDARD: Final = dict(
    enumerate(
        [
            "HUP",
            "INT",
            "QUIT",
            "ILL",
            "TRAP",
            "ABRT",
            "BUS",
            "FPE",
            "KILL",
            "USR1",
            "SEGV",
            "USR2",
            "PIPE",
            "ALRM",
            "TERM",
            "STKFLT",
            "CHLD",
            "CONT",
            "STOP",
            "TSTP",
            "TTIN",
            "TTOU",
            "URG",
            "XCPU",
            "XFSZ",
            "VTALRM",
            "PROF",
            "WINCH",
            "IO",
            "PWR",
            "SYS",
        ],
        start=1,
    )
)
_ALIASES: Final = {"IOT": 6, "CLD": 17, "POLL": 29, "UNUSED": 31}
_RTMIN: Final = 34
_RTMAX: Final = 64
_UNCATCHABLE: Final = frozenset({9, 19})
ENDS_NOTHING: Final = frozenset(range(17, 24)) | {28}
"""Signals whose default action ends nothing (signal(7)): those of job control, SIGCHLD, SIGURG, SIGWINCH."""
STOPS_ONLY: Final = frozenset(range(19, 23))
"""Signals whose default action is to stop the process (signal(7))."""
_REAL_TIME: Final = re.compile(r"RT(MIN|MAX)(?:([+-])(\d{1,2}))?")


@dataclass(frozen=True, order=True, slots=True)
class Signal:
    """One Linux signal."""

    number: int

    @property
    def name(self) -> str:
        """The name as it is shown, ``SIGTERM`` or ``SIGRTMIN+3``."""
        if self.number in _STANDARD:
            return f"SIG{_STANDARD[self.number]}"
        offset = self.number - _RTMIN
        if offset < 0:
            return str(self.number)  # 32 and 33 belong to the C library and have no name
        return "SIGRTMIN" if offset == 0 else f"SIGRTMIN+{offset}"

    @property
    def catchable(self) -> bool:
        """Whether a process can have a handler for it at all."""
        return self.number not in _UNCATCHABLE

    @property
    def fatal(self) -> bool:
        """Whether its default action ends a process."""
        return self.number not in ENDS_NOTHING

    def __str__(self) -> str:
        """The name."""
        return self.name


def parse_signal(text: str) -> Signal:
    """Read a signal from ``HUP``, ``SIGHUP``, ``1`` or ``RTMIN+3``, in any case.

    Raises:
        UsageError: there is no such signal, or no process can catch it.
    """
    signal = known_signal(text)
    if signal is None:
        raise UsageError(
            f"{text!r} is not a signal", remedy="Name it as kill(1) does, such as HUP, SIGTERM, 15 or RTMIN+3; or: all."
        )
    if not signal.catchable:
        raise UsageError(
            f"{signal} cannot be caught by any process, so there is nothing to test",
            remedy="Choose a signal that an app can handle, such as SIGTERM.",
        )
    return signal


def known_signal(text: str) -> Signal | None:
    """Any signal, as `parse_signal` reads it; ``None`` if there is none of that name."""
    name = text.strip().upper()
    digits = name.isascii() and name.isdecimal() and len(name) <= len(str(_RTMAX))
    number = int(name) if digits else _number(name.removeprefix("SIG"))
    return Signal(number) if number is not None and 1 <= number <= _RTMAX else None


def _number(name: str) -> int | None:
    if name in _ALIASES:
        return _ALIASES[name]
    if match := _REAL_TIME.fullmatch(name):
        number = _RTMIN if match[1] == "MIN" else _RTMAX
        number += int(f"{match[2] or '+'}{match[3] or 0}")
        return number if _RTMIN <= number <= _RTMAX else None
    return next((number for number, known in _STANDARD.items() if known == name), None)


def catchable_signals() -> tuple[Signal, ...]:
    """Every standard signal that a process can catch, in order of number.

    Real-time signals are chosen by name: most runtimes offer no handler for them.
    """
    return tuple(Signal(number) for number in _STANDARD if number not in _UNCATCHABLE)


DEFAULT_SIGNALS: Final = (Signal(1), Signal(15))


def mask_signals(mask: int) -> tuple[Signal, ...]:
    """The signals of a mask as proc_pid_status(5) has it: bit n-1 stands for signal n."""
    return tuple(Signal(number) for number in range(1, _RTMAX + 1) if mask >> (number - 1) & 1)
