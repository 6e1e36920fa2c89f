"""How verdicts look everywhere: symbols and words, never colour alone; and text that is safe to show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.core.ranking import Change
from harness.core.verdict import Tone, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

_COLOURS: Final = {Tone.GOOD: "green", Tone.FAIR: "yellow", Tone.BAD: "red", Tone.ODD: "magenta", Tone.OPEN: "cyan"}
CHANGED: Final = {
    Change.WORSE: "worse",
    Change.UNKNOWN: "not to be compared: untested then or now",
    Change.SIDEWAYS: "changed sideways: as bad as before, in another way",
    Change.GONE: "gone",
    Change.NEW: "new",
    Change.BETTER: "better",
    Change.SAME: "the same",
}


def colour(verdict: Verdict) -> str:
    """The colour of a verdict on a terminal."""
    return _COLOURS[verdict.tone]


def look(verdict: Verdict) -> Text:
    """A verdict as it is shown everywhere: symbol, word and colour."""
    return Text(f"{verdict.symbol} {verdict}", style=colour(verdict))


def counted(number: int, noun: str) -> str:
    """How many there are of something, in words: ``1 cell``, ``2 cells``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    """Text from a container, safe for a terminal: control characters are spelled out, newlines kept."""
    return "".join(c if c == "\n" or c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def clipped(text: str, most: int) -> str:
    """Text of at most so many characters; what is left over becomes an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def plain(text: str) -> Text:
    """Text from a container or a file: no markup, no control characters, and no word cut off."""
    return Text(printable(text), overflow="fold")


def indented(body: RenderableType) -> Padding:
    """What belongs to a heading, below it."""
    return Padding(body, (0, 0, 0, 2))


def pairs(rows: Iterable[tuple[str, RenderableType]]) -> Table:
    """Names, which may come from a file, and what is said of each, as a table without lines."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, told in rows:
        table.add_row(Text(printable(name)), told)
    return table


def section(title: str, *body: RenderableType) -> list[RenderableType]:
    """A heading behind an empty line, and what belongs to it."""
    return [Text(f"\n{title}", style="bold"), indented(Group(*body))]
