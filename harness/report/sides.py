"""Two images as they are, side by side: what each is started with, and what became of its processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from harness.core.process import shown
from harness.report.roll_call_table import INFERRED, INFERRED_MARK, shortened, told
from harness.report.style import plain, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from harness.core.document import Call
    from harness.core.search import Tried

_NOTHING: Final = "–"
_LOG_TAIL: Final = 6
_FOUND: Final = "what was found"
_MAIN: Final = "PID 1"
_APP: Final = "the app"
_TITLES: Final = ("ENTRYPOINT", "CMD", "STOPSIGNAL", _FOUND, _MAIN, _APP, "exit code", "end of the log")


def sides(names: Sequence[str], tried: Sequence[Tried]) -> RenderableType:
    """A column for each image: ENTRYPOINT, CMD, STOPSIGNAL, the reason of its verdict, PID 1 and the app.

    ``–`` is what an image does not have; what is not known of it is left empty.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
    table.add_column("", no_wrap=True, style="dim")
    for name in names:
        table.add_column(Text(printable(name)), ratio=1, overflow="fold")
    columns = [_facts(one) for one in tried]
    for title in _TITLES:
        if any(title in column for column in columns):
            table.add_row(title, *(plain(column.get(title, "")) for column in columns))
    inferred = any(call.inferred for one in tried if one.row for call in one.row.evidence.roll_call)
    return Group(table, Text(INFERRED, style="dim")) if inferred else table


def _facts(tried: Tried) -> dict[str, str]:
    """What is said of one image, by the titles of the lines."""
    row = tried.row
    if row is None:
        return {_FOUND: tried.refusal}
    facts: dict[str, str] = {}
    if row.start is not None:
        facts["ENTRYPOINT"] = shown(row.start.entrypoint) or _NOTHING
        facts["CMD"] = shown(row.start.command) or _NOTHING
        facts["STOPSIGNAL"] = row.start.stop_signal or _NOTHING
    facts[_FOUND] = row.reason
    for call in row.evidence.roll_call:
        if call.pid == 1:
            facts[_MAIN] = _became(call)
        elif call.app:
            facts.setdefault(_APP, _became(call))
    if row.exit_code is not None:
        facts["exit code"] = str(row.exit_code)
    if not row.tested and (logs := row.evidence.logs[-_LOG_TAIL:]):
        facts["end of the log"] = "\n".join(logs)
    return facts


def _became(call: Call) -> str:
    """What became of a process: the command, whether it was told, what it did, how it ended."""
    mark = INFERRED_MARK if call.inferred else ""
    heard = f"{mark}told: {told(call).removeprefix(INFERRED_MARK)}"
    became = [call.became.value if call.became else "not known what it did"] if call.told else []
    return "\n".join([shortened(call.command), heard, *became, call.end])
