"""SARIF: what a log holds, that the official schema takes it, that it stays within what code scanning reads."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import __version__
from harness.core.dockerfile import Instruction
from harness.core.evidence import EngineEvent
from harness.core.question import Probe
from harness.core.rules import GENERAL, PAGES, Rule
from harness.core.signals import Signal
from harness.core.source import Source
from harness.core.verdict import Expected
from harness.report.sarif import ROOT, SCHEMA, render
from tests.support.evidence import changed
from tests.support.facts import start_command
from tests.support.reports import (
    APP,
    DEBIAN,
    FORCED,
    FORWARDED,
    KILLED,
    PATCH,
    PID1,
    SOURCE,
    SWALLOWED,
    TRIED,
    UNTESTED,
    result,
)
from tests.unit.report.test_junit import ENTRY, EVERYTHING, HOSTILE, SMALL, WAS, compared, document, forged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.core.document import Document
    from harness.core.facts import StartCommand

OFFICIAL = json.loads((Path(__file__).parents[2] / "schemas" / "sarif-schema-2.1.0.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft4Validator(OFFICIAL, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)
REASON = "PID 1 is `/bin/sh -c node server.js`: no handler for SIGTERM, so the kernel dropped it"
SMALL_RUN = {
    "invocations": [
        {
            "startTimeUtc": "2026-01-02T03:04:05Z",
            "executionSuccessful": False,
            "toolExecutionNotifications": [
                {
                    "level": "warning",
                    "message": {"text": "musl-node24/v/SIGTERM could not be tested: no ready line within 30 s"},
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": "v.Dockerfile", "uriBaseId": "%SRCROOT%"},
                                "region": {"startLine": 1},
                            }
                        }
                    ],
                    "properties": {"base": "local:musl-node24", "subject": "v", "question": "SIGTERM"},
                }
            ],
        }
    ],
    "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the repository."}}},
    "results": [
        {
            "ruleId": "SH001",
            "ruleIndex": 0,
            "kind": "fail",
            "level": "error",
            "message": {
                "text": f"naive, SIGTERM: swallowed on musl-node24. {REASON}. "
                "Expected on musl-node24 is forwarded (the catalogue says: always)."
            },
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "dockerfiles/naive.Dockerfile", "uriBaseId": "%SRCROOT%"},
                        "region": {"startLine": 9, "endLine": 9, "snippet": {"text": "CMD node server.js"}},
                    }
                }
            ],
            "partialFingerprints": {
                "primaryLocationLineHash": "3be709ebd4c280a9:1",
                "cell/v1": "3be709ebd4c280a995759d67fb0f669035ce935be70754d95cd898253ca6520a",
            },
            "properties": {
                "bases": ["local:musl-node24"],
                "subject": "naive",
                "question": "SIGTERM",
                "reason": REASON,
                "app": ["node server.js (PID 7): it wrote the ready line"],
                "advice": list(SMALL.results[1].advice),
                "rollCall": [
                    "1 /bin/sh -c node server.js  [told by docker, +0.0 ms; dropped by the kernel; still there]",
                    "  7 node server.js  [the app; never told; still there]",
                ],
            },
        }
    ],
}


def log(made: Document, *rest: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(render(made, *rest))
    return loaded


def run(made: Document, *rest: Any) -> dict[str, Any]:
    (found,) = log(made, *rest)["runs"]
    return dict(found)


def only(made: Document, *rest: Any) -> dict[str, Any]:
    (found,) = run(made, *rest)["results"]
    return dict(found)


def place(made: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    (location,) = made["locations"]
    physical = location["physicalLocation"]
    assert physical["artifactLocation"]["uriBaseId"] == ROOT
    return physical["artifactLocation"]["uri"], physical["region"]


def test_a_small_document_is_written_whole() -> None:
    written = log(SMALL)
    assert written == {"$schema": SCHEMA, "version": "2.1.0", "runs": written["runs"]}
    (made,) = written["runs"]
    assert {key: made[key] for key in SMALL_RUN} == SMALL_RUN
    assert list(made) == ["tool", *SMALL_RUN, "properties"]
    assert made["properties"]["engines"]["Docker Engine"]["kernel"] == "6.12"
    assert made["properties"]["bases"]["local:musl-node24"]["shell"] == "BusyBox v1.37.0 ash"


def test_the_tool_has_all_rules() -> None:
    driver = run(SMALL)["tool"]["driver"]
    about = Rule.WRAPPER_DROPS.about
    assert (driver["name"], driver["version"]) == ("signal-harness", __version__)
    assert [rule["id"] for rule in driver["rules"]] == [*Rule]
    assert driver["rules"][0] == {
        "id": "SH001",
        "name": "WrapperDrops",
        "shortDescription": {"text": about.title},
        "fullDescription": {"text": f"{about.seen} {about.why}"},
        "helpUri": f"{PAGES}/SH001.md",
        "help": {
            "text": "\n".join([f"{about.title}.", about.seen, about.why, *about.fix]),
            "markdown": "\n\n".join(
                [f"**{about.title}.** {about.seen}", about.why, *(f"- {line}" for line in about.fix)]
            ),
        },
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["containers", "reliability", "swallowed", "forced"]},
    }


def test_a_finding_of_a_file_that_names_no_rule_is_an_alert_of_the_general_one() -> None:
    made = only(document(changed(result("v", SWALLOWED), rule=None)))
    assert made["ruleId"] == "SH002"


@pytest.mark.parametrize("comparisons", [[], compared(WAS, SMALL)], ids=["alone", "compared"])
def test_the_big_document_is_valid_and_within_the_limits_of_code_scanning(comparisons: list[Any]) -> None:
    written = log(EVERYTHING, comparisons)
    VALIDATOR.validate(written)
    within_limits(written)
    assert {one["ruleId"] for one in written["runs"][0]["results"]} == {
        row.rule for row in EVERYTHING.results if row.rule
    }
    assert {row.verdict for row in EVERYTHING.results if row.rule} == set(GENERAL)


def within_limits(written: dict[str, Any]) -> None:
    """What GitHub documents of the SARIF it reads, and of what it shows."""
    assert len(json.dumps(written)) < 10_000_000
    (made,) = written["runs"]
    rules = made["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert len(rule["id"]) <= 255
        assert len(rule["name"]) <= 255
        assert max(len(rule[key]["text"]) for key in ("shortDescription", "fullDescription")) < 1024
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
        assert len(rule["properties"]["tags"]) <= 20
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
    assert len(made["results"]) <= 25_000
    for one in made["results"]:
        assert rules[one["ruleIndex"]]["id"] == one["ruleId"]
        assert one["level"] in ("error", "warning", "note")
        assert 0 < len(one["message"]["text"]) < 2000
        uri, region = place(one)
        assert not urlsplit(uri).scheme
        assert not uri.startswith("/")
        assert ".." not in uri.split("/")
        assert 1 <= region["startLine"] <= region.get("endLine", region["startLine"])
    prints = [(one["ruleId"], one["partialFingerprints"]["primaryLocationLineHash"]) for one in made["results"]]
    assert len(set(prints)) == len(prints)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda log: log.update(version="2.2"),
        lambda log: log.update(extra=1),
        lambda log: log.pop("runs"),
        lambda log: log["runs"][0].pop("tool"),
        lambda log: log["runs"][0]["tool"]["driver"].pop("name"),
        lambda log: log["runs"][0]["results"][0].pop("message"),
        lambda log: log["runs"][0]["results"][0].update(level="bad"),
        lambda log: log["runs"][0]["results"][0].update(kind="failed"),
        lambda log: log["runs"][0]["results"][0].update(ruleIndex=-2),
        lambda log: log["runs"][0]["results"][0].update(message={}),
        lambda log: log["runs"][0]["results"][0]["partialFingerprints"].update(x=1),
        lambda log: place(log["runs"][0]["results"][0])[1].update(startLine=0),
        lambda log: place(log["runs"][0]["results"][0])[1].pop("startLine"),
        lambda log: log["runs"][0]["invocations"][0].pop("executionSuccessful"),
        lambda log: log["runs"][0]["invocations"][0]["toolExecutionNotifications"][0].pop("message"),
        lambda log: log["runs"][0]["tool"]["driver"]["rules"].append(log["runs"][0]["tool"]["driver"]["rules"][0]),
    ],
)
def test_a_spoiled_log_is_not_valid(spoil: Callable[[dict[str, Any]], object]) -> None:
    spoiled = copy.deepcopy(log(SMALL))
    spoil(spoiled)
    assert not VALIDATOR.is_valid(spoiled)


def test_bases_share_a_result_that_names_them_and_the_first_reason() -> None:
    made = [one for one in run(EVERYTHING)["results"] if one["properties"]["subject"] == "undead"]
    assert [one["properties"]["bases"] for one in made] == [["local:musl-node24", DEBIAN.reference]]
    assert made[0]["message"]["text"].startswith("undead, reap: zombie on musl-node24, debian12-node24. PID 1 is ")
    assert len(run(EVERYTHING)["results"]) == 10


def test_each_question_and_verdict_is_a_result_of_its_own() -> None:
    made = run(document(result("v", SWALLOWED), result("v", FORCED, probe=Probe.STOP), result("w", KILLED)))["results"]
    assert [one["ruleId"] for one in made] == ["SH001", "SH002", "SH006"]
    assert len({json.dumps(one["partialFingerprints"]) for one in made}) == 3


def test_two_signals_on_one_line_are_two_alerts() -> None:
    hangup = changed(SWALLOWED, sent=Signal(1), trace=None, events=(EngineEvent(action="kill", time_ns=1, signal=1),))
    first, second = run(document(result("v", hangup, signal=Signal(1)), result("v", SWALLOWED)))["results"]
    assert first["partialFingerprints"] != second["partialFingerprints"]


def test_a_fingerprint_stays_when_the_line_moves() -> None:
    moved = changed(SOURCE, starting=(Instruction(line=90, text="CMD node  server.js"),))
    first, second = (only(document(result("naive", SWALLOWED), sources={"naive": one})) for one in (SOURCE, moved))
    assert first["locations"] != second["locations"]
    assert first["partialFingerprints"] == second["partialFingerprints"]


@pytest.mark.parametrize(
    ("expected", "level"), [(Expected.ALWAYS, "error"), (Expected.DEPENDS, "warning"), (Expected.NEVER, "note")]
)
def test_the_level_tells_what_was_expected(expected: Expected, level: str) -> None:
    assert only(document(result("v", SWALLOWED, expected=expected)))["level"] == level


def test_what_differs_from_what_was_recorded_is_an_error() -> None:
    old, new = document(result("v", FORWARDED)), document(result("v", SWALLOWED))
    made = only(new, compared(old, new))
    assert made["level"] == "error"
    assert "Expected on musl-node24 is forwarded, as recorded. " in made["message"]["text"]
    assert only(new, compared(new, new))["level"] == "warning"


def test_what_is_good_is_no_result() -> None:
    made = run(document(result("v", FORWARDED, expected=Expected.NEVER)))
    assert made["results"] == []
    assert made["invocations"][0]["executionSuccessful"] is True
    assert made["invocations"][0]["toolExecutionNotifications"] == []


def test_what_is_untested_is_no_result_and_makes_the_run_unsuccessful() -> None:
    made = run(document(*(result(one.value, UNTESTED, expected=one) for one in Expected)))
    assert made["results"] == []
    assert made["invocations"][0]["executionSuccessful"] is False
    assert [one["level"] for one in made["invocations"][0]["toolExecutionNotifications"]] == ["warning"] * 3


@pytest.mark.parametrize(
    ("start", "argv", "line"),
    [
        (start_command(entrypoint=("/bin/sh", "-c", "node a.js")), ("/bin/sh", "-c", "node a.js"), 7),
        (start_command(entrypoint=("/entry.sh",), command=("node",)), ("/bin/sh", "/entry.sh", "node"), 7),
        (start_command(entrypoint=("tini", "--", "/entry.sh")), ("/bin/sh", "/entry.sh"), 7),
        (start_command(entrypoint=("npm",), command=("start",)), ("npm start",), 7),
        (start_command(entrypoint=("tini", "--"), command=("npm", "start")), ("npm start",), 4),
        (start_command(entrypoint=("docker-entrypoint.sh",), command=("node", "a.js")), ("node", "a.js"), 4),
        (None, ("node", "a.js"), 4),
    ],
)
def test_the_line_of_what_is_at_fault_is_marked(start: StartCommand | None, argv: tuple[str, ...], line: int) -> None:
    init, shell = PID1, changed(APP, argv=argv)
    chain = (changed(init, argv=("tini", "--")), shell, changed(APP, pid=1008, ppid=shell.pid))
    row = result("v", changed(SWALLOWED, before=chain, app_pid=1008), start=start)
    assert place(only(document(row, sources={"v": ENTRY})))[1]["startLine"] == line


@pytest.mark.parametrize(
    ("starting", "region"),
    [
        (ENTRY.starting, {"startLine": 4, "endLine": 4, "snippet": {"text": 'CMD ["node"]'}}),
        (ENTRY.starting[1:], {"startLine": 7, "endLine": 7, "snippet": {"text": 'ENTRYPOINT ["/entry.sh"]'}}),
        (
            (Instruction(line=3, text="cmd node \\\n  server.js"),),
            {"startLine": 3, "endLine": 4, "snippet": {"text": "cmd node \\\n  server.js"}},
        ),
        ((), {"startLine": 1}),
    ],
    ids=["both", "entrypoint", "two lines", "neither"],
)
def test_the_place_is_the_line_that_decides(starting: tuple[Instruction, ...], region: dict[str, Any]) -> None:
    made = only(document(result("v", SWALLOWED), sources={"v": changed(SOURCE, starting=starting)}))
    assert place(made)[1] == region
    assert ("sets neither CMD nor ENTRYPOINT" in made["message"]["text"]) is not starting


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("dockerfiles/a b.Dockerfile", "dockerfiles/a%20b.Dockerfile"),
        ("büro/Dockerfile", "b%C3%BCro/Dockerfile"),
        ("../../etc/passwd", "etc/passwd"),
        ("/abs/./x//y", "abs/x/y"),
        ("file:a?b#c%41", "file%3Aa%3Fb%23c%2541"),
        ("\\\\host\\x", "%5C%5Chost%5Cx"),
        ("..", "."),
    ],
)
def test_a_path_is_a_relative_uri_below_the_root(path: str, uri: str) -> None:
    made = only(document(result("v", SWALLOWED), sources={"v": changed(SOURCE, path=path)}))
    assert place(made)[0] == uri


def test_braces_are_doubled_and_links_are_none() -> None:
    before = tuple(changed(process, argv=("sh [a](http://x) ${Y} {0}\n",)) for process in SWALLOWED.seen.before)
    made = only(document(result("v", changed(SWALLOWED, before=before))))
    assert "sh [a] (http://x) ${{Y}} {{0}}\\n" in made["message"]["text"]
    assert "[a](http://x) ${Y} {0}\n" in made["properties"]["reason"]


def test_what_was_tried_takes_the_place_of_what_helps_as_a_rule() -> None:
    tried = changed(result("v", FORCED, probe=Probe.STOP), tried=TRIED)
    rule = next(rule for rule in run(document(tried))["tool"]["driver"]["rules"] if rule["id"] == "SH002")
    lines = [
        'v on local:musl-node24, stop: CMD ["node", "server.js"]: ✓ graceful (0.1 s, exit 0)',
        "v on local:musl-node24, stop: --init: ✂ abrupt (0.1 s, exit 143): the container ended by itself",
    ]
    assert rule["help"]["text"].splitlines()[3:] == ["Tried:", *lines]
    assert rule["help"]["markdown"].endswith("\n\nTried:\n\n" + "\n".join(f"    {line}" for line in lines))
    alert = only(document(tried))
    assert 'Tried: CMD ["node", "server.js"]: ✓ graceful (0.1 s, exit 0); --init: ✂ abrupt' in alert["message"]["text"]
    assert [one["change"] for one in alert["properties"]["tried"]] == ['CMD ["node", "server.js"]', "--init"]
    other = result("w", FORCED, probe=Probe.STOP)
    both = next(rule for rule in run(document(tried, other))["tool"]["driver"]["rules"] if rule["id"] == "SH002")
    assert Rule.NOT_FORWARDED.about.fix[0] in both["help"]["text"]
    assert both["help"]["text"].endswith(rule["help"]["text"].partition("\nTried:")[2])


def patched(patch: str = PATCH, *, name: str = "./app", dockerfile: str = "app/Dockerfile") -> Document:
    """A build folder whose patch helped."""
    row = changed(result(name, FORCED, probe=Probe.STOP), base=None, tried=(TRIED[0], changed(TRIED[1], patch=patch)))
    made = document(row)
    return changed(made, subjects={name: changed(made.subjects[name], dockerfile=dockerfile)}, bases={})


def test_a_patch_that_helped_is_a_fix() -> None:
    made = patched()
    assert only(made)["fixes"] == [
        {
            "description": {"text": 'CMD ["node", "server.js"]. Built and run: graceful'},
            "artifactChanges": [
                {
                    "artifactLocation": {"uri": "app/Dockerfile", "uriBaseId": ROOT},
                    "replacements": [
                        {
                            "deletedRegion": {"startLine": 2, "endLine": 2},
                            "insertedContent": {"text": 'CMD ["node", "server.js"]'},
                        }
                    ],
                }
            ],
        }
    ]
    told = 'What helps, as a patch that was built and run: CMD ["node", "server.js"]. Tried: '
    assert told in only(made)["message"]["text"]
    assert only(made)["message"]["text"].startswith("./app, stop: forced. PID 1 is")
    VALIDATOR.validate(log(made))


LINES = """\
--- a/start.sh
+++ b/start.sh
@@ -1,3 +1,2 @@
 #!/bin/sh
