"""The results document, schema 2: the one record of a run that every output reads.

`harness.core.describe` makes it of what the runner gives; `harness.report.decoding` reads it from a file.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from harness.core.evidence import Ground
from harness.core.facts import BaseFacts, EngineFacts, StartCommand
from harness.core.process import shown
from harness.core.question import Probe, Question
from harness.core.rules import Rule
from harness.core.signals import parse_signal
from harness.core.subject import cell_id, in_column, place_label
from harness.core.trace import Fate
from harness.core.verdict import Delivery, Expected, Holds, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA: Final[Literal[2]] = 2


class _Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of a document have in common: unknown keys are errors, and all keys are there."""


class Tool(_Shape, frozen=True):
    """The program that wrote the document."""

    name: str
    version: str


class Line(_Shape, frozen=True):
    """One instruction of a Dockerfile, and its first line."""

    line: int
    text: str


class SubjectFacts(_Shape, frozen=True):
    """A subject, and the lines of its Dockerfile that decide what is started; a given image has none.

    ``exchanged`` are the FROMs whose image, the one named here, was exchanged for the base of each row.
    """

    title: str
    dockerfile: str | None
    target: str | None
    init: bool
    digest: str | None
    starting: tuple[Line, ...]
    exchanged: tuple[Line, ...]


class Run(_Shape, frozen=True):
    """One execution of a cell; ``earlier`` are the signals that its container had been sent before, to no effect."""

    verdict: Verdict
    reason: str
    deliveries: int | None
    exit_code: int | None
    decided_ms: float | None
    ground: Ground | None
    earlier: tuple[str, ...]


class Claim(_Shape, frozen=True):
    """What somebody says of the subject, and whether this cell bears it out."""

    text: str
    source: str
    held: Holds | None


class Process(_Shape, frozen=True):
    """A process at one moment, with its signals by name; ``fetches`` where it sleeps in sigtimedwait(2)."""

    pid: int
    inner_pid: int | None
    ppid: int
    pgid: int
    state: str
    caught: tuple[str, ...]
    ignored: tuple[str, ...]
    blocked: tuple[str, ...]
    fetches: bool | None
    argv: tuple[str, ...]

    @property
    def command(self) -> str:
        """The command line for people."""
        return shown(self.argv)

    @property
    def number(self) -> int:
        """The PID that people see: in the container where it is known."""
        return self.pid if self.inner_pid is None else self.inner_pid

    @property
    def alive(self) -> bool:
        """Whether it is more than an entry in the process table."""
        return self.state[:1] not in "ZX"


class Tree(_Shape, frozen=True):
    """The processes before and after."""

    before: tuple[Process, ...]
    after: tuple[Process, ...]


class Event(_Shape, frozen=True):
    """An engine event."""

    action: str
    time_ns: int
    exit_code: int | None
    signal: int | None


class Thread(_Shape, frozen=True):
    """Who is named in the kernel's record: an id on the host, and the kernel's name for it."""

    pid: int
    name: str


class SentRecord(_Shape, frozen=True, tag_field="event", tag="sent"):
    """The kernel's record of a signal being sent."""

    time_s: float
    signal: int
    sender: Thread = msgspec.field(name="from")
    to: Thread
    fate: Fate
    by_kernel: bool


class HandledRecord(_Shape, frozen=True, tag_field="event", tag="handled"):
    """The kernel's record of a signal being taken."""

    time_s: float
    signal: int
    by: Thread
    default_action: bool


class Role(StrEnum):
    """The kinds of participants, in the order in which they stand from left to right."""

    STARTER = "starter"
    PROCESS = "process"
    KERNEL = "kernel"
    UNKNOWN = "unknown"


class Participant(_Shape, frozen=True):
    """Who sends or takes a signal: a process by its PID in the container, or somebody outside it."""

    pid: int | None
    name: str
    role: Role
    app: bool


class Kind(StrEnum):
    """What happens in a step of a signal's path."""

    SEND = "send"
    HANDLER = "handler"
    DEFAULT = "default"
    END = "end"


