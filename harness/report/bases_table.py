"""Many bases side by side: variants down, bases across, one symbol for each question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from harness.core.program import PROGRAMS, SHOWN
from harness.core.subject import base_label
from harness.report.base_table import GAP, dealt, width
from harness.report.rows import differs, in_place_of, questions_of
from harness.report.style import colour, printable
from harness.report.table import below, engines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from harness.core.document import Document, Row
    from harness.core.facts import BaseFacts
    from harness.core.verdict import Verdict
    from harness.report.base_table import Column

FEW: Final = 2
"""How many bases are shown one by one by default."""

_VARIANT: Final = "variant"


def render(document: Document, recorded: Mapping[str, Verdict] | None = None) -> RenderableType:
    """The bases by number, one table of all, and what explains it; ``recorded`` are a baseline's verdicts by cell."""
    known = recorded or {}
    bases = _facts(document.bases.values())
    replaced = [Text(printable(f"each {fact}")) for fact in in_place_of(document.subjects.values())]
    return Group(
        *engines(document),
        bases,
        *replaced,
        Text(),
        _BasesTable(document, known),
        Text(),
        *below(document.results, known),
    )


def _facts(bases: Iterable[BaseFacts]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", justify="right")
    for heading in ("base", "system", "/bin/sh", *(PROGRAMS[name].label for name in SHOWN)):
        table.add_column(heading, overflow="fold")
    for number, facts in enumerate(bases, start=1):
        words = (facts.reference, facts.os, facts.shell, *(facts.programs.get(name) for name in SHOWN))
        table.add_row(str(number), *(Text(printable(fact or "–")) for fact in words))
    return table


@dataclass(frozen=True, slots=True)
class _BasesTable:
    """The table itself, dealt to several where it is too wide; bases go by number unless their names fit."""

    document: Document
    recorded: Mapping[str, Verdict]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it, no wider than there is room."""
        rows = {
            (row.base, row.column, row.subject, row.question.name): row for row in self.document.results if row.base
        }
        columns_of: dict[str, dict[str | None, None]] = {}
        for base, engine, _, _ in rows:
            columns_of.setdefault(str(base), {})[engine] = None
        if not columns_of:
            return
        places = [(base, engine) for base, engines in columns_of.items() for engine in engines]
        subjects = list(dict.fromkeys(row.subject for row in self.document.results))
        questions = [question.name for question in questions_of(self.document.results)]

        def column(place: tuple[str, str | None], label: str) -> Column:
            base, engine = place
            symbols = {
                name: [self._symbol(rows.get((base, engine, name, asked))) for asked in questions] for name in subjects
            }
            heading = label if engine is None else f"{label}\n{engine}"
            return heading, {name: Text(" ").join(cell) for name, cell in symbols.items()}

        yield Text(f"Each cell: {' '.join(questions)}", style="dim")
        room = options.max_width - max(map(len, (_VARIANT, *subjects))) - GAP
        columns = [column(place, printable(base_label(place[0]))) for place in places]
        if sum(width(named) + GAP for named in columns) > room:
            numbers = {base: str(number) for number, base in enumerate(self.document.bases, start=1)}
            columns = [column(place, numbers[place[0]]) for place in places]
        for part in dealt(columns, room):
            table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
            table.add_column(_VARIANT, no_wrap=True)
            for label, _ in part:
                # A cell of very many questions goes over several lines.
                table.add_column(Text(label), overflow="fold")
            for name in subjects:
                table.add_row(Text(printable(name)), *(cells[name] for _, cells in part))
            yield table

    def _symbol(self, row: Row | None) -> Text:
        if row is None:
            return Text("–", style="dim")
        symbol, style = row.verdict.symbol, colour(row.verdict)
        marked = differs(row, self.recorded)
        return Text(symbol + ("!" if marked else ""), style=f"bold reverse {style}" if marked else style)
