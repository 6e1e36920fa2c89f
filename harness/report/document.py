"""Results as one JSON document of schema 1, and back as far as baselines need it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from harness import __version__
from harness.core.errors import UsageError
from harness.core.model import Evidence, Verdict, base_label
from harness.core.signals import mask_signals
from harness.core.trace import Handled, Sent

if TYPE_CHECKING:
    from harness.core.model import Process, Report, Result, Run, Tree
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
            verdicts[f"{base_label(row['base'])}/{row['variant']}/{row['signal']}"] = Verdict(row["verdict"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f"{place}: results[{number}] is no result: {error}") from error
    return verdicts


def _result(result: Result) -> dict[str, Any]:
    cell, claim, evidence = result.cell, result.cell.variant.claim, result.evidence
    return {
        "base": cell.base,
        "variant": cell.variant.name,
        "signal": cell.signal.name,
        "verdict": result.verdict,
        "delivery": result.judgement.delivery,
        "deliveries": evidence.deliveries if evidence else 0,
        "sent": evidence.sends if evidence and evidence.trace is not None else None,
        "outcome": result.judgement.outcome,
        "exit_code": evidence.exit_code if evidence else None,
        "reason": result.judgement.reason,
        "runs": [_run(run) for run in result.runs],
        "latency_ms": latency_ms(evidence) if evidence else None,
        "expected": result.expected,
        "claim": {"text": claim.text, "source": claim.source} if claim else None,
        "evidence": _evidence(result),
    }


def _run(run: Run) -> dict[str, Any]:
    evidence = run.evidence if isinstance(run.evidence, Evidence) else None
    return {
        "verdict": run.judgement.verdict,
        "deliveries": evidence.deliveries if evidence else 0,
        "exit_code": evidence.exit_code if evidence else None,
        "decided_ms": decided_ms(evidence) if evidence else None,
        "ground": evidence.ground if evidence else None,
    }


def latency_ms(evidence: Evidence) -> float | None:
    """Milliseconds from just before ``docker kill`` to the app's handler, by the app's clock where it logs one."""
    first = next((receipt for receipt in evidence.receipts if receipt.signal == evidence.sent.name), None)
    if first is None:
        return None
    at_ns = first.at_ns or first.read_ns
    # A clock that is not ours (a virtual machine's) gives nonsense; when the line was read is then the better word.
    if not evidence.sent_ns <= at_ns <= first.read_ns:
        at_ns = first.read_ns
    return round((at_ns - evidence.sent_ns) / 1e6, 3)


def decided_ms(evidence: Evidence) -> float:
    """Milliseconds from just before ``docker kill`` to the moment at which the verdict was decided."""
    return round((evidence.decided_ns - evidence.sent_ns) / 1e6, 3)


def _evidence(result: Result) -> dict[str, Any]:
    run = result.shown.evidence
    logs = [line.text[:_MOST_TEXT] for line in run.logs[-_MOST_LINES:]]
    evidence = result.evidence
    if evidence is None:
        return {"pid1": None, "tree": None, "logs": logs, "events": [], "trace": None, "reproduce": []}
    return {
        "pid1": evidence.pid1.args if evidence.pid1 else None,
        "tree": {"before": _tree(evidence.before), "after": _tree(evidence.after)},
        "logs": logs,
        "events": [
            {"action": event.action, "time_ns": event.time_ns, "exit_code": event.exit_code}
            for event in evidence.events
        ],
        "trace": None if evidence.trace is None else [_record(record) for record in evidence.trace],
        "reproduce": list(result.reproduce),
    }


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
            }
        case Handled():
            return {
                "event": "handled",
                "time_s": record.time_s,
                "signal": record.number,
                "by": {"pid": record.pid, "name": record.comm},
                "default_action": record.handler == 0,
            }
        case _:
            return {"event": "lost"}
