"""The results document: what is written, what its schema says of it, and what is read back."""

from __future__ import annotations

import copy
import json
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jsonschema
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import inspect

from harness import __version__
from harness.core.claims import LINT_RULE
from harness.core.errors import UsageError
from harness.core.evidence import LogLine, Receipt
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.subject import Claim, Expectation, Variant
from harness.core.trace import Fate, Handled, Sent
from harness.core.verdict import Expected, Verdict
from harness.report.describe import decided_ms, describe, latency_ms
from harness.report.document import SCHEMA, Document, decode, decode_as, encode, kind_of, schema
from tests.support.reports import (
    ABRUPT,
    APP,
    BASE,
    ENGINE,
    FACTS,
    FORCED,
    FORWARDED,
    GRACEFUL,
    KEPT,
    KILLED,
    LOST,
    REAPED,
    SOURCE,
    START,
    SWALLOWED,
    TO_APP,
    UNTESTED,
    ZOMBIE,
    report,
    result,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.core.result import Report

VALIDATOR = jsonschema.Draft202012Validator(schema())
INTERRUPTED = (Receipt(signal="SIGINT", at_ns=None, read_ns=1_002_000_000),)
DYING = Handled(time_s=1.75, comm="node", pid=1007, number=9, handler=0)
EVERYTHING = report(
    result(
        "naive",
        SWALLOWED,
        claim=Claim(text="it works", source="an article", forwards=Expectation(forwards=Expected.ALWAYS)),
        start=START,
        expected=Expected.NEVER,
    ),
    result("node", FORWARDED, expected=Expected.ALWAYS),
    result("npm", KILLED),
    result("slow", UNTESTED),
    result("flaky", FORWARDED, SWALLOWED, UNTESTED, signal=Signal(37)),
    result("twice", replace(FORWARDED, receipts=FORWARDED.receipts * 2)),
    result("early", replace(KILLED, receipts=FORWARDED.receipts)),
    result("other", replace(FORWARDED, receipts=(Receipt(signal="SIGINT", at_ns=None, read_ns=1),))),
    result("well", GRACEFUL, probe=Probe.STOP, claim=Claim(text="it stops", source="a blog")),
    result("soon", ABRUPT, probe=Probe.STOP, start=replace(START, stop_signal="SIGTERM")),
    result("late", FORCED, probe=Probe.STOP),
    result("same", KEPT, probe=Probe.EXIT_CODE),
    result("wrong", LOST, probe=Probe.EXIT_CODE),
    result("clean", REAPED, probe=Probe.REAP),
    result("undead", ZOMBIE, probe=Probe.REAP),
    result("typed", replace(FORWARDED, sent=Signal(2), typed=True, receipts=INTERRUPTED), probe=Probe.TTY),
    result("now and then", REAPED, ZOMBIE, probe=Probe.REAP),
    result("dies of it", replace(KILLED, before=(replace(APP, ppid=900, caught=0),), trace=(TO_APP, DYING))),
    result("dies by itself", replace(KILLED, before=FORWARDED.before, trace=(TO_APP, DYING))),
    *(result(f"no {probe}", UNTESTED, probe=probe) for probe in Probe),
    engine=replace(ENGINE, trace=True),
    facts=replace(
        FACTS,
        digest="node@sha256:def",
        tini="0.19.0",
        dumb_init="1.2.5",
        stop_signal="SIGQUIT",
        entrypoint=("docker-entrypoint.sh",),
        entrypoint_sha256="0f" * 32,
    ),
    sources={"naive": SOURCE},
)


def written(made: Report) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(encode(describe(made)))
    return loaded


def document() -> dict[str, Any]:
    return written(EVERYTHING)


def read(loaded: object) -> Document:
    return decode(json.dumps(loaded).encode(), place="b.json")


def refusal(content: bytes) -> UsageError:
    with pytest.raises(UsageError) as caught:
        decode(content, place="b.json")
    assert caught.value.message.startswith("b.json")
    assert caught.value.remedy
    assert caught.value.exit_code == 2
    return caught.value


def process(pid: int, inner: int, ppid: int, args: str, **masks: list[str]) -> dict[str, Any]:
    return {
        "pid": pid,
        "inner_pid": inner,
        "ppid": ppid,
        "pgid": 1001,
        "state": "S",
        "caught": masks.get("caught", []),
        "ignored": masks.get("ignored", []),
        "blocked": [],
        "args": args,
    }


TREE = [
    process(1001, 1, 900, "/bin/sh -c node server.js", ignored=["SIGPIPE"]),
    process(1007, 7, 1001, "node server.js", caught=["SIGTERM", "32"]),
]
SMALL = {
    "schema": 1,
    "tool": {"name": "signal-harness", "version": __version__},
    "started": "2026-01-02T03:04:05Z",
    "duration_s": 1.25,
    "engine": {
        "name": "Docker Engine",
        "version": "28.1",
        "api": "1.49",
        "runtime": "runc 1.2",
        "init": "docker-init 0.19",
        "kernel": "6.12",
        "builder": "BuildKit",
        "trace": True,
    },
    "bases": {
        "local:musl-node24": {
            "id": "sha256:abc",
            "digest": "node@sha256:def",
            "os": "alpine 3.22",
            "libc": "musl 1.2.5",
            "shell": "BusyBox v1.37.0 ash",
            "node": "24.11.1",
            "npm": "11.6.2",
            "tini": "0.19.0",
            "dumb_init": "1.2.5",
            "stop_signal": "SIGQUIT",
            "entrypoint": ["docker-entrypoint.sh"],
            "entrypoint_sha256": "0f" * 32,
        }
    },
    "variants": {
        "naive": {
            "title": "the naive",
            "dockerfile": "dockerfiles/naive.Dockerfile",
            "target": None,
            "init": False,
            "digest": "0123456789ab",
            "starting": [{"line": 9, "text": "CMD node server.js"}],
        },
        "slow": {
            "title": "the slow",
            "dockerfile": "slow.Dockerfile",
            "target": None,
            "init": False,
            "digest": None,
            "starting": [],
        },
    },
    "results": [
        {
            "base": "local:musl-node24",
            "variant": "naive",
            "probe": "signal",
            "signal": "SIGTERM",
            "verdict": "swallowed",
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
                }
            ],
            "latency_ms": None,
            "expected": "never",
            "linter": "JSONArgsRecommended",
            "claim": {"text": "it works", "source": "an article", "held": "refuted"},
            "start": {"entrypoint": [], "command": ["/bin/sh", "-c", "node server.js"], "stop_signal": None},
            "advice": [
                'Start the app itself:\n  CMD ["node", "server.js"]',
                (
                    "`/bin/sh -c node server.js`: a shell stays between PID 1 and the app and hands no signal on; "
                    "the exec form starts none."
                ),
            ],
            "evidence": {
                "pid1": "/bin/sh -c node server.js",
                "chain": ["/bin/sh -c node server.js", "node server.js"],
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
                "path": [
                    {
                        "step": "send",
                        "at_us": 0,
                        "from": {"pid": None, "name": "docker"},
                        "to": {"pid": 1, "name": "/bin/sh -c node server.js"},
                        "signal": "SIGTERM",
                        "fate": "ignored",
                    }
                ],
                "probe": None,
                "reproduce": ["docker run x", "docker kill x"],
            },
        },
        {
            "base": "local:musl-node24",
            "variant": "slow",
            "probe": "signal",
            "signal": "SIGTERM",
            "verdict": "untested",
            "delivery": None,
            "deliveries": 0,
            "sent": None,
            "outcome": None,
            "exit_code": None,
            "reason": "no ready line within 30 s",
            "runs": [
                {
                    "verdict": "untested",
                    "reason": "no ready line within 30 s",
                    "deliveries": 0,
                    "exit_code": None,
                    "decided_ms": None,
                    "ground": None,
                }
            ],
            "latency_ms": None,
            "expected": "depends",
            "linter": None,
            "claim": None,
            "start": None,
            "advice": ["Make the cell testable first: see the reason."],
            "evidence": {
                "pid1": None,
                "chain": [],
                "tree": None,
                "logs": ["starting"],
                "events": [],
                "trace": None,
                "path": None,
                "probe": None,
                "reproduce": [],
            },
        },
    ],
}


