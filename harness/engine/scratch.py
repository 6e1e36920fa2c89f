"""Temporary folders for sockets and words of what we start: each says whose it is, so that a killed run's is found."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

from harness.engine.owner import ended, mark_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["ssh", "podman"]
"""What a folder is for."""

_OWNER: Final = "owner"
_MARKED: Final = re.compile(r"(\d{1,10}) ((?:\d+-\d+)?)")
_MADE_S: Final = 60.0
"""How long nothing may be in a folder that is being made."""


@contextmanager
def scratch(kind: Kind) -> Iterator[Path]:
    """A folder of our own in the one for temporary files, which goes in the end.

    The name is short, as a socket's path is (unix(7): 108 bytes), so that whose it is stands in a file.
    """
    with tempfile.TemporaryDirectory(prefix=_prefix(kind)) as name:
        folder = Path(name)
        folder.joinpath(_OWNER).write_text(f"{os.getpid()} {mark_of(os.getpid())}", encoding="ascii")
        yield folder


def sweep(root: Path | None = None) -> int:
    """Remove this user's folders whose process has ended, and return their number.

    Args:
        root: where they are; where temporary files are, if it is not said.
    """
    place = root or Path(tempfile.gettempdir())
    folders = [path for kind in get_args(Kind) for path in place.glob(f"{_prefix(kind)}*")]
    return sum(_swept(folder) for folder in folders)


def _prefix(kind: Kind) -> str:
    return f"signal-harness-{kind}-"


def _swept(folder: Path) -> bool:
    """Remove a folder if it is a dead process's."""
    with suppress(OSError):  # another run sweeps it, too
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            return False
        try:
            marked = _MARKED.fullmatch(folder.joinpath(_OWNER).read_text(encoding="utf-8", errors="replace"))
        except FileNotFoundError:
            # Its process was killed as it made it, or makes it now. One with something in it is not of ours: it stays.
            if time.time() - found.st_mtime < _MADE_S:
                return False
            folder.rmdir()
            return True
        if marked is not None and ended(int(marked[1]), marked[2]):
            shutil.rmtree(folder)
            return True
    return False
