"""Whole screens as they are seen, without colour: what is on them, and what gives way where there is little room."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from harness.core.evidence import Evidence, LogLine, Untested
from harness.core.facts import BaseFacts
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.subject import Cell, Claim, Expectation, Variant
from harness.core.trace import Fate, Handled, Sent
from harness.core.verdict import Expected, Verdict
from harness.run.protocol import Launch
from harness.workshop.demo.fullscreen import present
from harness.workshop.demo.live import Phase, Snapshot, Taken
from harness.workshop.demo.presentation import Command, Kind, Step, View, path_of
from harness.workshop.demo.screens import Context, Screen, short_base
from harness.workshop.stepping import Action
from harness.workshop.story import Act, Chapter, Option, Story
from tests.support.reports import (
    ABRUPT,
    APP,
    DEBIAN,
    ENGINE,
    FACTS,
    FORWARDED,
    HANDED_ON,
    KILLED,
    PID1,
    START,
    SWALLOWED,
    TAKEN,
    TO_SHELL,
    UNTESTED,
    ZOMBIE,
    result,
)
from tests.support.scripted import mask, through_ps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.core.process import Process
    from harness.core.result import Result

TERM, HUP = Signal(15), Signal(1)
BIG, USUAL, SMALL = (100, 30), (80, 24), (60, 15)
CLAIM = Claim(
    text="npm passes no signal on",
    source="an article, page 1",
    forwards=Expectation(forwards=Expected.NEVER),
)
SHELL = Chapter(
    name="shell-form",
    title="The same Dockerfile, two bases",
    intro="npm is gone. The CMD has no brackets, so Docker hands it to /bin/sh -c.",
    question="We send SIGTERM, on one base and then on the other. Same answer?",
    asks="SIGTERM",
    options=(
        Option(text="it arrives here", verdicts=(Verdict.FORWARDED,)),
        Option(text="it does not arrive here", verdicts=(Verdict.SWALLOWED, Verdict.KILLED)),
    ),
    broken=(Act(variant="shell"),),
    fix="A JSON array: no shell takes part, on any base.",
    code="process.on('SIGTERM', () => server.close());",
    mended=(Act(variant="exec"),),
    lesson="The exec form does not ask which shell there is.",
)
ZOMBIES = Chapter(
    name="zombies",
    title="The zombie",
    intro="The kernel gives PID 1 every orphan.",
    question="What is left of it?",
    asks="reap",
    broken=(Act(variant="pid-1"),),
)
ARTICLE = Chapter(
    name="claims",
    title="What they say, and what was measured",
    intro="Each claim is put to the test on every base.",
    question="How many of them hold on every base?",
    claims="an article",
    lesson="Measure yours.",
)
STORY = Story(
    schema=1,
    title="What happens to SIGTERM?",
    intro="A small server that logs every signal it gets, started in many ways.",
    chapter=(SHELL, ZOMBIES, ARTICLE),
)
SHELL_VARIANT = Variant(name="shell", title="shell form", dockerfile="shell.Dockerfile")
EXEC = Variant(name="exec", title="exec form", dockerfile="exec.Dockerfile")
INIT = Variant(name="init", title="with an init", dockerfile="init.Dockerfile", init=True)
COMMANDS = {
    "shell": "node server.js",
    "exec": '["node", "server.js"]',
    "init": '["node", "server.js"]',
}
PROGRAMME = Context(
    story=STORY,
    engine=replace(ENGINE, trace=True),
    bases={FACTS.reference: FACTS, DEBIAN.reference: DEBIAN},
    dockerfile=lambda cell: f"FROM {cell.base}\n…\nCMD {COMMANDS[cell.variant.name]}",
    signal=lambda cell: None if cell.probe is Probe.REAP else TERM,
)


def cell(variant: Variant = SHELL_VARIANT, base: str = FACTS.reference, probe: Probe = Probe.SIGNAL) -> Cell:
    return Cell(base=base, variant=variant, signal=TERM if probe is Probe.SIGNAL else None, probe=probe)


def found(evidence: Evidence | Untested, of: Cell | None = None) -> Result:
    of = of or cell()
    return replace(result(of.variant.name, evidence, base=of.base, start=START), cell=of)


KILL = Action(command="docker kill --signal=SIGTERM signal-harness-1a2b-1")
LOG = (
    LogLine(at_ns=1, text="Listening on port 3000 pid=7"),
    LogLine(at_ns=5, text="Received signal: SIGTERM"),
    LogLine(at_ns=6, text=""),
    LogLine(at_ns=7, text="[bold]Shutdown[/bold] complete"),
)
STARTING = Snapshot(
    cell=cell(),
    phase=Phase.STARTING,
    launch=Launch(image="signal-harness/dockerfiles/shell:musl-node24-0123456789ab"),
    container="signal-harness-1a2b-1",
    tree=SWALLOWED.before,
    lines=LOG[:1],
    run=1,
)
HELD = replace(STARTING, phase=Phase.HELD, held=KILL)
UNDER_WAY = replace(STARTING, phase=Phase.UNDER_WAY, actions=(Taken(action=KILL, at_ns=4),), elapsed_s=1.25, lines=LOG)
FORWARDS = replace(
    FORWARDED,
    before=SWALLOWED.before,
    after=SWALLOWED.before,
    trace=(
        TO_SHELL,
        replace(HANDED_ON, time_s=1.000_25),
        TAKEN,
        replace(HANDED_ON, fate=Fate.MERGED),
        replace(TAKEN, time_s=2.75),
    ),
)


def over(evidence: Evidence | Untested = SWALLOWED, of: Cell | None = None, **more: Any) -> Snapshot:
    made = found(evidence, of)
    return replace(UNDER_WAY, cell=made.cell, phase=Phase.OVER, elapsed_s=0.0, result=made, **more)


def step(kind: Kind, chapter: Chapter | None = SHELL, number: int = 1, **more: Any) -> Step:
    return Step(kind=kind, number=number, chapter=chapter, **more)


CELLS = (cell(), cell(base=DEBIAN.reference))
MENDED = (cell(EXEC),)


def view(kind: Kind, snapshot: Snapshot | None = None, **more: Any) -> View:
    of = more.pop("step", None) or step(kind)
    return View(**{"step": of, "chapters": 3, "cells": CELLS, "mended": MENDED, "snapshot": snapshot, **more})


FOOTER = "b back  r repeat  s skip  - slower  + faster  q quit"


def drawn(shown: View, size: tuple[int, int] = BIG, context: Context = PROGRAMME) -> list[str]:
    """The lines of a screen, which is as high as its terminal and no wider."""
    width, height = size
    console = Console(width=width, height=height, file=io.StringIO(), color_system=None, legacy_windows=False)
    console.print(Screen(context, shown))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().split("\n")
    assert len(lines) == height
    assert max(map(cell_len, lines)) <= width
    return [line.rstrip() for line in lines]


def whole(shown: View, size: tuple[int, int], context: Context = PROGRAMME) -> str:
    """A screen without its rule and its last line, and without what fills it up above that and within its head."""
    head, rule, *body, blank, footer = drawn(shown, size, context)
    assert rule == "─" * size[0]
    assert blank == ""
    assert footer.endswith(FOOTER)
    head = re.sub(" {3,}", " | ", head.strip())
    return "\n".join([head, *body]).rstrip("\n") + "\n"


ZOMBIE_CELL = cell(Variant(name="pid-1", title="PID 1", dockerfile="pid-1.Dockerfile"), probe=Probe.REAP)
INIT_CELL = cell(INIT, DEBIAN.reference)
TITLE_STEP, TABLE_STEP = Step(kind=Kind.TITLE), Step(kind=Kind.TABLE)
FIX_STEP = step(Kind.FIX, mended=True)
CLAIMS_STEP = step(Kind.CLAIMS, ARTICLE, 3, last=True)
SAID = replace(SHELL_VARIANT, claim=CLAIM)
SURE = replace(
    EXEC,
    claim=Claim(
        text="signals surely arrive",
        source="an article, page 2",
        forwards=Expectation(forwards=Expected.ALWAYS),
    ),
)
CLAIMED = (
    found(SWALLOWED, cell(SAID)),
    found(SWALLOWED, cell(SAID, DEBIAN.reference)),
    found(FORWARDED, cell(SURE)),
    found(KILLED, cell(SURE, DEBIAN.reference)),
)
TABLED = tuple(
    found(evidence, replace(cell(variant, base), signal=signal))
    for base in (FACTS.reference, DEBIAN.reference)
    for variant, evidence in ((SHELL_VARIANT, SWALLOWED), (EXEC, FORWARDED), (INIT, KILLED))
    for signal in (HUP, TERM)
)


def many(of: Step, results: tuple[Result, ...], done: int | None = None) -> View:
    """A view of many cells: of all, or of the first few that are done, with the others to come."""
    cells = tuple(result.cell for result in results)
    told = results[:done]
    return view(of.kind, step=of, cells=(), mended=(), results=told, many=cells, waits=len(told) == len(cells))


TITLE = """\
What happens to SIGTERM?
 A small server that logs every signal it gets, started in many ways.

 Chapters
 1  The same Dockerfile, two bases
 2  The zombie
 3  What they say, and what was measured

 It plays on
 local:musl-node24      /bin/sh is BusyBox v1.37.0 ash, Node 24.11.1
 local:debian12-node24  /bin/sh is dash 0.5.12-2, Node 24.11.1
 Docker Engine 28.1, kernel 6.12
