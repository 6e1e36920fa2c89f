"""What changed between two recordings, for people: the worst first, grouped by the likely cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.core.ranking import Change
from harness.core.verdict import Verdict
from harness.report.style import CHANGED, look, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from harness.core.baseline import Finding
    from harness.core.cause import Shift
    from harness.core.comparison import Comparison, Difference

SIGNS: Final = {
    Change.WORSE: ("▼", "red"),
    Change.UNKNOWN: ("?", "cyan"),
    Change.SIDEWAYS: ("◆", "yellow"),
    Change.GONE: ("-", "dim"),
    Change.NEW: ("+", "dim"),
    Change.BETTER: ("▲", "green"),
    Change.SAME: ("=", "dim"),
}
_QUESTION: Final = 7


def render(comparisons: Sequence[Comparison]) -> RenderableType:
    """Give what changed, base by base."""
    parts: list[RenderableType] = []
    for comparison in comparisons:
        parts += [*_one(comparison), Text()]
    return Group(*parts[:-1])


def summary(comparisons: Iterable[Comparison]) -> str:
    """Give one line: how many cells of each change."""
    told = list(comparisons)
    counts = {change: sum(one.counts.get(change, 0) for one in told) for change in Change}
    counts[Change.SAME] = sum(one.same for one in told)
    parts = [f"{counts[change]} {change}" for change in Change if counts[change]]
    return f"{sum(counts.values())} cells: {', '.join(parts) or 'none to compare'}"


def caveat(comparison: Comparison) -> str:
    """Say that two recordings are of different bases or engines, or were seen by other means; empty if they are not."""
    old, new = comparison.old.base.reference, comparison.new.base.reference
    told = [f"{new} is held against what was recorded of {old}."] if old != new else []
    if comparison.engine:
        shifts = "; ".join(map(str, comparison.engine))
        told.append(f"What was recorded of {old} was run elsewhere: {shifts}.")
    return printable(" ".join(told))


def _one(comparison: Comparison) -> list[RenderableType]:
    old, new = comparison.old.base.reference, comparison.new.base.reference
    head = Text(printable(new if old == new else f"{old} → {new}"), style="bold")
    parts: list[RenderableType] = [head]
    shifts = [*([comparison.image] if comparison.image else []), *comparison.base]
    if shifts:
        parts.append(_indented(_shifts(shifts)))
    if comparison.engine:
        warned = Text("! not the same engine: what changed may be the engine's doing", style="yellow")
        parts.append(_indented(Group(warned, _indented(_shifts(comparison.engine)))))
    for change in Change:
        if groups := comparison.groups(change):
            sign, style = SIGNS[change]
            count = sum(map(len, groups.values()))
            parts.append(Text(f"\n{sign} {count} {CHANGED[change]}", style=f"bold {style}"))
            for cause, differences in groups.items():
                parts.append(_indented(_group(cause, differences)))
    parts.append(Text(f"\n= {comparison.same} the same", style="dim"))
    return parts


def _indented(body: RenderableType) -> Padding:
    return Padding(body, (0, 0, 0, 2))


def _shifts(shifts: Iterable[Shift]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for shift in shifts:
        table.add_row(shift.name, Text(printable(f"{shift.old or '–'} → {shift.new or '–'}"), overflow="fold"))
    return table


def _group(cause: str, differences: Sequence[Difference]) -> RenderableType:
    """Cells that share a cause, variant by variant; what is special about one is told below it, once."""
    variants: dict[str, list[Difference]] = {}
    for difference in differences:
        variants.setdefault(difference.key[0], []).append(difference)
    parts: list[RenderableType] = [Text(printable(f"likely: {cause}"), style="italic")] if cause else []
    width = max(len(name) for name in variants)
    for name, changed in variants.items():
        rows = Table.grid(padding=(0, 2))
        rows.add_column(no_wrap=True, min_width=width)
        rows.add_column(no_wrap=True, min_width=_QUESTION)
        rows.add_column(no_wrap=True)
        for number, difference in enumerate(changed):
            rows.add_row(
                Text("" if number else printable(name)), Text(printable(difference.key[1])), _change(difference)
            )
        details = dict.fromkeys(one.cause.detail for one in changed if one.cause and one.cause.detail)
        told = [
            Padding(Text(printable(detail), style="dim", overflow="fold"), (0, 0, 0, width + 2)) for detail in details
        ]
        parts.append(_indented(Group(rows, *told)))
    return Group(*parts)


def _change(difference: Difference) -> Text:
    verdicts = [_verdict(finding) for finding in (difference.old, difference.new) if finding]
    return Text(" → ").join(verdicts)


def _verdict(finding: Finding) -> Text:
    text = look(finding.verdict)
    if finding.verdict is Verdict.UNSTABLE and finding.seen:
        text.append(f" ({', '.join(finding.seen)})", style="dim")
    return text
