"""What becomes of a container's output and events as they arrive in pieces."""

from __future__ import annotations

import itertools
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import Abandoned, Disturbed
from harness.core.evidence import EngineEvent
from harness.run.inbox import MOST_BYTES, Inbox
from harness.run.waiting import until
from tests.support.scripted import ScriptedInbox

OUTPUT = st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b"a", "ä€🙂".encode(), b"\xff", b"\x1e", b"signal"])).map(
    b"".join
)

LONG_S = 30


def texts(*pieces: bytes, close: bool = True, tty: bool = False) -> list[str]:
    inbox = Inbox(tty=tty)
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
    inbox.write(b"one\n" + inbox.marker + b"two\n")
    assert ([line.text for line in inbox.lines], inbox.markers) == (["one", "two"], 1)


@pytest.mark.parametrize("place", range(len(Inbox().marker) + 1))
def test_a_fence_may_be_split_anywhere(place: int) -> None:
    inbox = Inbox()
    inbox.write(b"one\n" + inbox.marker[:place])
    inbox.write(inbox.marker[place:] + b"two\n")
    assert ([line.text for line in inbox.lines], inbox.markers) == (["one", "two"], 1)


@pytest.mark.parametrize("place", range(len(Inbox().marker) + 1))
def test_a_partial_line_survives_a_fence_behind_it(place: int) -> None:
    inbox = Inbox()
    inbox.write(b"Received si" + inbox.marker[:place])
    inbox.write(inbox.marker[place:])
    assert (inbox.lines, inbox.markers) == ((), 1)
    inbox.write(b"gnal: SIGTERM\n")
    assert [line.text for line in inbox.lines] == ["Received signal: SIGTERM"]


def test_a_partial_line_before_a_fence_is_kept_at_the_end() -> None:
    inbox = Inbox()
    inbox.write(b"half" + inbox.marker)
    inbox.close()
    assert [line.text for line in inbox.lines] == ["half"]


def test_another_inbox_s_fence_is_a_line_like_any_other() -> None:
    inbox = Inbox()
    inbox.write(Inbox().marker)
    assert (inbox.markers, len(inbox.lines)) == (0, 1)


def test_fences_of_two_streams_are_counted_together() -> None:
    inbox = Inbox()
    inbox.write(inbox.marker[:5], 1)
    inbox.write(inbox.marker, 2)
    inbox.write(inbox.marker[5:], 1)
    assert (inbox.markers, inbox.lines) == (2, ())


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


def test_who_wants_to_know_goes_on() -> None:
    inbox = Inbox()
    inbox.check()
    inbox.write(b"one\n")
    inbox.pause(0)
    inbox.check()


def test_what_is_given_up_ends_a_pause_that_begins_after_it() -> None:
    inbox = Inbox()
    inbox.abandon()
    began = inbox.now_ns()
    with pytest.raises(Abandoned, match="given up before it could tell anything"):
        inbox.pause(60)
    assert inbox.now_ns() - began < 30e9


def test_what_is_given_up_ends_a_pause_that_is_under_way() -> None:
    inbox = Inbox()
    asked = threading.Event()

    def give_up() -> None:
        asked.wait(60)
        inbox.abandon()

    other = threading.Thread(target=give_up)
    other.start()
    began = inbox.now_ns()
    with pytest.raises(Abandoned):
        until(asked.set, timeout_s=60, time=inbox)
    assert inbox.now_ns() - began < 30e9
    other.join()


def test_what_is_given_up_stays_so() -> None:
    inbox = Inbox()
    inbox.abandon()
    inbox.abandon()
    for _ in range(3):
        with pytest.raises(Abandoned):
            inbox.check()
        with pytest.raises(Abandoned):
            inbox.pause(0)


def test_what_is_given_up_still_takes_in_what_comes() -> None:
    inbox = Inbox()
    inbox.abandon()
    inbox.write(b"last")
    inbox.event(EngineEvent(action="die", time_ns=1, exit_code=137))
    inbox.close()
    assert [line.text for line in inbox.lines] == ["last"]
    assert (inbox.closed, inbox.died) == (True, EngineEvent(action="die", time_ns=1, exit_code=137))


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
    for piece in cut(before + inbox.marker + after, places):
        inbox.write(piece)
    inbox.close()
    assert [line.text for line in inbox.lines] == texts(before + after)
    assert inbox.markers == 1


def on_terminal(*pieces: bytes) -> list[str]:
    return texts(*pieces, tty=True)


def of_terminal(inbox: Inbox) -> bytes:
    """The mark as it comes through a terminal, which makes CRLF of a newline."""
    return inbox.marker.replace(b"\n", b"\r\n")


TTY_OUTPUT = st.lists(
    st.sampled_from([b"\r\n", b"\n", b"\r", b"a", b"\x1b[1G", b"\x1b[0K", b"\x1b", b"[", b"^C", b"\x1e", "ä".encode()])
).map(b"".join)


@pytest.mark.parametrize("place", range(len(b"one\r\ntwo\r\n") + 1))
def test_a_terminals_line_end_may_be_split(place: int) -> None:
    data = b"one\r\ntwo\r\n"
    assert on_terminal(data[:place], data[place:]) == ["one", "two"]


def test_an_app_that_writes_a_carriage_return_itself() -> None:
    assert on_terminal(b"one\r\r\ntwo\r\n") == ["one", "two"]


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (b"\x1b[31mred\x1b[0m", "red"),
        (b"\x1b[?25l\x1b[1;32mReceived\x1b[0m signal: SIGINT\x1b[?25h", "Received signal: SIGINT"),
        (b"\x1b[1G\x1b[0K\\ \x1b[1G\x1b[0KReceived", "\\ Received"),
        (b"\x1b[38:2:1:2:3mcolour", "colour"),
        (b"\x1b[ qcursor", "cursor"),
        (b"\x1bMup", "up"),
        (b"[31m is no sequence", "[31m is no sequence"),
        (b"cut \x1b[31", "cut \x1b[31"),
    ],
)
def test_control_sequences_are_left_out(output: bytes, text: str) -> None:
    assert on_terminal(output + b"\r\n") == [text]


