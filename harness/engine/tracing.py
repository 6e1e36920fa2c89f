"""The kernel's tracepoints of signals, and of processes that come and go, through a tracefs instance of our own.

Needs Linux, root and a local engine. The files are described in the kernel's Documentation/trace/ftrace.rst.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import count, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.core.errors import EngineUnavailable
from harness.core.trace import SIGCHLD, Forked, Gone, Handled, Life, Lost, Parted, Renamed, Sent, parse_line
from harness.engine.owner import ended, mark_of
from harness.run.leaving import LEFT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from concurrent.futures import Future

    from harness.core.signals import Signal
    from harness.core.trace import TraceRecord

_MOUNTS: Final = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))
_PREFIX: Final = "signal-harness-"
_MOST_RECORDS: Final = 100_000
_PIECE: Final = 1 << 16
_SLACK_S: Final = 1.0
# SIGCHLD goes with every process that ends, SIGURG with every busy Go program: noise, unless one of them is sent.
_CHATTER: Final = frozenset({SIGCHLD, 23})
_ENDS: Final = f"(sig=={SIGCHLD} && code>0 && code<4)"
"""The SIGCHLD that tells how a process ended: CLD_EXITED, CLD_KILLED and CLD_DUMPED (sigaction(2))."""
_numbers = count()


class Tracer:
    """Follows signals machine-wide (SIGCHLD and SIGURG only if given), who started whom, and how each ended.

    A context manager for its tracefs instance.

    Raises:
        EngineUnavailable: on entering, if the tracepoints are not available here; the message says why.
    """

    def __init__(self, signals: Iterable[Signal]) -> None:
        left_out = sorted(_CHATTER - {signal.number for signal in signals})
        self._children = SIGCHLD not in left_out
        self._filter = " && ".join(f"sig!={number}" for number in left_out) or "sig>0"
        self._reading = threading.Lock()
        self._records: deque[TraceRecord] = deque()
        self._parents: dict[int, int] = {}
        self._leaders: dict[int, int] = {}
        self._lives: dict[int, Life] = {}
        self._followed: dict[object, float] = {}
        self._rest = b""
        self._gap_s = 0.0
        # Setting the clock takes the kernel 20 ms, removing the instance 30 ms; others need not wait as long.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tracefs")
        self._ended: Future[None] | None = None

    def __enter__(self) -> Tracer:
        """Make the instance, and start recording; `wait` tells when it does."""
        root = _tracefs()
        sweep(root)
        name = f"{_PREFIX}{os.getpid()}-{mark_of(os.getpid())}-{next(_numbers)}"
        self._instance = root / "instances" / name
        LEFT.add(name, "record of signals", partial(_remove, self._instance))
        try:
            self._instance.mkdir()
            events = self._instance / "events"
            wanted = dict(self._events(events))
            for event, condition in wanted.items():
                if condition:
                    events.joinpath(event, "filter").write_text(condition, encoding="ascii")
        except OSError as error:
            self._remove()
            raise _unusable(error) from error
        self._begun = self._worker.submit(self._begin_recording, tuple(wanted))
        return self

    def __exit__(self, *_: object) -> None:
        """Stop recording, and remove the instance."""
        self.stop().result()
        self._worker.shutdown()

    def wait(self) -> None:
        """Wait until signals are recorded.

        Raises:
            EngineUnavailable: they cannot be; the message says why.
        """
        try:
            self._begun.result()
        except OSError as error:
            raise _unusable(error) from error

    def stop(self) -> Future[None]:
        """Record no more; the instance is removed by the time that its context is left, or the future says why not."""
        if self._ended is None:
            self._ended = self._worker.submit(self._end_recording)
        return self._ended

    def _begin_recording(self, events: Iterable[str]) -> None:
        # The monotonic clock is the one that the app and the harness use.
        self._instance.joinpath("trace_clock").write_text("mono", encoding="ascii")
        for event in events:
            self._instance.joinpath("events", event, "enable").write_text("1", encoding="ascii")
        self._pipe = os.open(self._instance / "trace_pipe", os.O_RDONLY | os.O_NONBLOCK)

    def _end_recording(self) -> None:
        if self._begun.exception() is None:
            os.close(self._pipe)
        self._remove()

    def _remove(self) -> None:
        _remove(self._instance)
        LEFT.discard(self._instance.name)

    def _events(self, events: Path) -> Iterator[tuple[str, str]]:
        """The events to record, each with its filter: what the kernel leaves out costs nothing here."""
        yield "signal/signal_generate", self._filter if self._children else f"({self._filter}) || {_ENDS}"
        yield "signal/signal_deliver", self._filter
        yield "task/task_newtask", ""
        yield "task/task_rename", ""
        fields = events.joinpath("sched/sched_process_exit/format").read_text(encoding="ascii")
        yield "sched/sched_process_exit", "group_dead==1" if "group_dead" in fields else ""

    def records(self, ids: Collection[int], *, since_s: float) -> tuple[TraceRecord, ...] | None:
        """All records so far of signals that these processes sent, were sent, or took.

        The kernel writes a record as it happens: one that is not here now was not made before the call. ``ids`` are
        those of processes and threads on the host; before ``since_s``, a monotonic time, others may have had them.
        ``None`` means that records since then were lost, so that nothing can be concluded.
        """
        with self._reading:
            self._drain()
            if self._gap_s >= since_s:
                return None
            # They are almost in the order of time: what is older by more than the slack has nothing behind it.
            recent = takewhile(lambda record: record.time_s >= since_s - _SLACK_S, reversed(self._records))
            family = _Family(ids, self._parents)
            records = [r for r in recent if r.time_s >= since_s and any(i in family for i in _ids(r))]
            return tuple(_placed(self._named(record, ids), family) for record in reversed(records))

    @contextmanager
    def following(self) -> Iterator[None]:
        """Have a container followed from now on; what is older than any that is followed is let go in the end."""
        one = object()
        with self._reading:
            self._followed[one] = time.monotonic()
        try:
            yield
        finally:
            with self._reading:
                del self._followed[one]
                self._let_go(min(self._followed.values(), default=time.monotonic()) - _SLACK_S)

    def _let_go(self, before_s: float) -> None:
        """Forget records from before a time, and the processes that had ended by then."""
        while self._records and self._records[0].time_s < before_s:
            self._records.popleft()
        gone = {pid for pid, life in self._lives.items() if life.ended_s is not None and life.ended_s < before_s}
        threads = [thread for thread, leader in self._leaders.items() if leader in gone]
        for kept in (self._parents, self._leaders, self._lives):
            for number in (*gone, *threads):
                kept.pop(number, None)

    def _named(self, record: TraceRecord, ids: Collection[int]) -> TraceRecord:
        """A record by the process, for a thread of one that no sample has shown."""

        def leader(number: int) -> int:
            return number if number in ids else self._leaders.get(number, number)

        if isinstance(record, Sent):
            return replace(record, sender_pid=leader(record.sender_pid), target_pid=leader(record.target_pid))
        return replace(record, pid=leader(record.pid))

    def lives(self, ids: Collection[int], *, since_s: float) -> tuple[Life, ...]:
        """The processes so far that these started, or that are among them, by when they began; times as in `records`.

        What was lost is not in it, nor what began before the tracer did.
        """
        with self._reading:
            self._drain()
            family = _Family(ids, self._parents)
            recent = takewhile(lambda life: life.began_s >= since_s - _SLACK_S, reversed(self._lives.values()))
            lives = [life for life in recent if life.began_s >= since_s and life.pid in family]
        return tuple(reversed(lives))

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            while piece := os.read(self._pipe, _PIECE):
                *lines, self._rest = (self._rest + piece).split(b"\n")
                self.take(line.decode("utf-8", "replace") for line in lines)

    def take(self, lines: Iterable[str]) -> None:
        """Take in lines of the kernel's record."""
        for line in lines:
            self._take(parse_line(line))
        while len(self._records) > _MOST_RECORDS:
            self._gap_s = max(self._gap_s, self._records.popleft().time_s)
        for kept in (self._parents, self._leaders, self._lives):
            while len(kept) > _MOST_RECORDS:
                del kept[next(iter(kept))]

    def _take(self, record: TraceRecord | Forked | Renamed | Gone | Parted | Lost | None) -> None:
        match record:
            case Lost():
                self._gap_s = time.monotonic()  # the loss was before its record
            case Forked():
                self._begin(record)
            case Renamed(pid=pid, name=name):
                self._change(pid, name=name)
            case Gone(last=None, pid=pid) if pid in self._leaders:
                pass  # a thread; the kernel does not say whether it was the last
            case Gone(last=last, pid=pid, time_s=time_s) if last is not False:
                self._change(self._leaders.get(pid, pid), ended_s=time_s)
            case Parted(pid=pid, parting=parting, sent=sent):
                self._change(self._leaders.get(pid, pid), ended_s=sent.time_s, parting=parting)
                if self._children:
                    self._records.append(sent)
            case Sent() | Handled():
                self._records.append(record)

    def _begin(self, record: Forked) -> None:
        """A process or thread begins: the newest of a number counts, and the oldest are let go."""
        child, leader = record.child, self._leaders.get(record.parent, record.parent)
        for kept in (self._parents, self._leaders, self._lives):
            kept.pop(child, None)
        self._parents[child] = record.parent
        if record.thread:
            self._leaders[child] = leader
        else:
            self._lives[child] = Life(pid=child, parent=leader, name=record.name, began_s=record.time_s)

    def _change(self, pid: int, **values: Any) -> None:
        """Something gets known of a process; of a thread, and of what began before the tracer did, nothing is kept."""
        life = self._lives.get(pid)
        if life is not None:
            self._lives[pid] = replace(life, **values)


