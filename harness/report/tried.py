"""What was tried for a bad cell, and what it brought: as a table, and line by line. What helps comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from harness.report.style import look, plain, printable, section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from harness.core.document import Row, Tried


def best_first(tried: Iterable[Tried]) -> list[Tried]:
    """Changes that were tried: those that helped, then the others, each in the order in which they were tried."""
    return sorted(tried, key=lambda one: not one.verdict.good)


def tried_table(tried: Iterable[Tried]) -> RenderableType:
    """What each change brought, as a table."""
    table = Table.grid(padding=(0, 2))
    for style, no_wrap in (("dim", True), ("", False), ("", True), ("", False)):
        table.add_column(style=style, no_wrap=no_wrap, overflow="fold")
    for one in best_first(tried):
        brought = look(one.verdict)
        if one.brief:
            brought.append(f" {printable(one.brief)}")
        table.add_row("tried", plain(one.change), brought, "" if one.verdict.good else plain(one.reason))
    return table


def how_to_fix(row: Row) -> list[RenderableType]:
    """How to fix a bad cell: what was tried, and what to change; what nobody has tried says so."""
    advice = plain("\n".join(row.advice))
    if not row.tried:
        changes = any(line.startswith("  ") for line in row.advice)
        return section(f"How to fix it{' (not tried)' if changes else ''}", advice)
    return section("How to fix it", tried_table(row.tried), Text(), advice)


def tried_lines(tried: Iterable[Tried]) -> list[str]:
    """What each change brought, a line each; text from containers is as it came."""
    return [f"{one.change}: {brought(one)}" for one in best_first(tried)]


def brought(one: Tried) -> str:
    """What a change brought: the verdict, and why where it is not good."""
    verdict = f"{one.verdict.symbol} {one.verdict}{f' ({one.brief})' if one.brief else ''}"
    return verdict if one.verdict.good else f"{verdict}: {one.reason}"