def test_control_sequences_stay_in_what_is_no_terminals_output() -> None:
    assert texts(b"\x1b[31mred\x1b[0m\n^Cecho\n") == ["\x1b[31mred\x1b[0m", "^Cecho"]


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (b"^CReceived signal: SIGINT", "Received signal: SIGINT"),
        (b"\x1b[0K^CReceived signal: SIGINT", "Received signal: SIGINT"),
        (b"half a line^CReceived signal: SIGINT", "half a line^CReceived signal: SIGINT"),
        (b"^C", ""),
        (b"^C^C", "^C"),
        (b"^ C", "^ C"),
    ],
)
def test_the_echo_of_ctrl_c_is_left_out_where_a_line_begins(output: bytes, text: str) -> None:
    assert on_terminal(output + b"\r\n") == [text]


def test_a_control_sequence_may_be_split() -> None:
    assert on_terminal(b"\x1b[3", b"1mred\x1b", b"[0m\r", b"\n^", b"Cend") == ["red", "end"]


@pytest.mark.parametrize("place", range(len(Inbox().marker) + 2))
def test_a_terminals_fence_may_be_split_anywhere(place: int) -> None:
    inbox = Inbox(tty=True)
    mark = of_terminal(inbox)
    inbox.write(b"one\r\nRecei" + mark[:place])
    inbox.write(mark[place:] + b"ved\r\n")
    assert ([line.text for line in inbox.lines], inbox.markers) == (["one", "Received"], 1)


def test_a_terminals_fence_between_the_halves_of_a_line_end() -> None:
    inbox = Inbox(tty=True)
    inbox.write(b"one\r" + of_terminal(inbox) + b"\ntwo\r\n")
    assert ([line.text for line in inbox.lines], inbox.markers) == (["one", "two"], 1)


@given(TTY_OUTPUT, st.lists(st.integers(min_value=0, max_value=100)))
def test_any_cut_of_any_terminals_output_gives_the_same_lines(data: bytes, places: list[int]) -> None:
    assert on_terminal(*cut(data, places)) == on_terminal(data)


@given(TTY_OUTPUT, TTY_OUTPUT, st.lists(st.integers(min_value=0, max_value=200)))
def test_a_terminals_fence_anywhere_changes_no_line(before: bytes, after: bytes, places: list[int]) -> None:
    inbox = Inbox(tty=True)
    for piece in cut(before + of_terminal(inbox) + after, places):
        inbox.write(piece)
    inbox.close()
    assert [line.text for line in inbox.lines] == on_terminal(before + after)
    assert inbox.markers == 1


@given(st.lists(st.text(st.characters(exclude_characters="\n\r\x1b^\x1e", exclude_categories=["Cs"]))))
def test_plain_lines_come_through_a_terminal_as_they_are(lines: list[str]) -> None:
    assert on_terminal("".join(f"{line}\r\n" for line in lines).encode()) == lines


def test_what_is_spoilt_lets_nobody_wait_and_nobody_believe() -> None:
    inbox = Inbox()
    inbox.spoil("events were lost")
    inbox.spoil("and more")
    with pytest.raises(Disturbed, match="events were lost"):
        inbox.pause(LONG_S)
    with pytest.raises(Disturbed, match="events were lost"):
        inbox.check_whole(within_s=0)


def test_output_that_ends_with_the_container_is_whole() -> None:
    inbox = Inbox()
    inbox.event(EngineEvent(action="die", time_ns=1, exit_code=0))
    inbox.break_off(within_s=0)
    inbox.check_whole(within_s=0)
    assert inbox.closed


def test_output_that_ends_a_moment_before_the_container_is_whole() -> None:
    inbox = Inbox()
    reading = threading.Thread(target=inbox.break_off, kwargs={"within_s": LONG_S})
    reading.start()
    assert not inbox.closed
    inbox.event(EngineEvent(action="die", time_ns=1, exit_code=0))
    reading.join(LONG_S)
    inbox.check_whole(within_s=0)
    assert inbox.closed


def test_output_that_breaks_off_while_the_container_runs_on_is_not_believed() -> None:
    inbox = Inbox()
    reading = threading.Thread(target=inbox.break_off, kwargs={"within_s": LONG_S}, daemon=True)
    reading.start()
    while not inbox._broken:  # the thread is just about to say so
        pass
    with pytest.raises(Disturbed, match="its output broke off while it ran on"):
        inbox.check_whole(within_s=0.01)  # before it is known for sure
    inbox.close()
    reading.join(LONG_S)


def test_output_that_has_broken_off_spoils_what_waits() -> None:
    inbox = Inbox()
    inbox.break_off(within_s=0)
    with pytest.raises(Disturbed, match="its output broke off while it ran on"):
        inbox.pause(LONG_S)


def test_it_tells_how_long_the_output_had_ended_before_the_container() -> None:
    inbox = ScriptedInbox()
    inbox.break_off(within_s=0)
    inbox.pass_time(1.5)
    assert inbox.silent_s == 0
    inbox.event(EngineEvent(action="die", time_ns=1, exit_code=0))
    inbox.pass_time(1.5)
    assert inbox.silent_s == 1.5
    other = ScriptedInbox()
    other.event(EngineEvent(action="die", time_ns=1, exit_code=0))
    other.pass_time(1.5)
    other.break_off(within_s=0)
    assert (other.silent_s, other.size) == (0, 0)
