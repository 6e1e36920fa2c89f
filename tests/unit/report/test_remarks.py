"""What a whole run lacks is said in every format, and nothing of it where it lacks nothing."""

from __future__ import annotations

import json
from html import unescape
from typing import TYPE_CHECKING

import pytest

from harness.core.baseline import recordings
from harness.core.document import Cut
from harness.core.judged import comparisons_of, judged
from harness.core.verdict import Expected
from harness.report.formats import Format, render
from tests.support.evidence import changed
from tests.support.reports import FORWARDED, SWALLOWED, report, result

if TYPE_CHECKING:
    from harness.core.document import Document

OLD = report(result("a", FORWARDED), result("b", FORWARDED))
WHOLE = report(*(result(name, FORWARDED, expected=Expected.ALWAYS) for name in "ab"))
LOSING = report(*(result(name, SWALLOWED, expected=Expected.NEVER) for name in "abc"))
PAGES = [wanted for wanted in Format if wanted is not Format.JSON]


def against_old(document: Document) -> Document:
    (old,) = recordings(OLD)
    return judged(document, [old], {old.base.reference: old.findings.keys()}, named=False)


def written(wanted: Format, document: Document) -> str:
    return unescape(render(wanted, document, comparisons_of(document))).replace("\u2060", "")


@pytest.mark.parametrize("wanted", Format)
@pytest.mark.parametrize(
    ("reason", "code"), [("interrupted", 130), ("the engine went away", 3), ("Docker Engine gave no answer", 3)]
)
def test_a_run_that_was_cut_says_so_in_every_format(wanted: Format, reason: str, code: int) -> None:
    text = written(wanted, changed(WHOLE, cut=Cut(planned=6, reason=reason, exit_code=code)))
    assert reason in text
    assert ("2 of 6 cells ran" in text) or '"planned": 6' in text
    assert "all 2 cells as expected" not in text
    if wanted is Format.SARIF:
        assert json.loads(text)["runs"][0]["invocations"][0]["executionSuccessful"] is False
    if wanted is Format.JUNIT:
        assert 'errors="1"' in text


@pytest.mark.parametrize("wanted", PAGES)
def test_recorded_cells_that_are_gone_are_named_in_every_format(wanted: Format) -> None:
    text = written(wanted, against_old(changed(WHOLE, results=WHOLE.results[:1])))
    assert "musl-node24/b/SIGTERM" in text or 'name="b/SIGTERM"' in text
    assert "recorded" in text
    if wanted is Format.SARIF:
        assert json.loads(text)["runs"][0]["invocations"][0]["executionSuccessful"] is False


@pytest.mark.parametrize("wanted", PAGES)
def test_nothing_is_said_of_a_run_that_lacks_nothing(wanted: Format) -> None:
    for document in (WHOLE, against_old(WHOLE)):
        text = written(wanted, document)
        for words in ("cut short", "recorded, but not run", "not among the results", "covered by nothing"):
            assert words not in text
    if wanted is Format.SARIF:
        assert json.loads(text)["runs"][0]["invocations"][0]["executionSuccessful"] is True


@pytest.mark.parametrize("wanted", [Format.MARKDOWN, Format.HTML])
def test_what_loses_its_signal_as_expected_is_not_just_as_expected(wanted: Format) -> None:
    assert "as expected, 3 of them bad" in written(wanted, LOSING)
