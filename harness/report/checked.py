"""What a check of given images has found, for people: verdict, roll call, what to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from harness.report.apps import app_lines
from harness.report.patch_text import patch_text
from harness.report.roll_call_table import roll_call_table
from harness.report.rows import rule_of, why_ignored
from harness.report.style import look, plain, printable, section
from harness.report.tried import how_to_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from harness.core.document import Document, Row

_LOG_TAIL = 24
"""Enough for a runtime's report on an exception that nobody caught."""


def render(document: Document) -> RenderableType:
    """All rows, one below the other."""
    parts: list[RenderableType] = []
    for row in document.results:
        parts += [Text()] if parts else []
        parts += _row(row)
    return Group(*parts)


def _row(row: Row) -> Iterator[RenderableType]:
    head = Text.assemble((printable(f"{row.subject}, {row.question.name}: "), "bold"), look(row.verdict))
    if rule := rule_of(row):
        head.append(f" ({rule}{', ignored' if row.ignored else ''})", "dim")
    if row.finding and row.finding.brief:
        head.append(f", {printable(row.finding.brief)}")
    yield head
    yield plain(row.reason)
    for line in app_lines(row.evidence.apps):
        yield plain(f"app: {line}")
    if row.ignored:
        yield plain(f"Ignored: {why_ignored(row.ignored)}")
    if row.finding and "in_flight" in row.finding.facts:
        yield plain(row.finding.text)
    if calls := row.evidence.roll_call:
        yield from section("The roll call", roll_call_table(calls))
    if not row.tested and (logs := row.evidence.logs[-_LOG_TAIL:]):
        yield from section("The end of the log", *map(plain, logs))
    if row.tested and not row.verdict.good:
        yield from how_to_fix(row)
    for one in row.tried:
        if one.patch is not None:
            yield from section(f"The patch, built and run: {one.verdict.symbol} {one.verdict}", patch_text(one.patch))
