"""Findings that are left be stay visible in every format, with the reason, and fail nowhere."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

from harness.cli.options import code_of
from harness.core.document import Ignored
from harness.core.errors import ExitCode
from harness.core.policy import Limits
from harness.core.question import Probe
from harness.core.verdict import Expected
from harness.report import checked, explain
from harness.report.formats import Format, render
from harness.report.remarks import remarks, standing
from tests.support.evidence import changed
from tests.support.reports import FORWARDED, GRACEFUL, SWALLOWED, drawn, report, result

if TYPE_CHECKING:
    from harness.core.document import Document

REASON = "a batch job: it may be killed"
WHY = f"{REASON} (until 2026-12-31, signal-harness.toml, ignore 1)"
LEFT = changed(
    result("v", SWALLOWED, expected=Expected.ALWAYS),
    ignored=Ignored(reason=REASON, place="signal-harness.toml, ignore 1", until="2026-12-31"),
)
INLINE = changed(LEFT, ignored=Ignored(reason=REASON, place="Dockerfile:3", until=None))
GOOD = result("w", FORWARDED, expected=Expected.ALWAYS)
BAD = result("x", SWALLOWED, expected=Expected.ALWAYS)
DOCUMENT = report(LEFT, GOOD)


def sarif(document: Document) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(render(Format.SARIF, document))["runs"][0]["results"]
    return found


@pytest.mark.parametrize("wanted", Format)
def test_the_reason_is_in_every_format(wanted: Format) -> None:
    assert REASON in render(wanted, DOCUMENT)


def test_the_reason_is_in_every_text() -> None:
    assert remarks(DOCUMENT, ()) == [f"Ignored: musl-node24/v/SIGTERM, swallowed (SH001): {WHY}."]
    text = drawn(checked.render(DOCUMENT))
    assert text.startswith("v, SIGTERM: ○ swallowed (SH001, ignored)\n")
    assert f"Ignored: {WHY}" in text
    text = drawn(explain.render(LEFT, DOCUMENT.subjects["v"]))
    assert text.startswith("v on local:musl-node24, SIGTERM: ○ swallowed (SH001, ignored)\n")
    assert f"Ignored: {WHY}" in text


def test_it_does_not_fail() -> None:
    assert code_of(DOCUMENT.results, {}) is ExitCode.OK
    assert code_of((LEFT, BAD), {}) is ExitCode.DIFFERS


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((LEFT, GOOD), "all as expected, 1 ignored"),
        ((LEFT,), "1 ignored"),
        ((LEFT, INLINE, BAD), "1 not as expected, 2 ignored"),
        ((GOOD,), "all as expected"),
    ],
)
def test_it_is_counted(rows: tuple[Any, ...], words: str) -> None:
    assert standing(report(*rows)) == words


def test_sarif_has_it_as_a_suppression() -> None:
    (one,) = sarif(DOCUMENT)
    assert one["suppressions"] == [{"kind": "external", "status": "accepted", "justification": WHY}]
    (other,) = sarif(report(INLINE))
    assert other["suppressions"][0]["kind"] == "inSource"
    assert "suppressions" not in sarif(report(BAD))[0]


def test_junit_has_it_as_skipped() -> None:
    root = ET.fromstring(render(Format.JUNIT, DOCUMENT))  # noqa: S314  it is our own
    (skipped,) = root.iter("skipped")
    assert skipped.get("message") == f"SH001 is ignored: {WHY}"
    assert not list(root.iter("failure"))


def test_a_stop_that_is_too_slow_fails_in_every_format() -> None:
    slow = Limits(max_stop_s=0.1).of(result("v", GRACEFUL, probe=Probe.STOP, expected=Expected.ALWAYS))
    document = report(slow)
    assert code_of(document.results, {}) is ExitCode.DIFFERS
    assert standing(document) == "1 not as expected"
    (one,) = sarif(document)
    assert (one["ruleId"], one["level"]) == ("SH017", "error")
    assert "may take 0.1 s" in one["message"]["text"]
    (failure,) = ET.fromstring(render(Format.JUNIT, document)).iter("failure")  # noqa: S314  it is our own
    assert "may take 0.1 s" in (failure.get("message") or "")
    assert "SH017" in drawn(checked.render(document))
    assert "SH017" in render(Format.MARKDOWN, document)
    assert json.loads(render(Format.JSON, document))["results"][0]["rule"] == "SH017"
