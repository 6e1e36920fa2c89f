"""The results as SARIF 2.1.0, for code scanning: one result per Dockerfile's line, question and rule.

Written as plain JSON: the one library that makes SARIF in Python had its last release in 2019. What GitHub reads of it
and where its limits are: https://docs.github.com/en/code-security/reference/code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from harness.core.comparison import recorded
from harness.core.rules import Rule
from harness.core.verdict import WORST_RANK, Expected, Verdict
from harness.report.apps import app_lines
from harness.report.json import escaped
from harness.report.places import instruction_of, path_of
from harness.report.remarks import gaps
from harness.report.replacements import replacements
from harness.report.roll_call_table import roll_call_lines
from harness.report.rows import differs, one_line, rule_of, wanted, why_ignored
from harness.report.style import clipped
from harness.report.tried import best_first, in_vain, patches_that_help, tried_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.core.comparison import Comparison
    from harness.core.document import Document, Ignored, Line, Row, SubjectFacts, Tried
    from harness.report.replacements import Replacement

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT: Final = "%SRCROOT%"
_MOST_TEXT: Final = 900
_MOST_TRIED: Final = 20
_UTC: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", re.ASCII)


def render(document: Document, comparisons: Sequence[Comparison] = ()) -> str:
    """A document as a SARIF log, whose results are the bad verdicts.

    They are an ``error`` if not as expected, by the comparisons too, a ``warning`` if the catalogue says that it
    depends, a ``note`` if the catalogue expects it. What could not be tested is not a result but a notification.
    """
    known = recorded(comparisons)
    alerts: dict[tuple[str, str, Rule, Verdict, Ignored | None], list[Row]] = {}
    for row in document.results:
        if rule := rule_of(row):
            alerts.setdefault((row.subject, row.question.name, rule, row.verdict, row.ignored), []).append(row)
    untested = [row for row in document.results if not row.tested]
    rules = [_rule(rule, [row for row in document.results if rule_of(row) is rule]) for rule in Rule]
    driver = {"name": document.tool.name, "version": document.tool.version, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "invocations": [_invocation(document, untested, gaps(document, comparisons))],
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
        "results": [_result(document.subjects[rows[0].subject], key[2], rows, known) for key, rows in alerts.items()],
        "properties": msgspec.to_builtins({"engines": document.engines, "bases": document.bases}),
    }
    return (
        escaped(json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)) + "\n"
    )


def _rule(rule: Rule, rows: Sequence[Row]) -> dict[str, Any]:
    """A rule; its help is what was tried for the rows that come to it, in place of what helps mostly."""
    about = rule.about
    lines = [f"{row.title}: {line}" for row in rows for line in tried_lines(row.tried)][:_MOST_TRIED]
    tried = [clipped(one_line(line), _MOST_TEXT // 2) for line in lines]
    remedy = list(about.fix) if not tried or any(not row.tried for row in rows) else []
    text = [f"{about.title}.", about.seen, about.why, *remedy, *(["Tried:", *tried] if tried else [])]
    # Lines that are indented are code in Markdown: whatever a container has said makes no markup there.
    code = ["Tried:", "\n".join(f"    {line}" for line in tried)] if tried else []
    marked = [f"**{about.title}.** {about.seen}", about.why, *(f"- {line}" for line in remedy), *code]
    ranks = [verdict.rank for verdict in about.verdicts]
    return {
        "id": rule.value,
        "name": "".join(word.capitalize() for word in about.slug.split("-")),
        "shortDescription": {"text": about.title},
        "fullDescription": {"text": f"{about.seen} {about.why}"},
        "helpUri": rule.page,
        "help": {"text": "\n".join(text), "markdown": "\n\n".join(marked)},
        "defaultConfiguration": {"level": "error" if WORST_RANK in ranks else "warning"},
        "properties": {"tags": ["containers", "reliability", *about.verdicts]},
    }


def _invocation(document: Document, untested: Sequence[Row], missing: Sequence[str]) -> dict[str, Any]:
    started = {"startTimeUtc": document.started} if _UTC.fullmatch(document.started) else {}
    notifications: list[dict[str, Any]] = [{"level": "error", "message": _message(text)} for text in missing]
    notifications += [
        {
            "level": "warning",
            "message": _message(f"{row.id} could not be tested: {row.reason}"),
            "locations": [_location(document.subjects[row.subject], row)],
            "properties": {
                **_engine_of([row]),
                "base": row.base,
                "subject": row.subject,
                "question": row.question.name,
            },
        }
        for row in untested
    ]
    return started | {"executionSuccessful": not notifications, "toolExecutionNotifications": notifications}


def _result(subject: SubjectFacts, rule: Rule, rows: Sequence[Row], known: Mapping[str, Verdict]) -> dict[str, Any]:
    """One alert, of cells that differ by their base, or their engine, alone."""
    first = rows[0]
    fixes = [fix for one, _ in patches_that_help(first.tried) if (fix := _fix(subject, first, one))]
    fingerprint = hashlib.sha256("\0".join((first.subject, first.question.name, first.verdict)).encode()).hexdigest()
    return {
        "ruleId": rule.value,
        "ruleIndex": list(Rule).index(rule),
        "kind": "fail",
        "level": _level(rows, known),
        "message": _message(_text(subject, rows, known)),
        "locations": [_location(subject, first)],
        # By the first, code scanning distinguishes alerts. Left to the line's text, as it is by default,
        # two signals that one CMD swallows would be one alert.
        "partialFingerprints": {"primaryLocationLineHash": f"{fingerprint[:16]}:1", "cell/v1": fingerprint},
        **({"fixes": fixes} if fixes else {}),
        **({"suppressions": [_suppression(first.ignored)]} if first.ignored else {}),
        "properties": {
            **_engine_of(rows),
            "bases": [row.base for row in rows],
            "subject": first.subject,
            "question": first.question.name,
            "reason": first.reason,
            **({"app": apps} if (apps := app_lines(first.evidence.apps)) else {}),
            "advice": list(first.advice),
            **({"rollCall": roll_call_lines(first.evidence.roll_call)} if first.evidence.roll_call else {}),
            **({"tried": msgspec.to_builtins(best_first(first.tried))} if first.tried else {}),
        },
    }


def _engine_of(rows: Sequence[Row]) -> dict[str, Any]:
    """Which engines rows are of, where the run had several."""
    return {"engines": [row.engine for row in rows]} if rows[0].column else {}


def _suppression(ignored: Ignored) -> dict[str, Any]:
    """Why a result is left be: said in a file of its own, or in the source that the result is about."""
    kind = "inSource" if re.search(r":\d+$", ignored.place) else "external"
    return {"kind": kind, "status": "accepted", "justification": why_ignored(ignored)}


def _level(rows: Sequence[Row], known: Mapping[str, Verdict]) -> str:
    if any(differs(row, known) for row in rows):
        return "error"
    return "warning" if any(row.expected is Expected.DEPENDS for row in rows) else "note"


def _text(subject: SubjectFacts, rows: Sequence[Row], known: Mapping[str, Verdict]) -> str:
    """What an alert says. Its first sentence is all that is shown in a list."""
    first = rows[0]
    bases = ", ".join(row.place for row in rows if row.place)
    head = f"{first.subject}, {first.question.name}: {first.verdict}{f' on {bases}' if bases else ''}"
    parts = [head, first.reason]
    if against := next((row for row in rows if differs(row, known)), None):
        on = f" on {against.place}" if against.place else ""
        parts.append(f"Expected{on} is {wanted(against, known.get(against.id))}")
    if helped := patches_that_help(first.tried):
        parts.append(f"What helps, as a patch that was built and run: {'; '.join(one.change for one, _ in helped)}")
    if in_vain(first) and first.advice:
        parts.append(first.advice[0].removesuffix("."))
    if first.tried:
        parts.append(f"Tried: {'; '.join(tried_lines(first.tried))}")
    if subject.dockerfile and not subject.starting:
        parts.append("The Dockerfile sets neither CMD nor ENTRYPOINT, its base does: the line is its first one")
    return "".join(f"{clipped(part, _MOST_TEXT // 2)}. " for part in parts).strip()


def _fix(subject: SubjectFacts, row: Row, tried: Tried) -> dict[str, Any] | None:
    """A patch that helped as a fix of files in the repository; ``None`` where they are not known to be in it."""
    changes = replacements(tried.patch or "")
    root = _root(subject, row, changes)
    if root is None or not changes:
        return None
    return {
        "description": _message(f"{tried.change}. Built and run: {tried.verdict}"),
        "artifactChanges": [
            {
                "artifactLocation": _artifact(f"{root}{path}"),
                "replacements": [_replacement(one) for one in replaced],
            }
            for path, replaced in changes.items()
        ],
    }


def _root(subject: SubjectFacts, row: Row, paths: Iterable[str]) -> str | None:
    """What stands in front of a build folder's paths to get those of the repository; ``None`` if it is not in it."""
    dockerfile = subject.dockerfile or ""
    folder = posixpath.normpath(row.subject)
    if folder.startswith(("/", "..")) or any(path.startswith("../") for path in paths):
        return None
    root = "" if folder == "." else f"{folder}/"
    return root if dockerfile.startswith(root) else None


