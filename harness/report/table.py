"""The table for people: variants down, signals across, one per base; symbols and words, never colour alone."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.core.model import Forwards, Verdict
from harness.core.verdict import as_expected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from harness.core.model import BaseFacts, Report, Result

_PIPE_WIDTH: Final = 100
_LOOKS: Final = {
    Verdict.FORWARDED: ("✓", "green"),
    Verdict.DUPLICATED: ("»", "yellow"),
    Verdict.CUT_SHORT: ("✂", "yellow"),
    Verdict.TRANSLATED: ("⇄", "yellow"),
    Verdict.SWALLOWED: ("○", "red"),
    Verdict.KILLED: ("✗", "red"),
    Verdict.UNSTABLE: ("~", "magenta"),
    Verdict.UNTESTED: ("?", "cyan"),
}
_MEANINGS: Final = {
    Verdict.FORWARDED: "received once, the app is in control",
    Verdict.DUPLICATED: "received, or sent, more than once",
    Verdict.CUT_SHORT: "received, but the container ended first",
    Verdict.TRANSLATED: "another signal was received",
    Verdict.SWALLOWED: "not received, all runs on",
    Verdict.KILLED: "not received, the app is gone",
    Verdict.UNSTABLE: "repeats disagree",
    Verdict.UNTESTED: "could not be tested",
}


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
            parts += [_table(facts, results, recorded or {}), Text()]
    parts.append(_legend(report.results))
    if notes := _notes(report.results, recorded or {}):
        parts += [Text(), notes]
    return Group(*parts)


def console(*, stderr: bool = False) -> Console:
    """A terminal for tables; what is piped gets 100 columns, whatever the terminal behind it."""
    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=_PIPE_WIDTH)


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


def differs(result: Result, recorded: Mapping[str, Verdict]) -> bool:
    """Whether a result contradicts the catalogue or a baseline."""
    return as_expected(result.expected, result.verdict, recorded.get(result.cell.id)) is False


def _table(facts: BaseFacts, results: Sequence[Result], recorded: Mapping[str, Verdict]) -> Table:
    told = [facts.os, facts.libc]
    named = {"/bin/sh is": facts.shell, "Node": facts.node, "npm": facts.npm}
    told += [f"{name} {value}" for name, value in named.items() if value]
    title = (
        f"[bold]{escape(facts.reference)}[/]\n[dim]{escape(printable(' · '.join(fact for fact in told if fact)))}[/]"
    )
    table = Table(title=title, title_justify="left", title_style="", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("variant", no_wrap=True, min_width=max(len(result.cell.variant.name) for result in results))
    table.add_column("", style="dim", overflow="ellipsis")
    signals = sorted({result.cell.signal for result in results})
    for signal in signals:
        width = max(len(_cell(result, recorded).plain) for result in results if result.cell.signal == signal)
        table.add_column(signal.name, no_wrap=True, min_width=max(width, len(signal.name)))
    rows: dict[str, dict[str, Result]] = {}
    for result in results:
        rows.setdefault(result.cell.variant.name, {})[result.cell.signal.name] = result
    for name, cells in rows.items():
        title = next(iter(cells.values())).cell.variant.title
        table.add_row(name, escape(printable(title)), *(_cell(cells.get(signal.name), recorded) for signal in signals))
    return table


def _cell(result: Result | None, recorded: Mapping[str, Verdict]) -> Text:
    if result is None:
        return Text("–", style="dim")
    symbol, style = _LOOKS[result.verdict]
    text = Text(f"{symbol} {result.verdict}", style=style)
    if differs(result, recorded):
        text.append(" ← unexpected", style="bold reverse")
    return text


def _legend(results: Sequence[Result]) -> Text:
    seen = {result.verdict for result in results}
    text = Text()
    for verdict in Verdict:
        if verdict in seen:
            symbol, style = _LOOKS[verdict]
            text.append(f"{symbol} {verdict}", style=style).append(f": {_MEANINGS[verdict]}\n", style="dim")
    text.rstrip()
    return text


def _notes(results: Sequence[Result], recorded: Mapping[str, Verdict]) -> Text | None:
    text = Text()
    for result in results:
        if differs(result, recorded):
            wanted = recorded.get(result.cell.id) or _WANTED[result.expected]
            text.append(f"{result.cell.id}: expected {wanted}, but {result.verdict}: ", style="bold")
            text.append(printable(result.judgement.reason) + "\n")
        elif result.verdict in (Verdict.UNTESTED, Verdict.UNSTABLE):
            text.append(f"{result.cell.id}: {result.verdict}: ", style="bold")
            text.append(printable(result.judgement.reason) + "\n")
    text.rstrip()
    return text or None


_WANTED: Final = {
    Forwards.ALWAYS: "forwarded",
    Forwards.NEVER: "anything but forwarded",
    Forwards.DEPENDS: "what was recorded",
}


def printable(text: str) -> str:
    """Make text from a container safe for a terminal: control characters are spelled out, newlines kept."""
    return "".join(c if c == "\n" or c.isprintable() else f"\\x{ord(c):02x}" for c in text)
