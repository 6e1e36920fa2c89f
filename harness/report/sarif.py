"""The results as SARIF 2.1.0, for code scanning: one result per Dockerfile's line, question and verdict.

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
from harness.core.program import Kind, kind_of, program
from harness.core.question import Probe
from harness.core.subject import base_label
from harness.core.verdict import WORST_RANK, Expected, Verdict
from harness.report.apps import app_lines
from harness.report.remarks import gaps
from harness.report.replacements import replacements
from harness.report.roll_call_table import roll_call_lines
from harness.report.rows import differs, one_line, wanted
from harness.report.style import clipped
from harness.report.tried import best_first, in_vain, patches_that_help, tried_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.core.comparison import Comparison
    from harness.core.document import Document, Line, Row, SubjectFacts, Tried
    from harness.report.replacements import Replacement

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT: Final = "%SRCROOT%"
_MOST_TEXT: Final = 900
_MOST_TRIED: Final = 20
_UTC: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", re.ASCII)


_START_THE_APP: Final = (
    "Start the app itself, which must handle the signal: ENTRYPOINT or CMD as a JSON array, and `exec` in front of "
    "what a script runs last."
)
_RULES: Final = {
    Verdict.DUPLICATED: (
        "A handler that takes a second signal for impatience aborts the shutdown that the first one began.",
        "Let only one process forward the signal: the terminal or an init signals the app and its parents at once.",
    ),
    Verdict.CUT_SHORT: (
        "What the app was about to finish, such as requests in flight, is lost.",
        f"PID 1 must not end before the app does. {_START_THE_APP}",
    ),
    Verdict.TRANSLATED: (
        "The handler that runs is not the one that was written for the signal, and was tested.",
        "Let PID 1 forward what it gets, or handle and test the signal that does arrive.",
    ),
    Verdict.SWALLOWED: (
        "Nothing shuts down: docker stop waits for its whole grace period and then kills the app.",
        _START_THE_APP,
    ),
    Verdict.KILLED: (
        "The app is gone without a trace in its log, and so is what it had not yet written.",
        _START_THE_APP,
    ),
    Verdict.ABRUPT: ("docker stop ends the container under the app: requests in flight are lost.", _START_THE_APP),
    Verdict.FORCED: (
        "Every stop takes the whole grace period and ends in SIGKILL.",
        f"{_START_THE_APP} The app must end by itself when it gets the image's STOPSIGNAL.",
    ),
    Verdict.LOST: (
        "What watches the container, such as a restart policy, acts on an exit code that is not the app's.",
        "Start the app itself, or let what starts it end with the app's exit code.",
    ),
    Verdict.ZOMBIE: (
        "Entries of the process table are never given back, and in the end no process can be started.",
        "Put an init in front that waits for orphans, for instance with docker run --init.",
    ),
    Verdict.UNSTABLE: (
        "It works on one machine, or today, and fails on another, or tomorrow.",
        "Find out what the repeats depend on: two processes may each forward the signal.",
    ),
}
"""Why a bad verdict matters, and what helps."""


def render(document: Document, comparisons: Sequence[Comparison] = ()) -> str:
    """A document as a SARIF log, whose results are the bad verdicts.

    They are an ``error`` if not as expected, by the comparisons too, a ``warning`` if the catalogue says that it
    depends, a ``note`` if the catalogue expects it. What could not be tested is not a result but a notification.
    """
    known = recorded(comparisons)
    alerts: dict[tuple[str, str, Verdict], list[Row]] = {}
    for row in document.results:
        if row.verdict in _RULES:
            alerts.setdefault((row.subject, row.question.name, row.verdict), []).append(row)
    untested = [row for row in document.results if not row.tested]
    rules = [_rule(verdict, [row for row in document.results if row.verdict is verdict]) for verdict in _RULES]
    driver = {"name": document.tool.name, "version": document.tool.version, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "invocations": [_invocation(document, untested, gaps(document, comparisons))],
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
        "results": [_result(document.subjects[rows[0].subject], rows, known) for rows in alerts.values()],
        "properties": msgspec.to_builtins({"engines": document.engines, "bases": document.bases}),
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def rule_id(verdict: Verdict) -> str:
    """The name of a bad verdict's rule, such as ``signal/swallowed``."""
    return f"{_about(verdict)}/{verdict}"


def _about(verdict: Verdict) -> str:
    return next((probe.value for probe in Probe if verdict in probe.verdicts), "any")


