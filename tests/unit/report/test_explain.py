"""The story of a cell, whole and without colour."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from harness.core.dockerfile import Instruction
from harness.core.evidence import LogLine
from harness.core.signal_path import signal_path
from harness.core.source import Source
from harness.core.subject import Claim, Expectation
from harness.core.trace import Fate, Handled, Sent
from harness.core.verdict import Expected
from harness.report.explain import render
from harness.report.path_text import moment, step_line
from tests.support.evidence import changed
from tests.support.facts import start_command
from tests.support.reports import (
    ABRUPT,
    APP,
    FORCED,
    GRACEFUL,
    KEPT,
    LOST,
    PID1,
    REAPED,
    SWALLOWED,
    TRIED,
    UNTESTED,
    ZOMBIE,
    result,
    subject_of,
)

if TYPE_CHECKING:
    from harness.core.document import Row, SignalPath
    from harness.core.evidence import Evidence
    from harness.core.trace import TraceRecord

CLAIM = Claim(text="it works", source="an article", forwards=Expectation(forwards=Expected.ALWAYS))
START = start_command(command=("/bin/sh", "-c", "node server.js"))
SOURCE = Source(
    path="shell.Dockerfile", digest="0123456789ab", starting=(Instruction(line=9, text="CMD node server.js"),)
)


def drawn(row: Row) -> str:
    console = Console(width=100, file=io.StringIO(), color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(render(row, subject_of(row, SOURCE)), crop=False)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


STORY = """\
shell on local:musl-node24, SIGTERM: ○ swallowed (SH001)
PID 1 is `/bin/sh -c node server.js`: no handler for SIGTERM, so the kernel dropped it
app: node server.js (PID 7): it wrote the ready line

The Dockerfile starts
  shell.Dockerfile:9  CMD node server.js
  the image says      CMD ["/bin/sh", "-c", "node server.js"]
  PID 1 became        /bin/sh -c node server.js

Processes before
  PID   command                     state    catches
  ────────────────────────────────────────────────────────────────
    1   /bin/sh -c node server.js   sleeps   nothing; ignores PIPE
    7     node server.js            sleeps   TERM

The path of the signal
  +0 µs  docker ──SIGTERM──▶ 1 /bin/sh -c node server.js   dropped by the kernel
  decided after 2 ms

The roll call
  PID   process                     told                 what it did             how it ended
  ───────────────────────────────────────────────────────────────────────────────────────────
    1   /bin/sh -c node server.js   by docker, +0.0 ms   dropped by the kernel   still there
    7     node server.js  ◀ app     never                –                       still there

Processes after
  PID   command                     state    catches
  ────────────────────────────────────────────────────────────────
    1   /bin/sh -c node server.js   sleeps   nothing; ignores PIPE
    7     node server.js            sleeps   TERM

The log
  Listening

What others say
  “it works” (an article): refuted on local:musl-node24
  a linter warns of the shell form (JSONArgsRecommended)

To reproduce it by hand
  docker run x
  docker kill x

How to fix it (not tried)
  In the Dockerfile:
    CMD ["node", "server.js"]
  `/bin/sh -c node server.js` stays as PID 1 and forwards no signal."""


def test_a_story_is_told_whole() -> None:
    assert drawn(result("shell", SWALLOWED, claim=CLAIM, start=START)) == STORY


def test_what_was_tried_stands_above_what_to_change() -> None:
    text = drawn(changed(result("shell", SWALLOWED, start=START), tried=TRIED))
    assert text.partition("\nHow to fix it\n")[2].splitlines()[:5] == [
        '  tried  CMD ["node", "server.js"]  ✓ graceful, 0.1 s, exit 0',
        "  tried  --init                     ✂ abrupt, 0.1 s, exit 143",
        "         the container ended by itself",
        "",
        "  In the Dockerfile:",
    ]


def test_what_is_no_change_is_not_said_to_be_untried() -> None:
    assert "How to fix it\n  Make the cell testable first" in drawn(result("v", UNTESTED))


def test_without_a_record_that_is_said() -> None:
    text = drawn(result("v", changed(SWALLOWED, trace=None)))
    assert "There is no kernel's record of it here; the trees and the log are what there is." in text


def test_what_could_not_be_tested_is_told_with_its_log() -> None:
    text = drawn(result("v", UNTESTED))
    assert text.startswith("v on local:musl-node24, SIGTERM: ? untested\nno ready line within 30 s")
    assert "  starting" in text
    assert "Processes" not in text


def test_hostile_text_is_spelled_out() -> None:
    logs = (LogLine(at_ns=1, text="\x1b[2J[red]x[/red]\x07"),)
    before = (changed(SWALLOWED.seen.before[0], argv=("sh\x1b[31m [bold]x[/bold]",)), SWALLOWED.seen.before[1])
    text = drawn(result("v", changed(SWALLOWED, logs=logs, before=before)))
    assert "\x1b" not in text
    assert r"\x1b[2J[red]x[/red]\x07" in text
    assert text.count(r"1   sh\x1b[31m [bold]x[/bold]") == 2  # in the tree and in the roll call


def test_commands_are_never_wrapped() -> None:
    row, command = result("v", SWALLOWED), "docker run " + "x" * 300
    assert f"  {command}" in drawn(changed(row, evidence=changed(row.evidence, reproduce=(command,)))).splitlines()


def test_several_runs_are_said_to_be_several() -> None:
    assert "3 runs; what follows is one of them" in drawn(result("v", SWALLOWED, SWALLOWED, SWALLOWED))


@pytest.mark.parametrize(
    ("at_us", "text"),
    [
        (0, "+0 µs"),
        (1, "+1 µs"),
        (999, "+999 µs"),
        (1000, "+1.0 ms"),
        (1049, "+1.0 ms"),
        (1051, "+1.1 ms"),
        (999_949, "+999.9 ms"),
        (999_999, "+1.00 s"),
        (1_000_000, "+1.00 s"),
        (1_004_999, "+1.00 s"),
        (10_500_000, "+10.50 s"),
    ],
)
def test_a_moment_is_told_in_a_unit_that_is_easy_to_read(at_us: int, text: str) -> None:
    assert moment(at_us) == text


SENT = Sent(time_s=1.5, sender="runc", sender_pid=5, number=15, target="npm", target_pid=1001, fate=Fate.DELIVERED)
TAKEN = Handled(time_s=1.5, comm="node", pid=1007, number=15, handler=64)
DIES = Handled(time_s=1.5, comm="node", pid=1007, number=9, handler=0)
KILL = changed(SENT, target_pid=1007, number=9)


def path_of(*trace: TraceRecord, main: str = "npm start") -> SignalPath:
    """The path of a signal that the kernel's record is about, where PID 1 is a command that catches it."""
    pid1 = changed(PID1, argv=(main,), caught=1 << 14)
    path = signal_path(changed(SWALLOWED, before=(pid1, APP), after=(), trace=trace))
    assert path is not None
    return path


