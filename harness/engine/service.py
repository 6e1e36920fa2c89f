"""A process of ours that makes a socket: waited for until it is there, and ended with whoever needs it."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.run.inbox import Inbox
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def awaited(process: subprocess.Popen[bytes], socket: Path, *, within_s: float, ends_s: float) -> Iterator[None]:
    """Wait until a process has made its socket or ended, and end it on leaving, however that is.

    Whether the socket is there then is for the caller to see.

    Args:
        process: what makes the socket, just started.
        socket: where it will be.
        within_s: how many seconds are waited for it.
        ends_s: how many seconds the process has to end before it is killed.
    """
    try:
        until(lambda: process.poll() is not None or socket.exists() or None, timeout_s=within_s, time=Inbox())
        yield
    finally:
        process.terminate()
        try:
            process.communicate(timeout=ends_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
