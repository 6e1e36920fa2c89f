"""A show as lines: each thing once, in the order of time, and again where it is run again."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from harness.core.evidence import LogLine
from harness.core.signals import Signal
from harness.core.subject import Cell, Claim, Expectation, Variant
from harness.core.verdict import Expected, Verdict
from harness.run.protocol import Launch
from harness.workshop.demo.live import Phase, Snapshot, Taken
from harness.workshop.demo.plain import Narrator, narrate
from harness.workshop.demo.presentation import Command, Kind, Step, View
from harness.workshop.demo.screens import Context
from harness.workshop.stepping import Action
from harness.workshop.story import Act, Chapter, Option, Story
from tests.support.reports import (
    APP,
    ENGINE,
    FACTS,
    FORWARDED,
    HANDED_ON,
    KILLED,
    PID1,
    SWALLOWED,
    TAKEN,
    TO_SHELL,
    UNTESTED,
    result,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.core.evidence import Evidence, Untested
    from harness.core.result import Result

TERM = Signal(15)
CLAIM = Claim(text="no signal is passed on", source="an article", forwards=Expectation(forwards=Expected.NEVER))
VARIANT = Variant(name="shell", title="shell form", dockerfile="shell.Dockerfile", claim=CLAIM)
CELL = Cell(base=FACTS.reference, variant=VARIANT, signal=TERM)
CHAPTER = Chapter(
    name="one",
    title="A shell in between",
    intro="The CMD has no brackets.",
    question="What comes of SIGTERM?",
    asks="TERM",
    options=(Option(text="it arrives", verdicts=(Verdict.FORWARDED,)), Option(text="nothing", verdicts=())),
    broken=(Act(variant="shell"),),
    fix="Write brackets.",
    lesson="Brackets matter.",
)
CLAIMS = Chapter(
    name="two", title="What they say", intro="They say.", question="Is it so?", claims="an article", lesson="Measure."
)
STORY = Story(schema=1, title="What happens to SIGTERM?", intro="A small server.", chapter=(CHAPTER, CLAIMS))
PROGRAMME = Context(
    story=STORY,
    engine=replace(ENGINE, trace=True),
    bases={FACTS.reference: FACTS},
    dockerfile=lambda _: "FROM local:musl-node24\n…\nCMD node server.js",
    signal=lambda _: TERM,
)
TITLE_STEP = Step(kind=Kind.TITLE)
QUESTION, PLAY, TOLD, FIX = (
    Step(kind=kind, number=1, chapter=CHAPTER, cell=CELL if kind in (Kind.PLAY, Kind.TOLD) else None)
    for kind in (Kind.QUESTION, Kind.PLAY, Kind.TOLD, Kind.FIX)
)
QUESTION_2, CLAIMS_STEP = (Step(kind=kind, number=2, chapter=CLAIMS) for kind in (Kind.QUESTION, Kind.CLAIMS))
TABLE_STEP = Step(kind=Kind.TABLE)
KILL = Action(command="docker kill --signal=SIGTERM c-1")
UP = LogLine(at_ns=10, text="Listening")
STARTING = Snapshot(
    cell=CELL,
    phase=Phase.STARTING,
    launch=Launch(image="image"),
    container="c-1",
    tree=SWALLOWED.before,
    lines=(UP,),
    run=1,
)
HELD = replace(STARTING, phase=Phase.HELD, held=KILL)
DONE = Taken(action=KILL, at_ns=20)
RECEIVED = LogLine(at_ns=30, text="Received signal: SIGTERM")
UNDER_WAY = replace(STARTING, phase=Phase.UNDER_WAY, actions=(DONE,))
PATH = replace(
    FORWARDED,
    before=(PID1, APP),
    after=(PID1, APP),
    trace=(TO_SHELL, replace(HANDED_ON, time_s=1.001), TAKEN),
)


def found(evidence: Evidence | Untested, cell: Cell = CELL) -> Result:
    return replace(result("shell", evidence), cell=cell)


OVER = replace(UNDER_WAY, phase=Phase.OVER, lines=(UP, RECEIVED), result=found(PATH))


def view(step: Step, snapshot: Snapshot | None = None, **more: Any) -> View:
    return View(**{"step": step, "chapters": 2, "cells": (CELL,), "mended": (CELL,), "snapshot": snapshot, **more})


class Told:
    """A narrator, and what it has told since it was last asked."""

    def __init__(self, *, hint: bool = False, width: int = 100, context: Context = PROGRAMME) -> None:
        self.file = io.StringIO()
        console = Console(width=width, file=self.file, color_system=None, highlight=False, legacy_windows=False)
        self.narrator = Narrator(context, console, hint=hint)
        self.raw = ""

    def __call__(self, *views: View) -> str:
        for shown in views:
            self.narrator.tell(shown)
        raw = self.file.getvalue()
        new, self.raw = raw.removeprefix(self.raw), raw
        return "\n".join(line.rstrip() for line in new.split("\n"))

    def lines(self, *views: View) -> list[str]:
        """The lines that are no blank ones."""
        return [line for line in self(*views).split("\n") if line]


def begun() -> Told:
    """A narrator that has asked the question of a chapter."""
    told = Told()
    told(view(QUESTION))
    return told


def rule(title: str) -> str:
    return f"{title} " + "─" * (100 - len(title) - 1)


TITLE_TOLD = f"""\
{rule("What happens to SIGTERM?")}

  A small server.

