"""Writing a root file system as one tar archive, with the same bytes for the same content."""

from __future__ import annotations

import io
import tarfile
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType

DIRECTORY_MODE: Final = 0o755
FILE_MODE: Final = 0o644
PROGRAM_MODE: Final = 0o755

# Entries of our own carry one fixed time, so that two builds differ only where their packages do.
_MTIME: Final = 0


class Rootfs:
    """A tar archive that grows entry by entry; use it as a context manager.

    Paths are relative to the root, with ``/`` between parts and none in front. Owners are numeric: no user of this
    machine plays a role, and neither does its file system.

    Args:
        sink: where the archive goes; writable and seekable; written from its current position on.
    """

    def __init__(self, sink: IO[bytes]) -> None:
        """Start an empty archive."""
        self._tar = tarfile.TarFile(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT)
        self._directories: set[str] = set()

    def __enter__(self) -> Rootfs:
        """Hand out the archive itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the end of the archive, unless something went wrong."""
        if error is None:
            self._tar.close()

    def directory(self, path: str, *, mode: int = DIRECTORY_MODE, owner: int = 0) -> None:
        """Add a directory of user and group `owner`, and missing parents; nothing happens when it is there."""
        if not path or path in self._directories:
            return
        self._parents(path)
        self._directories.add(path)
        self._tar.addfile(_entry(path, tarfile.DIRTYPE, mode, owner))

    def file(self, path: str, content: bytes, *, mode: int = FILE_MODE, owner: int = 0, group: int = 0) -> None:
        """Add a file with this content."""
        self._parents(path)
        entry = _entry(path, tarfile.REGTYPE, mode, owner)
        entry.gid = group
        entry.size = len(content)
        self._tar.addfile(entry, io.BytesIO(content))

    def stream(self, path: str, source: IO[bytes], *, size: int, mode: int = FILE_MODE) -> None:
        """Add a file of `size` bytes, read from `source`."""
        self._parents(path)
        entry = _entry(path, tarfile.REGTYPE, mode, 0)
        entry.size = size
        self._tar.addfile(entry, source)

    def symlink(self, path: str, target: str) -> None:
        """Add a symbolic link at `path` with the text `target`."""
        self._parents(path)
        entry = _entry(path, tarfile.SYMTYPE, 0o777, 0)
        entry.linkname = target
        self._tar.addfile(entry)

    def copy(self, entry: tarfile.TarInfo, source: IO[bytes] | None) -> None:
        """Add an entry of another archive as it is, except that owners lose their names.

        Args:
            entry: its header; changed in place.
            source: its content, for a regular file.
        """
        entry.name = entry.name.removeprefix("./")
        entry.uname = entry.gname = ""
        if entry.isdir():
            self._directories.add(entry.name.rstrip("/"))
        self._tar.addfile(entry, source)

    def _parents(self, path: str) -> None:
        self.directory(path.rpartition("/")[0])


def _entry(path: str, kind: bytes, mode: int, owner: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.type = kind
    entry.mode = mode
    entry.uid = entry.gid = owner
    entry.mtime = _MTIME
    return entry
