"""The server's side of one HTTP/2 connection, as a gRPC client needs it: h2 knows the protocol, this has the threads.

Import it only as a connection begins: most commands never have one, and start without h2.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from io import BufferedReader

    from h2.events import Event
    from hpack.struct import Header

Field = tuple[str, str]

_AT_ONCE: Final = 1 << 16


class Cut(Exception):
    """The connection, or one of its streams, has ended before its time."""


class _Protocol(H2Connection):
    """The protocol, with room for the fields of a request: the lines of a .dockerignore are among them."""

    DEFAULT_MAX_HEADER_LIST_SIZE = 1 << 22


@dataclass(eq=False)
class Stream:
    """One request, and its answer.

    ``fields`` are the request's, the values of each name in their order; ``received`` is what comes in after them,
    piece by piece, and ``None`` as no more comes.
    """

    connection: Connection
    number: int
    fields: Mapping[str, list[str]]
    received: SimpleQueue[bytes | None] = field(default_factory=SimpleQueue)
    over: bool = False

    def answer(self, *fields: Field) -> None:
        """Begin the answer.

        Raises:
            Cut: nobody waits for it any more.
        """
        self.connection.send_headers(self, fields, last=False)

    def send(self, data: bytes) -> None:
        """Send of the answer, as soon as the other side takes it.

        Raises:
            Cut: nobody waits for it any more.
        """
        self.connection.send_data(self, data)

    def end(self, *fields: Field) -> None:
        """End the answer, with fields behind it, of which there is one at least.

        Raises:
            Cut: nobody waits for it any more.
        """
        self.connection.send_headers(self, fields, last=True)


class Connection:
    """A connection under way.

    Args:
        source: what comes from the client.
        send: sends bytes to it; it may raise `OSError`.
        serve: called with each request, in a thread of its own; it may raise `Cut`.
    """

    def __init__(
        self, source: BufferedReader, send: Callable[[bytes], object], serve: Callable[[Stream], None]
    ) -> None:
        self._source = source
        self._send = send
        self._serve = serve
        self._changed = threading.Condition()  # whoever holds it has the protocol for himself
        # Names of files are among the fields as they are, a space at the end and all, which the standard refuses.
        self._protocol = _Protocol(H2Configuration(client_side=False, validate_inbound_headers=False))
        self._streams: dict[int, Stream] = {}
        self._over = False

    def run(self) -> None:
        """Serve until the client ends it, or says what no client says."""
        try:
            with suppress(OSError, ProtocolError):
                with self._changed:
                    self._protocol.initiate_connection()
                    self._flush()
                while not self._over and (data := self._source.read1(_AT_ONCE)):
                    self._take(data)
        finally:
            with self._changed:
                self._over = True
                for stream in self._streams.values():
                    _end(stream)
                self._changed.notify_all()

    def send_headers(self, stream: Stream, fields: tuple[Field, ...], *, last: bool) -> None:
        """Send fields of an answer."""
        with self._sending(stream):
            self._protocol.send_headers(stream.number, fields, end_stream=last)
            if last:
                del self._streams[stream.number]

    def send_data(self, stream: Stream, data: bytes) -> None:
        """Send of an answer, in as many frames as it takes, and as the other side has room for it."""
        while data:
            with self._sending(stream, lambda: self._room(stream) > 0):
                size = self._room(stream)
                self._protocol.send_data(stream.number, data[:size])
                data = data[size:]

    @contextmanager
    def _sending(self, stream: Stream, ready: Callable[[], bool] = lambda: True) -> Iterator[None]:
        """Have the protocol as it is ready, and send what comes of that."""
        with self._changed:
            try:
                self._changed.wait_for(lambda: self._over or stream.over or ready())
                if self._over or stream.over:
                    raise Cut
                yield
                self._flush()
            except (OSError, ProtocolError) as error:
                raise Cut from error

    def _room(self, stream: Stream) -> int:
        return min(self._protocol.local_flow_control_window(stream.number), self._protocol.max_outbound_frame_size)

    def _flush(self) -> None:
        self._send(self._protocol.data_to_send())

    def _take(self, data: bytes) -> None:
        """Take in what came, and acknowledge it; or say what is wrong with it."""
        with self._changed:
            try:
                for event in self._protocol.receive_data(data):
                    self._heed(event)
            finally:
                self._flush()
            self._changed.notify_all()  # there may be room now

    def _heed(self, event: Event) -> None:
        match event:
            case RequestReceived():
                asked = Stream(self, event.stream_id, _fields(event.headers))
                self._streams[asked.number] = asked
                threading.Thread(target=self._served, args=(asked,), name="buildkit-asks", daemon=True).start()
            case DataReceived():  # there is always room: what comes in is little
                self._protocol.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if stream := self._streams.get(event.stream_id):
                    stream.received.put(event.data)
            case StreamEnded():
                if stream := self._streams.get(event.stream_id):
                    stream.received.put(None)
            case StreamReset():
                if stream := self._streams.pop(event.stream_id, None):
                    _end(stream)
            case ConnectionTerminated():
                self._over = True

    def _served(self, stream: Stream) -> None:
        """Serve a request; one whose answer has no end is reset, so that nobody waits for it."""
        try:
            with suppress(Cut):
                self._serve(stream)
        finally:
            with suppress(Cut), self._sending(stream):
                if self._streams.pop(stream.number, None):
                    self._protocol.reset_stream(stream.number, ErrorCodes.CANCEL)


def _fields(headers: Iterable[Header]) -> dict[str, list[str]]:
    """The values of each name; every byte is a character, since the standard knows no more of them."""
    fields: dict[str, list[str]] = {}
    for name, value in headers:
        fields.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    return fields


def _end(stream: Stream) -> None:
    stream.over = True
    stream.received.put(None)
