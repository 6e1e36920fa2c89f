"""The roll call as people read it: a process tree, and for each whether it was told, what it did, how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Group
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.report.style import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from harness.core.document import Call

INFERRED_MARK: Final = "~ "
_INFERRED_FROM: Final = "inferred from signal masks, samples and the container's end: there is no kernel's record"
INFERRED: Final = f"{INFERRED_MARK}{_INFERRED_FROM}"

_MOST: Final = 72
_MARK: Final = ("◀ app", "bold")


def roll_call_table(calls: Sequence[Call]) -> RenderableType:
    """A roll call as a table; children stand below their parents."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("PID", justify="right")
    for title in ("process", "told", "what it did", "how it ended"):
        table.add_column(title, overflow="fold")
    for call, depth in in_order(calls):
        command = plain(shortened(call.command))
        table.add_row(
            "–" if call.pid is None else str(call.pid),
            Padding(_App(command) if call.app else command, (0, 0, 0, 2 * depth)),
            plain(told(call)),
            plain(did(call)),
            plain(call.end),
        )
    return Group(table, Text(INFERRED, style="dim")) if any(call.inferred for call in calls) else table


class _App:
    """A command with the mark of the app behind it, or below it where there is no room."""

    def __init__(self, command: Text) -> None:
        self._command = command
        self._beside = Text.assemble(command, "  ", _MARK)

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it as wide as there is room."""
        if len(self._beside) <= options.max_width:
            yield self._beside
        else:
            yield self._command
            yield Text.assemble(_MARK)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """As wide as both beside each other, if there is room."""
        return Measurement.get(console, options, self._beside)


def shortened(command: str) -> str:
    """A command that fits into a few lines of its column; results have all of it."""
    return command if len(command) <= _MOST else f"{command[: _MOST - 1]}…"


def roll_call_lines(calls: Sequence[Call]) -> list[str]:
    """A roll call line by line, children right of their parents; text from containers is as it came."""
    lines = [f"{'  ' * depth}{call.pid} {call.command}  [{_said(call)}]" for call, depth in in_order(calls)]
    return [*lines, *([INFERRED] if any(call.inferred for call in calls) else [])]


def _said(call: Call) -> str:
    """What a line says of a process."""
    mark = INFERRED_MARK if call.inferred else ""
    known = told(call).removeprefix(mark)
    heard = {"never": "never told", "not known": "not known whether told", "yes": "told"}.get(known, f"told {known}")
    became = [call.became.value if call.became else "not known what it did"] if call.told else []
    return "; ".join([*(["the app"] if call.app else []), f"{mark}{heard}", *became, call.end])


def told(call: Call) -> str:
    """Whether a process was told, by whom, after how long."""
    mark = INFERRED_MARK if call.inferred else ""
    if call.told is None:
        return f"{mark}not known"
    if not call.told:
        return f"{mark}never"
    after = "" if call.after_ms is None else f", +{call.after_ms:.1f} ms"
    other = f", {call.signal}" if call.signal else ""
    return f"{mark}by {call.by}{other}{after}" if call.by else f"{mark}yes"


def did(call: Call) -> str:
    """What became of the signal at a process."""
    return call.became.value if call.became else "–" if call.told is False else "not known"


def in_order(calls: Sequence[Call], parent: int | None = None, depth: int = 0) -> Iterator[tuple[Call, int]]:
    """Calls and their depths, each followed by those below it."""
    for number, call in enumerate(calls):
        if call.parent == parent:
            yield call, depth
            yield from in_order(calls, number, depth + 1)