class Step(_Shape, frozen=True):
    """One step of a signal's path, ``at_us`` microseconds after the first.

    ``who`` and (for a send) ``to`` are numbers of participants. ``label`` is what stands at the step, ``fate`` what
    became of a signal that did not simply arrive, ``words`` the whole step as a sentence, which ``who`` begins.
    """

    at_us: int
    kind: Kind
    who: int
    to: int | None
    signal: str | None
    outcome: Fate | None
    label: str
    fate: str
    words: str


class SignalPath(_Shape, frozen=True):
    """The path of a signal by the kernel's record: who takes part, from left to right, and what happens."""

    participants: tuple[Participant, ...]
    steps: tuple[Step, ...]


class Became(StrEnum):
    """What became of a signal that a process was sent, as far as that is known."""

    HANDLED = "its handler ran"
    RAISED = "its runtime raised it again"
    DIED = "died of it"
    DROPPED = "dropped by the kernel"
    IGNORED = "ignored"
    FETCHED = "fetched it"
    PENDING = "still pending"
    NOTHING = "nothing visible"


class Call(_Shape, frozen=True):
    """One process in the roll call of a container.

    ``pid`` counts in the container; ``None`` for one that came and went between two samples, and is known by the
    kernel's record alone, with its name there in place of a command line. ``parent`` is the number of the call above
    it. ``told`` is whether it was sent the signal, by whom, and after how many milliseconds; ``None`` where that is not
    known. ``signal`` is the one that it was sent in its place, as by a supervisor. ``end`` is how it ended, or that it
    did not. ``inferred`` tells what masks, samples, events and exit codes let expect from what the kernel has recorded.
    """

    pid: int | None
    command: str
    parent: int | None
    app: bool
    told: bool | None
    by: str | None
    after_ms: float | None
    became: Became | None
    end: str
    inferred: bool
    signal: str | None


class Finding(_Shape, frozen=True):
    """What a probe found beside the verdict.

    ``brief`` fits behind a verdict in a table, ``text`` says it in sentences, ``facts`` are for other programs.
    ``marked`` names processes that the probe is about, by their PIDs on the host.
    """

    brief: str
    text: str
    facts: dict[str, int | float | bool | str | None]
    marked: dict[int, str]


class Chosen(_Shape, frozen=True):
    """A process that is taken for the app: its PID as people see it, its command line, and why it is."""

    pid: int
    command: str
    why: str


class Evidence(_Shape, frozen=True):
    """What the run that speaks for a cell has shown.

    ``main`` is the command line of the process that the runtime signals, ``chain`` are those from it down to the app.
    ``apps`` are the processes that are taken for the app; none where it was gone before they were looked at.
    """

    main: tuple[str, ...] | None
    apps: tuple[Chosen, ...]
    chain: tuple[tuple[str, ...], ...]
    tree: Tree | None
    logs: tuple[str, ...]
    events: tuple[Event, ...]
    trace: tuple[SentRecord | HandledRecord, ...] | None
    path: SignalPath | None
    roll_call: tuple[Call, ...]
    reproduce: tuple[str, ...]


class Tried(_Shape, frozen=True):
    """A change that was tried for a bad cell, and what it brought; ``brief`` is what stands behind the verdict.

    ``patch`` is the change as a unified diff of what the image is built of, in the build folder; an image was built
    with it. ``None`` where the change needs no other image.
    """

    change: str
    verdict: Verdict
    brief: str
    reason: str
    patch: str | None


class Ignored(_Shape, frozen=True):
    """That a finding is left be: why, where that is said, and the last day on which it counts (``2026-12-31``)."""

    reason: str
    place: str
    until: str | None


