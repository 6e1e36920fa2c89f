"""The results document as JSON: what is written, and what its schema says of it."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness import __version__
from harness.core.document import SCHEMA
from harness.core.evidence import LogLine
from harness.core.question import Probe
from harness.core.verdict import Verdict
from harness.report.decoding import read_document
from harness.report.json import render, schema
from tests.support.everything import EVERYTHING
from tests.support.evidence import changed
from tests.support.reports import BASE, SWALLOWED, UNTESTED, report, result

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.core.document import Document

VALIDATOR = jsonschema.Draft202012Validator(schema())


def written(document: Document) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(render(document))
    return loaded


def process(pid: int, inner: int, ppid: int, argv: list[str], **masks: list[str]) -> dict[str, Any]:
    return {
        "pid": pid,
        "inner_pid": inner,
        "ppid": ppid,
        "pgid": 1001,
        "state": "S",
        "caught": masks.get("caught", []),
        "ignored": masks.get("ignored", []),
        "blocked": [],
        "fetches": None,
        "argv": argv,
    }


SH, APP = ["/bin/sh", "-c", "node server.js"], ["node", "server.js"]
TREE = [
    process(1001, 1, 900, SH, ignored=["SIGPIPE"]),
    process(1007, 7, 1001, APP, caught=["SIGTERM", "32"]),
]
TOLD = {
    "pid": 1,
    "command": "/bin/sh -c node server.js",
    "parent": None,
    "app": False,
    "told": True,
    "by": "docker",
    "after_ms": 0.0,
    "became": "dropped by the kernel",
    "end": "still there",
    "inferred": False,
    "signal": None,
}
NOT_TOLD = {
    "pid": 7,
    "command": "node server.js",
    "parent": 0,
    "app": True,
    "told": False,
    "by": None,
    "after_ms": None,
    "became": None,
    "end": "still there",
    "inferred": False,
    "signal": None,
}
SMALL = {
    "schema": 2,
    "tool": {"name": "signal-harness", "version": __version__},
    "started": "2026-01-02T03:04:05Z",
    "duration_s": 1.25,
    "engines": {
        "Docker Engine": {
            "name": "Docker Engine",
            "version": "28.1",
            "api": "1.49",
            "runtime": "runc 1.2",
            "init": "docker-init 0.19",
            "kernel": "6.12",
            "builder": "BuildKit",
            "trace": True,
        }
    },
    "bases": {
        "local:musl-node24": {
            "reference": "local:musl-node24",
            "id": "sha256:abc",
            "digest": "node@sha256:def",
            "os": "alpine 3.22",
            "libc": "musl 1.2.5",
            "shell": "BusyBox v1.37.0 ash",
            "programs": {"node": "24.11.1", "npm": "11.6.2", "tini": "0.19.0", "dumb-init": "1.2.5"},
            "stop_signal": "SIGQUIT",
            "entrypoint": ["docker-entrypoint.sh"],
            "entrypoint_sha256": "0f" * 32,
        }
    },
    "subjects": {
        "naive": {
            "title": "the naive",
            "dockerfile": "dockerfiles/naive.Dockerfile",
            "target": None,
            "init": False,
            "digest": "0123456789ab",
            "starting": [{"line": 9, "text": "CMD node server.js"}],
            "exchanged": [],
        },
        "slow": {
            "title": "the slow",
            "dockerfile": "slow.Dockerfile",
            "target": None,
            "init": False,
            "digest": None,
            "starting": [],
            "exchanged": [],
        },
    },
    "judged": None,
    "shard": None,
    "cut": None,
    "results": [
        {
            "engine": "Docker Engine",
            "column": None,
            "base": "local:musl-node24",
            "subject": "naive",
            "probe": "signal",
            "signal": "SIGTERM",
            "verdict": "swallowed",
            "rule": "SH001",
            "ignored": None,
            "delivery": "none",
            "deliveries": 0,
            "sent": 0,
            "outcome": "running",
            "exit_code": None,
            "reason": "PID 1 is `/bin/sh -c node server.js`: no handler for SIGTERM, so the kernel dropped it",
            "runs": [
                {
                    "verdict": "swallowed",
                    "reason": "PID 1 is `/bin/sh -c node server.js`: no handler for SIGTERM, so the kernel dropped it",
                    "deliveries": 0,
                    "exit_code": None,
                    "decided_ms": 2.5,
                    "ground": "masks",
                    "earlier": [],
                }
            ],
            "shown": 0,
            "latency_ms": None,
            "expected": "never",
            "required": [],
            "linter": "JSONArgsRecommended",
            "claim": {"text": "it works", "source": "an article", "held": "refuted"},
            "start": {"entrypoint": [], "command": ["/bin/sh", "-c", "node server.js"], "stop_signal": None},
            "advice": [
                "In the Dockerfile:",
                '  CMD ["node", "server.js"]',
                ("`/bin/sh -c node server.js` stays as PID 1 and forwards no signal."),
            ],
            "tried": [],
            "finding": None,
            "evidence": {
                "main": SH,
                "apps": [{"pid": 7, "command": "node server.js", "why": "it wrote the ready line"}],
                "chain": [SH, APP],
                "tree": {"before": TREE, "after": TREE},
                "logs": ["Listening"],
                "events": [{"action": "kill", "time_ns": 17, "exit_code": None, "signal": 15}],
                "trace": [
                    {
                        "event": "sent",
                        "time_s": 1.5,
                        "signal": 15,
                        "from": {"pid": 5, "name": "runc"},
                        "to": {"pid": 1001, "name": "sh"},
                        "fate": "ignored",
                        "by_kernel": False,
                    }
                ],
                "path": {
                    "participants": [
                        {"pid": None, "name": "docker", "role": "starter", "app": False},
                        {"pid": 1, "name": "/bin/sh -c node server.js", "role": "process", "app": False},
                        {"pid": 7, "name": "node server.js", "role": "process", "app": True},
                    ],
                    "steps": [
                        {
                            "at_us": 0,
                            "kind": "send",
                            "who": 0,
                            "to": 1,
                            "signal": "SIGTERM",
                            "outcome": "ignored",
                            "label": "SIGTERM",
                            "fate": "dropped by the kernel",
                            "words": (
                                "docker sends SIGTERM to /bin/sh -c node server.js (PID 1): dropped by the kernel"
                            ),
                        }
                    ],
                },
                "roll_call": [TOLD, NOT_TOLD],
                "reproduce": ["docker run x", "docker kill x"],
            },
        },
        {
            "engine": "Docker Engine",
            "column": None,
            "base": "local:musl-node24",
            "subject": "slow",
            "probe": "signal",
            "signal": "SIGTERM",
            "verdict": "untested",
            "rule": None,
            "ignored": None,
            "delivery": None,
            "deliveries": None,
            "sent": None,
            "outcome": None,
            "exit_code": None,
            "reason": "no ready line within 30 s",
            "runs": [
                {
                    "verdict": "untested",
                    "reason": "no ready line within 30 s",
                    "deliveries": None,
                    "exit_code": None,
                    "decided_ms": None,
                    "ground": None,
                    "earlier": [],
                }
            ],
            "shown": 0,
            "latency_ms": None,
            "expected": "depends",
            "required": [],
            "linter": None,
            "claim": None,
            "start": None,
            "advice": ["Make the cell testable first: see the reason."],
            "tried": [],
            "finding": None,
            "evidence": {
                "main": None,
                "apps": [],
                "chain": [],
                "tree": None,
                "logs": ["starting"],
                "events": [],
                "trace": None,
                "path": None,
                "roll_call": [],
                "reproduce": [],
            },
        },
    ],
}


SMALL_DOCUMENT = changed(
    report(EVERYTHING.results[0], result("slow", UNTESTED)),
    engines=EVERYTHING.engines,
    bases=EVERYTHING.bases,
    subjects={name: EVERYTHING.subjects[name] for name in ("naive", "slow")},
)


def test_a_small_document_is_written_whole() -> None:
    assert render(SMALL_DOCUMENT) == json.dumps(SMALL, indent=2, ensure_ascii=False) + "\n"


def test_comparisons_are_not_in_it() -> None:
    assert render(SMALL_DOCUMENT, ()) == render(SMALL_DOCUMENT)


def test_the_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_the_schema_is_that_of_the_documents_number() -> None:
    assert schema()["$id"] == f"urn:signal-harness:results:{SCHEMA}"
    assert EVERYTHING.schema == SCHEMA


@pytest.mark.parametrize("document", [EVERYTHING, SMALL_DOCUMENT, report()], ids=["everything", "small", "nothing"])
def test_what_is_written_is_valid(document: Document) -> None:
    VALIDATOR.validate(written(document))


def test_what_is_written_holds_every_verdict_and_every_probe_tested_and_untested() -> None:
    rows = written(EVERYTHING)["results"]
    assert {row["verdict"] for row in rows} == set(Verdict)
    for probe in Probe:
        verdicts = {row["verdict"] for row in rows if row["probe"] == probe}
        assert "untested" in verdicts
        assert verdicts - {"untested"}


def objects(part: Any) -> list[dict[str, Any]]:
    """Every part of a schema that says what an object's keys are."""
    parts = list(part.values()) if isinstance(part, dict) else part
    here = [part] if isinstance(part, dict) and part.get("type") == "object" else []
    return here + [inner for one in parts if isinstance(one, (dict, list)) for inner in objects(one)]


