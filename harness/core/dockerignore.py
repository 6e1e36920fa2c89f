"""Which files of a build context ``.dockerignore`` leaves out, as docker reads it. Pure.

Sources: moby/patternmatcher, ``ignorefile/ignorefile.go`` (how lines are read) and ``patternmatcher.go`` (what they
match); Go's ``path/filepath.Match`` (which patterns are malformed); the Dockerfile reference, ".dockerignore files".
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FILE_NAME: Final = ".dockerignore"
_BOM: Final = "\ufeff"
_REMEDY: Final = "The Dockerfile reference says how a pattern is written: .dockerignore files."

_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""What Go's ``unicode.IsSpace`` takes for white space."""

_STAR: Final = "[^/]*"
_FOLDERS: Final = "(?:.*/)?"
_WILD: Final = {"*": _STAR, "?": "[^/]"}
_SPECIAL: Final = frozenset(".+()|{}$")
_IN_CLASS: Final = frozenset("[&~")
"""What means more to Python, between brackets, than to Go."""

_CLASSES: Final = frozenset("dDsSwWtnrfva")
"""The letters that, behind a backslash, mean to Go's regular expressions what they mean to Python's."""


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One line: what it matches, and whether it is an exception (``!``); ``text`` is the pattern as it is cleaned."""

    text: str
    exception: bool
    matches: Callable[[str], bool]


class Ignoring:
    """What the lines of a ``.dockerignore`` leave out; `states` goes from a folder to what is in it.

    Raises:
        UsageError: a pattern is malformed. Docker builds nothing then either, unless nothing is ever compared with it.
    """

    def __init__(self, text: str = "", *, place: str = FILE_NAME) -> None:
        self._patterns = tuple(_patterns(text, place))

    @property
    def exceptions(self) -> tuple[str, ...]:
        """The patterns of the exceptions, without their ``!``."""
        return tuple(pattern.text for pattern in self._patterns if pattern.exception)

    def states(self, path: str, above: Sequence[bool] = ()) -> tuple[bool, tuple[bool, ...]]:
        """Whether a path is left out, and which patterns match it or a folder above.

        Args:
            path: from the context's root, parts joined by ``/``.
            above: which patterns match the folder that it is in; nothing for what is at the root.
        """
        out, states = False, []
        for number, pattern in enumerate(self._patterns):
            matched = bool(above) and above[number]
            if not matched and pattern.exception == out:
                matched = pattern.matches(path)
            states.append(matched)
            if matched:
                out = not pattern.exception
        return out, tuple(states)

    def leaves_out(self, path: str) -> bool:
        """Whether a path is left out, by itself or with a folder that it is in."""
        parts = path.split("/")
        out, above = False, tuple[bool, ...]()
        for number in range(len(parts)):
            out, above = self.states("/".join(parts[: number + 1]), above)
        return out


def _patterns(text: str, place: str) -> Iterator[_Pattern]:
    for number, line in enumerate(text.removeprefix(_BOM).split("\n"), start=1):
        if line.startswith("#") or not (words := line.strip(_SPACE)):
            continue
        marked = words.startswith("!")
        words = words[1:].strip(_SPACE) if marked else words
        words = _cleaned(words).removeprefix("/") or "/" if words else ""
        # Docker cleans it again with its mark, which counts as a letter of the path then: "!../../a" is a plain "a".
        cleaned = _cleaned(f"!{words}" if marked else words)
        exception = cleaned.startswith("!")
        pattern = cleaned[1:] if exception else cleaned
        if exception and not pattern:
            raise UsageError(f"{place}:{number}: nothing is excepted by {line.strip()!r}", remedy=_REMEDY)
        yield _Pattern(pattern, exception, _matcher(pattern, f"{place}:{number}"))


def _cleaned(path: str) -> str:
    """As Go's ``filepath.Clean``; Python keeps two slashes at the beginning, as POSIX has it."""
    return re.sub(r"\A//+", "/", posixpath.normpath(path))


