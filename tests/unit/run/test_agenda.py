"""What is done next: those of a kind one after another, as long as others keep all busy."""

from __future__ import annotations

import threading
from queue import Queue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.run.agenda import Agenda

SOON_S = 30.0


@pytest.mark.parametrize(
    ("kinds", "width", "first"),
    [
        ("aaabbbccc", 3, [0, 3, 6]),  # one of each kind
        ("aaabbb", 4, [0, 1, 3, 4]),  # kinds are too few
        ("aaaa", 2, [0, 1]),
        ("abcd", 2, [0, 1, 2, 3]),  # width does not bound how many are taken in all
    ],
)
def test_of_a_kind_as_few_are_done_at_once_as_keeps_all_busy(kinds: str, width: int, first: list[int]) -> None:
    agenda = Agenda(kinds, width=width)
    assert [agenda.take() for _ in first] == first


def test_the_next_of_a_kind_comes_before_the_first_of_another() -> None:
    agenda = Agenda("aabb", width=1)
    assert (agenda.take(), agenda.take()) == (0, 2)
    agenda.done(0)
    assert agenda.take() == 1


def test_what_is_left_of_few_kinds_is_done_side_by_side() -> None:
    agenda = Agenda("abbb", width=2)
    assert (agenda.take(), agenda.take()) == (0, 1)
    agenda.done(0)
    assert agenda.take() == 2


@pytest.mark.parametrize(
    ("took_s", "more"),
    [((0.4, 0.4), None), ((0.4, 0.6), 7), ((0.6, 0.4), 2), ((0.6, 0.8), 7), ((0.6, 0.6), 2)],
)
def test_who_would_wait_does_what_takes_longest_if_that_is_worth_while(
    took_s: tuple[float, float], more: int | None
) -> None:
    """Of each kind three are left, which one after another take more or less than a second and a half."""
    now_s = [0.0]
    agenda = Agenda("aaaaabbbbb", width=2, clock=lambda: now_s[0])
    assert [agenda.take(), agenda.take()] == [0, 5]
    for place, seconds in zip((0, 5), took_s, strict=True):
        now_s[0] = seconds
        agenda.done(place)
    assert [agenda.take(), agenda.take()] == [1, 6]
    assert agenda._next() == more


def test_as_long_as_nothing_is_known_it_is_worth_while_where_many_are_left() -> None:
    agenda = Agenda("a" * 10 + "b", width=1)
    assert [agenda.take() for _ in range(3)] == [0, 10, 1]
    assert agenda._next() is None


def test_who_finds_nothing_to_do_yet_waits_until_something_is_done() -> None:
    agenda, taken = Agenda("aa", width=1), Queue[int]()
    assert agenda.take() == 0
    threading.Thread(target=lambda: taken.put(agenda.take()), daemon=True).start()
    assert taken.empty()
    agenda.done(0)
    assert taken.get(timeout=SOON_S) == 1


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 5), st.integers(1, 6), st.randoms())
def test_all_is_done_once_and_each_kind_in_its_order(
    kinds: list[int], width: int, workers: int, random: st.Random
) -> None:
    agenda = Agenda(kinds, width=width)
    order: list[int] = []
    under_way: list[int] = []
    while len(order) < len(kinds):
        place = agenda._next() if len(under_way) < workers else None
        if place is not None:
            order.append(place)
            under_way.append(place)
        else:
            agenda.done(under_way.pop(random.randrange(len(under_way))))
    assert sorted(order) == list(range(len(kinds)))
    for kind in set(kinds):
        mine = [place for place in order if kinds[place] == kind]
        assert mine == sorted(mine)
