"""Parts of a run, for several machines that do one each: which part, and what belongs to it. Pure.

Every machine works out the same parts by itself, as nothing but the order of what is planned decides.
"""

from __future__ import annotations

import heapq
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from harness.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

T = TypeVar("T")
_SHARE: Final = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Share:
    """The part ``number`` of a run, of as many as ``of``; the first one is 1."""

    number: int
    of: int

    @staticmethod
    def parse(text: str) -> Share:
        """Read ``K/N``.

        Raises:
            UsageError: it is not that, or there is no such part.
        """
        found = _SHARE.fullmatch(text)
        remedy = "Write K/N: 1/3, 2/3 and 3/3 are the three parts of a run."
        if found is None:
            raise UsageError(f"{text!r} is not a part of a run", remedy=remedy)
        number, of = int(found[1]), int(found[2])
        if of < 1:
            raise UsageError(f"{text}: a run has one part at least", remedy=remedy)
        if not 1 <= number <= of:
            raise UsageError(f"{text}: the parts of {of} are 1/{of} to {of}/{of}", remedy=remedy)
        return Share(number, of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def part_of(items: Sequence[T], share: Share, *, together: Callable[[T], Hashable]) -> tuple[T, ...]:
    """The items of one part, in their order; the parts have nothing in common, and are all items together.

    Items for which ``together`` gives the same are in one part. The largest such group goes first, each to the part
    that has least so far (Graham 1969, longest processing time), so that no two parts differ by more than a group.

    Raises:
        UsageError: there are fewer groups than parts, so that one had nothing to do.
    """
    groups: dict[Hashable, int] = {}
    for item in items:
        key = together(item)
        groups[key] = groups.get(key, 0) + 1
    if len(groups) < share.of:
        images = "1 image" if len(groups) == 1 else f"{len(groups)} images"
        raise UsageError(
            f"{share.of} parts are too many: the run has {images}, and each is built in one part alone",
            remedy=f"Make it {max(len(groups), 1)} at most.",
        )
    parts = [(0, number) for number in range(1, share.of + 1)]
    mine: set[Hashable] = set()
    for key in sorted(groups, key=lambda key: -groups[key]):
        size, number = parts[0]
        heapq.heapreplace(parts, (size + groups[key], number))
        if number == share.number:
            mine.add(key)
    return tuple(item for item in items if together(item) in mine)
