"""A report as the results document: everything seen of every cell, capped in size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness import __version__
from harness.core.advice import advice
from harness.core.claims import claim_of, lint
from harness.core.evidence import ExitEvidence, ReapEvidence, SignalEvidence, StopEvidence, Untested
from harness.core.signal_path import End, Send, Take, signal_path
from harness.core.signals import mask_signals
from harness.core.trace import Handled, Sent
from harness.report import document as doc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.core import signal_path as way
    from harness.core.dockerfile import Source
    from harness.core.evidence import Evidence
    from harness.core.facts import BaseFacts, EngineFacts, StartCommand
    from harness.core.process import Process, Tree
    from harness.core.result import Report, Result, Run
    from harness.core.subject import Variant
    from harness.core.trace import TraceRecord

_MOST_LINES: Final = 200
_MOST_TEXT: Final = 1000


def describe(report: Report) -> doc.Document:
    """Give a report as a document."""
    variants = {result.cell.variant.name: result.cell.variant for result in report.results}
    return doc.Document(
        schema=doc.SCHEMA,
        tool=doc.Tool(name="signal-harness", version=__version__),
        started=report.started,
        duration_s=report.duration_s,
        engine=_engine(report.engine),
        bases={reference: _base(facts) for reference, facts in report.bases.items()},
        variants={name: _variant(variant, report.sources.get(name)) for name, variant in variants.items()},
        results=tuple(row_of(result) for result in report.results),
    )


def _engine(facts: EngineFacts) -> doc.Engine:
    return doc.Engine(**{name: getattr(facts, name) for name in doc.Engine.__struct_fields__})


def _base(facts: BaseFacts) -> doc.Base:
    return doc.Base(**{name: getattr(facts, name) for name in doc.Base.__struct_fields__})


def _variant(variant: Variant, source: Source | None) -> doc.Variant:
    return doc.Variant(
        title=variant.title,
        # A file's name may be no text at all (os.fsdecode, "surrogateescape"); JSON has to be.
        dockerfile=(source.path if source else variant.dockerfile).encode(errors="replace").decode(),
        target=variant.target,
        init=variant.init,
        digest=source.digest if source else None,
        starting=tuple(doc.Line(line=one.line, text=one.text) for one in source.starting) if source else (),
    )


def row_of(result: Result) -> doc.Row:
    """Give one result as a row of a document."""
    cell, evidence = result.cell, result.evidence
    signalled = evidence if isinstance(evidence, SignalEvidence) else None
    signal = cell.signal or (signalled.sent if signalled else None)
    return doc.Row(
        base=cell.base,
        variant=cell.variant.name,
        probe=cell.probe,
        signal=signal.name if signal else None,
        verdict=result.verdict,
        delivery=result.judgement.delivery,
        deliveries=signalled.deliveries if signalled else 0,
        sent=signalled.sends if signalled and signalled.trace is not None else None,
        outcome=result.judgement.outcome,
        exit_code=evidence.exit_code if evidence else None,
        reason=result.judgement.reason,
        runs=tuple(_run(run) for run in result.runs),
        latency_ms=latency_ms(signalled) if signalled else None,
        expected=result.expected,
        linter=lint(result.start) if result.start else None,
        claim=_claim(result),
        start=_start(result.start) if result.start else None,
        advice=advice(result),
        evidence=_evidence(result),
    )


def _claim(result: Result) -> doc.Claim | None:
    claim = result.cell.variant.claim
    return doc.Claim(text=claim.text, source=claim.source, held=claim_of(result)) if claim else None


def _start(start: StartCommand) -> doc.Start:
    return doc.Start(entrypoint=start.entrypoint, command=start.command, stop_signal=start.stop_signal)


def _run(run: Run) -> doc.Run:
    evidence = None if isinstance(run.evidence, Untested) else run.evidence
    signalled = evidence if isinstance(evidence, SignalEvidence) else None
    return doc.Run(
        verdict=run.judgement.verdict,
        reason=run.judgement.reason,
        deliveries=signalled.deliveries if signalled else 0,
        exit_code=evidence.exit_code if evidence else None,
        decided_ms=decided_ms(evidence) if evidence else None,
        ground=signalled.ground if signalled else None,
    )


def latency_ms(evidence: SignalEvidence) -> float | None:
    """Milliseconds from just before ``docker kill`` to the app's handler.

    By the kernel's record where there is one, else by the app's clock where it logs one, else to when its log was read.
    """
    if not evidence.deliveries:
        return None
    if evidence.handled:
        return round(evidence.handled[0].time_s * 1e3 - evidence.began_ns / 1e6, 3)
    first = next(receipt for receipt in evidence.receipts if receipt.signal == evidence.sent.name)
    at_ns = first.at_ns or first.read_ns
    # A clock that is not ours (a virtual machine's) gives nonsense; when the line was read is then the better word.
    if not evidence.began_ns <= at_ns <= first.read_ns:
        at_ns = first.read_ns
    return round((at_ns - evidence.began_ns) / 1e6, 3)


def decided_ms(evidence: Evidence) -> float:
    """Milliseconds from just before ``docker kill`` to the moment at which the verdict was decided."""
    return round((evidence.decided_ns - evidence.began_ns) / 1e6, 3)


def _evidence(result: Result) -> doc.Evidence:
    logs = tuple(line.text[:_MOST_TEXT] for line in result.shown.evidence.logs[-_MOST_LINES:])
    evidence = result.evidence
    if evidence is None:
        return doc.Evidence(
            pid1=None,
            chain=(),
            tree=None,
            logs=logs,
            events=(),
            trace=None,
            path=None,
            probe=None,
            reproduce=result.reproduce,
        )
    steps = signal_path(evidence)
    return doc.Evidence(
        pid1=evidence.pid1.args if evidence.pid1 else None,
        chain=evidence.chain,
        tree=doc.Tree(before=_tree(evidence.before), after=_tree(evidence.after)),
        logs=logs,
        events=tuple(
            doc.Event(action=event.action, time_ns=event.time_ns, exit_code=event.exit_code, signal=event.signal)
            for event in evidence.events
        ),
        trace=None if evidence.trace is None else tuple(_records(evidence.trace)),
        path=None if steps is None else tuple(_step(step) for step in steps),
        probe=_of_probe(evidence),
        reproduce=result.reproduce,
    )


def _of_probe(evidence: Evidence) -> doc.StopFound | doc.ExitFound | doc.ReapFound | None:
    """What only one of the probes sees."""
    match evidence:
        case StopEvidence():
            return doc.StopFound(
                grace_s=evidence.grace_s,
                took_s=round(evidence.took_s, 3),
                forced=evidence.forced,
                request=evidence.request,
            )
        case ExitEvidence():
            return doc.ExitFound(codes=tuple(doc.Code(app=given, container=seen) for given, seen in evidence.codes))
        case ReapEvidence():
            return doc.ReapFound(orphan=_process(evidence.orphan), zombie=evidence.zombie)
        case _:
            return None


def _tree(tree: Tree) -> tuple[doc.Process, ...]:
    return tuple(_process(process) for process in tree)


def _process(process: Process) -> doc.Process:
    return doc.Process(
        pid=process.pid,
        inner_pid=process.inner_pid,
        ppid=process.ppid,
        pgid=process.pgid,
        state=process.state,
        caught=_names(process.caught),
        ignored=_names(process.ignored),
        blocked=_names(process.blocked),
        args=process.args,
    )


def _names(mask: int) -> tuple[str, ...]:
    return tuple(signal.name for signal in mask_signals(mask))


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


def _step(step: way.Step) -> doc.Step:
    match step:
        case Send():
            return doc.SendStep(
                at_us=step.at_us,
                sender=_party(step.sender),
                to=_party(step.receiver),
                signal=step.signal.name,
                fate=step.fate,
            )
        case Take():
            return doc.TakeStep(
                at_us=step.at_us,
                process=_party(step.process),
                signal=step.signal.name,
                by_handler=step.by_handler,
            )
        case End():
            return doc.EndStep(at_us=step.at_us, process=_party(step.process), by=step.by.name if step.by else None)


def _party(party: way.Party) -> doc.Party:
    return doc.Party(pid=party.pid, name=party.name)
