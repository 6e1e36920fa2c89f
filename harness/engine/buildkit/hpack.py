"""Header fields of HTTP/2, read and written (RFC 7541)."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_STATIC: Final = tuple(
    (line.partition(" ")[0], line.partition(" ")[2])
    for line in """\
:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate""".splitlines()
)
"""Appendix A."""

_LENGTHS: Final = (
    "isxxxxxxxtzxxzxxxxxxxxzxxxxxxxxxbffhibdgffdgdbbbaaabbbbbbbcdkbhfibccccccccccccccccccccccdcdioijbkaba"
    "babbbaccbbbabcbaabccccckgjixprpprrrsrssssststtrstssssqrsrsstrqprrssqsrrtqrssqqrqsrssprrrsrrsvvporsru"
    "vvvwwvtuoqvwwvwtqqvvxwwwptpqrqqsrruuttvsvwvvwwwwwxwwwwwvz"
)
"""How long the code of each byte is, and last that of the end: ``a`` is 5 bits (Appendix B)."""

_SHORTEST: Final = 5
_END: Final = 256
_TABLE_BYTES: Final = 4096
_ENTRY_BYTES: Final = 32
"""What an entry of the table counts beside its name and value (4.1)."""

_MOST_BITS: Final = 30
_BYTE: Final = 8
_MOST_TEXT: Final = 0x7E
"""How long a string of ours may be: its length has one byte."""

Field = tuple[str, str]


def _codes() -> dict[tuple[int, int], int]:
    """Each code by its length and value: they are given out in order of length, and then of what they stand for."""
    codes: dict[tuple[int, int], int] = {}
    code, before = 0, 0
    for length, symbol in sorted((ord(letter) - ord("a") + _SHORTEST, n) for n, letter in enumerate(_LENGTHS)):
        code <<= length - before
        codes[length, code] = symbol
        code, before = code + 1, length
    return codes


_CODES: Final = _codes()


class Decoder:
    """Reads blocks of header fields, each with what those before it have put into the table."""

    def __init__(self) -> None:
        self._table: deque[Field] = deque()
        self._most = _TABLE_BYTES

    def fields(self, block: bytes) -> list[Field]:
        """The fields of a block, in their order.

        Raises:
            ValueError: it is malformed.
        """
        try:
            return self._fields(block)
        except (IndexError, UnicodeError) as error:
            raise ValueError("a block of header fields is malformed") from error

    def _fields(self, block: bytes) -> list[Field]:
        fields: list[Field] = []
        at = 0
        while at < len(block):
            first = block[at]
            if first & 0x80:
                index, at = _number(block, at, 7)
                fields.append(self._entry(index))
            elif not first & 0x40 and first & 0x20:
                self._most, at = _number(block, at, 5)
                if self._most > _TABLE_BYTES:
                    raise ValueError("a table larger than agreed")
                self._evict()
            else:
                kept = bool(first & 0x40)
                index, at = _number(block, at, 6 if kept else 4)
                name, at = (self._entry(index)[0], at) if index else _text(block, at)
                value, at = _text(block, at)
                fields.append((name, value))
                if kept:
                    self._table.appendleft((name, value))
                    self._evict()
        return fields

    def _entry(self, index: int) -> Field:
        if not index:
            raise ValueError("there is no entry 0")
        return _STATIC[index - 1] if index <= len(_STATIC) else self._table[index - 1 - len(_STATIC)]

    def _evict(self) -> None:
        while sum(len(name) + len(value) + _ENTRY_BYTES for name, value in self._table) > self._most:
            self._table.pop()


def block_of(fields: Iterable[Field]) -> bytes:
    """A block of fields, each as it is, and none of them for a table."""
    return b"".join(b"\0" + _string(name) + _string(value) for name, value in fields)


def _string(text: str) -> bytes:
    data = text.encode("ascii")
    if len(data) > _MOST_TEXT:
        raise ValueError(f"too long for us: {text}")
    return bytes([len(data)]) + data


def _number(block: bytes, at: int, bits: int) -> tuple[int, int]:
    """A number that begins in so many bits of a byte (5.1), and where it is over."""
    most = (1 << bits) - 1
    number, at = block[at] & most, at + 1
    if number < most:
        return number, at
    for shift in range(0, _MOST_BITS, 7):
        byte, at = block[at], at + 1
        number += (byte & 0x7F) << shift
        if not byte & 0x80:
            return number, at
    raise ValueError("a number without an end")


def _text(block: bytes, at: int) -> tuple[str, int]:
    """A string (5.2), and where it is over."""
    short = bool(block[at] & 0x80)
    length, at = _number(block, at, 7)
    data = block[at : at + length]
    if len(data) < length:
        raise ValueError("a string that is cut")
    return (_unshortened(data) if short else data).decode("latin-1"), at + length


def _unshortened(data: bytes) -> bytes:
    """What Huffman's codes stand for."""
    text = bytearray()
    code, length = 0, 0
    for byte in data:
        for bit in range(7, -1, -1):
            code, length = code << 1 | byte >> bit & 1, length + 1
            symbol = _CODES.get((length, code))
            if symbol == _END or length > _MOST_BITS:
                raise ValueError("no code of a byte")
            if symbol is not None:
                text.append(symbol)
                code, length = 0, 0
    if length >= _BYTE or code != (1 << length) - 1:
        raise ValueError("what fills up the last byte is no part of the end")
    return bytes(text)
