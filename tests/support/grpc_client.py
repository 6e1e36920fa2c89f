"""A client of gRPC, as an engine is one in a session: requests and packets, frame by frame."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from harness.engine.buildkit.hpack import Decoder, block_of
from harness.engine.buildkit.http2 import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.engine.buildkit.http2 import Stream

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK, PADDED = 1, 4, 1, 8
LONG_S = 10.0


@dataclass
class Answer:
    """What has come of an answer."""

    fields: dict[str, str] = field(default_factory=dict)
    data: bytes = b""
    over: bool = False

    def messages(self) -> list[bytes]:
        """The whole messages in it."""
        found, at = [], 0
        while at + 5 <= len(self.data):
            (size,) = struct.unpack_from(">xI", self.data, at)
            if at + 5 + size > len(self.data):
                break
            found.append(self.data[at + 5 : at + 5 + size])
            at += 5 + size
        return found


class Client:
    """The client's side; what it is sent is read as it is asked for, and gives room for more if ``gives_room``."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.source = sock.makefile("rb")
        self.decoder = Decoder()
        self.answers: dict[int, Answer] = {}
        self.gives_room = False
        self.frames: list[tuple[int, int, int, bytes]] = []

    def frame(self, kind: int, flags: int = 0, number: int = 0, data: bytes = b"") -> None:
        self.sock.sendall(struct.pack(">I", len(data) << 8 | kind) + struct.pack(">BI", flags, number) + data)

    def begin(self, *settings: tuple[int, int]) -> None:
        self.sock.sendall(PREFACE)
        self.frame(SETTINGS, data=b"".join(struct.pack(">HI", *one) for one in settings))

    def ask(self, number: int, path: str, **fields: str) -> None:
        words = ((":path", path), *((name.replace("_", "-"), value) for name, value in fields.items()))
        self.frame(HEADERS, END_HEADERS, number, block_of(words))
        self.answers[number] = Answer()

    def send(self, number: int, message: bytes) -> None:
        self.frame(DATA, 0, number, struct.pack(">BI", 0, len(message)) + message)

    def take(self) -> bool:
        """Take in a frame; whether there was one."""
        head = self.source.read(9)
        if len(head) < 9:
            return False
        (first,) = struct.unpack(">I", head[:4])
        flags, number = struct.unpack(">BI", head[4:])
        data = self.source.read(first >> 8)
        kind = first & 0xFF
        self.frames.append((kind, flags, number, data))
        if kind == HEADERS:
            self.answers[number].fields |= dict(self.decoder.fields(data))
        elif kind == DATA:
            self.answers[number].data += data
            for taken in (0, number) if self.gives_room and data else ():
                self.frame(WINDOW, 0, taken, struct.pack(">I", len(data)))
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.answers[number].over = True
        return True

    def take_until(self, done: Callable[[], bool]) -> None:
        while not done():
            assert self.take()


@contextmanager
def client_of(serve: Callable[[Stream], None]) -> Iterator[Client]:
    """A client, and a connection that serves it; that has ended as this is left."""
    ours, theirs = socket.socketpair()
    with ours, theirs, theirs.makefile("rb") as source:
        ours.settimeout(LONG_S)
        connection = Connection(source, theirs.sendall, serve)

        def run() -> None:
            connection.run()
            theirs.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=run)
        thread.start()
        client = Client(ours)
        try:
            yield client
        finally:
            client.source.close()
            ours.close()
            thread.join(LONG_S)
            assert not thread.is_alive()
