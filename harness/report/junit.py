"""The results as JUnit XML, for CI: a suite per base, a test case per cell.

The shape is that of Jenkins' xunit plugin, whose schema lets a test case have no properties: what a passed cell is,
its ``system-out`` tells. A cell that could not be tested is an error, never skipped, as CI takes that for passed.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from junitparser import Error, Failure, TestCase, TestSuite
from junitparser.xunit2 import JUnitXml

from harness.core.comparison import recorded
from harness.core.subject import base_label
from harness.core.verdict import Verdict
from harness.report.rows import by_base, causes_of, cell_id, differs, one_line, story

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.core.cause import Cause
    from harness.core.comparison import Comparison
    from harness.report.document import Base, Document, Engine, Row


def render(document: Document, comparisons: Sequence[Comparison] = ()) -> str:
    """Give a document as JUnit XML.

    Args:
        document: the results.
        comparisons: its bases held against what was recorded of them.

    Returns:
        The whole file: a cell that is not as expected is a failure, one that could not be tested is an error.
    """
    told, causes = recorded(comparisons), causes_of(comparisons)
    xml = JUnitXml("signal-harness")
    for reference, rows in by_base(document.results).items():
        xml.add_testsuite(_suite(document, reference, [_case(row, told, causes) for row in rows]))
    xml.update_statistics()
    written = BytesIO()
    xml.write(written, pretty=True)
    return written.getvalue().decode()


def _suite(document: Document, reference: str, cases: Sequence[TestCase]) -> TestSuite:
    suite = TestSuite(one_line(reference))
    suite.timestamp = one_line(document.started)
    base = document.bases.get(reference)
    for name, value in [*(_facts("base", base) if base else ()), *_facts("engine", document.engine)]:
        suite.add_property(name, value)
    suite.add_testcases(list(cases))
    return suite


def _facts(what: str, facts: Base | Engine) -> Iterator[tuple[str, str]]:
    """What is known of a base or an engine, as properties; what it does not have is left out."""
    for name in facts.__struct_fields__:
        value = getattr(facts, name)
        if isinstance(value, bool):
            yield f"{what}.{name}", "yes" if value else "no"
        elif value:
            yield f"{what}.{name}", one_line(value if isinstance(value, str) else " ".join(value))


def _case(row: Row, told: Mapping[str, Verdict], causes: Mapping[str, Cause]) -> TestCase:
    seconds = sum(run.decided_ms or 0 for run in row.runs) / 1000
    case = TestCase(one_line(f"{row.variant}/{row.question}"), one_line(base_label(row.base)), round(seconds, 3))
    name = cell_id(row)
    text = story(row, told.get(name), causes.get(name))
    said = one_line(f"{row.verdict}: {row.reason}")
    if row.verdict is Verdict.UNTESTED:
        case.result = _with_text(Error(said, row.verdict.value), text)
    elif differs(row, told):
        case.result = _with_text(Failure(said, row.verdict.value), text)
    else:
        case.system_out = said
    return case


def _with_text(outcome: Failure | Error, text: str) -> Failure | Error:
    outcome.text = text
    return outcome
