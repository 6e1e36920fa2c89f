"""The results document: what is written, what its schema says of it, and what is read back."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import __version__
from harness.core.catalogue import Claim, Expectation
from harness.core.errors import UsageError
from harness.core.model import Expected, LogLine, Probe, Receipt, Verdict
from harness.core.signals import Signal
from harness.core.trace import Fate, Sent
from harness.report.document import decided_ms, latency_ms, read_verdicts, schema, write
from tests.reports import (
    ABRUPT,
    FORCED,
    FORWARDED,
    GRACEFUL,
    KEPT,
    KILLED,
    LOST,
    REAPED,
    START,
    SWALLOWED,
    UNTESTED,
    ZOMBIE,
    report,
    result,
)

if TYPE_CHECKING:
    from collections.abc import Callable

VALIDATOR = jsonschema.Draft202012Validator(schema())
ROW = {"base": "local:x", "variant": "v", "probe": "signal", "signal": "SIGTERM", "verdict": "forwarded"}
INTERRUPTED = (Receipt(signal="SIGINT", at_ns=None, read_ns=1_002_000_000),)
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
    *(result(f"no {probe}", UNTESTED, probe=probe) for probe in Probe),
)


def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(write(EVERYTHING))
    return loaded


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
    },
    "bases": {
        "local:musl-node24": {
            "id": "sha256:abc",
            "digest": None,
            "os": "alpine 3.22",
            "libc": "musl 1.2.5",
            "shell": "BusyBox v1.37.0 ash",
            "node": "24.11.1",
            "npm": "11.6.2",
            "stop_signal": None,
            "entrypoint": [],
        }
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
            "evidence": {
                "pid1": "/bin/sh -c node server.js",
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
            "evidence": {
                "pid1": None,
                "tree": None,
                "logs": ["starting"],
                "events": [],
                "trace": None,
                "probe": None,
                "reproduce": [],
            },
        },
    ],
}


def test_a_small_report_is_written_whole() -> None:
    (
        naive,
        *_,
    ) = EVERYTHING.results
    text = write(report(naive, result("slow", UNTESTED)))
    assert text == json.dumps(SMALL, indent=2, ensure_ascii=False) + "\n"


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
    assert told["well"] == {"grace_s": 3, "took_s": 0.25, "forced": False, "request": "answered"}
    assert told["late"] == {"grace_s": 3, "took_s": 3.062, "forced": True, "request": None}
    assert told["wrong"] == {
        "codes": [{"app": 42, "container": 1}, {"app": 0, "container": 0}, {"app": 143, "container": None}]
    }
    assert told["undead"] == {"orphan": process(1020, 20, 1001, "sleep 3600"), "zombie": True}
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
    (row,) = json.loads(write(report(result("v", replace(FORWARDED, trace=(typed,))))))["results"]
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
    loaded = json.loads(write(report(result("v", *[doubtful] * 10))))
    VALIDATOR.validate(loaded)
    (row,) = loaded["results"]
    assert (row["verdict"], row["delivery"], row["outcome"], row["deliveries"]) == ("untested", None, None, 1)
    assert [run["verdict"] for run in row["runs"]] == ["forwarded"] * 10
    assert len(row["evidence"]["tree"]["before"]) == 3


def test_a_report_of_nothing_is_valid() -> None:
    VALIDATOR.validate(json.loads(write(report())))


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
        lambda d: d["bases"].update(x={}),
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
def test_any_text_from_a_container_is_written_and_valid(log: str, args: str) -> None:
    logs = (LogLine(at_ns=1, text=log),)
    evidence = replace(SWALLOWED, logs=logs, before=tuple(replace(p, args=args) for p in SWALLOWED.before))
    loaded = json.loads(write(report(result("v", evidence))))
    VALIDATOR.validate(loaded)
    assert loaded["results"][0]["evidence"]["logs"] == [log[:1000]]


def test_evidence_is_capped() -> None:
    logs = tuple(LogLine(at_ns=n, text=f"{n:04d}" + "x" * 5000) for n in range(500))
    written = json.loads(write(report(result("v", replace(SWALLOWED, logs=logs)))))["results"][0]["evidence"]["logs"]
    assert len(written) == 200
    assert (written[0][:4], written[-1][:4]) == ("0300", "0499")
    assert {len(line) for line in written} == {1000}


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


def test_verdicts_are_read_back_by_cell() -> None:
    assert read_verdicts(write(EVERYTHING), place="b.json") == {
        result.cell.id: result.verdict for result in EVERYTHING.results
    }


def test_a_base_with_slashes_is_read_back_under_its_label() -> None:
    row = {**ROW, "base": "ghcr.io/a/b:1"}
    text = json.dumps({"schema": 1, "results": [row]})
    assert read_verdicts(text, place="b.json") == {"ghcr.io_a_b:1/v/SIGTERM": Verdict.FORWARDED}


@pytest.mark.parametrize("probe", [probe for probe in Probe if probe is not Probe.SIGNAL])
def test_another_probe_is_read_back_by_its_name(probe: Probe) -> None:
    rows = [{**ROW, "probe": probe.value, "verdict": "unstable"}, {**ROW, "probe": "signal"}]
    assert read_verdicts(json.dumps({"schema": 1, "results": rows}), place="b.json") == {
        f"x/v/{probe}": Verdict.UNSTABLE,
        "x/v/SIGTERM": Verdict.FORWARDED,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "b.json:1:1: no valid JSON: Expecting value"),
        ('{\n  "schema": 1,\n', "b.json:3:1: no valid JSON: Expecting property name enclosed in double quotes"),
        ("[]", "b.json is no results file of signal-harness"),
        ("null", "b.json is no results file of signal-harness"),
        ("{}", "b.json is no results file of signal-harness"),
        ('{"schema": 2}', "b.json has schema 2"),
        ('{"schema": "1"}', "b.json has schema '1'"),
        ('{"schema": 1, "results": [7]}', "b.json: results[0] is no result: "),
        ('{"schema": 1, "results": {"a": 1}}', "b.json: results is no list"),
        ('{"schema": 1}', "b.json: results is no list"),
        ("[" * 100_000, "b.json: no JSON that can be read"),
        (json.dumps({"schema": 1, "results": [ROW, {**ROW, "verdict": "fine"}]}), "b.json: results[1] is no result: "),
        (json.dumps({"schema": 1, "results": [{**ROW, "verdict": ["x"]}]}), "b.json: results[0] is no result: "),
        (json.dumps({"schema": 1, "results": [{**ROW, "base": None}]}), "b.json: results[0] is no result: "),
        ('{"schema": 1, "results": [{"base": "b"}]}', "b.json: results[0] is no result: 'probe'"),
        (
            '{"schema": 1, "results": [{"base": "b", "probe": "tty", "variant": "v"}]}',
            "b.json: results[0] is no result: ",
        ),
        (json.dumps({"schema": 1, "results": [{**ROW, "probe": "look"}]}), "b.json: results[0] is no result: "),
        (json.dumps({"schema": 1, "results": [{**ROW, "probe": ["tty"]}]}), "b.json: results[0] is no result: "),
    ],
)
def test_what_is_no_results_file_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_verdicts(text, place="b.json")
    assert caught.value.message.startswith(message)


def test_an_unknown_schema_is_answered_with_the_known_one() -> None:
    with pytest.raises(UsageError) as caught:
        read_verdicts('{"schema": 2}', place="b.json")
    assert caught.value.remedy == "This version of signal-harness reads schema 1."
