"""What a bisection found: the stretches of one verdict, and the evidence on both sides of each change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.core.baseline import recordings
from harness.core.comparison import compare
from harness.core.evidence import SignalEvidence
from harness.report.explain import path_table, processes
from harness.report.style import look, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from harness.core.search import Change, Found, Tried

_LOG_TAIL: Final = 6


def render(found: Found) -> RenderableType:
    """Give the stretches, each change with both evidences side by side, and what may have gone unseen."""
    count = len(found.changes)
    head = Text(printable(f"{found.cell} on {len(found.references)} bases"), style="bold")
    head.append(f": {count or 'no'} change{'' if count == 1 else 's'}, {len(found.tried)} bases tried", style="bold")
    parts: list[RenderableType] = [head, Padding(_stretches(found), (0, 0, 0, 2))]
    for number, change in enumerate(found.changes, start=1):
        parts += [Text(), *_change(found, number, change)]
    if len(found.tried) < len(found.references) and found.gap > 1:
        parts.append(
            Text(
                f"\nA change that is undone within {found.gap - 1} bases may have gone unseen; --gap 1 tries each.",
                style="dim",
            )
        )
    return Group(*parts)


def _stretches(found: Found) -> Table:
    """Each run of bases with one verdict, with those tried in it."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("verdict", "from", "to"):
        table.add_column(heading, overflow="fold")
    table.add_column("tried", justify="right")
    places = sorted(found.tried)
    starts = [places[0], *(change.after for change in found.changes)]
    ends = [*(change.before for change in found.changes), places[-1]]
    for start, end in zip(starts, ends, strict=True):
        tried = sum(start <= place <= end for place in places)
        table.add_row(
            look(found.tried[start].verdict),
            Text(printable(found.references[start])),
            Text(printable(found.references[end])),
            f"{tried} of {end - start + 1}",
        )
    return table


def _change(found: Found, number: int, change: Change) -> list[RenderableType]:
    old, new = found.tried[change.before], found.tried[change.after]
    head = Text(f"{number}. ", style="bold").append_text(look(old.verdict)).append(" → ").append_text(look(new.verdict))
    parts: list[RenderableType] = [head]
    if likely := _cause(old, new):
        parts.append(Text(printable(f"   likely: {likely}"), style="italic"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
    for place in (change.before, change.after):
        table.add_column(Text(printable(found.references[place])), ratio=1, overflow="fold")
    table.add_row(_evidence(old), _evidence(new))
    parts.append(Padding(table, (0, 0, 0, 2)))
    return parts


def _cause(old: Tried, new: Tried) -> str:
    if old.report is None or new.report is None:
        return ""
    (before,), (after,) = recordings(old.report), recordings(new.report)
    differences = compare(before, after).differences
    return next((one.cause.text for one in differences if one.cause), "")


def _evidence(tried: Tried) -> RenderableType:
    """One side: the verdict's reason, processes, the signal's path and the end of the log."""
    if tried.result is None:
        return Text(printable(tried.refusal), overflow="fold")
    parts: list[RenderableType] = [Text(printable(tried.result.judgement.reason), overflow="fold")]
    evidence = tried.result.evidence
    if evidence is not None:
        parts += _section("Processes before", processes(evidence.before))
        if isinstance(evidence, SignalEvidence):
            parts += _section("The path of the signal", path_table(evidence))
        lines = [printable(line.text) for line in evidence.logs[-_LOG_TAIL:]]
        parts += _section("The log", Text("\n".join(lines), overflow="fold"))
    return Group(*parts)


def _section(title: str, body: RenderableType) -> Sequence[RenderableType]:
    return [Text(f"\n{title}", style="bold"), body]
