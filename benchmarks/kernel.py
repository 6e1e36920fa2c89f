"""The kernel's record of signals and exits, read and judged by rules that share nothing with the harness's.

What happened to a signal is told by the kernel alone: who was sent what and was there to take it, who left by its own
``exit_group`` with which code, and whom SIGKILL met before. A container's log says one thing only: whether the app said
that it is done, where its catalogue has a pattern for that.
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.core.verdict import Verdict
from harness.engine.owner import mark_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TRACING: Final = Path("/sys/kernel/tracing")
ENDING: Final = frozenset({1, 2, 3, 15})
"""Signals on which services shut down."""
_SIGKILL: Final = 9
_ARRIVES: Final = frozenset({0, 2})  # delivered, or merged with one that is pending
_BUFFER_KB: Final = 8192
_EVENTS: Final = {
    "signal/signal_generate": "sig!=17 && sig!=23",
    "syscalls/sys_enter_exit_group": "",
    "sched/sched_process_exit": "",
}
_LINE: Final = re.compile(r"\s*.{1,16}-(?P<pid>\d+)\s.*?\s(?P<time>\d+\.\d+): (?P<what>.*)")
_SENT: Final = re.compile(r"signal_generate: sig=(\d+) .* pid=(\d+) grp=\d res=(\d)")
_LEFT: Final = re.compile(r"sys_exit_group\(error_code: (?:0x)?([0-9a-f]+)\)")
_GONE: Final = re.compile(r"sched_process_exit: comm=.* pid=(\d+) prio=")


@dataclass(frozen=True, slots=True)
class Sent:
    """A signal that one process sent to another; ``fate`` is the kernel's ``res``."""

    at_s: float
    sender: int
    number: int
    target: int
    fate: int


@dataclass(frozen=True, slots=True)
class Left:
    """A process that left by itself."""

    at_s: float
    pid: int
    code: int


@dataclass(frozen=True, slots=True)
class Gone:
    """A process or thread that is no more."""

    at_s: float
    pid: int


Entry = Sent | Left | Gone


def read_line(line: str) -> Entry | None:
    """One line of ``trace_pipe``; ``None`` for what is none of these."""
    head = _LINE.match(line)
    if head is None:
        return None
    pid, at_s, what = int(head["pid"]), float(head["time"]), head["what"]
    if match := _SENT.match(what):
        return Sent(at_s, pid, int(match[1]), int(match[2]), int(match[3]))
    if match := _LEFT.match(what):
        return Left(at_s, pid, int(match[1], 16) & 0xFF)
    if match := _GONE.match(what):
        return Gone(at_s, int(match[1]))
    return None


class Record:
    """Follows the whole machine; a context manager. Times are those of the monotonic clock."""

    def __enter__(self) -> Record:
        # The name of the harness's own instances: whoever sweeps those that a killed run left sweeps this one, too.
        self._instance = TRACING / "instances" / f"signal-harness-{os.getpid()}-{mark_of(os.getpid())}-truth"
        self._instance.mkdir()
        self._write("trace_clock", "mono")
        self._write("buffer_size_kb", str(_BUFFER_KB))
        for event, only in _EVENTS.items():
            if only:
                self._write(f"events/{event}/filter", only)
            self._write(f"events/{event}/enable", "1")
        self._pipe = os.open(self._instance / "trace_pipe", os.O_RDONLY | os.O_NONBLOCK)
        self._reading, self._rest = threading.Lock(), b""
        self._entries: list[Entry] = []
        self.lost = 0
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._pipe)
        self._write("events/enable", "0")
        self._instance.rmdir()

    def between(self, began_s: float, ended_s: float) -> tuple[Entry, ...]:
        """All entries from one time to another, in order."""
        with self._reading:
            with suppress(BlockingIOError):
                while piece := os.read(self._pipe, 1 << 16):
                    *lines, self._rest = (self._rest + piece).split(b"\n")
                    for line in lines:
                        text = line.decode("utf-8", "replace")
                        self.lost += "LOST" in text and "EVENTS" in text
                        if (entry := read_line(text)) is not None:
                            self._entries.append(entry)
            found = [entry for entry in self._entries if began_s <= entry.at_s <= ended_s]
        return tuple(sorted(found, key=lambda entry: entry.at_s))

    def _write(self, name: str, text: str) -> None:
        (self._instance / name).write_text(text, encoding="ascii")


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A process before the signal, as /proc shows it.

    ``fetches`` says that it sleeps in sigtimedwait(2): the kernel takes the signals that it waits for out of those that
    it blocks then (kernel/signal.c, ``do_sigtimedwait``).
    """

    pid: int
    words: tuple[str, ...]
    children: tuple[int, ...]
    caught: int
    blocked: int
    fetches: bool
    threads: frozenset[int]

    def takes(self, number: int) -> bool:
        """Whether it has a handler for a signal, or fetches it."""
        return self.fetches or bool((self.caught | self.blocked) >> (number - 1) & 1)


def running(first: int) -> dict[int, Running]:
    """A process and all below it."""
    found: dict[int, Running] = {}
    waiting = [first]
    while waiting:
        with suppress(OSError):
            process = _running(waiting.pop())
            found[process.pid] = process
            waiting += process.children
    return found


def _running(pid: int) -> Running:
    folder = Path(f"/proc/{pid}")
    status = dict(
        line.split(":\t", 1) for line in (folder / "status").read_text(errors="replace").splitlines() if ":\t" in line
    )
    threads = list((folder / "task").iterdir())
    children = [int(pid) for task in threads for pid in (task / "children").read_text().split()]
    return Running(
        pid=pid,
        words=tuple((folder / "cmdline").read_bytes().decode("utf-8", "replace").rstrip("\0").split("\0")),
        children=tuple(children),
        caught=int(status["SigCgt"], 16),
        blocked=int(status["SigBlk"], 16),
        fetches=any("sigtimedwait" in (task / "wchan").read_text() for task in threads),
        threads=frozenset(int(task.name) for task in threads),
    )


def apps_among(processes: dict[int, Running], file: str) -> list[Running]:
    """The processes with a file's name as a word, that have none such below them: what is above only starts them."""

    def named(process: Running) -> bool:
        return any(Path(word).name == file for word in process.words)

    def below(process: Running) -> Iterable[Running]:
        for pid in process.children:
            if pid in processes:
                yield processes[pid]
                yield from below(processes[pid])

    return [process for process in processes.values() if named(process) and not any(map(named, below(process)))]


