"""One process at a time for what is made once on a machine, as the image of a variant is.

The lock is the kernel's on a file (flock(2)), and gone with its holder, however that ends. There are a few such files
for all names, as one that is removed would let two holders in: two names may share one, and then wait for each other.
"""

from __future__ import annotations

import fcntl
import hashlib
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Final

import platformdirs

from harness.run.inbox import Inbox
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LONGEST_S: Final = 900.0
"""For how long another one is waited for: as long as a build may take."""


@contextmanager
def alone(name: str, *, given_up: Callable[[], bool]) -> Iterator[None]:
    """Be the only one with a name while the block runs, among the processes and threads of a user.

    It begins all the same once ``given_up`` says so, after some minutes, and where files cannot be locked: then two may
    do the same.
    """
    file = _file(name)
    if file is None:
        yield
        return
    with file:
        until(lambda: given_up() or _locked(file) or None, timeout_s=_LONGEST_S, time=Inbox())
        yield


def _file(name: str) -> IO[bytes] | None:
    with suppress(OSError):
        folder = platformdirs.user_cache_path("signal-harness") / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        return (folder / hashlib.sha256(name.encode()).hexdigest()[:2]).open("ab")
    return None


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # as on some network file systems: nothing is locked there
    return True
