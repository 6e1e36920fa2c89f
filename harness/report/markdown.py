"""The results as Markdown, for a pull request's comment and a step summary: what changed first, the rest folded.

Whatever was said in a container is shown as text: it makes no markup, and nobody is mentioned by it.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from harness.core.comparison import recorded
from harness.core.judge import as_expected
from harness.core.ranking import Change
from harness.core.subject import base_label
from harness.core.verdict import Verdict
from harness.report.difference import SIGNS
from harness.report.rendering import environment
from harness.report.rows import by_base, cell_id, column_order, differs, evidence, one_line, wanted
from harness.report.style import CHANGED, LOOKS, MEANINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from harness.core.baseline import Finding
    from harness.core.cause import Shift
    from harness.core.comparison import Comparison, Difference
    from harness.report.document import Base, Document, Row

MARKER: Final = "<!-- signal-harness -->"
"""The first line, by which a bot finds its comment again."""
MOST: Final = 60_000
"""GitHub takes comments of up to 65,536 characters; what else a bot has to say must fit in as well."""
_MOST_TEXT: Final = 400
_MOST_LINE: Final = 1_000
_MOST_ROWS: Final = 20
_MOST_NAMES: Final = 8
_MOST_LINES: Final = 60
_ROOM_FOR_NOTE: Final = 1_500
_GOOD, _BAD, _OPEN = (LOOKS[verdict][0] for verdict in (Verdict.FORWARDED, Verdict.KILLED, Verdict.UNTESTED))
_CHANGED: Final = ("cell", "was", "is", "detail")
_SHORT: Final = (Change.SIDEWAYS, Change.UNKNOWN, Change.GONE, Change.NEW, Change.BETTER)

_JOINER: Final = "\u2060"
_PIECES: Final = re.compile(r"`[^`|]*[^`|\s][^`|]*`|[^`]+|`")
"""Code, which cannot have a pipe: a table would take it for the end of its cell. What is no code is text."""
_MARKUP: Final = re.compile(r"[\\`*_\[\]~$]")
_HTML: Final = re.compile(r"[&<>|]")
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
_STARTS: Final = re.compile(r"^(\d*)([-+=.)])")
_LINKED: Final = re.compile(r"[@#]|:(?=//|[\w+-]+:)|\bwww(?=\.)|\bGH-(?=\d)", re.IGNORECASE | re.ASCII)
_HEX: Final = re.compile(r"\b[0-9a-f]{7,}\b", re.IGNORECASE | re.ASCII)


def render(document: Document, comparisons: Sequence[Comparison] = ()) -> str:
    """Give a document as Markdown.

    Args:
        document: the results.
        comparisons: its bases held against what was recorded of them.

    Returns:
        At most `MOST` characters; what did not fit is named at the end.
    """
    view = _View(document, comparisons)
    parts: list[str] = []
    left_out: dict[str, int] = {}
    room = MOST - _ROOM_FOR_NOTE
    for part in view.parts():
        if len(part.text) + 2 <= room:
            parts.append(part.text)
            room -= len(part.text) + 2
        else:
            left_out[part.name] = left_out.get(part.name, 0) + 1
    if left_out:
        parts.append(_macro("left_out")([f"{name} ({count})" for name, count in left_out.items()]))
    return "\n\n".join(parts) + "\n"


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece that is shown whole or not at all, and what it is called where it is left out."""

    name: str
    text: str