-# a
-# b
+exec x
--- a/Dockerfile
+++ b/Dockerfile
@@ -1,3 +1,3 @@
+# syntax=docker/dockerfile:1
 FROM node
-USER root
 CMD x
"""


def test_lines_that_come_and_lines_that_go_are_regions() -> None:
    made = patched(LINES, name=".", dockerfile="Dockerfile")
    (fix,) = only(made)["fixes"]
    script, dockerfile = fix["artifactChanges"]
    assert (script["artifactLocation"]["uri"], dockerfile["artifactLocation"]["uri"]) == ("start.sh", "Dockerfile")
    assert script["replacements"] == [
        {"deletedRegion": {"startLine": 2, "endLine": 3}, "insertedContent": {"text": "exec x"}}
    ]
    begin = {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}
    assert dockerfile["replacements"] == [
        {"deletedRegion": begin, "insertedContent": {"text": "# syntax=docker/dockerfile:1\n"}},
        {"deletedRegion": {"startLine": 2, "startColumn": 1, "endLine": 3, "endColumn": 1}},
    ]
    VALIDATOR.validate(log(made))


@pytest.mark.parametrize(
    "made",
    [
        patched(name="/srv/app", dockerfile="app/Dockerfile"),
        patched(name="../app", dockerfile="app/Dockerfile"),
        patched(name="./app", dockerfile="else/Dockerfile"),
        patched(PATCH.replace("Dockerfile", "../Dockerfile"), dockerfile="Dockerfile"),
        changed(patched(), results=(changed(patched().results[0], tried=(TRIED[0],)),)),
    ],
    ids=["elsewhere", "above", "not below the folder", "a file outside the folder", "none helped"],
)
def test_a_patch_of_files_that_are_not_known_to_be_in_the_repository_is_no_fix(made: Document) -> None:
    assert "fixes" not in only(made)
    VALIDATOR.validate(log(made))


def test_where_nothing_helped_the_alert_says_so() -> None:
    row = changed(result("v", FORCED, probe=Probe.STOP), tried=TRIED[:1], advice=("Nothing tried helps: x.", "y"))
    assert " Nothing tried helps: x. Tried: --init: " in only(document(row))["message"]["text"]


def test_a_given_image_has_no_dockerfile_to_be_spoken_of() -> None:
    made = document(changed(result("nginx:1", SWALLOWED), base=None))
    facts = changed(made.subjects["nginx:1"], dockerfile=None)
    assert "Dockerfile" not in only(changed(made, subjects={"nginx:1": facts}))["message"]["text"]


def test_a_time_that_is_none_is_left_out() -> None:
    made = msgspec.structs.replace(SMALL, started="yesterday")
    assert "startTimeUtc" not in run(made)["invocations"][0]
    VALIDATOR.validate(log(made))


PATHS = st.lists(st.text(max_size=8) | st.sampled_from(["..", ".", "", "a b", "é", "C:", "%2e"]), max_size=5)


@given(HOSTILE)
def test_any_text_gives_a_valid_log(text: str) -> None:
    written = log(forged(text), compared(WAS, forged(text)))
    VALIDATOR.validate(written)
    within_limits(written)


@given(PATHS.map("/".join), st.text(max_size=20))
def test_any_path_gives_a_uri_that_names_it(path: str, text: str) -> None:
    source = Source(path=path, digest="0", starting=(Instruction(line=2, text=f"CMD {text}"),))
    written = log(document(result("v", SWALLOWED), sources={"v": source}))
    VALIDATOR.validate(written)
    within_limits(written)
    assert unquote(place(written["runs"][0]["results"][0])[0]).split("/") == (kept(path.split("/")) or ["."])


def kept(parts: Iterable[str]) -> list[str]:
    return [part for part in parts if part not in ("", ".", "..")]
