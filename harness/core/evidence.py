"""What was seen of a run. Frozen, and nothing but data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.core.process import path
from harness.core.trace import Fate, Handled, Sent, TraceRecord, sends

if TYPE_CHECKING:
    from harness.core.process import Process, Tree
    from harness.core.signals import Signal


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """One line of the container's output and when it was read, in nanoseconds of the monotonic clock."""

    at_ns: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineEvent:
    """One engine event of the container: ``kill`` (with the signal), ``die`` (with the exit code) or ``oom``."""

    action: str
    time_ns: int
    exit_code: int | None = None
    signal: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """The app's own record of one signal it handled; ``at_ns`` is the app's monotonic clock where it logs one."""

    signal: str
    at_ns: int | None
    read_ns: int


class Ground(StrEnum):
    """What a verdict rests on."""

    MASKS = "masks"
    SETTLED = "settled"
    ENDED = "ended"


class Request(StrEnum):
    """What became of a request that was in flight when the container was told to stop."""

    ANSWERED = "answered"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What was seen of one run, whatever the probe: process trees before and after, output, events, the end."""

    app_pid: int | None
    before: Tree
    after: Tree
    running: bool
    exit_code: int | None
    logs: tuple[LogLine, ...]
    events: tuple[EngineEvent, ...]
    began_ns: int
    decided_ns: int
    trace: tuple[TraceRecord, ...] | None = None

    @property
    def pid1(self) -> Process | None:
        """PID 1 of the container before anything was done to it."""
        return self.before[0] if self.before else None

    @property
    def app(self) -> Process | None:
        """The app's process before anything was done to it."""
        return next((process for process in self.before if process.pid == self.app_pid), None)

    @property
    def app_ids(self) -> frozenset[int | None]:
        """The ids on the host by which the kernel's record names the app: its process and its threads."""
        return frozenset({self.app_pid}) | (self.app.threads if self.app else frozenset())

    @property
    def chain(self) -> tuple[str, ...]:
        """The commands from PID 1 down to the app, before anything was done to it; empty if the app is not seen."""
        return tuple(process.args for process in path(self.before, self.app_pid or 0))

    @property
    def app_after(self) -> Process | None:
        """The app's process at the end, if it still lives."""
        return next((process for process in self.after if process.pid == self.app_pid and process.alive), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalEvidence(Seen):
    """All that was seen of one run with a signal, sent by the engine or ``typed`` as a key on its terminal."""

    sent: Signal
    receipts: tuple[Receipt, ...]
    done: bool
    ground: Ground
    typed: bool = False

    @property
    def sent_to_app(self) -> tuple[Sent, ...]:
        """The kernel's record of the signal being sent to the app, where it was not dropped; empty without a record."""
        ids = self.app_ids
        return tuple(
            record
            for record in sends(self.trace or (), self.sent.number)
            if record.fate in (Fate.DELIVERED, Fate.MERGED) and record.target_pid in ids
        )

    @property
    def sends(self) -> int:
        """How often the app was sent the signal by the kernel's record; 0 where there is no record."""
        return len(self.sent_to_app)

    @property
    def handled(self) -> tuple[Handled, ...]:
        """The kernel's record of the app's handler being run for the signal; empty without a record.

        That is the handler of its C library or runtime: whether the app itself got to know, only its log tells.
        """
        ids = self.app_ids
        return tuple(
            record
            for record in self.trace or ()
            if isinstance(record, Handled)
            and record.pid in ids
            and record.number == self.sent.number
            and record.handler
        )

    @property
    def deliveries(self) -> int:
        """How often the app handled the signal that was sent."""
        return sum(receipt.signal == self.sent.name for receipt in self.receipts)


@dataclass(frozen=True, kw_only=True, slots=True)
class StopEvidence(SignalEvidence):
    """All that was seen of one ``docker stop``: ``took_s`` from the stop to the container's end, in seconds.

    ``forced`` says whether the engine had to send SIGKILL, ``request`` what became of the request in flight
    (``None`` if there was none).
    """

    grace_s: int
    took_s: float
    forced: bool
    request: Request | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExitEvidence(Seen):
    """Exit codes that the app ended with, and what ``docker wait`` said of each; ``None`` if the container ran on."""

    codes: tuple[tuple[int, int | None], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReapEvidence(Seen):
    """A process whose parent had gone before it ended: who adopted it, and whether it was still there as a zombie."""

    orphan: Process
    zombie: bool


Evidence = SignalEvidence | StopEvidence | ExitEvidence | ReapEvidence


@dataclass(frozen=True, kw_only=True, slots=True)
class Untested:
    """A run that says nothing about the cell, and why."""

    reason: str
    logs: tuple[LogLine, ...] = ()
