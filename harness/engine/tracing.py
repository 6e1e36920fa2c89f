"""The kernel's record of signals, and of processes that come and go: kept, and told for one container at a time.

What is recorded comes from a machine (`harness.engine.machine`): from tracefs, here or by a helper.
"""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from harness.core.trace import SIGCHLD, Forked, Gone, Handled, Life, Lost, Parted, Renamed, Sent, earlier, parse_line
from harness.engine.machine import THIS_MACHINE
from harness.engine.records import Descent, Records
from harness.engine.tracefs import unusable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from concurrent.futures import Future

    from harness.core.signals import Signal
    from harness.core.trace import TraceRecord
    from harness.engine.machine import Machine, Recording

_MOST_RECORDS: Final = 100_000
_SLACK_S: Final = 1.0
_SIGURG: Final = 23
# SIGCHLD goes with every process that ends, SIGURG with every busy Go program: noise, unless one of them is sent.
_CHATTER: Final = frozenset({SIGCHLD, _SIGURG})
_ENGINES: Final = (
    "exe",
    "dockerd",
    "containerd",
    "containerd-shim",
    "podman",
    "runc",
    "runc:[1:CHILD]",
    "runc:[2:INIT]",
)
"""What the threads of engines are called, which are Go programs, and start themselves again by /proc/self/exe."""
_ENDS: Final = f"(sig=={SIGCHLD} && code>0 && code<4)"
"""The SIGCHLD that tells how a process ended: CLD_EXITED, CLD_KILLED and CLD_DUMPED (sigaction(2))."""


