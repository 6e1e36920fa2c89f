"""What a run is judged against: kept in its results, so that whoever reads them says what the run said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.cli.options import code_of_run
from harness.core.baseline import recordings
from harness.core.document import Cut
from harness.core.errors import UsageError
from harness.core.judged import comparisons_of, gone, judged, uncovered
from harness.core.ranking import Change
from harness.core.verdict import Expected
from harness.report.decoding import read_document
from harness.report.json import render as as_json
from harness.report.remarks import gaps, remarks, standing
from harness.report.table import summary
from tests.support.evidence import changed
from tests.support.reports import (
    BASE,
    DEBIAN,
    FACTS,
    FORWARDED,
    GRACEFUL,
    KILLED,
    SWALLOWED,
    UNTESTED,
    recording,
    report,
    result,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.baseline import Recording
    from harness.core.document import Document, Row

CUT = Cut(planned=12, reason="interrupted", exit_code=130)
OLD = report(result("a", FORWARDED), result("b", SWALLOWED))


def against(document: Document, *known: Recording, named: bool = False) -> Document:
    """Results as a run writes them that was asked for all that was recorded."""
    return judged(document, known, {one.base.reference: one.findings.keys() for one in known}, named=named)


def ran(*rows: Row, known: Sequence[Recording] = recordings(OLD), named: bool = False) -> Document:
    return against(report(*rows), *known, named=named)


@pytest.mark.parametrize(
    ("made", "code", "missing", "open_"),
    [
        (ran(result("a", FORWARDED), result("b", SWALLOWED)), 0, [], []),
        (ran(result("a", KILLED), result("b", SWALLOWED)), 1, [], []),
        (ran(result("a", FORWARDED)), 4, ["b"], []),
        (ran(result("a", KILLED)), 1, ["b"], []),
        (ran(result("c", FORWARDED)), 4, ["a", "b"], ["c"]),
        (ran(*map(result, "ab", (FORWARDED, SWALLOWED)), result("c", FORWARDED)), 4, [], ["c"]),
        (ran(*map(result, "ab", (FORWARDED, SWALLOWED)), result("c", FORWARDED, expected=Expected.ALWAYS)), 0, [], []),
        (ran(*map(result, "ab", (UNTESTED, SWALLOWED))), 4, [], []),
        (report(result("a", KILLED)), 0, [], ["a"]),
    ],
)
def test_the_code_of_a_run_is_that_of_its_results_wherever_they_are_read(
    made: Document, code: int, missing: list[str], open_: list[str]
) -> None:
    read = read_document(as_json(made).encode(), place="b.json")
    assert read == made
    for document in (made, read):
        compared = comparisons_of(document)
        assert code_of_run(document, compared) == code
        assert gone(compared) == [f"musl-node24/{name}/SIGTERM" for name in missing]
        known = {row.id: row.verdict for row in OLD.results} if document.judged else {}
        assert [row.subject for row in uncovered(document.results, known)] == open_


def test_a_forgotten_catalogue_compares_nothing_and_says_so() -> None:
    made = ran(result("built-in", FORWARDED), result("another", KILLED))
    told = gaps(made, comparisons_of(made))
    assert told == [
        "Nothing was compared: no recorded cell was run. Is it another catalogue (--catalogue)?",
        "2 recorded cells are not among the results: musl-node24/a/SIGTERM, musl-node24/b/SIGTERM.",
        (
            "2 cells are covered by nothing, neither a recording nor the catalogue: musl-node24/built-in/SIGTERM, "
            "musl-node24/another/SIGTERM."
        ),
    ]
    assert summary(made, comparisons_of(made)).endswith("nothing was expected; 1 bad, 2 recorded not run")


def test_many_cells_are_counted_and_the_first_are_named() -> None:
    old = report(*(result(f"v{number:02}", FORWARDED) for number in range(122)))
    made = ran(result("v00", FORWARDED), known=recordings(old))
    (told,) = gaps(made, comparisons_of(made))
    assert told.startswith("121 recorded cells are not among the results: musl-node24/v01/SIGTERM, ")
    assert told.endswith("musl-node24/v08/SIGTERM, 113 more.")


def test_a_base_that_was_not_run_is_missing_unless_others_were_named() -> None:
    other = changed(recordings(OLD)[0], base=DEBIAN)
    whole, part = (ran(*OLD.results, known=(*recordings(OLD), other), named=named) for named in (False, True))
    assert gone(comparisons_of(whole)) == ["debian12-node24/a/SIGTERM", "debian12-node24/b/SIGTERM"]
    assert code_of_run(whole, comparisons_of(whole)) == 4
    assert gone(comparisons_of(part)) == []
    assert code_of_run(part, comparisons_of(part)) == 0
    assert remarks(part, comparisons_of(part)) == ["The options leave out 2 recorded cells."]


def test_a_base_that_nothing_was_recorded_of_is_compared_with_nothing() -> None:
    third = changed(recordings(OLD)[0], base=changed(FACTS, reference="node:1"))
    made = ran(*OLD.results, known=(changed(recordings(OLD)[0], base=DEBIAN), third), named=True)
    assert made.judged is not None
    assert made.judged.recorded == ()
    compared = comparisons_of(made)
    assert [one.counts for one in compared] == [{Change.NEW: 2}]
    assert code_of_run(made, compared) == 4


def test_options_that_leave_nothing_to_compare_are_told() -> None:
    row = result("built-in", FORWARDED, expected=Expected.ALWAYS)
    made = judged(report(row), recordings(OLD), {BASE: ()}, named=True)
    compared = comparisons_of(made)
    assert code_of_run(made, compared) == 4
    assert gaps(made, compared) == [
        "Nothing was compared: no recorded cell was run. Is it another catalogue (--catalogue)?"
    ]


def test_what_the_options_leave_out_is_not_missing_and_is_told() -> None:
    made = judged(report(result("a", FORWARDED)), recordings(OLD), {BASE: {("a", "SIGTERM")}}, named=False)
    compared = comparisons_of(made)
    assert code_of_run(made, compared) == 0
    assert remarks(made, compared) == ["The options leave out 1 recorded cell."]


@pytest.mark.parametrize("rows", [(), (result("a", FORWARDED),), (result("a", KILLED),), (result("b", UNTESTED),)])
@pytest.mark.parametrize("baseline", [True, False])
def test_a_run_that_was_cut_says_so_and_keeps_its_code(rows: tuple[Row, ...], baseline: bool) -> None:
    document = changed(report(*rows), cut=CUT)
    made = against(document, *recordings(OLD)) if baseline else document
    compared = comparisons_of(made)
    assert code_of_run(made, compared) == 130
    assert gone(compared) == []
    assert gaps(made, compared)[0] == f"The run was cut short: {len(rows)} of 12 cells ran; interrupted."
    assert summary(made, compared).startswith(f"cut short after 1.2 s: {len(rows)} of 12 cells ran; interrupted")
    assert "all as expected" not in summary(made, compared)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ((), "nothing was run"),
        ((result("a", UNTESTED), result("b", UNTESTED)), "none could be tested"),
        ((result("a", FORWARDED),), "nothing was expected"),
        ((result("a", KILLED), result("b", FORWARDED)), "nothing was expected; 1 bad"),
        ((result("a", FORWARDED, expected=Expected.ALWAYS),), "all as expected"),
        ((result("a", FORWARDED, expected=Expected.ALWAYS), result("b", UNTESTED)), "all tested ones as expected"),
        (
            tuple(result(name, SWALLOWED, expected=Expected.NEVER) for name in "abc"),
            "all as expected, 3 of them bad",
        ),
        (
            (result("a", SWALLOWED, expected=Expected.NEVER), result("b", FORWARDED)),
            "1 as expected, 1 with no expectation; 1 bad",
        ),
        ((result("a", SWALLOWED, expected=Expected.ALWAYS), result("b", FORWARDED)), "1 not as expected"),
    ],
)
def test_as_expected_never_stands_alone_over_what_is_bad_or_was_not_expected(rows: tuple[Row, ...], told: str) -> None:
    assert standing(report(*rows)) == told


def test_what_cannot_have_been_recorded_is_refused() -> None:
    text = as_json(ran(*OLD.results)).replace('"a/SIGTERM"', '"a/SIGNOTHING"')
    with pytest.raises(UsageError, match=r"b\.json, judged, a/SIGNOTHING: 'SIGNOTHING' is not a question"):
        comparisons_of(read_document(text.encode(), place="b.json"), place="b.json")


def test_chains_and_signals_of_a_recording_are_kept() -> None:
    stop = report(*OLD.results, result("c", GRACEFUL, probe=result("c", GRACEFUL).probe.STOP))
    known = recordings(stop)
    (compared,) = comparisons_of(against(stop, *known))
    assert compared.old.findings == known[0].findings
    assert recording().findings == {}
