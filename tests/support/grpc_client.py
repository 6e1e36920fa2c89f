"""A client of gRPC, as an engine is one in a session: requests, and what comes of each."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, TrailersReceived

from harness.engine.buildkit.http2 import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from h2.events import Event

    from harness.engine.buildkit.http2 import Stream

LONG_S = 10.0
_AT_ONCE: Final = 1 << 16


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
    """The client's side; what it is sent is read as it is asked for, and gives room for more if ``gives_room``.

    ``protocol`` is what it can say; `tell` says it. Names and values are sent as they are.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.protocol = H2Connection(
            H2Configuration(client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False)
        )
        self.answers: dict[int, Answer] = {}
        self.gives_room = False
        self.events: list[Event] = []

    def tell(self) -> None:
        self.sock.sendall(self.protocol.data_to_send())

    def begin(self) -> None:
        self.protocol.initiate_connection()
        self.tell()

    def ask(self, number: int, path: str, **fields: str) -> None:
        first = ((":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"))
        self.protocol.send_headers(number, [*first, *((name.replace("_", "-"), fields[name]) for name in fields)])
        self.tell()
        self.answers[number] = Answer()

    def send(self, number: int, message: bytes) -> None:
        self.protocol.send_data(number, struct.pack(">BI", 0, len(message)) + message)
        self.tell()

    def take(self) -> bool:
        """Take in what has come; whether anything had, before the end."""
        data = self.sock.recv(_AT_ONCE)
        for event in self.protocol.receive_data(data):
            self.events.append(event)
            match event:
                case ResponseReceived() | TrailersReceived():
                    fields = {name.decode(): value.decode() for name, value in event.headers}
                    self.answers[event.stream_id].fields |= fields
                case DataReceived():
                    self.answers[event.stream_id].data += event.data
                    if self.gives_room:
                        self.protocol.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                case StreamEnded():
                    self.answers[event.stream_id].over = True
        if data:
            self.tell()
        return bool(data)

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
        try:
            yield Client(ours)
        finally:
            ours.close()
            thread.join(LONG_S)
            assert not thread.is_alive()
