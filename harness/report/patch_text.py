"""A patch as people read it: lines that go in red, lines that come in green."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from harness.report.style import printable

_STYLES: Final = {"+": "green", "-": "red", "@": "cyan"}


def patch_text(patch: str) -> Text:
    """A unified diff."""
    lines = patch.expandtabs().removesuffix("\n").split("\n")
    return Text("\n", overflow="fold").join(Text(printable(line), _STYLES.get(line[:1], "")) for line in lines)
