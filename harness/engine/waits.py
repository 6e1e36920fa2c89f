"""The timeouts that a process's threads sleep on, read from /proc: what may still start by itself.

``/proc/PID/syscall`` shows the system call that a sleeping thread is in, with its arguments (proc_pid_syscall(5)); what
an argument points at is read from the process's memory. ``/proc/PID/fdinfo`` shows timers behind descriptors
(timerfd_create(2)), ``/proc/PID/timers`` POSIX timers (timer_create(2)), though not when these run out. Needs root.
An alarm(2) does not show anywhere.
"""

from __future__ import annotations

import os
import platform
import re
import struct
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from harness.core.process import Wait

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class _Unit(Enum):
    """How a system call is given its timeout."""

    MS = "milliseconds, none if negative"
    TIMESPEC = "a struct timespec"
    TIMEVAL = "a struct timeval"
    UNTIL = "a struct timespec of the moment, by the clock of another argument"
    SLEEP = "as the flags of clock_nanosleep(2) say"
    FUTEX = "as the operation of futex(2) says"
    UNKNOWN = "not to be seen"


@dataclass(frozen=True, slots=True)
class _Call:
    """A system call that may wait for a while: which argument is the timeout, and of what kind."""

    argument: int
    unit: _Unit


# arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h in the kernel.
_COMMON: Final = {
    441: _Call(3, _Unit.TIMESPEC),  # epoll_pwait2
    449: _Call(3, _Unit.UNTIL),  # futex_waitv
}
_CALLS: Final = {
    "x86_64": _COMMON
    | {
        7: _Call(2, _Unit.MS),  # poll
        23: _Call(4, _Unit.TIMEVAL),  # select
        35: _Call(0, _Unit.TIMESPEC),  # nanosleep
        128: _Call(2, _Unit.TIMESPEC),  # rt_sigtimedwait
        202: _Call(3, _Unit.FUTEX),
        208: _Call(4, _Unit.TIMESPEC),  # io_getevents
        219: _Call(0, _Unit.UNKNOWN),  # restart_syscall
        220: _Call(3, _Unit.TIMESPEC),  # semtimedop
        230: _Call(2, _Unit.SLEEP),  # clock_nanosleep
        232: _Call(3, _Unit.MS),  # epoll_wait
        270: _Call(4, _Unit.TIMESPEC),  # pselect6
        271: _Call(2, _Unit.TIMESPEC),  # ppoll
        281: _Call(3, _Unit.MS),  # epoll_pwait
        299: _Call(4, _Unit.TIMESPEC),  # recvmmsg
    },
    "aarch64": _COMMON
    | {
        4: _Call(4, _Unit.TIMESPEC),  # io_getevents
        22: _Call(3, _Unit.MS),  # epoll_pwait
        72: _Call(4, _Unit.TIMESPEC),  # pselect6
        73: _Call(2, _Unit.TIMESPEC),  # ppoll
        98: _Call(3, _Unit.FUTEX),
        101: _Call(0, _Unit.TIMESPEC),  # nanosleep
        115: _Call(2, _Unit.SLEEP),  # clock_nanosleep
        128: _Call(0, _Unit.UNKNOWN),  # restart_syscall
        137: _Call(2, _Unit.TIMESPEC),  # rt_sigtimedwait
        192: _Call(3, _Unit.TIMESPEC),  # semtimedop
        243: _Call(4, _Unit.TIMESPEC),  # recvmmsg
    },
}
_HERE: Final = _CALLS.get(platform.machine())
_S: Final = 1_000_000_000
_ABSOLUTE: Final = 1  # TIMER_ABSTIME
_FUTEX_COMMAND: Final = 0x7F
_FUTEX_WAIT: Final = 0
_FUTEX_REALTIME: Final = 256
_REALTIME: Final = 0  # CLOCK_REALTIME
_VALUE: Final = re.compile(r"^it_value: \((\d+), (\d+)\)", re.MULTILINE)
_TIMERS: Final = re.compile(r"^ID: ", re.MULTILINE)


