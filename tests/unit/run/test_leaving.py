"""Leaving a run that is interrupted: watched while it gets on, ended where it does not, or where a person says so."""

from __future__ import annotations

import threading

from harness.run.leaving import Leaving, Left

LONG_S = 30


class Process:
    """Says what it is told to say, and ends once."""

    def __init__(self, left: Left, *, patience_s: float = LONG_S) -> None:
        self.said: list[str] = []
        self.ended = threading.Event()
        self.now_s = 100.0
        self.leaving = Leaving(
            self.said.append, self.ended.set, left=left, patience_s=patience_s, now=lambda: self.now_s
        )


def left(*names: str) -> Left:
    found = Left()
    for name in names:
        found.add(name, "container")
    return found


def test_what_is_left_is_counted_by_its_kind() -> None:
    found = left("a", "b")
    found.add("r", "record of signals")
    assert str(found) == "2 containers and 1 record of signals"
    found.discard("a")
    found.discard("r")
    assert str(found) == "1 container"
    found.discard("b")
    assert str(found) == ""


def test_only_the_first_interruption_begins_it() -> None:
    process = Process(left())
    assert [process.leaving.begin(), process.leaving.begin()] == [True, False]
    assert process.leaving.done() == "interrupted; what was under way has been cleared up"
    assert not process.ended.is_set()


def test_an_interruption_that_came_to_nothing_is_none() -> None:
    process = Process(left(), patience_s=0.05)
    process.leaving.begin()
    process.leaving.lost()
    assert not process.leaving.begun
    assert not process.ended.wait(0.2)
    assert process.leaving.begin()
    assert process.ended.wait(LONG_S)


def test_clearing_up_that_gets_no_further_is_left_be() -> None:
    process = Process(left("a"), patience_s=0.05)
    process.leaving.begin()
    assert process.ended.wait(LONG_S)
    waited = "interrupted, but clearing up has got no further for 0.05 s"
    assert process.said == [f"{waited}; it may have left 1 container; to remove that: signal-harness clean"]


def test_clearing_up_that_gets_on_is_waited_for() -> None:
    found = left(*"abcdefgh")
    process = Process(found, patience_s=0.2)
    process.leaving.begin()
    for name in "abcdefgh":
        assert not process.ended.wait(0.05)
        found.discard(name)
    assert process.said == []
    assert process.ended.wait(LONG_S)
    assert "nothing is known to be left" in process.said[0]


def test_a_second_ctrl_c_ends_it_at_once_and_says_what_it_leaves() -> None:
    process = Process(left("a", "b"))
    process.leaving.begin()
    process.now_s += 2
    process.leaving.at_once()
    assert process.ended.is_set()
    assert process.said == [
        "interrupted again, and ended at once; it leaves 2 containers; to remove that: signal-harness clean"
    ]


def test_one_ctrl_c_that_comes_by_two_ways_is_one() -> None:
    process = Process(left("a"))
    process.leaving.begin()
    process.now_s += 0.5
    process.leaving.at_once()
    assert not process.ended.is_set()
    assert process.leaving.done() == "interrupted; it may have left 1 container; to remove that: signal-harness clean"


def test_what_can_be_removed_without_help_is_so_in_the_end() -> None:
    undone: list[str] = []
    found = left()
    found.add("r", "record of signals", lambda: undone.append("r"))
    assert Process(found).leaving.done() == "interrupted; what was under way has been cleared up"
    assert (undone, str(found)) == (["r"], "")


def test_what_cannot_be_removed_is_said() -> None:
    def fails() -> None:
        raise OSError

    found = left()
    found.add("r", "record of signals", fails)
    assert "it may have left 1 record of signals" in Process(found).leaving.done()
