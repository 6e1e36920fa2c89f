"""Whose containers and records are: the process that made them, told from all others that have or had its number."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_SELF: Final = Path("/proc/self")


def mark_of(pid: int) -> str:
    """What tells a process of our PID namespace from others of its number: that namespace, and when it started.

    Returns:
        The inode of the namespace (namespaces(7)) and clock ticks since boot (proc_pid_stat(5), field 22), as in
        ``4026531836-12345``; empty if the process is gone or dead, or where /proc is not that of our namespace.
    """
    namespace, started = _namespace(), _started(pid)
    return f"{namespace}-{started}" if namespace and started else ""


def ended(pid: int, mark: str) -> bool:
    """Whether the process of a number and a mark has ended; also ``False`` where that cannot be told from here."""
    namespace = mark.partition("-")[0]
    if namespace:
        with suppress(OSError):  # what cannot be read, as with too many open files, tells nothing
            return namespace == _namespace() and f"{namespace}-{_read_start(pid)}" != mark
        return False
    if _namespace():
        return False  # it was made where there is no /proc
    with suppress(PermissionError):
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return True
    return False


def lives(pid: int) -> bool:
    """Whether a process is there and has not ended: an entry in the process table alone is no life."""
    return _started(pid) != ""


def _namespace() -> str:
    """Our PID namespace, if /proc is that of it, as it is not right after ``unshare --pid``; else empty."""
    with suppress(OSError):
        if _SELF.readlink().name == str(os.getpid()):
            return str((_SELF / "ns" / "pid").stat().st_ino)
    return ""


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty if it is gone or dead, or hidden from us."""
    with suppress(OSError):
        return _read_start(pid)
    return ""


def _read_start(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty if it is gone or dead.

    Raises:
        OSError: it is there, but cannot be read.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except ProcessLookupError:
        return ""
    except FileNotFoundError:
        with suppress(ProcessLookupError, OverflowError):  # no process has such a number
            os.kill(pid, 0)
            raise  # one of another user's may be hidden (proc(5), hidepid)
        return ""
    return "" if stat[:1] in (["Z"], ["X"], []) else stat[19]