def _matcher(pattern: str, place: str) -> Callable[[str], bool]:
    """What a cleaned pattern matches: what has no wildcard, or ``**`` at one end only, without a regular expression."""
    if not _is_well_formed(pattern) or "[[:" in pattern:
        raise UsageError(f"{place}: {pattern!r} is no pattern that can be read", remedy=_REMEDY)
    plain = not any(mark in pattern for mark in "*?[]\\")
    if plain:
        return pattern.__eq__
    before, after = pattern.removesuffix("**"), pattern.removeprefix("**")
    if after != pattern and not any(mark in after for mark in "*?[]\\"):
        return lambda path: path.endswith(after) or (after.startswith("/") and path == after[1:])
    if before != pattern and not any(mark in before for mark in "*?[]\\"):
        return lambda path: path.startswith(before)
    try:
        found = re.compile(_expression(pattern, place), re.ASCII)
    except re.error as error:
        raise UsageError(f"{place}: {pattern!r} is no pattern that can be read: {error}", remedy=_REMEDY) from error
    return lambda path: found.match(path) is not None


def _expression(pattern: str, place: str) -> str:
    """The regular expression that docker makes of a pattern.

    It copies brackets as they are, and reads what is behind a backslash as Go's regular expressions do.
    """
    parts: list[str] = []
    at, inside = 0, False
    while at < len(pattern):
        char, at = pattern[at], at + 1
        if pattern.startswith("*", at) and char == "*":
            at += 1 + pattern.startswith("/", at + 1)
            part = _FOLDERS if at < len(pattern) else ".*"
        elif char == "\\" and at < len(pattern):
            part, at = char + pattern[at], at + 1
            if part[1].isalnum() and part[1] not in _CLASSES:
                raise UsageError(f"{place}: {pattern!r} has {part!r}, which is no letter to docker", remedy=_REMEDY)
        elif char in _WILD:
            part = rf"\{_WILD[char]}" if inside else _WILD[char]  # its "]" ends a set that it stands in
            inside = False
        else:
            part = f"\\{char}" if char in _SPECIAL or char == "\\" or (inside and char in _IN_CLASS) else char
            inside = char == "[" or (inside and char != "]")
        parts.append(part)
    return "".join(_without_searching_twice(parts)) + r"\Z"


def _without_searching_twice(parts: Sequence[str]) -> Iterator[str]:
    """Take the first match of what stands between two stars for good: the second star has what a later one would have.

    Without it, the time that a pattern takes grows with a power of the path's length.
    """
    at = 0
    while at < len(parts):
        rest = parts[at + 1 :]
        if parts[at] == _STAR and _STAR in rest and _FOLDERS not in (between := rest[: rest.index(_STAR)]):
            yield f"(?>[^/]*?{''.join(between)})"
            at += 1 + len(between)
        else:
            yield parts[at]
            at += 1


def _is_well_formed(pattern: str) -> bool:
    """Whether Go's ``filepath.Match`` takes a pattern: sets end, have something in them, and no halves of ranges."""
    at = 0
    while at < len(pattern):
        if pattern[at] == "\\":
            if at + 1 == len(pattern):
                return False
            at += 2
        elif pattern[at] == "[":
            end = _end_of_set(pattern, at + 1)
            if end is None:
                return False
            at = end
        else:
            at += 1
    return True


def _end_of_set(pattern: str, at: int) -> int | None:
    """Where a set ends whose bracket is in front; ``None`` if it is malformed."""
    at += pattern.startswith("^", at)
    ranges = 0
    while not (pattern.startswith("]", at) and ranges):
        for _ in range(2):
            at += pattern.startswith("\\", at)
            if at >= len(pattern) or (pattern[at] in "-]" and pattern[at - 1] != "\\"):
                return None
            at += 1
            if not pattern.startswith("-", at):
                break
            at += 1
        ranges += 1
        if at > len(pattern):
            return None
    return at + 1