def test_the_schema_lets_no_key_be_unknown_or_missing() -> None:
    strict = [part for part in objects(schema()) if "properties" in part]
    assert len(strict) >= 20
    for part in strict:
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])


def test_every_other_object_of_the_schema_is_a_table_of_one_kind_of_values() -> None:
    for part in objects(schema()):
        assert "properties" in part or part["additionalProperties"]


def spoil(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    spoiled = copy.deepcopy(written(EVERYTHING))
    change(spoiled)
    return spoiled


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(schema=1),
        lambda d: d.update(extra=1),
        lambda d: d.pop("engines"),
        lambda d: d["tool"].pop("version"),
        lambda d: d["engines"]["Docker Engine"].update(kernel=None),
        lambda d: d["engines"]["Docker Engine"].pop("trace"),
        lambda d: d["engines"]["Docker Engine"].update(trace="yes"),
        lambda d: d["bases"].update(x={}),
        lambda d: d["bases"][BASE].pop("programs"),
        lambda d: d["bases"][BASE]["programs"].update(tini=1),
        lambda d: d["bases"][BASE].update(entrypoint_sha256=7),
        lambda d: d.pop("subjects"),
        lambda d: d["subjects"]["naive"].pop("digest"),
        lambda d: d["subjects"]["naive"].update(init=None),
        lambda d: d["subjects"]["naive"]["starting"][0].update(line="9"),
        lambda d: d["results"][0].update(verdict="fine"),
        lambda d: d["results"][0].update(outcome="gone"),
        lambda d: d["results"][0].update(deliveries="once"),
        lambda d: d["results"][0].update(probe="look"),
        lambda d: d["results"][0].pop("probe"),
        lambda d: d["results"][0].pop("engine"),
        lambda d: d["results"][0]["claim"].update(held="maybe"),
        lambda d: d["results"][0]["start"].pop("command"),
        lambda d: d["results"][0]["runs"][0].pop("reason"),
        lambda d: d["results"][0].update(finding={}),
        lambda d: d["results"][0]["evidence"]["events"][0].update(signal="SIGTERM"),
        lambda d: d["results"][0]["evidence"]["trace"][0].pop("by_kernel"),
        lambda d: d["results"][3].update(delivery="never"),
        lambda d: d["results"][0].update(advice=None),
        lambda d: d["results"][0]["evidence"].update(chain=None),
        lambda d: d["results"][0]["evidence"].update(chain=["node server.js"]),
        lambda d: d["results"][0]["evidence"]["path"]["steps"][0].update(kind="take"),
        lambda d: d["results"][0]["evidence"]["path"]["steps"][0].update(signal=15),
        lambda d: d["results"][0]["evidence"]["path"]["steps"][0].pop("words"),
        lambda d: d["results"][0]["evidence"]["path"]["participants"][0].update(role="engine"),
        lambda d: d["results"][8]["finding"].pop("brief"),
        lambda d: d["results"][8]["finding"].update(facts=[]),
        lambda d: d["results"][8]["finding"]["facts"].update(grace_s=[3]),
        lambda d: d["results"][14]["finding"].update(marked={"1020": 7}),
        lambda d: d["results"][0].update(runs=None),
        lambda d: d["results"][0]["evidence"]["trace"][0].update(fate="eaten"),
        lambda d: d["results"][0]["evidence"]["trace"][0].pop("to"),
        lambda d: d["results"][0]["evidence"]["tree"]["before"][0].update(caught=[15]),
    ],
)
def test_a_spoiled_document_is_not_valid(change: Callable[[dict[str, Any]], object]) -> None:
    assert not VALIDATOR.is_valid(spoil(change))


@given(st.text(), st.text())
@example("\x00\x1b[31m\x7f\x85\u2028\ufeff", "")
@example("\"\\'`{}[]", "\t \r\n\x0b")
@example("😀👩\u200d🚀 \U0010ffff", '-c "echo 😀"')
def test_any_text_from_a_container_is_written_and_valid_and_read_back(log: str, command: str) -> None:
    logs = (LogLine(at_ns=1, text=log),)
    before = tuple(changed(process, argv=(command,)) for process in SWALLOWED.seen.before)
    document = report(result("v", changed(SWALLOWED, logs=logs, before=before)))
    VALIDATOR.validate(written(document))
    (row,) = written(document)["results"]
    assert row["evidence"]["logs"] == [log[:1000]]
    assert row["evidence"]["chain"] == [[command], [command]]
    assert read_document(render(document).encode(), place="b.json") == document
