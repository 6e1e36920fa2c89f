"""The table for people, whole and without colour."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harness.core.model import Forwards, Untested, Verdict
from harness.core.signals import Signal
from harness.report.table import differs, printable, render, summary
from tests.reports import FORWARDED, KILLED, SWALLOWED, UNTESTED, report, result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.core.model import Report

HUP = Signal(1)
SMALL = report(
    result("naive", SWALLOWED, signal=HUP, expected=Forwards.NEVER),
    result("naive", KILLED, expected=Forwards.ALWAYS),
    result("node-exec-form", FORWARDED, signal=HUP, expected=Forwards.ALWAYS),
    result("node-exec-form", UNTESTED),
    result("only-one", replace(FORWARDED, receipts=FORWARDED.receipts * 2), title="[bold]markup[/] is text"),
)


def drawn(made: Report, recorded: Mapping[str, Verdict] | None = None) -> str:
    console = Console(width=100, file=io.StringIO(), color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(render(made, recorded))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


DRAWN = """\
local:musl-node24
alpine 3.22 · musl 1.2.5 · /bin/sh is BusyBox v1.37.0 ash · Node 24.11.1 · npm
11.6.2

 variant                                    SIGHUP        SIGTERM
 ──────────────────────────────────────────────────────────────────────────────
 naive            the naive                 ○ swallowed   ✗ killed ← unexpected
 node-exec-form   the node-exec-form        ✓ forwarded   ? untested
 only-one         [bold]markup[/] is text   –             » duplicated


✓ forwarded: received once, the app is in control
» duplicated: received, or sent, more than once
○ swallowed: not received, all runs on
✗ killed: not received, the app is gone
? untested: could not be tested

musl-node24/naive/SIGTERM: expected forwarded, but killed: PID 1 is `/bin/sh -c node server.js`: the
app never saw SIGTERM, but the container ended with exit code 143 before the app was done
musl-node24/node-exec-form/SIGTERM: untested: no ready line within 30 s"""


def test_a_small_report_is_drawn_whole() -> None:
    assert drawn(SMALL) == DRAWN


def test_a_contradicted_baseline_is_marked_and_noted() -> None:
    text = drawn(SMALL, {"musl-node24/only-one/SIGTERM": Verdict.FORWARDED})
    assert "» duplicated ← unexpected" in text
    assert "musl-node24/only-one/SIGTERM: expected forwarded, but duplicated: PID 1 is the app" in text


def test_a_baseline_that_agrees_changes_nothing() -> None:
    assert drawn(SMALL, {"musl-node24/only-one/SIGTERM": Verdict.DUPLICATED}) == DRAWN


def test_a_variant_that_depends_and_has_no_record_is_never_unexpected() -> None:
    assert not differs(result("v", KILLED), {})
    assert differs(result("v", KILLED, expected=Forwards.ALWAYS), {})
    assert differs(result("v", KILLED), {"musl-node24/v/SIGTERM": Verdict.FORWARDED})


def test_bases_without_results_are_not_drawn() -> None:
    assert drawn(report()).strip() == ""


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (
            SMALL,
            "5 cells in 1.2 s: 1 forwarded, 1 duplicated, 1 swallowed, 1 killed, 1 untested; 1 not as expected",
        ),
        (report(result("v", FORWARDED)), "1 cells in 1.2 s: 1 forwarded; all as expected"),
        (report(), "0 cells in 1.2 s: none; all as expected"),
    ],
)
def test_the_summary_is_one_line(made: Report, line: str) -> None:
    assert summary(made) == line


HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\x08\u202e"


def test_a_hostile_reason_is_spelled_out() -> None:
    text = drawn(report(result("v", Untested(reason=f"it says {HOSTILE}"))))
    assert text.endswith(r"musl-node24/v/SIGTERM: untested: it says \x1b[2J\x1b]0;owned\x07\x9b31m\x0d\x08\x202e")


def test_markup_in_a_reason_is_text() -> None:
    text = drawn(report(result("v", Untested(reason="[red]no[/red] [link=x]y[/link] [/]"))))
    assert text.endswith("untested: [red]no[/red] [link=x]y[/link] [/]")


@given(st.text())
def test_printable_text_moves_no_cursor(text: str) -> None:
    shown = printable(text)
    assert all(c == "\n" or c.isprintable() for c in shown)
    assert shown.count("\n") == text.count("\n")


@given(st.text(st.characters(exclude_categories=("C", "Z"))))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text
