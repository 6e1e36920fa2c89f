"""Doing a thing several times: by who wants it, and beside, by whoever has nothing else to do."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Repeats(Generic[T]):
    """The same thing, so many times.

    Args:
        do: does it once, for what it gives; called in several threads where several help.
        times: how often, in all.
        enough: whether it need not be done again, by what one time gave.
    """

    def __init__(self, do: Callable[[], T], *, times: int, enough: Callable[[T], bool]) -> None:
        self._do = do
        self._enough = enough
        self._lock = threading.Lock()
        self._left = deque(Future[T]() for _ in range(times))
        self._taken: list[Future[T]] = []

    def help(self) -> None:
        """Do it until none is left that nobody does; raises what doing it raised, as `all` does then, too."""
        while (future := self._take()) is not None:
            try:
                future.set_result(self._do())
            except BaseException as error:  # as a pool hands on whatever comes
                self._leave_the_rest()
                future.set_exception(error)
                raise
            if self._enough(future.result()):
                self._leave_the_rest()

    def all(self) -> list[T]:
        """Do what is left, wait for what others do, and give all; raises what doing it raised."""
        self.help()
        return [future.result() for future in self._taken]

    def _take(self) -> Future[T] | None:
        with self._lock:
            if not self._left:
                return None
            self._taken.append(self._left.popleft())
            return self._taken[-1]

    def _leave_the_rest(self) -> None:
        with self._lock:
            self._left.clear()
