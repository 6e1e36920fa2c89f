"""The records everything speaks in: what is tested, what was seen, what it means. Frozen, and nothing but data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from harness.core.settle import path
from harness.core.trace import Fate, Handled, Sent, TraceRecord, sends

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.core.catalogue import Variant
    from harness.core.dockerfile import Source
    from harness.core.signals import Signal


class Delivery(StrEnum):
    """How often the app's handler ran for one ``docker kill``."""

    NONE = "none"
    ONCE = "once"
    DUPLICATE = "duplicate"


class Outcome(StrEnum):
    """What became of the container."""

    RUNNING = "running"
    EXITED = "exited"
    ENDED = "ended"


class Probe(StrEnum):
    """What is asked of a container."""

    SIGNAL = "signal"
    STOP = "stop"
    EXIT_CODE = "exit-code"
    REAP = "reap"
    TTY = "tty"


class Verdict(StrEnum):
    """What was found, for one cell. The first six are about a signal (probes ``signal`` and ``tty``)."""

    FORWARDED = "forwarded"
    DUPLICATED = "duplicated"
    CUT_SHORT = "cut-short"
    TRANSLATED = "translated"
    SWALLOWED = "swallowed"
    KILLED = "killed"
    GRACEFUL = "graceful"
    ABRUPT = "abrupt"
    FORCED = "forced"
    KEPT = "kept"
    LOST = "lost"
    REAPED = "reaped"
    ZOMBIE = "zombie"
    UNSTABLE = "unstable"
    UNTESTED = "untested"

    @property
    def good(self) -> bool:
        """Whether it is what one wants of a container: each probe has one such verdict."""
        return self in (Verdict.FORWARDED, Verdict.GRACEFUL, Verdict.KEPT, Verdict.REAPED)


_OF_A_SIGNAL: Final = (
    Verdict.FORWARDED,
    Verdict.DUPLICATED,
    Verdict.CUT_SHORT,
    Verdict.TRANSLATED,
    Verdict.SWALLOWED,
    Verdict.KILLED,
)
VERDICTS: Final[Mapping[Probe, tuple[Verdict, ...]]] = {
    Probe.SIGNAL: _OF_A_SIGNAL,
    Probe.STOP: (Verdict.GRACEFUL, Verdict.ABRUPT, Verdict.FORCED),
    Probe.EXIT_CODE: (Verdict.KEPT, Verdict.LOST),
    Probe.REAP: (Verdict.REAPED, Verdict.ZOMBIE),
    Probe.TTY: _OF_A_SIGNAL,
}
"""What a single run of each probe can find, the good verdict first."""


class Expected(StrEnum):
    """An expectation: the probe's good verdict is found on every base, on none, or that depends on the base."""

    ALWAYS = "always"
    NEVER = "never"
    DEPENDS = "depends"


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """One process of a container at one moment, as proc_pid_status(5) and ps(1) show it.

    ``state`` is that of ps(1), with a ``+`` for the foreground of its terminal.
    ``pid`` counts on the engine's host, ``inner_pid`` in the container where that can be seen. ``activity`` is a
    fingerprint of how often its threads ran so far (their context switches); equal values mean that none ran between.
    ``wchan`` names the kernel functions that its threads sleep in, ``threads`` are their ids on the host.
    """

    pid: int
    ppid: int
    pgid: int
    state: str
    caught: int
    ignored: int
    blocked: int
    pending: int
    args: str
    inner_pid: int | None = None
    activity: int | None = None
    wchan: str | None = None
    threads: frozenset[int] = frozenset()

    @property
    def fetches_signals(self) -> bool | None:
        """Whether it sleeps in sigtimedwait(2); ``None`` if that cannot be seen.

        For as long as it does, the kernel takes the signals it waits for out of its ``blocked`` mask, though they are
        not dropped (kernel/signal.c, ``do_sigtimedwait``): tini looks as if it let SIGTERM through.
        """
        return None if self.wchan is None else "sigtimedwait" in self.wchan

    @property
    def in_foreground(self) -> bool:
        """Whether its terminal sends it the signals of keys such as Ctrl-C."""
        return "+" in self.state

    @property
    def asleep(self) -> bool:
        """Whether it is dead, or waits for something or is stopped with no signal on its way to it."""
        return not self.alive or (self.state[:1] in "SITt" and self.deliverable == 0)

    @property
    def deliverable(self) -> int:
        """The pending signals that are not blocked."""
        return self.pending & ~self.blocked

    @property
    def alive(self) -> bool:
        """Whether it is more than an entry in the process table."""
        return self.state[:1] not in "ZX"

    def catches(self, signal: Signal) -> bool:
        """Whether it has a handler for the signal."""
        return bool(self.caught >> (signal.number - 1) & 1)

    def ignores(self, signal: Signal) -> bool:
        """Whether it has set the signal to be ignored."""
        return bool(self.ignored >> (signal.number - 1) & 1)

    def blocks(self, signal: Signal) -> bool:
        """Whether it blocks the signal, as processes do that fetch signals with sigwait or a signalfd."""
        return bool(self.blocked >> (signal.number - 1) & 1)