SMALL_REPORT = replace(EVERYTHING, results=(EVERYTHING.results[0], result("slow", UNTESTED)))


def test_a_small_report_is_written_whole() -> None:
    assert encode(describe(SMALL_REPORT)) == json.dumps(SMALL, indent=2, ensure_ascii=False) + "\n"


def test_the_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_what_is_written_is_valid_and_holds_every_verdict() -> None:
    VALIDATOR.validate(document())
    assert {row["verdict"] for row in document()["results"]} == set(Verdict)


def test_the_document_holds_every_probe_tested_and_untested() -> None:
    for probe in Probe:
        verdicts = [row["verdict"] for row in document()["results"] if row["probe"] == probe]
        assert "untested" in verdicts
        assert set(verdicts) - {"untested"}


def test_each_probe_tells_what_only_it_sees() -> None:
    told = {row["variant"]: row["evidence"]["probe"] for row in document()["results"]}
    assert told["well"] == {"kind": "stop", "grace_s": 3, "took_s": 0.25, "forced": False, "request": "answered"}
    assert told["late"] == {"kind": "stop", "grace_s": 3, "took_s": 3.062, "forced": True, "request": None}
    assert told["wrong"] == {
        "kind": "exit-code",
        "codes": [{"app": 42, "container": 1}, {"app": 0, "container": 0}, {"app": 143, "container": None}],
    }
    assert told["undead"] == {"kind": "reap", "orphan": process(1020, 20, 1001, "sleep 3600"), "zombie": True}
    assert told["typed"] is None
    assert [told[f"no {probe}"] for probe in Probe] == [None] * 5


