"""What real processes of this machine sleep on, as /proc shows it."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.process import Wait
from harness.engine.waits import waits

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux")
    or platform.machine() not in {"x86_64", "aarch64"}
    or os.geteuid() != 0
    or not Path("/proc/self/syscall").exists(),
    reason="needs root, and a kernel that shows system calls",
)
S = 1_000_000_000
SOON_NS = 250_000_000
"""How long after its start a process may be in its call, on a busy machine."""

CTYPES = "import ctypes, struct, signal; libc = ctypes.CDLL(None, use_errno=True)\n"
TIMERFD = (
    CTYPES + "fd = libc.timerfd_create(1, 0); libc.timerfd_settime(fd, 0, struct.pack('qqqq', 0, 0, 70, 0), None)\n"
)
POSIX = (
    CTYPES
    + "from time import monotonic\nsignal.signal(signal.SIGALRM, lambda *_: None)\n"
    + (
        "made = ctypes.c_void_p(); libc.timer_create(1, None, ctypes.byref(made))\n"
        "libc.timer_settime(made, 0, struct.pack('qqqq', 0, 0, 70, 0), None)\n"
    )
)
FUTEX = (
    CTYPES
    + """import platform, time
word = ctypes.c_uint32(0)
number = dict(x86_64=202, aarch64=98)[platform.machine()]
at = struct.pack("qq", int(START) + 70, 0)
said()
libc.syscall(number, ctypes.byref(word), OPERATION, 0, at, None, -1)
"""
)
UNMAPPED = (
    CTYPES
    + """import platform, threading
number = dict(x86_64=271, aarch64=73)[platform.machine()]  # ppoll
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
at = libc.mmap(None, 4096, 3, 0x22, -1, 0)
ctypes.memmove(at, struct.pack("qq", 70, 0), 16)
call = lambda: libc.syscall(number, None, 0, ctypes.c_void_p(at), None, 8)
thread = threading.Thread(target=call, daemon=True)
thread.start()
while open(f"/proc/self/task/{thread.native_id}/syscall").read().split()[0] != str(number): pass
libc.munmap(at, 4096)
signal.pause()"""
)


SAID = "import os\nsaid = lambda: os.write(1, b'.')\n"


@contextmanager
def running(*command: str) -> Iterator[Path]:
    """A process, by its folder in /proc, once it sleeps; Python says so with a dot just before."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        root = Path("/proc") / str(process.pid)
        try:
            if process.stdout is not None and command[0] == sys.executable:
                process.stdout.read(1)
            end = time.monotonic() + 20
            while not asleep(root) and time.monotonic() < end:
                os.sched_yield()
            yield root
        finally:
            process.kill()


def asleep(root: Path) -> bool:
    """Whether it runs what it is to run, and every thread of it sleeps."""
    if root.joinpath("cmdline").read_bytes() == Path("/proc/self/cmdline").read_bytes():
        return False  # a fork of this one, as yet
    states = [
        task.joinpath("stat").read_text().rpartition(")")[2].split()[0] for task in root.joinpath("task").iterdir()
    ]
    return set(states) == {"S"}


def python(code: str, *, says: bool = True) -> tuple[str, ...]:
    """Python code as a command, which says a dot before its last line."""
    *lines, last = code.rstrip("\n").split("\n")
    return sys.executable, "-c", SAID + "\n".join([*lines, *(["said()"] if says else []), last])


def futex(operation: int, start: str = "0") -> tuple[str, ...]:
    """Python that waits on a futex, for 70 s from a moment."""
    return python(FUTEX.replace("OPERATION", str(operation)).replace("START", start), says=False)


def seen(root: Path) -> tuple[Wait, ...]:
    found = waits(root, [task.name for task in root.joinpath("task").iterdir()])
    assert found is not None
    return found


LENGTHS = {
    "sleep": (("sleep", "70"), 70),
    "poll": (python("import select; poll = select.poll()\npoll.poll(70_000)"), 70),
    "poll of a part of a second": (python("import select; poll = select.poll()\npoll.poll(70_250)"), 70.25),
    "select": (python("import select\nselect.select([], [], [], 70.5)"), 70.5),
    "epoll_wait": (python("import select; poll = select.epoll()\npoll.poll(70)"), 70),
    "sigtimedwait": (python("import signal\nsignal.sigtimedwait([signal.SIGUSR1], 70)"), 70),
    "futex, by a length": (futex(128), 70),
}
"""Calls that are given a length, in seconds."""

MOMENTS = {
    "sleep until": python("import time\ntime.sleep(70)"),
    "a thread that waits for a lock": python("import threading; event = threading.Event()\nevent.wait(70)"),
    "futex, by the monotonic clock": futex(9 | 128, "time.monotonic()"),
    "futex, by the wall clock": futex(9 | 128 | 256, "time.time()"),
    "timerfd": python(TIMERFD + "signal.pause()"),
}
"""Calls and timers that run out 70 s later, at a moment."""

