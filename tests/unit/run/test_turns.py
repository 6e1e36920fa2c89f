"""Turns at starting a container: no more at once than there are, and each is given back once."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from queue import Queue

import pytest

from harness.run.turns import Turns

SOON_S = 30.0


def waiting(turns: Turns) -> Queue[None]:
    """Another thread that wants a turn, and says when it has one."""
    had: Queue[None] = Queue()

    def want() -> None:
        with turns.turn():
            had.put(None)

    threading.Thread(target=want, daemon=True).start()
    return had


def test_who_gives_a_turn_back_lets_the_next_one_have_it() -> None:
    turns = Turns(1)
    with turns.turn() as give_back:
        had = waiting(turns)
        assert had.empty()
        give_back()
        had.get(timeout=SOON_S)


def test_a_turn_that_is_left_is_given_back_once() -> None:
    turns = Turns(2)
    with turns.turn() as give_back:
        give_back()
        give_back()
    with pytest.raises(ZeroDivisionError), turns.turn():
        raise ZeroDivisionError
    with ExitStack() as both:
        both.enter_context(turns.turn())
        both.enter_context(turns.turn())
        had = waiting(turns)
        assert had.empty()
    had.get(timeout=SOON_S)
