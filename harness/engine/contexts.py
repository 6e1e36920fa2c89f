"""A build context as ``docker build`` sends it: streamed from a file that is gone afterwards, and never all in memory.

Links go in as links and are not followed; folders that are empty, modes, pipes, devices and second names of a file are
kept; owners are root's; sockets are left out. Sources: moby/go-archive, ``archive.go`` (``Tarballer.Do``,
``addTarFile``); docker/cli, ``cli/command/image/build/context.go`` (``ValidateContextDirectory``) and
``dockerignore.go``; for exceptions below a folder that is left out, tonistiigi/fsutil, ``filter.go``.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, Final

from harness.core.dockerignore import FILE_NAME, Ignoring
from harness.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

AS_THEY_ARE: Final = "surrogateescape"
"""How bytes that are not UTF-8 come through."""

_PIECE: Final = 1 << 20
_TYPES: Final = {
    stat.S_IFREG: tarfile.REGTYPE,
    stat.S_IFDIR: tarfile.DIRTYPE,
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
    stat.S_IFCHR: tarfile.CHRTYPE,
    stat.S_IFBLK: tarfile.BLKTYPE,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """Which files a context is made of.

    ``root`` is its folder, ``dockerfile`` the path of its Dockerfile from there, if it is in it: that is sent in any
    case. ``rules`` is the file of what is left out, if there is one. ``thorough`` looks for exceptions in all folders
    that are left out, as BuildKit does; the classic builder's command looks only into those that one begins with, and
    sends a ``.dockerignore`` in any case, which the engine reads again.
    """

    root: Path
    dockerfile: str | None
    rules: Path | None
    thorough: bool


@dataclass(frozen=True, slots=True)
class File:
    """A file, a folder or whatever else has a path; ``read`` gives what is in it: from a position on, so many bytes."""

    entry: tarfile.TarInfo
    read: Callable[[int, int], bytes]


class _Packed(io.RawIOBase):
    """A file that is read by several, each at a position of its own."""

    def __init__(self, file: IO[bytes]) -> None:
        self._number = file.fileno()
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._at = offset + (0 if whence == os.SEEK_SET else self._at)
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        data = os.pread(self._number, len(buffer), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """A context that is packed. ``digest`` is one of all names, kinds, modes, links and contents, but of no times."""

    file: IO[bytes]
    size: int
    digest: str

    def archive(self, more: Mapping[str, bytes]) -> Iterator[bytes]:
        """The tar archive, piece by piece, with more files in it; several may be read at the same time."""
        at = 0
        while piece := os.pread(self.file.fileno(), min(_PIECE, self.size - at), at):
            at += len(piece)
            yield piece
        for name, content in more.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            yield from whole(entry, io.BytesIO(content))
        yield bytes(2 * tarfile.BLOCKSIZE)

    def entries(self) -> tarfile.TarFile:
        """The entries; without an end, as there may come more."""
        return tarfile.open(fileobj=io.BufferedReader(_Packed(self.file)), mode="r:", errorlevel=2)

    def files(self) -> list[File]:
        """What is in it, file by file."""
        with self.entries() as tar:
            return [File(entry, partial(_read, self.file.fileno(), entry.offset_data)) for entry in tar]


def _read(number: int, start: int, at: int, size: int) -> bytes:
    return os.pread(number, size, start + at)


def find(root: Path, dockerfile: str, *, thorough: bool) -> Where:
    """Where a context is, by the path of a Dockerfile from its folder: links are followed to both.

    A ``.dockerignore`` with the Dockerfile's name in front goes before the folder's own (Dockerfile reference,
    "Filename and location").
    """
    real = root.resolve()
    file = (root / dockerfile).resolve()
    inside = file.relative_to(real).as_posix() if file.is_relative_to(real) else None
    named = (root / f"{dockerfile}{FILE_NAME}", real / FILE_NAME)
    rules = next((path for path in named if path.is_file()), None)
    return Where(root=real, dockerfile=inside, rules=rules, thorough=thorough)


def paths(where: Where) -> Iterator[str]:
    """The paths of what is sent, from the context's folder, each behind the folder that it is in.

    Raises:
        UsageError: a folder or the rules cannot be read, or a rule is malformed.
    """
    try:
        yield from _below(where, _Walk(where), "", (), ())
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from error


@contextmanager
def packed(
    where: Where, texts: Mapping[str, bytes], *, without: Callable[[str], bool] = lambda _: False
) -> Iterator[Context]:
    """Pack a context; ``texts`` take the place of files, or are there beside them; ``without`` says what is not in it.

    Raises:
        UsageError: something of it cannot be read.
    """
    digest = hashlib.sha256()
    left = dict(texts)
    first: dict[tuple[int, int], str] = {}
    with TemporaryFile() as file:
        for path in paths(where):
            if without(path):
                continue
            source = where.root / path
            try:
                text = left.pop(path, None)
                if entry := _entry(source, path, first, text):
                    _write(file, digest, entry, source, text)
            except OSError as error:
                raise UsageError(f"{source} cannot be read: {error.strerror}") from error
        for path, text in left.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(text), 0o644
            _write(file, digest, entry, where.root, text)
        file.flush()
        yield Context(file=file, size=file.tell(), digest=digest.hexdigest())


class _Walk:
    """What is left out of a context, and into which folders that are left out is looked all the same."""

    def __init__(self, where: Where) -> None:
        text = where.rules.read_bytes().decode(errors=AS_THEY_ARE) if where.rules else ""
        place = str(where.rules or FILE_NAME)
        self.ignoring = Ignoring(text, place=place)
        kept = [where.dockerfile, None if where.thorough else FILE_NAME]
        if more := [path for path in kept if path is not None and self.ignoring.leaves_out(path)]:
            escaped = ("".join(f"\\{char}" if char in "\\*?[]" else char for char in path) for path in more)
            self.ignoring = Ignoring("\n".join([text, *(f"!/{path}" for path in escaped)]), place=place)
        heads = [_without_wildcards(path) if where.thorough else path for path in self.ignoring.exceptions]
        self._heads = [*heads, *more]

    def opens(self, folder: str) -> bool:
        """Whether something may be sent of a folder that is left out."""
        return any(not head or f"{head}/".startswith(f"{folder}/") for head in self._heads)


def _without_wildcards(pattern: str) -> str:
    """The folder below which all that a pattern matches is; empty for the context's own."""
    parts = pattern.split("/")
    plain = next((number for number, part in enumerate(parts) if any(mark in part for mark in "*?[\\")), None)
    return pattern if plain is None else "/".join(parts[:plain])


