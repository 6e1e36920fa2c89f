"""Which of many things is done next where those of a kind had better come one after another."""

from __future__ import annotations

import math
import threading
from collections import Counter, deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

_MANY: Final = 8
"""How many of a kind are left for each under way, where it is worth while to have one more of them under way."""


class Agenda:
    """Things to do, in their order, each of a kind; as many are taken as there are.

    Of a kind, as few are done at once as keeps ``width`` of all kinds going: one, as long as there are kinds enough.
    What is next of a kind that has all of its own waits, and the first of another kind comes before it. Who would have
    to wait takes one of a kind of which many are left.
    """

    def __init__(self, kinds: Sequence[Hashable], *, width: int) -> None:
        self._kinds = kinds
        self._width = width
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
            self._under_way[kind] -= 1
            if not self._under_way[kind]:
                del self._under_way[kind]
            self._changed.notify_all()

    def _next(self) -> int | None:
        kinds = len(self._to_do) + sum(kind not in self._to_do for kind in self._under_way)
        few = math.ceil(self._width / max(1, kinds))
        place = self._first(lambda kind, _: self._under_way[kind] < few)
        return self._first(lambda kind, left: left > _MANY * self._under_way[kind]) if place is None else place

    def _first(self, may: Callable[[Hashable, int], bool]) -> int | None:
        """The first of which one more may be under way, by its kind and by how many of that are left."""
        for kind, places in self._to_do.items():
            if may(kind, len(places)):
                place = places.popleft()
                if not places:
                    del self._to_do[kind]
                self._under_way[kind] += 1
                return place
        return None
