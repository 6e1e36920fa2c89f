"""The results document, schema 1: its shape, and from and to JSON. `describe` makes one of a report."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final, Literal, TypeVar

import msgspec

from harness.core.claims import Holds
from harness.core.errors import UsageError
from harness.core.evidence import Ground, Request
from harness.core.question import Probe
from harness.core.trace import Fate
from harness.core.verdict import Delivery, Expected, Outcome, Verdict

SCHEMA: Final[Literal[1]] = 1
T = TypeVar("T")


class _Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of a document have in common: unknown keys are errors, and all keys are there."""


class Tool(_Shape, frozen=True):
    """What wrote the document."""

    name: str
    version: str


class Engine(_Shape, frozen=True):
    """As in `harness.core.model.EngineFacts`."""

    name: str
    version: str
    api: str
    runtime: str
    init: str
    kernel: str
    builder: str
    trace: bool


class Base(_Shape, frozen=True):
    """As in `harness.core.model.BaseFacts`."""

    id: str
    digest: str | None
    os: str | None
    libc: str | None
    shell: str | None
    node: str | None
    npm: str | None
    tini: str | None
    dumb_init: str | None
    stop_signal: str | None
    entrypoint: tuple[str, ...]
    entrypoint_sha256: str | None


class Line(_Shape, frozen=True):
    """One instruction of a Dockerfile, and its first line."""

    line: int
    text: str


class Variant(_Shape, frozen=True):
    """A variant, and the lines of its Dockerfile that decide what is started."""

    title: str
    dockerfile: str
    target: str | None
    init: bool
    digest: str | None
    starting: tuple[Line, ...]


class Run(_Shape, frozen=True):
    """One execution of a cell."""

    verdict: Verdict
    reason: str
    deliveries: int
    exit_code: int | None
    decided_ms: float | None
    ground: Ground | None


class Claim(_Shape, frozen=True):
    """What somebody says of the variant, and whether this cell bears it out."""

    text: str
    source: str
    held: Holds | None


class Start(_Shape, frozen=True):
    """What the image starts."""

    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    stop_signal: str | None


class Process(_Shape, frozen=True):
    """A process at one moment, with its signals by name."""

    pid: int
    inner_pid: int | None
    ppid: int
    pgid: int
    state: str
    caught: tuple[str, ...]
    ignored: tuple[str, ...]
    blocked: tuple[str, ...]
    args: str


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


class Party(_Shape, frozen=True):
    """Who sends or takes a signal, by the id in the container; somebody outside it has none."""

    pid: int | None
    name: str


class SendStep(_Shape, frozen=True, tag_field="step", tag="send"):
    """A signal on its way."""

    at_us: int
    sender: Party = msgspec.field(name="from")
    to: Party
    signal: str
    fate: Fate


class TakeStep(_Shape, frozen=True, tag_field="step", tag="take"):
    """A signal that is taken, by a handler or by the default action."""

    at_us: int
    process: Party
    signal: str
    by_handler: bool


class EndStep(_Shape, frozen=True, tag_field="step", tag="end"):
    """A process that ends, by a signal or (``null``) by itself."""

    at_us: int
    process: Party
    by: str | None


Step = SendStep | TakeStep | EndStep


class StopFound(_Shape, frozen=True, tag_field="kind", tag="stop"):
    """What the probe ``stop`` found beside the verdict."""

    grace_s: int
    took_s: float
    forced: bool
    request: Request | None


class Code(_Shape, frozen=True):
    """An exit code that the app ended with, and the container's; ``null`` if it ran on."""

    app: int
    container: int | None


class ExitFound(_Shape, frozen=True, tag_field="kind", tag="exit-code"):
    """What the probe ``exit-code`` found beside the verdict."""

    codes: tuple[Code, ...]


class ReapFound(_Shape, frozen=True, tag_field="kind", tag="reap"):
    """What the probe ``reap`` found beside the verdict."""

    orphan: Process
    zombie: bool


class Evidence(_Shape, frozen=True):
    """What the run that speaks for a cell has shown.

    ``chain`` are the commands from PID 1 down to the app, ``path`` is the way of the signal by the kernel's record.
    """

    pid1: str | None
    chain: tuple[str, ...]
    tree: Tree | None
    logs: tuple[str, ...]
    events: tuple[Event, ...]
    trace: tuple[SentRecord | HandledRecord, ...] | None
    path: tuple[Step, ...] | None
    probe: StopFound | ExitFound | ReapFound | None
    reproduce: tuple[str, ...]


