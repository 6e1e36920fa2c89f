"""The results as SARIF 2.1.0, for code scanning: one result per Dockerfile's line, question and verdict.

Written as plain JSON: the one library that makes SARIF in Python had its last release in 2019. What GitHub reads of it
and where its limits are: https://docs.github.com/en/code-security/reference/code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from harness.core.comparison import recorded
from harness.core.ranking import RANKS
from harness.core.subject import base_label
from harness.core.verdict import Expected, Verdict
from harness.report.rows import cell_id, differs, one_line, wanted
from harness.report.style import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.core.comparison import Comparison
    from harness.report.document import Document, Line, Row, Variant

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT: Final = "%SRCROOT%"
_MOST_TEXT: Final = 900
_WORST: Final = max(RANKS.values())
_UTC: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What is told of a bad verdict beside its meaning: where it belongs, why one cares, and what helps."""

    about: str
    why: str
    remedy: str


_HANDS_ON: Final = "Start the app itself, in the exec form (CMD with a JSON array), or put an init in front of it."
_RULES: Final = {
    Verdict.DUPLICATED: _Rule(
        "signal",
        "A handler that takes a second signal for impatience aborts the shutdown that the first one began.",
        "Let one process alone hand the signal on: the terminal or an init signals the app and its parents at once.",
    ),
    Verdict.CUT_SHORT: _Rule(
        "signal",
        "What the app was about to finish, such as requests in flight, is lost.",
        "Keep PID 1 alive until the app has ended: start the app itself, or an init that waits for it.",
    ),
    Verdict.TRANSLATED: _Rule(
        "signal",
        "The handler that runs is not the one that was written for the signal, and was tested.",
        "Let PID 1 hand on what it gets, or handle and test the signal that does arrive.",
    ),
    Verdict.SWALLOWED: _Rule(
        "signal",
        "Nothing shuts down: docker stop waits for its whole grace period and then kills the app.",
        _HANDS_ON,
    ),
    Verdict.KILLED: _Rule(
        "signal",
        "The app is gone without a trace in its log, and so is what it had not yet written.",
        _HANDS_ON,
    ),
    Verdict.ABRUPT: _Rule(
        "stop",
        "docker stop ends the container under the app: requests in flight are lost.",
        _HANDS_ON,
    ),
    Verdict.FORCED: _Rule(
        "stop",
        "Every stop takes the whole grace period and ends in SIGKILL.",
        f"{_HANDS_ON} The app must end by itself when it gets the image's STOPSIGNAL.",
    ),
    Verdict.LOST: _Rule(
        "exit-code",
        "What watches the container, such as a restart policy, acts on an exit code that is not the app's.",
        "Start the app itself, or let what starts it end with the app's exit code.",
    ),
    Verdict.ZOMBIE: _Rule(
        "reap",
        "Entries of the process table are never given back, and in the end no process can be started.",
        "Put an init in front that waits for orphans, for instance with docker run --init.",
    ),
    Verdict.UNSTABLE: _Rule(
        "any",
        "It works on one machine, or today, and fails on another, or tomorrow.",
        "Find out what the repeats depend on: two processes may each hand on the signal.",
    ),
}
_NUMBERS: Final = {verdict: number for number, verdict in enumerate(_RULES)}


