"""The records everything speaks in: what is tested, what was seen, what it means. Frozen, and nothing but data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from harness.core.trace import Fate, TraceRecord, sends

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.core.catalogue import Variant
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


class Verdict(StrEnum):
    """What the signal did, for one cell; DESIGN's table."""

    FORWARDED = "forwarded"
    DUPLICATED = "duplicated"
    CUT_SHORT = "cut-short"
    TRANSLATED = "translated"
    SWALLOWED = "swallowed"
    KILLED = "killed"
    UNSTABLE = "unstable"
    UNTESTED = "untested"


class Forwards(StrEnum):
    """An expectation: the verdict is ``forwarded`` on every base, on none, or that depends on the base."""

    ALWAYS = "always"
    NEVER = "never"
    DEPENDS = "depends"


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """One process of a container at one moment, as proc_pid_status(5) and ps(1) show it.

    ``pid`` counts on the engine's host, ``inner_pid`` in the container where that can be seen. ``activity`` is a
    fingerprint of how often its threads ran so far (their context switches); equal values mean that none ran between.
    ``wchan`` names the kernel functions that its threads sleep in.
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

    @property
    def fetches_signals(self) -> bool | None:
        """Whether it sleeps in sigtimedwait(2); ``None`` if that cannot be seen.

        For as long as it does, the kernel takes the signals it waits for out of its ``blocked`` mask, though they are
        not dropped (kernel/signal.c, ``do_sigtimedwait``): tini looks as if it let SIGTERM through.
        """
        return None if self.wchan is None else "sigtimedwait" in self.wchan

    @property
    def asleep(self) -> bool:
        """Whether it waits for something, is stopped or dead, and no signal is on its way to it."""
        return self.state[:1] in "SITtZX" and self.deliverable == 0

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
    """One engine event of the container: ``kill``, ``die`` or ``oom``."""

    action: str
    time_ns: int
    exit_code: int | None = None


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
class Evidence:
    """All that was seen of one run. The verdict is a function of this alone."""

    sent: Signal
    sent_ns: int
    app_pid: int | None
    before: Tree
    after: Tree
    receipts: tuple[Receipt, ...]
    done: bool
    running: bool
    exit_code: int | None
    ground: Ground
    logs: tuple[LogLine, ...]
    events: tuple[EngineEvent, ...]
    decided_ns: int
    trace: tuple[TraceRecord, ...] | None = None

    @property
    def sends(self) -> int:
        """How often the app was sent the signal by the kernel's record; 0 where there is no record."""
        return sum(
            record.target_pid == self.app_pid and record.fate in (Fate.DELIVERED, Fate.MERGED)
            for record in sends(self.trace or (), self.sent.number)
        )

    @property
    def pid1(self) -> Process | None:
        """PID 1 of the container before the signal."""
        return self.before[0] if self.before else None

    @property
    def app(self) -> Process | None:
        """The app's process before the signal."""
        return next((process for process in self.before if process.pid == self.app_pid), None)

    @property
    def deliveries(self) -> int:
        """How often the app handled the signal that was sent."""
        return sum(receipt.signal == self.sent.name for receipt in self.receipts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Untested:
    """A run that says nothing about the cell, and why."""

    reason: str
    logs: tuple[LogLine, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What one run's evidence means."""

    verdict: Verdict
    delivery: Delivery
    outcome: Outcome | None
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseFacts:
    """What matters about a base image; ``None`` where it has no such thing."""

    reference: str
    id: str
    digest: str | None = None
    os: str | None = None
    libc: str | None = None
    shell: str | None = None
    node: str | None = None
    npm: str | None = None
    stop_signal: str | None = None
    entrypoint: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineFacts:
    """The engine and kernel a result belongs to."""

    name: str
    version: str
    api: str
    runtime: str
    init: str
    kernel: str
    builder: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """base × variant × signal."""

    base: str
    variant: Variant
    signal: Signal

    @property
    def id(self) -> str:
        """A readable name, ``alpine-node24/npm-start/SIGTERM``."""
        return f"{base_label(self.base)}/{self.variant.name}/{self.signal.name}"


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
    expected: Forwards
    reproduce: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The verdict over all runs."""
        return self.judgement.verdict

    @property
    def evidence(self) -> Evidence | None:
        """The evidence of the run that speaks for the cell."""
        return self.shown.evidence if isinstance(self.shown.evidence, Evidence) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One whole run of the harness."""

    started: str
    duration_s: float
    engine: EngineFacts
    bases: Mapping[str, BaseFacts] = field(default_factory=dict)
    results: tuple[Result, ...] = ()
