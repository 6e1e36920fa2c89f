"""The table for people, whole and without colour."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harness.core.evidence import LogLine, Untested
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.subject import Claim, Expectation
from harness.core.verdict import Expected, Verdict
from harness.report.rows import differs, expectation
from harness.report.style import printable
from harness.report.table import claims, render, summary
from tests.support.evidence import changed
from tests.support.facts import start_command
from tests.support.reports import (
    ABRUPT,
    DUPLICATED,
    FORCED,
    FORWARDED,
    GRACEFUL,
    KEPT,
    KILLED,
    LOST,
    REAPED,
    START,
    SWALLOWED,
    UNTESTED,
    ZOMBIE,
    report,
    result,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.core.document import Document

HUP = Signal(1)
SMALL = report(
    result("naive", SWALLOWED, signal=HUP, expected=Expected.NEVER),
    result("naive", KILLED, expected=Expected.ALWAYS),
    result("node-exec-form", FORWARDED, signal=HUP, expected=Expected.ALWAYS),
    result("node-exec-form", UNTESTED),
    result("only-one", DUPLICATED, title="[bold]markup[/] is text"),
)


WORKS = Claim(
    text="it works",
    source="an article",
    forwards=Expectation(forwards=Expected.ALWAYS, probes={Probe.STOP: Expected.ALWAYS}),
)
PROBED = report(
    result("good", FORWARDED, probe=Probe.TTY),
    result("good", REAPED, probe=Probe.REAP),
    result("good", KEPT, probe=Probe.EXIT_CODE),
    result("good", GRACEFUL, probe=Probe.STOP, claim=WORKS, start=start_command(command=("node", "server.js"))),
    result("good", FORWARDED, claim=WORKS),
    result("good", FORWARDED, signal=HUP, claim=WORKS),
    result("bad", SWALLOWED, claim=WORKS, start=START),
    result("bad", FORCED, probe=Probe.STOP, claim=WORKS, expected=Expected.ALWAYS),
    result("bad", LOST, probe=Probe.EXIT_CODE),
    result("bad", ZOMBIE, probe=Probe.REAP, expected=Expected.NEVER),
    result("odd", UNTESTED, claim=WORKS),
    result("odd", GRACEFUL, ABRUPT, probe=Probe.STOP),
    result("odd", changed(LOST, codes=((42, None), (0, 1))), probe=Probe.EXIT_CODE),
)


def drawn(made: Document, recorded: Mapping[str, Verdict] | None = None, *, width: int = 100) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(render(made, recorded))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


DRAWN = """\
local:musl-node24
alpine 3.22 · musl 1.2.5 · /bin/sh is BusyBox v1.37.0 ash · Node 24.11.1 · npm 11.6.2

 variant                                    SIGHUP        SIGTERM
 ──────────────────────────────────────────────────────────────────────────────
 naive            the naive                 ○ swallowed   ✗ killed ← unexpected
 node-exec-form   the node-exec-form        ✓ forwarded   ? untested
 only-one         [bold]markup[/] is text   –             » duplicated


✓ forwarded: received once, the app is in control
» duplicated: received, or sent, more than once (SH010)
○ swallowed: not received; everything keeps running (SH001)
✗ killed: not received, the app is gone (SH006)
? untested: could not be tested

musl-node24/naive/SIGTERM: expected forwarded, but killed: PID 1 is `/bin/sh -c node server.js`: the
app never saw SIGTERM, but the container ended with exit code 143 before the app was done
musl-node24/node-exec-form/SIGTERM: untested: no ready line within 30 s
  the end of its log:
    starting"""


def test_the_end_of_the_log_is_shown_of_what_is_untested_alone_and_never_moves_a_cursor() -> None:
    logs = tuple(LogLine(at_ns=1, text=f"line {number} \x1b[2J") for number in range(40))
    text = drawn(
        report(result("v", Untested(reason="no ready line", logs=logs)), result("w", changed(KILLED, logs=logs)))
    )
    assert [line.strip() for line in text.splitlines() if "line 3" in line] == [
        f"line {number} \\x1b[2J" for number in range(35, 40)
    ]


def test_a_log_that_the_reason_tells_is_not_told_twice() -> None:
    logs = (LogLine(at_ns=1, text="no such module"),)
    assert "end of its log" not in drawn(report(result("v", Untested(reason="it ended: no such module", logs=logs))))
    assert "end of its log" not in drawn(report(result("v", Untested(reason="no container"))))


def test_a_small_report_is_drawn_whole() -> None:
    assert drawn(SMALL) == DRAWN


DRAWN_PROBES = """\
 variant              SIGHUP        SIGTERM       stop                                    exit-code             reap       tty           claim
 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 good      the good   ✓ forwarded   ✓ forwarded   ✓ graceful 0.2 s, exit 0                ✓ kept                ✓ reaped   ✓ forwarded   held
 bad       the bad    –             ○ swallowed   ✗ forced 3.1 s, exit 137 ← unexpected   ✗ lost 42 → 1         ○ zombie   –             refuted
 odd       the odd    –             ? untested    ~ unstable                              ✗ lost 42 → runs on   –          –             –


