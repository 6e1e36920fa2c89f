"""Whether an HTTP answer has come whole, read piece by piece as it arrives; its body is counted and not kept. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-9]\d\d)(?: |$)")
_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,16}")
_LENGTH: Final = re.compile(rb"\d{1,18}")
_MOST_HEAD: Final = 1 << 16
_INTERIM: Final = range(100, 200)
_EMPTY: Final = frozenset({204, 304})
"""Statuses of answers that have no body (RFC 9112, 6.3)."""


class HttpAnswer:
    """The answer to a GET, as RFC 9112 frames it.

    ``status`` is that of the final answer, once its status line is there. ``whole`` says whether nothing is missing,
    ``broken`` whether this is not HTTP/1. An answer with neither a length nor chunks is whole as its connection is
    closed (RFC 9112, 6.3): one that breaks off looks the same then, unless the connection is reset.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        self.whole = False
        self.broken = False
        self._buffer = b""
        self._until_close = False
        self._head = 0
        self._reading = self._read()
        next(self._reading)

    def feed(self, data: bytes) -> None:
        """Take in what has arrived next."""
        if self.whole or self.broken:
            return
        self._buffer += data
        try:
            next(self._reading)
        except StopIteration:
            self.whole = not self.broken
            self._buffer = b""

    def end(self) -> None:
        """Take in that the connection was closed, as one is that has sent all."""
        self.whole = self.whole or (self._until_close and not self.broken)

    def _read(self) -> Generator[None, None, None]:
        """Read an answer to its end, and stop wherever more of it is needed."""
        headers = yield from self._headers()
        while not self.broken and self.status in _INTERIM:  # such as 103, Early Hints: the answer is yet to come
            self.status = None
            headers = yield from self._headers()
        if self.broken or self.status in _EMPTY:
            return
        if headers.get(b"transfer-encoding", b"").lower().endswith(b"chunked"):
            yield from self._chunks()
        elif b"transfer-encoding" not in headers and b"content-length" in headers:
            length = headers[b"content-length"]
            if not _LENGTH.fullmatch(length):
                self.broken = True
                return
            yield from self._body(int(length))
        else:
            self._until_close = True
            while True:
                self._buffer = b""
                yield

    def _headers(self) -> Generator[None, None, dict[bytes, bytes]]:
        """Read a status line and headers, by their names in lower case."""
        found: dict[bytes, bytes] = {}
        match = _STATUS.match((yield from self._line()))
        if match is None:
            self.broken = True
            return found
        self.status = int(match[1])
        while not self.broken and (line := (yield from self._line())):
            name, _, value = line.partition(b":")
            found[name.strip().lower()] = value.strip()
        return found

    def _line(self) -> Generator[None, None, bytes]:
        """Read a line; its end may be a line feed alone (RFC 9112, 2.2)."""
        while b"\n" not in self._buffer:
            if len(self._buffer) > _MOST_HEAD:
                self.broken = True
                return b""
            yield
        line, _, self._buffer = self._buffer.partition(b"\n")
        self._head += len(line)
        self.broken = self.broken or self._head > _MOST_HEAD
        return line.removesuffix(b"\r")

    def _body(self, length: int) -> Generator[None, None, None]:
        """Leave out so many bytes."""
        while len(self._buffer) < length:
            length -= len(self._buffer)
            self._buffer = b""
            yield
        self._buffer = self._buffer[length:]

    def _chunks(self) -> Generator[None, None, None]:
        """Read chunks up to the last one, and the trailer behind it (RFC 9112, 7.1)."""
        while True:
            self._head = 0
            size = (yield from self._line()).partition(b";")[0].strip()
            if not _SIZE.fullmatch(size):
                self.broken = True
                return
            if int(size, 16) == 0:
                break
            yield from self._body(int(size, 16))
            self.broken = self.broken or bool((yield from self._line()))
        while not self.broken and (yield from self._line()):
            pass
