"""What becomes of a container's output and events as they arrive in pieces."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.model import EngineEvent
from harness.run.inbox import MOST_BYTES, Inbox

OUTPUT = st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b"a", "ä€🙂".encode(), b"\xff", b"\x1e", b"signal"])).map(
    b"".join
)


def texts(*pieces: bytes, close: bool = True) -> list[str]:
    inbox = Inbox()
    for piece in pieces:
        inbox.write(piece)
    if close:
        inbox.close()
    return [line.text for line in inbox.lines]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Cut data at places, in any order, also outside of it."""
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def test_a_line_split_over_pieces() -> None:
    assert texts(b"Rece", b"ived signal", b": SIGTERM\n") == ["Received signal: SIGTERM"]


def test_many_lines_in_one_piece() -> None:
    assert texts(b"one\n\ntwo\n") == ["one", "", "two"]


def test_a_partial_line_is_no_line_yet() -> None:
    assert texts(b"one\ntw", close=False) == ["one"]


def test_the_last_line_may_lack_its_newline() -> None:
    assert texts(b"one\ntwo") == ["one", "two"]


def test_carriage_returns_at_the_end_of_a_line_go() -> None:
    assert texts(b"one\r\n", b"t\rwo\r", b"\n", b"three\r") == ["one", "t\rwo", "three"]


def test_bytes_that_are_no_text_do_no_harm() -> None:
    assert texts(b"\xff\xfe\n") == ["\ufffd\ufffd"]


def test_a_character_may_be_split_over_pieces() -> None:
    assert texts("ä".encode()[:1], "ä".encode()[1:] + b"\n") == ["ä"]


def test_two_streams_do_not_mix() -> None:
    inbox = Inbox()
    inbox.write(b"out ", 1)
    inbox.write(b"err ", 2)
    inbox.write(b"one\n", 1)
    inbox.write(b"two\n", 2)
    assert [line.text for line in inbox.lines] == ["out one", "err two"]


def test_a_fence_is_counted_and_is_no_line() -> None:
    inbox = Inbox()
    inbox.write(b"one\n" + inbox.fence + b"two\n")
    assert ([line.text for line in inbox.lines], inbox.fences) == (["one", "two"], 1)


@pytest.mark.parametrize("place", range(len(Inbox().fence) + 1))
def test_a_fence_may_be_split_anywhere(place: int) -> None:
    inbox = Inbox()
    inbox.write(b"one\n" + inbox.fence[:place])
    inbox.write(inbox.fence[place:] + b"two\n")
    assert ([line.text for line in inbox.lines], inbox.fences) == (["one", "two"], 1)


@pytest.mark.parametrize("place", range(len(Inbox().fence) + 1))
def test_a_partial_line_survives_a_fence_behind_it(place: int) -> None:
    inbox = Inbox()
    inbox.write(b"Received si" + inbox.fence[:place])
    inbox.write(inbox.fence[place:])
    assert (inbox.lines, inbox.fences) == ((), 1)
    inbox.write(b"gnal: SIGTERM\n")
    assert [line.text for line in inbox.lines] == ["Received signal: SIGTERM"]


def test_a_partial_line_before_a_fence_is_kept_at_the_end() -> None:
    inbox = Inbox()
    inbox.write(b"half" + inbox.fence)
    inbox.close()
    assert [line.text for line in inbox.lines] == ["half"]


def test_another_inbox_s_fence_is_a_line_like_any_other() -> None:
    inbox = Inbox()
    inbox.write(Inbox().fence)
    assert (inbox.fences, len(inbox.lines)) == (0, 1)


def test_fences_of_two_streams_are_counted_together() -> None:
    inbox = Inbox()
    inbox.write(inbox.fence[:5], 1)
    inbox.write(inbox.fence, 2)
    inbox.write(inbox.fence[5:], 1)
    assert (inbox.fences, inbox.lines) == (2, ())


def test_most_bytes_are_no_flood_and_one_more_is() -> None:
    inbox = Inbox()
    inbox.write(b"x" * (MOST_BYTES - 1) + b"\n")
    assert not inbox.flooded
    inbox.write(b"\n")
    assert inbox.flooded


def test_a_flood_is_not_kept() -> None:
    inbox = Inbox()
    inbox.write(b"first\n")
    for _ in range(5):
        inbox.write(b"y\n" * MOST_BYTES)
    assert inbox.flooded
    assert [line.text for line in inbox.lines] == ["first"]


def test_closing_is_seen_and_may_happen_twice() -> None:
    inbox = Inbox()
    inbox.write(b"last")
    assert not inbox.closed
    inbox.close()
    inbox.close()
    assert inbox.closed
    assert [line.text for line in inbox.lines] == ["last"]


def test_the_end_is_the_die_event() -> None:
    inbox = Inbox()
    inbox.event(EngineEvent(action="kill", time_ns=1))
    assert inbox.died is None
    inbox.event(EngineEvent(action="die", time_ns=2, exit_code=143))
    assert inbox.died == EngineEvent(action="die", time_ns=2, exit_code=143)
    assert [event.action for event in inbox.events] == ["kill", "die"]


def test_news_end_a_pause_that_begins_after_them() -> None:
    inbox = Inbox()
    began = inbox.now_ns()
    inbox.write(b"news\n")
    inbox.pause(60)
    assert inbox.now_ns() - began < 30e9


def test_lines_carry_the_time_they_were_read() -> None:
    inbox = Inbox()
    before = inbox.now_ns()
    inbox.write(b"one\n")
    assert before <= inbox.lines[0].at_ns <= inbox.now_ns()


@given(OUTPUT, st.lists(st.integers(min_value=0, max_value=100)))
def test_any_cut_of_any_output_gives_the_same_lines(data: bytes, places: list[int]) -> None:
    assert texts(*cut(data, places)) == texts(data)


@given(st.binary(), st.lists(st.integers(min_value=0, max_value=300)))
def test_lines_are_what_lies_between_newlines(data: bytes, places: list[int]) -> None:
    *whole, rest = data.split(b"\n")
    wanted = [line.removesuffix(b"\r").decode(errors="replace") for line in [*whole, *([rest] if rest else [])]]
    assert texts(*cut(data, places)) == wanted


@given(OUTPUT, OUTPUT, st.lists(st.integers(min_value=0, max_value=100)))
def test_a_fence_anywhere_changes_no_line(before: bytes, after: bytes, places: list[int]) -> None:
    inbox = Inbox()
    for piece in cut(before + inbox.fence + after, places):
        inbox.write(piece)
    inbox.close()
    assert [line.text for line in inbox.lines] == texts(before + after)
    assert inbox.fences == 1
