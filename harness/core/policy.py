"""What a team asks beyond the verdicts: which will do, how long a stop may take, which findings are left be. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from harness.core.document import Ignored
from harness.core.rules import GENERAL, Rule
from harness.core.verdict import Verdict

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from harness.core.document import Document, Row
    from harness.core.ignoring import Ignore

GOOD: Final = "good"
"""What stands for all good verdicts where verdicts are required."""
REQUIRABLE: Final = (GOOD, *(verdict.value for verdict in Verdict if not verdict.good and verdict.rank is not None))
"""What can be required: a run whose repeats disagree, or that tested nothing, never will do."""
_NONE: Final[Mapping[str, Sequence[str]]] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What is left be, and the day that it is."""

    ignores: tuple[Ignore, ...]
    today: dt.date


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What the verdicts have to be.

    ``max_stop_s`` is how many seconds a graceful stop may take, ``required`` the verdicts that will do, whatever is
    expected; where nothing is said, what is expected counts.
    """

    max_stop_s: float | None = None
    required: tuple[Verdict, ...] = ()

    def of(self, row: Row) -> Row:
        """A row that says what is required, with the rule on slow stops if it is one."""
        row = msgspec.structs.replace(row, required=self.required)
        took = row.finding.facts.get("took_s") if row.finding else None
        if self.max_stop_s is None or row.verdict is not Verdict.GRACEFUL or not isinstance(took, int | float):
            return row
        if took <= self.max_stop_s:
            return row
        reason = f"{row.reason}; that took {took:.1f} s, and may take {self.max_stop_s:g} s"
        return msgspec.structs.replace(row, rule=Rule.SLOW_STOP, reason=reason)


def required_verdicts(names: Sequence[str]) -> tuple[Verdict, ...]:
    """The verdicts that will do: all good ones, and those of the names but for ``good``; none if nothing is named."""
    if not names:
        return ()
    good = tuple(verdict for verdict in Verdict if verdict.good)
    return tuple(dict.fromkeys((*good, *(Verdict(name) for name in names if name != GOOD))))


def held_against(
    document: Document, policy: Policy, names: Mapping[str, Sequence[str]] = _NONE
) -> tuple[Document, list[str]]:
    """A document whose rows say what is left be; and what to tell of ignores that count no more.

    ``names`` are further names of subjects, by those that the document gives them.
    """
    told: list[str] = []
    rows: list[Row] = []
    for row in document.results:
        rule = row.rule or GENERAL.get(row.verdict)
        known = (row.subject, *names.get(row.subject, ()))
        covering = [ignore for ignore in policy.ignores if ignore.covers(rule, known)]
        ignore = next((one for one in covering if not one.expired(policy.today)), None)
        if ignore is None:
            told += [
                f"{one.place}: {one.rule} of {row.subject} is ignored no more, since {one.until}: {one.reason}"
                for one in covering
            ]
        rows.append(row if ignore is None else msgspec.structs.replace(row, ignored=_ignored(ignore)))
    return msgspec.structs.replace(document, results=tuple(rows)), list(dict.fromkeys(told))


def _ignored(ignore: Ignore) -> Ignored:
    until = None if ignore.until is None else ignore.until.isoformat()
    return Ignored(reason=ignore.reason, place=ignore.place, until=until)
