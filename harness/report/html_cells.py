"""What a cell's dialog shows on the HTML page, as data that the page's script draws: each text once. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness.core.comparison import recorded
from harness.core.process import depths, shown
from harness.core.signals import Signal
from harness.core.verdict import Outcome, Verdict
from harness.report.apps import app_lines
from harness.report.patch_text import patch_lines
from harness.report.path_text import moment, pauses
from harness.report.process_table import catches, state
from harness.report.roll_call_table import INFERRED, did, in_order, told
from harness.report.rows import changes_of, differs, exchanged, expectation, place_of, rule_of, why_ignored
from harness.report.style import CHANGED, printable
from harness.report.tried import best_first

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.core.comparison import Comparison, Difference
    from harness.core.document import Document, Event, Process, Row, Run, Step, SubjectFacts, Tried


def words_of(words: Sequence[str]) -> str | None:
    """Words as a Dockerfile has them."""
    return json.dumps(list(words), ensure_ascii=False) if words else None


class _Texts:
    """Every text of the dialogs once; a number stands for it."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __call__(self, text: object) -> int:
        return self._numbers.setdefault(printable(str(text)), len(self._numbers))

    def pairs(self, pairs: Iterable[tuple[str, object]]) -> list[tuple[int, int]]:
        return [(self(name), self(value)) for name, value in pairs]

    def all(self) -> list[str]:
        return list(self._numbers)


def dialogs(document: Document, comparisons: Sequence[Comparison], subjects: Sequence[str]) -> dict[str, Any]:
    """What the page shows on demand: ``starts`` by subject, ``cells`` by result; numbers stand for ``texts``."""
    known, differences, text = recorded(comparisons), changes_of(comparisons), _Texts()
    cells = []
    for row in document.results:
        verdict = known.get(row.id)
        cell = _cell(row, document.subjects[row.subject], verdict, text)
        cell["notes"] = text.pairs(_notes(row, differs(row, known), verdict, differences.get(place_of(row))))
        cells.append({name: value for name, value in cell.items() if value not in (None, [], ())})
    starts = [text.pairs(_instructions(document.subjects[name])) for name in subjects]
    looks = {verdict: (verdict.symbol, verdict.tone) for verdict in Verdict}
    return {"looks": looks, "texts": text.all(), "starts": starts, "cells": cells}


def _cell(row: Row, subject: SubjectFacts, known: Verdict | None, text: _Texts) -> dict[str, Any]:
    evidence, path, running = row.evidence, row.evidence.path, row.outcome is Outcome.RUNNING
    return {
        "reason": text(row.reason),
        "facts": text.pairs(_facts(row, known)),
        "starts": text.pairs(_started(row, subject)),
        "others": [text(line) for line in _others(row)],
        "processes": [(pid, depth, *map(text, words)) for pid, depth, *words in _processes(row)],
        "after": text("" if running else f"The container has ended{_code(row, ', with')}.") if evidence.tree else None,
        "finding": text(row.finding.text) if row.finding and row.finding.text else None,
        "parties": [(party.pid, text(party.name)) for party in path.participants] if path else (),
        "path": [_step(*step, text) for step in zip(path.steps, pauses(path.steps), strict=True)] if path else (),
        "calls": [
            (call.pid, depth, 1 if call.app else 0, *map(text, (call.command, told(call), did(call), call.end)))
            for call, depth in in_order(evidence.roll_call)
        ],
        "inferred": text(INFERRED) if any(call.inferred for call in evidence.roll_call) else None,
        "apps": [text(line) for line in app_lines(evidence.apps)],
        "tried": [
            (
                one.verdict,
                text(one.change),
                text(_brought(one)),
                text.pairs(patch_lines(one.patch.expandtabs()) if one.patch else ()),
            )
            for one in best_first(row.tried)
        ],
        "unseen": 1 if path is None and evidence.tree and row.signal else None,
        "runs": [(run.verdict, text(run.reason), text(_ran(run))) for run in row.runs] if len(row.runs) > 1 else (),
        "events": text.pairs(_events(evidence.events)),
        "log": [text(line) for line in evidence.logs],
        "advice": text("\n".join(row.advice)) if row.advice else None,
        "good": 1 if row.verdict.good else None,
        "hand": [text(command) for command in evidence.reproduce],
    }


def _notes(
    row: Row, unexpected: bool, known: Verdict | None, difference: Difference | None
) -> Iterator[tuple[str, str]]:
    """What needs a reader's attention: its kind, and a sentence."""
    if unexpected:
        yield "unexpected", f"Not as expected, which is {expectation(row) if known in (None, row.verdict) else known}."
    if row.ignored:
        yield "ignored", f"Ignored: {why_ignored(row.ignored)}"
    if difference:
        seen = f" ({', '.join(difference.old.seen)})" if difference.old and difference.old.seen else ""
        was = f"{difference.old.verdict}{seen}" if difference.old else "nothing"
        cause = difference.cause
        why = f". Likely cause: {cause.text}" + (f" ({cause.detail})" if cause.detail else "") if cause else ""
        yield str(difference.change), f"{CHANGED[difference.change].capitalize()}: {was} was recorded{why}."