def test_the_signal_is_the_one_that_was_sent_and_none_where_none_was() -> None:
    told = {row["variant"]: row["signal"] for row in document()["results"]}
    assert (told["naive"], told["well"], told["typed"]) == ("SIGTERM", "SIGTERM", "SIGINT")
    assert (told["same"], told["clean"], told["no stop"], told["no tty"]) == (None, None, None, None)
    assert told["no signal"] == "SIGTERM"


def test_there_is_no_delivery_where_no_signal_is_at_stake() -> None:
    told = {row["variant"]: row["delivery"] for row in document()["results"]}
    assert (told["well"], told["soon"], told["typed"]) == ("once", "none", "once")
    assert [told[name] for name in ("same", "clean", "undead", "slow")] == [None] * 4


def test_a_stop_is_told_by_its_events() -> None:
    (row,) = (row for row in document()["results"] if row["variant"] == "well")
    assert row["evidence"]["events"] == [
        {"action": "kill", "time_ns": 17, "exit_code": None, "signal": 15},
        {"action": "die", "time_ns": 250_000_017, "exit_code": 0, "signal": None},
    ]


def test_a_signal_of_the_kernels_own_is_told_as_one() -> None:
    typed = Sent(
        time_s=1.5, sender="x", sender_pid=3, number=2, target="n", target_pid=1007, fate=Fate.DELIVERED, by_kernel=True
    )
    (row,) = written(report(result("v", replace(FORWARDED, trace=(typed,)))))["results"]
    assert row["evidence"]["trace"][0]["by_kernel"] is True


def test_the_reason_of_every_run_is_told() -> None:
    (row,) = (row for row in document()["results"] if row["variant"] == "now and then")
    assert [run["verdict"] for run in row["runs"]] == ["reaped", "zombie"]
    assert row["runs"][0]["reason"].endswith("and it waited for it")
    assert row["runs"][1]["reason"].endswith("it stays a zombie")


def test_a_cell_in_doubt_is_untested_and_keeps_its_evidence() -> None:
    init = replace(SWALLOWED.before[0], caught=1 << 14, args="dumb-init npm start")
    npm = replace(SWALLOWED.before[1], pid=1005, inner_pid=5, pgid=1005, args="npm start")
    app = replace(SWALLOWED.before[1], ppid=1005, pgid=1005)
    doubtful = replace(FORWARDED, before=(init, npm, app), after=(init, npm, app), trace=None)
    loaded = written(report(result("v", *[doubtful] * 10)))
    VALIDATOR.validate(loaded)
    (row,) = loaded["results"]
    assert (row["verdict"], row["delivery"], row["outcome"], row["deliveries"]) == ("untested", None, None, 1)
    assert [run["verdict"] for run in row["runs"]] == ["forwarded"] * 10
    assert len(row["evidence"]["tree"]["before"]) == 3


def test_a_report_of_nothing_is_valid_and_read_back() -> None:
    nothing = describe(report())
    VALIDATOR.validate(json.loads(encode(nothing)))
    assert decode(encode(nothing).encode(), place="b.json") == nothing


def test_a_variant_is_told_once_whatever_was_asked_of_it() -> None:
    made = report(result("v", FORWARDED), result("v", GRACEFUL, probe=Probe.STOP), sources={"v": SOURCE, "w": SOURCE})
    assert list(written(made)["variants"]) == ["v"]
    assert list(document()["variants"]) == [result.cell.variant.name for result in EVERYTHING.results]


def test_a_variant_tells_its_stage_and_the_engines_init() -> None:
    made = result("v", FORWARDED)
    staged = Variant(name="v", title="t", dockerfile="v.Dockerfile", target="slim", init=True)
    (told,) = written(report(replace(made, cell=replace(made.cell, variant=staged))))["variants"].values()
    assert (told["target"], told["init"]) == ("slim", True)