def _below(where: Where, walk: _Walk, folder: str, above: tuple[bool, ...], skipped: tuple[str, ...]) -> Iterator[str]:
    """What is sent of a folder; ``skipped`` are the folders above that are sent only with something in them."""
    with os.scandir(where.root / folder) as scan:
        children = sorted(scan, key=lambda entry: os.fsencode(entry.name))
    for child in children:
        path = f"{folder}/{child.name}" if folder else child.name
        out, states = walk.ignoring.states(path, above)
        is_folder = child.is_dir(follow_symlinks=False)
        if not out:
            yield from skipped
            skipped = ()
            yield path
        if is_folder and not out:
            yield from _below(where, walk, path, states, ())
        elif is_folder and walk.opens(path):
            waiting = (*skipped, path) if where.thorough else ()
            for found in _below(where, walk, path, states, waiting):
                skipped = ()
                yield found


def _entry(source: Path, path: str, first: dict[tuple[int, int], str], text: bytes | None) -> tarfile.TarInfo | None:
    """The head of one path; ``None`` for a socket. ``first`` are the names of files that have another one."""
    found = source.lstat()
    kind = _TYPES.get(stat.S_IFMT(found.st_mode))
    if kind is None:
        return None
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode, entry.mtime = kind, stat.S_IMODE(found.st_mode), int(found.st_mtime)
    if text is not None:
        entry.type, entry.size = tarfile.REGTYPE, len(text)
    elif kind == tarfile.SYMTYPE:
        entry.linkname = str(source.readlink())
    elif kind in (tarfile.CHRTYPE, tarfile.BLKTYPE):
        entry.devmajor, entry.devminor = os.major(found.st_rdev), os.minor(found.st_rdev)
    elif kind == tarfile.REGTYPE:
        name = first.setdefault((found.st_dev, found.st_ino), path) if found.st_nlink > 1 else path
        if name != path:
            entry.type, entry.linkname = tarfile.LNKTYPE, name
        else:
            entry.size = found.st_size
    return entry


def _write(file: IO[bytes], digest: hashlib._Hash, entry: tarfile.TarInfo, source: Path, text: bytes | None) -> None:
    """Write one entry, and what is in it; a file that grows or shrinks meanwhile is sent as long as it was."""
    told = (entry.name, entry.type, entry.mode, entry.linkname, entry.devmajor, entry.devminor, entry.size)
    digest.update(repr(told).encode(errors=AS_THEY_ARE))
    content = None if not entry.isreg() else io.BytesIO(text) if text is not None else source.open("rb")
    with content or nullcontext():
        for number, piece in enumerate(whole(entry, content)):
            if number:
                digest.update(piece)
            file.write(piece)


def whole(entry: tarfile.TarInfo, content: IO[bytes] | None) -> Iterator[bytes]:
    """An entry of an archive piece by piece, its head first; what is too short for its size is filled up.

    In GNU's format: an archive that begins with a PAX header is taken for a lone Dockerfile by BuildKit.
    """
    yield entry.tobuf(tarfile.GNU_FORMAT, "utf-8", AS_THEY_ARE)
    left = entry.size if content else 0
    while content and left:
        piece = content.read(min(_PIECE, left)) or bytes(min(_PIECE, left))
        left -= len(piece)
        yield piece
    if content:
        yield bytes(-entry.size % tarfile.BLOCKSIZE)


def hidden(where: Where, name: str) -> dict[str, bytes]:
    """The rules that the classic builder reads, with a file more that it leaves out: as docker's command writes them.

    Source: docker/cli, ``AddDockerfileToBuildContext``.
    """
    file = where.root / FILE_NAME
    rules = file.read_bytes() if file.is_file() else FILE_NAME.encode()
    return {FILE_NAME: rules + f"\n{name}\n".encode()}


def hidden_from_buildah(name: str) -> dict[str, bytes]:
    """The rules that Buildah reads first (containerignore(5)), which leave out a file and themselves.

    Those of a ``.dockerignore`` have been kept to already, so that it need not read them again.
    """
    return {".containerignore": f"{name}\n.containerignore\n".encode()}
