"""Where along an ordered list the answer changes, with few questions asked. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from harness.core.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from harness.core.document import Document, Row

_PARTS: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A place where the answer changes: after ``before``, at ``after``; neighbours in the list."""

    before: int
    after: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """A search for every change among ``size`` places, numbered from 0.

    Two places with different answers are closed in on until they are neighbours. Between two places with the same
    answer there may be a change that is undone again: every stretch of ``gap`` places is looked into, so that only a
    stretch shorter than that can go unseen. A ``gap`` of 1 looks everywhere.
    """

    size: int
    gap: int

    def next(self, answers: Mapping[int, Hashable]) -> tuple[int, ...]:
        """The places to ask about next, which do not depend on each other; none if the search is over.

        Args:
            answers: what is known so far, by place.
        """
        ends = [place for place in dict.fromkeys((0, self.size - 1)) if place not in answers]
        if ends:
            return tuple(ends)
        return tuple(
            (low + high) // 2
            for low, high in pairwise(sorted(answers))
            if high - low > (1 if answers[low] != answers[high] else self.gap)
        )

    @staticmethod
    def changes(answers: Mapping[int, Hashable]) -> tuple[Change, ...]:
        """The changes that the answers of a search that is over show."""
        places = sorted(answers)
        return tuple(Change(before=low, after=high) for low, high in pairwise(places) if answers[low] != answers[high])


def search(size: int, gap: int | None = None) -> Search:
    """Begin a search.

    Args:
        size: how many places there are, at least 1.
        gap: the shortest stretch that must not go unseen; ``None`` is an eighth of the list.
    """
    return Search(size=size, gap=gap or max(1, size // _PARTS))


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """One base, or image, that was looked at: the results of its one cell, or why it could not be had."""

    document: Document | None
    refusal: str = ""

    @property
    def row(self) -> Row | None:
        """The cell's result."""
        return self.document.results[0] if self.document else None

    @property
    def verdict(self) -> Verdict:
        """The cell's verdict; ``untested`` where the base could not be had."""
        return self.row.verdict if self.row else Verdict.UNTESTED


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a bisection found: the list, the places that were tried, and where the verdict changes.

    ``as_is`` tells a list of images as they are from one of bases.
    """

    cell: str
    references: tuple[str, ...]
    gap: int
    tried: Mapping[int, Tried]
    changes: tuple[Change, ...]
    as_is: bool = False

    @property
    def untested(self) -> bool:
        """Whether a base that was tried could not be tested."""
        return any(one.verdict is Verdict.UNTESTED for one in self.tried.values())
