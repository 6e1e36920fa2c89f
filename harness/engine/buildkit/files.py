"""A folder as BuildKit takes it over: what there is, in order, and then what is in the files that it asks for.

Source: tonistiigi/fsutil, ``send.go``, ``receive.go`` and ``validator.go``.
"""

from __future__ import annotations

import os
import tarfile
from enum import IntEnum
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from harness.engine.buildkit.messages import message_class
from harness.engine.contexts import AS_THEY_ARE, File

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_PIECE: Final = 1 << 15
_FOLDER_MODE: Final = 0o755
_KINDS: Final = {
    tarfile.DIRTYPE: 1 << 31,
    tarfile.SYMTYPE: 1 << 27,
    tarfile.BLKTYPE: 1 << 26,
    tarfile.CHRTYPE: 1 << 26 | 1 << 21,
    tarfile.FIFOTYPE: 1 << 25,
}
_SPECIAL: Final = {0o4000: 1 << 23, 0o2000: 1 << 22, 0o1000: 1 << 20}
"""Go's bits of a mode (its package io/fs), for kinds of files, and for those that are set on top of the rights."""


class Kind(IntEnum):
    """What a packet is."""

    STAT = 0
    WANTED = 1
    DATA = 2
    END = 3
    ERROR = 4


def lone(name: str, text: bytes) -> File:
    """A file that is nowhere but here."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(text), 0o644
    return File(entry, lambda at, size: text[at : at + size])


def exchange(
    files: Iterable[File], receive: Callable[[], bytes | None], send: Callable[[bytes], object], *, only: str | None
) -> bool:
    """Have a folder taken over; whether it was, to its end.

    Args:
        files: what is in it.
        receive: waits for the other side's next packet; ``None`` if there is none.
        send: sends one.
        only: the only path that is wanted; ``None`` means all.
    """
    packet = message_class("Packet")
    listed = [file for file in _in_order(files) if only in (None, file.entry.name)]
    for file in listed:
        send(packet(type=Kind.STAT, stat=_stat(file.entry)).SerializeToString())
    send(packet(type=Kind.STAT).SerializeToString())
    while (data := receive()) is not None:
        asked = packet.FromString(data)
        if asked.type == Kind.WANTED and asked.id < len(listed):
            for piece in chain(_pieces(listed[asked.id]), [b""]):
                send(packet(type=Kind.DATA, id=asked.id, data=piece).SerializeToString())
        elif asked.type == Kind.END:
            send(packet(type=Kind.END).SerializeToString())
            return True
        else:
            return False
    return False


def _in_order(files: Iterable[File]) -> list[File]:
    """Each folder in front of what is in it, and its names by their bytes; folders that nobody has named, too."""
    by_path = {file.entry.name: file for file in files}
    for path in list(by_path):
        while path := path.rpartition("/")[0]:
            by_path.setdefault(path, _folder(path))
    return [by_path[path] for path in sorted(by_path, key=lambda path: os.fsencode(path).split(b"/"))]


def _folder(path: str) -> File:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode = tarfile.DIRTYPE, _FOLDER_MODE
    return File(entry, lambda *_: b"")


def _stat(entry: tarfile.TarInfo) -> Any:
    """What is told of a file; owners are root's, as docker's command has it."""
    mode = entry.mode & 0o777 | _KINDS.get(entry.type, 0)
    for bit, of_go in _SPECIAL.items():
        mode |= of_go if entry.mode & bit else 0
    return message_class("Stat")(
        path=entry.name.encode(errors=AS_THEY_ARE),
        mode=mode,
        size=entry.size if entry.isreg() else 0,
        mtime_ns=int(entry.mtime) * 1_000_000_000,
        linkname=entry.linkname.encode(errors=AS_THEY_ARE),
        devmajor=entry.devmajor,
        devminor=entry.devminor,
    )


def _pieces(file: File) -> Iterator[bytes]:
    for at in range(0, file.entry.size, _PIECE):
        yield file.read(at, min(_PIECE, file.entry.size - at))
