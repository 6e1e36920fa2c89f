"""Asking an engine once more what may be asked twice: a few times, at irregular intervals. Stands on tenacity.

Only what changes nothing, or nothing more the second time, may come twice: looking, waiting, removing. A signal, a
stop, a start and a creation may have been done though no answer came; what they belong to is made anew in a fresh
container.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import requests
import urllib3
from tenacity import (
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    wait_random_exponential,
)

from harness.core.errors import Disturbed, EngineUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)

_MOST: Final = 6
_FIRST_S: Final = 0.02
_LONGEST_S: Final = 0.5
_AFRESH: Final = 3
FAILED_FROM: Final = 500
"""RFC 9110, 15.6: what a server failed at, though the request was in order."""

_ABSENT: Final = (ConnectionRefusedError, FileNotFoundError, PermissionError)
_BROKEN: Final = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def answered(ask: Callable[[], requests.Response]) -> requests.Response:
    """The answer to a request that may come twice: asked anew where the connection broke or the engine failed.

    Raises:
        requests.RequestException: it broke each time, nothing is there to connect to, or it took too long.
    """
    return Retrying(
        retry=retry_if_exception(_broke) | retry_if_result(lambda answer: answer.status_code >= FAILED_FROM),
        stop=stop_after_attempt(_MOST),
        wait=wait_random_exponential(multiplier=_FIRST_S, max=_LONGEST_S),
        retry_error_callback=lambda state: state.outcome and state.outcome.result(),
    )(ask)


def afresh(deed: Callable[[], T]) -> T:
    """What a deed gives that is done from the start each time: done anew where a fault of the engine hit it.

    Raises:
        Disturbed: a fault hit it each time.
        EngineUnavailable: the connection broke each time.
    """
    return Retrying(
        retry=retry_if_exception_type((Disturbed, EngineUnavailable)),
        stop=stop_after_attempt(_AFRESH),
        reraise=True,
    )(deed)


def _broke(error: BaseException) -> bool:
    """Whether a connection broke that there was: where nobody listens, nobody does a moment later either."""
    return isinstance(error, _BROKEN) and not comes_of(error, *_ABSENT) and not timed_out(error)


def timed_out(error: BaseException) -> bool:
    """Whether an answer took too long; requests names that a broken connection where it had begun."""
    return comes_of(error, requests.Timeout, urllib3.exceptions.TimeoutError)


def comes_of(error: BaseException | None, *kinds: type[BaseException]) -> bool:
    """Whether an error comes of one of some kinds, somewhere down its causes and arguments."""
    return any(cause_in(error, kind) is not None for kind in kinds)


def cause_in(error: BaseException | None, kind: type[E]) -> E | None:
    """The first error of a kind, somewhere down the causes and arguments of one; ``None`` if it comes of none."""
    seen: set[int] = set()
    left = [error]
    while left:
        one = left.pop(0)
        if one is None or id(one) in seen:
            continue
        if isinstance(one, kind):
            return one
        seen.add(id(one))
        left += [one.__cause__, one.__context__, *(arg for arg in one.args if isinstance(arg, BaseException))]
    return None
