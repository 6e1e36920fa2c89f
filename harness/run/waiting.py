"""The one place that waits: bounded, on a monotonic clock, woken early by news. Stands on tenacity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_result, wait_exponential

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_FIRST_S = 0.002
_MOST_S = 0.05


class Pause(Protocol):
    """Something that can let time pass: a container's inbox, or a scripted clock."""

    def now_ns(self) -> int:
        """The monotonic time in nanoseconds."""
        ...

    def pause(self, seconds: float) -> None:
        """Return after so many seconds, or sooner when there is news."""
        ...


def until(check: Callable[[], T | None], *, timeout_s: float, time: Pause) -> T | None:
    """Ask again and again, soon at first and then less often, until the answer is not ``None``.

    Returns:
        The answer, or ``None`` if there was none within ``timeout_s`` seconds. It is asked at least once, and once
        more at the end.
    """
    deadline = time.now_ns() + round(timeout_s * 1e9)

    def late(_: RetryCallState) -> bool:
        return time.now_ns() >= deadline

    return Retrying(
        retry=retry_if_result(lambda answer: answer is None),
        stop=late,
        wait=wait_exponential(multiplier=_FIRST_S, max=_MOST_S),
        sleep=time.pause,
        retry_error_callback=lambda _: None,
    )(check)
