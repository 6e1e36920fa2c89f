"""Many bases side by side: variants down, bases across, one symbol for each question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from harness.core.program import PROGRAMS, SHOWN
from harness.core.subject import base_label
from harness.report.base_table import GAP, dealt
from harness.report.rows import differs, in_place_of, questions_of
from harness.report.style import colour, printable
from harness.report.table import below

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from harness.core.document import Document, Row
    from harness.core.facts import BaseFacts
    from harness.core.verdict import Verdict

FEW: Final = 2
"""How many bases are shown one by one by default."""

_VARIANT: Final = "variant"


def render(document: Document, recorded: Mapping[str, Verdict] | None = None) -> RenderableType:
    """The bases by number, one table of all, and what explains it; ``recorded`` are a baseline's verdicts by cell."""
    known = recorded or {}
    bases = _facts(document.bases.values())
    replaced = [Text(printable(f"each {fact}")) for fact in in_place_of(document.subjects.values())]
    return Group(bases, *replaced, Text(), _BasesTable(document, known), Text(), *below(document.results, known))


def _facts(bases: Iterable[BaseFacts]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", justify="right")
    for heading in ("base", "system", "/bin/sh", *(PROGRAMS[name].label for name in SHOWN)):
        table.add_column(heading, overflow="fold")
    for number, facts in enumerate(bases, start=1):
        words = (facts.reference, facts.os, facts.shell, *(facts.programs.get(name) for name in SHOWN))
        table.add_row(str(number), *(Text(printable(fact or "–")) for fact in words))
    return table


class _BasesTable:
    """The table itself, dealt to several where it is too wide; bases go by number unless their names fit."""

    def __init__(self, document: Document, recorded: Mapping[str, Verdict]) -> None:
        self._recorded = recorded
        rows = document.results
        self._questions = [question.name for question in questions_of(rows)]
        self._cells = {(row.base, row.subject, row.question.name): row for row in rows}
        self._numbers = {base: str(number) for number, base in enumerate(document.bases, start=1)}
        self._bases = [base for base in dict.fromkeys(row.base for row in rows) if base]
        self._subjects = list(dict.fromkeys(row.subject for row in rows))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it, no wider than there is room."""
        if not self._bases:
            return
        yield Text(f"Each cell: {' '.join(self._questions)}", style="dim")
        room = options.max_width - max(map(len, (_VARIANT, *self._subjects))) - GAP
        labels = {base: printable(base_label(base)) for base in self._bases}
        if sum(self._width(base, labels) + GAP for base in self._bases) > room:
            labels = self._numbers
        for part in dealt(self._bases, lambda base: self._width(base, labels), room):
            yield self._table(part, labels)

    def _width(self, base: str, labels: Mapping[str, str]) -> int:
        cells = (self._cell(base, subject).cell_len for subject in self._subjects)
        return max(len(labels[base]), *cells)

    def _table(self, bases: Sequence[str], labels: Mapping[str, str]) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column(_VARIANT, no_wrap=True)
        for base in bases:
            # A cell of very many questions goes over several lines.
            table.add_column(Text(labels[base]), overflow="fold")
        for subject in self._subjects:
            table.add_row(Text(printable(subject)), *(self._cell(base, subject) for base in bases))
        return table

    def _cell(self, base: str, subject: str) -> Text:
        return Text(" ").join(self._symbol(self._cells.get((base, subject, question))) for question in self._questions)

    def _symbol(self, row: Row | None) -> Text:
        if row is None:
            return Text("–", style="dim")
        symbol, style = row.verdict.symbol, colour(row.verdict)
        marked = differs(row, self._recorded)
        return Text(symbol + ("!" if marked else ""), style=f"bold reverse {style}" if marked else style)
