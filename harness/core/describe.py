"""From the runner's results to the results document: all that was seen of every cell, once, capped in size. Pure."""

from __future__ import annotations

from functools import lru_cache, singledispatch
from typing import TYPE_CHECKING, Final

from harness.core import document as doc
from harness.core.advice import advice
from harness.core.claims import held, lint
from harness.core.evidence import Untested
from harness.core.roll_call import roll_call
from harness.core.rules import rule_of
from harness.core.signal_path import signal_path
from harness.core.signals import mask_signals
from harness.core.trace import Handled, Sent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.core.catalogue import Variant
    from harness.core.dockerfile import Instruction
    from harness.core.evidence import Evidence, Seen, SignalEvidence
    from harness.core.process import Process, Tree
    from harness.core.result import Result, Run
    from harness.core.source import Source
    from harness.core.trace import TraceRecord

_MOST_LINES: Final = 200
_MOST_TEXT: Final = 1000
_KINDS: Final = 4096
"""How many masks and command lines are shared by all rows that have them."""


def describe_subject(variant: Variant, source: Source) -> doc.SubjectFacts:
    """A variant of the catalogue as the document has it; ``source`` is its Dockerfile."""
    return doc.SubjectFacts(
        title=variant.title,
        # A file's name may be no text at all (os.fsdecode, "surrogateescape"); JSON has to be.
        dockerfile=source.path.encode(errors="replace").decode(),
        target=variant.target,
        init=variant.launch.init,
        digest=source.digest,
        starting=tuple(doc.Line(line=one.line, text=one.text) for one in source.starting),
        exchanged=tuple(doc.Line(line=one.instruction.line, text=f"FROM {one.image}") for one in source.exchanges),
    )


def describe_row(result: Result, starting: Iterable[Instruction] = ()) -> doc.Row:
    """One result as a row of the document; ``starting`` are the instructions that start its image."""
    cell, evidence = result.cell, result.evidence
    signalled = evidence.signalled if evidence else None
    signal = cell.question.signal or (signalled.sent if signalled else None)
    claim = cell.subject.claim
    return doc.Row(
        engine=cell.engine,
        column=cell.column,
        base=cell.subject.base,
        subject=cell.subject.name,
        probe=cell.question.probe,
        signal=signal.name if signal else None,
        verdict=result.verdict,
        rule=rule_of(result),
        ignored=None,
        delivery=result.judgement.delivery,
        deliveries=signalled.deliveries if signalled else None,
        sent=signalled.sends if signalled and signalled.seen.trace is not None else None,
        outcome=result.judgement.outcome,
        exit_code=evidence.seen.exit_code if evidence else None,
        reason=result.judgement.reason,
        runs=tuple(_run(run) for run in result.runs),
        shown=result.runs.index(result.shown),
        latency_ms=_latency_ms(signalled) if signalled else None,
        expected=result.expected,
        required=(),
        linter=lint(starting) if result.start else None,
        claim=doc.Claim(text=claim.text, source=claim.source, held=held(result)) if claim else None,
        start=result.start,
        advice=advice(result),
        tried=(),
        finding=finding(evidence) if evidence else None,
        evidence=_evidence(result),
    )


def describe_tried(change: str, result: Result, patch: str | None = None) -> doc.Tried:
    """What a change brought, by the result of the cell that was run with it; ``patch`` if an image was built for it."""
    found = finding(result.evidence) if result.evidence else None
    return doc.Tried(
        change=change,
        verdict=result.verdict,
        brief=found.brief if found else "",
        reason=result.judgement.reason,
        # A file of the user's need not be UTF-8 ("surrogateescape"); JSON has to be.
        patch=None if patch is None else patch.encode(errors="replace").decode(),
    )


def _run(run: Run) -> doc.Run:
    evidence = None if isinstance(run.evidence, Untested) else run.evidence
    signalled = evidence.signalled if evidence else None
    return doc.Run(
        verdict=run.judgement.verdict,
        reason=run.judgement.reason,
        deliveries=signalled.deliveries if signalled else None,
        exit_code=evidence.seen.exit_code if evidence else None,
        decided_ms=_decided_ms(evidence.seen) if evidence else None,
        ground=signalled.ground if signalled else None,
        earlier=tuple(signal.name for signal in signalled.earlier) if signalled else (),
    )