class Row(_Shape, frozen=True):
    """One cell's result."""

    base: str
    variant: str
    probe: Probe
    signal: str | None
    verdict: Verdict
    delivery: Delivery | None
    deliveries: int
    sent: int | None
    outcome: Outcome | None
    exit_code: int | None
    reason: str
    runs: tuple[Run, ...]
    latency_ms: float | None
    expected: Expected
    linter: str | None
    claim: Claim | None
    start: Start | None
    advice: tuple[str, ...]
    evidence: Evidence

    @property
    def question(self) -> str:
        """What was asked, in one word, as `harness.core.model.Cell.question` says it."""
        return self.signal or "" if self.probe is Probe.SIGNAL else self.probe.value


class Document(_Shape, frozen=True):
    """A whole results document."""

    schema: Literal[1]
    tool: Tool
    started: str
    duration_s: float
    engine: Engine
    bases: dict[str, Base]
    variants: dict[str, Variant]
    results: tuple[Row, ...]


def schema() -> dict[str, Any]:
    """The published JSON Schema of the document."""
    loaded: dict[str, Any] = json.loads(files("harness.report").joinpath("schema-1.json").read_text(encoding="utf-8"))
    return loaded


def encode(document: Document) -> str:
    """Give a document as JSON text."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def decode(content: bytes, *, place: str) -> Document:
    """Read a document.

    Args:
        content: the file's content.
        place: the file's name, for messages.

    Raises:
        UsageError: it is no results document of this schema; the message names the place in it.
    """
    document = decode_as(Document, content, place=place, what="results file", mark="results")
    for number, row in enumerate(document.results):
        for what, name, known in (("base", row.base, document.bases), ("variant", row.variant, document.variants)):
            if name not in known:
                raise UsageError(f"{place}, results[{number}].{what}: {name!r} is not among the {what}s", remedy=REMEDY)
    return document


class _Head(msgspec.Struct):
    schema: Any = None
    results: msgspec.Raw = msgspec.Raw()
    cells: msgspec.Raw = msgspec.Raw()


def kind_of(content: bytes, *, place: str) -> str:
    """Tell ``results`` from a baseline's ``cells`` by the key that is there; empty if there is neither.

    Raises:
        UsageError: it is no JSON, or has no or an unknown schema; the message names the place.
    """
    try:
        head = msgspec.json.decode(content, type=_Head)
    except msgspec.ValidationError as error:
        raise UsageError(f"{place} is no file of signal-harness: {error}", remedy=REMEDY) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_json(content, place, error) from error
    if head.schema is None:
        raise UsageError(f"{place} is no file of signal-harness: it names no schema", remedy=REMEDY)
    if head.schema != SCHEMA or isinstance(head.schema, bool):
        raise UsageError(
            f"{place} has schema {head.schema!r}", remedy=f"This version of signal-harness reads schema {SCHEMA}."
        )
    return next((key for key in ("results", "cells") if bytes(getattr(head, key))), "")


REMEDY: Final = "Results come from `signal-harness run --json F`, baselines from `signal-harness baseline update`."


def decode_as(shape: type[T], content: bytes, *, place: str, what: str, mark: str) -> T:
    """Read JSON of a known shape: a file called ``what``, told from others by the key ``mark``.

    Raises:
        UsageError: it is not of this shape; the message names the place in it.
    """
    try:
        return msgspec.json.decode(content, type=shape)
    except msgspec.ValidationError as error:
        # Only a file that does not fit is looked at again, as it may hold a hundred megabytes.
        kind = kind_of(content, place=place)
        if kind != mark:
            raise UsageError(f"{place} is no {what}" + (f": it holds {kind}" if kind else ""), remedy=REMEDY) from error
        raise refusal(error, place=f"{place}, ") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_json(content, place, error) from error


def refusal(error: msgspec.ValidationError, *, place: str) -> UsageError:
    """Say what is of the wrong shape, and where: ``place`` and then msgspec's own path."""
    said, apart, where = str(error).rpartition(" - at ")
    at = where.strip("`").removeprefix("$") if apart else ""
    told = f"{place}{at.removeprefix('.') if place.endswith(' ') else at}".removesuffix(", ")
    return UsageError(f"{told}: {said or error}", remedy=REMEDY)


def _no_json(content: bytes, place: str, error: Exception) -> UsageError:
    """Say where JSON breaks off: Python's own parser counts lines."""
    try:
        json.loads(content)
    except json.JSONDecodeError as told:
        return UsageError(f"{place}:{told.lineno}:{told.colno}: no valid JSON: {told.msg}", remedy=REMEDY)
    except (ValueError, RecursionError) as told:
        return UsageError(f"{place}: no JSON that can be read: {told}", remedy=REMEDY)
    return UsageError(f"{place}: no JSON that can be read: {error}", remedy=REMEDY)
