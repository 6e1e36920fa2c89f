"""The results as one HTML page: it needs no network, and shows what containers said as text. Pure but for templates.

The page's look and behaviour are in ``templates/``; here is what it says. Its table is there without JavaScript; what
a cell's dialog shows is data, drawn when it is asked for.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from markupsafe import Markup

from harness.core.comparison import recorded
from harness.core.program import PROGRAMS
from harness.core.ranking import Change
from harness.core.verdict import Verdict
from harness.report.html_cells import dialogs, words_of
from harness.report.json import escaped
from harness.report.remarks import remarks, standing
from harness.report.rendering import environment
from harness.report.rows import Place, by_table, changes_of, differs, headings_of, place_of, rule_of
from harness.report.style import CHANGED, printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import jinja2

    from harness.core.comparison import Comparison, Difference
    from harness.core.document import Document
    from harness.core.facts import BaseFacts

MARKS: Final = {Change.WORSE: "↓", Change.UNKNOWN: "≟", Change.SIDEWAYS: "≠", Change.NEW: "+", Change.BETTER: "↑"}
_FEW: Final = 6
_SOME: Final = 14
_DIGITS: Final = 12
_CODE: Final = re.compile("`([^`]*)`")
_OUTSIDE_ID: Final = re.compile(r"[^\w.:@/+~-]")


class Cell(NamedTuple):
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


def render(document: Document, comparisons: Sequence[Comparison] = ()) -> str:
    """A document as a page; what changed of its bases is shown first."""
    cells = _cells(document, comparisons)
    anchors = {cell.anchor for cell in cells}
    matrix = _matrix(document, cells)
    style, script = (_asset(name) for name in ("report.css", "report.js"))
    counts = Counter(row.verdict for row in document.results)
    template = _templates().get_template("report.html.j2")
    return template.render(
        document=document,
        comparisons=comparisons,
        link=lambda comparison, difference: _link(comparison, difference, anchors),
        counts={verdict: counts[verdict] for verdict in Verdict if counts[verdict]},
        unexpected=sum(cell.unexpected for cell in cells),
        standing=standing(document, comparisons),
        remarks=remarks(document, comparisons),
        changed={cell.change for cell in cells},
        rules=sorted({rule for row in document.results if (rule := rule_of(row))}),
        facts=_facts_of(document.bases),
        matrix=matrix,
        data=dialogs(document, comparisons, [name for name, _, _ in matrix["rows"]]),
        policy=_policy(style, script),
        style=style,
        script=script,
    )


@cache
def _templates() -> jinja2.Environment:
    templates = environment(keep_trailing_newline=True, finalize=_shown)
    templates.policies["json.dumps_function"] = _json
    templates.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    templates.filters["prose"] = _prose
    templates.globals.update(
        symbols={verdict: verdict.symbol for verdict in Verdict},
        tones={verdict: verdict.tone for verdict in Verdict},
        meanings={verdict: verdict.meaning for verdict in Verdict},
        headings=CHANGED,
        marks=MARKS,
    )
    return templates


def _shown(value: object) -> object:
    """What any expression in a template puts on the page: control characters are spelled out, markup is ours."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _json(value: object, **how: Any) -> str:
    """What a script of the page reads; a person may read the page's source."""
    return escaped(json.dumps(value, **how))


def _prose(text: str) -> Markup:
    """A sentence of ours; what stands in backquotes is code."""
    safe = Markup.escape(printable(text))
    return safe if text.count("`") % 2 else Markup(_CODE.sub(r"<code>\1</code>", str(safe)))  # noqa: S704  escaped above


@cache
def _asset(name: str) -> Markup:
    """A file of ours that goes into the page as it is; its hash is in the policy."""
    return Markup(files("harness.report").joinpath("templates", name).read_text(encoding="utf-8"))  # noqa: S704


