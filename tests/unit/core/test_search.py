"""Where the answer changes along a list: what is found, what may go unseen, and how few questions that takes."""

from __future__ import annotations

from itertools import groupby, pairwise
from math import ceil, log2
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.core.search import Change, Found, Search, Tried, search
from harness.core.verdict import Verdict
from tests.support.reports import FORWARDED, UNTESTED, report, result

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from random import Random

ANY = st.lists(st.sampled_from("abc"), min_size=1, max_size=80)
STRETCHES = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 12)), min_size=1, max_size=12)
LINES = ANY | STRETCHES.map(lambda parts: [answer for answer, length in parts for _ in range(length)])
GAPS = st.none() | st.integers(1, 20)


def ask(line: Sequence[Hashable], gap: int | None = None) -> tuple[dict[int, Hashable], list[tuple[int, ...]], Search]:
    """Search a line to the end: the answers, and the places of each round."""
    looked = search(len(line), gap)
    answers: dict[int, Hashable] = {}
    rounds: list[tuple[int, ...]] = []
    while wanted := looked.next(answers):
        rounds.append(wanted)
        answers |= {place: line[place] for place in wanted}
    return answers, rounds, looked


def changes(line: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Every place where a line changes."""
    return [(place, place + 1) for place, (one, other) in enumerate(pairwise(line)) if one != other]


def found(line: Sequence[Hashable], gap: int | None = None) -> list[tuple[int, int]]:
    answers, _, looked = ask(line, gap)
    return [(change.before, change.after) for change in looked.changes(answers)]


@given(LINES)
def test_with_a_gap_of_1_every_place_is_asked_and_every_change_found(line: list[str]) -> None:
    answers, _, _ = ask(line, 1)
    assert sorted(answers) == list(range(len(line)))
    assert found(line, 1) == changes(line)


@given(LINES, GAPS)
@example(["a"], None)
@example(["a", "b"], None)
@example(["a"] * 9 + ["b"] + ["a"] * 9, 2)
def test_every_stretch_of_at_least_the_gap_is_seen(line: list[str], gap: int | None) -> None:
    answers, _, looked = ask(line, gap)
    place = 0
    for _, stretch in groupby(line):
        length = len(list(stretch))
        if length >= looked.gap:
            assert any(place <= one < place + length for one in answers)
        place += length


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), min_size=1, max_size=9), st.integers(1, 9))
def test_where_every_stretch_is_at_least_the_gap_every_change_is_found(parts: list[tuple[str, int]], gap: int) -> None:
    line = [answer for answer, more in parts for _ in range(gap + more)]
    assert found(line, gap) == changes(line)


@given(LINES, GAPS)
def test_each_change_lies_between_true_neighbours(line: list[str], gap: int | None) -> None:
    for before, after in found(line, gap):
        assert after == before + 1
        assert line[before] != line[after]


@given(LINES, GAPS)
def test_what_is_found_agrees_with_both_ends(line: list[str], gap: int | None) -> None:
    places = found(line, gap)
    assert set(places) <= set(changes(line))
    if line[0] != line[-1]:
        assert places


@given(LINES, GAPS)
def test_no_place_is_asked_twice_and_none_is_outside(line: list[str], gap: int | None) -> None:
    _, rounds, _ = ask(line, gap)
    asked = [place for places in rounds for place in places]
    assert len(asked) == len(set(asked))
    assert set(asked) <= set(range(len(line)))


@given(LINES, GAPS, st.randoms())
def test_answers_may_come_one_by_one_and_in_any_order(line: list[str], gap: int | None, any_order: Random) -> None:
    looked = search(len(line), gap)
    answers: dict[int, Hashable] = {}
    while wanted := looked.next(answers):
        place = any_order.choice(wanted)
        assert place not in answers
        answers[place] = line[place]
    assert [(change.before, change.after) for change in looked.changes(answers)] == found(line, gap)


@given(st.integers(2, 5000), st.data())
def test_one_change_takes_few_questions_and_few_rounds(size: int, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, size - 1))
    answers, rounds, _ = ask(["a"] * at + ["b"] * (size - at))
    # The two ends, one place per halving, and no more than two in each eighth of the list.
    assert len(answers) <= 2 + ceil(log2(size)) + 12
    assert len(rounds) <= 2 + ceil(log2(size))


@given(st.integers(2, 5000), st.data())
def test_one_change_takes_no_more_than_a_binary_search_where_no_stretch_is_short(
    size: int, data: st.DataObject
) -> None:
    at = data.draw(st.integers(1, size - 1))
    answers, _, _ = ask(["a"] * at + ["b"] * (size - at), size)
    assert len(answers) <= 2 + ceil(log2(size))


@given(st.integers(1, 5000))
def test_no_change_takes_a_bounded_number_of_questions(size: int) -> None:
    answers, rounds, looked = ask(["a"] * size)
    assert len(answers) <= 17
    assert len(rounds) <= 5
    assert all(high - low <= looked.gap for low, high in pairwise(sorted(answers)))


@pytest.mark.parametrize(
    ("line", "rounds", "places"),
    [
        ("a", [(0,)], []),
        ("aa", [(0, 1)], []),
        ("ab", [(0, 1)], [(0, 1)]),
        ("aba", [(0, 2), (1,)], [(0, 1), (1, 2)]),
        ("aab", [(0, 2), (1,)], [(1, 2)]),
        ("abbbbb", [(0, 5), (2,), (1, 3), (4,)], [(0, 1)]),
        ("aaaabbbbc", [(0, 8), (4,), (2, 6), (1, 3, 5, 7)], [(3, 4), (7, 8)]),
    ],
)
def test_a_small_line_is_asked_in_these_rounds(
    line: str, rounds: list[tuple[int, ...]], places: list[tuple[int, int]]
) -> None:
    assert ask(line)[1] == rounds
    assert found(line) == places


def test_a_stretch_shorter_than_the_gap_may_go_unseen() -> None:
    line = ["a"] * 9 + ["b"] * 3 + ["a"] * 21
    assert found(line, 4) == []
    assert found(line, 3) == changes(line)


@pytest.mark.parametrize(("size", "gap"), [(1, 1), (2, 1), (8, 1), (15, 1), (16, 2), (80, 10)])
def test_the_gap_is_an_eighth_of_the_list_unless_told(size: int, gap: int) -> None:
    assert search(size) == Search(size=size, gap=gap)
    assert search(size, 3) == Search(size=size, gap=3)


def test_answers_need_not_be_verdicts() -> None:
    assert Search.changes({0: None, 1: ("x", 1), 2: ("x", 1)}) == (Change(before=0, after=1),)
    assert Search.changes({}) == ()


def tried(*verdicts: Tried) -> Found:
    return Found(cell="v/SIGTERM", references=("a", "b"), gap=1, tried=dict(enumerate(verdicts)), changes=())


def test_a_base_that_could_not_be_had_is_untested() -> None:
    refused = Tried(document=None, refusal="it is not here")
    assert (refused.row, refused.verdict) == (None, Verdict.UNTESTED)
    assert tried(Tried(document=report(result("v", FORWARDED))), refused).untested


def test_a_base_that_was_tried_has_the_verdict_of_its_one_cell() -> None:
    made = report(result("v", FORWARDED))
    one = Tried(document=made)
    assert (one.row, one.verdict) == (made.results[0], Verdict.FORWARDED)
    assert not tried(one, one).untested
    assert tried(one, Tried(document=report(result("v", UNTESTED)))).untested
