"""A connection of HTTP/2, as its client sees it: requests at once, room for data, pings, and all that breaks."""

from __future__ import annotations

import struct
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engine.buildkit.hpack import block_of
from harness.engine.buildkit.http2 import Cut
from tests.support.grpc_client import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    LONG_S,
    PADDED,
    PING,
    PREFACE,
    RESET,
    SETTINGS,
    WINDOW,
    Answer,
    client_of,
)

if TYPE_CHECKING:
    from harness.engine.buildkit.http2 import Stream

OK = (":status", "200")
FIRST_WINDOW, FRAME_SIZE = 4, 5


def echo(stream: Stream) -> None:
    """Answer with what came."""
    stream.answer(OK)
    while (piece := stream.received.get()) is not None:
        stream.send(piece)
    stream.end(("path", stream.fields[":path"][0]))


def test_requests_are_answered_beside_each_other() -> None:
    with client_of(echo) as client:
        client.begin()
        for number in (1, 3):
            client.ask(number, f"/{number}")
            client.frame(DATA, 0, number, b"a")
        for number in (3, 1):
            client.frame(DATA, END_STREAM, number, b"b%d" % number)
        client.take_until(lambda: all(answer.over for answer in client.answers.values()))
        assert {number: (answer.data, answer.fields) for number, answer in client.answers.items()} == {
            number: (b"ab%d" % number, {":status": "200", "path": f"/{number}"}) for number in (1, 3)
        }
        given_back = [data for kind, _, number, data in client.frames if (kind, number) == (WINDOW, 0)]
        assert sum(int.from_bytes(data, "big") for data in given_back) == len("abxabx")


def test_a_ping_and_settings_are_acknowledged() -> None:
    with client_of(echo) as client:
        client.begin()
        client.frame(PING, 0, 0, b"12345678")
        client.take_until(lambda: (PING, ACK, 0, b"12345678") in client.frames)
        assert (SETTINGS, ACK, 0, b"") in client.frames
        client.frame(PING, ACK, 0, b"ours????")
        client.frame(PING, 0, 0, b"87654321")
        client.take_until(lambda: (PING, ACK, 0, b"87654321") in client.frames)
        assert (PING, ACK, 0, b"ours????") not in client.frames


def test_no_more_is_sent_than_there_is_room_for() -> None:
    text = bytes(range(256)) * 400

    def much(stream: Stream) -> None:
        stream.answer(OK)
        stream.send(text)
        stream.end()

    with client_of(much) as client:
        client.begin((FIRST_WINDOW, 10), (FRAME_SIZE, 1 << 20))
        client.ask(1, "/")
        answer = client.answers[1]
        client.take_until(lambda: len(answer.data) == 10)
        client.frame(PING, 0, 0, b"anymore?")
        client.take_until(lambda: client.frames[-1][0] == PING)
        assert len(answer.data) == 10
        client.frame(WINDOW, 0, 1, struct.pack(">I", 5))
        client.take_until(lambda: len(answer.data) == 15)
        client.frame(SETTINGS, data=struct.pack(">HI", FIRST_WINDOW, 1 << 20))
        client.take_until(lambda: len(answer.data) == 65_535)  # what a connection has room for at first
        client.frame(WINDOW, 0, 0, struct.pack(">I", 1 << 20))
        client.take_until(lambda: answer.over)
        assert answer.data == text
        assert max(len(data) for _, _, _, data in client.frames) > 16_384


def test_fields_may_come_in_several_frames_and_padded() -> None:
    block = block_of([(":path", "/x"), ("more", "y" * 100)])
    with client_of(echo) as client:
        client.begin()
        client.answers[1] = Answer()
        client.frame(HEADERS, PADDED, 1, b"\x03" + block[:20] + b"\0\0\0")
        client.frame(CONTINUATION, 0, 1, block[20:50])
        client.frame(CONTINUATION, END_HEADERS, 1, block[50:])
        client.frame(DATA, END_STREAM | PADDED, 1, b"\x02data\0\0")
        client.take_until(lambda: client.answers[1].over)
        assert (client.answers[1].data, client.answers[1].fields["path"]) == (b"data", "/x")


def test_an_answer_that_is_given_up_is_reset() -> None:
    with client_of(lambda stream: stream.answer(OK)) as client:
        client.begin()
        client.ask(1, "/")
        client.take_until(lambda: RESET in [frame[0] for frame in client.frames])
        assert client.frames[-1][2:] == (1, b"\0\0\0\x08")


@pytest.mark.parametrize("by", ["reset", "end"])
def test_who_waits_for_room_is_told_that_nobody_is_there(by: str) -> None:
    cut = threading.Event()

    def waits(stream: Stream) -> None:
        stream.answer(OK)
        try:
            stream.send(b"x" * 100)
        except Cut:
            with pytest.raises(Cut):
                stream.end()
            cut.set()

    with client_of(waits) as client:
        client.begin((FIRST_WINDOW, 1))
        client.ask(1, "/")
        client.take_until(lambda: client.answers[1].data == b"x")
        if by == "reset":
            client.frame(RESET, 0, 1, bytes(4))
            assert cut.wait(LONG_S)
    assert cut.wait(LONG_S)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        PREFACE[:-1],
        PREFACE + b"\0\0",
        PREFACE + b"\xff\xff\xff\x04\0\0\0\0\0",
        PREFACE + b"\0\0\x01\x01\x04\0\0\0\x01\xff",
        PREFACE + b"\0\0\x01\x01\0\0\0\0\x01\x82" + b"\0\0\0\0\0\0\0\0\x01",
        PREFACE + b"\0\0\x01\x04\0\0\0\0\0x",
    ],
)
def test_what_no_client_says_ends_the_connection(said: bytes) -> None:
    with client_of(echo) as client:
        client.sock.sendall(said)
        client.sock.shutdown(1)
        while client.take():
            pass


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 255), st.integers(0, 3), st.binary(max_size=40))))
def test_whatever_comes_ends_it_at_most(frames: list[tuple[int, int, int, bytes]]) -> None:
    with client_of(lambda _: None) as client:
        client.begin()
        try:
            for frame in frames:
                client.frame(*frame)
            client.sock.shutdown(1)
            while client.source.read(1):
                pass
        except OSError:
            return
