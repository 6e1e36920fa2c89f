"""A way to an engine that does harm: a proxy between two unix sockets that breaks, delays, and lies as it is told.

Each connection carries one request: the engine is asked to close it, so that what happens to a request is one decision.
"""

from __future__ import annotations

import re
import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from itertools import count
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_PIECE: Final = 1 << 16
_PIECES: Final = 3
_MOST_HEAD: Final = 1 << 20
_HEAD_ENDS: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_UPGRADE: Final = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
_CONNECTION: Final = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)
_FAILS: Final = b'{"message":"a fault that was made on purpose"}'
_FAILED: Final = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_FAILS), _FAILS)
)
_DONE: Final = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
_GARBAGE: Final = b"\x00\xff\x1b[31m{]no answer at all\r\n\r\n" * 3


class Deed(Enum):
    """What is done to a request."""

    CLOSE = auto()
    """Its connection is closed before the engine hears of it."""

    CLOSE_AFTER = auto()
    """The engine hears of it, and its answer does not come."""

    FAIL = auto()
    """It is answered with 500, and the engine does not hear of it."""

    FAIL_AFTER = auto()
    """The engine does it, and it is answered with 500."""

    GARBAGE = auto()
    """The engine does it, and what comes is no HTTP."""

    TRUNCATE = auto()
    """The last bytes of the answer do not come."""

    LIE = auto()
    """It is answered with 204, and the engine does not hear of it."""

    CUT = auto()
    """Its stream is cut after a while."""

    DELAY = auto()
    """It reaches the engine late."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its number from 1, method and path."""

    number: int
    method: str
    path: str


Harm: TypeAlias = "Callable[[Asked], Deed | None]"


class Proxy:
    """The proxy under way.

    Args:
        path: of the socket that it listens on.
        engine: of the engine's.
        harm: what is done to which request.
        late_s: for how many seconds what is delayed is held.
    """

    def __init__(self, path: Path, engine: Path, harm: Harm, *, late_s: float = 0.3) -> None:
        self._engine = engine
        self._harm = harm
        self._late_s = late_s
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._paths: dict[socket.socket, str] = {}
        self._leaving = threading.Event()
        self._moving = threading.Event()
        self._moving.set()
        self.harmed = 0
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen(128)
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def freeze(self) -> None:
        """Let nothing through any more, in either direction, and close nothing."""
        self._moving.clear()

    def thaw(self) -> None:
        """Go on."""
        self._moving.set()

    def cut(self, word: str) -> int:
        """Close the connections of requests under way whose path has a word in it, and return their number."""
        with self._lock:
            found = [one for one, path in self._paths.items() if word in path]
            for one in found:
                _shut(one)
        return len(found)

    def close(self) -> None:
        """Close all connections."""
        self._leaving.set()
        self._moving.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self._lock:
            for one in self._open:
                _shut(one)

    def _accept(self) -> None:
        while not self._leaving.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self._moving.wait()
            threading.Thread(target=self._serve, args=(connection,), name="proxied", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with self._kept(client), suppress(OSError):
            data = b""
            while _HEAD_ENDS not in data and len(data) < _MOST_HEAD:
                piece = client.recv(_PIECE)
                if not piece:
                    return
                data += piece
            head, _, body = data.partition(_HEAD_ENDS)
            method, path, *_ = head.split(b"\r\n")[0].decode().split(" ")
            with self._lock:
                asked = Asked(next(self._numbers), method, path)
                self._paths[client] = path
                deed = self._harm(asked)
                self.harmed += deed is not None
            self._do(deed, client, head, body, pieces=asked.number % _PIECES + 1)

    def _do(self, deed: Deed | None, client: socket.socket, head: bytes, body: bytes, *, pieces: int) -> None:
        missing = (int(found[1]) if (found := _LENGTH.search(head)) else 0) - len(body)
        while missing > 0 and (piece := client.recv(_PIECE)):
            body += piece
            missing -= len(piece)
        match deed:
            case Deed.CLOSE:
                return
            case Deed.FAIL:
                client.sendall(_FAILED)
                return
            case Deed.LIE:
                client.sendall(_DONE)
                return
            case Deed.DELAY:
                self._leaving.wait(self._late_s)
        self._moving.wait()
        if not _UPGRADE.search(head):
            head = _CONNECTION.sub(b"", head) + b"\r\nConnection: close"
        with self._kept(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as engine:
            engine.connect(str(self._engine))
            engine.sendall(head + _HEAD_ENDS + body)
            if deed in (Deed.CLOSE_AFTER, Deed.FAIL_AFTER, Deed.GARBAGE):
                engine.recv(_PIECE)  # the first of the answer: it is done
                client.sendall({Deed.FAIL_AFTER: _FAILED, Deed.GARBAGE: _GARBAGE}.get(deed, b""))
                return
            threading.Thread(target=self._pass_on, args=(client, engine), name="proxied", daemon=True).start()
            self._answer(deed, client, engine, pieces)

    def _answer(self, deed: Deed | None, client: socket.socket, engine: socket.socket, pieces: int) -> None:
        numbers = count(1)
        held = b""
        while piece := engine.recv(_PIECE):
            self._moving.wait()
            if deed is Deed.TRUNCATE:
                held, piece = piece[-3:], held + piece[:-3]
            client.sendall(piece)
            if deed is Deed.CUT and next(numbers) > pieces:
                return

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        """Pass on what the client has to say beside its request, as on a terminal."""
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                self._moving.wait()
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def _kept(self, one: socket.socket) -> Iterator[socket.socket]:
        with self._lock:
            self._open.add(one)
        try:
            yield one
        finally:
            with self._lock:
                self._open.discard(one)
                self._paths.pop(one, None)
            _shut(one)
            one.close()


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(path: Path, engine: Path, harm: Harm = lambda _: None) -> Iterator[Proxy]:
    """Have a proxy listen at a path."""
    made = Proxy(path, engine, harm)
    try:
        yield made
    finally:
        made.close()
        path.unlink(missing_ok=True)