def test_a_folder_whose_name_is_no_utf_8_is_written() -> None:
    path = os.fsdecode(b"caf\xe9/v.Dockerfile")
    VALIDATOR.validate(written(report(result("v", FORWARDED), sources={"v": replace(SOURCE, path=path)})))


def test_the_path_of_a_signal_ends_as_the_app_does() -> None:
    told = {row["variant"]: row["evidence"]["path"] for row in document()["results"]}
    app = {"pid": 7, "name": "node server.js"}
    assert told["npm"] is None
    assert told["node"] == [{"step": "take", "at_us": 0, "process": app, "signal": "SIGTERM", "by_handler": True}]
    assert [step["step"] for step in told["dies of it"]] == ["send", "end"]
    assert told["dies of it"][1] == {"step": "end", "at_us": 250_000, "process": app, "by": "SIGTERM"}
    assert told["dies by itself"][1] == {"step": "end", "at_us": 250_000, "process": app, "by": None}


def test_a_signal_that_no_handler_takes_is_told_as_one() -> None:
    taken = Handled(time_s=1.5, comm="node", pid=1007, number=15, handler=0)
    (row,) = written(report(result("v", replace(KILLED, trace=(taken,)))))["results"]
    assert row["evidence"]["trace"][0]["default_action"] is True
    assert row["evidence"]["path"][0]["by_handler"] is False


def test_every_cell_is_told_with_advice() -> None:
    assert all(row["advice"] for row in document()["results"])


def test_every_row_knows_its_question() -> None:
    rows = describe(EVERYTHING).results
    assert [row.question for row in rows] == [result.cell.question for result in EVERYTHING.results]


def objects(schema_part: Any) -> list[dict[str, Any]]:
    """Every part of a schema that says what an object's keys are."""
    parts = list(schema_part.values()) if isinstance(schema_part, dict) else schema_part
    found = [schema_part] if isinstance(schema_part, dict) and schema_part.get("type") == "object" else []
    return found + [one for part in parts if isinstance(part, (dict, list)) for one in objects(part)]


def test_the_schema_lets_no_key_be_unknown_or_missing() -> None:
    strict = [part for part in objects(schema()) if "properties" in part]
    assert len(strict) >= 10
    for part in strict:
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])


def of_shape(kind: inspect.Type, place: str = "$") -> Iterator[str]:
    """What the Python shape says of every place in a document, in order."""
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    yield f"{place}: {' | '.join(dict.fromkeys(word for one in kinds for word in words_of(one)))}"
    for one in kinds:
        match one:
            case inspect.StructType():
                if one.tag_field:
                    yield f"{place}.{one.tag_field}: {one.tag!r}"
                for field in one.fields:
                    yield from of_shape(field.type, f"{place}.{field.encode_name}")
            case inspect.VarTupleType():
                yield from of_shape(one.item_type, f"{place}[]")
            case inspect.DictType():
                yield from of_shape(one.value_type, f"{place}{{}}")


def words_of(kind: inspect.Type) -> list[str]:
    match kind:
        case inspect.EnumType():
            return [repr(member.value) for member in kind.cls]
        case inspect.StructType() | inspect.DictType():
            return ["object"]
        case inspect.VarTupleType():
            return ["array"]
        case inspect.NoneType():
            return ["null"]
        case inspect.StrType():
            return ["string"]
        case inspect.BoolType():
            return ["boolean"]
        case inspect.LiteralType(values=values):
            return [repr(value) for value in values]
        case inspect.IntType():
            return ["integer"]
        case inspect.FloatType():
            return ["number"]
    raise AssertionError(kind)


def of_schema(part: dict[str, Any], place: str = "$") -> Iterator[str]:
    """What the JSON Schema says of every place in a document, in order."""
    parts = list(alternatives(part))
    yield f"{place}: {' | '.join(dict.fromkeys(word for one in parts for word in said_by(one)))}"
    for one in parts:
        for key, value in one.get("properties", {}).items():
            yield from of_schema(value, f"{place}.{key}")
        if "items" in one:
            yield from of_schema(one["items"], f"{place}[]")
        if one.get("additionalProperties"):
            yield from of_schema(one["additionalProperties"], f"{place}{{}}")


