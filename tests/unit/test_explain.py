"""The story of a cell, whole and without colour."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

from harness.core.catalogue import Claim, Expectation
from harness.core.dockerfile import Instruction
from harness.core.model import Expected, LogLine, StartCommand
from harness.report.explain import render
from tests.reports import SWALLOWED, UNTESTED, result

if TYPE_CHECKING:
    from harness.core.model import Result

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
