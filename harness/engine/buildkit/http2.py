"""The server's side of one HTTP/2 connection (RFC 9113): as much of it as a gRPC client needs."""

from __future__ import annotations

import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Final

from harness.engine.buildkit.hpack import Decoder, block_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.engine.buildkit.hpack import Field

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEAD: Final = struct.Struct(">IBI")  # the length and the type in the first four bytes, flags, the stream
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _WINDOW, _CONTINUATION = 0, 1, 3, 4, 6, 8, 9
_END_STREAM, _ACK, _END_HEADERS, _PADDED, _PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
_WINDOW_SIZE, _FRAME_SIZE = 4, 5
_WINDOW_BYTES: Final = 65_535
_FRAME_BYTES: Final = 16_384
_MOST_BLOCK: Final = 1 << 20
_MOST_WINDOW: Final = (1 << 31) - 1
_CANCEL: Final = (8).to_bytes(4, "big")


class Cut(Exception):
    """The connection, or one of its streams, has ended before its time."""


@dataclass(eq=False)
class Stream:
    """One request, and its answer.

    ``fields`` are the request's, the values of each name in their order; ``received`` is what comes in after them,
    piece by piece, and ``None`` as no more comes.
    """

    connection: Connection
    number: int
    window: int
    fields: Mapping[str, list[str]] = field(default_factory=dict)
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
        """End the answer, with fields behind it.

        Raises:
            Cut: nobody waits for it any more.
        """
        self.connection.send_headers(self, fields, last=True)


