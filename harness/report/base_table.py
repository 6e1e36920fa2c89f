"""The cells of one base as a table: variants down, questions across; as several tables where there are too many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table
from rich.text import Text

from harness.core.claims import together
from harness.core.program import PROGRAMS, SHOWN
from harness.core.verdict import Holds
from harness.report.rows import differs, heading_text, headings_of, in_place_of
from harness.report.style import look, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

    from harness.core.document import Row, SubjectFacts
    from harness.core.facts import BaseFacts
    from harness.core.verdict import Verdict

GAP: Final = 3
"""Columns between two columns of a table."""
_TITLE_WIDTH: Final = 18

Column = tuple[str, "Mapping[str, Text]"]
"""A heading, and the cells below it by variant."""


@dataclass(frozen=True, slots=True)
class BaseTable:
    """All rows of one base, to be printed with rich; ``recorded`` are a baseline's verdicts by cell id."""

    facts: BaseFacts
    rows: Sequence[Row]
    subjects: Mapping[str, SubjectFacts]
    recorded: Mapping[str, Verdict]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it, no wider than there is room."""
        names = list(dict.fromkeys(row.subject for row in self.rows))
        columns = {
            heading_text(about, "\n"): {
                row.subject: self._cell(row) for row in self.rows if (row.question, row.column) == about
            }
            for about in headings_of(self.rows)
        }
        claims = {
            name: together(row.claim.held for row in self.rows if row.subject == name and row.claim) for name in names
        }
        if any(claims.values()):
            columns["claim"] = {name: _claim(held) for name, held in claims.items()}
        titles = {name: self.subjects[name].title for name in names}
        known = [heading(self.facts), *in_place_of(map(self.subjects.__getitem__, names), self.facts.reference)]
        facts = printable(" · ".join(known))
        yield Text.assemble((self.facts.reference, "bold"), "\n", (facts, "dim"))
        # The first table shows the variants' titles besides.
        room = options.max_width - max(map(len, names)) - GAP
        for number, part in enumerate(dealt(columns.items(), room, taken=_TITLE_WIDTH + GAP)):
            yield _table(part, titles, with_titles=number == 0)

    def _cell(self, row: Row) -> Text:
        text = look(row.verdict)
        if row.finding and row.finding.brief and row.verdict in row.probe.verdicts:
            text.append(f" {row.finding.brief}")
        if differs(row, self.recorded):
            text.append(" ← unexpected", style="bold reverse")
        return text


def heading(facts: BaseFacts) -> str:
    """What a base is, in few words."""
    named = {"/bin/sh is": facts.shell, **{PROGRAMS[name].label: facts.programs.get(name) for name in SHOWN}}
    words = [facts.os, facts.libc, *(f"{name} {value}" for name, value in named.items() if value)]
    return " · ".join(word for word in words if word)


def dealt(columns: Iterable[Column], room: int, *, taken: int = 0) -> Iterator[list[Column]]:
    """Columns dealt out to tables that fit; in the first one, some of the room is taken."""
    part: list[Column] = []
    left = room - taken
    for column in columns:
        needed = width(column) + GAP
        if part and needed > left:
            yield part
            part, left = [], room
        part.append(column)
        left -= needed
    yield part


def width(column: Column) -> int:
    """How wide a column is, without the gap beside it."""
    title, cells = column
    return max(*map(len, title.split("\n")), *(cell.cell_len for cell in cells.values()))


def _table(columns: Sequence[Column], titles: Mapping[str, str], *, with_titles: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("variant", no_wrap=True, min_width=max(map(len, titles)))
    if with_titles:
        table.add_column("", style="dim", overflow="ellipsis")
    for column in columns:
        table.add_column(column[0], no_wrap=True, min_width=width(column))
    for name, title in titles.items():
        shown = [cells.get(name, Text("–", style="dim")) for _, cells in columns]
        table.add_row(name, *([Text(printable(title))] if with_titles else []), *shown)
    return table


def _claim(held: Holds | None) -> Text:
    return Text(held or "–", style={Holds.HELD: "green", Holds.REFUTED: "red", None: "dim"}[held])
