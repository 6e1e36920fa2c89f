"""A small report made by hand, for the tests of what is written from it."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

from harness.core.baseline import Finding, Recording
from harness.core.dockerfile import Instruction, Source
from harness.core.evidence import (
    EngineEvent,
    Evidence,
    ExitEvidence,
    Ground,
    LogLine,
    ReapEvidence,
    Receipt,
    Request,
    SignalEvidence,
    StopEvidence,
    Untested,
)
from harness.core.facts import BaseFacts, EngineFacts, StartCommand
from harness.core.judge import judge, judge_all
from harness.core.process import Process
from harness.core.question import Probe
from harness.core.result import Report, Result, Run
from harness.core.signals import Signal
from harness.core.subject import Cell, Claim, Variant
from harness.core.trace import Fate, Handled, Sent
from harness.core.verdict import Expected, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from harness.core.baseline import Key

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
    args="/bin/sh -c node server.js",
    inner_pid=1,
)
APP = replace(PID1, pid=1007, ppid=1001, caught=1 << 14 | 1 << 31, ignored=0, args="node server.js", inner_pid=7)
SWALLOWED = SignalEvidence(
    sent=TERM,
    began_ns=1_000_000_000,
    app_pid=1007,
    before=(PID1, APP),
    after=(PID1, APP),
    receipts=(),
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
)
FORWARDED = replace(
    SWALLOWED,
    before=(replace(APP, ppid=900),),
    after=(replace(APP, ppid=900),),
    receipts=(Receipt(signal="SIGTERM", at_ns=1_001_250_000, read_ns=1_002_000_000),),
    ground=Ground.SETTLED,
    trace=(Handled(time_s=1.5, comm="node", pid=1007, number=15, handler=64),),
)
KILLED = replace(
    SWALLOWED,
    after=(),
    running=False,
    exit_code=143,
    ground=Ground.ENDED,
    events=(EngineEvent(action="die", time_ns=18, exit_code=143),),
    trace=None,
)
GRACEFUL = StopEvidence(
    sent=TERM,
    began_ns=1_000_000_000,
    app_pid=1007,
    before=FORWARDED.before,
    after=(),
    receipts=FORWARDED.receipts,
    done=True,
    running=False,
    exit_code=0,
    ground=Ground.SETTLED,
    logs=SWALLOWED.logs,
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
ABRUPT = replace(
    GRACEFUL, before=(PID1, APP), receipts=(), done=False, exit_code=143, ground=Ground.ENDED, request=Request.LOST
)
FORCED = replace(ABRUPT, exit_code=137, took_s=3.0625, forced=True, request=None)
KEPT = ExitEvidence(
    app_pid=1007,
    before=(PID1, APP),
    after=(),
    running=False,
    exit_code=42,
    logs=SWALLOWED.logs,
    events=(EngineEvent(action="die", time_ns=18, exit_code=42),),
    began_ns=1_000_000_000,
    decided_ns=1_300_000_000,
    codes=((42, 42), (0, 0), (143, 143)),
)
LOST = replace(KEPT, exit_code=1, codes=((42, 1), (0, 0), (143, None)))
ORPHAN = replace(PID1, pid=1020, ppid=1001, ignored=0, args="sleep 3600", inner_pid=20)
REAPED = ReapEvidence(
    app_pid=1007,
    before=(PID1, APP, ORPHAN),
    after=(PID1, APP),
    running=True,
    exit_code=None,
    logs=SWALLOWED.logs,
    events=(),
    began_ns=1_000_000_000,
    decided_ns=1_002_500_000,
    orphan=ORPHAN,
    zombie=False,
)
ZOMBIE = replace(REAPED, after=(PID1, APP, replace(ORPHAN, state="Z")), zombie=True)
TO_APP = Sent(time_s=1.5, sender="runc", sender_pid=5, number=15, target="node", target_pid=1007, fate=Fate.DELIVERED)
TO_SHELL = replace(TO_APP, time_s=1.0, target="sh", target_pid=1001)
HANDED_ON = replace(TO_APP, sender="sh", sender_pid=1001)
TAKEN = Handled(time_s=1.002, comm="node", pid=1007, number=15, handler=64)
START = StartCommand(command=("/bin/sh", "-c", "node server.js"))
UNTESTED = Untested(reason="no ready line within 30 s", logs=(LogLine(at_ns=1, text="starting"),))
ENGINE = EngineFacts(
    name="Docker Engine",
    version="28.1",
    api="1.49",
    runtime="runc 1.2",
    init="docker-init 0.19",
    kernel="6.12",
    builder="BuildKit",
)
FACTS = BaseFacts(  # noqa: S604  its shell is a fact, none is called
    reference=BASE,
    id="sha256:abc",
    os="alpine 3.22",
    libc="musl 1.2.5",
    shell="BusyBox v1.37.0 ash",
    node="24.11.1",
    npm="11.6.2",
)
DEBIAN = replace(  # noqa: S604  its shell is a fact, none is called
    FACTS,
    reference="local:debian12-node24",
    id="sha256:def",
    os="debian 12",
    libc="glibc 2.36",
    shell="dash 0.5.12-2",
)
SOURCE = Source(
    path="dockerfiles/naive.Dockerfile",
    digest="0123456789ab",
    starting=(Instruction(line=9, text="CMD node server.js"),),
)


def result(
    name: str,
    *evidence: Evidence | Untested,
    signal: Signal = TERM,
    probe: Probe = Probe.SIGNAL,
    expected: Expected = Expected.DEPENDS,
    claim: Claim | None = None,
    start: StartCommand | None = None,
    title: str = "",
    base: str = BASE,
) -> Result:
    """A cell's result, judged as a run of the harness does."""
    runs = tuple(Run(evidence=one, judgement=judge(one)) for one in evidence)
    judgement, shown = judge_all(runs)
    variant = Variant(name=name, title=title or f"the {name}", dockerfile=f"{name}.Dockerfile", claim=claim)
    return Result(
        cell=Cell(base=base, variant=variant, probe=probe, signal=signal if probe is Probe.SIGNAL else None),
        runs=runs,
        judgement=judgement,
        shown=shown,
        expected=expected,
        start=start,
        reproduce=() if isinstance(shown.evidence, Untested) else ("docker run x", "docker kill x"),
    )


def report(
    *results: Result,
    engine: EngineFacts = ENGINE,
    facts: BaseFacts = FACTS,
    sources: Mapping[str, Source] | None = None,
) -> Report:
    """A report of results on the one base."""
    return Report(
        started="2026-01-02T03:04:05Z",
        duration_s=1.25,
        engine=engine,
        bases={facts.reference: facts},
        sources=sources or {},
        results=tuple(results),
    )


def chained(*commands: str, of: SignalEvidence = SWALLOWED) -> SignalEvidence:
    """Evidence of a chain of processes: the commands from PID 1 down to the app, which is the last of them."""
    *above, app = commands
    tree = (
        *(
            replace(PID1, pid=1000 + number, ppid=999 + number, inner_pid=number, args=args)
            for number, args in enumerate(above, start=1)
        ),
        replace(APP, ppid=1000 + len(above), inner_pid=len(commands), args=app),
    )
    return replace(of, before=tree, after=tree if of.running else ())


def finding(verdict: Verdict, *chain: str, seen: tuple[Verdict, ...] = (), signal: str | None = None) -> Finding:
    """What was found in a cell whose processes were these."""
    return Finding(verdict=verdict, seen=seen, signal=signal, chain=chain)


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
