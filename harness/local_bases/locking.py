"""One build of a thing at a time, across threads and processes."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def exclusive(path: Path, *, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock on a file while the block runs.

    The kernel drops the lock when its holder ends, however it ends, so the wait is bounded by the holder's work.

    Args:
        path: the lock file; made when it is not there, and left there, since removing it would let two holders in.
        waiting: called once when someone else holds the lock.
    """
    with path.open("ab") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
