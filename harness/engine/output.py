"""A container's output, frame by frame, as an engine sends it over a connection that was taken over."""

from __future__ import annotations

import ssl
import struct
from typing import TYPE_CHECKING, Any, Final

from docker.utils.socket import STDOUT, frames_iter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

_HEADER: Final = struct.Struct(">BxxxL")
_PIECE: Final = 1 << 16


def frames(stream: Any, *, tty: bool) -> Iterator[tuple[int, bytes]]:
    """The pieces of an output as they come, each with the number of its stream, until the connection ends.

    On an encrypted one, docker-py waits for the socket to have something where what it waits for may be decrypted
    already: it would see the end of a line only with the next one (its `docker.utils.socket.read` polls).
    """
    if not isinstance(stream, ssl.SSLSocket):
        yield from frames_iter(stream, tty=tty)
        return
    stream.settimeout(None)
    with stream.makefile("rb") as file:
        yield from _of_terminal(file) if tty else _numbered(file)


def _of_terminal(file: BufferedReader) -> Iterator[tuple[int, bytes]]:
    """What a terminal shows, which has one stream."""
    while piece := file.read1(_PIECE):
        yield STDOUT, piece


def _numbered(file: BufferedReader) -> Iterator[tuple[int, bytes]]:
    """Frames, each with its stream's number and size before it (docs.docker.com, Engine API, ContainerAttach)."""
    while len(header := file.read(_HEADER.size)) == _HEADER.size:
        number, size = _HEADER.unpack(header)
        yield number, file.read(size)