def waits(root: Path, tasks: Iterable[str]) -> tuple[Wait, ...] | None:
    """What the threads of a process sleep on that runs out by itself.

    Args:
        root: the process's folder in /proc.
        tasks: its threads' ids.

    Returns:
        ``None`` if that cannot be seen here.
    """
    if _HERE is None:
        return None
    try:
        calls = [root.joinpath("task", task, "syscall").read_text(encoding="ascii") for task in tasks]
        pending = [_pending(root, call) for call in calls]
        return tuple(wait for wait in (*pending, *_timers(root)) if wait is not None)
    except OSError:
        return None


def _pending(root: Path, line: str) -> Wait | None:
    """The timeout of one thread's system call; ``None`` if it has none, or is in no call."""
    number, *words = line.split()
    call = _HERE.get(int(number)) if _HERE and number.lstrip("-").isdecimal() else None
    if call is None:
        return None
    arguments = [int(word, 16) for word in words]
    now_ns = time.monotonic_ns()
    value = arguments[call.argument]
    match call.unit:
        case _Unit.UNKNOWN:
            return Wait(length_ns=None, until_ns=None)
        case _Unit.MS:
            ms = struct.unpack("i", struct.pack("I", value & 0xFFFFFFFF))[0]
            return None if ms < 0 else _from_now(now_ns, ms * 1_000_000)
        case _ if value == 0:
            return None
        case _Unit.TIMEVAL:
            seconds, micro = _pair(root, value)
            return _from_now(now_ns, seconds * _S + micro * 1000)
    seconds, nano = _pair(root, value)
    until = _absolute(call, arguments)
    if until is None:
        return _from_now(now_ns, seconds * _S + nano)
    now = time.time_ns() if until == _REALTIME else now_ns
    return Wait(length_ns=None, until_ns=now_ns + seconds * _S + nano - now)


def _absolute(call: _Call, arguments: list[int]) -> int | None:
    """The clock by which a timeout names a moment; ``None`` if it is a length."""
    match call.unit:
        case _Unit.UNTIL:
            return arguments[4]
        case _Unit.SLEEP:
            return arguments[0] if arguments[1] & _ABSOLUTE else None
        case _Unit.FUTEX if arguments[1] & _FUTEX_COMMAND != _FUTEX_WAIT:
            return _REALTIME if arguments[1] & _FUTEX_REALTIME else 1
        case _:
            return None


def _from_now(now_ns: int, length_ns: int) -> Wait:
    """A timeout that began before now: it has run out by its length from now."""
    return Wait(length_ns=length_ns, until_ns=now_ns + length_ns)


def _pair(root: Path, address: int) -> tuple[int, int]:
    """Two longs in the process's memory; raises `OSError` if they cannot be read."""
    memory = os.open(root / "mem", os.O_RDONLY)
    try:
        first, second = struct.unpack("qq", os.pread(memory, struct.calcsize("qq"), address))
    except struct.error as error:
        raise OSError(f"the memory at {address:#x} cannot be read") from error
    finally:
        os.close(memory)
    return first, second


def _timers(root: Path) -> list[Wait]:
    """What runs out by a timer of the process's own, whatever its threads do."""
    now_ns = time.monotonic_ns()
    found = []
    for entry in root.joinpath("fd").iterdir():
        with suppress(FileNotFoundError):  # closed while we looked
            if entry.readlink().name == "anon_inode:[timerfd]":
                text = root.joinpath("fdinfo", entry.name).read_text(encoding="ascii")
                seconds, nano = map(int, match.groups()) if (match := _VALUE.search(text)) else (0, 0)
                if seconds or nano:
                    found.append(Wait(length_ns=None, until_ns=now_ns + seconds * _S + nano))
    with suppress(FileNotFoundError):  # a kernel without checkpoint/restore
        timers = root.joinpath("timers").read_text(encoding="ascii")
        found += [Wait(length_ns=None, until_ns=None)] * len(_TIMERS.findall(timers))
    return found
