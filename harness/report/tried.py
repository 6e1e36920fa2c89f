"""What was tried for a bad cell, and what it brought: as a table, and line by line. What helps comes first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.report.style import clipped, look, plain, printable, section

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from harness.core.document import Row, Tried

_TRIED: Final = "tried  "
_APART: Final = 2
_NARROW: Final = 16
_WIDE: Final = 40
_MOST_REASON: Final = 240
_CODE: Final = re.compile("`([^`]*)`")


def best_first(tried: Iterable[Tried]) -> list[Tried]:
    """Changes that were tried: those that helped, then the others, each in the order in which they were tried."""
    return sorted(tried, key=lambda one: not one.verdict.good)


def in_vain(row: Row) -> bool:
    """Whether something was tried for a row, and nothing of it is known to help."""
    return bool(row.tried) and not any(one.verdict.good for one in row.tried)


class TriedTable:
    """What each change brought: verdict and how long it took on one line with it, and below that why it does not help.

    Changes fold where the verdicts leave too little room for them; where they leave none, verdicts stand below them.
    """

    def __init__(self, tried: Iterable[Tried]) -> None:
        self._lines = [(one, plain(one.change), _verdict(one)) for one in best_first(tried)]

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it as wide as there is room."""
        longest = max((len(change) for _, change, _ in self._lines), default=0)
        room = options.max_width - len(_TRIED) - _APART - max((len(brought) for *_, brought in self._lines), default=0)
        width = min(longest, _WIDE, room)
        for one, change, brought in self._lines:
            line = Table.grid(padding=(0, _APART, 0, 0))
            line.add_column(width=len(_TRIED) - _APART, style="dim")
            if width >= min(longest, _NARROW):
                line.add_column(width=width, overflow="fold")
                line.add_column(overflow="fold")
                line.add_row(_TRIED.strip(), change, brought)
            else:
                line.add_column(overflow="fold")
                line.add_row(_TRIED.strip(), Group(change, brought))
            yield line
            if not one.verdict.good:
                yield Padding(plain(shortened(one.reason)), (0, 0, 0, len(_TRIED)))


def _verdict(one: Tried) -> Text:
    brought = look(one.verdict)
    return brought.append(f", {printable(one.brief)}") if one.brief else brought


def shortened(reason: str) -> str:
    """A reason that fits into a few lines: long commands in it are cut, and what is long all the same."""
    return clipped(_CODE.sub(lambda command: f"`{clipped(command[1], _WIDE)}`", reason), _MOST_REASON)


def how_to_fix(row: Row) -> list[RenderableType]:
    """How to fix a bad cell: what was tried, and what to change; what nobody has tried says so."""
    advice = plain("\n".join(row.advice))
    if not row.tried:
        changes = any(line.startswith("  ") for line in row.advice)
        return section(f"How to fix it{' (not tried)' if changes else ''}", advice)
    return section("How to fix it", TriedTable(row.tried), Text(), advice)


def tried_lines(tried: Iterable[Tried]) -> list[str]:
    """What each change brought, a line each; text from containers is as it came."""
    return [f"{one.change}: {brought(one)}" for one in best_first(tried)]


def brought(one: Tried) -> str:
    """What a change brought: the verdict, and why where it is not good."""
    verdict = f"{one.verdict.symbol} {one.verdict}{f' ({one.brief})' if one.brief else ''}"
    return verdict if one.verdict.good else f"{verdict}: {one.reason}"


def patches_that_help(tried: Iterable[Tried]) -> list[tuple[Tried, Sequence[str]]]:
    """The changes that helped and are patches, with the lines of each; text from files is as it came."""
    return [
        (one, one.patch.removesuffix("\n").split("\n")) for one in tried if one.patch is not None and one.verdict.good
    ]
