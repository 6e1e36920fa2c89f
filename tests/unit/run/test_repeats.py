"""Several times the same, by one or by many: each time is done once, and none after one that is enough."""

from __future__ import annotations

import threading
from itertools import count

import pytest

from harness.run.repeats import Repeats

SOON_S = 5.0


def never(_: int) -> bool:
    return False


def test_who_is_alone_does_all_of_it() -> None:
    numbers = count()
    assert Repeats(lambda: next(numbers), times=3, enough=never).all() == [0, 1, 2]


def test_who_helps_does_some_of_it_at_the_same_time() -> None:
    together = threading.Barrier(3)
    repeats = Repeats(lambda: together.wait(SOON_S), times=6, enough=never)
    helpers = [threading.Thread(target=repeats.help) for _ in range(2)]
    for helper in helpers:
        helper.start()
    assert sorted(repeats.all()) == [0, 0, 1, 1, 2, 2]
    for helper in helpers:
        helper.join(SOON_S)


def test_who_comes_to_help_when_all_is_done_does_nothing() -> None:
    numbers = count()
    repeats = Repeats(lambda: next(numbers), times=2, enough=never)
    assert repeats.all() == [0, 1]
    repeats.help()
    assert (repeats.all(), next(numbers)) == ([0, 1], 2)


def test_nothing_is_done_after_what_is_enough() -> None:
    numbers = count()
    assert Repeats(lambda: next(numbers), times=9, enough=lambda number: number == 2).all() == [0, 1, 2]


def test_what_a_helper_raises_is_raised_for_who_wants_it() -> None:
    repeats = Repeats(lambda: 1 // 0, times=9, enough=never)
    with pytest.raises(ZeroDivisionError):
        repeats.help()
    with pytest.raises(ZeroDivisionError):
        repeats.all()
    assert len(repeats._taken) == 1
