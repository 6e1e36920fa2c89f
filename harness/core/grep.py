"""Python's regular expressions as ``grep -E`` reads them, as far as both can say the same. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLASSES: Final = {"d": "0-9", "w": "a-zA-Z0-9_", "s": "[:space:]", "D": "^0-9", "W": "^a-zA-Z0-9_", "S": "^[:space:]"}
_PIECE: Final = re.compile(
    r"""(?P<group>\(\?P<\w+>|\(\?:)
    |\[(?P<set>\^?\]?(?:\\.|[^]\\])*)\]
    |\\(?P<escaped>.)
    |(?P<lazy>[*+?}]\?|[*+?}]\+)
    |(?P<extension>\(\?)
    |(?P<same>.)""",
    re.VERBOSE | re.DOTALL,
)


def as_grep(pattern: re.Pattern[str]) -> str | None:
    """The options and the expression for ``grep``, unquoted; ``None`` where it could not say the same."""
    pieces = list(_pieces(pattern.pattern))
    return None if None in pieces or pattern.flags & re.VERBOSE else "".join(map(str, pieces))


def _pieces(text: str) -> Iterator[str | None]:
    for piece in _PIECE.finditer(text):
        match piece.lastgroup, piece[0]:
            case "group", _:
                yield "("
            case "set", _:
                yield _set(piece["set"])
            case "escaped", _:
                yield _escaped(piece["escaped"])
            case "same", same if same.isprintable():
                yield same
            case _:
                yield None


def _escaped(char: str) -> str | None:
    if char in _CLASSES:
        return f"[{_CLASSES[char]}]"
    return None if char.isalnum() else f"\\{char}"


def _set(inside: str) -> str | None:
    """A set, in which grep knows no escapes."""
    escapes = re.findall(r"\\(.)", inside)
    if any(char not in "dws./+:$()|?*{}\"'" for char in escapes):
        return None
    bare = re.sub(r"\\(.)", lambda escape: _CLASSES.get(escape[1], escape[1]), inside)
    return f"[{bare}]"