✓ forwarded: received once, the app is in control
○ swallowed: not received; everything keeps running (SH001)
✓ graceful: the app shut down within the grace period
✗ forced: SIGKILL, after the whole grace period (SH002)
✓ kept: the container's exit code is the app's
✗ lost: the container's exit code differs, or it keeps running (SH014)
✓ reaped: an orphan that ended is gone
○ zombie: an orphan that ended stays (SH015)
~ unstable: repeats disagree (SH016)
? untested: could not be tested
"""  # noqa: E501  it is as wide as it is


def test_probes_are_drawn_behind_the_signals_and_claims_last() -> None:
    assert DRAWN_PROBES in drawn(PROBED, width=160)


def test_the_order_of_the_results_is_not_that_of_the_columns() -> None:
    backwards = changed(PROBED, results=PROBED.results[::-1])
    heading = DRAWN_PROBES.partition("\n")[0]
    assert heading in drawn(backwards, width=160)


@pytest.mark.parametrize("width", [80, 100])
def test_no_column_is_lost_where_the_table_is_too_wide(width: int) -> None:
    text = drawn(PROBED, width=width)
    for heading in ("variant", "SIGHUP", "SIGTERM", "stop", "exit-code", "reap", "tty", "claim"):
        assert heading in text


def test_without_a_claim_on_what_was_tested_there_is_no_such_column() -> None:
    silent = Claim(text="it is quick", source="a blog")
    assert "claim" not in drawn(report(result("v", FORWARDED, claim=silent)))
    assert "claim" not in drawn(SMALL)


def test_a_claim_that_one_cell_refutes_is_refuted() -> None:
    made = report(result("v", FORWARDED, signal=HUP, claim=WORKS), result("v", SWALLOWED, claim=WORKS))
    assert "refuted" in drawn(made)
    assert " held" not in drawn(made)


def test_claims_and_linter_are_counted_in_a_line_each() -> None:
    assert claims(PROBED) == (
        "Claims that held: 1 of 2 on local:musl-node24.\n"
        "A linter (JSONArgsRecommended) on local:musl-node24: 1 warning, 1 of them right; "
        "0 variants that lose a signal go unnoticed."
    )


def test_claims_are_counted_base_by_base() -> None:
    made = report(
        result("v", FORWARDED, claim=WORKS, start=START, base="b"), result("v", SWALLOWED, claim=WORKS, base="a")
    )
    assert claims(made).splitlines()[0] == "Claims that held: 1 of 1 on b, 0 of 1 on a."


def test_where_nobody_claims_anything_nothing_is_counted() -> None:
    assert claims(SMALL) == ""
    assert claims(report(result("v", UNTESTED, claim=WORKS))) == ""


@pytest.mark.parametrize(
    ("probe", "good"),
    [
        (Probe.SIGNAL, "forwarded"),
        (Probe.STOP, "graceful"),
        (Probe.EXIT_CODE, "kept"),
        (Probe.REAP, "reaped"),
        (Probe.TTY, "forwarded"),
    ],
)
def test_what_is_wanted_of_a_probe_is_told_in_its_own_words(probe: Probe, good: str) -> None:
    always, never, depends = (
        expectation(result("v", UNTESTED, probe=probe, expected=expected)) for expected in Expected
    )
    assert (always, never, depends) == (good, f"anything but {good}", "what was recorded")
    assert Verdict(good).good


def test_a_contradicted_baseline_is_marked_and_noted() -> None:
    text = drawn(SMALL, {"musl-node24/only-one/SIGTERM": Verdict.FORWARDED})
    assert "» duplicated ← unexpected" in text
    assert "musl-node24/only-one/SIGTERM: expected forwarded, but duplicated: PID 1 is the app" in text


def test_a_baseline_that_agrees_changes_nothing() -> None:
    assert drawn(SMALL, {"musl-node24/only-one/SIGTERM": Verdict.DUPLICATED}) == DRAWN


def test_a_variant_that_depends_and_has_no_record_is_never_unexpected() -> None:
    assert not differs(result("v", KILLED), {})
    assert differs(result("v", KILLED, expected=Expected.ALWAYS), {})
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
        (report(result("v", FORWARDED)), "1 cell in 1.2 s: 1 forwarded; nothing was expected"),
        (report(), "0 cells in 1.2 s: none; nothing was run"),
    ],
)
def test_the_summary_is_one_line(made: Document, line: str) -> None:
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
