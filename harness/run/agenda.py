"""Which of many things is done next where those of a kind had better come one after another."""

from __future__ import annotations

import math
import statistics
import threading
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

_WORTH_S: Final = 1.5
"""How long what is left of a kind takes each that does it, where it is worth while that one more does."""
_TAKES_S: Final = 0.2
"""How long one thing takes as long as none of its kind has been done."""


class Agenda:
    """Things to do, in their order, each of a kind; as many are taken as there are.

    Of a kind, as few are done at once as keeps ``width`` of all kinds going: one, as long as there are kinds enough.
    What is next of a kind that has all of its own waits, and the first of another kind comes before it. Who would have
    to wait takes one of the kind that takes longest, going by those of it that have been done, if that is worth while.

    Args:
        kinds: of what kind each thing is.
        width: how many things keep all busy.
        clock: the time in seconds.
    """

    def __init__(self, kinds: Sequence[Hashable], *, width: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._kinds = kinds
        self._width = width
        self._clock = clock
        self._began_s: dict[int, float] = {}
        self._took_s: dict[Hashable, list[float]] = {}
        self._to_do: dict[Hashable, deque[int]] = {}
        for place, kind in enumerate(kinds):
            self._to_do.setdefault(kind, deque()).append(place)
        self._under_way: Counter[Hashable] = Counter()
        self._changed = threading.Condition()

    def take(self) -> int:
        """The place of the next thing, once one may be done; `done` has to be called for it."""
        with self._changed:
            while True:
                place = self._next()
                if place is not None:
                    return place
                self._changed.wait()

    def done(self, place: int) -> None:
        """A thing is done."""
        kind = self._kinds[place]
        with self._changed:
            self._took_s.setdefault(kind, []).append(self._clock() - self._began_s.pop(place))
            self._under_way[kind] -= 1
            if not self._under_way[kind]:
                del self._under_way[kind]
            self._changed.notify_all()

    def _next(self) -> int | None:
        kinds = len(self._to_do) + sum(kind not in self._to_do for kind in self._under_way)
        few = math.ceil(self._width / max(1, kinds))
        kind = next((kind for kind in self._to_do if self._under_way[kind] < few), None)
        if kind is None:
            kind = max((kind for kind in self._to_do if self._left_s(kind) > _WORTH_S), key=self._left_s, default=None)
        return None if kind is None else self._take(kind)

    def _take(self, kind: Hashable) -> int:
        place = self._to_do[kind].popleft()
        if not self._to_do[kind]:
            del self._to_do[kind]
        self._under_way[kind] += 1
        self._began_s[place] = self._clock()
        return place

    def _left_s(self, kind: Hashable) -> float:
        """How long what is left of a kind takes those that do it, going by what has been done of it."""
        took = self._took_s.get(kind, [_TAKES_S])
        return len(self._to_do[kind]) * statistics.fmean(took) / self._under_way[kind]