Tree = tuple[Process, ...]


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What one run's evidence means; ``delivery`` is ``None`` where no signal is at stake."""

    verdict: Verdict
    delivery: Delivery | None
    outcome: Outcome | None
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseFacts:
    """What matters about a base image; ``None`` where it has no such thing.

    ``entrypoint_sha256`` is that of the file that the first word of ``entrypoint`` names: a script may change while its
    name stays.
    """

    reference: str
    id: str
    digest: str | None = None
    os: str | None = None
    libc: str | None = None
    shell: str | None = None
    node: str | None = None
    npm: str | None = None
    tini: str | None = None
    dumb_init: str | None = None
    stop_signal: str | None = None
    entrypoint: tuple[str, ...] = ()
    entrypoint_sha256: str | None = None

    def has_shell(self, name: str) -> bool:
        """Whether its ``/bin/sh`` goes by a name, such as ``dash`` or ``busybox``."""
        return name.casefold() in (self.shell or "").casefold()


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineFacts:
    """The engine and kernel a result belongs to; ``trace`` says whether the kernel's record of signals was used."""

    name: str
    version: str
    api: str
    runtime: str
    init: str
    kernel: str
    builder: str
    trace: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class StartCommand:
    """What an image (with a variant's own options) starts: the engine's view of ENTRYPOINT and CMD, and STOPSIGNAL."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    stop_signal: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """base × variant × what is asked: a signal, or another probe. Only the probe ``signal`` names its signal."""

    base: str
    variant: Variant
    signal: Signal | None = None
    probe: Probe = Probe.SIGNAL

    @property
    def question(self) -> str:
        """What is asked, in one word: the signal's name, or the probe's."""
        return self.signal.name if self.signal else self.probe.value

    @property
    def id(self) -> str:
        """A readable name, ``alpine-node24/npm-start/SIGTERM``."""
        return f"{base_label(self.base)}/{self.variant.name}/{self.question}"


def base_label(reference: str) -> str:
    """A base as it appears in ids and headings: short, without slashes."""
    return reference.removeprefix("local:").replace("/", "_")


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One execution of a cell: its evidence (or why there is none) and what it means."""

    evidence: Evidence | Untested
    judgement: Judgement


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """All runs of a cell and the verdict over them; ``shown`` is the run that speaks for it."""

    cell: Cell
    runs: tuple[Run, ...]
    judgement: Judgement
    shown: Run
    expected: Expected
    start: StartCommand | None = None
    reproduce: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The verdict over all runs."""
        return self.judgement.verdict

    @property
    def evidence(self) -> Evidence | None:
        """The evidence of the run that speaks for the cell."""
        return None if isinstance(self.shown.evidence, Untested) else self.shown.evidence


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One whole run of the harness; ``bases`` by reference, ``sources`` by the variants' names."""

    started: str
    duration_s: float
    engine: EngineFacts
    bases: Mapping[str, BaseFacts] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    results: tuple[Result, ...] = ()
