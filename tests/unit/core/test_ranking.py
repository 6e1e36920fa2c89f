"""How verdicts compare: every pair of them has a change, and the way back is its mirror image."""

from __future__ import annotations

import re
from itertools import pairwise, product

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.diff import diff
from harness.core.baseline import Finding
from harness.core.ranking import Change, change, rank
from harness.core.verdict import Verdict

MIRROR = {
    Change.WORSE: Change.BETTER,
    Change.UNKNOWN: Change.UNKNOWN,
    Change.SIDEWAYS: Change.SIDEWAYS,
    Change.GONE: Change.NEW,
    Change.NEW: Change.GONE,
    Change.BETTER: Change.WORSE,
    Change.SAME: Change.SAME,
}
UNTESTED = Finding(verdict=Verdict.UNTESTED)
RANKED = [verdict for verdict in Verdict if verdict not in (Verdict.UNSTABLE, Verdict.UNTESTED)]
DOCUMENTED = {
    "forwarded": 0,
    "graceful": 0,
    "kept": 0,
    "reaped": 0,
    "duplicated": 1,
    "translated": 1,
    "cut-short": 2,
    "swallowed": 3,
    "killed": 3,
    "abrupt": 3,
    "forced": 3,
    "lost": 3,
    "zombie": 3,
}
FINDINGS = st.one_of(
    st.sampled_from(RANKED).map(lambda verdict: Finding(verdict=verdict)),
    st.just(UNTESTED),
    st.lists(st.sampled_from(RANKED), unique=True).map(
        lambda seen: Finding(verdict=Verdict.UNSTABLE, seen=tuple(seen))
    ),
)
TESTED = FINDINGS.filter(lambda one: one.verdict is not Verdict.UNTESTED)


def plain(verdict: Verdict) -> Finding:
    return Finding(verdict=verdict)


def unstable(*seen: Verdict) -> Finding:
    return Finding(verdict=Verdict.UNSTABLE, seen=seen)


def test_every_verdict_that_a_run_can_have_is_ranked_as_documented() -> None:
    assert {str(one): one.rank for one in Verdict if one.rank is not None} == DOCUMENTED
    assert {one for one in Verdict if one.rank is not None} == set(RANKED)


def test_the_help_of_diff_names_the_same_ranks() -> None:
    text = CliRunner().invoke(diff, ["--help"], terminal_width=200, max_content_width=200).output
    shown = {
        word: int(number)
        for number, words in re.findall(r"^  (\d) +[^:\n]+: ([a-z, -]+)$", text, re.MULTILINE)
        for word in words.split(", ")
    }
    assert shown == DOCUMENTED


def test_good_verdicts_and_no_others_rank_lowest() -> None:
    assert [verdict for verdict in RANKED if verdict.rank == 0] == [verdict for verdict in Verdict if verdict.good]


@pytest.mark.parametrize(("old", "new"), list(product(RANKED, RANKED)), ids=str)
def test_a_change_between_two_verdicts_is_that_of_their_ranks(old: Verdict, new: Verdict) -> None:
    step = DOCUMENTED[new] - DOCUMENTED[old]
    expected = (
        Change.SAME if old is new else Change.SIDEWAYS if not step else Change.WORSE if step > 0 else Change.BETTER
    )
    assert change(plain(old), plain(new)) is expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (plain(Verdict.FORWARDED), plain(Verdict.KILLED), Change.WORSE),
        (plain(Verdict.FORWARDED), plain(Verdict.DUPLICATED), Change.WORSE),
        (plain(Verdict.DUPLICATED), plain(Verdict.CUT_SHORT), Change.WORSE),
        (plain(Verdict.CUT_SHORT), plain(Verdict.SWALLOWED), Change.WORSE),
        (plain(Verdict.SWALLOWED), plain(Verdict.KILLED), Change.SIDEWAYS),
        (plain(Verdict.DUPLICATED), plain(Verdict.TRANSLATED), Change.SIDEWAYS),
        (plain(Verdict.FORCED), plain(Verdict.GRACEFUL), Change.BETTER),
        (unstable(Verdict.FORWARDED, Verdict.DUPLICATED), plain(Verdict.FORWARDED), Change.BETTER),
        (unstable(Verdict.FORWARDED, Verdict.DUPLICATED), plain(Verdict.DUPLICATED), Change.SIDEWAYS),
        (unstable(Verdict.FORWARDED, Verdict.DUPLICATED), plain(Verdict.CUT_SHORT), Change.WORSE),
        (unstable(Verdict.FORWARDED, Verdict.KILLED), plain(Verdict.KILLED), Change.SIDEWAYS),
        (unstable(Verdict.FORWARDED, Verdict.KILLED), unstable(Verdict.FORWARDED, Verdict.CUT_SHORT), Change.BETTER),
        (unstable(Verdict.FORWARDED, Verdict.KILLED), unstable(Verdict.CUT_SHORT, Verdict.SWALLOWED), Change.SAME),
        (unstable(), plain(Verdict.KILLED), Change.SIDEWAYS),
        (unstable(), plain(Verdict.CUT_SHORT), Change.BETTER),
        (UNTESTED, plain(Verdict.FORWARDED), Change.UNKNOWN),
        (UNTESTED, unstable(Verdict.FORWARDED, Verdict.KILLED), Change.UNKNOWN),
        (UNTESTED, UNTESTED, Change.UNKNOWN),
        (None, plain(Verdict.KILLED), Change.NEW),
        (None, UNTESTED, Change.NEW),
        (None, None, Change.NEW),
    ],
)
def test_what_became_of_a_cell(old: Finding | None, new: Finding | None, expected: Change) -> None:
    assert change(old, new) is expected


@given(FINDINGS, FINDINGS)
def test_the_way_back_is_the_mirror_image(one: Finding, other: Finding) -> None:
    assert change(other, one) is MIRROR[change(one, other)]


@given(FINDINGS)
def test_a_cell_that_comes_or_goes_is_new_or_gone(one: Finding) -> None:
    assert (change(None, one), change(one, None)) == (Change.NEW, Change.GONE)


@given(FINDINGS)
def test_what_could_not_be_tested_is_neither_worse_nor_better_nor_sideways(one: Finding) -> None:
    assert change(UNTESTED, one) is change(one, UNTESTED) is Change.UNKNOWN


@given(TESTED)
def test_a_cell_that_stays_as_it_is_has_not_changed(one: Finding) -> None:
    assert change(one, one) is Change.SAME


@given(st.lists(TESTED, min_size=3, max_size=3))
def test_worse_than_worse_is_worse(chain: list[Finding]) -> None:
    first, middle, last = sorted(chain, key=rank)
    if Change.WORSE in {change(one, other) for one, other in pairwise((first, middle, last))}:
        assert change(first, last) is Change.WORSE


@given(st.lists(st.sampled_from(RANKED), min_size=1, unique=True))
def test_an_unstable_cell_is_as_bad_as_the_worst_of_its_runs(seen: list[Verdict]) -> None:
    assert rank(unstable(*seen)) == max(DOCUMENTED[verdict] for verdict in seen)


def test_an_unstable_cell_of_unknown_runs_is_as_bad_as_can_be() -> None:
    assert rank(unstable()) == 3


def test_what_could_not_be_tested_has_no_rank() -> None:
    with pytest.raises(ValueError, match="untested has no rank"):
        rank(UNTESTED)


def test_the_most_important_change_comes_first() -> None:
    assert [*Change] == [
        Change.WORSE,
        Change.UNKNOWN,
        Change.SIDEWAYS,
        Change.GONE,
        Change.NEW,
        Change.BETTER,
        Change.SAME,
    ]
