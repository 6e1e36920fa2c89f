"""Evidence, rows and documents made by hand, for the tests of what is written from them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from msgspec import structs
from rich.console import Console

from harness import __version__
from harness.core.baseline import Finding, Recording
from harness.core.catalogue import LIMITS, Catalogue, Variant
from harness.core.describe import describe_row, describe_subject
from harness.core.dockerfile import Instruction
from harness.core.document import SCHEMA, Document, Tool, Tried
from harness.core.evidence import EngineEvent, Evidence, Ground, LogLine, Receipt, SignalEvidence, Untested
from harness.core.facts import BaseFacts, EngineFacts, StartCommand
from harness.core.judge import judge, judge_all
from harness.core.process import Process
from harness.core.question import Probe, Question
from harness.core.result import Result, Run
from harness.core.signals import Signal
from harness.core.source import Source
from harness.core.subject import App, Cell, Claim, LaunchOptions
from harness.core.trace import Fate, Handled, Sent
from harness.core.verdict import Expected, Verdict
from harness.run.probes.exit_code import ExitEvidence
from harness.run.probes.reap import ReapEvidence
from harness.run.probes.stop import Request, StopEvidence
from tests.support.evidence import changed, made, words
from tests.support.facts import base_facts, start_command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rich.console import RenderableType

    from harness.core.baseline import Key
    from harness.core.document import Row, SubjectFacts

TERM = Signal(15)
BASE = "local:musl-node24"
PID1 = Process(
    pid=1001,
    ppid=900,
    pgid=1001,
    state="S",
    caught=0,
    ignored=1 << 12,
    blocked=0,
    pending=0,
    argv=words("/bin/sh -c node server.js"),
    inner_pid=1,
    is_namespace_init=True,
)
APP = changed(
    PID1,
    pid=1007,
    ppid=1001,
    caught=1 << 14 | 1 << 31,
    ignored=0,
    argv=words("node server.js"),
    inner_pid=7,
    is_namespace_init=False,
)
SWALLOWED = made(
    SignalEvidence,
    sent=TERM,
    began_ns=1_000_000_000,
    app_pid=1007,
    before=(PID1, APP),
    after=(PID1, APP),
    receipts=(),
    proven=True,
    done=False,
    running=True,
    exit_code=None,
    ground=Ground.MASKS,
    logs=(LogLine(at_ns=900_000_000, text="Listening"),),
    events=(EngineEvent(action="kill", time_ns=17, signal=15),),
    decided_ns=1_002_500_000,
    trace=(
        Sent(
            time_s=1.5,
            sender="runc",
            sender_pid=5,
            number=15,
            target="sh",
            target_pid=1001,
            fate=Fate.IGNORED,
        ),
    ),
    chosen=("it wrote the ready line",),
)
FORWARDED = changed(
    SWALLOWED,
    before=(changed(APP, ppid=900),),
    after=(changed(APP, ppid=900),),
    receipts=(Receipt(signal="SIGTERM", at_ns=1_001_250_000, read_ns=1_002_000_000),),
    ground=Ground.SETTLED,
    trace=(
        Sent(time_s=1.4, sender="runc", sender_pid=5, number=15, target="node", target_pid=1007, fate=Fate.DELIVERED),
        Handled(time_s=1.5, comm="node", pid=1007, number=15, handler=64),
    ),
)
AGAIN = Sent(time_s=1.6, sender="sh", sender_pid=1006, number=15, target="x", target_pid=1007, fate=Fate.DELIVERED)
DUPLICATED = changed(FORWARDED, trace=(*(FORWARDED.seen.trace or ()), AGAIN))
INTERRUPTED = (Receipt(signal="SIGINT", at_ns=None, read_ns=1_002_000_000),)
TRANSLATED = changed(
    FORWARDED,
    receipts=INTERRUPTED,
    trace=(changed(AGAIN, from_outside=True, fate=Fate.IGNORED), changed(AGAIN, number=2)),
)
KILLED = changed(
    SWALLOWED,
    after=(),
    running=False,
    exit_code=143,
    ground=Ground.ENDED,
    events=(EngineEvent(action="die", time_ns=18, exit_code=143),),
    trace=None,
)
GRACEFUL = made(
    StopEvidence,
    sent=TERM,
    began_ns=1_000_000_000,
    app_pid=1007,
    before=FORWARDED.seen.before,
    after=(),
    receipts=FORWARDED.receipts,
    done=True,
    running=False,
    exit_code=0,
    ground=Ground.SETTLED,
    logs=SWALLOWED.seen.logs,
    events=(
        EngineEvent(action="kill", time_ns=17, signal=15),
        EngineEvent(action="die", time_ns=250_000_017, exit_code=0),
    ),
    decided_ns=1_002_500_000,
    grace_s=3,
    took_s=0.25,
    forced=False,
    request=Request.ANSWERED,
)
ABRUPT = changed(
    GRACEFUL,
    before=(PID1, APP),
    receipts=(),
    proven=True,
    done=False,
    exit_code=143,
    ground=Ground.ENDED,
    request=Request.LOST,
)
FORCED = changed(ABRUPT, exit_code=137, took_s=3.0625, forced=True, request=None)
KEPT = made(
    ExitEvidence,
    app_pid=1007,
    before=(PID1, APP),
    after=(),
    running=False,
    exit_code=42,
    logs=SWALLOWED.seen.logs,
    events=(EngineEvent(action="die", time_ns=18, exit_code=42),),
    began_ns=1_000_000_000,
    decided_ns=1_300_000_000,
    codes=((42, 42), (0, 0), (143, 143)),
)
LOST = changed(KEPT, exit_code=1, codes=((42, 1), (0, 0), (143, None)))
ORPHAN = changed(PID1, pid=1020, ppid=1001, ignored=0, argv=words("sleep 3600"), inner_pid=20)
REAPED = made(
    ReapEvidence,
    app_pid=1007,
    before=(PID1, APP, ORPHAN),
    after=(PID1, APP),
    running=True,
    exit_code=None,
    logs=SWALLOWED.seen.logs,
    events=(),
    began_ns=1_000_000_000,
    decided_ns=1_002_500_000,
    orphan=ORPHAN,
    zombie=False,
)
ZOMBIE = changed(REAPED, after=(PID1, APP, changed(ORPHAN, state="Z")), zombie=True)
TO_APP = Sent(time_s=1.5, sender="runc", sender_pid=5, number=15, target="node", target_pid=1007, fate=Fate.DELIVERED)
TO_SHELL = changed(TO_APP, time_s=1.0, target="sh", target_pid=1001)
HANDED_ON = changed(TO_APP, sender="sh", sender_pid=1001)
TAKEN = Handled(time_s=1.002, comm="node", pid=1007, number=15, handler=64)
TYPED = changed(
    FORWARDED,
    sent=Signal(2),
    typed=True,
    receipts=INTERRUPTED,
    events=(),
    trace=(changed(TO_APP, number=2, by_kernel=True), changed(TAKEN, number=2)),
)
START = start_command(command=("/bin/sh", "-c", "node server.js"))
UNTESTED = Untested(reason="no ready line within 30 s", logs=(LogLine(at_ns=1, text="starting"),))
ENGINE = EngineFacts(
    name="Docker Engine",
    version="28.1",
    api="1.49",
    runtime="runc 1.2",
    init="docker-init 0.19",
    kernel="6.12",
    builder="BuildKit",
    trace=False,
)
FACTS = base_facts(  # noqa: S604  its shell is a fact, none is called
    reference=BASE,
    id="sha256:abc",
    os="alpine 3.22",
    libc="musl 1.2.5",
    shell="BusyBox v1.37.0 ash",
    programs={"node": "24.11.1", "npm": "11.6.2"},
)
DEBIAN = structs.replace(  # noqa: S604  its shell is a fact, none is called
    FACTS,
    reference="local:debian12-node24",
    id="sha256:def",
    os="debian 12",
    libc="glibc 2.36",
    shell="dash 0.5.12-2",
)


def with_programs(facts: BaseFacts, changes: Mapping[str, str | None]) -> BaseFacts:
    """A base with other versions of programs, or (``None``) without some."""
    programs = {name: version for name, version in {**facts.programs, **changes}.items() if version is not None}
    return structs.replace(facts, programs=programs)


SOURCE = Source(
    path="dockerfiles/naive.Dockerfile",
    digest="0123456789ab",
    starting=(Instruction(line=9, text="CMD node server.js"),),
)


PATCH = """\
--- a/Dockerfile
+++ b/Dockerfile
@@ -1,2 +1,2 @@
 FROM node
