"""What a cell's dialog shows on the HTML page, as data that the page's script draws: each text once. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from harness.core.comparison import recorded
from harness.core.evidence import Request
from harness.core.process import depths
from harness.core.signals import Signal
from harness.core.trace import Fate
from harness.core.verdict import Expected, Outcome, Verdict
from harness.report.document import EndStep, ExitFound, ReapFound, SendStep, StopFound
from harness.report.rows import cell_id, differs
from harness.report.style import CHANGED, GOOD, LOOKS, TONES, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.core.baseline import Finding
    from harness.core.comparison import Comparison, Difference
    from harness.report.document import Document, Event, Party, Process, Row, Run, Step, Variant

_FATES: Final = {Fate.DELIVERED: "", Fate.IGNORED: "dropped", Fate.MERGED: "merged", Fate.LOST: "lost"}
_STATES: Final = {"R": "runs", "S": "sleeps", "D": "waits", "T": "stopped", "Z": "zombie"}
_STANDARD: Final = [Signal(number).name.removeprefix("SIG") for number in range(1, 32)]
_MANY: Final = 24


Place = tuple[str, str, str]
"""Where a cell is: its base, its variant, its question."""


def place_of(row: Row) -> Place:
    """Where a row's cell is."""
    return row.base, row.variant, row.question


def by_place(comparisons: Iterable[Comparison]) -> dict[Place, Difference]:
    """The cells that changed, by where they are."""
    return {
        (comparison.new.base.reference, *difference.key): difference
        for comparison in comparisons
        for difference in comparison.differences
    }


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


def dialogs(document: Document, comparisons: Sequence[Comparison], variants: Sequence[str]) -> dict[str, Any]:
    """Give all that is shown on demand.

    Args:
        document: the results.
        comparisons: what changed of its bases.
        variants: the variants as the matrix has them.

    Returns:
        What the page's script reads: ``starts`` for each of the variants, ``cells`` for each result, and ``texts``,
        which the numbers in these stand for.
    """
    known, differences, text = recorded(comparisons), by_place(comparisons), _Texts()
    told = []
    for row in document.results:
        recorded_verdict = known.get(cell_id(row))
        unexpected = differs(row, known)
        one = _told(row, document.variants.get(row.variant), recorded_verdict, text)
        one["notes"] = text.pairs(_notes(row, unexpected, recorded_verdict, differences.get(place_of(row))))
        told.append({name: value for name, value in one.items() if value not in (None, [], ())})
    starts = [text.pairs(_instructions(document.variants.get(name))) for name in variants]
    looks = {verdict: (symbol, TONES[colour]) for verdict, (symbol, colour) in LOOKS.items()}
    return {"looks": looks, "texts": text.all(), "starts": starts, "cells": told}