class Connection:
    """A connection under way.

    Args:
        source: what comes from the client.
        send: sends bytes to it; it may raise `OSError`.
        serve: called with each request, in a thread of its own.
    """

    def __init__(self, source: IO[bytes], send: Callable[[bytes], object], serve: Callable[[Stream], None]) -> None:
        self._source = source
        self._send = send
        self._serve = serve
        self._sending = threading.Lock()
        self._changed = threading.Condition()
        self._decoder = Decoder()
        self._streams: dict[int, Stream] = {}
        self._window = _WINDOW_BYTES
        self._first_window = _WINDOW_BYTES
        self._frame_bytes = _FRAME_BYTES
        self._over = False

    def run(self) -> None:
        """Serve until the client ends it, or says what no client says."""
        try:
            with suppress(OSError, IndexError, ValueError, struct.error):
                if self._read(len(_PREFACE)) == _PREFACE:
                    self._frame(_SETTINGS)
                    while self._take():
                        pass
        finally:
            with self._changed:
                self._over = True
                for stream in self._streams.values():
                    _end(stream)
                self._changed.notify_all()

    def send_headers(self, stream: Stream, fields: tuple[Field, ...], *, last: bool) -> None:
        """Send fields of an answer."""
        with self._changed:
            self._check(stream)
            if last:
                self._streams.pop(stream.number, None)
        self._checked(_HEADERS, _END_HEADERS | (_END_STREAM if last else 0), stream.number, block_of(fields))

    def send_data(self, stream: Stream, data: bytes) -> None:
        """Send of an answer, in as many frames as it takes, and as the other side has room for it."""
        while data:
            with self._changed:
                self._changed.wait_for(lambda: self._over or stream.over or min(self._window, stream.window) > 0)
                self._check(stream)
                size = min(len(data), self._window, stream.window, self._frame_bytes)
                self._window -= size
                stream.window -= size
            self._checked(_DATA, 0, stream.number, data[:size])
            data = data[size:]

    def _check(self, stream: Stream) -> None:
        if self._over or stream.over:
            raise Cut

    def _checked(self, kind: int, flags: int, number: int, data: bytes) -> None:
        try:
            self._frame(kind, flags, number, data)
        except OSError as error:
            raise Cut from error

    def _frame(self, kind: int, flags: int = 0, number: int = 0, data: bytes = b"") -> None:
        with self._sending:
            self._send(_HEAD.pack(len(data) << 8 | kind, flags, number) + data)

    def _read(self, size: int) -> bytes:
        data = self._source.read(size)
        if len(data) < size:
            raise ValueError("it is cut")
        return data

    @staticmethod
    def _size(first: int) -> int:
        if (size := first >> 8) > _FRAME_BYTES:
            raise ValueError("a frame longer than agreed")
        return size

    def _take(self) -> bool:
        """Take in a frame; whether there was one."""
        head = self._source.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return False
        first, flags, number = _HEAD.unpack(head)
        kind, data, number = first & 0xFF, self._read(self._size(first)), number & _MOST_WINDOW
        if kind == _HEADERS:
            self._begin(number, flags, self._block(flags, data))
        elif kind == _DATA:
            self._data(number, flags, data)
        elif kind == _SETTINGS and not flags & _ACK:
            self._settings(data)
            self._frame(_SETTINGS, _ACK)
        elif kind == _PING and not flags & _ACK:
            self._frame(_PING, _ACK, 0, data)
        elif kind == _WINDOW:
            self._widen(number, int.from_bytes(data, "big") & _MOST_WINDOW)
        elif kind == _RESET and (stream := self._streams.get(number)):
            with self._changed:
                self._streams.pop(number)
                _end(stream)
                self._changed.notify_all()
        return True

    def _block(self, flags: int, data: bytes) -> bytes:
        """A whole block of header fields, which may go on in further frames."""
        block = _unpadded(flags, data)[5 if flags & _PRIORITY else 0 :]
        while not flags & _END_HEADERS:
            first, flags, _ = _HEAD.unpack(self._read(_HEAD.size))
            if first & 0xFF != _CONTINUATION or len(block) > _MOST_BLOCK:
                raise ValueError("header fields do not go on")
            block += self._read(self._size(first))
        return block

    def _begin(self, number: int, flags: int, block: bytes) -> None:
        fields: dict[str, list[str]] = {}
        for name, value in self._decoder.fields(block):
            fields.setdefault(name, []).append(value)
        with self._changed:
            stream = self._streams.get(number)
            if stream is None:
                stream = Stream(self, number, self._first_window, fields)
                self._streams[number] = stream
                threading.Thread(target=self._served, args=(stream,), name="buildkit-asks", daemon=True).start()
        if flags & _END_STREAM:
            stream.received.put(None)

    def _served(self, stream: Stream) -> None:
        """Serve a request; one whose answer has no end is reset, so that nobody waits for it."""
        try:
            self._serve(stream)
        finally:
            with self._changed:
                left = self._streams.pop(stream.number, None)
            if left is not None:
                with suppress(Cut):
                    self._checked(_RESET, 0, stream.number, _CANCEL)

    def _data(self, number: int, flags: int, data: bytes) -> None:
        for taken in (0, number):  # there is always room: what comes in is little
            if data:
                self._frame(_WINDOW, 0, taken, len(data).to_bytes(4, "big"))
        if stream := self._streams.get(number):
            stream.received.put(_unpadded(flags, data))
            if flags & _END_STREAM:
                stream.received.put(None)

    def _settings(self, data: bytes) -> None:
        with self._changed:
            for name, value in struct.iter_unpack(">HI", data):
                if name == _WINDOW_SIZE:
                    for stream in self._streams.values():
                        stream.window += value - self._first_window
                    self._first_window = value
                elif name == _FRAME_SIZE:
                    self._frame_bytes = max(value, _FRAME_BYTES)
            self._changed.notify_all()

    def _widen(self, number: int, by: int) -> None:
        with self._changed:
            if not number:
                self._window += by
            elif stream := self._streams.get(number):
                stream.window += by
            self._changed.notify_all()


def _end(stream: Stream) -> None:
    stream.over = True
    stream.received.put(None)


def _unpadded(flags: int, data: bytes) -> bytes:
    return data[1 : len(data) - data[0]] if flags & _PADDED else data
