"""What is printed as a picture of a terminal: the same text, from nothing but itself, readable, the same every time."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Group
from rich.text import Text

from harness.cli import run as cli
from harness.cli.entry import cli as program
from harness.core.evidence import Untested
from harness.core.verdict import Expected
from harness.report import table
from harness.report.terminal_svg import render
from tests.support.reports import FORWARDED, KILLED, REAPED, SWALLOWED, UNTESTED, ZOMBIE, drawn, report, result

if TYPE_CHECKING:
    from rich.console import RenderableType

SVG = "{http://www.w3.org/2000/svg}"
SMALL = report(
    result("naive", SWALLOWED, expected=Expected.ALWAYS),
    result("node-exec-form", FORWARDED),
    result("killed", KILLED),
    result("reaped", REAPED),
    result("zombie", ZOMBIE),
    result("untested", UNTESTED),
    result("unstable", FORWARDED, SWALLOWED),
)
COMMAND = "signal-harness run --variant naive"


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314  our own


def lines(svg: str) -> list[str]:
    """What is drawn in the window, line by line."""
    root = parsed(svg)
    found: dict[float, list[tuple[float, str]]] = {}
    for text in root.findall(f"{SVG}g/{SVG}text"):
        found.setdefault(float(text.get("y", 0)), []).append((float(text.get("x", 0)), text.text or ""))
    return [join(found[y]) for y in sorted(found)]


def join(parts: list[tuple[float, str]]) -> str:
    line = ""
    for x, text in sorted(parts):
        line = line.ljust(round(x / 12.2)) + text.replace("\xa0", " ")
    return line.rstrip()


def picture(*parts: RenderableType, title: str = COMMAND) -> str:
    return render(parts, title)


def test_a_picture_shows_what_is_printed() -> None:
    parts = (table.render(SMALL), Text(f"\n{table.summary(SMALL)}"))
    printed = [line for line in drawn(Group(*parts)).splitlines() if line]
    assert [line for line in lines(picture(*parts)) if line] == printed
    assert "← unexpected" in "".join(printed)


def test_the_window_is_called_as_the_command_and_told_in_words() -> None:
    root = parsed(picture(table.render(SMALL)))
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == COMMAND
    assert [text.text for text in root.findall(f"{SVG}text")] == [COMMAND.replace(" ", "\xa0")]
    assert (root.findtext(f"{SVG}desc") or "").strip() == drawn(table.render(SMALL)).strip()


def test_a_long_command_is_cut_in_the_window_only() -> None:
    command = "signal-harness run " + " ".join(f"--variant v{number}" for number in range(40))
    root = parsed(picture(title=command))
    (title,) = [text.text or "" for text in root.findall(f"{SVG}text")]
    assert len(title) == 96
    assert title.endswith("…")
    assert root.findtext(f"{SVG}title") == command


def test_the_same_text_is_the_same_picture_whatever_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    first = picture(table.render(SMALL))
    for name, value in {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "40", "FORCE_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
        assert picture(table.render(SMALL)) == first
    assert 'id="' not in first


def test_a_picture_refers_to_nothing() -> None:
    svg = picture(table.render(SMALL))
    assert re.findall(r"\w+://[^\s\"<]+", svg) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"url\(|@import|@font-face|href|<script|clip-path|\son\w+=", svg)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_all_can_be_read() -> None:
    """What is on a ground of its own, as "unexpected" is, is the other way round: the contrast is the same."""
    svg = picture(table.render(SMALL), *(Text(style, style=style) for style in ("blue", "cyan", "dim yellow", "dim")))
    paper = parsed(svg).find(f"{SVG}rect")
    assert paper is not None
    ground = luminance(paper.get("fill", ""))
    styles = dict(re.findall(r"\.(terminal-r\d+) \{ fill: (#\w{6})", svg))
    reverse = {paper.get("fill", "")}
    assert len(set(styles.values())) > 8
    for colour in set(styles.values()) - reverse:
        assert (luminance(colour) + 0.05) / (ground + 0.05) >= 4.5, colour


HOSTILE = "</text><script>alert(1)</script> {width} }}{{ &amp; ]]> [red]x[/] \x1b[2J\x00\u202e"
SHOWN = "</text><script>alert(1)</script> {width} }}{{ &amp; ]]> [red]x[/] \\x1b[2J\\x00\\x202e"


def test_hostile_text_is_text() -> None:
    made = report(result("v", Untested(reason=HOSTILE), title=HOSTILE))
    root = parsed(picture(table.render(made), Text(HOSTILE), title=HOSTILE))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        *("svg", "title", "desc", "style", "rect", "text", "g", "circle")
    }
    assert root.findtext(f"{SVG}title") == SHOWN
    assert SHOWN in (root.findtext(f"{SVG}desc") or "")
    assert SHOWN in [(text.text or "").replace("\xa0", " ") for text in root.iter(f"{SVG}text")]


@given(st.text(), st.text())
def test_whatever_is_printed_is_a_well_formed_picture(text: str, title: str) -> None:
    svg = picture(Text(text), title=title)
    parsed(svg)
    assert all(c == "\n" or c.isprintable() for c in svg)


# What the window is called.


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        ([], "signal-harness run"),
        (["--svg", "/home/me/a.svg", "--json", "-", "--html", "x"], "signal-harness run"),
        (["--signal", "TERM", "--base", "b", "--base", "a"], "signal-harness run --base b --base a --signal TERM"),
        (["--variant", "npm-*", "--svg", "-"], "signal-harness run --variant 'npm-*'"),
        (["--repeat", "3", "--settle", "0.5"], "signal-harness run --repeat 3 --settle 0.5"),
        (["--baseline"], "signal-harness run --baseline baselines"),
        (["--table", "compared", "--probe", "all"], "signal-harness run --probe all --table compared"),
    ],
)
def test_the_command_is_told_without_where_its_reports_go(words: list[str], typed: str) -> None:
    # With the settings of the whole program: a command keeps the names of its help option from its first context.
    root = click.Context(program, info_name="signal-harness", **program.context_settings)
    assert cli._typed(cli.run.make_context("run", list(words), parent=root)) == typed