ENDLESS = {
    "pause": python("import signal\nsignal.pause()"),
    "poll": python("import select; poll = select.poll()\npoll.poll(-1)"),
    "select": python("import select\nselect.select([], [], [])"),
    "epoll_wait": python("import select; poll = select.epoll()\npoll.poll(-1)"),
    "sigwait": python("import signal\nsignal.sigwait([signal.SIGUSR1])"),
    "a lock": python("import threading; event = threading.Event()\nevent.wait()"),
    "read": python("import os; ends = os.pipe()\nos.read(ends[0], 1)"),
    "a child": python(
        "import os, subprocess; child = subprocess.Popen(['sh', '-c', 'read x'], stdin=subprocess.PIPE)\nchild.wait()"
    ),
    "a timerfd that is not set": python(CTYPES + "libc.timerfd_create(1, 0)\nsignal.pause()"),
}
"""Calls without a timeout."""


@pytest.mark.parametrize(("command", "length_s"), LENGTHS.values(), ids=LENGTHS)
def test_a_call_that_is_given_a_length(command: tuple[str, ...], length_s: float) -> None:
    with running(*command) as root:
        before_ns = time.monotonic_ns()
        (wait,) = seen(root)
        after_ns = time.monotonic_ns()
    if wait.length_ns is None:  # clock_nanosleep by a moment
        pytest.skip("this program waits until a moment")
    assert wait.length_ns == pytest.approx(length_s * S, abs=2_000_000)
    assert wait.until_ns is not None
    assert before_ns <= wait.until_ns - wait.length_ns <= after_ns


@pytest.mark.parametrize("command", MOMENTS.values(), ids=MOMENTS)
def test_a_call_or_timer_that_runs_out_at_a_moment(command: tuple[str, ...]) -> None:
    before_ns = time.monotonic_ns()
    with running(*command) as root:
        (wait,) = seen(root)
        after_ns = time.monotonic_ns()
    assert wait.length_ns is None
    assert wait.until_ns is not None
    assert before_ns - S <= wait.until_ns - 70 * S <= after_ns


@pytest.mark.parametrize("command", ENDLESS.values(), ids=ENDLESS)
def test_without_a_timeout_nothing_is_pending(command: tuple[str, ...]) -> None:
    with running(*command) as root:
        assert seen(root) == ()


def test_a_posix_timer_is_seen_but_not_when_it_runs_out() -> None:
    with running(*python(POSIX + "signal.pause()")) as root:
        assert seen(root) == (Wait(length_ns=None, until_ns=None),)


def test_of_several_threads_each_counts() -> None:
    code = (
        "import select, signal, threading, time\n"
        "for length in (70_000, 80_000):\n"
        "    threading.Thread(target=lambda length=length: select.poll().poll(length), daemon=True).start()\n"
        "signal.pause()"
    )
    with running(*python(code)) as root:
        end = time.monotonic() + 20
        while len(found := seen(root)) < 2 and time.monotonic() < end:
            os.sched_yield()
        assert sorted(wait.length_ns or 0 for wait in found) == [70 * S, 80 * S]


def test_a_process_that_one_may_not_look_at_gives_none(tmp_path: Path) -> None:
    assert waits(tmp_path / "gone", ["1"]) is None


def test_a_process_whose_thread_is_gone_gives_none() -> None:
    with running("sleep", "70") as root:
        assert waits(root, [root.name, "0"]) is None


def test_memory_that_cannot_be_read_gives_none() -> None:
    with running(*python(UNMAPPED)) as root:
        assert waits(root, [task.name for task in root.joinpath("task").iterdir()]) is None


def test_a_stopped_process_that_is_continued_does_not_say_how_long_it_waits_yet() -> None:
    with running("sleep", "70") as root:
        pid = int(root.name)
        os.kill(pid, signal.SIGSTOP)
        os.kill(pid, signal.SIGCONT)
        end = time.monotonic() + 20
        while not asleep(root) and time.monotonic() < end:
            os.sched_yield()
        (wait,) = seen(root)
    assert wait.until_ns is None or wait.until_ns > time.monotonic_ns() + 60 * S


@given(st.integers(min_value=20_000, max_value=2**31 - 1))
@settings(max_examples=8, deadline=None)
def test_a_timeout_of_any_length_is_read(ms: int) -> None:
    with running(*python(f"import select; poll = select.poll()\npoll.poll({ms})")) as root:
        before_ns = time.monotonic_ns()
        (wait,) = seen(root)
    assert wait.length_ns == ms * 1_000_000
    assert wait.until_ns is not None
    assert abs(wait.until_ns - before_ns - ms * 1_000_000) < SOON_NS