def _told(row: Row, variant: Variant | None, known: Verdict | None, text: _Texts) -> dict[str, Any]:
    evidence = row.evidence
    parties = _parties(evidence.path or ())
    return {
        "reason": text(row.reason),
        "facts": text.pairs(_facts(row, known)),
        "starts": text.pairs(_started(row, variant)),
        "others": [text(line) for line in _others(row)],
        "processes": [(pid, depth, *map(text, words)) for pid, depth, *words in _processes(row)],
        "after": text(_after(row)) if evidence.tree else None,
        "found": text(found) if (found := _found(row)) else None,
        "parties": [(party.pid, text(party.name)) for party in parties],
        "path": [_step(step, parties, text) for step in evidence.path or ()],
        "unseen": 1 if evidence.path is None and evidence.tree and row.signal else None,
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
        yield "unexpected", f"Not as expected, which is {_wanted(row) if known in (None, row.verdict) else known}."
    if difference:
        was = f": {_inwords_of(difference.old)} was recorded" if difference.old else ": nothing was recorded"
        cause = difference.cause
        why = f". Likely cause: {cause.text}" + (f" ({cause.detail})" if cause.detail else "") if cause else ""
        yield str(difference.change), f"{CHANGED[difference.change].capitalize()}{was}{why}."


def _inwords_of(found: Finding) -> str:
    """What was found, in words."""
    seen = f" ({', '.join(found.seen)})" if found.seen else ""
    return f"{found.verdict}{seen}"


def _wanted(row: Row) -> str:
    good = GOOD[row.probe]
    return {
        Expected.ALWAYS: good.value,
        Expected.NEVER: f"anything but {good}",
        Expected.DEPENDS: "it depends on the base",
    }[row.expected]


def _facts(row: Row, known: Verdict | None) -> Iterator[tuple[str, str]]:
    yield "expected", _wanted(row)
    if known is not None:
        yield "recorded", known
    if row.delivery is not None:
        yield "handled by the app", _times(row.deliveries)
    if row.sent is not None:
        yield "sent to the app", _times(row.sent)
    if row.outcome is not None:
        code = "" if row.exit_code is None else f", exit code {row.exit_code}"
        yield "container", "runs on" if row.outcome is Outcome.RUNNING else f"ended{code}"
    if row.latency_ms is not None:
        yield "request to handler", f"{row.latency_ms:.2f} ms"
    if len(row.runs) == 1 and (decided := row.runs[0].decided_ms) is not None:
        yield "decided after", f"{decided:.0f} ms"


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")


def _instructions(variant: Variant | None) -> Iterator[tuple[str, str]]:
    """Where a variant says what is started."""
    if variant is None:
        return
    for line in variant.starting:
        yield f"{variant.dockerfile}:{line.line}", line.text
    if not variant.starting:
        yield variant.dockerfile, "sets neither ENTRYPOINT nor CMD; the base does"
    if variant.target:
        yield "target", variant.target


def _started(row: Row, variant: Variant | None) -> Iterator[tuple[str, str]]:
    if start := row.start:
        words = {
            "ENTRYPOINT": words_of(start.entrypoint),
            "CMD": words_of(start.command),
            "STOPSIGNAL": start.stop_signal,
        }
        yield "the image says", "\n".join(f"{name} {value}" for name, value in words.items() if value) or "nothing"
    if variant and variant.init:
        yield "run with", "--init"
    if row.evidence.pid1:
        yield "PID 1 became", row.evidence.pid1


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
        yield _number(process), depth[process.pid], process.args, _state(process), became, _catches(process)
    for process in new:
        yield _number(process), depth[process.pid], process.args, "–", _state(process), _catches(process)


def _number(process: Process) -> int:
    return process.pid if process.inner_pid is None else process.inner_pid


def _state(process: Process) -> str:
    return _STATES.get(process.state[:1], "–")


def _became(before: Process, after: Process) -> str:
    parts = [_state(after)]
    if after.state[:1] != "Z":
        parts += [f"is now {after.args}"] if after.args != before.args else []
        parts += [f"catches {_catches(after)}"] if _catches(after) != _catches(before) else []
    return "; ".join(parts)


def _catches(process: Process) -> str:
    parts = [_names(process.caught) or "nothing"]
    parts += [f"ignores {names}" for names in [_names(process.ignored)] if names]
    parts += [f"blocks {names}" for names in [_names(process.blocked)] if names]
    return "; ".join(parts)


def _names(signals: Iterable[str]) -> str:
    """Signals by their short names; where they are many, those that are missing."""
    names = [name.removeprefix("SIG") for name in signals if name.startswith("SIG")]
    if len(names) <= _MANY:
        return " ".join(names)
    missing = [name for name in _STANDARD if name not in names]
    return f"all but {' '.join(missing)}" if missing else "all"


def _after(row: Row) -> str:
    if row.outcome is Outcome.RUNNING:
        return ""
    code = "" if row.exit_code is None else f", with exit code {row.exit_code}"
    return f"The container has ended{code}."


def _found(row: Row) -> str:
    """What the probe found beside the verdict."""
    match row.evidence.probe:
        case StopFound(grace_s=grace, took_s=took, forced=forced, request=request):
            how = "SIGKILL" if forced else "the end came by itself"
            told = {None: "", Request.ANSWERED: "; the request in flight was answered"}
            return (
                f"docker stop with {grace} s of grace: {how}, after {took:.2f} s"
                f"{told.get(request, '; the request in flight was lost')}"
            )
        case ExitFound(codes=codes):
            return "\n".join(
                f"The app exits with {code.app}: docker wait says "
                f"{'nothing, it runs on' if code.container is None else code.container}."
                for code in codes
            )
        case ReapFound(orphan=orphan, zombie=zombie):
            return f"The orphan, {orphan.args}, {'is a zombie' if zombie else 'is gone'}."
        case None:
            return ""


def _parties(steps: Iterable[Step]) -> list[Party]:
    """Who takes part, from left to right: who starts it, the processes by PID, the kernel (which ends it)."""
    met: dict[Party, None] = {}
    for step in steps:
        met.update(dict.fromkeys((step.sender, step.to) if isinstance(step, SendStep) else (step.process,)))
    return sorted(met, key=lambda party: (_side(party), party.pid or 0))


def _side(party: Party) -> int:
    if party.pid is not None:
        return 1
    return 2 if party.name.startswith("the kernel") else 0


def _step(step: Step, parties: Sequence[Party], text: _Texts) -> tuple[object, ...]:
    """A step as the script draws it: when, what kind, who, and the rest."""
    if isinstance(step, SendStep):
        fate = _FATES[step.fate]
        return (
            step.at_us,
            "send",
            parties.index(step.sender),
            parties.index(step.to),
            text(step.signal),
            text(fate) if fate else None,
        )
    who = parties.index(step.process)
    if isinstance(step, EndStep):
        return step.at_us, "end", who, text(f"dies of {step.by}" if step.by else "exits")
    kind = "handler" if step.by_handler else "default"
    return step.at_us, kind, who, text(step.signal)


def _ran(run: Run) -> str:
    code = "" if run.exit_code is None else f", exit code {run.exit_code}"
    decided = "" if run.decided_ms is None else f"decided after {run.decided_ms:.0f} ms"
    return f"{decided}{code}".removeprefix(", ")


def _events(events: Sequence[Event]) -> Iterator[tuple[str, str]]:
    for event in events:
        what = [event.action]
        what += [Signal(event.signal).name] if event.signal is not None else []
        what += [f"with exit code {event.exit_code}"] if event.exit_code is not None else []
        yield f"+{(event.time_ns - events[0].time_ns) / 1e6:.0f} ms", " ".join(what)
