"""What is asked again where it breaks, and what never is: on a server that breaks as it is told."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import Disturbed, EngineFault, EngineUnavailable
from harness.engine.again import afresh
from harness.engine.client import connect, our_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker

VERSION = b'{"ApiVersion": "1.41", "MinAPIVersion": "1.12"}'
CLOSE, FAIL, REFUSE, SHORT, GARBAGE = "close", "fail", "refuse", "short", "garbage"


def answer(status: str, body: bytes, *, length: int | None = None) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "
    return f"{head}{len(body) if length is None else length}\r\n\r\n".encode() + body


ANSWERS = {
    CLOSE: b"",
    FAIL: answer("500 Internal Server Error", b'{"message": "no"}'),
    REFUSE: answer("409 Conflict", b'{"message": "no"}'),
    SHORT: answer("200 OK", b"[", length=20),
    GARBAGE: b"\x00\xff no HTTP\r\n\r\n",
}


class Server:
    """Answers as it should, but for the requests that ``harm`` is there for, in turn."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.harm: list[str] = []
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                line = connection.recv(1 << 16).split(b"\r\n")[0].decode()
                if "/version" in line:
                    connection.sendall(answer("200 OK", VERSION))
                    continue
                self.asked.append(line.split()[0])
                done = answer("200 OK", b"[]")
                connection.sendall(ANSWERS[self.harm.pop(0)] if self.harm else done)


@contextmanager
def engine(folder: Path) -> Iterator[tuple[Server, docker.APIClient]]:
    server = Server(folder / "s")
    api = connect(f"unix://{server.path}")
    try:
        yield server, api
    finally:
        api.close()
        server.close()


@pytest.mark.parametrize("harm", [[CLOSE], [FAIL], [SHORT], [GARBAGE], [CLOSE, FAIL, SHORT, GARBAGE]])
def test_what_looks_is_asked_again(harm: list[str], tmp_path: Path) -> None:
    with engine(tmp_path) as (server, api):
        server.harm = harm.copy()
        assert api.containers() == []
        assert server.asked == ["GET"] * (len(harm) + 1)


def test_what_removes_is_asked_again(tmp_path: Path) -> None:
    with engine(tmp_path) as (server, api):
        server.harm = [CLOSE, FAIL]
        api.remove_container("a")
        assert server.asked == ["DELETE"] * 3


def test_what_is_refused_is_not_asked_again(tmp_path: Path) -> None:
    with engine(tmp_path) as (server, api):
        server.harm = [REFUSE]
        with pytest.raises(EngineFault, match="the engine says: no"), our_errors():
            api.containers()
        assert server.asked == ["GET"]


def test_it_is_not_asked_for_ever(tmp_path: Path) -> None:
    with engine(tmp_path) as (server, api):
        server.harm = [FAIL] * 50
        with pytest.raises(Disturbed, match="the engine says: no"), our_errors():
            api.containers()
        assert len(server.asked) == 6


DEEDS: dict[str, Callable[[docker.APIClient], object]] = {
    "kill": lambda api: api.kill("a", 15),
    "stop": lambda api: api.stop("a", timeout=1),
    "start": lambda api: api.start("a"),
    "create": lambda api: api.create_container("image"),
}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize(
    ("harm", "told"), [(CLOSE, EngineUnavailable), (FAIL, Disturbed), (GARBAGE, EngineUnavailable)]
)
def test_what_does_something_is_never_sent_twice(deed: str, harm: str, told: type[Exception], tmp_path: Path) -> None:
    with engine(tmp_path) as (server, api):
        server.harm = [harm]
        with pytest.raises(told), our_errors():
            DEEDS[deed](api)
        assert server.asked == ["POST"]


def test_where_nobody_listens_nobody_is_asked_again(tmp_path: Path) -> None:
    with engine(tmp_path) as (server, api):
        server.path.unlink()
        with pytest.raises(EngineUnavailable), our_errors():
            api.containers()
        assert server.asked == []


def test_a_deed_that_a_fault_hits_is_done_afresh_twice() -> None:
    faults: list[Exception] = [Disturbed("a"), EngineUnavailable("b")]

    def deed() -> str:
        if faults:
            raise faults.pop()
        return "done"

    assert afresh(deed) == "done"
    faults += [Disturbed("c")] * 3
    with pytest.raises(Disturbed, match="c"):
        afresh(deed)
    assert faults == []


def test_what_was_refused_is_not_done_afresh() -> None:
    asked: list[str] = []

    def deed() -> None:
        asked.append("")
        raise EngineFault("no")

    with pytest.raises(EngineFault):
        afresh(deed)
    assert len(asked) == 1
