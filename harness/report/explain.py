"""The story of one cell for people: what was started, what the signal did step by step, and what to change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.text import Text

from harness.core.process import shown
from harness.core.verdict import Outcome
from harness.report.apps import app_lines
from harness.report.path_text import path_table
from harness.report.process_table import processes
from harness.report.roll_call_table import roll_call_table
from harness.report.rows import exchanged, rule_of, why_ignored
from harness.report.style import look, pairs, plain, printable, section
from harness.report.tried import how_to_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from harness.core.document import Row, SubjectFacts

_LOG_TAIL: Final = 16


def render(row: Row, subject: SubjectFacts) -> RenderableType:
    """The whole story of one cell."""
    evidence = row.evidence
    head = Text.assemble((printable(f"{row.title}: "), "bold"), look(row.verdict))
    if rule := rule_of(row):
        head.append(f" ({rule}{', ignored' if row.ignored else ''})", "dim")
    head.append(f"\n{printable(row.reason)}")
    for line in app_lines(evidence.apps):
        head.append(f"\napp: {printable(line)}")
    if row.ignored:
        head.append(f"\nIgnored: {why_ignored(row.ignored)}")
    if len(row.runs) > 1:
        head.append(f"\n{len(row.runs)} runs; what follows is one of them", style="dim")
    parts: list[RenderableType] = [head, *section("The Dockerfile starts", pairs(_started(row, subject)))]
    if evidence.tree is not None:
        parts += section("Processes before", processes(evidence.tree.before))
        if row.signal is not None:
            parts += section("The path of the signal", path_table(row))
            parts += section("The roll call", roll_call_table(evidence.roll_call))
        if row.finding and row.finding.text:
            parts += section("What was found", plain(row.finding.text))
        ended = Text(f"none: the container has ended, with exit code {row.exit_code}")
        running = row.outcome is Outcome.RUNNING
        parts += section("Processes after", processes(evidence.tree.after) if running else ended)
    if logs := evidence.logs[-_LOG_TAIL:]:
        parts += section("The log", *map(plain, logs))
    if others := list(_others(row)):
        parts += section("What others say", plain("\n".join(others)))
    if evidence.reproduce:
        parts.append(Text("\nTo reproduce it by hand", style="bold"))
        parts += [Text(f"  {printable(command)}", no_wrap=True, overflow="ignore") for command in evidence.reproduce]
    return Group(
        *parts, *(section("What to change", plain("\n".join(row.advice))) if row.verdict.good else how_to_fix(row))
    )


def _started(row: Row, subject: SubjectFacts) -> Iterator[tuple[str, RenderableType]]:
    if exchanges := exchanged(row, subject):
        yield "exchanged", plain(exchanges)
    for line in subject.starting:
        yield f"{subject.dockerfile}:{line.line}", plain(line.text)
    if not subject.starting:
        yield subject.dockerfile or "", "sets neither ENTRYPOINT nor CMD; the base does"
    if start := row.start:
        words = {"ENTRYPOINT": start.entrypoint, "CMD": start.command}
        instructions = (f"{name} {json.dumps(value)}" for name, value in words.items() if value)
        yield "the image says", plain("  ".join(instructions))
    if subject.init:
        yield "run with", "--init"
    if row.evidence.main:
        yield "PID 1 became", plain(shown(row.evidence.main))


def _others(row: Row) -> Iterator[str]:
    if claim := row.claim:
        held = f": {claim.held} on {row.base}" if claim.held else ", which says nothing of this cell"
        yield f"“{claim.text}” ({claim.source}){held}"
    if row.linter:
        yield f"a linter warns of the shell form ({row.linter})"
