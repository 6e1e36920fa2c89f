"""The results as workflow commands, which GitHub makes annotations of; they take no permission.

``::error file=…,line=…,title=…::message``, a line each:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands. What a message and a property
escape is said by actions/toolkit, packages/core/src/command.ts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.core.comparison import recorded
from harness.report.places import instruction_of, path_of
from harness.report.remarks import gaps
from harness.report.rows import differs, one_line, rule_of, why_ignored
from harness.report.style import clipped
from harness.report.tried import tried_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.core.comparison import Comparison
    from harness.core.document import Document, Row, SubjectFacts
    from harness.core.verdict import Verdict

_MOST_TEXT: Final = 900
_MOST_PART: Final = 400
_LEVELS: Final = ("error", "warning", "notice")
"""GitHub shows ten of each for a step: those that fail come first."""


def render(document: Document, comparisons: Sequence[Comparison] = ()) -> str:
    """A document as annotations: errors where it is not as expected, warnings and notices of what else is bad.

    What could not be tested is a warning, what is left be a notice; what the catalogue expects to be bad is none.
    """
    known = recorded(comparisons)
    found = [("error", annotation("error", {}, text)) for text in gaps(document, comparisons)]
    found += [
        (level, _annotation(level, document.subjects[row.subject], row))
        for row in document.results
        if (level := _level(row, known))
    ]
    return "".join(f"{line}\n" for level in _LEVELS for of, line in found if of == level)


def _level(row: Row, known: Mapping[str, Verdict]) -> str | None:
    if row.ignored:
        return "notice"
    if differs(row, known):
        return "error"
    return "warning" if not row.tested else None


def _annotation(level: str, subject: SubjectFacts, row: Row) -> str:
    rule = rule_of(row)
    properties: dict[str, object] = {}
    if path := path_of(subject):
        line = instruction_of(subject, row)
        first = max(line.line, 1) if line else 1
        properties = {"file": path, "line": first, "endLine": first + (line.text.count("\n") if line else 0)}
    properties["title"] = f"{f'{rule} ' if rule else ''}{row.title}: {row.verdict}"
    parts = [row.reason]
    if row.ignored:
        parts.append(f"Ignored: {why_ignored(row.ignored)}")
    elif rule:
        tried = f"Tried: {'; '.join(tried_lines(row.tried))}" if row.tried else ""
        parts += [tried or rule.about.fix[0], rule.page]
    return annotation(level, properties, " — ".join(clipped(part, _MOST_PART) for part in parts))


def annotation(level: str, properties: Mapping[str, object], message: str) -> str:
    """A workflow command; control characters of containers and files are spelled out first."""
    texts = {name: _property(clipped(one_line(str(value)), _MOST_TEXT)) for name, value in properties.items()}
    named = ",".join(f"{name}={text}" for name, text in texts.items())
    return f"::{level}{f' {named}' if named else ''}::{_data(clipped(one_line(message), _MOST_TEXT))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