class Tracer:
    """Follows signals machine-wide (SIGCHLD and SIGURG only if given), who started whom, and how each ended.

    A context manager for what records them on a machine.

    Args:
        signals: those that are asked for.
        machine: where they are recorded.
        again: gives another way to the machine once that one has ended, or says by an `EngineFault` or an
            `EngineUnavailable` why there is none.

    Raises:
        EngineUnavailable: on entering, if the tracepoints are not available there; the message says why.
    """

    def __init__(
        self, signals: Iterable[Signal], machine: Machine = THIS_MACHINE, *, again: Callable[[], Machine] | None = None
    ) -> None:
        self.machine = machine
        self._again = again
        self._renewing = threading.Lock()
        wanted = frozenset(signal.number for signal in signals)
        self._children = SIGCHLD in wanted
        self._generate, self._deliver = (_filter(_CHATTER - wanted, task=task) for task in ("comm", "COMM"))
        self._reading = threading.Lock()
        self._records = Records()
        self._descent = Descent()
        self._leaders: dict[int, int] = {}
        self._lives: dict[int, Life] = {}
        self._followed: dict[object, float] = {}
        self._rest = b""
        self._gap_s = 0.0
        self._drained_s = -math.inf
        # Setting the clock takes the kernel 20 ms, removing the instance 30 ms; others need not wait as long.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tracefs")
        self._ended: Future[None] | None = None

    def __enter__(self) -> Tracer:
        """Make ready to record, and start; `wait` tells when it does."""
        self._recording = self._recorded_on(self.machine)
        self._begun = self._worker.submit(self._recording.begin)
        return self

    def _recorded_on(self, machine: Machine) -> Recording:
        generate = self._generate if self._children else f"({self._generate}) || {_ENDS}"
        return machine.record(generate=generate, deliver=self._deliver)

    def __exit__(self, *_: object) -> None:
        """Stop recording, and leave nothing of it."""
        self.stop().result()
        self._worker.shutdown()

    def wait(self) -> None:
        """Wait until signals are recorded; from now on, if what did so has ended.

        Raises:
            EngineUnavailable: they cannot be; the message says why.
            EngineFault: they cannot be any more.
        """
        try:
            self._begun.result()
            with self._renewing:
                if self._again is not None and self.machine.ended and self._ended is None:
                    self._renew(self._again())
        except OSError as error:
            raise unusable(error) from error

    def _renew(self, machine: Machine) -> None:
        """Record on another way to the machine; of what was recorded until now, nothing is concluded any more."""
        recording = self._recorded_on(machine)
        recording.begin()
        with self._reading:
            self._records, self._descent = Records(), Descent()
            self._leaders.clear()
            self._lives.clear()
            self._rest, self._drained_s, self._gap_s = b"", -math.inf, time.monotonic()
            self.machine, self._recording = machine, recording

    def stop(self) -> Future[None]:
        """Record no more; nothing is left of it by the time that its context is left, or the future says why not."""
        if self._ended is None:
            self._ended = self._worker.submit(self._recording.close)
        return self._ended

    def records(
        self, ids: Collection[int], *, since_s: float, as_of_s: float = math.inf
    ) -> tuple[TraceRecord, ...] | None:
        """All records so far of signals that these processes sent, were sent, or took.

        The kernel writes a record as it happens: one that is not here now was not made before the call, or before
        ``as_of_s``, a monotonic time. ``ids`` are those of processes and threads on the host; before ``since_s``,
        likewise, others may have had them. ``None`` means that records since then were lost, so that nothing can be
        concluded.
        """
        with self._reading:
            self._drain(as_of_s)
            if self._gap_s >= since_s:
                return None
            family = self._descent.family(ids)
            return tuple(_placed(self._named(record, ids), family) for record in self._records.of(family, since_s))

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
        self._records.let_go_before(before_s)
        gone = {pid for pid, life in self._lives.items() if life.ended_s is not None and life.ended_s < before_s}
        threads = [thread for thread, leader in self._leaders.items() if leader in gone]
        for number in (*gone, *threads):
            self._descent.forget(number)
            self._leaders.pop(number, None)
            self._lives.pop(number, None)

    def _named(self, record: TraceRecord, ids: Collection[int]) -> TraceRecord:
        """A record by the process, for a thread of one that no sample has shown."""

        def leader(number: int) -> int:
            return number if number in ids else self._leaders.get(number, number)

        if isinstance(record, Sent):
            return replace(record, sender_pid=leader(record.sender_pid), target_pid=leader(record.target_pid))
        return replace(record, pid=leader(record.pid))

    def lives(self, ids: Collection[int], *, since_s: float, as_of_s: float = math.inf) -> tuple[Life, ...]:
        """The processes so far that these started, or that are among them, by when they began; times as in `records`.

        What was lost is not in it, nor what began before the tracer did.
        """
        with self._reading:
            self._drain(as_of_s)
            family = self._descent.family(ids)
            recent = takewhile(lambda life: life.began_s >= since_s - _SLACK_S, reversed(self._lives.values()))
            lives = [life for life in recent if life.began_s >= since_s and life.pid in family]
        return tuple(reversed(lives))

    def _drain(self, as_of_s: float) -> None:
        """Read what there is, unless all as of a moment has been read; how new it then is counts from before that."""
        if as_of_s <= self._drained_s:
            return
        began_s = time.monotonic() if math.isfinite(as_of_s) else self._drained_s
        for piece in self._recording.pieces():
            *lines, self._rest = (self._rest + piece).split(b"\n")
            self.take((line.decode("utf-8", "replace") for line in lines), ahead_s=self._recording.ahead_s)
        self._drained_s = began_s

    def take(self, lines: Iterable[str], *, ahead_s: float = 0.0) -> None:
        """Take in lines of a kernel's record, whose clock is so far ahead of ours."""
        for line in lines:
            self._take(earlier(parse_line(line), ahead_s))
        while len(self._records) > _MOST_RECORDS:
            self._gap_s = max(self._gap_s, self._records.let_go())
        while len(self._descent) > _MOST_RECORDS:
            self._descent.forget_oldest()
        for kept in (self._leaders, self._lives):
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
        for kept in (self._leaders, self._lives):
            kept.pop(child, None)
        self._descent.begin(child, record.parent)
        if record.thread:
            self._leaders[child] = leader
        else:
            self._lives[child] = Life(pid=child, parent=leader, name=record.name, began_s=record.time_s)

    def _change(self, pid: int, **values: Any) -> None:
        """Something gets known of a process; of a thread, and of what began before the tracer did, nothing is kept."""
        life = self._lives.get(pid)
        if life is not None:
            self._lives[pid] = replace(life, **values)


def _filter(left_out: frozenset[int], *, task: str) -> str:
    """The filter of the kernel's for all signals but some; ``task`` is the field with the name of who takes one.

    An engine's threads interrupt each other with SIGURG all the time, by tgkill(2), whose ``si_code`` is -6
    (sigaction(2)).
    """
    others = [f"sig!={number}" for number in sorted(left_out)]
    if _SIGURG not in left_out:
        theirs = " && ".join(f'{task}!="{name}"' for name in _ENGINES)
        others.append(f"(sig!={_SIGURG} || code!=-6 || ({theirs}))")
    return " && ".join(others)


def _placed(record: TraceRecord, family: Collection[int]) -> TraceRecord:
    """A record that says whether a signal came from outside the container."""
    if isinstance(record, Sent) and not record.by_kernel and record.sender_pid not in family:
        return replace(record, from_outside=True)
    return record
