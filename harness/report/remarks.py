"""What a reader must know of a whole run beside its cells, in sentences that every format shows. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from harness.core.comparison import recorded
from harness.core.judged import any_compared, gone, is_judged, uncovered
from harness.core.verdict import Verdict
from harness.report.rows import met, rule_of, why_ignored
from harness.report.style import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.core.comparison import Comparison
    from harness.core.document import Cut, Document, Row

_MOST_NAMES: Final = 8


def remarks(document: Document, compared: Sequence[Comparison]) -> list[str]:
    """What keeps a run from being complete, and what it was not compared with."""
    left_out = document.judged.left_out if document.judged else 0
    chosen = f"The options leave out {counted(left_out, 'recorded cell')}." if left_out else ""
    return [line for line in (_part(document), *gaps(document, compared), chosen, *_ignored(document)) if line]


def _part(document: Document) -> str:
    """Which part of a run these results are; empty for a whole one."""
    if document.shard is None:
        return ""
    parts, of = document.shard.parts, document.shard.of
    which = f"part {parts[0]}" if len(parts) == 1 else f"parts {', '.join(map(str, parts))}"
    planned = counted(len(document.shard.planned), "planned cell")
    return f"This is {which} of {of}, with {len(document.results)} of the run's {planned}."


def _ignored(document: Document) -> list[str]:
    """The findings that are left be, and why; where there are many, the first of them."""
    rows = [row for row in document.results if row.ignored]
    lines = [
        f"Ignored: {row.id}, {row.verdict} ({rule_of(row)}): {why_ignored(row.ignored)}."
        for row in rows[:_MOST_NAMES]
        if row.ignored
    ]
    return lines if len(rows) <= _MOST_NAMES else [*lines, f"Ignored: {len(rows) - _MOST_NAMES} more."]


def gaps(document: Document, compared: Sequence[Comparison]) -> list[str]:
    """What of a run fails beside its cells: it was cut, or was not compared with all that was recorded."""
    lines = []
    if document.cut:
        lines.append(f"The run was cut short: {cut(document)}.")
    if is_judged(document, compared):
        missing = gone(compared)
        if not any_compared(compared):
            lines.append("Nothing was compared: no recorded cell was run. Is it another catalogue (--catalogue)?")
        lines.append(_named(missing, "recorded", "not among the results"))
        cells = [row.id for row in uncovered(document.results, recorded(compared))]
        lines.append(_named(cells, "", "covered by nothing, neither a recording nor the catalogue"))
    return [line for line in lines if line]


def cut(document: Document) -> str:
    """How far a run came that was cut, and why it was; empty if it came to its end."""
    if document.cut is None:
        return ""
    return f"{len(document.results)} of {counted(document.cut.planned, 'cell')} ran; {document.cut.reason}"


def standing(document: Document, compared: Sequence[Comparison] = ()) -> str:
    """How a run stands to what is expected of it, in a few words that never make bad verdicts look good."""
    missing = gone(compared)
    return _standing(document, recorded(compared)) + (f", {len(missing)} recorded not run" if missing else "")


def _standing(document: Document, known: Mapping[str, Verdict]) -> str:
    rows = document.results
    left = [row for row in rows if row.ignored is None]
    ignored = f"{len(rows) - len(left)} ignored" if len(left) < len(rows) else ""
    if ignored and not left:
        return ignored
    told = _counted(left, Counter(met(row, known.get(row.id)) for row in left if row.tested), cut=document.cut)
    return f"{told}, {ignored}" if ignored else told


def _counted(rows: Sequence[Row], met: Counter[bool | None], *, cut: Cut | None) -> str:
    if not met:
        return "none could be tested" if rows else "nothing was run"
    if met[False]:
        return f"{met[False]} not as expected"
    bad = sum(row.tested and not row.verdict.good and row.verdict is not Verdict.UNSTABLE for row in rows)
    if not met[True]:
        return "nothing was expected" + (f"; {bad} bad" if bad else "")
    if met[None]:
        return f"{met[True]} as expected, {met[None]} with no expectation" + (f"; {bad} bad" if bad else "")
    though = f", {bad} of them bad" if bad else ""
    who = "all that ran" if cut else "all" if met.total() == len(rows) else "all tested ones"
    return f"{who} as expected{though}"


def _named(cells: Sequence[str], before: str, what: str) -> str:
    """How many cells there are of a kind, and which."""
    if not cells:
        return ""
    names = [*cells[:_MOST_NAMES], *([f"{len(cells) - _MOST_NAMES} more"] if len(cells) > _MOST_NAMES else [])]
    verb = "is" if len(cells) == 1 else "are"
    return f"{counted(len(cells), f'{before} cell'.strip())} {verb} {what}: {', '.join(names)}."
