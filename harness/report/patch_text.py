"""A patch as people read it: lines that go in red, lines that come in green."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from rich.text import Text

from harness.report.style import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

_HUNK: Final = re.compile(r"@@ -\d+(?:,(?P<old>\d+))? \+\d+(?:,(?P<new>\d+))? @@")


class Sort(StrEnum):
    """What a line of a unified diff is."""

    NAME = "name"
    WHERE = "where"
    COMES = "comes"
    GOES = "goes"
    STAYS = "stays"


_SIGNS: Final = {"+": Sort.COMES, "-": Sort.GOES}
_STYLES: Final = {Sort.NAME: "bold", Sort.WHERE: "cyan", Sort.COMES: "green", Sort.GOES: "red", Sort.STAYS: ""}


def patch_text(patch: str) -> Text:
    """A unified diff."""
    lines = (Text(printable(line.expandtabs()), _STYLES[sort]) for sort, line in patch_lines(patch))
    return Text("\n", overflow="fold").join(lines)


def patch_lines(patch: str) -> Iterator[tuple[Sort, str]]:
    """The lines of a unified diff, and what each is; a line that goes may look like the name of a file."""
    old = new = 0
    for line in patch.removesuffix("\n").split("\n"):
        sort = Sort.NAME
        if old > 0 or new > 0:
            sort = _SIGNS.get(line[:1], Sort.STAYS)
            if line[:1] != "\\":
                old, new = old - (sort is not Sort.COMES), new - (sort is not Sort.GOES)
        elif hunk := _HUNK.match(line):
            sort, old, new = Sort.WHERE, *(int(hunk[name] or 1) for name in ("old", "new"))
        elif line[:1] == "\\":
            sort = Sort.STAYS
        yield sort, line
