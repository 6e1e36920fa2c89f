"""Characters that do something to a terminal, or turn the order of a text around, are spelled out in all formats."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING

import msgspec
import pytest

from harness.core.baseline import recordings
from harness.core.comparison import compare
from harness.core.evidence import LogLine
from harness.core.verdict import Expected
from harness.report.baseline import write as as_baseline
from harness.report.decoding import read_document
from harness.report.explain import render as explain
from harness.report.formats import Format, render
from harness.report.json import escaped, indented
from tests.support.everything import EVERYTHING
from tests.support.evidence import changed
from tests.support.reports import APP, PID1, SWALLOWED, drawn, report, result

if TYPE_CHECKING:
    from harness.core.document import Document

ODD = "\x1b\x07\x7f\x85\x9b\u200b\u200e\u200f\u061c" + "".join(
    map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
)
TEXT = f"a{ODD}b\U000e0041"
JOINER = "\u2060"
"""Ours, in Markdown: it shows nothing and turns nothing around."""


def hostile() -> Document:
    """A run with a log line, a name, a command line and a signal's end that are hostile."""
    seen = changed(
        SWALLOWED,
        before=(changed(PID1, argv=("/bin/sh", "-c", TEXT)), changed(APP, argv=("node", TEXT))),
        logs=(LogLine(at_ns=900_000_000, text=TEXT),),
    )
    return report(result(f"v{TEXT}", seen, expected=Expected.ALWAYS), result(TEXT, SWALLOWED))


def odd(text: str) -> set[str]:
    """The characters of a text that are not to be there: controls, formats, surrogates, separators of lines."""
    return {
        char
        for char in text
        if char not in f"\n\t{JOINER}" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }


@pytest.mark.parametrize("wanted", Format)
@pytest.mark.parametrize("compared", [False, True])
def test_no_format_has_an_odd_character(wanted: Format, compared: bool) -> None:
    document = hostile()
    comparisons = [compare(one, one) for one in recordings(document)] if compared else []
    written = render(wanted, document, comparisons)
    assert "202e" in written.lower() or wanted is Format.GITLAB
    assert odd(written) == set()


def test_nor_has_the_terminals_text_or_a_baseline() -> None:
    document = hostile()
    row = document.results[0]
    assert odd(drawn(explain(row, document.subjects[row.subject]))) == set()
    assert [odd(as_baseline(one)) for one in recordings(document)] == [set()]


def test_what_is_escaped_means_the_same() -> None:
    for document in (hostile(), EVERYTHING):
        assert read_document(render(Format.JSON, document).encode(), place="x") == document
    assert json.loads(indented({"é — ✓": TEXT})) == {"é — ✓": TEXT}
    assert "é — ✓" in indented(["é — ✓"])


def test_every_character_is_escaped_or_shown() -> None:
    every = "".join(map(chr, [*range(0x3100), *range(0xE000, 0x11000), *range(0xE0000, 0xE0200)]))
    text = escaped(msgspec.json.encode(every).decode())
    assert json.loads(text) == every
    assert odd(text) == set()