"""
QUESTION = """\
1/3 The same Dockerfile, two bases
 npm is gone. The CMD has no brackets, so Docker hands it to /bin/sh -c.

 shell.Dockerfile           shell.Dockerfile
 FROM local:musl-node24     FROM local:debian12-node24
 …                          …
 CMD node server.js         CMD node server.js

 Predict first
 We send SIGTERM, on one base and then on the other. Same answer?

 a  it arrives here
 b  it does not arrive here
"""
QUESTION_OF_TWO_FILES = """\
1/3 The same Dockerfile, two bases
 npm is gone. The CMD has no brackets, so Docker hands it to /bin/sh -c.

 exec.Dockerfile               init.Dockerfile
 FROM local:musl-node24        FROM local:debian12-node24
 …                             …
 CMD ["node", "server.js"]     CMD ["node", "server.js"]
                               $ docker run --init …

 Predict first
 We send SIGTERM, on one base and then on the other. Same answer?

 a  it arrives here
 b  it does not arrive here
"""
QUESTION_OF_CLAIMS = """\
3/3 What they say, and what was measured
 Each claim is put to the test on every base.

 Predict first
 How many of them hold on every base?
"""
PLAY_BEFORE_IT_HAS_STARTED = """\
1/3 The same Dockerfile, two bases
 starting …
"""
PLAY_WHOSE_IMAGE_IS_BEING_BUILT = """\
1/3 The same Dockerfile, two bases
 the image is being built …

 Processes on local:musl-node24, /bin/sh is BusyBox v1.37.0 ash
 none yet

 The log
 nothing yet
"""
PLAY_THAT_STARTS = """\
1/3 The same Dockerfile, two bases
 $ docker run -d --name signal-harness-1a2b-1 --network none
 signal-harness/dockerfiles/shell:musl-node24-0123456789ab

 Processes on local:musl-node24, /bin/sh is BusyBox v1.37.0 ash
 1  /bin/sh -c node server.js  no handler
 7    └ node server.js         handler

 The log
 Listening on port 3000 pid=7
"""
PLAY_THAT_IS_HELD = """\
1/3 The same Dockerfile, two bases
 $ docker run -d --name signal-harness-1a2b-1 --network none
 signal-harness/dockerfiles/shell:musl-node24-0123456789ab
 $ docker kill --signal=SIGTERM signal-harness-1a2b-1  ◀ next

 Processes on local:musl-node24, /bin/sh is BusyBox v1.37.0 ash
 1  /bin/sh -c node server.js  no handler
 7    └ node server.js         handler

 The log
 Listening on port 3000 pid=7
"""
PLAY_UNDER_WAY = """\
1/3 The same Dockerfile, two bases | ×2 slower
 $ docker run -d --name signal-harness-1a2b-1 --network none
 signal-harness/dockerfiles/shell:musl-node24-0123456789ab
 $ docker kill --signal=SIGTERM signal-harness-1a2b-1   1.2 s

 Processes on local:musl-node24, /bin/sh is BusyBox v1.37.0 ash
 1  /bin/sh -c node server.js  no handler
 7    └ node server.js         handler

 The log
 Listening on port 3000 pid=7
 Received signal: SIGTERM
 [bold]Shutdown[/bold] complete
"""
PLAY_ONCE_MORE = """\
1/3 The same Dockerfile, two bases
 $ docker run -d --name signal-harness-1a2b-1 --network none
 signal-harness/dockerfiles/shell:musl-node24-0123456789ab
 $ docker kill --signal=SIGTERM signal-harness-1a2b-1   1.2 s
 once more, as luck may have a hand in it: container 3

 Processes on local:musl-node24, /bin/sh is BusyBox v1.37.0 ash
 1  /bin/sh -c node server.js  no handler
 7    └ node server.js         handler

 The log
 nothing yet
"""
PLAY_WHOSE_PATH_IS_BEING_TOLD = """\
1/3 The same Dockerfile, two bases
 $ docker run -d --name signal-harness-1a2b-1 --network none
 signal-harness/dockerfiles/shell:musl-node24-0123456789ab
 $ docker kill --signal=SIGTERM signal-harness-1a2b-1

 Processes on local:musl-node24, /bin/sh is BusyBox v1.37.0 ash
 1  /bin/sh -c node server.js  no handler  ◀ SIGTERM
 7    └ node server.js         handler     ◀ SIGTERM

 The log
 Listening on port 3000 pid=7
 Received signal: SIGTERM
 [bold]Shutdown[/bold] complete

 The path of the signal
    +0 µs  docker ──SIGTERM──▶ 1 /bin/sh -c node server.js
  +250 µs  1 /bin/sh -c node server.js ──SIGTERM──▶ 7 node server.js
"""
PLAY_WHOSE_PATH_WAS_TOLD = """\
1/3 The same Dockerfile, two bases
 $ docker run -d --name signal-harness-1a2b-1 --network none
 signal-harness/dockerfiles/shell:musl-node24-0123456789ab
 $ docker kill --signal=SIGTERM signal-harness-1a2b-1

 Processes on local:musl-node24, /bin/sh is BusyBox v1.37.0 ash
 1  /bin/sh -c node server.js  no handler  ◀ SIGTERM
 7    └ node server.js         handler     handles SIGTERM ×2

 The log
 Listening on port 3000 pid=7
 Received signal: SIGTERM
 [bold]Shutdown[/bold] complete

 The path of the signal
     +0 µs  docker ──SIGTERM──▶ 1 /bin/sh -c node server.js
   +250 µs  1 /bin/sh -c node server.js ──SIGTERM──▶ 7 node server.js
   +2.0 ms  7 node server.js: its handler for SIGTERM runs
 +500.0 ms  1 /bin/sh -c node server.js ──SIGTERM──▶ 7 node server.js   merges with a pending one
   +1.75 s  7 node server.js: its handler for SIGTERM runs

 shell, SIGTERM: » duplicated: received, or sent, more than once
"""
PLAY_WHOSE_PATH_WAS_TOLD_AT_80 = """\
1/3 The same Dockerfile, two bases
 $ docker run -d --name signal-harness-1a2b-1 --network none signal-harness/do…
 $ docker kill --signal=SIGTERM signal-harness-1a2b-1
 Processes on local:musl-node24, /bin/sh is BusyBox v1.37.0 ash
 1  /bin/sh -c node server.js  no handler  ◀ SIGTERM
 7    └ node server.js         handler     handles SIGTERM ×2
 The log
 Listening on port 3000 pid=7
 Received signal: SIGTERM
 [bold]Shutdown[/bold] complete
 The path of the signal
     +0 µs  docker ──SIGTERM──▶ 1 /bin/sh -c node server.js
   +250 µs  1 /bin/sh -c node server.js ──SIGTERM──▶ 7 node server.js
   +2.0 ms  7 node server.js: its handler for SIGTERM runs
 +500.0 ms  1 /bin/sh -c node server.js ──SIGTERM──▶ 7 node server.js   merges
            with a pending one
   +1.75 s  7 node server.js: its handler for SIGTERM runs
 shell, SIGTERM: » duplicated: received, or sent, more than once