class _Family:
    """The processes and threads of a container: those that were seen, and what they started."""

    def __init__(self, ids: Collection[int], parents: Mapping[int, int]) -> None:
        self._known = dict.fromkeys(ids, True)
        self._parents = parents

    def __contains__(self, number: int) -> bool:
        line: list[int] = []
        current: int | None = number
        while current is not None and current not in self._known and current not in line:
            line.append(current)
            current = self._parents.get(current)
        inside = current is not None and self._known.get(current, False)
        self._known.update(dict.fromkeys(line, inside))
        return inside


def _unusable(error: OSError) -> EngineUnavailable:
    return EngineUnavailable(f"the kernel's signal tracepoints cannot be used: {error}")


def _placed(record: TraceRecord, family: _Family) -> TraceRecord:
    """A record that says whether a signal came from outside the container."""
    if isinstance(record, Sent) and not record.by_kernel and record.sender_pid not in family:
        return replace(record, from_outside=True)
    return record


def _ids(record: TraceRecord) -> tuple[int, ...]:
    return (record.sender_pid, record.target_pid) if isinstance(record, Sent) else (record.pid,)


def sweep(root: Path | None = None) -> int:
    """Remove instances whose harness is gone, and return their number."""
    root = root or _mounted()
    instances = root.joinpath("instances").glob(f"{_PREFIX}*") if root else ()
    removed = 0
    for path in [path for path in instances if not _in_use(path.name)]:
        # Another run may be sweeping it at this moment, and as long as it has a file of it open, it is busy.
        with suppress(OSError):
            _remove(path)
            removed += 1
    return removed


