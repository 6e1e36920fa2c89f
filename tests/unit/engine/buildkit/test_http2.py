"""A connection of HTTP/2, as its client sees it: requests at once, room for data, pings, and all that breaks."""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING

import pytest
from h2.errors import ErrorCodes
from h2.events import DataReceived, PingAckReceived, SettingsAcknowledged, StreamReset
from h2.settings import SettingCodes
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engine.buildkit.http2 import Cut
from tests.support.grpc_client import LONG_S, Answer, client_of

if TYPE_CHECKING:
    from harness.engine.buildkit.http2 import Stream

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
OK = (":status", "200")
AT_FIRST = 65_535
"""What a connection, and a stream of it, has room for until more is given (RFC 9113, 6.9.2)."""


def frame(kind: int, flags: int, number: int, data: bytes) -> bytes:
    return struct.pack(">IBI", len(data) << 8 | kind, flags, number) + data


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
            client.protocol.send_data(number, b"a")
        for number in (3, 1):
            client.protocol.send_data(number, b"b%d" % number, end_stream=True)
        client.tell()
        client.take_until(lambda: all(answer.over for answer in client.answers.values()))
        assert {number: (answer.data, answer.fields) for number, answer in client.answers.items()} == {
            number: (b"ab%d" % number, {":status": "200", "path": f"/{number}"}) for number in (1, 3)
        }


def test_a_ping_and_settings_are_acknowledged() -> None:
    with client_of(echo) as client:
        client.begin()
        client.protocol.ping(b"12345678")
        client.tell()
        client.take_until(lambda: PingAckReceived(ping_data=b"12345678") in client.events)
        assert any(isinstance(event, SettingsAcknowledged) for event in client.events)


def test_no_more_is_sent_than_there_is_room_for() -> None:
    text = bytes(range(256)) * 400

    def much(stream: Stream) -> None:
        stream.answer(OK)
        stream.send(text)
        stream.end(("x", "y"))

    with client_of(much) as client:
        client.begin()
        client.protocol.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10, SettingCodes.MAX_FRAME_SIZE: 1 << 20})
        client.ask(1, "/")
        answer = client.answers[1]
        client.take_until(lambda: len(answer.data) == 10)
        client.protocol.ping(b"anymore?")
        client.tell()
        client.take_until(lambda: isinstance(client.events[-1], PingAckReceived))
        assert len(answer.data) == 10
        client.protocol.increment_flow_control_window(5, 1)
        client.tell()
        client.take_until(lambda: len(answer.data) == 15)
        client.protocol.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1 << 20})
        client.tell()
        client.take_until(lambda: len(answer.data) == AT_FIRST)
        client.protocol.increment_flow_control_window(1 << 20)
        client.tell()
        client.take_until(lambda: answer.over)
        assert answer.data == text
        assert max(len(event.data) for event in client.events if isinstance(event, DataReceived)) == AT_FIRST - 15


def test_room_is_given_back_for_all_that_came_with_what_fills_it_up() -> None:
    with client_of(echo) as client:
        client.begin()
        client.gives_room = True
        client.ask(1, "/")
        for sent in range(1, 401):  # with 256 bytes for one: more than there is room for at first
            client.take_until(lambda: client.protocol.local_flow_control_window(1) > 256)
            client.protocol.send_data(1, b"x", end_stream=sent == 400, pad_length=255)
            client.tell()
        client.take_until(lambda: client.answers[1].over)
        assert client.answers[1].data == b"x" * 400


def test_fields_may_be_many_and_are_taken_as_they_are() -> None:
    taken: list[list[str]] = []

    def keep(stream: Stream) -> None:
        taken.append(stream.fields["more"])
        stream.end(OK)

    odd = ["ends with a space ", "\xe9"]
    rules = ["y" * 1000] * 200
    with client_of(keep) as client:
        client.begin()
        more = [(b"more", value.encode("latin-1")) for value in (*odd, *rules)]
        client.answers[1] = Answer()
        client.protocol.send_headers(1, [(b":path", b"/"), *more], end_stream=True)
        client.tell()
        client.take_until(lambda: client.answers[1].over)
    assert taken == [odd + rules]


def test_an_answer_that_is_given_up_is_reset() -> None:
    with client_of(lambda stream: stream.answer(OK)) as client:
        client.begin()
        client.ask(1, "/")
        client.take_until(lambda: StreamReset(stream_id=1, error_code=ErrorCodes.CANCEL) in client.events)


def test_an_answer_that_has_ended_is_not_reset_though_more_may_be_asked() -> None:
    with client_of(lambda stream: stream.end(OK)) as client:
        client.begin()
        client.ask(1, "/")
        client.take_until(lambda: client.answers[1].over)
        client.ask(3, "/")
        client.take_until(lambda: client.answers[3].over)
        client.protocol.ping(b"anymore?")
        client.tell()
        client.take_until(lambda: isinstance(client.events[-1], PingAckReceived))
        assert not [event for event in client.events if isinstance(event, StreamReset)]


@pytest.mark.parametrize("by", ["reset", "goaway", "end"])
def test_who_waits_for_room_is_told_that_nobody_is_there(by: str) -> None:
    cut = threading.Event()

    def waits(stream: Stream) -> None:
        stream.answer(OK)
        try:
            stream.send(b"x" * 100)
        except Cut:
            with pytest.raises(Cut):
                stream.end(("x", "y"))
            cut.set()

    with client_of(waits) as client:
        client.begin()
        client.protocol.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 1})
        client.ask(1, "/")
        client.take_until(lambda: client.answers[1].data == b"x")
        if by == "reset":
            client.protocol.reset_stream(1)
        elif by == "goaway":
            client.protocol.close_connection()
        client.tell()
        assert by == "end" or cut.wait(LONG_S)
    assert cut.wait(LONG_S)


@pytest.mark.parametrize("said", [b"", PREFACE[:-1], PREFACE + b"\0\0"])
def test_a_client_may_go_at_any_time(said: bytes) -> None:
    with client_of(echo) as client:
        client.sock.sendall(said)
        client.sock.shutdown(socket.SHUT_WR)
        while client.sock.recv(1 << 16):
            pass


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        PREFACE + frame(4, 0, 0, bytes(16_386)),  # longer than agreed
        PREFACE + frame(4, 0, 0, b"") + frame(1, 4, 1, b"\xff"),
        PREFACE + frame(4, 0, 0, b"") + frame(1, 0, 1, b"\x82") + frame(0, 0, 1, b""),
        PREFACE + frame(4, 0, 0, b"x"),
    ],
)
def test_what_no_client_says_ends_the_connection(said: bytes) -> None:
    with client_of(echo) as client:
        client.sock.sendall(said)
        while client.sock.recv(1 << 16):
            pass


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 255), st.integers(0, 3), st.binary(max_size=40))))
def test_whatever_comes_ends_it_at_most(frames: list[tuple[int, int, int, bytes]]) -> None:
    with client_of(lambda _: None) as client:
        client.begin()
        try:
            for one in frames:
                client.sock.sendall(frame(*one))
            client.sock.shutdown(socket.SHUT_WR)
            while client.sock.recv(1 << 16):
                pass
        except OSError:
            return
