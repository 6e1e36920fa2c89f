"""How verdicts compare: how much is left of the control that an app should have. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from harness.core.verdict import Verdict

if TYPE_CHECKING:
    from harness.core.baseline import Finding

RANKS: Final = {
    Verdict.FORWARDED: 0,
    Verdict.GRACEFUL: 0,
    Verdict.KEPT: 0,
    Verdict.REAPED: 0,
    Verdict.DUPLICATED: 1,
    Verdict.TRANSLATED: 1,
    Verdict.CUT_SHORT: 2,
    Verdict.SWALLOWED: 3,
    Verdict.KILLED: 3,
    Verdict.ABRUPT: 3,
    Verdict.FORCED: 3,
    Verdict.LOST: 3,
    Verdict.ZOMBIE: 3,
}
"""0: as it should be. 1: the app gets to know, not quite what was sent. 2: it gets to know too late. 3: it does not.

Verdicts of one rank are bad in different ways, and a change between them is sideways: ``swallowed`` loses the grace
period, ``killed`` loses the data at once. ``unstable`` ranks as the worst of its runs.
"""


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
        KeyError: it is ``untested``, which is no finding.
    """
    if finding.verdict is Verdict.UNSTABLE:
        return max((RANKS[verdict] for verdict in finding.seen), default=max(RANKS.values()))
    return RANKS[finding.verdict]


def change(old: Finding | None, new: Finding | None) -> Change:
    """Tell what became of a cell; what could not be tested, then or now, is unknown."""
    if old is None or new is None:
        return Change.NEW if old is None else Change.GONE
    if Verdict.UNTESTED in (old.verdict, new.verdict):
        return Change.UNKNOWN if old.verdict is not new.verdict else Change.SAME
    before, after = rank(old), rank(new)
    if after != before:
        return Change.WORSE if after > before else Change.BETTER
    return Change.SAME if old.verdict is new.verdict else Change.SIDEWAYS