"""
PLAY_THAT_IS_OVER = """\
1/3 The same Dockerfile, two bases
 $ docker run -d --name signal-harness-1a2b-1 --network none
 signal-harness/dockerfiles/shell:musl-node24-0123456789ab
 $ docker kill --signal=SIGTERM signal-harness-1a2b-1

 Processes on local:musl-node24, /bin/sh is BusyBox v1.37.0 ash
 1  /bin/sh -c node server.js  no handler  ◀ SIGTERM, dropped
 7    └ node server.js         handler

 The log
 Listening on port 3000 pid=7
 Received signal: SIGTERM
 [bold]Shutdown[/bold] complete

 The path of the signal
    +0 µs  docker ──SIGTERM──▶ 1 /bin/sh -c node server.js   dropped by the kernel

 shell, SIGTERM: ○ swallowed: not received, all runs on
"""
PLAY_THAT_IS_OVER_AT_80 = """\
1/3 The same Dockerfile, two bases
 $ docker run -d --name signal-harness-1a2b-1 --network none signal-harness/do…
 $ docker kill --signal=SIGTERM signal-harness-1a2b-1

 Processes on local:musl-node24, /bin/sh is BusyBox v1.37.0 ash
 1  /bin/sh -c node server.js  no handler  ◀ SIGTERM, dropped
 7    └ node server.js         handler

 The log
 Listening on port 3000 pid=7
 Received signal: SIGTERM
 [bold]Shutdown[/bold] complete

 The path of the signal
    +0 µs  docker ──SIGTERM──▶ 1 /bin/sh -c node server.js   dropped by the
           kernel

 shell, SIGTERM: ○ swallowed: not received, all runs on
"""
PLAY_WHOSE_CONTAINER_HAS_ENDED = """\
1/3 The same Dockerfile, two bases
 $ docker run -d --name signal-harness-1a2b-1 --network none
 signal-harness/dockerfiles/shell:musl-node24-0123456789ab
 $ docker kill --signal=SIGTERM signal-harness-1a2b-1

 Processes on local:musl-node24, /bin/sh is BusyBox v1.37.0 ash
 the container has ended, with exit code 143

 The log
 Listening on port 3000 pid=7
 Received signal: SIGTERM
 [bold]Shutdown[/bold] complete

 shell, SIGTERM: ✗ killed: not received, the app is gone
"""
PLAY_OF_A_ZOMBIE = """\
2/3 The zombie
 $ docker run -d --name signal-harness-1a2b-1 --network none
 signal-harness/dockerfiles/shell:musl-node24-0123456789ab
 $ docker kill --signal=SIGTERM signal-harness-1a2b-1

 Processes on local:musl-node24, /bin/sh is BusyBox v1.37.0 ash
  1  /bin/sh -c node server.js  lives
  7    └ node server.js         lives
 20    └ sleep 3600             zombie  the orphan

 The log
 Listening on port 3000 pid=7
 Received signal: SIGTERM
 [bold]Shutdown[/bold] complete

 pid-1, reap: ○ zombie: an orphan that ended stays
"""
TOLD = """\
1/3 The same Dockerfile, two bases
 shell, SIGTERM: ○ swallowed: not received, all runs on
 on local:musl-node24

 PID 1 is `/bin/sh -c node server.js`: no handler for SIGTERM, so the kernel dropped it

 Who was right?
   a  it arrives here
 ✓ b  it does not arrive here

 To mend it
 Start the app itself:
   CMD ["node", "server.js"]
 `/bin/sh -c node server.js`: a shell stays between PID 1 and the app and hands no signal on; the
 exec form starts none.
"""
TOLD_AT_80 = """\
1/3 The same Dockerfile, two bases
 shell, SIGTERM: ○ swallowed: not received, all runs on
 on local:musl-node24

 PID 1 is `/bin/sh -c node server.js`: no handler for SIGTERM, so the kernel
 dropped it

 Who was right?
   a  it arrives here
 ✓ b  it does not arrive here

 To mend it
 Start the app itself:
   CMD ["node", "server.js"]
 `/bin/sh -c node server.js`: a shell stays between PID 1 and the app and hands
 no signal on; the exec form starts none.
"""
TOLD_OF_A_STOP = """\
1/3 The same Dockerfile, two bases
 shell, stop: ✂ abrupt: the container ended before the app was done
 on local:musl-node24

 PID 1 is `/bin/sh -c node server.js`: the container ended by itself 0.2 s after SIGTERM, but the
 app never saw SIGTERM, and the request in flight was lost

 What was found
 docker stop with 3 s of grace: the end came by itself, after 0.25 s, exit code 143; the request in
 flight was lost

 Who was right?
   a  it arrives here
   b  it does not arrive here

 To mend it
 Start the app itself:
   CMD ["node", "server.js"]
 `/bin/sh -c node server.js`: a shell stays between PID 1 and the app and hands no signal on; the
 exec form starts none.
"""
TOLD_OF_A_STOP_AT_80 = """\
1/3 The same Dockerfile, two bases
 shell, stop: ✂ abrupt: the container ended before the app was done
 on local:musl-node24

 PID 1 is `/bin/sh -c node server.js`: the container ended by itself 0.2 s
 after SIGTERM, but the app never saw SIGTERM, and the request in flight was
 lost

 What was found
 docker stop with 3 s of grace: the end came by itself, after 0.25 s, exit code
 143; the request in flight was lost

 Who was right?
   a  it arrives here
   b  it does not arrive here

 To mend it
 Start the app itself:
   CMD ["node", "server.js"]
 `/bin/sh -c node server.js`: a shell stays between PID 1 and the app and hands
 no signal on; the exec form starts none.
"""
TOLD_OF_WHAT_COULD_NOT_BE_TESTED = """\
1/3 The same Dockerfile, two bases
 shell, SIGTERM: ? untested: could not be tested
 on local:musl-node24

 no ready line within 30 s

 Who was right?
   a  it arrives here
   b  it does not arrive here
 nobody can tell: could not be tested

 To mend it
 Make the cell testable first: see the reason.
"""
TOLD_OF_WHAT_WAS_GIVEN_UP = """\
1/3 The same Dockerfile, two bases
 not run: it was skipped
"""
TOLD_AT_THE_END_OF_A_CHAPTER = """\
1/3 The same Dockerfile, two bases | after the fix  ×4 faster
 exec, SIGTERM: ✓ forwarded: received once, the app is in control
 on local:musl-node24

 PID 1 is the app, `node server.js`, and handles SIGTERM

 Before and after
 ○ swallowed   shell on local:musl-node24
 ✓ forwarded   exec on local:musl-node24

 To take home
 The exec form does not ask which shell there is.
"""
FIX = """\
1/3 The same Dockerfile, two bases | after the fix
 A JSON array: no shell takes part, on any base.

 Before
 shell.Dockerfile           shell.Dockerfile
 FROM local:musl-node24     FROM local:debian12-node24
 …                          …
 CMD node server.js         CMD node server.js

 After
 exec.Dockerfile
 FROM local:musl-node24
 …
 CMD ["node", "server.js"]

 In the app
 process.on('SIGTERM', () => server.close());
"""
FIX_OF_TWO_FILES = """\
1/3 The same Dockerfile, two bases | after the fix  ×4 slower
 A JSON array: no shell takes part, on any base.

 Before
 shell.Dockerfile           shell.Dockerfile
 FROM local:musl-node24     FROM local:debian12-node24
 …                          …
 CMD node server.js         CMD node server.js

 After
 exec.Dockerfile               init.Dockerfile
 FROM local:musl-node24        FROM local:debian12-node24
 …                             …
 CMD ["node", "server.js"]     CMD ["node", "server.js"]
                               $ docker run --init …

 In the app
 process.on('SIGTERM', () => server.close());
"""
CLAIMS_TO_COME = """\
3/3 What they say, and what was measured
                                 musl-node24  debian12-node24
 shell  npm passes no signal on  …            …
 exec   signals surely arrive    …            …

 0 of 4 cells
"""
CLAIMS_UNDER_WAY = """\
3/3 What they say, and what was measured
                                 musl-node24  debian12-node24
 shell  npm passes no signal on  ✓ held       ✓ held
 exec   signals surely arrive    ✓ held       …

 3 of 4 cells