def _in_use(name: str) -> bool:
    """Whether the process that made an instance may live: its PID may have passed to another, or be of elsewhere."""
    pid, _, rest = name.removeprefix(_PREFIX).partition("-")
    mark, dash, _ = rest.rpartition("-")
    # Where /proc is that of another namespace there is no mark: nobody else can tell whether that process lives.
    return pid.isdecimal() and dash != "" and (mark == "" or ("-" in mark and not ended(int(pid), mark)))


def _remove(instance: Path) -> None:
    """Remove an instance; tracefs takes the directory with all that is in it."""
    with suppress(FileNotFoundError):  # another run swept it at the same time
        instance.joinpath("events/enable").write_text("0", encoding="ascii")
        instance.rmdir()


def _mounted() -> Path | None:
    return next((path for path in _MOUNTS if path.joinpath("instances").is_dir()), None)


def _tracefs() -> Path:
    if os.geteuid() != 0:
        raise EngineUnavailable("the kernel's signal tracepoints need root")
    if root := _mounted():
        return root
    command = ["mount", "-t", "tracefs", "nodev", str(_MOUNTS[0])]
    try:
        why = subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()
    except OSError as error:  # no mount(8) here, as in a small container
        why = str(error)
    if root := _mounted():
        return root
    raise EngineUnavailable(f"tracefs cannot be mounted: {why}")