def _policy(style: str, script: str) -> str:
    """Nothing is loaded or run but the page's own style and script."""
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script))
    sources = "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'".format(*digests)
    return f"{sources}; base-uri 'none'; form-action 'none'"


# The matrix.


def _cells(document: Document, comparisons: Sequence[Comparison]) -> list[Cell]:
    """A cell for every result."""
    known = recorded(comparisons)
    differences = changes_of(comparisons)
    taken: Counter[str] = Counter()
    cells = []
    for number, row in enumerate(document.results):
        difference, unexpected = differences.get(place_of(row)), differs(row, known)
        anchor = _OUTSIDE_ID.sub("_", row.id)
        taken[anchor] += 1
        label = [f"{row.title}: {row.verdict}", *(["not as expected"] if unexpected else [])]
        if difference:
            was = f" (was {difference.old.verdict})" if difference.old else ""
            label.append(CHANGED[difference.change] + was)
        cells.append(
            Cell(
                number=number,
                anchor=f"cell={anchor}" + (f"~{taken[anchor]}" if taken[anchor] > 1 else ""),
                verdict=row.verdict,
                change=difference.change if difference else None,
                unexpected=unexpected,
                label=", ".join(label),
            )
        )
    return cells


def _matrix(document: Document, cells: Sequence[Cell]) -> dict[str, Any]:
    """Variants down, questions across, base by base; a place may be empty. Fewer columns have room for more.

    Images that were given have no base, and stand together under an empty name.
    """
    at: dict[Place, list[Cell]] = {}
    for row, cell in zip(document.results, cells, strict=True):
        at.setdefault((row.column, row.base or "", row.subject, row.question.name), []).append(cell)
    bases = {base or "": headings_of(rows) for base, rows in by_table(document.results).items()}
    columns = [
        (base, question.name, number == 0, column or "")
        for base, headings in bases.items()
        for number, (question, column) in enumerate(headings)
    ]
    return {
        "bases": {base: len(headings) for base, headings in bases.items()},
        "columns": columns,
        "width": "few" if len(columns) <= _FEW else "some" if len(columns) <= _SOME else "many",
        "rows": [
            (
                name,
                _titled(name, document.subjects[name].title),
                [at.get((column or None, base, name, question), []) for base, question, _, column in columns],
            )
            for name in dict.fromkeys(row.subject for row in document.results)
        ],
    }


def _titled(name: str, title: str) -> str:
    """What a variant is, where that is more than its name."""
    return "" if title == name else title


def _facts_of(bases: Mapping[str, BaseFacts]) -> list[tuple[str, list[str | None], bool]]:
    """What is known of the bases: what it is called, what it is for each of them, and whether they differ in it."""
    facts: list[dict[str, str | None]] = [
        {
            "system": base.os,
            "C library": base.libc,
            "/bin/sh": base.shell,
            **{known.label: base.programs.get(name) for name, known in PROGRAMS.items()},
            "STOPSIGNAL": base.stop_signal,
            "ENTRYPOINT": words_of(base.entrypoint),
            "entrypoint's file": base.entrypoint_sha256 and _short(base.entrypoint_sha256),
            "digest": base.digest,
            "image": _short(base.id),
        }
        for base in bases.values()
    ]
    rows = [(name, [known[name] for known in facts]) for name in (facts[0] if facts else ())]
    return [(name, values, len(set(values)) > 1) for name, values in rows if any(values)]


def _short(digest: str) -> str:
    """As much of a digest as tells it from others."""
    head, colon, number = digest.rpartition(":")
    return f"{head}{colon}{number[:_DIGITS]}"


# What changed.


def _link(comparison: Comparison, difference: Difference, anchors: set[str]) -> str | None:
    """What leads to a cell that changed, if it is on the page."""
    anchor = "cell=" + _OUTSIDE_ID.sub("_", comparison.cell_id(difference))
    return f"#{quote(anchor, safe='=/:@~')}" if anchor in anchors else None
