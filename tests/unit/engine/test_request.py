"""A request whose end is held back, against small servers of every kind of manners."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import EngineFault
from harness.engine.request import HttpRequest
from harness.run.inbox import Inbox
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"


@contextmanager
def server(head: bytes, rest: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Answers one request with a head at once and the rest once its body has come, and closes; gives what came."""
    came: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            request = b""
            while b"\r\n\r\n" not in request:
                piece = connection.recv(1000)
                if not piece:
                    return
                request += piece
            connection.sendall(head)
            while head and not request.endswith(b"\r\n\r\nx"):
                piece = connection.recv(1000)
                if not piece:
                    return
                request += piece
            came.append(request)
            connection.sendall(rest)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], came
        thread.join(timeout=30)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("head", "rest"),
    [(CHUNKED, b"5\r\nwhole\r\n0\r\n\r\n"), (CHUNKED + b"2\r\nwh\r\n", b"3\r\nole\r\n0\r\n\r\n"), (SIZED, b"whole")],
    ids=["in one piece", "in two", "of a size told before"],
)
def test_an_answer_that_comes_whole(head: bytes, rest: bytes) -> None:
    with server(head, rest) as (port, came):
        request = HttpRequest(port, "/hold?now")
        assert came == []
        assert request.finish() is True
        request.close()
    assert came[0].startswith(b"POST /hold?now HTTP/1.1\r\n")
    assert b"\r\nContent-Length: 1\r\n" in came[0]
    assert came[0].endswith(b"\r\n\r\nx")


@pytest.mark.parametrize(
    ("head", "rest"),
    [(CHUNKED, b""), (CHUNKED, b"5\r\nwh"), (CHUNKED, b"5\r\nwhole\r\n"), (SIZED, b"who"), (SIZED, b"")],
    ids=[
        "nothing comes",
        "half a piece",
        "the last piece is missing",
        "less than was told",
        "nothing of what was told",
    ],
)
def test_an_answer_that_breaks_off_is_none(head: bytes, rest: bytes) -> None:
    with server(head, rest) as (port, _):
        request = HttpRequest(port, "/")
        assert request.finish() is False
        request.close()


def test_an_answer_whose_end_cannot_be_told_is_a_fault() -> None:
    """An answer that ends as its connection does looks the same if it breaks off."""
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    with server(head, b"") as (port, _), pytest.raises(EngineFault, match="its end cannot be detected"):
        HttpRequest(port, "/")


@pytest.mark.parametrize("status", [b"404 Not Found", b"500 Internal Server Error", b"503 Service Unavailable"])
def test_an_answer_that_is_an_error_is_a_fault(status: bytes) -> None:
    """A path that the app does not know is no request that it lost."""
    head = SIZED.replace(b"200 OK", status)
    with (
        server(head, b"whole") as (port, _),
        pytest.raises(EngineFault, match=f"answers POST /nowhere with status {status[:3].decode()}: see path in"),
    ):
        HttpRequest(port, "/nowhere")


@pytest.mark.parametrize("head", [CHUNKED, CHUNKED + b"2\r\nwh\r\n", SIZED, SIZED + b"who"])
def test_an_answer_that_waits_for_the_end_of_the_request_is_in_flight(head: bytes) -> None:
    with server(head, b"") as (port, came):
        request = HttpRequest(port, "/")
        assert request.in_flight()
        assert request.in_flight()
        assert came == []
        request.close()


@pytest.mark.parametrize(
    "head",
    [
        SIZED + b"whole",
        CHUNKED + b"5\r\nwhole\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        SIZED.replace(b"5", b"70000") + b"x" * 70_000,
    ],
    ids=["of a size", "in chunks", "empty", "long"],
)
def test_an_answer_that_is_complete_is_not_in_flight(head: bytes) -> None:
    with server(head, b"") as (port, came):
        request = HttpRequest(port, "/")
        assert until(lambda: not request.in_flight() or None, timeout_s=10, time=Inbox())
        assert not request.in_flight()
        assert request.finish() is True
        request.close()
    assert came == []


def test_an_answer_that_breaks_off_by_itself_is_not_in_flight() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(CHUNKED)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        request = HttpRequest(listener.getsockname()[1], "/")
        thread.join()
        assert not request.in_flight()
        assert request.finish() is False
        request.close()


@pytest.mark.parametrize("head", [b"", b"no such protocol\r\n\r\n"], ids=["nothing", "nonsense"])
def test_an_answer_that_does_not_begin_is_a_fault(head: bytes) -> None:
    with server(head, b"") as (port, _), pytest.raises(EngineFault, match="does not answer on its published port"):
        HttpRequest(port, "/")


def test_a_port_where_nobody_listens_is_a_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(EngineFault, match="does not answer on its published port"):
        HttpRequest(port, "/")


def test_a_request_that_was_given_up_is_never_finished() -> None:
    with server(CHUNKED, b"0\r\n\r\n") as (port, came):
        request = HttpRequest(port, "/")
        request.close()
        assert request.finish() is False
    assert came == []