def _replacement(one: Replacement) -> dict[str, Any]:
    """Lines as SARIF has them: a region of whole lines leaves out the newline that ends the last of them."""
    if one.last is None:
        region = {"startLine": one.first, "startColumn": 1, "endLine": one.first, "endColumn": 1}
    elif one.text is None:
        region = {"startLine": one.first, "startColumn": 1, "endLine": one.last + 1, "endColumn": 1}
    else:
        region = {"startLine": one.first, "endLine": one.last}
    return {"deletedRegion": region, **({} if one.text is None else {"insertedContent": {"text": one.text}})}


def _message(text: str) -> dict[str, str]:
    """Text as a SARIF message: braces, which stand for arguments, are doubled, and nothing is a link."""
    shown = clipped(one_line(text), _MOST_TEXT)
    return {"text": shown.replace("](", "] (").replace("{", "{{").replace("}", "}}")}


def _location(subject: SubjectFacts, row: Row) -> dict[str, Any]:
    place = {"artifactLocation": _artifact(path_of(subject)), "region": _region(instruction_of(subject, row))}
    return {"physicalLocation": place}


def _artifact(path: str) -> dict[str, str]:
    """A file of the repository: a relative URI that stays below the root, whatever a document says."""
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    return {"uri": quote("/".join(parts), errors="replace") or ".", "uriBaseId": ROOT}


def _region(line: Line | None) -> dict[str, Any]:
    """The lines of an instruction; the first line if there is none."""
    if line is None:
        return {"startLine": 1}
    first = max(line.line, 1)
    return {"startLine": first, "endLine": first + line.text.count("\n"), "snippet": {"text": line.text}}