class _View:
    """What the template is given, part by part."""

    def __init__(self, document: Document, comparisons: Sequence[Comparison]) -> None:
        self._document = document
        self._comparisons = comparisons
        self._told = recorded(comparisons)
        self._changes = {
            f"{base_label(comparison.new.base.reference)}/{'/'.join(difference.key)}": difference.change
            for comparison in comparisons
            for difference in comparison.differences
        }
        rows = document.results
        self._untested = [row for row in rows if row.verdict is Verdict.UNTESTED]
        self._wrong = [
            row
            for row in rows
            if as_expected(row.expected, row.verdict) is False and self._change(row) is not Change.WORSE
        ]

    def _change(self, row: Row) -> Change | None:
        return self._changes.get(cell_id(row))

    def parts(self) -> Iterator[_Part]:
        """Give all there is to say, the most important first."""
        engine = self._document.engine
        told = f"{engine.name} {engine.version} ({engine.runtime}, kernel {engine.kernel})"
        bases = by_base(self._document.results)
        compared = {comparison.new.base.reference for comparison in self._comparisons}
        alone = [base for base in bases if base not in compared] if compared else []
        yield _Part("head", _macro("head")(*self._headline(), _names(bases), told, _names(alone)))
        for comparison in self._comparisons:
            yield from _compared(comparison)
        yield from self._listed()
        for base, rows in bases.items():
            yield _Part("tables of all cells", self._matrix(base, rows))
        verdicts = {row.verdict for row in self._document.results}
        legend = [f"{_look(verdict)}: {MEANINGS[verdict]}" for verdict in Verdict if verdict in verdicts]
        yield _Part("what the symbols mean", _macro("legend")([*legend, "! behind a symbol: not as expected"]))
        wrong = {cell_id(row) for row in self._wrong}
        for row in self._document.results:
            if self._change(row) is Change.WORSE or cell_id(row) in wrong:
                yield _Part("evidence of cells", self._evidence(row))

    def _headline(self) -> tuple[str, str]:
        """The symbol and the words that say it all."""
        rows = self._document.results
        counts = {change: sum(one.counts.get(change, 0) for one in self._comparisons) for change in Change}
        unstable = sum(row.verdict is Verdict.UNSTABLE for row in rows)
        bad = {
            "worse": counts[Change.WORSE],
            "sideways": counts[Change.SIDEWAYS],
            "not as expected": len(self._wrong),
        }
        unsure = {"untested": len(self._untested), "gone": counts[Change.GONE]}
        good = {"new": counts[Change.NEW], "better": counts[Change.BETTER]}
        symbol = _BAD if any(bad.values()) else _OPEN if any(unsure.values()) or not rows else _GOOD
        if not any([*bad.values(), *unsure.values(), *good.values()]):
            told = f"all {_count(len(rows))} as expected" if rows else "no cells"
            return symbol, told + (f", {unstable} of them unstable" if unstable else "")
        counted = [(count, word) for word, count in (bad | {"unstable": unstable} | unsure | good).items() if count]
        (first, word), others = counted[0], counted[1:]
        told = ", ".join([f"{_count(first)} {word}", *(f"{count} {word}" for count, word in others)])
        fine = sum(row.verdict is not Verdict.UNTESTED and not differs(row, self._told) for row in rows)
        return symbol, f"{told}; {fine} of {len(rows)} as expected"

    def _listed(self) -> Iterator[_Part]:
        """The cells that are not as expected, and those that could not be tested."""
        if wrong := self._wrong:
            beside = any(change is Change.WORSE for change in self._changes.values())
            title = f"{_count(len(wrong), 'more ' if beside else '')} not as expected"
            rows = [
                (f"`{cell_id(row)}`", wanted(row, None), _look(row.verdict), row.reason) for row in wrong[:_MOST_ROWS]
            ]
            names = ["cell", "expected", "is", "reason"]
            text = _macro("listed")(_BAD, title, names, rows, max(0, len(wrong) - _MOST_ROWS))
            yield _Part("cells not as expected", text)
        if untested := self._untested:
            rows_ = [(f"`{cell_id(row)}`", row.reason) for row in untested[:_MOST_ROWS]]
            left = max(0, len(untested) - _MOST_ROWS)
            title = f"{_count(len(untested))} untested"
            yield _Part("untested cells", _macro("listed")(_OPEN, title, ["cell", "reason"], rows_, left))

    def _matrix(self, base: str, rows: Sequence[Row]) -> str:
        questions = [question for *_, question in sorted({column_order(row) for row in rows})]
        cells: dict[str, dict[str, str]] = {}
        for row in rows:
            mark = "!" if differs(row, self._told) else ""
            cells.setdefault(row.variant, {})[row.question] = LOOKS[row.verdict][0] + mark
        table = [
            (f"`{variant}`", *(found.get(question, "") for question in questions)) for variant, found in cells.items()
        ]
        facts = _facts(self._document.bases[base]) if base in self._document.bases else ""
        summary = f"All {_count(len(rows))} on {base_label(base)}"
        return _macro("matrix")(summary, facts, ["variant", *questions], table)

    def _evidence(self, row: Row) -> str:
        lines = evidence(row)
        left = len(lines) - _MOST_LINES
        shown = [*lines[:_MOST_LINES], *([f"… and {left} more lines"] if left > 0 else [])]
        return _macro("evidence")(f"Evidence: {cell_id(row)}, {row.verdict}", row.reason, shown)


def _names(bases: Iterable[str]) -> list[str]:
    labels = [f"`{base_label(base)}`" for base in bases]
    left = len(labels) - _MOST_NAMES
    return [*labels[:_MOST_NAMES], *([f"{left} more"] if left > 0 else [])]


def _compared(comparison: Comparison) -> Iterator[_Part]:
    """What changed on one base: first what differs between bases and engines, then the cells, the worst first."""
    old, new = (base_label(one.base.reference) for one in (comparison.old, comparison.new))
    title = f"`{new}`, held against what was recorded" if old == new else f"`{old}` → `{new}`"
    counts = [f"{comparison.counts[change]} {change}" for change in Change if comparison.counts.get(change)]
    shifts = [_shift(shift) for shift in (comparison.image, *comparison.base) if shift]
    text = _macro("compared")(
        f"{title}: {', '.join([*counts, f'{comparison.same} the same'])}",
        shifts or ["nothing that is recorded of the base differs"],
        [_shift(shift) for shift in comparison.engine],
    )
    yield _Part("what changed of bases", text)
    for cause, differences in comparison.groups(Change.WORSE).items():
        rows = [_difference(difference) for difference in differences[:_MOST_ROWS]]
        left = max(0, len(differences) - _MOST_ROWS)
        yield _Part(
            "groups of worse cells",
            _macro("worse")(SIGNS[Change.WORSE][0], len(differences), cause, _CHANGED, rows, left),
        )
    groups = [
        _group(change, cause, differences)
        for change in _SHORT
        for cause, differences in comparison.groups(change).items()
    ]
    if groups:
        yield _Part("other changes", _macro("changed")(groups))


