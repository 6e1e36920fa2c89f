"""The story of a cell, whole and without colour."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from harness.core.dockerfile import Instruction
from harness.core.evidence import LogLine
from harness.core.facts import StartCommand
from harness.core.signal_path import End, Party, Send, Take
from harness.core.signals import Signal
from harness.core.subject import Claim, Expectation
from harness.core.trace import Fate
from harness.core.verdict import Expected
from harness.report.explain import found, moment, render, step_line
from tests.support.reports import ABRUPT, FORCED, GRACEFUL, KEPT, LOST, REAPED, SWALLOWED, UNTESTED, ZOMBIE, result

if TYPE_CHECKING:
    from harness.core.evidence import Evidence
    from harness.core.result import Result
    from harness.core.signal_path import Step

CLAIM = Claim(text="it works", source="an article", forwards=Expectation(forwards=Expected.ALWAYS))
START = StartCommand(command=("/bin/sh", "-c", "node server.js"))
LINES = (Instruction(line=9, text="CMD node server.js"),)


def drawn(made: Result) -> str:
    console = Console(width=100, file=io.StringIO(), color_system=None, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(render(made, LINES), crop=False)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


STORY = """\
shell on local:musl-node24, SIGTERM: ○ swallowed
PID 1 is `/bin/sh -c node server.js`: no handler for SIGTERM, so the kernel dropped it

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

To see it by hand
  docker run x
  docker kill x

To mend it
  Start the app itself:
    CMD ["node", "server.js"]
  `/bin/sh -c node server.js`: a shell stays between PID 1 and the app and hands no signal on; the
  exec form starts none."""


def test_a_story_is_told_whole() -> None:
    assert drawn(replace(result("shell", SWALLOWED, claim=CLAIM), start=START)) == STORY


def test_without_a_record_that_is_said() -> None:
    text = drawn(result("v", replace(SWALLOWED, trace=None)))
    assert "There is no kernel's record of it here; the trees and the log are what there is." in text


def test_what_could_not_be_tested_is_told_with_its_log() -> None:
    text = drawn(result("v", UNTESTED))
    assert text.startswith("v on local:musl-node24, SIGTERM: ? untested\nno ready line within 30 s")
    assert "  starting" in text
    assert "Processes" not in text


def test_hostile_text_is_spelled_out() -> None:
    logs = (LogLine(at_ns=1, text="\x1b[2J[red]x[/red]\x07"),)
    before = (replace(SWALLOWED.before[0], args="sh\x1b[31m [bold]x[/bold]"), SWALLOWED.before[1])
    text = drawn(result("v", replace(SWALLOWED, logs=logs, before=before)))
    assert "\x1b" not in text
    assert r"\x1b[2J[red]x[/red]\x07" in text
    assert text.count(r"1   sh\x1b[31m [bold]x[/bold]") == 1


def test_commands_are_never_wrapped() -> None:
    command = "docker run " + "x" * 300
    assert f"  {command}" in drawn(replace(result("v", SWALLOWED), reproduce=(command,))).splitlines()


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


DOCKER, PID1, APP = Party(pid=None, name="docker"), Party(pid=1, name="npm start"), Party(pid=7, name="node server.js")
TERM, KILL = Signal(15), Signal(9)


def sent(fate: Fate, sender: Party = DOCKER) -> Send:
    return Send(at_us=0, sender=sender, signal=TERM, receiver=PID1, fate=fate)


STEPS: dict[str, tuple[Step, str]] = {
    "a signal that arrives": (sent(Fate.DELIVERED), "docker ──SIGTERM──▶ 1 npm start"),
    "from a process": (sent(Fate.DELIVERED, APP), "7 node server.js ──SIGTERM──▶ 1 npm start"),
    "a signal that is dropped": (sent(Fate.IGNORED), "docker ──SIGTERM──▶ 1 npm start   dropped by the kernel"),
    "a signal that merges": (
        sent(Fate.MERGED),
        "docker ──SIGTERM──▶ 1 npm start   merges with a pending one",
    ),
    "a signal that is lost": (sent(Fate.LOST), "docker ──SIGTERM──▶ 1 npm start   lost: the queue is full"),
    "a handler": (
        Take(at_us=1, process=APP, signal=TERM, by_handler=True),
        "7 node server.js: its handler for SIGTERM runs",
    ),
    "no handler": (
        Take(at_us=1, process=APP, signal=TERM, by_handler=False),
        "7 node server.js: SIGTERM has its default action",
    ),
    "an end": (End(at_us=2, process=APP, by=None), "7 node server.js exits"),
    "an end by a signal": (End(at_us=2, process=APP, by=KILL), "7 node server.js dies of SIGKILL"),
    "a name of 32 characters": (
        End(at_us=2, process=Party(pid=1, name="x" * 32), by=None),
        f"1 {'x' * 32} exits",
    ),
    "a name that is longer": (
        End(at_us=2, process=Party(pid=1, name="x" * 33), by=None),
        f"1 {'x' * 31}… exits",
    ),
    "a hostile name": (
        End(at_us=2, process=Party(pid=1, name="a\x1b[2J\r[red]b"), by=None),
        r"1 a\x1b[2J\x0d[red]b exits",
    ),
}


@pytest.mark.parametrize(("step", "text"), STEPS.values(), ids=STEPS)
def test_a_step_of_a_path_is_one_line(step: Step, text: str) -> None:
    assert step_line(step).plain == text


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
    "a stop without a request": (FORCED, "docker stop with 3 s of grace: SIGKILL, after 3.06 s, exit code 137"),
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
    assert found(evidence) == text
