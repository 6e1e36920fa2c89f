"""Many cells on one screen: what became of claims, base by base, and a symbol for each cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.table import Column, Table
from rich.text import Text

from harness.core.claims import together
from harness.core.verdict import Holds
from harness.report.style import colour, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from harness.core.document import Row
    from harness.core.subject import Cell

_CLAIM_WIDTH: Final = 10
_OTHER_LINES: Final = 9
_LEAST_LINES: Final = 5
_LEAST_NAME: Final = 8


def short_base(reference: str) -> str:
    """A base by a name that fits over a column."""
    return printable(reference.removeprefix("local:").rpartition("/")[2])


def held_claims(cells: Iterable[Cell], rows: Iterable[Row], bases: Iterable[str]) -> dict[str, list[Holds | None]]:
    """By subject: whether its claim holds on each base, as far as that is known."""
    by_place: dict[tuple[str, str | None], list[Holds | None]] = {}
    for row in rows:
        by_place.setdefault((row.subject, row.base), []).append(row.claim.held if row.claim else None)
    subjects = dict.fromkeys(cell.subject.name for cell in cells)
    return {name: [together(by_place.get((name, base), ())) for base in bases] for name in subjects}


def claims_table(
    cells: Iterable[Cell], held: Mapping[str, Sequence[Holds | None]], bases: Iterable[str], *, over: bool
) -> RenderableType:
    """The claims, and on which bases they hold."""
    claims = {cell.subject.name: cell.subject.claim for cell in cells}
    names = [short_base(base) for base in bases]
    widths = [Column(width=max(len(name), _CLAIM_WIDTH)) for name in names]
    table = Table.grid(Column(width=max(map(len, claims), default=0)), "", *widths, padding=(0, 2))
    table.add_row("", "", *(Text(name, style="bold") for name in names))
    for subject, claim in claims.items():
        text = Text(printable(claim.text if claim else ""), "dim")
        table.add_row(Text(printable(subject)), text, *(_holds(holds, over=over) for holds in held[subject]))
    return table


def _holds(holds: Holds | None, *, over: bool) -> Text:
    if holds is None:
        return Text("? untested", "cyan") if over else Text("…", "dim")
    return Text(f"✓ {holds}", "green") if holds is Holds.HELD else Text(f"✗ {holds}", "red")


@dataclass(frozen=True, slots=True)
class Grid:
    """Every subject as a line of symbols, in as many blocks side by side as the screen is low."""

    cells: tuple[Cell, ...]
    rows: tuple[Row, ...]
    bases: tuple[str, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it."""
        names = list(dict.fromkeys(cell.subject.name for cell in self.cells))
        if not names:
            return
        questions = dict.fromkeys((cell.subject.base or "", cell.question.name) for cell in self.cells)
        columns = sorted(questions, key=lambda column: self.bases.index(column[0]))
        room = max(console.height - _OTHER_LINES, _LEAST_LINES)
        symbols = 2 * len(columns) + len(self.bases) - 1
        blocks = min(-(-len(names) // room), max(options.max_width // (symbols + _LEAST_NAME + 2), 1))
        height = -(-len(names) // blocks)
        width = min(max(map(len, names)), max((options.max_width - 2 * (blocks - 1)) // blocks - symbols, 3))
        grid = Table.grid(padding=(0, 2))
        for line in range(height):
            grid.add_row(*(self._line(name, columns, width) for name in names[line::height]))
        yield grid

    def _line(self, name: str, columns: Sequence[tuple[str, str]], width: int) -> Text:
        rows = {(row.base or "", row.question.name): row for row in self.rows if row.subject == name}
        text = Text(f"{_shortened(printable(name), width):<{width}}", no_wrap=True)
        for number, column in enumerate(columns):
            text.append(" " if number and column[0] != columns[number - 1][0] else "")
            row = rows.get(column)
            symbol, style = (row.verdict.symbol, colour(row.verdict)) if row else ("·", "dim")
            text.append(f" {symbol}", style=style)
        return text


def _shortened(name: str, width: int) -> str:
    """A name without its middle, if it is too long: ends tell variants apart."""
    if len(name) <= width:
        return name
    end = width // 2
    return f"{name[: width - end - 1]}…{name[len(name) - end :]}"
