"""Which image a base took the place of is shown wherever it matters what ran."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

from rich.console import Console

from harness.core.base_image import Exchange
from harness.core.dockerfile import Instruction
from harness.report import bases_table, explain, html, markdown, table
from harness.report.json import render
from tests.support.evidence import changed
from tests.support.reports import BASE, FORWARDED, SOURCE, SWALLOWED, report, result

if TYPE_CHECKING:
    from rich.console import RenderableType


def exchange(image: str, line: int = 2) -> Exchange:
    return Exchange(instruction=Instruction(line=line, text=f"FROM {image}"), image=image)


ONE = changed(SOURCE, exchanges=(exchange("node:24-alpine"),))
OTHERS = changed(SOURCE, exchanges=(exchange("node:24-alpine", 1), exchange("[red]\x1b", 7)))
NAMED = changed(SOURCE, exchanges=(exchange(BASE),))
DOCUMENT = report(
    result("naive", SWALLOWED),
    result("other", FORWARDED),
    result("same", FORWARDED),
    sources={"naive": ONE, "other": OTHERS, "same": NAMED},
)


def drawn(shown: RenderableType) -> str:
    console = Console(width=160, file=io.StringIO(), color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(shown)
    return capture.get()


def told(name: str) -> str:
    (row,) = (row for row in DOCUMENT.results if row.subject == name)
    return drawn(explain.render(row, DOCUMENT.subjects[name]))


def test_a_document_holds_it() -> None:
    subjects = json.loads(render(DOCUMENT))["subjects"]
    assert subjects["naive"]["exchanged"] == [{"line": 2, "text": "FROM node:24-alpine"}]


def test_the_story_of_a_cell_tells_it() -> None:
    assert re.search(rf"^  exchanged +FROM node:24-alpine → {BASE}, line 2 *$", told("naive"), re.MULTILINE)
    assert f"FROM [red]\\x1b → {BASE}, line 7" in told("other")


def test_an_image_that_is_named_and_asked_for_was_not_exchanged() -> None:
    assert "exchanged" not in told("same")


def test_the_heading_of_a_base_names_each_image_once() -> None:
    assert "in place of node:24-alpine, [red]\\x1b\n" in drawn(table.render(DOCUMENT))
    plain = report(result("naive", SWALLOWED), result("same", SWALLOWED), sources={"naive": SOURCE, "same": NAMED})
    assert "in place of" not in drawn(table.render(plain))


def test_of_many_bases_it_is_told_once() -> None:
    assert f"\neach in place of node:24-alpine, [red]\\x1b, {BASE}\n" in drawn(bases_table.render(DOCUMENT))


def test_markdown_tells_it_with_the_facts_of_the_base() -> None:
    assert " · in place of node:24-alpine, \\[red\\]\\\\x1b" in markdown.render(DOCUMENT)


def test_the_page_tells_it_in_the_cell() -> None:
    assert f'"FROM node:24-alpine → {BASE}, line 2"' in html.render(DOCUMENT)
