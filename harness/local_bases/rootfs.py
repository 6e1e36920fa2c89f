"""Writing a root file system as one tar archive, with the same bytes for the same content."""

from __future__ import annotations

import io
import tarfile
from typing import IO, Any, Final

FILE_MODE: Final = 0o644
PROGRAM_MODE: Final = 0o755


class Rootfs(tarfile.TarFile):
    """A tar archive that grows entry by entry, from the sink's position on; a context manager.

    Paths are relative to the root, with ``/`` between parts and none in front. Owners are numeric: no user of this
    machine plays a role, and neither does its file system.
    """

    def __init__(self, sink: IO[bytes]) -> None:
        super().__init__(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT)
        self._directories: set[str] = set()

    def directory(self, path: str, *, mode: int = PROGRAM_MODE, owner: int = 0) -> None:
        """Add a directory of user and group `owner`, and missing parents; nothing happens if it is there."""
        if path and path not in self._directories:
            self._add(path, type=tarfile.DIRTYPE, mode=mode, uid=owner, gid=owner)
            self._directories.add(path)

    def file(self, path: str, content: bytes, *, mode: int = FILE_MODE, owner: int = 0, group: int = 0) -> None:
        """Add a file with this content."""
        self._add(path, io.BytesIO(content), size=len(content), mode=mode, uid=owner, gid=group)

    def stream_file(self, path: str, source: IO[bytes], *, size: int, mode: int = FILE_MODE) -> None:
        """Add a file of `size` bytes, read from `source`."""
        self._add(path, source, size=size, mode=mode)

    def symlink(self, path: str, target: str) -> None:
        """Add a symbolic link at `path` with the text `target`."""
        self._add(path, type=tarfile.SYMTYPE, mode=0o777, linkname=target)

    def copy(self, entry: tarfile.TarInfo, source: IO[bytes] | None) -> None:
        """Add an entry of another archive as it is, except that owners lose their names; its header is changed."""
        entry.name = entry.name.removeprefix("./")
        entry.uname = entry.gname = ""
        if entry.isdir():
            self._directories.add(entry.name.rstrip("/"))
        self.addfile(entry, source)

    def _add(self, path: str, source: IO[bytes] | None = None, **header: Any) -> None:
        """Add an entry and its missing parents; what `header` leaves out is 0, so the time is always the same."""
        self.directory(path.rpartition("/")[0])
        entry = tarfile.TarInfo(path)
        for name, value in header.items():
            setattr(entry, name, value)
        self.addfile(entry, source)
