"""Results of several runs as one: any partition is the whole again, whatever the order; contradictions are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from harness.cli.options import code_of_run
from harness.core.document import Cut, Document, Judged, RecordedCell, Shard, Tool
from harness.core.errors import ExitCode, UsageError
from harness.core.judged import comparisons_of, judged
from harness.core.merging import Merged, merged
from harness.core.signals import Signal
from harness.core.verdict import Expected, Verdict
from harness.report.remarks import remarks
from tests.support.evidence import changed
from tests.support.reports import ENGINE, FACTS, FORWARDED, SWALLOWED, UNTESTED, finding, recording, report, result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.document import Row

NAMES = ("naive", "exec", "tini", "npm")
ROWS = tuple(
    result(name, FORWARDED, signal=Signal(number), expected=Expected.ALWAYS) for name in NAMES for number in (1, 15)
)
WHOLE = report(*ROWS)
PLANNED = tuple(row.id for row in ROWS)


def part(number: int, of: int, rows: Sequence[Row], **how: Any) -> Document:
    return changed(report(*rows), shard=Shard(parts=(number,), of=of, planned=PLANNED), **how)


def joined(*documents: Document) -> Merged:
    return merged([(f"{number}.json", one) for number, one in enumerate(documents)])


def refused(*documents: Document) -> str:
    with pytest.raises(UsageError) as why:
        joined(*documents)
    assert why.value.exit_code == ExitCode.USAGE
    with pytest.raises(UsageError):
        joined(*reversed(documents))
    return why.value.message


def code(document: Document) -> ExitCode:
    return code_of_run(document, comparisons_of(document))


def pulled(*digests: str) -> list[Document]:
    """The halves, whose base has these digests."""
    return [
        changed(half, bases={FACTS.reference: changed(FACTS, digest=digest)})
        for half, digest in zip(HALVES, digests, strict=True)
    ]


HALVES = part(1, 2, ROWS[:4]), part(2, 2, ROWS[4:])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data(), of=st.integers(1, 5))
def test_any_partition_in_any_order_is_the_whole_again(data: st.DataObject, of: int) -> None:
    where = data.draw(st.lists(st.integers(1, of), min_size=len(ROWS), max_size=len(ROWS)))
    numbers = data.draw(st.permutations(range(1, of + 1)))
    parts = [part(number, of, [row for row, at in zip(ROWS, where, strict=True) if at == number]) for number in numbers]
    made = joined(*parts)
    assert made.document == WHOLE
    assert list(made.document.subjects) == list(WHOLE.subjects)
    assert (made.twice, made.missing) == ((), ())
    kept = data.draw(st.lists(st.sampled_from(parts), min_size=1, unique_by=id))
    some = joined(*kept)
    assert {*some.missing} == {*PLANNED} - {row.id for one in kept for row in one.results}
    rest = [one for one in parts if all(one is not other for other in kept)]
    assert joined(some.document, *rest).document == WHOLE


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_the_order_of_files_does_not_matter(data: st.DataObject) -> None:
    second = changed(report(ROWS[0], ROWS[5], changed(ROWS[1], reason="another")), started="2026-01-02T03:04:04Z")
    files = [("a", HALVES[0]), ("b", HALVES[1]), ("c", second), ("d", report(result("more", UNTESTED)))]
    assert merged(data.draw(st.permutations(files))) == merged(files)


def test_the_time_is_from_the_first_start_to_the_last_end() -> None:
    late = changed(HALVES[1], started="2026-01-02T03:05:05Z", duration_s=10.0)
    document = joined(late, HALVES[0]).document
    assert (document.started, document.duration_s) == (WHOLE.started, 70.0)
    assert "'then' is no time" in refused(HALVES[0], changed(late, started="then"))


def test_a_part_that_is_not_there_is_named_with_its_cells() -> None:
    made = joined(HALVES[0])
    assert made.missing == PLANNED[4:]
    assert made.document.cut == Cut(planned=8, reason="part 2 of 2 is in no file", exit_code=4)
    assert made.document.shard == HALVES[0].shard
    assert code(made.document) is ExitCode.UNTESTED
    assert remarks(made.document, [])[0] == "This is part 1 of 2, with 4 of the run's 8 planned cells."


def test_a_bad_verdict_counts_for_more_than_a_missing_cell() -> None:
    bad = result("naive", SWALLOWED, signal=Signal(1), expected=Expected.ALWAYS)
    assert code(joined(part(1, 2, [bad, *ROWS[1:4]])).document) is ExitCode.DIFFERS


def test_cells_of_a_part_that_was_cut_are_missing_until_another_run_has_them() -> None:
    short = part(2, 2, ROWS[4:6], cut=Cut(planned=4, reason="interrupted", exit_code=130))
    made = joined(HALVES[0], short)
    assert made.missing == PLANNED[6:]
    assert made.document.cut == Cut(planned=8, reason="part 2 was cut short: interrupted", exit_code=4)
    assert joined(HALVES[0], short, report(*ROWS[6:])).document == WHOLE


def test_of_a_run_without_a_plan_that_was_cut_the_number_is_known() -> None:
    short = changed(report(*ROWS[:2]), cut=Cut(planned=5, reason="interrupted", exit_code=130))
    made = joined(short, report(*ROWS[4:]))
    assert made.document.cut == Cut(planned=9, reason="a run was cut short: interrupted", exit_code=4)
    assert code(made.document) is ExitCode.UNTESTED


def test_a_cell_that_is_there_twice_with_one_verdict_counts_once() -> None:
    again = report(changed(ROWS[0], reason="seen later"))
    made = joined(changed(again, started="2026-01-02T04:00:00Z"), WHOLE)
    assert made.document.results == ROWS
    assert made.twice == (f"{ROWS[0].id} is in 1.json and in 0.json; that of 1.json counts",)


@pytest.mark.parametrize("started", ["2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"])
def test_a_cell_that_could_not_be_tested_gives_way(started: str) -> None:
    untested = changed(report(result("naive", UNTESTED, signal=Signal(1), expected=Expected.ALWAYS)), started=started)
    rows = joined(untested, WHOLE).document.results
    assert [row.verdict for row in rows] == [Verdict.FORWARDED] * len(ROWS)


def test_two_verdicts_of_a_cell_are_a_conflict() -> None:
    bad = report(result("naive", SWALLOWED, signal=Signal(1), expected=Expected.ALWAYS))
    text = refused(WHOLE, bad)
    assert ROWS[0].id in text
    assert all(word in text for word in ("swallowed in", "forwarded in", "0.json", "1.json"))


def test_parts_of_other_runs_are_refused() -> None:
    text = refused(HALVES[0], part(2, 3, ROWS[4:]))
    assert all(words in text for words in ("8 cells in 2 parts", "8 cells in 3 parts"))
    other = changed(HALVES[1], shard=Shard(parts=(2,), of=2, planned=(*PLANNED[4:], "more")))
    assert "5 cells in 2 parts" in refused(HALVES[0], other)


def test_facts_that_contradict_each_other_are_refused_and_named() -> None:
    first, second = HALVES
    assert f"base {FACTS.reference}: the image is" in refused(*pulled("sha256:one", "sha256:two"))
    newer = changed(FACTS, libc="musl 1.3")
    assert "the C library" in refused(first, changed(second, bases={newer.reference: newer}))
    assert "99" in refused(first, changed(second, tool=Tool(name="signal-harness", version="99")))
    engine = changed(ENGINE, version="99")
    assert "the engine is" in refused(first, changed(second, engines={engine.name: engine}))
    naive = {"naive": changed(WHOLE.subjects["naive"], digest="abc")}
    assert "subject naive: its digest is" in refused(WHOLE, changed(report(ROWS[0]), subjects=naive))


def test_all_contradictions_are_named_at_once() -> None:
    first, second = pulled("sha256:one", "sha256:two")
    text = refused(first, changed(second, tool=Tool(name="signal-harness", version="99")))
    assert all(words in text for words in ("version", "99", "the image is"))


def test_an_image_is_the_same_under_the_name_of_a_mirror() -> None:
    first, second = pulled("node@sha256:one", "mirror/node@sha256:one")
    assert joined(first, second).document.results == ROWS


def test_bases_that_each_machine_made_may_have_ids_of_their_own() -> None:
    parts = [
        changed(half, bases={FACTS.reference: changed(FACTS, digest=None, id=f"sha256:{number}")})
        for number, half in enumerate(HALVES)
    ]
    assert joined(*parts).document.results == ROWS


def test_all_kernels_that_an_engine_ran_on_are_named() -> None:
    engine = changed(ENGINE, kernel="9.9")
    made = joined(HALVES[0], changed(HALVES[1], engines={engine.name: engine})).document
    assert made.engines[ENGINE.name].kernel == f"{ENGINE.kernel}, 9.9"
    assert joined(made, HALVES[0]).document.engines == made.engines


def test_what_parts_were_judged_against_is_what_the_run_was() -> None:
    known = recording({(row.subject, row.question.name): finding(Verdict.FORWARDED) for row in ROWS})
    keys = [*known.findings]
    whole = judged(WHOLE, [known], {FACTS.reference: keys}, named=True)
    parts = [
        judged(half, [known], {FACTS.reference: some}, named=True)
        for half, some in zip(HALVES, (keys[:4], keys[4:]), strict=True)
    ]
    assert [one.judged.left_out for one in parts if one.judged] == [4, 4]
    made = joined(*parts).document
    assert made == whole
    assert code(made) is ExitCode.OK
    assert "judged against nothing" in refused(parts[0], HALVES[1])
    assert parts[1].judged is not None
    (recorded,) = parts[1].judged.recorded
    cell = RecordedCell(verdict=Verdict.KILLED, seen=(), signal=None, chain=())
    other = Judged(recorded=(structs.replace(recorded, cells={**recorded.cells, "naive/SIGHUP": cell}),), left_out=0)
    assert "other things are recorded" in refused(parts[0], changed(parts[1], judged=other))


def test_what_is_recorded_of_the_cells_of_a_missing_part_is_not_gone() -> None:
    known = recording({(row.subject, row.question.name): finding(Verdict.FORWARDED) for row in ROWS})
    keys = [*known.findings]
    made = joined(judged(HALVES[0], [known], {FACTS.reference: keys[:4]}, named=True)).document
    assert code(made) is ExitCode.UNTESTED
    assert not [line for line in remarks(made, comparisons_of(made)) if "not among" in line]


def test_of_two_bases_that_are_shown_alike_each_cell_counts() -> None:
    row = ROWS[0]
    other = changed(FACTS, reference=FACTS.reference.removeprefix("local:"))
    twin = changed(row, base=other.reference)
    assert twin.id == row.id
    shard = Shard(parts=(1,), of=2, planned=(row.id, row.id))
    first = changed(report(row), shard=shard)
    assert joined(first).missing == (row.id,)
    second = changed(report(twin), bases={other.reference: other}, shard=changed(shard, parts=(2,)))
    made = joined(first, second)
    assert (made.missing, {row.base for row in made.document.results}) == ((), {FACTS.reference, other.reference})
