"""The table for people: variants down, signals across, one per base; symbols and words, never colour alone."""

from __future__ import annotations

import os
import re
from collections import Counter
from typing import IO, TYPE_CHECKING, Any, Final, Literal, cast

from rich.console import Console, Group
from rich.text import Text

from harness.core.claims import LINT_RULE, tally
from harness.core.verdict import Verdict
from harness.report.base_table import BaseTable
from harness.report.engines import engine_lines
from harness.report.remarks import cut, standing
from harness.report.rows import differs, expectation, one_line, rule_of
from harness.report.style import counted, look, printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from harness.core.comparison import Comparison
    from harness.core.document import Document, Row

_PIPE_WIDTH: Final = 100
_PADDING: Final = re.compile(r" +$", re.MULTILINE)
_LOG_TAIL: Final = 5


def render(document: Document, recorded: Mapping[str, Verdict] | None = None) -> RenderableType:
    """The tables of a run, and what explains them; ``recorded`` are a baseline's verdicts by cell id."""
    parts = engines(document)
    for reference, facts in document.bases.items():
        rows = [row for row in document.results if row.base == reference]
        if rows:
            parts += [BaseTable(facts, rows, document.subjects, recorded or {}), Text()]
    return Group(*parts, *below(document.results, recorded or {}))


def engines(document: Document) -> list[RenderableType]:
    """What stands above all tables: the engines, where a run had several."""
    lines = engine_lines(document)
    return [*(Text(printable(line), style="dim") for line in lines), *([Text()] if lines else [])]


def below(rows: Sequence[Row], recorded: Mapping[str, Verdict]) -> list[RenderableType]:
    """What stands below all tables: a legend of the verdicts in them, and what needs a reader's attention."""
    attention = _notes(rows, recorded)
    return [_legend(rows), *([Text(), attention] if attention else [])]


def console(*, stderr: bool = False, plain: bool = False) -> Console:
    """A terminal for tables, ``plain`` without colour; what is piped has 100 columns at most, unless COLUMNS says."""
    colours: Literal["auto"] | None = None if plain else "auto"
    terminal = Console(stderr=stderr, highlight=False, color_system=colours)
    if not terminal.is_terminal:
        terminal.file = cast("IO[str]", _Unpadded(terminal.file))
        if not os.environ.get("COLUMNS", "").isdecimal():
            terminal.width = _PIPE_WIDTH
    return terminal


class _Unpadded:
    """A stream whose lines end where their text does."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write whole lines without the blanks at their ends."""
        return self._stream.write(_PADDING.sub("", text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def summary(document: Document, compared: Sequence[Comparison] = ()) -> str:
    """One line: how many cells, how many of each verdict, and how that stands to what was expected."""
    counts = Counter(row.verdict for row in document.results)
    tally = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    found = f"{tally or 'none'}; {standing(document, compared)}"
    if document.cut is None:
        return f"{counted(len(document.results), 'cell')} in {document.duration_s:.1f} s: {found}"
    ran = f"cut short after {document.duration_s:.1f} s: {cut(document)}"
    return f"{ran}: {found}" if document.results else ran


def claims(document: Document) -> str:
    """A line on how many claims held, and one per base on the linter; empty if no variant makes a claim."""
    tallies = tally(document.results)
    if not any(count.claims for count in tallies.values()):
        return ""
    held = ", ".join(f"{count.held} of {count.claims} on {base}" for base, count in tallies.items())
    linted = [
        f"A linter ({LINT_RULE}) on {base}: {counted(count.warned, 'warning')}, {count.justified} of them right; "
        f"{count.missed} {'variant that loses' if count.missed == 1 else 'variants that lose'} a signal "
        f"{'goes' if count.missed == 1 else 'go'} unnoticed."
        for base, count in tallies.items()
    ]
    return "\n".join([f"Claims that held: {held}.", *linted])


def _legend(rows: Sequence[Row]) -> Text:
    """What the verdicts in sight mean, and which rules they come to."""
    rules: dict[Verdict, set[str]] = {row.verdict: set() for row in rows}
    for row in rows:
        rules[row.verdict] |= {rule} if (rule := rule_of(row)) else set()
    lines = []
    for verdict in sorted(rules, key=list(Verdict).index):
        ids = f" ({', '.join(sorted(rules[verdict]))})" if rules[verdict] else ""
        lines.append(Text.assemble(look(verdict), (f": {verdict.meaning}{ids}", "dim")))
    return Text("\n").join(lines)


def _notes(rows: Sequence[Row], recorded: Mapping[str, Verdict]) -> Text:
    """What is not as expected, unstable or untested, with the reasons; empty if nothing is."""
    text = Text()
    for row in rows:
        unexpected = differs(row, recorded)
        if unexpected or row.verdict in (Verdict.UNTESTED, Verdict.UNSTABLE):
            wanted = f"expected {recorded.get(row.id) or expectation(row)}, but " if unexpected else ""
            text.append(f"{row.id}: {wanted}{row.verdict}: ", style="bold").append(printable(row.reason) + "\n")
            text.append(_end_of_log(row), style="dim")
    text.rstrip()
    return text


def _end_of_log(row: Row) -> str:
    """What the app logged last, where it could not be tested: mostly it says why."""
    last = [one_line(line) for line in row.evidence.logs[-_LOG_TAIL:]]
    if row.tested or not last or last[-1] in row.reason:
        return ""
    return "".join(f"  {line}\n" for line in ("the end of its log:", *(f"  {line}" for line in last)))