"""
CLAIMS = """\
3/3 What they say, and what was measured
                                 musl-node24  debian12-node24
 shell  npm passes no signal on  ✓ held       ✓ held
 exec   signals surely arrive    ✓ held       ✗ refuted

 1 of 2 hold on every base.

 To take home
 Measure yours.
"""
TABLE_TO_COME = """\
What happens to SIGTERM?
 left to right   musl-node24: SIGHUP SIGTERM   debian12-node24: SIGHUP SIGTERM

 shell · ·  · ·
 exec  · ·  · ·
 init  · ·  · ·

 0 of 12 cells
"""
TABLE_UNDER_WAY = """\
What happens to SIGTERM?
 left to right   musl-node24: SIGHUP SIGTERM   debian12-node24: SIGHUP SIGTERM

 shell ○ ○  ○ ○
 exec  ✓ ✓  · ·
 init  ✗ ✗  · ·

 ✓ forwarded 2   ○ swallowed 4   ✗ killed 2
 8 of 12 cells
"""
TABLE = """\
What happens to SIGTERM?
 left to right   musl-node24: SIGHUP SIGTERM   debian12-node24: SIGHUP SIGTERM

 shell ○ ○  ○ ○
 exec  ✓ ✓  ✓ ✓
 init  ✗ ✗  ✗ ✗

 ✓ forwarded 4   ○ swallowed 4   ✗ killed 4
 12 cells. The whole table and the report follow.
"""
RUN_THAT_IS_WRAPPED = """\
 $ docker run -d --name signal-harness-1a2b-1 --network none
 signal-harness/dockerfiles/shell:musl-node24-0123456789ab
"""
RUN_THAT_IS_CUT = """\
 $ docker run -d --name signal-harness-1a2b-1 --network none signal-harness/do…
