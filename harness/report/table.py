"""The table for people: variants down, signals across, one per base; symbols and words, never colour alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Literal

from rich.console import Console, Group
from rich.text import Text

from harness.core.claims import LINT_RULE, tally
from harness.core.verdict import Verdict
from harness.report.base_table import BaseTable
from harness.report.rows import differs, expectation
from harness.report.style import counted, look, printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from harness.core.document import Document, Row

_PIPE_WIDTH: Final = 100


def render(document: Document, recorded: Mapping[str, Verdict] | None = None) -> RenderableType:
    """The tables of a run, and what explains them; ``recorded`` are a baseline's verdicts by cell id."""
    parts: list[RenderableType] = []
    for reference, facts in document.bases.items():
        rows = [row for row in document.results if row.base == reference]
        if rows:
            parts += [BaseTable(facts, rows, document.subjects, recorded or {}), Text()]
    return Group(*parts, *below(document.results, recorded or {}))


def below(rows: Sequence[Row], recorded: Mapping[str, Verdict]) -> list[RenderableType]:
    """What stands below all tables: a legend of the verdicts in them, and what needs a reader's attention."""
    attention = _notes(rows, recorded)
    return [_legend(rows), *([Text(), attention] if attention else [])]


def console(*, stderr: bool = False, plain: bool = False) -> Console:
    """A terminal for tables, ``plain`` without colour; what is piped gets 100 columns, whatever the terminal behind."""
    colours: Literal["auto"] | None = None if plain else "auto"
    terminal = Console(stderr=stderr, highlight=False, color_system=colours)
    if not terminal.is_terminal:
        terminal.width = _PIPE_WIDTH
    return terminal


def summary(document: Document, recorded: Mapping[str, Verdict] | None = None) -> str:
    """One line: how many cells, how many of each verdict, how many not as expected."""
    counts = Counter(row.verdict for row in document.results)
    tally = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    end = "all tested ones as expected" if counts[Verdict.UNTESTED] else "all as expected"
    if differing := sum(differs(row, recorded or {}) for row in document.results):
        end = f"{differing} not as expected"
    return f"{counted(len(document.results), 'cell')} in {document.duration_s:.1f} s: {tally or 'none'}; {end}"


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
    """What the verdicts in sight mean."""
    seen = sorted({row.verdict for row in rows}, key=list(Verdict).index)
    return Text("\n").join(Text.assemble(look(verdict), (f": {verdict.meaning}", "dim")) for verdict in seen)


def _notes(rows: Sequence[Row], recorded: Mapping[str, Verdict]) -> Text:
    """What is not as expected, unstable or untested, with the reasons; empty if nothing is."""
    text = Text()
    for row in rows:
        unexpected = differs(row, recorded)
        if unexpected or row.verdict in (Verdict.UNTESTED, Verdict.UNSTABLE):
            wanted = f"expected {recorded.get(row.id) or expectation(row)}, but " if unexpected else ""
            text.append(f"{row.id}: {wanted}{row.verdict}: ", style="bold").append(printable(row.reason) + "\n")
    text.rstrip()
    return text
