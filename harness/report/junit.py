"""The results as JUnit XML, for CI: a suite per base, a test case per cell.

The shape is that of Jenkins' xunit plugin, whose schema lets a test case have no properties: what a passed cell is
stands in its ``system-out``. A cell that could not be tested is an error, never skipped, as CI takes that for passed.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import msgspec
from junitparser import Error, Failure, Skipped, TestCase, TestSuite
from junitparser.xunit2 import JUnitXml

from harness.core.comparison import recorded
from harness.core.judged import gone, is_judged, uncovered
from harness.core.subject import in_column
from harness.core.verdict import Verdict
from harness.report.remarks import cut
from harness.report.rows import by_base, changes_of, differs, one_line, place_of, rule_of, story, why_ignored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.core.comparison import Comparison, Difference
    from harness.core.document import Document, Row
    from harness.core.facts import BaseFacts, EngineFacts


def render(document: Document, comparisons: Sequence[Comparison] = ()) -> str:
    """A document as a JUnit XML file: what is not as expected is a failure, what could not be tested an error."""
    known, changes = recorded(comparisons), changes_of(comparisons)
    xml = JUnitXml("signal-harness")
    open_ = {row.id for row in uncovered(document.results, known)} if is_judged(document, comparisons) else set()
    for (column, reference), rows in by_base(document.results).items():
        cases = [_case(row, known, changes.get(place_of(row)), covered=row.id not in open_) for row in rows]
        engines = [document.engines[rows[0].engine]] if column else document.engines.values()
        name = f"{reference}{in_column(column)}"
        xml.add_testsuite(_suite(document, name, cases, base=document.bases.get(reference), engines=engines))
    if missed := list(_missed(document, comparisons)):
        xml.add_testsuite(_suite(document, "not run", missed, base=None, engines=document.engines.values()))
    xml.update_statistics()
    written = BytesIO()
    xml.write(written, pretty=True)
    return written.getvalue().decode()


def _suite(
    document: Document, name: str, cases: Sequence[TestCase], *, base: BaseFacts | None, engines: Iterable[EngineFacts]
) -> TestSuite:
    suite = TestSuite(one_line(name))
    suite.timestamp = one_line(document.started)
    known: list[tuple[str, msgspec.Struct]] = [("base", base)] if base else []
    for what, facts in [*known, *(("engine", engine) for engine in engines)]:
        for label, value in _facts(what, facts):
            suite.add_property(label, value)
    suite.add_testcases(list(cases))
    return suite


def _facts(what: str, facts: msgspec.Struct) -> Iterator[tuple[str, str]]:
    """What is known of a base or an engine, as properties; what it does not have is left out."""
    for name, value in msgspec.structs.asdict(facts).items():
        if name == "reference":
            continue  # the suite's name
        if isinstance(value, dict):
            for program, version in value.items():
                yield f"{what}.{program.replace('-', '_')}", one_line(version)
        elif isinstance(value, bool):
            yield f"{what}.{name}", "yes" if value else "no"
        elif value:
            yield f"{what}.{name}", one_line(value if isinstance(value, str) else " ".join(value))


def _missed(document: Document, comparisons: Sequence[Comparison]) -> Iterator[TestCase]:
    """What should have been run and was not: the rest of a run that was cut, and recorded cells that are gone."""
    if document.cut:
        yield _error("the whole run", "signal-harness", f"cut short: {cut(document)}")
    for cell in gone(comparisons):
        base, variant, question = cell.rsplit("/", 2)
        yield _error(f"{variant}/{question}", base, "recorded, but not run")


def _error(name: str, group: str, why: str) -> TestCase:
    case = TestCase(one_line(name), one_line(group), 0.0)
    case.result = Error(one_line(why), Verdict.UNTESTED.value)
    return case


def _case(row: Row, known: Mapping[str, Verdict], difference: Difference | None, *, covered: bool) -> TestCase:
    name = one_line(f"{row.subject}/{row.question.name}")
    place = one_line(row.subject if row.base is None else row.place)
    case = TestCase(name, place, round(sum(run.decided_ms or 0 for run in row.runs) / 1000, 3))
    summary = one_line(f"{row.verdict}: {row.reason}")
    if row.ignored:
        case.result = Skipped(one_line(f"{rule_of(row)} is ignored: {why_ignored(row.ignored)}"))
        case.system_out = summary
    elif row.tested and not covered:
        case.result = Error(f"covered by nothing, neither a recording nor the catalogue: {summary}", "uncovered")
    elif row.tested and not differs(row, known):
        case.system_out = summary
    else:
        outcome = (Failure if row.tested else Error)(summary, row.verdict.value)
        outcome.text = story(row, known.get(row.id), difference.cause if difference else None)
        case.result = outcome
    return case