"""


def at_80(text: str) -> str:
    """A play as it is on a low terminal: the command that started the container takes a single line."""
    assert RUN_THAT_IS_WRAPPED in text
    return text.replace(RUN_THAT_IS_WRAPPED, RUN_THAT_IS_CUT)


SCREENS: dict[str, tuple[View, str, str | None]] = {
    "title": (view(Kind.TITLE, step=TITLE_STEP), TITLE, None),
    "question": (view(Kind.QUESTION), QUESTION, None),
    "question of two files": (view(Kind.QUESTION, cells=(cell(EXEC), INIT_CELL)), QUESTION_OF_TWO_FILES, None),
    "question of claims": (
        view(Kind.QUESTION, step=step(Kind.QUESTION, ARTICLE, 3), cells=(), mended=()),
        QUESTION_OF_CLAIMS,
        None,
    ),
    "play before it has started": (view(Kind.PLAY, waits=False), PLAY_BEFORE_IT_HAS_STARTED, None),
    "play whose image is being built": (
        view(Kind.PLAY, Snapshot(cell=cell(), phase=Phase.COMING), waits=False),
        PLAY_WHOSE_IMAGE_IS_BEING_BUILT,
        None,
    ),
    "play that starts": (view(Kind.PLAY, STARTING, waits=False), PLAY_THAT_STARTS, None),
    "play that is held": (view(Kind.PLAY, HELD), PLAY_THAT_IS_HELD, at_80(PLAY_THAT_IS_HELD)),
    "play under way": (view(Kind.PLAY, UNDER_WAY, waits=False, pace=2.0), PLAY_UNDER_WAY, at_80(PLAY_UNDER_WAY)),
    "play once more": (
        view(Kind.PLAY, replace(UNDER_WAY, run=3, lines=()), waits=False),
        PLAY_ONCE_MORE,
        at_80(PLAY_ONCE_MORE),
    ),
    "play whose path is being told": (
        view(Kind.PLAY, over(FORWARDS), shown=2, waits=False),
        PLAY_WHOSE_PATH_IS_BEING_TOLD,
        at_80(PLAY_WHOSE_PATH_IS_BEING_TOLD),
    ),
    "play whose path was told": (
        view(Kind.PLAY, over(FORWARDS), shown=5),
        PLAY_WHOSE_PATH_WAS_TOLD,
        PLAY_WHOSE_PATH_WAS_TOLD_AT_80,
    ),
    "play that is over": (view(Kind.PLAY, over(), shown=1), PLAY_THAT_IS_OVER, PLAY_THAT_IS_OVER_AT_80),
    "play whose container has ended": (
        view(Kind.PLAY, over(KILLED)),
        PLAY_WHOSE_CONTAINER_HAS_ENDED,
        at_80(PLAY_WHOSE_CONTAINER_HAS_ENDED),
    ),
    "play of a zombie": (
        view(Kind.PLAY, over(ZOMBIE, ZOMBIE_CELL), step=step(Kind.PLAY, ZOMBIES, 2)),
        PLAY_OF_A_ZOMBIE,
        at_80(PLAY_OF_A_ZOMBIE),
    ),
    "told": (view(Kind.TOLD, over()), TOLD, TOLD_AT_80),
    "told of a stop": (view(Kind.TOLD, over(ABRUPT, cell(probe=Probe.STOP))), TOLD_OF_A_STOP, TOLD_OF_A_STOP_AT_80),
    "told of what could not be tested": (view(Kind.TOLD, over(UNTESTED)), TOLD_OF_WHAT_COULD_NOT_BE_TESTED, None),
    "told of what was given up": (view(Kind.TOLD), TOLD_OF_WHAT_WAS_GIVEN_UP, None),
    "told at the end of a chapter": (
        view(
            Kind.TOLD,
            over(FORWARDED, cell(EXEC)),
            step=step(Kind.TOLD, mended=True, last=True),
            before=(found(SWALLOWED), found(FORWARDED, cell(EXEC))),
            pace=0.25,
        ),
        TOLD_AT_THE_END_OF_A_CHAPTER,
        None,
    ),
    "fix": (view(Kind.FIX, step=FIX_STEP), FIX, None),
    "fix of two files": (
        view(Kind.FIX, step=FIX_STEP, mended=(cell(EXEC), INIT_CELL), pace=4.0),
        FIX_OF_TWO_FILES,
        None,
    ),
    "claims to come": (many(CLAIMS_STEP, CLAIMED, 0), CLAIMS_TO_COME, None),
    "claims under way": (many(CLAIMS_STEP, CLAIMED, 3), CLAIMS_UNDER_WAY, None),
    "claims": (many(CLAIMS_STEP, CLAIMED), CLAIMS, None),
    "table to come": (many(TABLE_STEP, TABLED, 0), TABLE_TO_COME, None),
    "table under way": (many(TABLE_STEP, TABLED, 8), TABLE_UNDER_WAY, None),
    "table": (many(TABLE_STEP, TABLED), TABLE, None),
}


@pytest.mark.parametrize(("shown", "text", "_"), SCREENS.values(), ids=SCREENS)
def test_a_whole_screen_of_a_big_terminal(shown: View, text: str, _: str | None) -> None:
    assert whole(shown, BIG) == text


@pytest.mark.parametrize(("shown", "text", "narrow"), SCREENS.values(), ids=SCREENS)
def test_a_whole_screen_of_a_usual_terminal(shown: View, text: str, narrow: str | None) -> None:
    assert whole(shown, USUAL) == (narrow or text)


def test_every_kind_of_step_is_here() -> None:
    assert {shown.step.kind for shown, *_ in SCREENS.values()} == set(Kind)


EVERY = [pytest.param(shown, id=name) for name, (shown, *_) in SCREENS.items()]


@pytest.mark.parametrize("shown", EVERY)
def test_a_small_terminal_still_has_head_and_keys(shown: View) -> None:
    head, rule, *_, blank, last = drawn(shown, SMALL)
    chapter = shown.step.chapter
    title = f" {shown.step.number}/3 {chapter.title}" if chapter else f" {STORY.title}"
    begun, cut, right = head.partition("…")
    if cut:  # for what stands at the right, a blank or two before it
        assert title.startswith(begun)
        assert re.fullmatch(r" {1,2}after the fix  ×4 (slower|faster)", right)
    else:
        assert head.startswith(title)
    assert rule == "─" * 60
    assert blank == ""
    keys = re.fullmatch(r"  n (…|run it|go on|end)   (b back .*)", last)
    assert keys is not None
    # What there is no room for is cut, not wrapped.
    assert keys[2] == FOOTER if len(last) < SMALL[0] - 1 else FOOTER.startswith(keys[2].removesuffix("…").rstrip())


@pytest.mark.parametrize("size", [(1, 1), (10, 1), (30, 2), (30, 4), (200, 5)])
@pytest.mark.parametrize("shown", EVERY)
def test_a_terminal_may_be_absurdly_small(shown: View, size: tuple[int, int]) -> None:
    drawn(shown, size)


LABELS = {
    "title": " n go on ",
    "question": " n go on ",
    "play that starts": " n … ",
    "play that is held": " n run it ",
    "play under way": " n … ",
    "play that is over": " n go on ",
    "told": " n go on ",
    "fix": " n go on ",
    "claims under way": " n … ",
    "claims": " n go on ",
    "table under way": " n … ",
    "table": " n end ",
}


@pytest.mark.parametrize(("name", "label"), LABELS.items())
def test_the_key_for_next_says_what_it_does(name: str, label: str) -> None:
    assert drawn(SCREENS[name][0])[-1] == f" {label}  {FOOTER}"


def test_a_pace_and_a_fix_stand_at_the_right() -> None:
    for width in (60, 80, 100):
        head = drawn(view(Kind.FIX, step=FIX_STEP, pace=0.5), (width, 24))[0]
        assert head.endswith("after the fix  ×2 faster")
        assert len(head) == width - 1


def test_a_title_that_is_too_long_is_cut() -> None:
    long = replace_chapter(SHELL, title="very long " * 20)
    head = drawn(view(Kind.FIX, step=step(Kind.FIX, long, mended=True)), USUAL)[0]
    assert head.startswith(" 1/3 very long very long")
    assert re.search(r"\S… {1,2}after the fix$", head)
    assert len(head) == USUAL[0] - 1


def replace_chapter(of: Chapter, **changes: Any) -> Chapter:
    return msgspec.structs.replace(of, **changes)


def test_without_a_record_the_title_says_so() -> None:
    text = whole(view(Kind.TITLE, step=TITLE_STEP), BIG, replace(PROGRAMME, engine=ENGINE))
    assert text.endswith("\n No kernel's record of signals here: log and process tree are what there is.\n")


def test_a_base_that_nothing_is_known_of_is_said_to_be_one() -> None:
    facts = BaseFacts(reference="scratch", id="sha256:0")
    context = replace(PROGRAMME, bases={"scratch": facts})
    assert " scratch  /bin/sh is not known, Node ?" in drawn(view(Kind.TITLE, step=TITLE_STEP), BIG, context)
    snapshot = replace(STARTING, cell=cell(base="scratch"))
    assert " Processes on scratch" in drawn(view(Kind.PLAY, snapshot), BIG, context)


HUNDRED = tuple(LogLine(at_ns=number, text=f"line {number}") for number in range(100))


def test_of_a_long_log_the_last_lines_are_shown() -> None:
    lines = drawn(view(Kind.PLAY, over(lines=HUNDRED), shown=1), USUAL)
    shown = [line for line in lines if line.startswith(" line ")]
    assert shown == [f" line {number}" for number in range(100 - len(shown), 100)]
    assert len(shown) >= 8
    assert " shell, SIGTERM: ○ swallowed: not received, all runs on" in lines
    assert lines[-3] == " shell, SIGTERM: ○ swallowed: not received, all runs on"


def test_of_a_long_path_the_last_steps_are_shown() -> None:
    first, *_ = FORWARDS.trace or ()
    many_ = tuple(replace(first, time_s=1 + number / 1e6, fate=Fate.IGNORED) for number in range(60))
    lines = drawn(view(Kind.PLAY, over(replace(FORWARDS, trace=many_)), shown=50), BIG)
    moments = [int(found[1]) for line in lines if (found := re.match(r" +\+(\d+) µs", line))]
    assert moments == [0, *range(51 - len(moments), 50)]
    assert len(moments) > 5
    first_at = lines.index(" The path of the signal") + 1
    assert re.match(r" +\+0 µs", lines[first_at])
    assert lines[first_at + 1] == f" … {50 - len(moments)} more"


def test_where_a_path_has_few_lines_they_are_the_last_ones() -> None:
    first, *_ = FORWARDS.trace or ()
    many_ = tuple(replace(first, time_s=1 + number / 1e6, fate=Fate.IGNORED) for number in range(60))
    lines = drawn(view(Kind.PLAY, over(replace(FORWARDS, trace=many_)), shown=50), (100, 18))
    shown = lines[lines.index(" The path of the signal") + 1 : -3]
    assert [int(found[1]) for line in shown if (found := re.match(r" +\+(\d+) µs", line))] == [47, 48, 49]
    assert len(shown) == 3


def test_of_many_commands_the_first_line_and_the_last_ones_are_shown() -> None:
    actions = tuple(Taken(action=Action(command=f"docker exec x-{number}"), at_ns=number) for number in range(30))
    lines = drawn(view(Kind.PLAY, replace(UNDER_WAY, actions=actions), waits=False), USUAL)
    assert lines[2].startswith(" $ docker run -d ")
    shown = [line for line in lines if line.startswith(" $ docker exec ")]
    assert [line.split()[3] for line in shown] == [f"x-{number}" for number in range(30 - len(shown), 30)]
    assert lines[3] == f" … {30 - len(shown)} more"
    assert lines[4] == shown[0]


@pytest.mark.parametrize(("height", "wrapped"), [(24, False), (27, False), (28, True), (40, True)])
def test_on_a_low_terminal_a_command_that_was_run_takes_a_single_line(height: int, wrapped: bool) -> None:
    long = [Action(command=f"docker exec {letter} " + letter * 100) for letter in "xyz"]
    done = tuple(Taken(action=action, at_ns=number) for number, action in enumerate(long[:2]))

    def lines(**more: Any) -> list[str]:
        drawn_ = drawn(view(Kind.PLAY, replace(UNDER_WAY, actions=done, **more)), (80, height))
        return drawn_[2 : drawn_.index("", 2)]

    run = [" $ docker run -d --name signal-harness-1a2b-1 --network none signal-harness/do…"]
    if wrapped:
        run = [
            " $ docker run -d --name signal-harness-1a2b-1 --network none",
            " signal-harness/dockerfiles/shell:musl-node24-0123456789ab",
        ]
    x, y, z = ([f" $ docker exec {letter}", f" {letter * 78}", f" {letter * 22}"] for letter in "xyz")
    x_cut, y_cut = ([f" $ docker exec {letter} {letter * 61}…"] for letter in "xy")
    y_last, z_last = [*y[:2], f"{y[2]}   1.2 s"], [*z[:2], f"{z[2]}  ◀ next"]
    assert lines() == [*run, *(x if wrapped else x_cut), *y_last]
    held = lines(phase=Phase.HELD, held=long[2])
    assert held == [*run, *(x if wrapped else x_cut), *(y if wrapped else y_cut), *z_last]


def test_of_a_big_tree_the_first_processes_are_shown() -> None:
    tree = (PID1, *(replace(APP, pid=1007 + number, inner_pid=7 + number) for number in range(50)))
    lines = drawn(view(Kind.PLAY, replace(HELD, tree=tree, lines=HUNDRED)), USUAL)
    assert "   1  /bin/sh -c node server.js  no handler" in [f" {line}" for line in lines]
    assert any(line.startswith("  7    └ node server.js") for line in lines)
    assert " line 99" in lines
    assert any(line.endswith("◀ next") for line in lines)


def test_where_there_is_room_for_little_log_and_path_go_with_their_titles() -> None:
    _, _, *lines, _, _ = drawn(view(Kind.PLAY, over(FORWARDS, lines=HUNDRED), shown=5), (60, 10))
    assert [line.strip() for line in lines] == [
        "$ docker kill --signal=SIGTERM signal-harness-1a2b-1",
        "Processes on local:musl-node24, /bin/sh is BusyBox v1.37.…",
        "1  /bin/sh -c node server…  no handler  ◀ SIGTERM",
        "7    └ node server.js       handler     handles SIGTERM ×2",
        "shell, SIGTERM: » duplicated: received, or sent, more than",
        "once",
    ]


def test_a_title_stays_as_long_as_one_of_its_lines() -> None:
    lines = drawn(view(Kind.PLAY, replace(HELD, lines=HUNDRED)), (60, 11))
    assert lines[lines.index(" The log") + 1 :][:1] == [" line 99"]


@pytest.mark.parametrize("size", [BIG, USUAL, SMALL])
def test_all_answers_are_in_sight(size: tuple[int, int]) -> None:
    options = tuple(Option(text=f"answer {number}", verdicts=()) for number in range(4))
    chapter = replace_chapter(SHELL, options=options, intro="much to say " * 40)
    for kind in (Kind.QUESTION, Kind.TOLD):
        lines = drawn(view(kind, over(), step=step(kind, chapter)), size)
        assert sum("answer " in line for line in lines) == 4


@pytest.mark.parametrize("name", [name for name in SCREENS if name.startswith("told")])
def test_a_small_terminal_shows_the_verdict_first(name: str) -> None:
    shown = SCREENS[name][0]
    line = drawn(shown, SMALL)[2]
    assert line.startswith(f" {shown.snapshot.cell.variant.name}, " if shown.snapshot else " not run: it was skipped")


@pytest.mark.parametrize("name", ["play that is over", "play whose path was told"])
def test_a_small_terminal_still_shows_the_verdict_of_a_play(name: str) -> None:
    shown = SCREENS[name][0]
    assert any(line.startswith(" shell, SIGTERM: ") for line in drawn(shown, SMALL))


@pytest.mark.parametrize("size", [USUAL, SMALL])
def test_a_verdict_is_in_sight_where_a_title_takes_two_lines(size: tuple[int, int]) -> None:
    long = replace(FACTS, reference="docker.io/library/node:24.11.1-alpine3.22-with-npm")
    context = replace(PROGRAMME, bases={long.reference: long})
    snapshot = over(KILLED, cell(base=long.reference), lines=HUNDRED)
    assert any(line.startswith(" shell, SIGTERM: ") for line in drawn(view(Kind.PLAY, snapshot), size, context))


def test_a_small_terminal_still_shows_the_command_that_waits() -> None:
    lines = drawn(view(Kind.PLAY, replace(HELD, lines=HUNDRED)), SMALL)
    assert any(line.startswith(" $ docker kill --signal=SIGTERM") for line in lines)


@pytest.mark.parametrize("size", [BIG, USUAL])
def test_of_a_process_with_a_long_command_the_command_alone_is_cut(size: tuple[int, int]) -> None:
    before = (replace(PID1, args="/bin/sh -c " + "node server.js && " * 20), APP)
    lines = drawn(view(Kind.PLAY, over(replace(SWALLOWED, before=before)), shown=1), size)
    (line,) = [line for line in lines if "/bin/sh -c node" in line and "no handler" in line]
    assert re.fullmatch(r" 1  /bin/sh -c node .*…  no handler  ◀ SIGTERM, dropped", line)


def test_of_a_claim_that_is_too_long_its_text_alone_is_wrapped() -> None:
    claim = replace(CLAIM, text="PID 1 is special: put an init in front of the app")
    made = replace(SHELL_VARIANT, name="node-shell-form", claim=claim)
    results = (found(SWALLOWED, cell(made)), found(SWALLOWED, cell(made, DEBIAN.reference)))
    lines = drawn(many(CLAIMS_STEP, results), USUAL)
    assert lines[2].split() == ["musl-node24", "debian12-node24"]
    assert lines[3:6] == [
        " node-shell-form  PID 1 is special: put an init    ✓ held       ✓ held",
        "                  in front of the app",
        "",
    ]


def test_a_claim_that_could_not_be_tested_is_not_told_as_one_to_come() -> None:
    results = (found(UNTESTED, cell(SAID)), found(SWALLOWED, cell(SAID, DEBIAN.reference)))
    assert "…" not in whole(many(CLAIMS_STEP, results), BIG)


def test_each_exit_code_has_a_container_of_its_own_without_luck() -> None:
    snapshot = replace(STARTING, cell=cell(probe=Probe.EXIT_CODE), run=2)
    assert "luck" not in whole(view(Kind.PLAY, snapshot), BIG)


def test_without_a_lesson_there_is_nothing_to_take_home() -> None:
    chapter = replace_chapter(SHELL, lesson="")
    told = view(Kind.TOLD, over(), step=step(Kind.TOLD, chapter, last=True), before=(found(SWALLOWED),))
    assert "To take home" not in whole(told, BIG)


def test_a_claim_holds_where_all_that_was_asked_of_it_does() -> None:
    hup = replace(cell(SAID), signal=HUP)
    both = (found(SWALLOWED, cell(SAID)), found(FORWARDED, hup), found(SWALLOWED, cell(SAID, DEBIAN.reference)))
    lines = drawn(many(CLAIMS_STEP, both))
    assert lines[3] == " shell  npm passes no signal on  ✗ refuted    ✓ held"
    assert lines[5] == " 0 of 1 hold on every base."


def test_there_may_be_no_claims() -> None:
    assert "0 of 0 hold on every base." in whole(many(CLAIMS_STEP, ()), USUAL)


@pytest.mark.parametrize("size", [BIG, USUAL])
@pytest.mark.parametrize("kind", [Kind.QUESTION, Kind.FIX])
def test_two_variants_with_the_same_lines_are_both_shown_where_they_run_in_other_ways(
    kind: Kind, size: tuple[int, int]
) -> None:
    made = (cell(EXEC), cell(replace(EXEC, name="init", init=True)))
    of = FIX_STEP if kind is Kind.FIX else step(kind)
    lines = drawn(view(kind, step=of, cells=made, mended=made), size)
    both = [
        " exec.Dockerfile               exec.Dockerfile",
        " FROM local:musl-node24        FROM local:musl-node24",
        " …                             …",
        ' CMD ["node", "server.js"]     CMD ["node", "server.js"]',
        "                               $ docker run --init …",
    ]
    at = [number for number, line in enumerate(lines) if line == both[0]]
    assert len(at) == (2 if kind is Kind.FIX else 1)
    assert [lines[number : number + 5] for number in at] == [both] * len(at)


@pytest.mark.parametrize("size", [(200, 60), BIG, USUAL])
@pytest.mark.parametrize("count", [1, 12, 40])
def test_every_variant_of_the_table_is_in_sight(size: tuple[int, int], count: int) -> None:
    variants = [Variant(name=f"v{number:02}", title="", dockerfile="x") for number in range(count)]
    results = tuple(
        found(SWALLOWED, replace(cell(variant, base), signal=signal))
        for base in (FACTS.reference, DEBIAN.reference)
        for variant in variants
        for signal in (HUP, TERM)
    )
    text = whole(many(TABLE_STEP, results), size)
    assert re.findall(r"\bv\d\d\b", text) == sorted((variant.name for variant in variants), key=text.index)
    assert all(re.search(rf"\b{variant.name}\b +○ ○  ○ ○", text) for variant in variants)
    assert f"○ swallowed {4 * count}" in text
    assert f"{4 * count} cells. The whole table and the report follow." in text


@pytest.mark.parametrize("name", ["v{:02}", "v{:02}-npm-start-in-a-shell"])
@pytest.mark.parametrize("size", [(60, 15), (40, 24), (38, 30), (84, 15)])
def test_no_symbol_of_the_table_is_cut(size: tuple[int, int], name: str) -> None:
    results = tuple(
        found(
            SWALLOWED, replace(cell(Variant(name=name.format(number), title="", dockerfile="x"), base), signal=signal)
        )
        for base in (FACTS.reference, DEBIAN.reference)
        for number in range(41)
        for signal in (HUP, TERM)
    )
    lines = drawn(many(TABLE_STEP, results), size)
    rows = [line for line in lines if re.match(r" v\d\d", line)]
    assert len(rows) >= 5
    assert any("swallowed" in line for line in lines)
    for row in rows:
        # Where a name is too long its middle is cut, never what stands after it.
        assert re.fullmatch(r"( +v\d\d[\w…-]* +○ ○  ○ ○)+", row), row
    shown = [int(number) for row in rows for number in re.findall(r"v(\d\d)", row)]
    assert len(shown) == len(set(shown))
    assert rows[0].startswith(" v00")


def table_of(names: list[str]) -> View:
    results = tuple(
        found(evidence, cell(Variant(name=name, title="", dockerfile="x"), base))
        for base in (FACTS.reference, DEBIAN.reference)
        for name, evidence in zip(names, (SWALLOWED, FORWARDED, KILLED, UNTESTED, FORWARDS) * 10, strict=False)
    )
    return many(TABLE_STEP, results)


def test_names_in_the_table_take_as_much_room_as_the_longest() -> None:
    lines = drawn(table_of(["a", "npm-start-with-an-init"]), (200, 30))
    assert lines[4:6] == [" a                      ○  ○", " npm-start-with-an-init ✓  ✓"]


@pytest.mark.parametrize("size", [BIG, USUAL])
def test_long_names_in_the_table_keep_both_ends_and_their_symbols(size: tuple[int, int]) -> None:
    text = whole(
        table_of([f"{number:02}-npm-start-in-a-very-long-shell-that-is-not-PID-1-{number:02}" for number in range(40)]),
        size,
    )
    rows = re.findall(r"(\d\d)-npm[\w-]*…[\w-]*-(\d\d) [○✓✗?»]  [○✓✗?»]", text)
    assert sorted(rows) == [(f"{number:02}", f"{number:02}") for number in range(40)]


@pytest.mark.parametrize("width", range(30, 101, 5))
def test_a_count_stays_with_its_symbol(width: int) -> None:
    text = "\n".join(drawn(table_of(["a", "b", "c", "d", "e"]), (width, 30)))
    for verdict in ("✓ forwarded", "○ swallowed", "✗ killed", "? untested", "» duplicated"):
        assert f"{verdict} 2" in text


HANDLES = mask("TERM")
ATTITUDES = {
    "no handler": (replace(PID1, ignored=0), "no handler"),
    "a handler": (replace(PID1, caught=HANDLES), "handler"),
    "another handler": (replace(PID1, caught=mask("HUP"), ignored=0), "no handler"),
    "ignored": (replace(PID1, ignored=HANDLES), "ignores it"),
    "blocked": (replace(PID1, blocked=HANDLES), "waits for it"),
    "fetched": (replace(PID1, wchan="do_sigtimedwait"), "waits for it"),
    "dead": (replace(PID1, state="Z", caught=HANDLES), "zombie"),
}


@pytest.mark.parametrize(("process", "attitude"), ATTITUDES.values(), ids=ATTITUDES)
def test_each_process_has_its_attitude_to_the_signal(process: Process, attitude: str) -> None:
    lines = drawn(view(Kind.PLAY, replace(HELD, tree=(process,))))
    assert f" 1  /bin/sh -c node server.js  {attitude}" in lines


def test_without_a_signal_a_process_lives_or_does_not() -> None:
    tree = (replace(PID1, caught=HANDLES), replace(APP, state="Z"))
    lines = drawn(view(Kind.PLAY, replace(HELD, cell=ZOMBIE_CELL, tree=tree)))
    assert lines[7:9] == [" 1  /bin/sh -c node server.js  lives", " 7    └ node server.js         zombie"]


def test_a_tree_of_ps_has_the_pids_of_the_host() -> None:
    lines = drawn(view(Kind.PLAY, replace(HELD, tree=through_ps(SWALLOWED.before))))
    assert lines[7:9] == [
        " 1001  /bin/sh -c node server.js  no handler",
        " 1007    └ node server.js         handler",
    ]


def sent(at_s: float, target: int, number: int = 15, fate: Fate = Fate.DELIVERED, sender: int = 5) -> Sent:
    return Sent(time_s=at_s, sender="x", sender_pid=sender, number=number, target="y", target_pid=target, fate=fate)


def taken(at_s: float, pid: int, number: int = 15, handler: int = 64) -> Handled:
    return Handled(time_s=at_s, comm="y", pid=pid, number=number, handler=handler)


NOTES: dict[str, tuple[tuple[Sent | Handled, ...], str]] = {
    "it was sent": ((sent(1, 1007),), "◀ SIGTERM"),
    "it merges": ((sent(1, 1007, fate=Fate.MERGED),), "◀ SIGTERM, merges"),
    "it is lost": ((sent(1, 1007, fate=Fate.LOST),), "◀ SIGTERM, lost"),
    "it is dropped": ((sent(1, 1007, fate=Fate.IGNORED),), "◀ SIGTERM, dropped"),
    "it is handled": ((sent(1, 1007), taken(2, 1007)), "handles SIGTERM"),
    "it is handled thrice": (
        (sent(1, 1007), *(taken(number, 1007) for number in (2, 3, 4))),
        "handles SIGTERM ×3",
    ),
    "two signals are handled": ((taken(1, 1007), taken(2, 1007, 1)), "handles SIGHUP"),
    "it has its default action": ((taken(1, 1007, handler=0),), "SIGTERM: default action"),
    "it exits": ((taken(1, 1007, 9, 0),), "exits"),
    "it dies": ((sent(1, 1007, 1, sender=1007), taken(2, 1007, 9, 0)), "dies of SIGHUP"),
    "what comes after its end is not told of it": ((taken(1, 1007, 9, 0), sent(2, 1007)), "exits"),
    "another process has it": ((sent(1, 1001),), ""),
    "one that is not in the tree has it": ((sent(1, 4242),), ""),
}


@pytest.mark.parametrize(("trace", "note"), NOTES.values(), ids=NOTES)
def test_a_process_has_a_note_of_what_has_become_of_it(trace: tuple[Sent | Handled, ...], note: str) -> None:
    snapshot = over(replace(FORWARDS, trace=trace))
    assert snapshot.result is not None
    lines = drawn(view(Kind.PLAY, snapshot, shown=len(path_of(snapshot.result))))
    (line,) = [line for line in lines if line.startswith(" 7    └ node server.js")]
    assert line.removeprefix(" 7    └ node server.js").removeprefix("         handler").strip() == note


def test_an_end_is_told_once_the_path_was() -> None:
    ended = replace(KILLED, trace=(sent(1, 1001, 1), taken(2, 1001, 9, 0)))
    assert "the container has ended" not in whole(view(Kind.PLAY, over(ended), shown=1), BIG)
    lines = drawn(view(Kind.PLAY, over(ended), shown=2))
    assert lines[6:10] == [
        " Processes on local:musl-node24, /bin/sh is BusyBox v1.37.0 ash",
        " 1  /bin/sh -c node server.js  no handler  dies of SIGHUP",
        " 7    └ node server.js         handler",
        " the container has ended, with exit code 143",
    ]


def started(launch: Launch) -> str:
    text = drawn(view(Kind.PLAY, replace(STARTING, launch=launch)), (200, 30))[2]
    named = " $ docker run -d --name signal-harness-1a2b-1 "
    assert text.startswith(named)
    return text.removeprefix(named)


def test_a_container_is_started_by_the_command_that_does_the_same() -> None:
    assert started(Launch(image="i")) == "--network none i"
    assert started(Launch(image="i", init=True)) == "--init --network none i"
    assert started(Launch(image="i", publish=3000)) == "-p 127.0.0.1::3000 i"
    environment = {"SHUTDOWN_AFTER_MS": "0", "X": "a b"}
    assert started(Launch(image="i", environment=environment)) == ("--network none -e SHUTDOWN_AFTER_MS=0 -e 'X=a b' i")


def test_a_base_is_short_over_a_column() -> None:
    assert [short_base(base) for base in ("local:musl-node24", "node:24", "ghcr.io/a/b:c")] == [
        *("musl-node24", "node:24", "b:c"),
    ]
    assert short_base("a/\x1b[2Jb") == r"\x1b[2Jb"


BAD = "\x1b[2J\x07\r\x9b31m\u202e\x00[red]x[/red]"
SPELLED = r"\x1b[2J\x07\x0d\x9b31m\x202e\x00[red]x[/red]"


def hostile() -> tuple[Context, list[View]]:
    """Views of each kind with hostile text wherever text comes from elsewhere."""
    claim = replace(CLAIM, text=BAD)
    variant = replace(SHELL_VARIANT, name=BAD, title=BAD, dockerfile=BAD, claim=claim)
    facts = replace(FACTS, reference=BAD, shell=BAD, node=BAD)
    engine = replace(ENGINE, name=BAD, version=BAD, kernel=BAD)
    options = (Option(text=BAD, verdicts=(Verdict.SWALLOWED,)),)
    texts = dict.fromkeys(("title", "intro", "question", "fix", "code", "lesson"), BAD)
    chapter = replace_chapter(SHELL, options=options, **texts)
    context = Context(
        story=Story(schema=1, title=BAD, intro=BAD, chapter=(chapter,)),
        engine=engine,
        bases={BAD: facts},
        dockerfile=lambda _: BAD,
        signal=lambda _: TERM,
    )
    before = (replace(PID1, args=BAD), replace(APP, args=BAD))
    evidence = replace(FORWARDS, before=before, after=before)
    made = cell(variant, BAD)
    snapshot = replace(
        over(evidence, made),
        launch=Launch(image=BAD, environment={BAD: BAD}),
        container=BAD,
        tree=before,
        lines=(LogLine(at_ns=1, text=BAD),),
        actions=(Taken(action=Action(command=BAD), at_ns=1),),
        held=Action(command=BAD),
    )
    assert snapshot.result is not None
    more: dict[str, Any] = {"cells": (made,), "mended": (made,), "before": (snapshot.result,), "shown": 5}
    views = [
        view(
            kind,
            snapshot,
            step=step(kind, chapter, last=True),
            results=(snapshot.result,),
            many=(snapshot.result.cell,),
            **more,
        )
        for kind in Kind
        if kind not in (Kind.TITLE, Kind.TABLE)
    ]
    untested = replace(snapshot, result=found(Untested(reason=BAD), made))
    views.append(view(Kind.TOLD, untested, step=step(Kind.TOLD, chapter), **more))
    views += [
        view(of.kind, step=of, results=(snapshot.result,), many=(snapshot.result.cell,))
        for of in (TITLE_STEP, TABLE_STEP)
    ]
    return context, views


@pytest.mark.parametrize("size", [BIG, USUAL, SMALL])
def test_hostile_text_is_spelled_out_wherever_it_comes_from(size: tuple[int, int]) -> None:
    context, views = hostile()
    for shown in views:
        text = "\n".join(drawn(shown, size, context))
        assert all(character == "\n" or character.isprintable() for character in text), shown.step.kind
        assert r"\x1b[2J\x07" in text, shown.step.kind


def test_markup_is_shown_as_it_is() -> None:
    context, views = hostile()
    for shown in views:
        text = re.sub(r"\s+", "", "".join(drawn(shown, (200, 60), context)))
        assert SPELLED in text, shown.step.kind


MARKUP = ["[red]x[/red]", "ash [/red]"]


@pytest.mark.parametrize("text", MARKUP)
def test_markup_in_a_shell_or_a_chapters_title_is_shown_as_it_is_on_the_title(text: str) -> None:
    context = replace(
        PROGRAMME,
        story=Story(schema=1, title="x", intro="x", chapter=(replace_chapter(SHELL, title=text),)),
        bases={FACTS.reference: replace(FACTS, shell=text)},
    )
    lines = drawn(view(Kind.TITLE, step=TITLE_STEP), USUAL, context)
    assert f" 1  {text}" in lines
    assert f" local:musl-node24  /bin/sh is {text}, Node 24.11.1" in lines


@pytest.mark.parametrize("text", MARKUP)
def test_markup_in_a_variants_name_is_shown_as_it_is_among_the_claims(text: str) -> None:
    made = replace(SAID, name=text)
    results = (found(SWALLOWED, cell(made)), found(SWALLOWED, cell(made, DEBIAN.reference)))
    for done in (0, 2):
        (line,) = [line for line in drawn(many(CLAIMS_STEP, results, done), USUAL) if CLAIM.text in line]
        assert line.startswith(f" {text}  {CLAIM.text}  ")


def test_in_colour_the_terminal_gets_no_control_but_colours() -> None:
    context, views = hostile()
    for shown in views:
        console = Console(width=100, height=30, file=io.StringIO(), color_system="truecolor", force_terminal=True)
        console.print(Screen(context, shown))
        assert isinstance(console.file, io.StringIO)
        text = console.file.getvalue()
        left = re.sub(r"\x1b\[[0-9;]*m", "", text)
        assert left != text
        assert all(character == "\n" or character.isprintable() for character in left), shown.step.kind


SIZES = st.tuples(st.integers(30, 200), st.integers(8, 60))


@settings(max_examples=50)
@given(SIZES, st.lists(st.text(), max_size=30), st.lists(st.text(), min_size=1, max_size=8), st.integers(0, 5))
def test_whatever_a_container_writes_and_runs_a_screen_keeps_its_size(
    size: tuple[int, int], logs: list[str], args: list[str], shown: int
) -> None:
    lines = tuple(LogLine(at_ns=number, text=text) for number, text in enumerate(logs))
    tree = tuple(
        replace(PID1, pid=1001 + number, ppid=1000 + number, inner_pid=1 + number, args=text)
        for number, text in enumerate(args)
    )
    evidence = replace(FORWARDS, before=tree, after=tree, app_pid=1000 + len(args))
    for snapshot in (replace(HELD, tree=tree, lines=lines), over(evidence, lines=lines)):
        for kind in (Kind.PLAY, Kind.TOLD):
            text = "\n".join(drawn(view(kind, snapshot, shown=shown), size))
            assert all(character == "\n" or character.isprintable() for character in text)


@settings(max_examples=20)
@given(SIZES, st.text(), st.text(min_size=1), st.integers(1, 12))
def test_whatever_a_story_says_a_screen_keeps_its_size(size: tuple[int, int], text: str, name: str, count: int) -> None:
    chapter = replace_chapter(
        SHELL, title=text, intro=text, question=name, options=(Option(text=text, verdicts=()),) * 8, fix=text, code=text
    )
    context = replace(
        PROGRAMME,
        story=Story(schema=1, title=text, intro=name, chapter=(chapter,) * count),
        dockerfile=lambda _: text,
    )
    variants = [Variant(name=f"{name}{number}", title="", dockerfile=text, claim=CLAIM) for number in range(count)]
    results = tuple(found(SWALLOWED, cell(variant)) for variant in variants)
    every = tuple(cell(variant) for variant in variants)
    made = every[:3]
    for kind in (Kind.QUESTION, Kind.FIX, Kind.TOLD, Kind.CLAIMS, Kind.TITLE, Kind.TABLE):
        of = step(kind, None if kind in (Kind.TITLE, Kind.TABLE) else chapter, last=True)
        shown = view(kind, over(), step=of, cells=made, mended=made, before=results, results=results, many=every)
        drawn(shown, size, context)


class Present:
    """A show of a few views; a command takes it to the next one, the last of which ends it."""

    def __init__(self, *views: View) -> None:
        self.views = list(views)
        self.ticks = 0

    @property
    def finished(self) -> bool:
        return not self.views

    def tick(self, now_s: float) -> None:
        self.ticks += 1

    def view(self) -> View:
        return self.views[0]

    def press(self, command: Command) -> None:
        del self.views[0]


class Pressed:
    """Keys that are pressed at every other look."""

    def __init__(self) -> None:
        self.inside = False
        self.looks = 0

    @contextmanager
    def read(self) -> Iterator[Pressed]:
        self.inside = True
        yield self
        self.inside = False

    def next(self, timeout_s: float) -> Command | None:
        assert self.inside
        self.looks += 1
        return None if self.looks % 2 else Command.NEXT


def test_a_show_takes_the_whole_terminal_and_gives_it_back() -> None:
    file = io.StringIO()
    console = Console(width=80, height=24, file=file, force_terminal=True, color_system=None, legacy_windows=False)
    show, keys = Present(view(Kind.PLAY, HELD), view(Kind.TOLD, over())), Pressed()
    present(show, PROGRAMME, console, keys)
    text = file.getvalue()
    assert text.startswith("\x1b[?1049h")
    assert text.rstrip().endswith(("\x1b[?1049l", "\x1b[?25h"))
    assert "\x1b[?1049l" in text
    assert (show.ticks, keys.looks, keys.inside) == (4, 4, False)
    # Each view is drawn once: nothing was new at the second look.
    assert (text.count("◀ next"), text.count("Who was right?")) == (1, 1)
