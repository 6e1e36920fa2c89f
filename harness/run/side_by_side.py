"""Several things of one cell: done by the worker that has it, and beside, by workers that have nothing else to do."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


class Several(Protocol):
    """A way to do several things."""

    def __call__(self, tasks: Sequence[Callable[[], T]], *, enough: Callable[[T], bool]) -> list[T]:
        """Do them, until what one gives is enough; what they gave, in order, and none for those that were not begun."""
        ...


class SideBySide(Generic[T]):
    """Things that whoever has time does, the first ones first.

    Args:
        tasks: does one each, for what it gives; called in several threads where several help.
        enough: whether no more need be done, by what one gave.
    """

    def __init__(self, tasks: Sequence[Callable[[], T]], *, enough: Callable[[T], bool]) -> None:
        self._enough = enough
        self._lock = threading.Lock()
        self._left = deque(tasks)
        self._begun: list[Future[T]] = []

    def help(self) -> None:
        """Do one after another, until none is left that nobody does; raises what one raised, as `all` does then."""
        while (taken := self._take()) is not None:
            task, future = taken
            try:
                future.set_result(task())
            except BaseException as error:  # as a pool hands on whatever comes
                self._leave_the_rest()
                future.set_exception(error)
                raise
            if self._enough(future.result()):
                self._leave_the_rest()

    def all(self) -> list[T]:
        """Do what is left, wait for what others do, and give all, in order."""
        self.help()
        return [future.result() for future in self._begun]

    def _take(self) -> tuple[Callable[[], T], Future[T]] | None:
        with self._lock:
            if not self._left:
                return None
            self._begun.append(Future())
            return self._left.popleft(), self._begun[-1]

    def _leave_the_rest(self) -> None:
        with self._lock:
            self._left.clear()


def one_after_another(tasks: Sequence[Callable[[], T]], *, enough: Callable[[T], bool]) -> list[T]:
    """Do several things with nobody's help."""
    return SideBySide(tasks, enough=enough).all()