def _group(change: Change, cause: str, differences: Sequence[Difference]) -> dict[str, Any]:
    return {
        "symbol": SIGNS[change][0],
        "what": CHANGED[change],
        "count": len(differences),
        "cause": cause,
        "cells": [_short(difference) for difference in differences[:_MOST_NAMES]],
        "left": max(0, len(differences) - _MOST_NAMES),
    }


def _short(difference: Difference) -> str:
    """A changed cell in few words."""
    found = [_look(finding.verdict) for finding in (difference.old, difference.new) if finding]
    return f"`{'/'.join(difference.key)}` {' → '.join(found)}"


def _difference(difference: Difference) -> tuple[str, ...]:
    detail = difference.cause.detail if difference.cause else ""
    return f"`{'/'.join(difference.key)}`", _finding(difference.old), _finding(difference.new), detail


def _finding(finding: Finding | None) -> str:
    if finding is None:
        return ""
    return _look(finding.verdict) + (f" ({', '.join(finding.seen)})" if finding.seen else "")


def _shift(shift: Shift) -> str:
    now, was = (f"`{value}`" if value else "absent" for value in (shift.new, shift.old))
    return f"{shift.name} is now {now}, was {was}"


def _look(verdict: Verdict) -> str:
    return f"{LOOKS[verdict][0]} {verdict}"


def _count(count: int, which: str = "") -> str:
    return f"{count} {which}cell{'' if count == 1 else 's'}"


def _facts(base: Base) -> str:
    named = {"/bin/sh is": base.shell, "Node": base.node, "npm": base.npm}
    told = [base.os, base.libc, *(f"{name} {value}" for name, value in named.items() if value)]
    return " · ".join(fact for fact in told if fact)


def inert(value: object) -> Markup:
    """Make text harmless in Markdown, in a paragraph or a table's cell.

    Text between backticks becomes code, as that is what they mean where we write them; whatever it holds shows as it
    is. In all other text, markup is escaped, and what GitHub links by itself (mentions, issues, commits, addresses) is
    broken up by an invisible character.

    Args:
        value: text, or what is already made harmless.
    """
    if isinstance(value, Markup):
        return value
    told = ""
    for piece in _PIECES.findall(_clipped(one_line(str(value)), _MOST_TEXT).strip()):
        if len(piece) > 1 and piece[0] == "`":
            told += (_JOINER if told.endswith("`") else "") + piece  # two backticks in a row would be another fence
        else:
            told += _plain(piece)
    return Markup(_STARTS.sub(r"\1\\\2", told))  # noqa: S704  this is what makes it safe


def _plain(text: str) -> str:
    escaped = _MARKUP.sub(r"\\\g<0>", _unlinked(text))
    return _HTML.sub(lambda found: _ENTITIES[found[0]], escaped)


def _unlinked(text: str) -> str:
    """Break up what GitHub makes a link, a mention or an emoji of, wherever it is but in code."""
    apart = _LINKED.sub(lambda found: found[0] + _JOINER, text)
    # A part of it must not be a commit's name either.
    return _HEX.sub(lambda found: _JOINER.join(re.findall(".{1,4}", found[0])), apart)


def _cells(row: Iterable[object]) -> Markup:
    """A row's cells, without the pipes at its ends."""
    return Markup(" | ").join(inert(cell) for cell in row)


def _html(text: str) -> Markup:
    """Text within an HTML element, where Markdown has no say."""
    return Markup(html.escape(_unlinked(_clipped(one_line(text), _MOST_TEXT))))  # noqa: S704


def _fenced(lines: Iterable[str]) -> Markup:
    """Lines as a block of code, in a fence that is longer than any they hold."""
    text = "\n".join(_clipped(one_line(line), _MOST_LINE) for line in lines)
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    return Markup(f"{fence}text\n{text}\n{fence}")  # noqa: S704


def _clipped(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


@cache
def _template() -> Any:
    templates = environment(finalize=inert)
    templates.filters |= {"cells": _cells, "html": _html, "fenced": _fenced}
    return templates.get_template("report.md.j2").module


def _macro(name: str) -> Callable[..., str]:
    """One of the template's parts, as a function."""
    macro = getattr(_template(), name)
    return lambda *given: str(macro(*given)).strip("\n")
