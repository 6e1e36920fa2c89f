"""Many bases side by side: variants down, bases across, one symbol for each question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from harness.core.subject import base_label
from harness.report.base_table import question_order
from harness.report.style import LOOKS, differs, printable
from harness.report.table import legend, notes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from harness.core.facts import BaseFacts
    from harness.core.result import Report, Result
    from harness.core.verdict import Verdict

FEW: Final = 2
"""How many bases are shown one by one, unless told otherwise."""

_GAP: Final = 3
_VARIANT: Final = "variant"


def render(report: Report, recorded: Mapping[str, Verdict] | None = None) -> RenderableType:
    """Give the bases by number, one table of all, the legend, and what needs attention.

    Args:
        report: the results.
        recorded: a baseline's verdicts by cell id.
    """
    parts: list[RenderableType] = [_facts(report.bases.values()), Text()]
    parts += [_BasesTable(report, recorded or {}), Text(), legend(report.results)]
    if told := notes(report.results, recorded or {}):
        parts += [Text(), told]
    return Group(*parts)


def _facts(bases: Iterable[BaseFacts]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", justify="right")
    for heading in ("base", "system", "/bin/sh", "Node", "npm"):
        table.add_column(heading, overflow="fold")
    for number, facts in enumerate(bases, start=1):
        told = (facts.reference, facts.os, facts.shell, facts.node, facts.npm)
        table.add_row(str(number), *(Text(printable(fact or "–")) for fact in told))
    return table


class _BasesTable:
    """The table itself, dealt to several where it is too wide; bases go by number unless their names fit."""

    def __init__(self, report: Report, recorded: Mapping[str, Verdict]) -> None:
        self._recorded = recorded
        results = report.results
        self._questions = [question for *_, question in sorted({question_order(result) for result in results})]
        self._cells = {(r.cell.base, r.cell.variant.name, r.cell.question): r for r in results}
        self._numbers = {base: str(number) for number, base in enumerate(report.bases, start=1)}
        self._bases = list(dict.fromkeys(result.cell.base for result in results))
        self._variants = list(dict.fromkeys(result.cell.variant.name for result in results))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it, no wider than there is room."""
        if not self._bases:
            return
        yield Text(f"Each cell: {' '.join(self._questions)}", style="dim")
        room = options.max_width - max(map(len, (_VARIANT, *self._variants))) - _GAP
        labels = {base: printable(base_label(base)) for base in self._bases}
        if sum(self._width(base, labels) + _GAP for base in self._bases) > room:
            labels = self._numbers
        part: list[str] = []
        left = room
        for base in self._bases:
            width = self._width(base, labels) + _GAP
            if part and width > left:
                yield self._table(part, labels)
                part, left = [], room
            part.append(base)
            left -= width
        yield self._table(part, labels)

    def _width(self, base: str, labels: Mapping[str, str]) -> int:
        cells = (self._cell(base, variant).cell_len for variant in self._variants)
        return max(len(labels[base]), *cells)

    def _table(self, bases: Sequence[str], labels: Mapping[str, str]) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column(_VARIANT, no_wrap=True)
        for base in bases:
            # A cell of very many questions goes over several lines.
            table.add_column(Text(labels[base]), overflow="fold")
        for variant in self._variants:
            table.add_row(Text(printable(variant)), *(self._cell(base, variant) for base in bases))
        return table

    def _cell(self, base: str, variant: str) -> Text:
        return Text(" ").join(self._symbol(self._cells.get((base, variant, question))) for question in self._questions)

    def _symbol(self, result: Result | None) -> Text:
        if result is None:
            return Text("–", style="dim")
        symbol, style = LOOKS[result.verdict]
        marked = differs(result, self._recorded)
        return Text(symbol + ("!" if marked else ""), style=f"bold reverse {style}" if marked else style)