def alternatives(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in part:
        part = schema()["$defs"][part["$ref"].removeprefix("#/$defs/")]
    several = part.get("anyOf") or part.get("oneOf") or part.get("allOf", [])[:1]
    for one in several:
        yield from alternatives(one)
    if not several:
        yield part


def said_by(part: dict[str, Any]) -> list[str]:
    if "const" in part:
        return [repr(part["const"])]
    if "enum" in part:
        return ["null" if value is None else repr(value) for value in part["enum"]]
    return [part["type"]] if isinstance(part["type"], str) else list(part["type"])


SCHEMA_SAYS_MORE = {
    "$.tool.name: string": "$.tool.name: 'signal-harness'",
    "$.results[].linter: string | null": f"$.results[].linter: {LINT_RULE!r} | null",
    "$.results[].evidence.events[].action: string": "$.results[].evidence.events[].action: 'kill' | 'die' | 'oom'",
}


def test_the_schema_and_the_shape_say_the_same() -> None:
    shape = list(of_shape(inspect.type_info(Document)))
    assert set(SCHEMA_SAYS_MORE) <= set(shape)
    assert [SCHEMA_SAYS_MORE.get(line, line) for line in shape] == list(of_schema(schema()))


def structs(kind: Any) -> Iterator[inspect.StructType]:
    """Every struct that a type is made of."""
    if isinstance(kind, inspect.StructType):
        yield kind
        for field in kind.fields:
            yield from structs(field.type)
    for inner in (*getattr(kind, "types", ()), getattr(kind, "item_type", None), getattr(kind, "value_type", None)):
        if inner is not None:
            yield from structs(inner)


def test_the_shape_lets_no_key_be_unknown_or_missing() -> None:
    found = {kind.cls: kind for kind in structs(inspect.type_info(Document))}
    assert len(found) == len([part for part in objects(schema()) if "properties" in part])
    for kind in found.values():
        assert kind.forbid_unknown_fields
        assert all(field.required for field in kind.fields)


def test_the_schema_is_that_of_the_documents_number() -> None:
    assert schema()["$id"].endswith(f":{SCHEMA}")
    assert describe(EVERYTHING).schema == SCHEMA


def spoil(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    spoiled = copy.deepcopy(document())
    change(spoiled)
    return spoiled


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(schema=2),
        lambda d: d.update(extra=1),
        lambda d: d.pop("engine"),
        lambda d: d.update(started="yesterday"),
        lambda d: d["tool"].update(name="another"),
        lambda d: d["engine"].update(kernel=None),
        lambda d: d["engine"].pop("trace"),
        lambda d: d["engine"].update(trace="yes"),
        lambda d: d["bases"].update(x={}),
        lambda d: d["bases"][BASE].pop("tini"),
        lambda d: d["bases"][BASE].update(dumb_init=1),
        lambda d: d["bases"][BASE].update(entrypoint_sha256="0F" * 32),
        lambda d: d.pop("variants"),
        lambda d: d["variants"]["naive"].pop("digest"),
        lambda d: d["variants"]["naive"].update(digest=""),
        lambda d: d["variants"]["naive"].update(dockerfile=""),
        lambda d: d["variants"]["naive"].update(init=None),
        lambda d: d["variants"]["naive"]["starting"][0].update(line=0),
        lambda d: d["results"][0].update(verdict="fine"),
        lambda d: d["results"][0].update(outcome=None),
        lambda d: d["results"][3].update(outcome="running"),
        lambda d: d["results"][0].update(deliveries=-1),
        lambda d: d["results"][0].update(probe="look"),
        lambda d: d["results"][0].pop("probe"),
        lambda d: d["results"][0].update(linter="DL3025"),
        lambda d: d["results"][0]["claim"].update(held="maybe"),
        lambda d: d["results"][0]["start"].pop("command"),
        lambda d: d["results"][0]["runs"][0].pop("reason"),
        lambda d: d["results"][0]["evidence"].update(probe={}),
        lambda d: d["results"][0]["evidence"]["events"][0].update(signal=65),
        lambda d: d["results"][0]["evidence"]["trace"][0].pop("by_kernel"),
        lambda d: d["results"][3].update(delivery="none"),
        lambda d: d["results"][0].update(advice=None),
        lambda d: d["results"][0]["evidence"].update(chain=None),
        lambda d: d["results"][0]["evidence"]["path"][0].update(step="take"),
        lambda d: d["results"][0]["evidence"]["path"][0].update(signal="TERM"),
        lambda d: d["results"][0]["evidence"]["path"][0]["to"].update(pid=0),
        lambda d: d["results"][8]["evidence"]["probe"].pop("kind"),
        lambda d: d["results"][8]["evidence"]["probe"].update(kind="reap"),
        lambda d: d["results"][8]["evidence"]["probe"].update(grace_s=0),
        lambda d: d["results"][8]["evidence"]["probe"].update(request="asked"),
        lambda d: d["results"][11]["evidence"]["probe"].update(codes=[]),
        lambda d: d["results"][12]["evidence"]["probe"]["codes"][0].update(container=256),
        lambda d: d["results"][13]["evidence"]["probe"].pop("zombie"),
        lambda d: d["results"][0].update(reason=""),
        lambda d: d["results"][0].update(runs=[]),
        lambda d: d["results"][0]["runs"][0].update(verdict="unstable"),
        lambda d: d["results"][0]["evidence"]["trace"][0].update(fate="eaten"),
        lambda d: d["results"][0]["evidence"]["trace"][0].pop("to"),
        lambda d: d["results"][0]["evidence"]["tree"]["before"][0].update(caught=["TERM"]),
    ],
)
def test_a_spoiled_document_is_not_valid(change: Callable[[dict[str, Any]], object]) -> None:
    assert not VALIDATOR.is_valid(spoil(change))


