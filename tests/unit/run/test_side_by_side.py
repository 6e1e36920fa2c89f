"""Several things, by one or by many: each is done once, and none after one that is enough."""

from __future__ import annotations

import threading
from itertools import count
from typing import TYPE_CHECKING

import pytest

from harness.run.side_by_side import SideBySide, one_after_another

if TYPE_CHECKING:
    from collections.abc import Callable

SOON_S = 30.0


def never(_: int) -> bool:
    return False


def numbered(times: int) -> list[Callable[[], int]]:
    numbers = count()
    return [lambda: next(numbers)] * times


def test_who_is_alone_does_all_of_it() -> None:
    assert one_after_another(numbered(3), enough=never) == [0, 1, 2]


def test_each_is_done_in_its_order() -> None:
    assert one_after_another([lambda: 7, lambda: 5, lambda: 6], enough=never) == [7, 5, 6]


def test_who_helps_does_some_of_it_at_the_same_time() -> None:
    together = threading.Barrier(3)
    work = SideBySide([lambda: together.wait(SOON_S)] * 6, enough=never)
    helpers = [threading.Thread(target=work.help) for _ in range(2)]
    for helper in helpers:
        helper.start()
    assert sorted(work.all()) == [0, 0, 1, 1, 2, 2]
    for helper in helpers:
        helper.join(SOON_S)


def test_who_comes_to_help_when_all_is_done_does_nothing() -> None:
    work = SideBySide(numbered(2), enough=never)
    assert work.all() == [0, 1]
    work.help()
    assert work.all() == [0, 1]


def test_nothing_is_begun_after_what_is_enough() -> None:
    assert one_after_another(numbered(9), enough=lambda number: number == 2) == [0, 1, 2]


def test_what_a_helper_raises_is_raised_for_who_wants_it() -> None:
    done: list[int] = []
    work = SideBySide([lambda: 1 // 0, lambda: done.append(1) or 1], enough=never)
    with pytest.raises(ZeroDivisionError):
        work.help()
    with pytest.raises(ZeroDivisionError):
        work.all()
    assert done == []
