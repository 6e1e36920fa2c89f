"""The results as a GitLab Code Quality report: JSON, one entry per cell that is not as expected or could not be tested.

What GitLab reads of it: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from harness.core.comparison import recorded
from harness.core.verdict import WORST_RANK
from harness.report.json import escaped
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
_NOWHERE: Final = "."
"""The path of what is in no file: an entry without one is refused."""


def render(document: Document, comparisons: Sequence[Comparison] = ()) -> str:
    """A document as a report, whose entries are what a merge request is to show.

    What is left be has the severity ``info``, and the reason in its description; what the catalogue expects to be bad
    is no entry.
    """
    known = recorded(comparisons)
    entries = [_entry("run", text, "blocker", _NOWHERE, 1, key=text) for text in gaps(document, comparisons)]
    entries += [
        _of_row(document.subjects[row.subject], row, severity)
        for row in document.results
        if (severity := _severity(row, known))
    ]
    return escaped(json.dumps(entries, indent=2, ensure_ascii=False)) + "\n"


def _severity(row: Row, known: Mapping[str, Verdict]) -> str | None:
    if row.ignored:
        return "info"
    if differs(row, known):
        return "critical" if row.verdict.rank == WORST_RANK else "major"
    return "minor" if not row.tested else None


def _of_row(subject: SubjectFacts, row: Row, severity: str) -> dict[str, Any]:
    rule = rule_of(row)
    line = instruction_of(subject, row)
    ignored = f" (ignored: {why_ignored(row.ignored)})" if row.ignored else ""
    tried = f". Tried: {'; '.join(tried_lines(row.tried))}" if row.tried else ""
    text = f"{row.title}: {row.verdict}: {clipped(row.reason, _MOST_PART)}{ignored}{tried}"
    name = rule.value if rule else row.verdict.value
    path = path_of(subject) or _NOWHERE
    return _entry(name, text, severity, path, max(line.line, 1) if line else 1, key=f"{row.engine}\0{row.id}\0{name}")


def _entry(name: str, text: str, severity: str, path: str, line: int, *, key: str) -> dict[str, Any]:
    """An entry; its fingerprint tells it from all others, and stays when the line moves."""
    return {
        "description": clipped(one_line(text), _MOST_TEXT),
        "check_name": name,
        "fingerprint": hashlib.sha256(key.encode(errors="replace")).hexdigest(),
        "severity": severity,
        "location": {"path": path, "lines": {"begin": line}},
    }