Chapters
  1  A shell in between
  2  What they say

It plays on
  local:musl-node24  /bin/sh is BusyBox v1.37.0 ash, Node 24.11.1
  Docker Engine 28.1, kernel 6.12
"""
QUESTION_TOLD = f"""\

{rule("1/2 A shell in between")}

  The CMD has no brackets.

  shell.Dockerfile
  FROM local:musl-node24
  …
  CMD node server.js

Predict first
  What comes of SIGTERM?

  a  it arrives
  b  nothing
"""
TOLD_TOLD = """\

  shell, SIGTERM: ✓ forwarded: received once, the app is in control
  on local:musl-node24

  PID 1 is `/bin/sh -c node server.js`: SIGTERM came through to the app, once

Who was right?
  ✓ a  it arrives
    b  nothing
"""
FIX_TOLD = """\

  Write brackets.

Before
  shell.Dockerfile
  FROM local:musl-node24
  …
  CMD node server.js

After
  shell.Dockerfile
  FROM local:musl-node24
  …
  CMD node server.js
"""


def test_a_title_is_told_once() -> None:
    told = Told()
    assert told(view(TITLE_STEP)) == TITLE_TOLD
    assert told(view(TITLE_STEP), view(TITLE_STEP, pace=2.0)) == ""


def test_a_question_is_told_once_under_the_head_of_its_chapter() -> None:
    told = Told()
    assert told(view(QUESTION)) == QUESTION_TOLD
    assert told(view(QUESTION)) == ""


def test_a_verdict_and_a_fix_are_told_once_each() -> None:
    told = Told()
    told(view(PLAY, OVER))
    assert told(view(TOLD, OVER)) == TOLD_TOLD
    assert told(view(TOLD, OVER)) == ""
    assert told(view(FIX)) == FIX_TOLD
    assert told(view(FIX)) == ""


TREE = ["  1  /bin/sh -c node server.js  no handler", "  7    └ node server.js         handler"]
RUN = "$ docker run -d --name c-1 --network none image"
KILLS = "$ docker kill --signal=SIGTERM c-1"


def test_a_play_is_told_as_it_goes_on_and_each_thing_once() -> None:
    told = begun()
    coming = replace(STARTING, phase=Phase.COMING, container="", launch=None, tree=(), lines=(), run=0)
    assert told.lines(view(PLAY, waits=False)) == ["shell on local:musl-node24"]
    assert told.lines(view(PLAY, coming, waits=False)) == []
    assert told.lines(view(PLAY, STARTING, waits=False)) == [RUN, "  │ Listening"]
    assert told.lines(view(PLAY, STARTING, waits=False)) == []
    assert told.lines(view(PLAY, HELD), view(PLAY, HELD)) == TREE
    assert told.lines(view(PLAY, UNDER_WAY, waits=False)) == [KILLS]
    received = replace(UNDER_WAY, lines=(UP, RECEIVED))
    assert told.lines(view(PLAY, received, waits=False)) == ["  │ Received signal: SIGTERM"]
    steps = [
        "       +0 µs  docker ──SIGTERM──▶ 1 /bin/sh -c node server.js",
        "     +1.0 ms  1 /bin/sh -c node server.js ──SIGTERM──▶ 7 node server.js",
        "     +2.0 ms  7 node server.js: its handler for SIGTERM runs",
    ]
    assert told.lines(view(PLAY, OVER, waits=False)) == []
    assert told.lines(view(PLAY, OVER, shown=1, waits=False)) == steps[:1]
    assert told.lines(view(PLAY, OVER, shown=1, waits=False)) == []
    end = [f"{TREE[0]}  ◀ SIGTERM", f"{TREE[1]}     handles SIGTERM"]
    assert told.lines(view(PLAY, OVER, shown=3)) == [*steps[1:], *end]
    assert told.lines(view(PLAY, OVER, shown=3)) == []


def test_a_command_comes_before_the_lines_it_leads_to_and_after_those_before_it() -> None:
    late = replace(UNDER_WAY, lines=(UP, replace(RECEIVED, at_ns=19, text="before"), RECEIVED))
    assert begun().lines(view(PLAY, late, waits=False))[1:] == [
        RUN,
        "  │ Listening",
        "  │ before",
        KILLS,
        "  │ Received signal: SIGTERM",
    ]


def test_commands_that_come_at_once_stay_in_their_order() -> None:
    request = Taken(action=Action(command="curl -T - http://x &"), at_ns=15)
    stop = Taken(action=Action(command="docker stop -t 10 c-1"), at_ns=16)
    snapshot = replace(UNDER_WAY, actions=(request, stop), lines=(UP, RECEIVED))
    assert begun().lines(view(PLAY, snapshot, waits=False))[2:] == [
        "  │ Listening",
        "$ curl -T - http://x &",
        "$ docker stop -t 10 c-1",
        "  │ Received signal: SIGTERM",
    ]


def test_what_is_held_next_shows_its_tree_anew() -> None:
    told = Told()
    told(view(PLAY, HELD))
    more = replace(HELD, held=Action(command="docker exec c-1 true"), actions=(DONE,), tree=SWALLOWED.before[:1])
    assert told.lines(view(PLAY, more), view(PLAY, more)) == [KILLS, TREE[0]]


def test_a_play_that_is_repeated_is_told_again() -> None:
    told = begun()
    first = told.lines(view(PLAY, HELD), view(PLAY, UNDER_WAY, waits=False), view(PLAY, OVER, shown=3))
    coming = replace(STARTING, phase=Phase.COMING, container="", launch=None, tree=(), lines=(), run=0)
    assert told.lines(view(PLAY, coming, waits=False)) == ["once more"]
    assert told.lines(view(PLAY, coming, waits=False)) == []
    again = [replace(snapshot, container="c-2") for snapshot in (HELD, UNDER_WAY, OVER)]
    second = told.lines(view(PLAY, again[0]), view(PLAY, again[1], waits=False), view(PLAY, again[2], shown=3))
    assert second == [line.replace("--name c-1", "--name c-2") for line in first[1:]]


def test_a_play_that_is_repeated_at_once_is_told_again() -> None:
    told = begun()
    told(view(PLAY, HELD))
    assert told.lines(view(PLAY, replace(HELD, container="c-2"))) == [
        "once more",
        RUN.replace("c-1", "c-2"),
        "  │ Listening",
        *TREE,
    ]


def test_a_container_that_repeats_for_doubts_sake_is_told_to_be_one() -> None:
    told = Told()
    told(view(PLAY, UNDER_WAY, waits=False))
    more = replace(UNDER_WAY, container="c-2", run=2)
    assert told.lines(view(PLAY, more, waits=False))[:2] == [
        "once more, as luck may have a hand in it: container 2",
        RUN.replace("c-1", "c-2"),
    ]


def test_what_is_repeated_from_its_verdict_is_told_again() -> None:
    told = begun()
    first = told.lines(view(PLAY, OVER, shown=3))
    told(view(TOLD, OVER))
    assert told.lines(view(PLAY, OVER, shown=3)) == first


def test_who_goes_back_is_told_again_but_the_head_of_a_chapter_only_from_another() -> None:
    told = Told()
    told(view(QUESTION), view(PLAY, HELD))
    assert told(view(QUESTION)) == QUESTION_TOLD.split("\n", 2)[2]
    told(view(QUESTION_2))
    assert told(view(QUESTION)) == QUESTION_TOLD


def test_a_play_that_never_had_a_container_is_told_to_its_end() -> None:
    told = begun()
    snapshot = Snapshot(cell=CELL, phase=Phase.OVER, result=found(UNTESTED))
    assert told.lines(view(PLAY, snapshot)) == ["shell on local:musl-node24", "  none yet"]
    assert told.lines(view(TOLD, snapshot))[:3] == [
        "  shell, SIGTERM: ? untested: could not be tested",
        "  on local:musl-node24",
        "  no ready line within 30 s",
    ]


def test_a_container_that_has_ended_is_told_to_have() -> None:
    snapshot = replace(OVER, result=found(KILLED))
    assert Told().lines(view(PLAY, snapshot))[-1] == "  the container has ended, with exit code 143"


def claims(*results: Result, waits: bool = True) -> View:
    return view(CLAIMS_STEP, results=results, many=(found(SWALLOWED).cell,), waits=waits)


def test_claims_are_told_once_they_are_over() -> None:
    told = Told()
    told(view(QUESTION_2))
    assert told(claims(waits=False)) == ""
    assert told.lines(claims(found(SWALLOWED))) == [
        "                                 musl-node24",
        "  shell  no signal is passed on  ✓ held",
        "  1 of 1 hold on every base.",
        "To take home",
        "  Measure.",
    ]
    assert told(claims(found(SWALLOWED))) == ""


def test_claims_that_are_repeated_are_told_again() -> None:
    told = Told()
    told(view(QUESTION_2), claims(found(SWALLOWED)), claims(waits=False))
    assert "  0 of 1 hold on every base." in told.lines(claims(found(FORWARDED)))


def test_the_table_is_left_to_the_end() -> None:
    assert Told()(view(TABLE_STEP, results=(found(SWALLOWED),), many=(found(SWALLOWED).cell,))) == ""


HINT = "[n next, b back, r repeat, s skip, - slower, + faster, q quit]"


def test_the_hint_names_the_keys() -> None:
    assert Told(hint=True)(view(QUESTION)).endswith(f"\n  {HINT}\n")


def hints(told: Told, *views: View) -> int:
    """How many lines were told that are nothing but a hint."""
    before = told.raw
    told(*views)
    return sum(line.strip() in (HINT, "") and line != "" for line in told.raw.removeprefix(before).split("\n"))


def test_there_is_a_hint_each_time_the_show_begins_to_wait() -> None:
    told = Told(hint=True)
    assert hints(told, view(QUESTION)) == 1
    assert hints(told, view(QUESTION), view(QUESTION)) == 0
    assert hints(told, view(PLAY, STARTING, waits=False)) == 0
    assert hints(told, view(PLAY, HELD), view(PLAY, HELD)) == 1
    assert hints(told, view(PLAY, UNDER_WAY, waits=False)) == 0
    assert hints(told, view(PLAY, OVER, shown=1, waits=False)) == 0
    assert hints(told, view(PLAY, OVER, shown=3), view(PLAY, OVER, shown=3)) == 1
    assert hints(told, view(TOLD, OVER)) == 1


def test_there_is_no_hint_unless_one_is_wanted() -> None:
    told = Told()
    assert hints(told, view(QUESTION), view(PLAY, HELD), view(PLAY, OVER, shown=3), view(TOLD, OVER)) == 0


EVERYTHING = [
    *(view(TITLE_STEP), view(QUESTION), view(PLAY, STARTING, waits=False), view(PLAY, HELD)),
    *(view(PLAY, UNDER_WAY, waits=False), view(PLAY, OVER, shown=3), view(TOLD, OVER, before=(found(PATH),))),
    *(view(FIX), view(QUESTION_2), claims(found(SWALLOWED)), view(TABLE_STEP)),
]


@pytest.mark.parametrize("width", [40, 80, 100])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    told = Told(width=width, hint=True)
    told(*EVERYTHING)
    lines = told.raw.split("\n")
    assert max(len(line) for line in lines if not line.startswith("$ docker run ")) <= width
    # To be copied, a command is one line.
    assert [line for line in lines if line.startswith("$ docker run ")] == [RUN]


def test_no_line_ends_in_blanks() -> None:
    told = Told(width=100)
    told(*EVERYTHING)
    assert [line for line in told.raw.split("\n") if line != line.rstrip()] == []


def test_no_line_that_is_wrapped_ends_in_blanks() -> None:
    told = Told(width=40)
    told(*EVERYTHING)
    assert [line for line in told.raw.split("\n") if line != line.rstrip()] == []


def test_an_empty_line_of_a_log_ends_in_no_blank() -> None:
    told = Told()
    told(view(PLAY, replace(STARTING, lines=(UP, LogLine(at_ns=11, text=""))), waits=False))
    assert [line for line in told.raw.split("\n") if line != line.rstrip()] == []


def test_an_empty_line_of_a_text_ends_in_no_blank() -> None:
    chapter = Chapter(name="x", title="X", intro="one\n\ntwo", question="?", claims="an article")
    told = Told()
    told(view(Step(kind=Kind.QUESTION, number=1, chapter=chapter), cells=()))
    assert [line for line in told.raw.split("\n") if line != line.rstrip()] == []


def test_a_long_line_of_a_log_stays_one_line() -> None:
    told = Told(width=60)
    told(view(PLAY, replace(STARTING, lines=(UP, LogLine(at_ns=11, text="word " * 40))), waits=False))
    (line,) = [line for line in told.raw.split("\n") if "word" in line]
    assert line.startswith("  │ word")
    assert line.endswith("…")


HOSTILE = "\x1b[2J\x07\r\x9b31m[red]x[/red]"
SPELLED = r"\x1b[2J\x07\x0d\x9b31m[red]x[/red]"


def test_hostile_text_of_a_container_is_spelled_out() -> None:
    tree = (replace(PID1, args=HOSTILE),)
    action = Action(command=f"docker kill {HOSTILE}")
    snapshot = replace(
        OVER,
        launch=Launch(image=HOSTILE, environment={HOSTILE: HOSTILE}),
        tree=tree,
        lines=(LogLine(at_ns=1, text=HOSTILE),),
        actions=(Taken(action=action, at_ns=2),),
        result=found(replace(PATH, before=tree, after=tree)),
    )
    told = Told(width=200)
    lines = told.lines(view(PLAY, snapshot, shown=3))
    assert all(character == "\n" or character.isprintable() for character in told.raw)
    assert f"  │ {SPELLED}" in lines
    assert f"$ docker kill {SPELLED}" in lines
    assert f"  1  {SPELLED}  no handler  ◀ SIGTERM" in lines
    assert f"       +0 µs  docker ──SIGTERM──▶ 1 {SPELLED}" in lines


def test_hostile_text_of_a_story_is_spelled_out() -> None:
    texts = dict.fromkeys(("title", "intro", "question", "fix", "code", "lesson"), HOSTILE)
    chapter = Chapter(name="x", asks="TERM", options=(Option(text=HOSTILE, verdicts=()),), **texts)
    told = Told(context=replace(PROGRAMME, story=Story(schema=1, title=HOSTILE, intro=HOSTILE, chapter=(chapter,))))
    told(view(TITLE_STEP))
    for kind in (Kind.QUESTION, Kind.TOLD, Kind.FIX):
        told(view(Step(kind=kind, number=1, chapter=chapter, last=True), OVER, before=(found(PATH),)))
    assert all(character == "\n" or character.isprintable() for character in told.raw)


@settings(max_examples=60)
@given(st.lists(st.text(), max_size=12), st.lists(st.text(), min_size=1, max_size=4), st.integers(30, 120))
def test_whatever_a_container_writes_and_runs_is_told_once_and_safely(
    logs: list[str], args: list[str], width: int
) -> None:
    tree = tuple(
        replace(PID1, pid=1001 + number, ppid=1000 + number, inner_pid=1 + number, args=text)
        for number, text in enumerate(args)
    )
    lines = tuple(LogLine(at_ns=30 + number, text=text) for number, text in enumerate(logs))
    told = Told(width=width)
    for count in range(len(lines) + 1):
        told(view(PLAY, replace(UNDER_WAY, tree=tree, lines=lines[:count]), waits=False))
    told(view(PLAY, replace(OVER, lines=lines, result=found(replace(PATH, before=tree))), shown=3))
    assert all(character == "\n" or character.isprintable() for character in told.raw)
    assert told.raw.count("  │") >= len(logs)
    assert len(re.findall(r"^\$ docker kill", told.raw, re.MULTILINE)) == 1


class FakeShow:
    """A show whose views come one after another; NEXT alone goes on."""

    def __init__(self, *views: View) -> None:
        self._views = list(views)
        self.pressed: list[Command] = []
        self.times: list[float] = []

    @property
    def finished(self) -> bool:
        return not self._views

    def tick(self, now_s: float) -> None:
        self.times.append(now_s)

    def view(self) -> View:
        return self._views[0]

    def press(self, command: Command) -> None:
        self.pressed.append(command)
        if command is Command.NEXT:
            del self._views[0]


class FakeKeys:
    """Keys that are pressed one after another, within `read` alone."""

    def __init__(self, *keys: Command | None) -> None:
        self._keys = list(keys)
        self.reading = False

    @contextmanager
    def read(self) -> Iterator[FakeKeys]:
        self.reading = True
        yield self
        self.reading = False

    def next(self, timeout_s: float) -> Command | None:
        assert self.reading
        assert 0 < timeout_s < 1
        return self._keys.pop(0)


def test_a_show_is_told_until_it_is_finished() -> None:
    show = FakeShow(view(TITLE_STEP), view(QUESTION))
    keys = FakeKeys(None, Command.SLOWER, Command.NEXT, None, Command.NEXT)
    file = io.StringIO()
    console = Console(width=100, file=file, color_system=None, highlight=False)
    narrate(show, PROGRAMME, console, keys, hint=False)
    assert file.getvalue() == TITLE_TOLD + QUESTION_TOLD
    assert show.pressed == [Command.SLOWER, Command.NEXT, Command.NEXT]
    assert (len(show.times), sorted(show.times), keys.reading) == (5, show.times, False)
