"""How far another machine's monotonic clock is ahead of ours, by the requests that it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_DRIFT: Final = 500e-6
"""How fast two clocks may go apart: what NTP may slew one by (adjtimex(2))."""


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Between what the lead was when it was measured, all in nanoseconds."""

    low: int
    high: int
    at: int

    def widened(self, now: int) -> _Bounds:
        """The same by now."""
        by = round(abs(now - self.at) * _DRIFT)
        return _Bounds(self.low - by, self.high + by, now)


class Clock:
    """The lead of a machine's clock, from what it said between a request and its answer.

    Args:
        same: whether the machine is ours, so that there is no lead wherever what is measured allows that.
    """

    def __init__(self, *, same: bool = False) -> None:
        self._same = same
        self._bounds: _Bounds | None = None

    def take(self, sent_ns: int, there_ns: int, received_ns: int) -> None:
        """Take in that its clock showed a time between two moments of ours."""
        new = _Bounds(there_ns - received_ns, there_ns - sent_ns, sent_ns).widened(received_ns)
        old = self._bounds and self._bounds.widened(received_ns)
        apart = old is not None and (new.low > old.high or new.high < old.low)  # one of them stood still meanwhile
        self._bounds = new if old is None or apart or new.high - new.low <= old.high - old.low else old

    @property
    def ahead_ns(self) -> int:
        """The least that its lead may be: then nothing that it tells of is taken to have been earlier than it was.

        What came after a signal that we sent is never taken for older; it may be taken for later by the uncertainty.
        """
        if self._bounds is None or (self._same and self._bounds.low <= 0 <= self._bounds.high):
            return 0
        return self._bounds.low

    @property
    def uncertainty_ns(self) -> int:
        """By how much more it may lead; 0 where the clocks are one."""
        if self._bounds is None or self.ahead_ns != self._bounds.low:
            return 0
        return self._bounds.high - self._bounds.low
