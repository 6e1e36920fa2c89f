"""Many bases side by side: variants down, bases across, one symbol for each question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from harness.core.model import base_label
from harness.report.looks import LOOKS, differs, printable
from harness.report.matrix import question_order
from harness.report.table import legend, notes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from harness.core.model import BaseFacts, Report, Result, Verdict

FEW: Final = 2
"""How many bases are shown one by one, unless told otherwise."""

_GAP: Final = 2


def render(report: Report, recorded: Mapping[str, Verdict] | None = None) -> RenderableType:
    """Give one table of all bases, what is special about each base, the legend, and what needs attention.

    Args:
        report: the results.
        recorded: a baseline's verdicts by cell id.
    """
    parts: list[RenderableType] = [_Crossing(report.results, recorded or {}), Text()]
    parts += [_facts(report.bases.values()), Text(), legend(report.results)]
    if told := notes(report.results, recorded or {}):
        parts += [Text(), told]
    return Group(*parts)


def _facts(bases: Iterable[BaseFacts]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("base", "system", "/bin/sh", "Node", "npm", "STOPSIGNAL"):
        table.add_column(heading, overflow="fold")
    for facts in bases:
        told = (facts.reference, facts.os, facts.shell, facts.node, facts.npm, facts.stop_signal)
        table.add_row(*(Text(printable(fact or "–")) for fact in told))
    return table


class _Crossing:
    """The table itself, dealt to several where it is too wide."""

    def __init__(self, results: Sequence[Result], recorded: Mapping[str, Verdict]) -> None:
        self._recorded = recorded
        self._questions = [question for *_, question in sorted({question_order(result) for result in results})]
        self._cells = {(r.cell.base, r.cell.variant.name, r.cell.question): r for r in results}
        self._bases = list(dict.fromkeys(result.cell.base for result in results))
        self._variants = list(dict.fromkeys(result.cell.variant.name for result in results))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it, no wider than there is room."""
        yield Text(f"Each cell: {' '.join(self._questions)}", style="dim")
        room = options.max_width - max(map(len, self._variants), default=0) - _GAP
        part: list[str] = []
        left = room
        for base in self._bases:
            width = self._width(base) + _GAP
            if part and width > left:
                yield self._table(part)
                part, left = [], room
            part.append(base)
            left -= width
        if part:
            yield self._table(part)

    def _width(self, base: str) -> int:
        cells = (self._cell(base, variant).cell_len for variant in self._variants)
        return max(len(base_label(base)), *cells)

    def _table(self, bases: Sequence[str]) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("variant", no_wrap=True)
        for base in bases:
            table.add_column(base_label(base), no_wrap=True)
        for variant in self._variants:
            table.add_row(variant, *(self._cell(base, variant) for base in bases))
        return table

    def _cell(self, base: str, variant: str) -> Text:
        return Text(" ").join(self._symbol(self._cells.get((base, variant, question))) for question in self._questions)

    def _symbol(self, result: Result | None) -> Text:
        if result is None:
            return Text("–", style="dim")
        symbol, style = LOOKS[result.verdict]
        marked = differs(result, self._recorded)
        return Text(symbol + ("!" if marked else ""), style=f"bold reverse {style}" if marked else style)
