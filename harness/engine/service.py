"""A process of ours that makes a socket: waited for until it listens, and ended with whoever needs it."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from socket import AF_UNIX, socket
from typing import TYPE_CHECKING

from harness.run.inbox import Inbox
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def awaited(process: subprocess.Popen[bytes], path: Path, *, within_s: float, ends_s: float) -> Iterator[None]:
    """Wait until a process listens on its socket or has ended, and end it on leaving, however that is.

    Whether the socket is there then is for the caller to see.

    Args:
        process: what makes the socket, just started.
        path: where it will be.
        within_s: how many seconds are waited for it.
        ends_s: how many seconds the process has to end before it is killed.
    """
    try:
        until(lambda: process.poll() is not None or _listened_on(path) or None, timeout_s=within_s, time=Inbox())
        yield
    finally:
        process.terminate()
        try:
            process.communicate(timeout=ends_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _listened_on(path: Path) -> bool:
    """Whether a socket takes connections: its file is there from bind(2) on, and refuses them until listen(2)."""
    with socket(AF_UNIX) as connection:
        connection.setblocking(False)
        try:
            connection.connect(str(path))
        except BlockingIOError:  # so many wait already
            return True
        except OSError:
            return False
    return True