@given(st.text(), st.text())
@example("\x00\x1b[31m\x7f\x85\u2028\ufeff", "")
@example("\"\\'`{}[]", "\t \r\n\x0b")
@example("😀👩\u200d🚀 \U0010ffff", '-c "echo 😀"')
def test_any_text_from_a_container_is_written_and_valid_and_read_back(log: str, args: str) -> None:
    logs = (LogLine(at_ns=1, text=log),)
    evidence = replace(SWALLOWED, logs=logs, before=tuple(replace(p, args=args) for p in SWALLOWED.before))
    described = describe(report(result("v", evidence)))
    text = encode(described)
    VALIDATOR.validate(json.loads(text))
    (row,) = json.loads(text)["results"]
    assert row["evidence"]["logs"] == [log[:1000]]
    assert row["evidence"]["chain"] == [args, args]
    assert decode(text.encode(), place="b.json") == described


def test_evidence_is_capped() -> None:
    logs = tuple(LogLine(at_ns=n, text=f"{n:04d}" + "x" * 5000) for n in range(500))
    (row,) = written(report(result("v", replace(SWALLOWED, logs=logs))))["results"]
    kept = row["evidence"]["logs"]
    assert len(kept) == 200
    assert (kept[0][:4], kept[-1][:4]) == ("0300", "0499")
    assert {len(line) for line in kept} == {1000}


UNRECORDED = replace(FORWARDED, trace=None)


def test_latency_is_by_the_kernels_record() -> None:
    assert latency_ms(FORWARDED) == 500
    assert latency_ms(replace(FORWARDED, receipts=())) is None


def test_latency_is_by_the_apps_clock() -> None:
    assert latency_ms(UNRECORDED) == 1.25


def test_a_decision_is_timed_from_what_was_done() -> None:
    assert decided_ms(SWALLOWED) == 2.5
    assert decided_ms(KEPT) == 300


@pytest.mark.parametrize("at_ns", [None, 5, 10**18], ids=["none", "before it was sent", "after it was read"])
def test_latency_is_by_our_clock_where_the_apps_makes_no_sense(at_ns: int | None) -> None:
    receipts = (Receipt(signal="SIGTERM", at_ns=at_ns, read_ns=1_002_000_000),)
    assert latency_ms(replace(UNRECORDED, receipts=receipts)) == 2.0


def test_latency_is_that_of_the_signal_that_was_sent() -> None:
    assert latency_ms(replace(UNRECORDED, receipts=(Receipt(signal="SIGINT", at_ns=None, read_ns=9),))) is None


def test_what_was_written_is_read_back() -> None:
    described = describe(EVERYTHING)
    assert decode(encode(described).encode(), place="b.json") == described


def test_how_json_is_laid_out_makes_no_difference() -> None:
    backwards = dict(reversed(document().items()))
    assert read(backwards) == describe(EVERYTHING)


