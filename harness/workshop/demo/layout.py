"""Blocks fitted into the lines that a terminal has: each gives up lines before it loses what must be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

_WITH_FIRST: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A part of a screen. Where there is too little room it keeps ``least`` lines: its first ones, or its ``tail``.

    One that keeps none loses its title as well. With ``first`` its first line is kept, too, where there is room for
    more than a few.
    """

    body: RenderableType
    title: str = ""
    least: int = 1
    tail: bool = False
    first: bool = False


def fit(blocks: Sequence[Block], room: int, console: Console, options: ConsoleOptions) -> list[list[Segment]]:
    """The lines of all blocks, each cut to what there is room for: the longest gives first."""
    bodies = [console.render_lines(block.body, options, pad=False) for block in blocks]
    given = [len(body) for body in bodies]

    def needed() -> int:
        return sum(count + bool(block.title) for count, block in zip(given, blocks, strict=True) if count)

    gaps = needed() + len(blocks) - 1 <= room  # what is worth reading goes before what is good to look at
    while needed() > room:
        spare = [count - block.least for count, block in zip(given, blocks, strict=True)]
        if max(spare) <= 0:
            break
        given[spare.index(max(spare))] -= 1
    lines: list[list[Segment]] = []
    for block, body, count in zip(blocks, bodies, given, strict=True):
        if not count:
            continue
        if lines and gaps:
            lines.append([])
        if block.title:
            title = Text(block.title, style="bold cyan", no_wrap=True, overflow="ellipsis")
            lines += console.render_lines(title, options, pad=False)
        if block.first and _WITH_FIRST <= count < len(body):
            more = Text(f"… {len(body) - count + 1} more", style="dim")
            lines += [body[0], *console.render_lines(more, options, pad=False), *body[len(body) - count + 2 :]]
        else:
            lines += body[len(body) - count :] if block.tail else body[:count]
    return lines
