"""Two recordings side by side: which cells changed, how, and likely why. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.core.baseline import counterparts, of_engine
from harness.core.cause import Cause, Shift, cause, engine_shifts, image_shift, recorded_shifts
from harness.core.ranking import Change, change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.core.baseline import Finding, Key, Recording
    from harness.core.verdict import Verdict


class FailOn(StrEnum):
    """Which changes are a failure."""

    WORSE = "worse"
    ANY = "any"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One cell that changed; ``cause`` is there where both recordings have a finding."""

    key: Key
    change: Change
    old: Finding | None
    new: Finding | None
    cause: Cause | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What changed from one recording to another; the differences come with the most important first."""

    old: Recording
    new: Recording
    differences: tuple[Difference, ...]
    same: int

    @property
    def counts(self) -> Mapping[Change, int]:
        """How many cells changed in which way."""
        return Counter(difference.change for difference in self.differences)

    @property
    def image(self) -> Shift | None:
        """Whether the bases are two images."""
        return image_shift(self.old.base, self.new.base)

    @property
    def base(self) -> tuple[Shift, ...]:
        """What differs between the bases."""
        return recorded_shifts(self.old, self.new)

    @property
    def engine(self) -> tuple[Shift, ...]:
        """What differs between the engines; such recordings are not strictly comparable."""
        return engine_shifts(self.old.engine, self.new.engine)

    def cell_id(self, difference: Difference) -> str:
        """The readable name of a cell that changed, where it was found."""
        return f"{self.new.place}/{'/'.join(difference.key)}"

    def groups(self, wanted: Change) -> Mapping[str, tuple[Difference, ...]]:
        """The cells that changed in one way, by the text of their likely cause, the most frequent one first."""
        found: dict[str, list[Difference]] = {}
        for difference in self.differences:
            if difference.change is wanted:
                found.setdefault(difference.cause.text if difference.cause else "", []).append(difference)
        ordered = sorted(found.items(), key=lambda item: -len(item[1]))
        return {text: tuple(differences) for text, differences in ordered}


def compare(old: Recording, new: Recording) -> Comparison:
    """Compare one recording with another, cell by cell."""
    keys = dict.fromkeys([*old.findings, *new.findings])
    found = [_difference(old, new, key) for key in keys]
    changed = [difference for difference in found if difference.change is not Change.SAME]
    order = list(Change)
    return Comparison(
        old=old,
        new=new,
        differences=tuple(sorted(changed, key=lambda difference: order.index(difference.change))),
        same=len(found) - len(changed),
    )


def compare_all(old: Sequence[Recording], new: Sequence[Recording], bases: Iterable[str]) -> list[Comparison]:
    """Compare each base with its counterpart; a base that is on one side alone is compared with nothing.

    Where several engines were found, each is compared with what was recorded of it, see `of_engine`.

    Args:
        old: what was recorded.
        new: what was found.
        bases: all bases that were asked for, found or not: they decide which are counterparts.
    """
    wanted = tuple(bases)
    engines: dict[tuple[str | None, str], list[Recording]] = {}
    for one in new:
        engines.setdefault((one.column, one.engine.name), []).append(one)
    if not engines:
        return [compare(one, replace(one, findings={})) for one in old]
    return [made for found in engines.values() for made in _compare_engine(old, found, wanted)]


def _compare_engine(old: Sequence[Recording], new: Sequence[Recording], bases: Sequence[str]) -> list[Comparison]:
    """Compare what was found on one engine, which may have become another version from base to base."""
    sides = [of_engine(old, one.engine) for one in new]
    pairs = [counterparts(side, bases).get(one.base.reference) for side, one in zip(sides, new, strict=True)]
    matched = [(before or replace(one, findings={}), one) for before, one in zip(pairs, new, strict=True)]
    own = {id(one): one for side in sides for one in side}
    lacking = [one for number, one in own.items() if number not in set(map(id, pairs))]
    gone = [(one, replace(one, findings={}, column=new[0].column)) for one in lacking]
    return [compare(before, after) for before, after in (*matched, *gone)]


def recorded(comparisons: Iterable[Comparison]) -> dict[str, Verdict]:
    """What is recorded of each cell that is compared with a recording, by the cell's id."""
    return {
        f"{comparison.new.place}/{variant}/{question}": finding.verdict
        for comparison in comparisons
        for (variant, question), finding in comparison.old.findings.items()
    }


def _difference(old: Recording, new: Recording, key: Key) -> Difference:
    before, after = old.findings.get(key), new.findings.get(key)
    what = change(before, after)
    compared = what in (Change.WORSE, Change.SIDEWAYS, Change.BETTER)
    likely = cause(old, new, key[0], before, after) if compared and before and after else None
    return Difference(key=key, change=what, old=before, new=after, cause=likely)


def fails(comparisons: Iterable[Comparison], on: FailOn) -> bool:
    """Whether comparisons hold what is to be taken for a failure."""
    found = {difference.change for comparison in comparisons for difference in comparison.differences}
    match on:
        case FailOn.NEVER:
            return False
        case FailOn.WORSE:
            return Change.WORSE in found
        case FailOn.ANY:
            return bool(found - {Change.UNKNOWN})


def leaves_open(comparisons: Iterable[Comparison], on: FailOn) -> bool:
    """Whether cells were not compared: untested then or now, gone, or new; the latter two are but told on ``never``."""
    found = {difference.change for comparison in comparisons for difference in comparison.differences}
    return Change.UNKNOWN in found or (on is not FailOn.NEVER and bool(found & {Change.GONE, Change.NEW}))
