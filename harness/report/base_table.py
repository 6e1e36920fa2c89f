"""The cells of one base as a table: variants down, questions across; as several tables where there are too many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.core.claims import Holds, claim_of, together
from harness.core.evidence import ExitEvidence, StopEvidence
from harness.core.question import Probe
from harness.core.verdict import Verdict
from harness.report.style import differs, look, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

    from harness.core.facts import BaseFacts
    from harness.core.result import Result

_GAP: Final = 3
_TITLE_WIDTH: Final = 18


@dataclass(frozen=True, slots=True)
class BaseTable:
    """All results of one base, to be printed with rich; ``recorded`` are a baseline's verdicts by cell id."""

    facts: BaseFacts
    results: Sequence[Result]
    recorded: Mapping[str, Verdict]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it, no wider than there is room."""
        rows: dict[str, dict[str, Result]] = {}
        for result in self.results:
            rows.setdefault(result.cell.variant.name, {})[result.cell.question] = result
        columns = [self._column(question) for question in sorted({question_order(result) for result in self.results})]
        claims = {name: together(claim_of(result) for result in cells.values()) for name, cells in rows.items()}
        if any(claims.values()):
            columns.append(_Column("claim", {name: _claim(held) for name, held in claims.items()}))
        titles = {name: next(iter(cells.values())).cell.variant.title for name, cells in rows.items()}
        yield Text.from_markup(self._heading())
        for number, part in enumerate(_parts(columns, options.max_width - max(map(len, rows)) - _GAP)):
            yield _table(part, titles, with_titles=number == 0)

    def _heading(self) -> str:
        facts = self.facts
        told = [facts.os, facts.libc]
        named = {"/bin/sh is": facts.shell, "Node": facts.node, "npm": facts.npm}
        told += [f"{name} {value}" for name, value in named.items() if value]
        line = escape(printable(" · ".join(fact for fact in told if fact)))
        return f"[bold]{escape(facts.reference)}[/]\n[dim]{line}[/]"

    def _column(self, question: tuple[int, int, str]) -> _Column:
        results = [result for result in self.results if question_order(result) == question]
        return _Column(question[2], {result.cell.variant.name: self._cell(result) for result in results})

    def _cell(self, result: Result) -> Text:
        text = look(result.verdict).append(_more(result))
        if differs(result, self.recorded):
            text.append(" ← unexpected", style="bold reverse")
        return text


@dataclass(frozen=True, slots=True)
class _Column:
    heading: str
    cells: Mapping[str, Text]

    @property
    def width(self) -> int:
        return max(len(self.heading), *(len(cell.plain) for cell in self.cells.values()))


def _parts(columns: Sequence[_Column], room: int) -> Iterator[list[_Column]]:
    """Deal the columns out to tables that fit; the first one shows the variants' titles besides."""
    part: list[_Column] = []
    left = room - _TITLE_WIDTH - _GAP
    for column in columns:
        if part and column.width + _GAP > left:
            yield part
            part, left = [], room
        part.append(column)
        left -= column.width + _GAP
    yield part


def _table(columns: Sequence[_Column], titles: Mapping[str, str], *, with_titles: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("variant", no_wrap=True, min_width=max(map(len, titles)))
    if with_titles:
        table.add_column("", style="dim", overflow="ellipsis")
    for column in columns:
        table.add_column(column.heading, no_wrap=True, min_width=column.width)
    for name, title in titles.items():
        shown = [column.cells.get(name, Text("–", style="dim")) for column in columns]
        table.add_row(name, *([Text(printable(title))] if with_titles else []), *shown)
    return table


def question_order(result: Result) -> tuple[int, int, str]:
    """A column's place and heading: signals by number, then the other probes."""
    cell = result.cell
    return list(Probe).index(cell.probe), cell.signal.number if cell.signal else 0, cell.question


def _claim(held: Holds | None) -> Text:
    return Text(held or "–", style={Holds.HELD: "green", Holds.REFUTED: "red", None: "dim"}[held])


def _more(result: Result) -> str:
    """What else a probe found that fits behind its verdict: how long a stop took and its exit code, a wrong code."""
    evidence = result.evidence
    if isinstance(evidence, StopEvidence) and result.verdict is not Verdict.UNSTABLE:
        return f" {evidence.took_s:.1f} s, {evidence.exit_code}"
    if isinstance(evidence, ExitEvidence) and result.verdict is Verdict.LOST:
        given, seen = next((given, seen) for given, seen in evidence.codes if given != seen)
        return f" {given} → {'runs on' if seen is None else seen}"
    return ""