def judge(app: Running, number: int, entries: Sequence[Entry], *, done: bool | None) -> Verdict:
    """What the record says became of a signal for one app.

    Args:
        app: the app before the signal.
        number: the signal's.
        entries: the record since it was sent.
        done: whether the app said that it is done; ``None`` if it has no words for that.
    """
    ids = app.threads | {app.pid}
    sent = [e for e in entries if isinstance(e, Sent) and e.target in ids and e.fate in _ARRIVES]
    own = [e for e in sent if e.sender in ids]
    left = next((e for e in entries if isinstance(e, Left) and e.pid in ids), None)
    kill = next((e for e in sent if e.number == _SIGKILL and e.sender not in ids), None)
    gone = any(isinstance(e, Gone) and e.pid == app.pid for e in entries)
    by_itself = left is not None and (kill is None or left.at_s < kill.at_s)
    arrived = [e.number for e in sent if e.sender not in ids and e.number in ENDING]
    # A runtime's own handler clears up and sends its process the same signal again, without a handler this time.
    taken = app.takes(number) and not any(e.number == number for e in own)
    if not taken or number not in arrived:
        if any(other != number and app.takes(other) for other in arrived):
            return Verdict.TRANSLATED
        return Verdict.KILLED if gone else Verdict.SWALLOWED
    if gone and not (by_itself and left and (left.code == 0 or done is not False)):
        return Verdict.CUT_SHORT
    return Verdict.DUPLICATED if len(arrived) > 1 else Verdict.FORWARDED


def judge_stop(
    processes: Mapping[int, Running], app: Running, entries: Sequence[Entry], *, done: bool | None
) -> Verdict:
    """What the record says became of one app as its container was stopped.

    Args:
        processes: all of the container before the stop, its first one first.
        app: one of its apps.
        entries: the record since the stop.
        done: whether the app said that it is done; ``None`` if it has no words for that.
    """
    ids, main = app.threads | {app.pid}, next(iter(processes))
    killed = [e for e in entries if isinstance(e, Sent) and e.number == _SIGKILL and e.sender not in processes]
    if any(e.target == main for e in killed):
        return Verdict.FORCED
    left = next((e for e in entries if isinstance(e, Left) and e.pid in ids), None)
    kill = next((e for e in entries if isinstance(e, Sent) and e.number == _SIGKILL and e.target in ids), None)
    if left is None or (kill is not None and kill.at_s < left.at_s):
        return Verdict.ABRUPT
    return Verdict.GRACEFUL if left.code == 0 or done is not False else Verdict.ABRUPT


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """That of several apps which leaves least control."""
    return max(verdicts, key=lambda verdict: verdict.rank or 0)
