"""Results as one JSON document of schema 1, and back as far as baselines need it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from harness import __version__
from harness.core.claims import claim_of, lint
from harness.core.errors import UsageError
from harness.core.model import (
    ExitEvidence,
    Probe,
    ReapEvidence,
    SignalEvidence,
    StopEvidence,
    Untested,
    Verdict,
    base_label,
)
from harness.core.signals import mask_signals
from harness.core.trace import Handled, Sent

if TYPE_CHECKING:
    from harness.core.model import Evidence, Process, Report, Result, Run, StartCommand, Tree
    from harness.core.trace import TraceRecord

SCHEMA: Final = 1
_MOST_LINES: Final = 200
_MOST_TEXT: Final = 1000


def schema() -> dict[str, Any]:
    """The published JSON Schema of the document."""
    loaded: dict[str, Any] = json.loads(files("harness.report").joinpath("schema-1.json").read_text(encoding="utf-8"))
    return loaded


def write(report: Report) -> str:
    """Give a report as JSON text."""
    document = {
        "schema": SCHEMA,
        "tool": {"name": "signal-harness", "version": __version__},
        "started": report.started,
        "duration_s": report.duration_s,
        "engine": {
            key: getattr(report.engine, key)
            for key in ("name", "version", "api", "runtime", "init", "kernel", "builder")
        },
        "bases": {
            reference: {
                "id": facts.id,
                "digest": facts.digest,
                "os": facts.os,
                "libc": facts.libc,
                "shell": facts.shell,
                "node": facts.node,
                "npm": facts.npm,
                "stop_signal": facts.stop_signal,
                "entrypoint": list(facts.entrypoint),
            }
            for reference, facts in report.bases.items()
        },
        "results": [_result(result) for result in report.results],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def read_verdicts(text: str, *, place: str) -> dict[str, Verdict]:
    """Read the verdicts of a document by cell id, for use as a baseline.

    Raises:
        UsageError: it is no results document of this schema; the message names the place.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"{place}:{error.lineno}:{error.colno}: no valid JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{place}: no JSON that can be read: {error}") from error
    if not isinstance(document, dict) or "schema" not in document:
        raise UsageError(f"{place} is no results file of signal-harness")
    if document["schema"] != SCHEMA or isinstance(document["schema"], bool):
        raise UsageError(
            f"{place} has schema {document['schema']!r}",
            remedy=f"This version of signal-harness reads schema {SCHEMA}.",
        )
    verdicts: dict[str, Verdict] = {}
    if not isinstance(document.get("results"), list):
        raise UsageError(f"{place}: results is no list")
    for number, row in enumerate(document["results"]):
        try:
            question = row["signal"] if row["probe"] == Probe.SIGNAL else Probe(row["probe"])
            verdicts[f"{base_label(row['base'])}/{row['variant']}/{question}"] = Verdict(row["verdict"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"{place}: results[{number}] is no result: {error}") from error
    return verdicts


def _result(result: Result) -> dict[str, Any]:
    cell, evidence = result.cell, result.evidence
    signalled = evidence if isinstance(evidence, SignalEvidence) else None
    signal = cell.signal or (signalled.sent if signalled else None)
    return {
        "base": cell.base,
        "variant": cell.variant.name,
        "probe": cell.probe,
        "signal": signal.name if signal else None,
        "verdict": result.verdict,
        "delivery": result.judgement.delivery,
        "deliveries": signalled.deliveries if signalled else 0,
        "sent": signalled.sends if signalled and signalled.trace is not None else None,
        "outcome": result.judgement.outcome,
        "exit_code": evidence.exit_code if evidence else None,
        "reason": result.judgement.reason,
        "runs": [_run(run) for run in result.runs],
        "latency_ms": latency_ms(signalled) if signalled else None,
        "expected": result.expected,
        "linter": lint(result.start) if result.start else None,
        "claim": _claim(result),
        "start": _start(result.start) if result.start else None,
        "evidence": _evidence(result),
    }


def _claim(result: Result) -> dict[str, Any] | None:
    claim = result.cell.variant.claim
    return {"text": claim.text, "source": claim.source, "held": claim_of(result)} if claim else None


def _start(start: StartCommand) -> dict[str, Any]:
    return {
        "entrypoint": list(start.entrypoint),
        "command": list(start.command),
        "stop_signal": start.stop_signal,
    }


def _run(run: Run) -> dict[str, Any]:
    evidence = None if isinstance(run.evidence, Untested) else run.evidence
    signalled = evidence if isinstance(evidence, SignalEvidence) else None
    return {
        "verdict": run.judgement.verdict,
        "reason": run.judgement.reason,
        "deliveries": signalled.deliveries if signalled else 0,
        "exit_code": evidence.exit_code if evidence else None,
        "decided_ms": decided_ms(evidence) if evidence else None,
        "ground": signalled.ground if signalled else None,
    }


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


def _evidence(result: Result) -> dict[str, Any]:
    run = result.shown.evidence
    logs = [line.text[:_MOST_TEXT] for line in run.logs[-_MOST_LINES:]]
    evidence = result.evidence
    told: dict[str, Any] = {"pid1": None, "tree": None, "logs": logs, "events": [], "trace": None}
    if evidence is not None:
        told |= {
            "pid1": evidence.pid1.args if evidence.pid1 else None,
            "tree": {"before": _tree(evidence.before), "after": _tree(evidence.after)},
            "events": [
                {
                    "action": event.action,
                    "time_ns": event.time_ns,
                    "exit_code": event.exit_code,
                    "signal": event.signal,
                }
                for event in evidence.events
            ],
            "trace": None if evidence.trace is None else [_record(record) for record in evidence.trace],
        }
    return told | {"probe": _of_probe(evidence), "reproduce": list(result.reproduce)}


def _of_probe(evidence: Evidence | None) -> dict[str, Any] | None:
    """What only one of the probes sees."""
    match evidence:
        case StopEvidence():
            return {
                "grace_s": evidence.grace_s,
                "took_s": round(evidence.took_s, 3),
                "forced": evidence.forced,
                "request": evidence.request,
            }
        case ExitEvidence():
            return {"codes": [{"app": given, "container": seen} for given, seen in evidence.codes]}
        case ReapEvidence():
            return {"orphan": _process(evidence.orphan), "zombie": evidence.zombie}
        case _:
            return None


def _tree(tree: Tree) -> list[dict[str, Any]]:
    return [_process(process) for process in tree]


def _process(process: Process) -> dict[str, Any]:
    return {
        "pid": process.pid,
        "inner_pid": process.inner_pid,
        "ppid": process.ppid,
        "pgid": process.pgid,
        "state": process.state,
        "caught": [signal.name for signal in mask_signals(process.caught)],
        "ignored": [signal.name for signal in mask_signals(process.ignored)],
        "blocked": [signal.name for signal in mask_signals(process.blocked)],
        "args": process.args,
    }


def _record(record: TraceRecord) -> dict[str, Any]:
    match record:
        case Sent():
            return {
                "event": "sent",
                "time_s": record.time_s,
                "signal": record.number,
                "from": {"pid": record.sender_pid, "name": record.sender},
                "to": {"pid": record.target_pid, "name": record.target},
                "fate": record.fate,
                "by_kernel": record.by_kernel,
            }
        case Handled():
            return {
                "event": "handled",
                "time_s": record.time_s,
                "signal": record.number,
                "by": {"pid": record.pid, "name": record.comm},
                "default_action": record.handler == 0,
            }