def _facts(row: Row, known: Verdict | None) -> Iterator[tuple[str, str]]:
    yield "expected", expectation(row)
    if rule := rule_of(row):
        yield "rule", f"{rule}: {rule.about.title}"
    if known is not None:
        yield "recorded", known
    if row.deliveries is not None:
        yield "handled by the app", _times(row.deliveries)
    if row.sent is not None:
        yield "sent to the app", _times(row.sent)
    if row.outcome is not None:
        yield "container", "runs on" if row.outcome is Outcome.RUNNING else f"ended{_code(row)}"
    if row.latency_ms is not None:
        yield "request to handler", f"{row.latency_ms:.2f} ms"
    if len(row.runs) == 1 and (decided := row.runs[0].decided_ms) is not None:
        yield "decided after", f"{decided:.0f} ms"
    if earlier := row.runs[row.shown].earlier:
        yield "its container was sent before", f"{', '.join(earlier)}, which left it as it was"


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")


def _instructions(subject: SubjectFacts) -> Iterator[tuple[str, str]]:
    """Where a subject says what is started."""
    dockerfile = subject.dockerfile or ""
    for line in subject.starting:
        yield f"{dockerfile}:{line.line}", line.text
    if dockerfile and not subject.starting:
        yield dockerfile, "sets neither ENTRYPOINT nor CMD; the base does"
    if subject.target:
        yield "target", subject.target


def _started(row: Row, subject: SubjectFacts) -> Iterator[tuple[str, str]]:
    if exchanges := exchanged(row, subject):
        yield "exchanged", exchanges
    if start := row.start:
        entrypoint, command = words_of(start.entrypoint), words_of(start.command)
        words = {"ENTRYPOINT": entrypoint, "CMD": command, "STOPSIGNAL": start.stop_signal}
        yield "the image says", "\n".join(f"{name} {value}" for name, value in words.items() if value) or "nothing"
    if subject.init:
        yield "run with", "--init"
    if row.evidence.main:
        yield "PID 1 became", shown(row.evidence.main)


def _others(row: Row) -> Iterator[str]:
    if claim := row.claim:
        held = f"{claim.held} on {row.base}" if claim.held else "which says nothing of this cell"
        yield f"“{claim.text}” ({claim.source}): {held}"
    if row.linter:
        yield f"A linter warns of the shell form ({row.linter})."


def _processes(row: Row) -> Iterator[tuple[int, int, str, str, str, str]]:
    """Each process: PID, depth, command, its state before and after, and what it does with signals."""
    tree = row.evidence.tree
    if tree is None:
        return
    later = {process.pid: process for process in tree.after} if row.outcome is Outcome.RUNNING else {}
    unseen = row.outcome is Outcome.RUNNING and not tree.after
    known = {process.pid for process in tree.before}
    new = [process for process in later.values() if process.pid not in known]
    depth = depths([*tree.before, *new])
    for process in tree.before:
        after = later.get(process.pid)
        became = _became(process, after) if after else "–" if unseen else "gone"
        yield process.number, depth[process.pid], process.command, state(process), became, catches(process)
    for process in new:
        yield process.number, depth[process.pid], process.command, "–", state(process), catches(process)


def _became(before: Process, after: Process) -> str:
    parts = [state(after)]
    if after.alive:
        parts += [f"is now {after.command}"] if after.argv != before.argv else []
        parts += [f"catches {catches(after)}"] if catches(after) != catches(before) else []
    return "; ".join(parts)


def _step(step: Step, pause: str, text: _Texts) -> tuple[object, ...]:
    """A step as the script draws it: the pause before it, when it was, the whole in words, and its parts."""
    said = [text(words) if words else None for words in (pause, moment(step.at_us), step.words, step.label, step.fate)]
    return *said, step.kind, step.who, step.to, step.outcome


def _brought(one: Tried) -> str:
    """What a change brought, beside the verdict that it is to be read with."""
    brief = f"({one.brief})" if one.brief else ""
    return brief if one.verdict.good else f"{brief}: {one.reason}" if brief else one.reason


def _ran(run: Run) -> str:
    decided = "" if run.decided_ms is None else f"decided after {run.decided_ms:.0f} ms"
    return f"{decided}{_code(run)}".removeprefix(", ")


def _code(ended: Row | Run, joined: str = ",") -> str:
    return "" if ended.exit_code is None else f"{joined} exit code {ended.exit_code}"


def _events(events: Sequence[Event]) -> Iterator[tuple[str, str]]:
    for event in events:
        what = [event.action]
        what += [Signal(event.signal).name] if event.signal is not None else []
        what += [f"with exit code {event.exit_code}"] if event.exit_code is not None else []
        yield f"+{(event.time_ns - events[0].time_ns) / 1e6:.0f} ms", " ".join(what)
