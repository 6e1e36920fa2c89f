"""What changed between two recordings, for people: the worst first, grouped by the likely cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.core.ranking import Change
from harness.core.verdict import Verdict
from harness.report.style import CHANGED, counted, indented, look, pairs, plain, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from harness.core.baseline import Finding, Recording
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
    """What changed, base by base."""
    parts: list[RenderableType] = []
    for comparison in comparisons:
        parts += [*_base(comparison), Text()]
    return Group(*parts[:-1])


def summary(comparisons: Iterable[Comparison]) -> str:
    """One line: how many cells of each change."""
    bases = list(comparisons)
    counts = {change: sum(base.counts.get(change, 0) for base in bases) for change in Change}
    counts[Change.SAME] = sum(base.same for base in bases)
    parts = [f"{counts[change]} {change}" for change in Change if counts[change]]
    return f"{counted(sum(counts.values()), 'cell')}: {', '.join(parts) or 'none to compare'}"


def caveat(comparison: Comparison) -> str:
    """A warning that two recordings are of different bases or engines, or seen by other means; else empty."""
    old, new = comparison.old.base.reference, comparison.new.base.reference
    warnings = [f"{comparison.new.title} is compared with what was recorded of {old}."] if old != new else []
    if comparison.engine:
        shifts = "; ".join(map(str, comparison.engine))
        warnings.append(f"What was recorded of {old} was run elsewhere: {shifts}.")
    return printable(" ".join(warnings))


def _headline(old: Recording, new: Recording) -> str:
    """What is compared with what: two bases, or one base on two engines, or then and now."""
    if old.base.reference != new.base.reference:
        return f"{old.title} → {new.title}"
    if old.column and new.column and old.column != new.column:
        return f"{new.base.reference}: {old.column} → {new.column}"
    return new.title


def _base(comparison: Comparison) -> list[RenderableType]:
    head = Text(printable(_headline(comparison.old, comparison.new)), style="bold")
    parts: list[RenderableType] = [head]
    if shifts := [shift for shift in (comparison.image, *comparison.base) if shift]:
        parts.append(_shifts(shifts))
    if comparison.engine:
        warned = Text("! not the same engine: what changed may be the engine's doing", style="yellow")
        parts.append(indented(Group(warned, _shifts(comparison.engine))))
    for change in Change:
        if groups := comparison.groups(change):
            sign, style = SIGNS[change]
            count = sum(map(len, groups.values()))
            parts.append(Text(f"\n{sign} {count} {CHANGED[change]}", style=f"bold {style}"))
            parts += [indented(_group(cause, differences)) for cause, differences in groups.items()]
    parts.append(Text(f"\n= {comparison.same} the same", style="dim"))
    return parts


def _shifts(shifts: Iterable[Shift]) -> RenderableType:
    return indented(pairs((shift.name, plain(f"{shift.old or '–'} → {shift.new or '–'}")) for shift in shifts))


def _group(cause: str, differences: Sequence[Difference]) -> RenderableType:
    """Cells that share a cause, variant by variant; what is special about one stands below it, once."""
    variants: dict[str, list[Difference]] = {}
    for difference in differences:
        variants.setdefault(difference.key[0], []).append(difference)
    parts: list[RenderableType] = [Text(printable(f"likely: {cause}"), style="italic")] if cause else []
    width = max(len(name) for name in variants)
    for name, changed in variants.items():
        rows = Table.grid(padding=(0, 2))
        for least in (width, _QUESTION, None):
            rows.add_column(no_wrap=True, min_width=least)
        for number, difference in enumerate(changed):
            verdicts = [_verdict(finding) for finding in (difference.old, difference.new) if finding]
            names = ("" if number else name, difference.key[1])
            rows.add_row(*(Text(printable(word)) for word in names), Text(" → ").join(verdicts))
        details = dict.fromkeys(each.cause.detail for each in changed if each.cause and each.cause.detail)
        below = Text(printable("\n".join(details)), style="dim", overflow="fold")
        parts.append(indented(Group(rows, *([Padding(below, (0, 0, 0, width + 2))] if details else []))))
    return Group(*parts)


def _verdict(finding: Finding) -> Text:
    text = look(finding.verdict)
    if finding.verdict is Verdict.UNSTABLE and finding.seen:
        text.append(f" ({', '.join(finding.seen)})", style="dim")
    return text
