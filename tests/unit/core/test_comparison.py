"""Two recordings side by side: which cells changed, in which order they are told, and when that is a failure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.baseline import Finding, Recording
from harness.core.cause import Cause, Shift
from harness.core.comparison import Comparison, Difference, FailOn, compare, fails, recorded
from harness.core.ranking import Change
from harness.core.verdict import Verdict
from tests.support.evidence import changed
from tests.support.reports import DEBIAN, ENGINE, FACTS, finding, recording

APP = "node server.js"
SHELL = ("/bin/sh -c node server.js", APP)
GOOD, BAD = finding(Verdict.FORWARDED, APP), finding(Verdict.SWALLOWED, *SHELL)
UNTESTED = finding(Verdict.UNTESTED)
OLD = recording(
    {
        ("same", "SIGTERM"): GOOD,
        ("better", "SIGTERM"): BAD,
        ("gone", "SIGTERM"): BAD,
        ("worse", "SIGTERM"): GOOD,
        ("sideways", "SIGTERM"): finding(Verdict.KILLED, APP),
        ("unknown", "SIGTERM"): UNTESTED,
        ("worse too", "SIGHUP"): GOOD,
    }
)
NEW = recording(
    {
        ("new", "SIGTERM"): GOOD,
        ("worse", "SIGTERM"): BAD,
        ("worse too", "SIGHUP"): BAD,
        ("better", "SIGTERM"): GOOD,
        ("unknown", "SIGTERM"): BAD,
        ("same", "SIGTERM"): GOOD,
        ("sideways", "SIGTERM"): finding(Verdict.SWALLOWED, APP),
    },
    base=DEBIAN,
)
STAYS = Cause(
    text="/bin/sh is now dash 0.5.12-2, was BusyBox v1.37.0 ash: it stays the parent of what it starts",
    detail=f"PID 1 was `{APP}`, is `{SHELL[0]}`",
)
MIRROR = {Change.WORSE: Change.BETTER, Change.BETTER: Change.WORSE, Change.GONE: Change.NEW, Change.NEW: Change.GONE}
VERDICTS = st.sampled_from([*Verdict]).map(lambda verdict: Finding(verdict=verdict))
KEYS = st.tuples(st.sampled_from("abc"), st.sampled_from(["SIGHUP", "SIGTERM", "stop"]))
RECORDINGS = st.dictionaries(KEYS, VERDICTS).map(recording)


def test_what_changed_is_told_with_the_most_important_first() -> None:
    made = compare(OLD, NEW)
    assert [(one.change, one.key[0]) for one in made.differences] == [
        (Change.WORSE, "worse"),
        (Change.WORSE, "worse too"),
        (Change.UNKNOWN, "unknown"),
        (Change.SIDEWAYS, "sideways"),
        (Change.GONE, "gone"),
        (Change.NEW, "new"),
        (Change.BETTER, "better"),
    ]
    assert made.same == 1
    assert (made.old, made.new) == (OLD, NEW)


def test_a_difference_holds_both_findings_and_the_cause() -> None:
    first, *_ = compare(OLD, NEW).differences
    assert first == Difference(key=("worse", "SIGTERM"), change=Change.WORSE, old=GOOD, new=BAD, cause=STAYS)


def test_only_what_can_be_compared_has_a_cause() -> None:
    with_cause = {one.change for one in compare(OLD, NEW).differences if one.cause}
    without = {one.change for one in compare(OLD, NEW).differences if not one.cause}
    assert with_cause == {Change.WORSE, Change.SIDEWAYS, Change.BETTER}
    assert without == {Change.UNKNOWN, Change.GONE, Change.NEW}


def test_the_variant_of_a_cell_decides_whose_digest_counts() -> None:
    old, new = (
        changed(OLD, variants={"worse": "1", "better": "1"}),
        changed(NEW, variants={"worse": "2", "better": "1"}),
    )
    causes = {one.key[0]: one.cause.text for one in compare(old, new).differences if one.cause}
    assert causes["worse"].startswith("the variant itself changed")
    assert causes["better"].startswith("/bin/sh is now dash")


def test_changes_are_counted() -> None:
    assert compare(OLD, NEW).counts == {
        Change.WORSE: 2,
        Change.UNKNOWN: 1,
        Change.SIDEWAYS: 1,
        Change.GONE: 1,
        Change.NEW: 1,
        Change.BETTER: 1,
    }
    assert compare(OLD, OLD).counts == {Change.UNKNOWN: 1}


def test_what_changed_in_one_way_is_grouped_by_cause() -> None:
    made = compare(OLD, NEW)
    assert {text: [one.key[0] for one in ones] for text, ones in made.groups(Change.WORSE).items()} == {
        STAYS.text: ["worse", "worse too"]
    }
    assert [*made.groups(Change.GONE)] == [""]
    assert made.groups(Change.SAME) == {}


def test_the_cause_of_most_cells_comes_first() -> None:
    other = changed(NEW, variants={"worse": "2"})
    old = changed(OLD, variants={"worse": "1"}, findings={**OLD.findings, ("third", "SIGTERM"): GOOD})
    new = changed(other, findings={**other.findings, ("third", "SIGTERM"): BAD})
    groups = compare(old, new).groups(Change.WORSE)
    assert [len(ones) for ones in groups.values()] == [2, 1]
    assert next(iter(groups)) == STAYS.text


def test_the_shifts_are_those_of_image_base_and_engine() -> None:
    made = compare(OLD, changed(NEW, engine=changed(ENGINE, kernel="6.13")))
    assert made.image == Shift(name="the image", old="sha256:abc", new="sha256:def")
    assert [shift.name for shift in made.base] == ["the system", "the C library", "/bin/sh"]
    assert made.engine == (Shift(name="the kernel", old="6.12", new="6.13"),)
    same = compare(OLD, OLD)
    assert (same.image, same.base, same.engine) == (None, (), ())


@given(RECORDINGS, RECORDINGS)
def test_every_cell_is_the_same_or_a_difference(old: Recording, new: Recording) -> None:
    made = compare(old, new)
    keys = [one.key for one in made.differences]
    assert len(keys) == len(set(keys))
    assert made.same + len(keys) == len({*made.old.findings, *made.new.findings})
    assert sum(made.counts.values()) == len(keys)
    assert sum(len(ones) for change in Change for ones in made.groups(change).values()) == len(keys)


@given(RECORDINGS, RECORDINGS)
def test_the_way_back_is_the_mirror_image(old: Recording, new: Recording) -> None:
    there, back = compare(old, new), compare(new, old)
    assert {one.key: MIRROR.get(one.change, one.change) for one in there.differences} == {
        one.key: one.change for one in back.differences
    }
    assert there.same == back.same


@given(RECORDINGS)
def test_a_recording_does_not_differ_from_itself_but_in_what_is_not_known(one: Recording) -> None:
    made = compare(one, one)
    assert all(each.old == each.new == UNTESTED for each in made.differences)
    assert not any(fails([made], on) for on in FailOn)


BY_CHANGE = {
    Change.WORSE: (GOOD, BAD),
    Change.UNKNOWN: (GOOD, UNTESTED),
    Change.SIDEWAYS: (finding(Verdict.KILLED), BAD),
    Change.GONE: (GOOD, None),
    Change.NEW: (None, GOOD),
    Change.BETTER: (BAD, GOOD),
    Change.SAME: (GOOD, GOOD),
}
FAILING = {
    FailOn.NEVER: set(),
    FailOn.WORSE: {Change.WORSE},
    FailOn.ANY: {Change.WORSE, Change.SIDEWAYS, Change.GONE, Change.NEW, Change.BETTER},
}


def only(change: Change) -> Comparison:
    """Two recordings in which one cell changed, in one way."""
    old, new = (recording({("v", "SIGTERM"): one} if one else {}) for one in BY_CHANGE[change])
    made = compare(old, new)
    assert [*made.counts] == ([] if change is Change.SAME else [change])
    return made


@pytest.mark.parametrize("on", FailOn)
@pytest.mark.parametrize("change", Change)
def test_which_changes_are_a_failure(change: Change, on: FailOn) -> None:
    assert fails([only(change)], on) is (change in FAILING[on])
    assert fails([only(Change.SAME), only(change)], on) is (change in FAILING[on])


@pytest.mark.parametrize("on", FailOn)
def test_nothing_compared_is_no_failure(on: FailOn) -> None:
    assert not fails([], on)


def test_what_is_recorded_is_told_by_the_ids_of_the_cells_that_are_held_against_it() -> None:
    old = recording(
        {("v", "SIGTERM"): GOOD, ("v", "stop"): finding(Verdict.FORCED)}, base=changed(FACTS, reference="a")
    )
    other = recording({("v", "SIGTERM"): BAD}, base=changed(FACTS, reference="r.example/b:1"))
    assert recorded([compare(old, NEW), compare(other, other)]) == {
        "debian12-node24/v/SIGTERM": Verdict.FORWARDED,
        "debian12-node24/v/stop": Verdict.FORCED,
        "r.example_b:1/v/SIGTERM": Verdict.SWALLOWED,
    }