STEPS: dict[str, tuple[SignalPath, str]] = {
    "a signal that arrives": (path_of(SENT), "docker ──SIGTERM──▶ 1 npm start"),
    "from a process": (path_of(changed(SENT, sender_pid=1007)), "7 node server.js ──SIGTERM──▶ 1 npm start"),
    "a signal that is dropped": (
        path_of(changed(SENT, fate=Fate.IGNORED)),
        "docker ──SIGTERM──▶ 1 npm start   dropped by the kernel",
    ),
    "a signal that merges": (
        path_of(changed(SENT, fate=Fate.MERGED)),
        "docker ──SIGTERM──▶ 1 npm start   merges with a pending one",
    ),
    "a signal that is lost": (
        path_of(changed(SENT, fate=Fate.LOST)),
        "docker ──SIGTERM──▶ 1 npm start   lost: the queue is full",
    ),
    "a handler": (path_of(TAKEN), "7 node server.js: its handler for SIGTERM runs"),
    "no handler": (path_of(changed(TAKEN, handler=0)), "7 node server.js: SIGTERM has its default action"),
    "an end": (path_of(DIES), "7 node server.js exits"),
    "an end by a signal": (path_of(KILL, changed(DIES, time_s=1.6)), "7 node server.js dies of SIGKILL"),
    "a name of 32 characters": (path_of(changed(DIES, pid=1001), main="x" * 32), f"1 {'x' * 32} exits"),
    "a name that is longer": (path_of(changed(DIES, pid=1001), main="x" * 33), f"1 {'x' * 31}… exits"),
    "a hostile name": (path_of(changed(DIES, pid=1001), main="a\x1b[2J\r[red]b"), r"1 a\x1b[2J\x0d[red]b exits"),
}


@pytest.mark.parametrize(("path", "text"), STEPS.values(), ids=STEPS)
def test_a_step_of_a_path_is_one_line(path: SignalPath, text: str) -> None:
    assert step_line(path.steps[-1], path).plain == text


FOUND: dict[str, tuple[Evidence, str]] = {
    "a signal": (SWALLOWED, ""),
    "a stop": (
        GRACEFUL,
        (
            "docker stop with 3 s of grace: the end came by itself, after 0.25 s, exit code 0; "
            "the request in flight was answered"
        ),
    ),
    "a stop that loses a request": (
        ABRUPT,
        (
            "docker stop with 3 s of grace: the end came by itself, after 0.25 s, exit code 143; "
            "the request in flight was lost"
        ),
    ),
    "a stop without a request": (
        FORCED,
        "docker stop with 3 s of grace: SIGKILL, after 3.06 s, exit code 137; no request was sent",
    ),
    "exit codes": (
        KEPT,
        (
            "the app exits with 42: docker wait says 42\n"
            "the app exits with 0: docker wait says 0\n"
            "the app exits with 143: docker wait says 143"
        ),
    ),
    "exit codes that are lost": (
        LOST,
        (
            "the app exits with 42: docker wait says 1\n"
            "the app exits with 0: docker wait says 0\n"
            "the app exits with 143: docker wait says nothing, it runs on"
        ),
    ),
    "an orphan": (REAPED, "the orphan is gone"),
    "a zombie": (ZOMBIE, "the orphan is a zombie"),
}


@pytest.mark.parametrize(("evidence", "text"), FOUND.values(), ids=FOUND)
def test_what_was_found_is_told_where_it_is_more_than_a_path(evidence: Evidence, text: str) -> None:
    row = result("v", evidence)
    assert (row.finding.text if row.finding else "") == text
    assert ("What was found" in drawn(row)) is bool(text)