def _latency_ms(evidence: SignalEvidence) -> float | None:
    """Milliseconds from just before ``docker kill`` to the app's handler.

    By the kernel's record where there is one, else by the app's clock where it logs one, else to when its log was read.
    """
    if not evidence.deliveries:
        return None
    if evidence.handled:
        return round(evidence.handled[0].time_s * 1e3 - evidence.seen.began_ns / 1e6, 3)
    first = next((receipt for receipt in evidence.receipts or () if receipt.signal == evidence.sent.name), None)
    if first is None:
        return None
    at_ns = first.at_ns or first.read_ns
    # A clock that is not ours (a virtual machine's) gives nonsense; when the line was read is then the better word.
    if not evidence.seen.began_ns <= at_ns <= first.read_ns:
        at_ns = first.read_ns
    return round((at_ns - evidence.seen.began_ns) / 1e6, 3)


def _decided_ms(seen: Seen) -> float:
    """Milliseconds from just before ``docker kill`` to the moment at which the verdict was decided."""
    return round((seen.decided_ns - seen.began_ns) / 1e6, 3)


def _evidence(result: Result) -> doc.Evidence:
    shown, evidence = result.shown.evidence, result.evidence
    lines = shown.logs if isinstance(shown, Untested) else shown.seen.logs
    logs = tuple(line.text[:_MOST_TEXT] for line in lines[-_MOST_LINES:])
    if evidence is None:
        return doc.Evidence(
            main=None,
            apps=(),
            chain=(),
            tree=None,
            logs=logs,
            events=(),
            trace=None,
            path=None,
            roll_call=(),
            reproduce=result.reproduce,
        )
    seen = evidence.seen
    return doc.Evidence(
        main=_shared(seen.main.argv) if seen.main else None,
        apps=tuple(_chosen(evidence)),
        chain=tuple(_shared(process.argv) for process in seen.chain),
        tree=doc.Tree(before=_tree(seen.before), after=_tree(seen.after)),
        logs=logs,
        events=tuple(
            doc.Event(action=event.action, time_ns=event.time_ns, exit_code=event.exit_code, signal=event.signal)
            for event in seen.events
        ),
        trace=None if seen.trace is None else tuple(_records(seen.trace)),
        path=signal_path(evidence),
        roll_call=roll_call(evidence),
        reproduce=result.reproduce,
    )


def _chosen(evidence: Evidence) -> Iterable[doc.Chosen]:
    """The processes that are taken for the app, and why."""
    seen, signalled = evidence.seen, evidence.signalled
    by_pid = {process.pid: process for process in seen.before}
    for pid, why in zip((seen.app_pid, *(signalled.more_apps if signalled else ())), seen.chosen, strict=False):
        if pid in by_pid:
            process = describe_process(by_pid[pid])
            yield doc.Chosen(pid=process.number, command=process.command, why=why)


@singledispatch
def finding(_evidence: Evidence) -> doc.Finding | None:
    """What a probe found beside the verdict; ``None`` where it registers nothing."""
    return None


def _tree(tree: Tree) -> tuple[doc.Process, ...]:
    return tuple(describe_process(process) for process in tree)


def describe_process(process: Process) -> doc.Process:
    """A process as the document has it, and as every output shows it."""
    return doc.Process(
        pid=process.pid,
        inner_pid=process.inner_pid,
        ppid=process.ppid,
        pgid=process.pgid,
        state=process.state,
        caught=_names(process.caught),
        ignored=_names(process.ignored),
        blocked=_names(process.blocked),
        fetches=process.fetches_signals,
        argv=_shared(process.argv),
    )


@lru_cache(_KINDS)
def _names(mask: int) -> tuple[str, ...]:
    return tuple(signal.name for signal in mask_signals(mask))


@lru_cache(_KINDS)
def _shared(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The same object for equal command lines: a run of thousands of cells has few, and keeps many processes."""
    return argv


def _records(trace: Iterable[TraceRecord]) -> Iterable[doc.SentRecord | doc.HandledRecord]:
    for record in trace:
        match record:
            case Sent():
                yield doc.SentRecord(
                    time_s=record.time_s,
                    signal=record.number,
                    sender=doc.Thread(pid=record.sender_pid, name=record.sender),
                    to=doc.Thread(pid=record.target_pid, name=record.target),
                    fate=record.fate,
                    by_kernel=record.by_kernel,
                )
            case Handled():
                yield doc.HandledRecord(
                    time_s=record.time_s,
                    signal=record.number,
                    by=doc.Thread(pid=record.pid, name=record.comm),
                    default_action=record.handler == 0,
                )
