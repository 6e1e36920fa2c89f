"""Evidence: what was seen of a run. Frozen, and nothing but data; `harness.core.judge` says what it means.

Every probe's evidence holds a `Seen`. That of the probes that send a signal is here, as the signal's path and doubt are
about it; that of any other probe is in the probe's own module.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from harness.core.process import chain
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
    def main(self) -> Process | None:
        """The process that the runtime signals, before anything was done to it."""
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
    def chain(self) -> Tree:
        """The processes from the main one down to the app, before anything was done; empty if the app is not seen."""
        return chain(self.before, self.app_pid or 0)

    @property
    def app_after(self) -> Process | None:
        """The app's process at the end, if it still lives."""
        return next((process for process in self.after if process.pid == self.app_pid and process.alive), None)


class Evidence(Protocol):
    """The evidence of one run, of any probe."""

    @property
    def seen(self) -> Seen:
        """What was seen, whatever the probe."""
        ...

    @property
    def signalled(self) -> SignalEvidence | None:
        """What became of the signal; ``None`` where none is at stake."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalEvidence:
    """The evidence of one run with a signal, sent by the engine or ``typed`` as a key on its terminal.

    ``receipts`` are ``None`` where the app has no words for them, and ``done`` where it does not say so.
    """

    seen: Seen
    sent: Signal
    receipts: tuple[Receipt, ...] | None
    done: bool | None
    ground: Ground
    typed: bool = False

    @property
    def signalled(self) -> SignalEvidence:
        """Itself: it is all about the signal."""
        return self

    @property
    def sent_to_app(self) -> tuple[Sent, ...]:
        """The kernel's record of the signal being sent to the app, where it was not dropped; empty without a record."""
        ids = self.seen.app_ids
        return tuple(
            record
            for record in sends(self.seen.trace or (), self.sent.number)
            if record.fate in (Fate.DELIVERED, Fate.MERGED) and record.target_pid in ids
        )

    @property
    def sends(self) -> int:
        """How often the app was sent the signal by the kernel's record; 0 where there is no record."""
        return len(self.sent_to_app)

    @property
    def raised_again(self) -> bool:
        """Whether the app's handler was one that clears up and sends its process the same signal again.

        Runtimes do that to give the terminal back its settings first; `harness.core.program.ONE_CHILD` tells of one.
        """
        return any(record.sender_pid in self.seen.app_ids for record in self.sent_to_app)

    @property
    def handled(self) -> tuple[Handled, ...]:
        """The kernel's record of the app's handler being run for the signal; empty without a record.

        That is the handler of its C library or runtime: whether the app itself got to know, only its log tells.
        """
        ids = self.seen.app_ids
        return tuple(
            record
            for record in self.seen.trace or ()
            if isinstance(record, Handled)
            and record.pid in ids
            and record.number == self.sent.number
            and record.handler
        )

    @property
    def deliveries(self) -> int | None:
        """How often the app handled the signal that was sent; ``None`` if that is not known.

        By its own log where it has words for it, else by the handlers of the kernel's record. A runtime's handler that
        raises the signal again has not handed it to the app.
        """
        if self.receipts is not None:
            return sum(receipt.signal == self.sent.name for receipt in self.receipts)
        if self.seen.trace is None:
            return None
        return 0 if self.raised_again else len(self.handled)

    @property
    def finished(self) -> bool:
        """Whether the app was done: by its own word where it has one, else as the container ended by an exit."""
        if self.done is not None:
            return self.done
        code = self.seen.exit_code
        return not self.seen.running and code is not None and code < _BY_SIGNAL


_BY_SIGNAL = 128
"""Exit codes above it stand for the signal that ended the main process (docker-run(1), exit status)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Untested:
    """A run that says nothing about the cell, and why."""

    reason: str
    logs: tuple[LogLine, ...] = ()
