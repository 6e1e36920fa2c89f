"""What a bisection found: the stretches of one verdict, and the evidence on both sides of each change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from harness.core.as_is import images
from harness.core.baseline import recordings
from harness.core.comparison import compare
from harness.report.path_text import path_table
from harness.report.process_table import processes
from harness.report.sides import sides
from harness.report.style import counted, indented, look, plain, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from harness.core.baseline import Recording
    from harness.core.document import Document
    from harness.core.search import Change, Found, Tried

_LOG_TAIL: Final = 6


def render(found: Found) -> RenderableType:
    """The stretches, each change with both evidences side by side, and what may have gone unseen."""
    changes = counted(len(found.changes), "change") if found.changes else "no changes"
    noun = "image" if found.as_is else "base"
    bases, tried = (counted(len(some), noun) for some in (found.references, found.tried))
    head = f"{found.cell} on {bases}: {changes}, {tried} tried"
    parts: list[RenderableType] = [Text(printable(head), style="bold"), indented(_stretches(found))]
    for number, change in enumerate(found.changes, start=1):
        parts += [Text(), *_change(found, number, change)]
    if len(found.tried) < len(found.references) and found.gap > 1:
        unseen = f"\nA change that is undone within {found.gap - 1} {noun}s may have gone unseen; --gap 1 tries each."
        parts.append(Text(unseen, style="dim"))
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
        references = [Text(printable(found.references[place])) for place in (start, end)]
        table.add_row(look(found.tried[start].verdict), *references, f"{tried} of {end - start + 1}")
    return table


def _change(found: Found, number: int, change: Change) -> list[RenderableType]:
    old, new = found.tried[change.before], found.tried[change.after]
    head = Text(f"{number}. ", style="bold").append_text(look(old.verdict)).append(" → ").append_text(look(new.verdict))
    parts: list[RenderableType] = [head]
    if likely := _cause(old, new, images if found.as_is else recordings):
        parts.append(Text(printable(f"   likely: {likely}"), style="italic"))
    if found.as_is:
        names = [found.references[place] for place in (change.before, change.after)]
        return [*parts, indented(sides(names, (old, new)))]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
    for place in (change.before, change.after):
        table.add_column(Text(printable(found.references[place])), ratio=1, overflow="fold")
    table.add_row(_evidence(old), _evidence(new))
    parts.append(indented(table))
    return parts


def _cause(old: Tried, new: Tried, recorded: Callable[[Document], Sequence[Recording]]) -> str:
    if old.document is None or new.document is None:
        return ""
    (before,), (after,) = recorded(old.document), recorded(new.document)
    differences = compare(before, after).differences
    return next((difference.cause.text for difference in differences if difference.cause), "")


def _evidence(tried: Tried) -> RenderableType:
    """One side: the verdict's reason, processes, the signal's path and the end of the log."""
    row = tried.row
    if row is None:
        return plain(tried.refusal)
    parts: list[RenderableType] = [plain(row.reason)]
    if row.evidence.tree is not None:
        parts += _section("Processes before", processes(row.evidence.tree.before))
        if row.signal is not None:
            parts += _section("The path of the signal", path_table(row))
        parts += _section("The log", plain("\n".join(row.evidence.logs[-_LOG_TAIL:])))
    return Group(*parts)


def _section(title: str, body: RenderableType) -> list[RenderableType]:
    return [Text(f"\n{title}", style="bold"), body]
