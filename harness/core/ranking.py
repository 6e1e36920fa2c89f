"""How verdicts compare: how much is left of the control that an app should have. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from harness.core.verdict import WORST_RANK, Verdict

if TYPE_CHECKING:
    from harness.core.baseline import Finding


class Change(StrEnum):
    """What became of a cell between two recordings, the most important first."""

    WORSE = "worse"
    UNKNOWN = "unknown"
    SIDEWAYS = "sideways"
    GONE = "gone"
    NEW = "new"
    BETTER = "better"
    SAME = "same"


def rank(finding: Finding) -> int:
    """How bad a finding is, from 0 to 3.

    Raises:
        ValueError: it is ``untested``, which is no finding.
    """
    if finding.verdict is Verdict.UNSTABLE:
        return max((verdict.rank for verdict in finding.seen if verdict.rank is not None), default=WORST_RANK)
    if finding.verdict.rank is None:
        raise ValueError(f"{finding.verdict} has no rank")
    return finding.verdict.rank


def change(old: Finding | None, new: Finding | None) -> Change:
    """What became of a cell; what could not be tested, then or now, is unknown."""
    if old is None or new is None:
        return Change.NEW if old is None else Change.GONE
    if Verdict.UNTESTED in (old.verdict, new.verdict):
        return Change.UNKNOWN
    before, after = rank(old), rank(new)
    if after != before:
        return Change.WORSE if after > before else Change.BETTER
    return Change.SAME if old.verdict is new.verdict else Change.SIDEWAYS