def _rule(verdict: Verdict, rows: Sequence[Row]) -> dict[str, Any]:
    """A bad verdict as a rule; its help is what was tried for the rows that have it, in place of what helps mostly."""
    why, stock = _RULES[verdict]
    lines = [f"{row.title}: {line}" for row in rows for line in tried_lines(row.tried)][:_MOST_TRIED]
    tried = [clipped(one_line(line), _MOST_TEXT // 2) for line in lines]
    remedy = [stock] if not tried or any(not row.tried for row in rows) else []
    meaning = f"{verdict.meaning[0].upper()}{verdict.meaning[1:]}."
    name = "".join(word.capitalize() for word in re.split("[/-]", rule_id(verdict)))
    text = [meaning, why, *remedy, *(["Tried:", *tried] if tried else [])]
    # Lines that are indented are code in Markdown: whatever a container has said makes no markup there.
    code = ["Tried:", "\n".join(f"    {line}" for line in tried)] if tried else []
    return {
        "id": rule_id(verdict),
        "name": name,
        "shortDescription": {"text": f"{verdict.value.capitalize()}: {verdict.meaning}"},
        "fullDescription": {"text": f"{meaning} {why}"},
        "help": {"text": "\n".join(text), "markdown": "\n\n".join([f"**{meaning}** {why}", *remedy, *code])},
        "defaultConfiguration": {"level": "error" if verdict.rank == WORST_RANK else "warning"},
        "properties": {"tags": ["containers", "reliability", _about(verdict)]},
    }


def _invocation(document: Document, untested: Sequence[Row], missing: Sequence[str]) -> dict[str, Any]:
    started = {"startTimeUtc": document.started} if _UTC.fullmatch(document.started) else {}
    notifications: list[dict[str, Any]] = [{"level": "error", "message": _message(text)} for text in missing]
    notifications += [
        {
            "level": "warning",
            "message": _message(f"{row.id} could not be tested: {row.reason}"),
            "locations": [_location(document.subjects[row.subject], row)],
            "properties": {"base": row.base, "subject": row.subject, "question": row.question.name},
        }
        for row in untested
    ]
    return started | {"executionSuccessful": not notifications, "toolExecutionNotifications": notifications}


def _result(subject: SubjectFacts, rows: Sequence[Row], known: Mapping[str, Verdict]) -> dict[str, Any]:
    """One alert, of cells that differ by their base alone."""
    first = rows[0]
    fixes = [fix for one, _ in patches_that_help(first.tried) if (fix := _fix(subject, first, one))]
    fingerprint = hashlib.sha256("\0".join((first.subject, first.question.name, first.verdict)).encode()).hexdigest()
    return {
        "ruleId": rule_id(first.verdict),
        "ruleIndex": list(_RULES).index(first.verdict),
        "kind": "fail",
        "level": _level(rows, known),
        "message": _message(_text(subject, rows, known)),
        "locations": [_location(subject, first)],
        # By the first, code scanning distinguishes alerts. Left to the line's text, as it is by default,
        # two signals that one CMD swallows would be one alert.
        "partialFingerprints": {"primaryLocationLineHash": f"{fingerprint[:16]}:1", "cell/v1": fingerprint},
        **({"fixes": fixes} if fixes else {}),
        "properties": {
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


def _level(rows: Sequence[Row], known: Mapping[str, Verdict]) -> str:
    if any(differs(row, known) for row in rows):
        return "error"
    return "warning" if any(row.expected is Expected.DEPENDS for row in rows) else "note"


def _text(subject: SubjectFacts, rows: Sequence[Row], known: Mapping[str, Verdict]) -> str:
    """What an alert says. Its first sentence is all that is shown in a list."""
    first = rows[0]
    bases = ", ".join(base_label(row.base) for row in rows if row.base is not None)
    head = f"{first.subject}, {first.question.name}: {first.verdict}{f' on {bases}' if bases else ''}"
    parts = [head, first.reason]
    if against := next((row for row in rows if differs(row, known)), None):
        on = "" if against.base is None else f" on {base_label(against.base)}"
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
    place = {"artifactLocation": _artifact(subject.dockerfile or ""), "region": _region(subject.starting, row)}
    return {"physicalLocation": place}


def _artifact(path: str) -> dict[str, str]:
    """A file of the repository: a relative URI that stays below the root, whatever a document says."""
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    return {"uri": quote("/".join(parts), errors="replace") or ".", "uriBaseId": ROOT}


def _region(starting: Sequence[Line], row: Row) -> dict[str, Any]:
    """The lines of the instruction that starts what is at fault; the first line if there is none."""
    if not starting:
        return {"startLine": 1}
    wanted = "ENTRYPOINT" if _by_entrypoint(row) else "CMD"
    line = next((line for line in starting if line.text.upper().startswith(wanted)), starting[-1])
    first = max(line.line, 1)
    return {"startLine": first, "endLine": first + line.text.count("\n"), "snippet": {"text": line.text}}


def _by_entrypoint(row: Row) -> bool:
    """Whether the first process that is not an init, or the app where all are, comes from the ENTRYPOINT."""
    entrypoint = row.start.entrypoint if row.start else ()
    chain = row.evidence.chain or ((row.evidence.main,) if row.evidence.main else ())
    argv = next((argv for argv in chain if kind_of(argv) is not Kind.INIT), ())
    return bool(set(entrypoint) & set(argv)) or (bool(argv) and program(entrypoint) == program(argv))