def render(document: Document, comparisons: Sequence[Comparison] = ()) -> str:
    """Give a document as a SARIF log.

    Args:
        document: the results.
        comparisons: its bases held against what was recorded of them; they tell what is as expected.

    Returns:
        JSON. Its results are the bad verdicts: ``error`` if not as expected, ``warning`` if the catalogue says that it
        depends, ``note`` if the catalogue expects it. What could not be tested is no result but a notification.
    """
    told = recorded(comparisons)
    groups = _grouped(row for row in document.results if row.verdict in _RULES)
    untested = [row for row in document.results if row.verdict is Verdict.UNTESTED]
    run = {
        "tool": {"driver": _driver(document)},
        "invocations": [_invocation(document, untested)],
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
        "results": [_result(document.variants[rows[0].variant], rows, told) for rows in groups],
        "properties": {
            "engine": msgspec.to_builtins(document.engine),
            "bases": msgspec.to_builtins(document.bases),
        },
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _grouped(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows that are one alert: they differ by their base alone."""
    found: dict[tuple[str, str, Verdict], list[Row]] = {}
    for row in rows:
        found.setdefault((row.variant, row.question, row.verdict), []).append(row)
    return list(found.values())


def _driver(document: Document) -> dict[str, Any]:
    return {
        "name": document.tool.name,
        "version": document.tool.version,
        "rules": [_rule(verdict, rule) for verdict, rule in _RULES.items()],
    }


def rule_id(verdict: Verdict) -> str:
    """The name of a bad verdict's rule, such as ``signal/swallowed``."""
    return f"{_RULES[verdict].about}/{verdict}"


def _rule(verdict: Verdict, rule: _Rule) -> dict[str, Any]:
    meaning = f"{MEANINGS[verdict][0].upper()}{MEANINGS[verdict][1:]}."
    name = "".join(word.capitalize() for word in re.split("[/-]", rule_id(verdict)))
    return {
        "id": rule_id(verdict),
        "name": name,
        "shortDescription": {"text": f"{verdict.value.capitalize()}: {MEANINGS[verdict]}"},
        "fullDescription": {"text": f"{meaning} {rule.why}"},
        "help": {
            "text": f"{meaning}\n{rule.why}\n{rule.remedy}",
            "markdown": f"**{meaning}** {rule.why}\n\n{rule.remedy}",
        },
        "defaultConfiguration": {"level": "error" if RANKS.get(verdict) == _WORST else "warning"},
        "properties": {"tags": ["containers", "reliability", rule.about]},
    }


def _invocation(document: Document, untested: Sequence[Row]) -> dict[str, Any]:
    started = {"startTimeUtc": document.started} if _UTC.fullmatch(document.started) else {}
    return started | {
        "executionSuccessful": not untested,
        "toolExecutionNotifications": [_notification(document.variants[row.variant], row) for row in untested],
    }


def _notification(variant: Variant, row: Row) -> dict[str, Any]:
    return {
        "level": "warning",
        "message": _message(f"{cell_id(row)} could not be tested: {row.reason}"),
        "locations": [_location(variant)],
        "properties": {"base": row.base, "variant": row.variant, "question": row.question},
    }


def _result(variant: Variant, rows: Sequence[Row], told: Mapping[str, Verdict]) -> dict[str, Any]:
    """Give one alert.

    Args:
        variant: what it is about.
        rows: its cells, which differ by their base alone.
        told: what is recorded of cells, by their ids.
    """
    first = rows[0]
    fingerprint = hashlib.sha256("\0".join((first.variant, first.question, first.verdict)).encode()).hexdigest()
    return {
        "ruleId": rule_id(first.verdict),
        "ruleIndex": _NUMBERS[first.verdict],
        "kind": "fail",
        "level": _level(rows, told),
        "message": _message(_said(variant, rows, told)),
        "locations": [_location(variant)],
        # The first is the one that code scanning tells alerts apart by. Left to the line's text, as it is by default,
        # two signals that one CMD swallows would be one alert.
        "partialFingerprints": {"primaryLocationLineHash": f"{fingerprint[:16]}:1", "cell/v1": fingerprint},
        "properties": {
            "bases": [row.base for row in rows],
            "variant": first.variant,
            "question": first.question,
            "reason": first.reason,
            "advice": list(first.advice),
        },
    }


def _level(rows: Sequence[Row], told: Mapping[str, Verdict]) -> str:
    if any(differs(row, told) for row in rows):
        return "error"
    return "warning" if any(row.expected is Expected.DEPENDS for row in rows) else "note"


def _said(variant: Variant, rows: Sequence[Row], told: Mapping[str, Verdict]) -> str:
    """What an alert says. Its first sentence is all that is shown in a list."""
    first = rows[0]
    bases = ", ".join(base_label(row.base) for row in rows)
    parts = [f"{first.variant}, {first.question}: {first.verdict} on {bases}", _clipped(first.reason, _MOST_TEXT // 2)]
    against = next((row for row in rows if differs(row, told)), None)
    if against:
        parts.append(f"Expected on {base_label(against.base)} is {wanted(against, told.get(cell_id(against)))}")
    if not variant.starting:
        parts.append("The Dockerfile sets neither CMD nor ENTRYPOINT, its base does: the line is its first one")
    return "".join(f"{_clipped(part, _MOST_TEXT // 2)}. " for part in parts).strip()


def _message(text: str) -> dict[str, str]:
    """Text as a SARIF message: braces, which stand for arguments, are doubled, and what looks like a link is none."""
    clipped = _clipped(one_line(text), _MOST_TEXT)
    return {"text": clipped.replace("](", "] (").replace("{", "{{").replace("}", "}}")}


def _clipped(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _location(variant: Variant) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(variant.dockerfile), "uriBaseId": ROOT},
            "region": _region(variant.starting),
        }
    }


def _region(starting: Sequence[Line]) -> dict[str, Any]:
    """The lines of the CMD, or of the ENTRYPOINT if there is no CMD; the first line if there is neither."""
    commands = [line for line in starting if line.text.upper().startswith("CMD")]
    if not starting:
        return {"startLine": 1}
    line = (commands or starting)[-1]
    first = max(line.line, 1)
    return {"startLine": first, "endLine": first + line.text.count("\n"), "snippet": {"text": line.text}}


def _uri(path: str) -> str:
    """A path as a relative URI that stays below the root, whatever a document says."""
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    return quote("/".join(parts), errors="replace") or "."