class Row(_Shape, frozen=True):
    """One cell's result.

    ``column`` stands for the engine in the cell's id where the run had several; ``None`` where it had one. ``base`` is
    ``None`` for an image that was given, not built on one. ``shown`` is the number of the run that speaks for the cell,
    and whose evidence this is. ``tried`` are changes that were run to see whether they help. ``rule`` is the kind of
    finding that it is, by `harness.core.rules`; ``None`` where nothing is wrong, or it could not be tested.
    ``ignored`` says that it is left be, and why. ``required`` are verdicts one of which it has to be, whatever is
    ``expected``; none where nothing was required.
    """

    engine: str
    column: str | None
    base: str | None
    subject: str
    probe: Probe
    signal: str | None
    verdict: Verdict
    rule: Rule | None
    ignored: Ignored | None
    delivery: Delivery | None
    deliveries: int | None
    sent: int | None
    outcome: Outcome | None
    exit_code: int | None
    reason: str
    runs: tuple[Run, ...]
    shown: int
    latency_ms: float | None
    expected: Expected
    required: tuple[Verdict, ...]
    linter: str | None
    claim: Claim | None
    start: StartCommand | None
    advice: tuple[str, ...]
    tried: tuple[Tried, ...]
    finding: Finding | None
    evidence: Evidence

    @property
    def question(self) -> Question:
        """What was asked."""
        asked = parse_signal(self.signal) if self.probe is Probe.SIGNAL and self.signal else None
        return Question(probe=self.probe, signal=asked)

    @property
    def id(self) -> str:
        """The cell's readable name, ``alpine/tini/SIGTERM``."""
        return cell_id(self.base, self.subject, self.question, self.column)

    @property
    def place(self) -> str:
        """Where the cell is, as its id has it: ``alpine``, or ``podman/alpine`` where the run had several engines."""
        return place_label(self.base, self.column)

    @property
    def title(self) -> str:
        """What the row is about, in words: ``tini on alpine, SIGTERM``."""
        base = "" if self.base is None else f" on {self.base}"
        return f"{self.subject}{base}{in_column(self.column)}, {self.question.name}"

    @property
    def tested(self) -> bool:
        """Whether there is a finding."""
        return self.verdict is not Verdict.UNTESTED


class RecordedCell(_Shape, frozen=True):
    """What was recorded of a cell."""

    verdict: Verdict
    seen: tuple[Verdict, ...]
    signal: str | None
    chain: tuple[tuple[str, ...], ...]


class Recorded(_Shape, frozen=True):
    """What was recorded of a base: its facts, the engine's, and the cells by ``VARIANT/QUESTION``."""

    base: BaseFacts
    engine: EngineFacts
    variants: dict[str, str]
    cells: dict[str, RecordedCell]


class Judged(_Shape, frozen=True):
    """What a run was judged against; ``left_out`` is how many recorded cells its options did not ask for."""

    recorded: tuple[Recorded, ...]
    left_out: int


class Cut(_Shape, frozen=True):
    """Why a run ended before all planned cells had, and the exit code that it ended with."""

    planned: int
    reason: str
    exit_code: int


class Shard(_Shape, frozen=True):
    """Which parts of a run these are, of how many; ``planned`` are the ids of all its cells, in order."""

    parts: tuple[int, ...]
    of: int
    planned: tuple[str, ...]


class Document(_Shape, frozen=True):
    """A whole run; engines and bases by the names that the rows give them, subjects by theirs.

    ``judged`` is ``None`` where nothing recorded was compared with, ``shard`` where it is no part of a larger run,
    ``cut`` where the run came to its end.
    """

    schema: Literal[2]
    tool: Tool
    started: str
    duration_s: float
    engines: dict[str, EngineFacts]
    bases: dict[str, BaseFacts]
    subjects: dict[str, SubjectFacts]
    judged: Judged | None
    shard: Shard | None
    cut: Cut | None
    results: tuple[Row, ...]


def joined(documents: Sequence[Document]) -> Document:
    """Documents of runs that came one after the other, of other subjects each, as one; there is at least one."""
    first, *rest = documents
    for one in rest:
        first = msgspec.structs.replace(
            first,
            duration_s=round(first.duration_s + one.duration_s, 3),
            engines=first.engines | one.engines,
            bases=first.bases | one.bases,
            subjects=first.subjects | one.subjects,
            results=first.results + one.results,
        )
    return first