-CMD node server.js
+CMD ["node", "server.js"]
"""
TRIED = (
    Tried(
        change="--init",
        verdict=Verdict.ABRUPT,
        brief="0.1 s, exit 143",
        reason="the container ended by itself",
        patch=None,
    ),
    Tried(
        change='CMD ["node", "server.js"]',
        verdict=Verdict.GRACEFUL,
        brief="0.1 s, exit 0",
        reason="the app was done",
        patch=PATCH,
    ),
)


_VARIANTS: dict[int | str, tuple[Variant, Row]] = {}
"""Which variant a row is about, by the row's identity (so it is kept) and, for one that was changed, by its subject."""


def ran(
    name: str,
    *evidence: Evidence | Untested,
    signal: Signal = TERM,
    probe: Probe = Probe.SIGNAL,
    expected: Expected = Expected.DEPENDS,
    claim: Claim | None = None,
    start: StartCommand | None = None,
    title: str = "",
    base: str = BASE,
    launch: LaunchOptions = LIMITS,
    target: str | None = None,
) -> tuple[Result, Variant]:
    """A cell's result as the runner gives it, and the variant that was run."""
    runs = tuple(Run(evidence=seen, judgement=judge(seen)) for seen in evidence)
    judgement, shown = judge_all(runs)
    variant = Variant(
        name=name,
        title=title or f"the {name}",
        dockerfile=f"{name}.Dockerfile",
        claim=claim,
        launch=launch,
        target=target,
    )
    catalogue = Catalogue(context=".", app=App(), variants=(variant,))
    question = Question(signal=signal) if probe is Probe.SIGNAL else Question(probe=probe)
    result = Result(
        cell=Cell(engine=ENGINE.name, subject=catalogue.subject(variant, base), question=question),
        runs=runs,
        judgement=judgement,
        shown=shown,
        expected=expected,
        start=start,
        reproduce=() if isinstance(shown.evidence, Untested) else ("docker run x", "docker kill x"),
    )
    return result, variant