CONTENT = encode(describe(SMALL_REPORT)).encode()
LINES = CONTENT.count(b"\n")
SMALL_VERDICT = b'"verdict": "swallowed"'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "b.json:1:1: no valid JSON: Expecting value"),
        (b" \n\n", "b.json:3:1: no valid JSON: Expecting value"),
        (b"\0", "b.json:1:1: no valid JSON: "),
        (b'{\n  "schema": 1,\n', "b.json:3:1: no valid JSON: Expecting property name enclosed in double quotes"),
        (b'{\n  "schema": 1,\n  "results": [', "b.json:3:15: no valid JSON: Expecting value"),
        (CONTENT + b"x", f"b.json:{LINES + 1}:1: no valid JSON: Extra data"),
        (CONTENT * 2, f"b.json:{LINES + 1}:1: no valid JSON: Extra data"),
        (CONTENT.replace(b"Listening", b"Liste\nning"), "b.json:"),
        (b"[]", "b.json is no file of signal-harness: "),
        (b"null", "b.json is no file of signal-harness: "),
        (b"7", "b.json is no file of signal-harness: "),
        (b'"results"', "b.json is no file of signal-harness: "),
        (b"{}", "b.json is no file of signal-harness: it names no schema"),
        (b'{"results": []}', "b.json is no file of signal-harness: it names no schema"),
        (b'{"schema": null, "results": []}', "b.json is no file of signal-harness: it names no schema"),
        (b'{"schema": 2}', "b.json has schema 2"),
        (b'{"schema": 0, "results": []}', "b.json has schema 0"),
        (b'{"schema": "1"}', "b.json has schema '1'"),
        (b'{"schema": true, "results": []}', "b.json has schema True"),
        (b'{"schema": [1]}', "b.json has schema [1]"),
        (b'{"schema": ' + b"9" * 5000 + b"}", "b.json is no file of signal-harness: "),
        (b'{"schema": 1}', "b.json is no results file"),
        (b'{"schema": 1, "cells": {}}', "b.json is no results file: it holds cells"),
        (b'{"schema": 1, "results": null}', "b.json, results: "),
        (b'{"schema": 1, "results": {"a": 1}}', "b.json, results: "),
        (b'{"schema": 1, "results": [7]}', "b.json, results[0]: "),
        (b'{"schema": 1, "results": []}', "b.json: Object missing required field `tool`"),
        (b'{"schema": 1, "results": [], "cells": {}}', "b.json: Object contains unknown field `cells`"),
        (b'{"schema": 1.0, "results": []}', "b.json, schema: "),
        (CONTENT.replace(SMALL_VERDICT, b'"verdict": "fine"', 1), "b.json, results[0].verdict: "),
        (CONTENT.replace(SMALL_VERDICT, b'"verdict": ["x"]', 1), "b.json, results[0].verdict: "),
        (CONTENT.replace(b'"verdict": "untested"', b'"verdict": "fine"', 1), "b.json, results[1].verdict: "),
        (CONTENT.replace(b'"duration_s": 1.25', b'"duration_s": "1.25"'), "b.json, duration_s: "),
        (CONTENT.replace(b'"duration_s": 1.25', b'"duration_s": 1e999'), "b.json, duration_s: "),
        (CONTENT.replace(b'"duration_s": 1.25', b'"duration_s": NaN'), "b.json: no JSON that can be read: "),
        (CONTENT.replace(b'"duration_s": 1.25', b'"duration_s": -Infinity'), "b.json: no JSON that can be read: "),
        (b"NaN", "b.json: no JSON that can be read: "),
        (b'{"schema": NaN, "results": []}', "b.json: no JSON that can be read: "),
        (CONTENT.replace(b"Listening", b"\\ud800"), "b.json: no JSON that can be read: "),
        (CONTENT.replace(b"Listening", b"Liste\xefning"), "b.json: no JSON that can be read: "),
        (CONTENT.replace(b'"duration_s"', b'"dur\xe9e_s"'), "b.json: no JSON that can be read: "),
        (CONTENT.replace(SMALL_VERDICT, b'"verdict": "\xff"', 1), "b.json: no JSON that can be read: "),
        (CONTENT.decode().encode("utf-16"), "b.json: no JSON that can be read: "),
        (b"\xff\xfe", "b.json"),
        (b"\x1f\x8b\x08\x00", "b.json"),
        (b"[" * 100_000, "b.json"),
        (b"[" * 100_000 + b"]" * 100_000, "b.json"),
        (b'{"a":' * 100_000, "b.json: no JSON that can be read: "),
        (b'{"schema": ' + b"[" * 100_000, "b.json: no JSON that can be read: "),
        (b'{"schema": 1, "results": ' + b"[" * 100_000, "b.json: no JSON that can be read: "),
        (b'{"schema": 1, "results": [], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "b.json"),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_what_is_no_results_file_is_told_with_its_place(content: bytes, message: str) -> None:
    assert refusal(content).message.startswith(message)


def test_an_unknown_schema_is_answered_with_the_known_one() -> None:
    assert refusal(b'{"schema": 2}').remedy == "This version of signal-harness reads schema 1."


def test_a_wrong_file_is_answered_with_where_the_right_one_comes_from() -> None:
    assert "signal-harness run --json" in refusal(b'{"schema": 1, "cells": {}}').remedy


def test_a_document_cut_short_names_line_and_column() -> None:
    for end in range(len(CONTENT.rstrip())):
        assert re.match(r"b\.json:\d+:\d+: no valid JSON: ", refusal(CONTENT[:end]).message)


def parts(part: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a document that have keys of their own, with their places."""
    if isinstance(part, list):
        for number, item in enumerate(part):
            yield from parts(item, f"{place}[{number}]")
    elif isinstance(part, dict):
        by_name = place in ("bases", "variants")
        if not by_name:
            yield place, part
        for key, value in part.items():
            yield from parts(value, f"{place}[...]" if by_name else f"{place}.{key}".removeprefix("."))


WHOLE = document()
KINDS = {tuple(part): (place, part) for place, part in parts(WHOLE)}


@pytest.mark.parametrize(("place", "part"), KINDS.values(), ids=[place or "document" for place, _ in KINDS.values()])
def test_in_every_part_no_key_may_be_missing_unknown_or_of_another_type(place: str, part: dict[str, Any]) -> None:
    at = f"b.json, {place}" if place else "b.json"
    kept = dict(part)
    try:
        for key in set(kept) - ({"schema", "results"} if not place else set()):
            part.pop(key)
            assert refusal(json.dumps(WHOLE).encode()).message == f"{at}: Object missing required field `{key}`"
            part[key] = [[]]
            below = f"{place}.{key}".removeprefix(".")
            assert re.match(rf"b\.json, {re.escape(below)}(\[0\])?: ", refusal(json.dumps(WHOLE).encode()).message)
            part[key] = kept[key]
        part["extra"] = None
        assert refusal(json.dumps(WHOLE).encode()).message == f"{at}: Object contains unknown field `extra`"
    finally:
        part.clear()
        part.update(kept)


def test_every_kind_of_part_is_among_them() -> None:
    assert {tuple(part) for _, part in KINDS.values()} == {
        tuple(part["properties"]) for part in objects(schema()) if "properties" in part
    }


def test_the_place_is_told_whatever_the_value_is() -> None:
    content = CONTENT.replace(b'"verdict": "untested"', b'"verdict": "good - at last"', 1)
    assert refusal(content).message.startswith("b.json, results[1].verdict: ")


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["schema", "results"]), inner),
)


@given(ANY_JSON)
def test_any_other_json_is_refused(value: object) -> None:
    for other in (value, {"schema": value}, {"schema": 1, "results": value}, {"schema": 1, "results": [value]}):
        refusal(json.dumps(other).encode())


@given(st.binary())
def test_any_bytes_are_refused(content: bytes) -> None:
    refusal(content)


@given(st.integers(0, len(CONTENT)), st.integers(0, 3), st.binary(max_size=3))
def test_a_damaged_document_is_read_or_refused(begin: int, length: int, instead: bytes) -> None:
    damaged = CONTENT[:begin] + instead + CONTENT[begin + length :]
    told = "b.json"
    try:
        decode(damaged, place="b.json")
    except UsageError as error:
        told = error.message
    assert told.startswith("b.json")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (CONTENT, "results"),
        (b'{"schema": 1, "results": null}', "results"),
        (b'{"cells": {}, "schema": 1}', "cells"),
        (b'{"schema": 1, "rows": []}', ""),
    ],
)
def test_a_file_is_told_by_its_key(content: bytes, kind: str) -> None:
    assert kind_of(content, place="b.json") == kind


class Cells(msgspec.Struct):
    schema: int
    cells: dict[str, Verdict]


def test_a_file_of_another_shape_is_read_as_that() -> None:
    content = b'{"schema": 1, "cells": {"a": "killed"}}'
    cells = decode_as(Cells, content, place="c.json", what="baseline", mark="cells")
    assert cells == Cells(schema=1, cells={"a": Verdict.KILLED})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CONTENT, "c.json is no baseline: it holds results"),
        (b'{"schema": 1}', "c.json is no baseline"),
        (b'{"schema": 1, "cells": {"a": "fine"}}', "c.json, cells[...]: "),
        (b'{"schema": 1, "cells": {"a"', "c.json:1:28: no valid JSON: "),
    ],
)
def test_what_is_not_of_another_shape_is_told_with_its_place(content: bytes, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        decode_as(Cells, content, place="c.json", what="baseline", mark="cells")
    assert caught.value.message.startswith(message)
