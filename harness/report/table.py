"""The table for people: variants down, signals across, one per base; symbols and words, never colour alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Literal

from rich.console import Console, Group
from rich.text import Text

from harness.core.claims import LINT_RULE, tally
from harness.core.verdict import Verdict
from harness.report.base_table import BaseTable
from harness.report.style import MEANINGS, differs, look, printable, wanted_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from harness.core.result import Report, Result

_PIPE_WIDTH: Final = 100


def render(report: Report, recorded: Mapping[str, Verdict] | None = None) -> RenderableType:
    """Give the tables of a report, a legend of the verdicts in them, and what needs a reader's attention.

    Args:
        report: the results.
        recorded: a baseline's verdicts by cell id.
    """
    parts: list[RenderableType] = []
    for reference, facts in report.bases.items():
        results = [result for result in report.results if result.cell.base == reference]
        if results:
            parts += [BaseTable(facts, results, recorded or {}), Text()]
    parts.append(legend(report.results))
    if told := notes(report.results, recorded or {}):
        parts += [Text(), told]
    return Group(*parts)


def console(*, stderr: bool = False, plain: bool = False) -> Console:
    """A terminal for tables, ``plain`` without colour; what is piped gets 100 columns, whatever the terminal behind."""
    colours: Literal["auto"] | None = None if plain else "auto"
    made = Console(stderr=stderr, highlight=False, color_system=colours)
    if made.is_terminal:
        return made
    return Console(stderr=stderr, highlight=False, color_system=colours, width=_PIPE_WIDTH)


def summary(report: Report, recorded: Mapping[str, Verdict] | None = None) -> str:
    """Give one line: how many cells, how many of each verdict, how many not as expected."""
    counts = Counter(result.verdict for result in report.results)
    tally = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    differing = sum(differs(result, recorded or {}) for result in report.results)
    untested = counts[Verdict.UNTESTED]
    end = (
        f"{differing} not as expected"
        if differing
        else "all tested ones as expected"
        if untested
        else "all as expected"
    )
    return f"{len(report.results)} cells in {report.duration_s:.1f} s: {tally or 'none'}; {end}"


def claims(report: Report) -> str:
    """Give a line on how many claims held, and one per base on the linter; empty if no variant makes a claim."""
    tallies = tally(report.results)
    if not any(count.claims for count in tallies.values()):
        return ""
    held = ", ".join(f"{count.held} of {count.claims} on {base}" for base, count in tallies.items())
    linted = [
        f"A linter ({LINT_RULE}) on {base}: {count.warned} warnings, {count.justified} of them right; "
        f"{count.missed} variants that lose a signal go unnoticed."
        for base, count in tallies.items()
    ]
    return "\n".join([f"Claims that held: {held}.", *linted])


def legend(results: Sequence[Result]) -> Text:
    """Say what the verdicts in sight mean."""
    seen = {result.verdict for result in results}
    text = Text()
    for verdict in Verdict:
        if verdict in seen:
            text.append_text(look(verdict)).append(f": {MEANINGS[verdict]}\n", style="dim")
    text.rstrip()
    return text


def notes(results: Sequence[Result], recorded: Mapping[str, Verdict]) -> Text | None:
    """Tell of what is not as expected, unstable or untested, with the reasons; ``None`` if nothing is."""
    text = Text()
    for result in results:
        if differs(result, recorded):
            wanted = recorded.get(result.cell.id) or wanted_of(result)
            text.append(f"{result.cell.id}: expected {wanted}, but {result.verdict}: ", style="bold")
            text.append(printable(result.judgement.reason) + "\n")
        elif result.verdict in (Verdict.UNTESTED, Verdict.UNSTABLE):
            text.append(f"{result.cell.id}: {result.verdict}: ", style="bold")
            text.append(printable(result.judgement.reason) + "\n")
    text.rstrip()
    return text or None