def result(name: str, *evidence: Evidence | Untested, **how: Any) -> Row:
    """A cell's result as a document has it, judged as a run of the harness does."""
    outcome, variant = ran(name, *evidence, **how)
    start = outcome.start
    in_shell_form = start is not None and "-c" in (*start.entrypoint[1:2], *start.command[1:2])
    row = describe_row(outcome, SOURCE.starting if in_shell_form else ())
    _VARIANTS[id(row)] = _VARIANTS[row.subject] = variant, row
    return row


def report(
    *rows: Row,
    engine: EngineFacts = ENGINE,
    facts: BaseFacts = FACTS,
    sources: Mapping[str, Source] | None = None,
) -> Document:
    """The document of rows on the one base."""
    return Document(
        schema=SCHEMA,
        tool=Tool(name="signal-harness", version=__version__),
        started="2026-01-02T03:04:05Z",
        duration_s=1.25,
        engines={engine.name: engine},
        bases={facts.reference: facts},
        subjects={row.subject: subject_of(row, (sources or {}).get(row.subject)) for row in rows},
        judged=None,
        shard=None,
        cut=None,
        results=tuple(structs.replace(row, engine=engine.name) for row in rows),
    )


def subject_of(row: Row, source: Source | None = None) -> SubjectFacts:
    """What a document says of a row's subject; without a source it has no digest, and no lines that start it."""
    variant, _ = _VARIANTS.get(id(row)) or _VARIANTS[row.subject]
    facts = describe_subject(variant, source or Source(path=variant.dockerfile, digest=""))
    return facts if source else changed(facts, digest=None)


def chained(*commands: str, of: SignalEvidence = SWALLOWED) -> SignalEvidence:
    """Evidence of a chain of processes: the commands from PID 1 down to the app, which is the last of them."""
    *above, app = commands
    tree = (
        *(
            changed(PID1, pid=1000 + number, ppid=999 + number, inner_pid=number, argv=words(command))
            for number, command in enumerate(above, start=1)
        ),
        changed(APP, ppid=1000 + len(above), inner_pid=len(commands), argv=words(app)),
    )
    return changed(of, before=tree, after=tree if of.seen.running else ())


def finding(verdict: Verdict, *chain: str, seen: tuple[Verdict, ...] = (), signal: str | None = None) -> Finding:
    """What was found in a cell whose processes were these."""
    return Finding(verdict=verdict, seen=seen, signal=signal, chain=tuple(map(words, chain)))


def recording(
    findings: Mapping[Key, Finding] | None = None,
    *,
    base: BaseFacts = FACTS,
    engine: EngineFacts = ENGINE,
    variants: Mapping[str, str] | None = None,
) -> Recording:
    """What was recorded of one base."""
    return Recording(base=base, engine=engine, variants=variants or {}, findings=findings or {})


def drawn(body: RenderableType, *, width: int = 100) -> str:
    """What a reader sees of it without colour."""
    console = Console(width=width, file=io.StringIO(), color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(body)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())
