"""A unified diff as replacements of lines, for formats that take a change so. Pure."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_HUNK: Final = re.compile(r"@@ -(?P<line>\d+)(?:,(?P<old>\d+))? \+\d+(?:,(?P<new>\d+))? @@")
_OLD: Final = "--- a/"
_NO_END: Final = "\\"


@dataclass(frozen=True, kw_only=True, slots=True)
class Replacement:
    """Lines of a file that make way for a text.

    ``first`` and ``last`` are their numbers, from 1; without a ``last`` the text goes in front of the ``first``. Whole
    lines are meant without the newline that ends the last of them, so that the text has none at its end either. Where
    ``text`` is ``None``, the lines go, with their newlines.
    """

    first: int
    last: int | None
    text: str | None


@dataclass(kw_only=True, slots=True)
class _Run:
    """Lines of a diff that stand together and differ; ``before`` is the line that stands in front of them."""

    first: int
    before: str | None
    gone: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    gone_ends: bool = True
    new_ends: bool = True


def replacements(patch: str) -> dict[str, list[Replacement]]:
    """What a unified diff of `harness.core.patch` replaces in which file, by the files' paths."""
    found: dict[str, list[Replacement]] = {}
    lines = deque(patch.split("\n"))
    path = ""
    while lines:
        line = lines.popleft()
        if line.startswith(_OLD):
            path = line.removeprefix(_OLD)
        elif hunk := _HUNK.match(line):
            found.setdefault(path, []).extend(_of_hunk(hunk, lines))
    return found


def _of_hunk(hunk: re.Match[str], lines: deque[str]) -> Iterator[Replacement]:
    """The replacements of one hunk, whose lines are taken."""
    old, new = (int(hunk[name] or 1) for name in ("old", "new"))
    number = int(hunk["line"]) + (old == 0)
    before: str | None = None
    run: _Run | None = None
    sign = " "
    while old or new:
        line = lines.popleft()
        if line[:1] == _NO_END:
            _mark(run, sign)
            continue
        sign, text = line[:1], line[1:]
        if sign not in "+-":
            if run:
                yield _replacement(run, ends=False)
            run, before = None, text
        else:
            run = run or _Run(first=number, before=before)
            (run.new if sign == "+" else run.gone).append(text)
        old, new, number = old - (sign != "+"), new - (sign != "-"), number + (sign != "+")
    if run:
        if lines and lines[0][:1] == _NO_END:
            _mark(run, sign)
        yield _replacement(run, ends=True)


def _mark(run: _Run | None, sign: str) -> None:
    """Note that the last line of a file has no newline."""
    if run:
        run.gone_ends, run.new_ends = run.gone_ends and sign != "-", run.new_ends and sign != "+"


def _replacement(run: _Run, *, ends: bool) -> Replacement:
    """A run of lines as a replacement; ``ends`` says whether nothing is known to stand behind it."""
    text = "\n".join(run.new)
    if run.gone and run.new:
        more = "\n" if run.new_ends and not run.gone_ends else ""
        kept = text.removesuffix("\r") if run.gone[-1].endswith("\r") else text
        return Replacement(first=run.first, last=run.first + len(run.gone) - 1, text=kept + more)
    if run.gone:
        return Replacement(first=run.first, last=run.first + len(run.gone) - 1, text=None)
    if ends and run.before is not None:
        return Replacement(first=run.first - 1, last=run.first - 1, text=f"{run.before}\n{text}".removesuffix("\r"))
    return Replacement(first=run.first, last=None, text=f"{text}\n")
