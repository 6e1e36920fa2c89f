"""The results as one HTML page: it needs no network, and shows what containers said as text. Pure but for templates.

The page's look and behaviour are in ``templates/``; here is what it says. Its table is there without JavaScript; what
a cell's dialog shows is data, drawn when it is asked for.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from markupsafe import Markup

from harness.core.comparison import recorded
from harness.core.ranking import Change
from harness.core.subject import base_label
from harness.core.verdict import Verdict
from harness.report.html_cells import Place, by_place, dialogs, place_of, words_of
from harness.report.rendering import environment
from harness.report.rows import cell_id, column_order, differs
from harness.report.style import CHANGED, LOOKS, MEANINGS, TONES, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import jinja2

    from harness.core.comparison import Comparison, Difference
    from harness.report.document import Base, Document, Row

MARKS: Final = {Change.WORSE: "↓", Change.UNKNOWN: "≟", Change.SIDEWAYS: "≠", Change.NEW: "+", Change.BETTER: "↑"}
_FEW: Final = 6
_SOME: Final = 14
_DIGITS: Final = 12
_OUTSIDE_ID: Final = re.compile(r"[^\w.:@/+~-]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A button of the matrix: ``number`` is its row in the document, ``anchor`` what a link calls it."""

    number: int
    anchor: str
    verdict: Verdict
    change: Change | None
    unexpected: bool
    label: str

    @property
    def marks(self) -> str:
        """The signs behind the verdict's symbol."""
        return ("!" if self.unexpected else "") + (MARKS.get(self.change, "") if self.change else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of the matrix; ``first`` of its base or not."""

    base: str
    question: str
    first: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """Variants down, questions across, base by base; a place may be empty."""

    bases: Mapping[str, int]
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, str, tuple[tuple[Cell, ...], ...]], ...]

    @property
    def width(self) -> str:
        """How many columns there are, in a word: fewer have room for more."""
        return "few" if len(self.columns) <= _FEW else "some" if len(self.columns) <= _SOME else "many"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One cell that changed; ``link`` leads to it if it is there."""

    difference: Difference
    link: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """The cells that changed in one way and for one likely cause."""

    cause: str
    entries: tuple[Entry, ...]


def render(document: Document, comparisons: Sequence[Comparison] = ()) -> str:
    """Give a document as a page.

    Args:
        document: the results.
        comparisons: what changed of its bases, if they are held against recordings; shown first.
    """
    cells = _cells(document, comparisons)
    matrix = _matrix(document, cells)
    style, script = (_asset(name) for name in ("report.css", "report.js"))
    counts = Counter(row.verdict for row in document.results)
    return (
        _templates()
        .get_template("report.html.j2")
        .render(
            document=document,
            diffs=[(one, tuple(_changes(one, cells))) for one in comparisons],
            counts={verdict: counts[verdict] for verdict in Verdict if counts[verdict]},
            unexpected=sum(cell.unexpected for cell in cells),
            changed={cell.change for cell in cells},
            facts=_facts_of(document.bases),
            matrix=matrix,
            data=dialogs(document, comparisons, [name for name, _, _ in matrix.rows]),
            policy=_policy(style, script),
            style=style,
            script=script,
        )
    )


@cache
def _templates() -> jinja2.Environment:
    made = environment(keep_trailing_newline=True, finalize=_shown)
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    made.filters["prose"] = _prose
    made.globals.update(
        symbols={verdict: symbol for verdict, (symbol, _) in LOOKS.items()},
        tones={verdict: TONES[colour] for verdict, (_, colour) in LOOKS.items()},
        meanings=MEANINGS,
        headings=CHANGED,
        marks=MARKS,
    )
    return made


def _shown(value: object) -> object:
    """What any expression in a template puts on the page: control characters are spelled out, markup is ours."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _prose(text: str) -> Markup:
    """A sentence of ours; what stands in backquotes is code."""
    parts = [Markup.escape(printable(part)) for part in text.split("`")]
    pairs = Markup("").join(
        part if place % 2 == 0 else Markup("<code>{}</code>").format(part) for place, part in enumerate(parts)
    )
    return pairs if len(parts) % 2 else Markup("`").join(parts)


@cache
def _asset(name: str) -> Markup:
    """A file of ours that goes into the page as it is."""
    templates = _templates()
    assert templates.loader is not None  # noqa: S101  it has the one above
    return Markup(templates.loader.get_source(templates, name)[0])  # noqa: S704  ours, and its hash is in the policy


def _policy(style: str, script: str) -> str:
    """Nothing is loaded or run but the page's own style and script."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# The matrix.


def _cells(document: Document, comparisons: Sequence[Comparison]) -> list[Cell]:
    """A cell for every result."""
    known = recorded(comparisons)
    differences = by_place(comparisons)
    taken: Counter[str] = Counter()
    cells = []
    for number, row in enumerate(document.results):
        difference = differences.get(place_of(row))
        anchor = _OUTSIDE_ID.sub("_", cell_id(row))
        taken[anchor] += 1
        cells.append(
            Cell(
                number=number,
                anchor=f"cell={anchor}" + (f"~{taken[anchor]}" if taken[anchor] > 1 else ""),
                verdict=row.verdict,
                change=difference.change if difference else None,
                unexpected=differs(row, known),
                label=_label(row, difference, unexpected=differs(row, known)),
            )
        )
    return cells


def _label(row: Row, difference: Difference | None, *, unexpected: bool) -> str:
    """What a cell is called, in words."""
    parts = [f"{row.variant} on {row.base}, {row.question}: {row.verdict}"]
    if unexpected:
        parts.append("not as expected")
    if difference:
        was = f" (was {difference.old.verdict})" if difference.old else ""
        parts.append(CHANGED[difference.change] + was)
    return ", ".join(parts)


def _matrix(document: Document, cells: Sequence[Cell]) -> Matrix:
    at: dict[Place, list[Cell]] = {}
    for number, row in enumerate(document.results):
        at.setdefault(place_of(row), []).append(cells[number])
    bases = dict.fromkeys(row.base for row in document.results)
    questions = {base: sorted({column_order(row) for row in document.results if row.base == base}) for base in bases}
    columns = tuple(
        Column(base=base, question=order[-1], first=not place)
        for base in bases
        for place, order in enumerate(questions[base])
    )
    names = dict.fromkeys(row.variant for row in document.results)
    return Matrix(
        bases={base: len(questions[base]) for base in bases},
        columns=columns,
        rows=tuple(
            (
                name,
                document.variants[name].title if name in document.variants else "",
                tuple(tuple(at.get((column.base, name, column.question), ())) for column in columns),
            )
            for name in names
        ),
    )


def _facts_of(bases: Mapping[str, Base]) -> list[tuple[str, list[str | None], bool]]:
    """What is known of the bases: its name, what it is for each of them, and whether they differ in it."""
    rows: list[tuple[str, list[str | None]]] = [
        ("system", [base.os for base in bases.values()]),
        ("C library", [base.libc for base in bases.values()]),
        ("/bin/sh", [base.shell for base in bases.values()]),
        ("Node", [base.node for base in bases.values()]),
        ("npm", [base.npm for base in bases.values()]),
        ("tini", [base.tini for base in bases.values()]),
        ("dumb-init", [base.dumb_init for base in bases.values()]),
        ("STOPSIGNAL", [base.stop_signal for base in bases.values()]),
        ("ENTRYPOINT", [words_of(base.entrypoint) for base in bases.values()]),
        ("entrypoint's file", [base.entrypoint_sha256 and _short(base.entrypoint_sha256) for base in bases.values()]),
        ("digest", [base.digest for base in bases.values()]),
        ("image", [_short(base.id) for base in bases.values()]),
    ]
    return [(name, values, len(set(values)) > 1) for name, values in rows if any(values)]


def _short(digest: str) -> str:
    """As much of a digest as tells it from others."""
    head, colon, number = digest.rpartition(":")
    return f"{head}{colon}{number[:_DIGITS]}"


# What changed.


def _changes(comparison: Comparison, cells: Sequence[Cell]) -> Iterator[tuple[Change, int, tuple[Group, ...]]]:
    """Each way in which cells changed, how many did, and those by their likely cause."""
    anchors = {cell.anchor for cell in cells}
    for change in Change:
        if count := comparison.counts[change] if change in CHANGED else 0:
            groups = comparison.groups(change).items()
            yield (
                change,
                count,
                tuple(
                    Group(
                        cause=cause,
                        entries=tuple(
                            Entry(difference=one, link=_link(comparison.new.base.reference, one, anchors))
                            for one in found
                        ),
                    )
                    for cause, found in groups
                ),
            )


def _link(base: str, difference: Difference, anchors: set[str]) -> str | None:
    anchor = "cell=" + _OUTSIDE_ID.sub("_", "/".join((base_label(base), *difference.key)))
    return f"#{quote(anchor, safe='=/:@~')}" if anchor in anchors else None
