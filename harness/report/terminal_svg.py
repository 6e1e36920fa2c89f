"""What is printed for people as a picture of a terminal: an SVG that loads and runs nothing. Pure."""

from __future__ import annotations

import io
import re
from html import escape
from typing import TYPE_CHECKING, Final

from rich.color import parse_rgb_hex
from rich.console import Console, Group
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from harness.report.style import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

_WIDTH: Final = 100
_TITLE_WIDTH: Final = 96
_THEME: Final = TerminalTheme(
    parse_rgb_hex("0f1318"),
    parse_rgb_hex("e4e8ec"),
    list(map(parse_rgb_hex, ("2b343e", "ff8a80", "7ed99b", "efcc6c", "7db8f5", "deb4f7", "80d6ec", "e4e8ec"))),
)
"""Whatever is written, dim or not, stands out from the background by 4.5:1 (WCAG 2.2, contrast minimum)."""
_FORMAT: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" viewBox="0 0 {width} {height}">
<title>TITLE</title>
<desc>TEXT</desc>
<style>
text {{ font-family: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", \
monospace; font-size: {char_height}px; font-variant-emoji: text; }}
.{unique_id}-title {{ font-size: 16px; }}
{styles}
</style>
{chrome}
<g transform="translate({terminal_x},{terminal_y})">
{backgrounds}
{matrix}
</g>
</svg>
"""
_CLIPS: Final = re.compile(r' clip-path="url\(#[\w-]+\)"')


def render(parts: Iterable[RenderableType], title: str) -> str:
    """What is printed, part below part, as an SVG; ``title`` is the window's: the command that prints it."""
    # What rich would take from the environment is set: the picture is the same wherever it is made.
    console = Console(
        width=_WIDTH,
        file=io.StringIO(),
        record=True,
        highlight=False,
        force_terminal=False,
        color_system="standard",
        no_color=False,
    )
    console.print(Group(Text(), *parts))
    shown = Text(printable(title))
    shown.truncate(_TITLE_WIDTH, overflow="ellipsis")
    words = "\n".join(line.rstrip() for line in console.export_text(clear=False).splitlines())
    drawn = console.export_svg(
        title=shown.plain,
        theme=_THEME,
        # The format is one of str.format: what stands in it as it is must not be taken for a field.
        code_format=_FORMAT.replace("TITLE", _literal(title)).replace("TEXT", _literal(words)),
        unique_id="terminal",
    )
    # Lines are cropped already; rich clips each once more, at paths that the format leaves out.
    return printable(_CLIPS.sub("", drawn))


def _literal(text: str) -> str:
    return escape(text).replace("{", "{{").replace("}", "}}")
