"""Annotations of GitHub, as its runner reads them, and GitLab's Code Quality report: whole, escaped, capped."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given

from harness.core.document import Cut, Ignored
from harness.core.question import Probe
from harness.core.rules import PAGES, Rule
from harness.core.verdict import Expected
from harness.report.formats import Format, render
from tests.support.everything import EVERYTHING
from tests.support.evidence import changed
from tests.support.reports import (
    DUPLICATED,
    FORCED,
    FORWARDED,
    SOURCE,
    SWALLOWED,
    TRIED,
    UNTESTED,
    report,
    result,
)
from tests.unit.report.test_junit import HOSTILE, forged

if TYPE_CHECKING:
    from harness.core.document import Document

BAD = result("naive", SWALLOWED, expected=Expected.ALWAYS)
LEFT = changed(
    result("left", SWALLOWED, expected=Expected.ALWAYS),
    ignored=Ignored(reason="50% of it, is so: done", place="Dockerfile:3", until=None),
)
OPEN = result("open", UNTESTED)
KNOWN = result("known", SWALLOWED, expected=Expected.NEVER)
GOOD = result("good", FORWARDED, expected=Expected.ALWAYS)
TWICE = result("twice", DUPLICATED, expected=Expected.ALWAYS)
MADE = report(LEFT, OPEN, KNOWN, GOOD, BAD, TWICE, sources={"naive": SOURCE})
FIX = Rule.WRAPPER_DROPS.about.fix[0]
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1, "maxLength": 900},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(\.|(?!\./|/).+)$"},
                    "lines": {"type": "object", "required": ["begin"], "properties": {"begin": {"minimum": 1}}},
                },
            },
        },
    },
}
"""What GitLab says of its entries, as a schema."""


def annotations(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Workflow commands as the runner reads them (actions/runner, ActionCommand.cs): level, properties, message."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"::(\w+)(?: (.*?))?::(.*)", line)
        assert match, line
        named = dict(one.split("=", 1) for one in (match[2] or "").split(",") if one)
        codes = (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
        values = {}
        for name, value in named.items():
            for code, sign in codes:
                value = value.replace(code, sign)  # noqa: PLW2901  as the runner does
            values[name] = value
        message = match[3]
        for code, sign in codes[2:]:
            message = message.replace(code, sign)
        found.append((match[1], values, message))
    return found


def entries(document: Document) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = json.loads(render(Format.GITLAB, document))
    jsonschema.validate(made, SCHEMA)
    assert len({one["fingerprint"] for one in made}) == len(made)
    return made


def test_annotations_are_written_whole_and_what_fails_comes_first() -> None:
    assert render(Format.GITHUB, MADE).splitlines() == [
        (
            "::error file=dockerfiles/naive.Dockerfile,line=9,endLine=9,"
            "title=SH001 naive on local%3Amusl-node24%2C SIGTERM%3A swallowed::"
            f"{BAD.reason} — {FIX} — {PAGES}/SH001.md"
        ),
        (
            "::error file=twice.Dockerfile,line=1,endLine=1,"
            "title=SH010 twice on local%3Amusl-node24%2C SIGTERM%3A duplicated::"
            f"{TWICE.reason} — {Rule.SENT_TWICE.about.fix[0]} — {PAGES}/SH010.md"
        ),
        (
            "::warning file=open.Dockerfile,line=1,endLine=1,"
            "title=open on local%3Amusl-node24%2C SIGTERM%3A untested::no ready line within 30 s"
        ),
        (
            "::notice file=left.Dockerfile,line=1,endLine=1,"
            "title=SH001 left on local%3Amusl-node24%2C SIGTERM%3A swallowed::"
            f"{LEFT.reason} — Ignored: 50%25 of it, is so: done (Dockerfile:3)"
        ),
    ]


def test_what_was_tried_takes_the_place_of_what_helps_as_a_rule() -> None:
    made = report(changed(BAD, tried=TRIED))
    ((_, _, message),) = annotations(render(Format.GITHUB, made))
    tried = 'Tried: CMD ["node", "server.js"]: ✓ graceful (0.1 s, exit 0); --init: ✂ abrupt (0.1 s, exit 143): '
    assert message.startswith(f"{BAD.reason} — {tried}")
    assert message.endswith(f" — {PAGES}/SH001.md")
    (entry,) = entries(made)
    assert f"{BAD.reason}. {tried}" in entry["description"]


def test_an_image_that_was_given_is_annotated_without_a_file() -> None:
    row = changed(result("nginx:1", FORCED, probe=Probe.STOP, expected=Expected.ALWAYS), base=None)
    made = report(row)
    facts = changed(made.subjects["nginx:1"], dockerfile=None)
    ((level, named, message),) = annotations(render(Format.GITHUB, changed(made, subjects={"nginx:1": facts})))
    assert (level, named) == ("error", {"title": "SH002 nginx:1, stop: forced"})
    assert message.startswith(row.reason)
    (entry,) = entries(changed(made, subjects={"nginx:1": facts}))
    assert entry["location"] == {"path": ".", "lines": {"begin": 1}}


def test_entries_are_written_whole() -> None:
    left, unknown, bad, twice = entries(MADE)
    assert bad == {
        "description": f"naive on local:musl-node24, SIGTERM: swallowed: {BAD.reason}",
        "check_name": "SH001",
        "fingerprint": bad["fingerprint"],
        "severity": "critical",
        "location": {"path": "dockerfiles/naive.Dockerfile", "lines": {"begin": 9}},
    }
    assert (left["severity"], unknown["severity"], twice["severity"]) == ("info", "minor", "major")
    assert left["description"].endswith("(ignored: 50% of it, is so: done (Dockerfile:3))")
    assert (unknown["check_name"], twice["check_name"]) == ("untested", "SH010")


def test_a_fingerprint_stays_when_the_line_moves() -> None:
    ((first,), (second,)) = (entries(report(BAD, sources=sources)) for sources in ({"naive": SOURCE}, {}))
    assert first["location"] != second["location"]
    assert first["fingerprint"] == second["fingerprint"]


@pytest.mark.parametrize("document", [report(GOOD), report(KNOWN), report()], ids=["good", "expected", "none"])
def test_what_is_as_expected_is_not_shown(document: Document) -> None:
    assert render(Format.GITHUB, document) == ""
    assert entries(document) == []


def test_a_run_that_was_cut_is_an_error() -> None:
    cut = changed(report(GOOD), cut=Cut(planned=2, reason="interrupted", exit_code=130))
    assert render(Format.GITHUB, cut) == "::error::The run was cut short: 1 of 2 cells ran; interrupted.\n"
    (entry,) = entries(cut)
    assert (entry["check_name"], entry["severity"]) == ("run", "blocker")


def test_the_big_document_is_read() -> None:
    assert annotations(render(Format.GITHUB, EVERYTHING))
    assert entries(EVERYTHING)


@given(HOSTILE)
def test_any_text_stays_within_its_command_and_entry(text: str) -> None:
    made = forged(text)
    rows = tuple(changed(row, expected=Expected.ALWAYS) for row in made.results)
    made = changed(made, results=rows)
    written = annotations(render(Format.GITHUB, made))
    assert {level for level, _, _ in written} <= {"error", "warning", "notice"}
    assert all(set(named) <= {"file", "line", "endLine", "title"} for _, named, _ in written)
    assert json.loads(render(Format.GITLAB, made)) is not None
