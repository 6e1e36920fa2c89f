"""The results as Markdown, for a pull request's comment and a step summary: what changed first, the rest folded.

Whatever comes from a container is shown as text: it makes no markup, and mentions nobody.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, TypeVar

from markupsafe import Markup

from harness.core.comparison import recorded
from harness.core.judged import is_open
from harness.core.ranking import Change
from harness.core.subject import base_label
from harness.core.verdict import Verdict
from harness.report.apps import app_lines
from harness.report.base_table import heading
from harness.report.difference import SIGNS
from harness.report.engines import engine_lines
from harness.report.remarks import cut, remarks, standing
from harness.report.rendering import environment
from harness.report.rows import (
    by_table,
    changes_of,
    differs,
    evidence,
    heading_text,
    headings_of,
    in_place_of,
    met,
    one_line,
    place_of,
    rule_of,
    wanted,
)
from harness.report.style import CHANGED, clipped, counted
from harness.report.tried import best_first, in_vain, patches_that_help, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.core.baseline import Finding
    from harness.core.cause import Shift
    from harness.core.comparison import Comparison, Difference
    from harness.core.document import Document, Row, Tried

T = TypeVar("T")
MARKER: Final = "<!-- signal-harness -->"
"""The first line, by which a bot finds its comment again."""
MOST: Final = 60_000
"""GitHub takes comments of up to 65,536 characters; what else a bot has to say must fit in as well."""
_MOST_TEXT: Final = 400
_MOST_LINE: Final = 1_000
_MOST_ROWS: Final = 20
_MOST_NAMES: Final = 8
_MOST_LINES: Final = 60
_MOST_PATCH: Final = 40
_ROOM_FOR_NOTE: Final = 1_500
_GOOD, _BAD, _OPEN = (verdict.symbol for verdict in (Verdict.FORWARDED, Verdict.KILLED, Verdict.UNTESTED))
_SAME_BASE: Final = "nothing that is recorded of the base differs"
_CHANGED: Final = ("cell", "was", "is", "detail")
_SHORT: Final = (Change.SIDEWAYS, Change.UNKNOWN, Change.GONE, Change.NEW, Change.BETTER)

_Part = tuple[str, str]
"""What a piece that is shown whole or not at all is called where it is left out, and its text."""

_JOINER: Final = "\u2060"
_PIECES: Final = re.compile(r"`[^`|]*[^`|\s][^`|]*`|[^`]+|`")
"""Code, which cannot have a pipe: a table would take it for the end of its cell. All else is text."""
_MARKUP: Final = re.compile(r"[\\`*_\[\]~$]")
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"})
_STARTS: Final = re.compile(r"^(\d*)([-+=.)])")
_LINKED: Final = re.compile(r"[@#]|:(?=//|[\w+-]+:)|\bwww(?=\.)|\bGH-(?=\d)", re.IGNORECASE | re.ASCII)
_HEX: Final = re.compile(r"\b[0-9a-f]{7,}\b", re.IGNORECASE | re.ASCII)


def render(document: Document, comparisons: Sequence[Comparison] = ()) -> str:
    """A document as Markdown, of at most `MOST` characters; what did not fit is named at the end."""
    parts: list[str] = []
    left_out: Counter[str] = Counter()
    room = MOST - _ROOM_FOR_NOTE
    for name, text in _View(document, comparisons).parts():
        if len(text) + 2 <= room:
            parts.append(text)
            room -= len(text) + 2
        else:
            left_out[name] += 1
    if left_out:
        parts.append(_written("left_out", [f"{name} ({count})" for name, count in left_out.items()]))
    return "\n\n".join(parts) + "\n"


class _View:
    """What the template is given, part by part."""

    def __init__(self, document: Document, comparisons: Sequence[Comparison]) -> None:
        self._document = document
        self._comparisons = comparisons
        self._recorded = recorded(comparisons)
        changes = changes_of(comparisons).items()
        self._worse = {place for place, difference in changes if difference.change is Change.WORSE}
        self._untested = [row for row in document.results if not row.tested]
        unexpected = (row for row in document.results if met(row, None) is False)
        self._wrong = [row for row in unexpected if place_of(row) not in self._worse]

    def parts(self) -> Iterator[_Part]:
        """All parts, the most important first."""
        engines = self._document.engines.values()
        where = ", ".join(f"{each.name} {each.version} ({each.runtime}, kernel {each.kernel})" for each in engines)
        told = [f"Engines: {'; '.join(lines)}."] if (lines := engine_lines(self._document)) else []
        tables = by_table(self._document.results)
        bases = [base for base in tables if base is not None]
        given = list(dict.fromkeys(row.subject for row in tables.get(None, ())))
        compared = {each.new.base.reference for each in self._comparisons if each.old.findings}
        alone = [base for base in bases if base not in compared] if self._comparisons else []
        labels = [*map(base_label, bases), *given]
        yield "head", _written("head", *self._headline(), _names(labels), where, _names(map(base_label, alone)))
        if said := [*told, *remarks(self._document, self._comparisons)]:
            yield "remarks", _written("bullets", said)
        for comparison in self._comparisons:
            yield from _compared(comparison)
        yield from self._listed()
        yield from (("ways to fix cells", _fixes(row)) for row in self._document.results if row.tried)
        for base, rows in tables.items():
            yield "tables of all cells", self._matrix(base, rows)
        verdicts = {row.verdict for row in self._document.results}
        legend = [f"{_look(verdict)}: {verdict.meaning}" for verdict in Verdict if verdict in verdicts]
        rules = sorted({rule for row in self._document.results if (rule := rule_of(row))})
        legend += ["! behind a symbol: not as expected", *(f"{rule}: {rule.about.title}" for rule in rules)]
        yield "what the symbols mean", _written("legend", legend)
        bad = self._worse | set(map(place_of, self._wrong))
        yield from (("evidence of cells", _evidence(row)) for row in self._document.results if place_of(row) in bad)

    def _headline(self) -> tuple[str, str]:
        """The symbol and the words that sum it up."""
        rows = self._document.results
        counts = Counter(difference.change for comparison in self._comparisons for difference in comparison.differences)
        unstable = sum(row.verdict is Verdict.UNSTABLE for row in rows)
        as_it_should_be = sum(met(row, self._recorded.get(row.id)) is True for row in rows)
        wrong = {"not as expected": len(self._wrong)}
        bad = {"worse": counts[Change.WORSE], "sideways": counts[Change.SIDEWAYS]} | wrong
        unsure = {"untested": len(self._untested), "gone": counts[Change.GONE]}
        good = {"new": counts[Change.NEW], "better": counts[Change.BETTER]}
        open_ = any(unsure.values()) or not as_it_should_be or is_open(self._document, self._comparisons)
        symbol = _BAD if any(bad.values()) else _OPEN if open_ or self._document.cut else _GOOD
        if self._document.cut:
            return symbol, f"cut short: {cut(self._document)}; {standing(self._document, self._comparisons)}"
        if not any([*bad.values(), *unsure.values(), *good.values()]):
            words, cells = standing(self._document, self._comparisons), counted(len(rows), "cell")
            said = f"all {cells}{words.removeprefix('all')}" if words.startswith("all as") else f"{cells}: {words}"
            return symbol, (said if rows else "no cells") + (f", {unstable} of them unstable" if unstable else "")
        changed = [(count, word) for word, count in (bad | {"unstable": unstable} | unsure | good).items() if count]
        (first, word), others = changed[0], changed[1:]
        summary = ", ".join([f"{counted(first, 'cell')} {word}", *(f"{count} {word}" for count, word in others)])
        return symbol, f"{summary}; {as_it_should_be} of {len(rows)} as expected"

    def _listed(self) -> Iterator[_Part]:
        """The cells that are not as expected, and those that could not be tested."""
        if wrong := self._wrong:
            title = f"{counted(len(wrong), 'more cell' if self._worse else 'cell')} not as expected"
            cells = [(f"`{row.id}`", wanted(row, None), _look(row.verdict), row.reason) for row in wrong]
            names = ["cell", "expected", "is", "reason"]
            yield "cells not as expected", _written("listed", _BAD, title, names, *_most(cells, _MOST_ROWS))
        if untested := self._untested:
            title = f"{counted(len(untested), 'cell')} untested"
            reasons = [(f"`{row.id}`", row.reason) for row in untested]
            yield "untested cells", _written("listed", _OPEN, title, ["cell", "reason"], *_most(reasons, _MOST_ROWS))

    def _matrix(self, base: str | None, rows: Sequence[Row]) -> str:
        questions = [heading_text(about) for about in headings_of(rows)]
        cells: dict[str, dict[str, str]] = {}
        for row in rows:
            mark = "!" if differs(row, self._recorded) else ""
            cells.setdefault(row.subject, {})[heading_text((row.question, row.column))] = row.verdict.symbol + mark
        table = [(f"`{variant}`", *(marks.get(name, "") for name in questions)) for variant, marks in cells.items()]
        known = [heading(self._document.bases[base])] if base in self._document.bases else []
        subjects = [self._document.subjects[name] for name in cells]
        facts = " · ".join([*known, *in_place_of(subjects, base)])
        of = counted(len(cells), "image") if base is None else base_label(base)
        summary = f"All {counted(len(rows), 'cell')} {'of' if base is None else 'on'} {of}"
        return _written("matrix", summary, facts, ["image" if base is None else "variant", *questions], table)


def _most(items: Sequence[T], most: int) -> tuple[Sequence[T], int]:
    """The first items, and how many are left."""
    return items[:most], max(0, len(items) - most)


def _evidence(row: Row) -> str:
    lines = _capped(evidence(row), _MOST_LINES)
    return _written("evidence", f"Evidence: {row.id}, {row.verdict}", row.reason, app_lines(row.evidence.apps), lines)


def _fixes(row: Row) -> str:
    """What was tried for a cell, the first patch that helped, and what to change where nothing did."""
    tried = best_first(row.tried)
    rows = [
        (one.change, f"{_look(one.verdict)}{f', {one.brief}' if one.brief else ''}", _why_not(one)) for one in tried
    ]
    patches = [(one.change, _capped(lines, _MOST_PATCH)) for one, lines in patches_that_help(tried)[:1]]
    advice = [
        ("code", [line[2:] for line in lines]) if code else ("prose", list(lines))
        for code, lines in groupby(row.advice, _is_code)
    ]
    names = ["tried", "brought", "because"]
    left = _most(rows, _MOST_ROWS)
    return _written("fixes", row.title, names, *left, patches, advice if in_vain(row) else [])


def _why_not(one: Tried) -> str:
    return "" if one.verdict.good else shortened(one.reason)


def _is_code(line: str) -> bool:
    """Whether a line of advice is to be taken over as it is."""
    return line.startswith("  ")


def _capped(lines: Sequence[str], most: int) -> list[str]:
    """The first lines, and how many are left."""
    shown, left = _most(lines, most)
    return [*shown, *([f"… and {left} more lines"] if left else [])]


def _names(names: Iterable[str]) -> list[str]:
    labels, left = _most([f"`{name}`" for name in names], _MOST_NAMES)
    return [*labels, *([f"{left} more"] if left else [])]


def _compared(comparison: Comparison) -> Iterator[_Part]:
    """What changed on one base: first what differs between bases and engines, then the cells, the worst first."""
    old, new = (base_label(recording.base.reference) for recording in (comparison.old, comparison.new))
    if comparison.new.column and old == new:
        old = new = comparison.new.place
    title = f"`{new}`, compared with what was recorded" if old == new else f"`{old}` → `{new}`"
    counts = [f"{comparison.counts[change]} {change}" for change in Change if comparison.counts.get(change)]
    title += f": {', '.join([*counts, f'{comparison.same} the same'])}"
    base = [_shift(shift) for shift in (comparison.image, *comparison.base) if shift]
    engine = [_shift(shift) for shift in comparison.engine]
    yield "what changed of bases", _written("compared", title, base or [_SAME_BASE], engine)
    for cause, differences in comparison.groups(Change.WORSE).items():
        rows = _most([_difference(difference) for difference in differences], _MOST_ROWS)
        sign, count = SIGNS[Change.WORSE][0], len(differences)
        yield "groups of worse cells", _written("worse", sign, count, cause, _CHANGED, *rows)
    groups = [
        (SIGNS[change][0], CHANGED[change], cause, len(differences), *_most([*map(_short, differences)], _MOST_NAMES))
        for change in _SHORT
        for cause, differences in comparison.groups(change).items()
    ]
    if groups:
        yield "other changes", _written("changed", groups)


def _short(difference: Difference) -> str:
    """A changed cell in few words."""
    verdicts = [_look(finding.verdict) for finding in (difference.old, difference.new) if finding]
    return f"`{'/'.join(difference.key)}` {' → '.join(verdicts)}"


def _difference(difference: Difference) -> tuple[str, ...]:
    detail = difference.cause.detail if difference.cause else ""
    return f"`{'/'.join(difference.key)}`", _finding(difference.old), _finding(difference.new), detail


def _finding(finding: Finding | None) -> str:
    seen = f" ({', '.join(finding.seen)})" if finding and finding.seen else ""
    return _look(finding.verdict) + seen if finding else ""


def _shift(shift: Shift) -> str:
    now, was = (f"`{value}`" if value else "absent" for value in (shift.new, shift.old))
    return f"{shift.name} is now {now}, was {was}"


def _look(verdict: Verdict) -> str:
    return f"{verdict.symbol} {verdict}"


def inert(value: object) -> Markup:
    """Text made harmless in Markdown, in a paragraph or a table's cell; what is `Markup` is so already.

    Text between backticks becomes code, as that is what they mean where we write them; whatever it holds shows as it
    is. In all other text, markup is escaped, and what GitHub links by itself (mentions, issues, commits, addresses) is
    broken up by an invisible character.
    """
    if isinstance(value, Markup):
        return value
    safe = ""
    for piece in _PIECES.findall(clipped(one_line(str(value)), _MOST_TEXT).strip()):
        if len(piece) > 1 and piece[0] == "`":
            safe += (_JOINER if safe.endswith("`") else "") + piece  # two backticks in a row would be another fence
        else:
            safe += _MARKUP.sub(r"\\\g<0>", _unlinked(piece)).translate(_ENTITIES)
    return Markup(_STARTS.sub(r"\1\\\2", safe))  # noqa: S704  this is what makes it safe


def _unlinked(text: str) -> str:
    """Text in which GitHub sees no link, mention or emoji, wherever it is but in code."""
    apart = _LINKED.sub(lambda match: match[0] + _JOINER, text)
    # A part of it must not be a commit's name either.
    return _HEX.sub(lambda match: _JOINER.join(re.findall(".{1,4}", match[0])), apart)


def _cells(row: Iterable[object]) -> Markup:
    """A row's cells, without the pipes at its ends."""
    return Markup(" | ").join(inert(cell) for cell in row)


def _html(text: str) -> Markup:
    """Text within an HTML element, where Markdown has no say."""
    return Markup(html.escape(_unlinked(clipped(one_line(text), _MOST_TEXT))))  # noqa: S704


def _fenced(lines: Iterable[str], language: str = "text") -> Markup:
    """Lines as a block of code, in a fence that is longer than any they hold."""
    text = "\n".join(clipped(one_line(line), _MOST_LINE) for line in lines)
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    return Markup(f"{fence}{language}\n{text}\n{fence}")  # noqa: S704


@cache
def _template() -> Any:
    templates = environment(finalize=inert)
    templates.filters |= {"cells": _cells, "html": _html, "fenced": _fenced}
    return templates.get_template("report.md.j2").module


def _written(name: str, *given: object) -> str:
    """One of the template's parts."""
    return str(getattr(_template(), name)(*given)).strip("\n")
