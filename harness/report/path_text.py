"""The path of a signal as lines of text."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from harness.core.document import Kind
from harness.core.signal_path import who
from harness.report.style import clipped, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType

    from harness.core.document import Participant, Row, SignalPath, Step

_WIDE: Final = 32
_MS_US: Final = 1000
_MS_IN_S: Final = 1000
_S_US: Final = 1_000_000
_LONG_US: Final = 50_000


def path_table(row: Row) -> RenderableType:
    """The path of a cell's signal step by step, and how long it took."""
    path = row.evidence.path
    if path is None:
        return Text("There is no kernel's record of it here; the trees and the log are what there is.")
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for step in path.steps:
        table.add_row(moment(step.at_us), step_line(step, path))
    lines: list[RenderableType] = [table]
    if row.latency_ms is not None:
        lines.append(Text(f"{row.latency_ms:.2f} ms from the request to send it to the app's handler", style="dim"))
    if (decided_ms := row.runs[row.shown].decided_ms) is not None:
        lines.append(Text(f"decided after {decided_ms:.0f} ms", style="dim"))
    return Group(*lines)


def moment(at_us: int) -> str:
    """When a step was, after the first one, in a unit that is easy to read."""
    if at_us < _MS_US:
        return f"+{at_us} µs"
    tenths = round(at_us * 10 / _MS_US)
    return f"+{tenths / 10:.1f} ms" if tenths < _MS_IN_S * 10 else f"+{at_us / _S_US:.2f} s"


def pauses(steps: Iterable[Step]) -> Iterator[str]:
    """What is said before each step: how much time passes, where that is much."""
    for before, at in pairwise([0, *(step.at_us for step in steps)]):
        yield f"{moment(at - before).removeprefix('+')} pass" if at - before >= _LONG_US else ""


def step_line(step: Step, path: SignalPath) -> Text:
    """One step: an arrow from sender to receiver, a handler that runs, an end."""
    first = _name(path.participants[step.who])
    if step.kind is Kind.SEND and step.to is not None:
        text = Text(f"{first} ").append(f"──{printable(step.signal or '')}──▶", style="cyan")
        text.append(f" {_name(path.participants[step.to])}")
        if step.fate:
            text.append(f"   {printable(step.fate)}", style="red")
        return text
    action = printable(step.words.removeprefix(who(path.participants[step.who])))
    return Text(f"{first}{action}", style="green" if step.kind is Kind.HANDLER else "red")


def _name(participant: Participant) -> str:
    name = clipped(participant.name, _WIDE)
    return printable(f"{participant.pid} {name}" if participant.pid else name)
