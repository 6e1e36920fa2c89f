"""A presentation as lines: each thing once, in the order of time, and again where it is run again."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from harness.core.catalogue import Catalogue, Variant
from harness.core.evidence import LogLine
from harness.core.question import Question
from harness.core.signals import Signal
from harness.core.subject import App, Cell, Claim, Expectation, LaunchOptions
from harness.core.verdict import Expected, Verdict
from harness.run.protocol import Launch
from harness.workshop.demo.live import Phase, Snapshot, Taken
from harness.workshop.demo.plain import PlainPresenter, present
from harness.workshop.demo.presentation import Command, Step, StepKind, View
from harness.workshop.demo.screens import Context
from harness.workshop.stepping import Action
from harness.workshop.story import Chapter, Example, Option, Story
from tests.support.evidence import changed, words
from tests.support.golden import golden
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
)
from tests.support.reports import result as row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.core.document import Row
    from harness.core.evidence import Evidence, Untested

TERM = Signal(15)
CLAIM = Claim(text="no signal is passed on", source="an article", forwards=Expectation(forwards=Expected.NEVER))
VARIANT = Variant(name="shell", title="shell form", dockerfile="shell.Dockerfile", claim=CLAIM)
SUBJECT = Catalogue(context=".", app=App(), variants=(VARIANT,)).subject(VARIANT, FACTS.reference)
CELL = Cell(engine=ENGINE.name, subject=SUBJECT, question=Question(signal=TERM))
CHAPTER = Chapter(
    name="one",
    title="A shell in between",
    intro="The CMD has no brackets.",
    question="What comes of SIGTERM?",
    asks="TERM",
    options=(Option(text="it arrives", verdicts=(Verdict.FORWARDED,)), Option(text="nothing", verdicts=())),
    broken=(Example(variant="shell"),),
    fix="Write brackets.",
    lesson="Brackets matter.",
)
CLAIMS = Chapter(
    name="two", title="What they say", intro="They say.", question="Is it so?", claims="an article", lesson="Measure."
)
STORY = Story(schema=1, title="What happens to SIGTERM?", intro="A small server.", chapter=(CHAPTER, CLAIMS))
CONTEXT = Context(
    story=STORY,
    engine=changed(ENGINE, trace=True),
    bases={FACTS.reference: FACTS},
    dockerfile=lambda _: "FROM local:musl-node24\n…\nCMD node server.js",
    signal=lambda _: TERM,
)
TITLE_STEP = Step(kind=StepKind.TITLE)
QUESTION, RUN, VERDICT, FIX = (
    Step(kind=kind, number=1, chapter=CHAPTER, cell=CELL if kind in (StepKind.RUN, StepKind.VERDICT) else None)
    for kind in (StepKind.QUESTION, StepKind.RUN, StepKind.VERDICT, StepKind.FIX)
)
QUESTION_2, CLAIMS_STEP = (Step(kind=kind, number=2, chapter=CLAIMS) for kind in (StepKind.QUESTION, StepKind.CLAIMS))
TABLE_STEP = Step(kind=StepKind.TABLE)
KILL = Action(command="docker kill --signal=SIGTERM c-1")
UP = LogLine(at_ns=10, text="Listening")
STARTING = Snapshot(
    cell=CELL,
    phase=Phase.STARTING,
    launch=Launch(image="image"),
    container="c-1",
    tree=SWALLOWED.seen.before,
    lines=(UP,),
    run=1,
)
HELD = changed(STARTING, phase=Phase.HELD, held=KILL)
DONE = Taken(action=KILL, at_ns=20)
RECEIVED = LogLine(at_ns=30, text="Received signal: SIGTERM")
UNDER_WAY = changed(STARTING, phase=Phase.UNDER_WAY, actions=(DONE,))
PATH = changed(
    FORWARDED,
    before=(PID1, APP),
    after=(PID1, APP),
    trace=(TO_SHELL, changed(HANDED_ON, time_s=1.001), TAKEN),
)


def of_shell(evidence: Evidence | Untested) -> Row:
    return row("shell", evidence, claim=CLAIM)


OVER = changed(UNDER_WAY, phase=Phase.OVER, lines=(UP, RECEIVED), row=of_shell(PATH))


def view(step: Step, snapshot: Snapshot | None = None, **more: Any) -> View:
    return View(**{"step": step, "chapters": 2, "cells": (CELL,), "mended": (CELL,), "snapshot": snapshot, **more})


class Printed:
    """A presenter, and what it has printed since it was last asked."""

    def __init__(self, *, hint: bool = False, width: int = 100, context: Context = CONTEXT) -> None:
        self.file = io.StringIO()
        console = Console(width=width, file=self.file, color_system=None, highlight=False, legacy_windows=False)
        self.presenter = PlainPresenter(context, console, hint=hint)
        self.raw = ""

    def __call__(self, *views: View) -> str:
        for shown in views:
            self.presenter.draw(shown)
        raw = self.file.getvalue()
        new, self.raw = raw.removeprefix(self.raw), raw
        return "\n".join(line.rstrip() for line in new.split("\n"))

    def lines(self, *views: View) -> list[str]:
        """The lines that are no blank ones."""
        return [line for line in self(*views).split("\n") if line]


def begun() -> Printed:
    """A presenter that has asked the question of a chapter."""
    printed = Printed()
    printed(view(QUESTION))
    return printed


TITLE_TEXT, QUESTION_TEXT, VERDICT_TEXT, FIX_TEXT = (
    golden(f"workshop/plain-{name}") for name in ("title", "question", "verdict", "fix")
)


def test_a_title_is_printed_once() -> None:
    printed = Printed()
    assert printed(view(TITLE_STEP)) == TITLE_TEXT
    assert printed(view(TITLE_STEP), view(TITLE_STEP, pace=2.0)) == ""


def test_a_question_is_printed_once_under_the_head_of_its_chapter() -> None:
    printed = Printed()
    assert printed(view(QUESTION)) == QUESTION_TEXT
    assert printed(view(QUESTION)) == ""


def test_a_verdict_and_a_fix_are_printed_once_each() -> None:
    printed = Printed()
    printed(view(RUN, OVER))
    assert printed(view(VERDICT, OVER)) == VERDICT_TEXT
    assert printed(view(VERDICT, OVER)) == ""
    assert printed(view(FIX)) == FIX_TEXT
    assert printed(view(FIX)) == ""


TREE = ["  1  /bin/sh -c node server.js  no handler", "  7    └ node server.js         handler"]
RUNS = "$ docker run -d --name c-1 --network none image"
KILLS = "$ docker kill --signal=SIGTERM c-1"


def test_a_run_is_printed_as_it_goes_on_and_each_thing_once() -> None:
    printed = begun()
    coming = changed(STARTING, phase=Phase.COMING, container="", launch=None, tree=(), lines=(), run=0)
    assert printed.lines(view(RUN, waits=False)) == ["shell on local:musl-node24"]
    assert printed.lines(view(RUN, coming, waits=False)) == []
    assert printed.lines(view(RUN, STARTING, waits=False)) == [RUNS, "  │ Listening"]
    assert printed.lines(view(RUN, STARTING, waits=False)) == []
    assert printed.lines(view(RUN, HELD), view(RUN, HELD)) == TREE
    assert printed.lines(view(RUN, UNDER_WAY, waits=False)) == [KILLS]
    received = changed(UNDER_WAY, lines=(UP, RECEIVED))
    assert printed.lines(view(RUN, received, waits=False)) == ["  │ Received signal: SIGTERM"]
    steps = [
        "       +0 µs  docker ──SIGTERM──▶ 1 /bin/sh -c node server.js",
        "     +1.0 ms  1 /bin/sh -c node server.js ──SIGTERM──▶ 7 node server.js",
        "     +2.0 ms  7 node server.js: its handler for SIGTERM runs",
    ]
    assert printed.lines(view(RUN, OVER, waits=False)) == []
    assert printed.lines(view(RUN, OVER, shown=1, waits=False)) == steps[:1]
    assert printed.lines(view(RUN, OVER, shown=1, waits=False)) == []
    end = [f"{TREE[0]}  ◀ SIGTERM", f"{TREE[1]}     handles SIGTERM"]
    assert printed.lines(view(RUN, OVER, shown=3)) == [*steps[1:], *end]
    assert printed.lines(view(RUN, OVER, shown=3)) == []


def test_a_command_comes_before_the_lines_it_leads_to_and_after_those_before_it() -> None:
    late = changed(UNDER_WAY, lines=(UP, changed(RECEIVED, at_ns=19, text="before"), RECEIVED))
    assert begun().lines(view(RUN, late, waits=False))[1:] == [
        RUNS,
        "  │ Listening",
        "  │ before",
        KILLS,
        "  │ Received signal: SIGTERM",
    ]


def test_commands_that_come_at_once_stay_in_their_order() -> None:
    request = Taken(action=Action(command="curl -T - http://x &"), at_ns=15)
    stop = Taken(action=Action(command="docker stop -t 10 c-1"), at_ns=16)
    snapshot = changed(UNDER_WAY, actions=(request, stop), lines=(UP, RECEIVED))
    assert begun().lines(view(RUN, snapshot, waits=False))[2:] == [
        "  │ Listening",
        "$ curl -T - http://x &",
        "$ docker stop -t 10 c-1",
        "  │ Received signal: SIGTERM",
    ]


def test_what_is_held_next_shows_its_tree_anew() -> None:
    printed = Printed()
    printed(view(RUN, HELD))
    more = changed(HELD, held=Action(command="docker exec c-1 true"), actions=(DONE,), tree=SWALLOWED.seen.before[:1])
    assert printed.lines(view(RUN, more), view(RUN, more)) == [KILLS, TREE[0]]


def test_a_run_that_is_repeated_is_printed_again() -> None:
    printed = begun()
    first = printed.lines(view(RUN, HELD), view(RUN, UNDER_WAY, waits=False), view(RUN, OVER, shown=3))
    coming = changed(STARTING, phase=Phase.COMING, container="", launch=None, tree=(), lines=(), run=0)
    assert printed.lines(view(RUN, coming, waits=False)) == ["once more"]
    assert printed.lines(view(RUN, coming, waits=False)) == []
    again = [changed(snapshot, container="c-2") for snapshot in (HELD, UNDER_WAY, OVER)]
    second = printed.lines(view(RUN, again[0]), view(RUN, again[1], waits=False), view(RUN, again[2], shown=3))
    assert second == [line.replace("--name c-1", "--name c-2") for line in first[1:]]


def test_a_run_that_is_repeated_at_once_is_printed_again() -> None:
    printed = begun()
    printed(view(RUN, HELD))
    assert printed.lines(view(RUN, changed(HELD, container="c-2"))) == [
        "once more",
        RUNS.replace("c-1", "c-2"),
        "  │ Listening",
        *TREE,
    ]


def test_a_container_that_repeats_for_doubts_sake_is_printed_to_be_one() -> None:
    printed = Printed()
    printed(view(RUN, UNDER_WAY, waits=False))
    more = changed(UNDER_WAY, container="c-2", run=2)
    assert printed.lines(view(RUN, more, waits=False))[:2] == [
        "once more, as luck may have a hand in it: container 2",
        RUNS.replace("c-1", "c-2"),
    ]


def test_what_is_repeated_from_its_verdict_is_printed_again() -> None:
    printed = begun()
    first = printed.lines(view(RUN, OVER, shown=3))
    printed(view(VERDICT, OVER))
    assert printed.lines(view(RUN, OVER, shown=3)) == first


def test_who_goes_back_is_printed_again_but_the_head_of_a_chapter_only_from_another() -> None:
    printed = Printed()
    printed(view(QUESTION), view(RUN, HELD))
    assert printed(view(QUESTION)) == QUESTION_TEXT.split("\n", 2)[2]
    printed(view(QUESTION_2))
    assert printed(view(QUESTION)) == QUESTION_TEXT


def test_a_run_that_never_had_a_container_is_printed_to_its_end() -> None:
    printed = begun()
    snapshot = Snapshot(cell=CELL, phase=Phase.OVER, row=of_shell(UNTESTED))
    assert printed.lines(view(RUN, snapshot)) == ["shell on local:musl-node24", "  none yet"]
    assert printed.lines(view(VERDICT, snapshot))[:3] == [
        "  shell, SIGTERM: ? untested: could not be tested",
        "  on local:musl-node24",
        "  no ready line within 30 s",
    ]


def test_a_container_that_has_ended_is_printed_to_have() -> None:
    snapshot = changed(OVER, row=of_shell(KILLED))
    assert Printed().lines(view(RUN, snapshot))[-1] == "  the container has ended, with exit code 143"


def claims(*rows: Row, waits: bool = True) -> View:
    return view(CLAIMS_STEP, rows=rows, many=(CELL,), waits=waits)


def test_claims_are_printed_once_they_are_over() -> None:
    printed = Printed()
    printed(view(QUESTION_2))
    assert printed(claims(waits=False)) == ""
    assert printed.lines(claims(of_shell(SWALLOWED))) == [
        "                                 musl-node24",
        "  shell  no signal is passed on  ✓ held",
        "  1 of 1 hold on every base.",
        "To take home",
        "  Measure.",
    ]
    assert printed(claims(of_shell(SWALLOWED))) == ""


def test_claims_that_are_repeated_are_printed_again() -> None:
    printed = Printed()
    printed(view(QUESTION_2), claims(of_shell(SWALLOWED)), claims(waits=False))
    assert "  0 of 1 hold on every base." in printed.lines(claims(of_shell(FORWARDED)))


def test_the_table_is_left_to_the_end() -> None:
    assert Printed()(view(TABLE_STEP, rows=(of_shell(SWALLOWED),), many=(CELL,))) == ""


HINT = "[n next, b back, r repeat, s skip, - slower, + faster, q quit, ? keys]"


def test_the_hint_names_the_keys() -> None:
    assert Printed(hint=True)(view(QUESTION)).endswith(f"\n  {HINT}\n")


def hints(printed: Printed, *views: View) -> int:
    """How many lines were printed that are nothing but a hint."""
    before = printed.raw
    printed(*views)
    return sum(line.strip() in (HINT, "") and line != "" for line in printed.raw.removeprefix(before).split("\n"))


def test_there_is_a_hint_each_time_the_presentation_begins_to_wait() -> None:
    printed = Printed(hint=True)
    assert hints(printed, view(QUESTION)) == 1
    assert hints(printed, view(QUESTION), view(QUESTION)) == 0
    assert hints(printed, view(RUN, STARTING, waits=False)) == 0
    assert hints(printed, view(RUN, HELD), view(RUN, HELD)) == 1
    assert hints(printed, view(RUN, UNDER_WAY, waits=False)) == 0
    assert hints(printed, view(RUN, OVER, shown=1, waits=False)) == 0
    assert hints(printed, view(RUN, OVER, shown=3), view(RUN, OVER, shown=3)) == 1
    assert hints(printed, view(VERDICT, OVER)) == 1


def test_there_is_no_hint_unless_one_is_wanted() -> None:
    printed = Printed()
    assert hints(printed, view(QUESTION), view(RUN, HELD), view(RUN, OVER, shown=3), view(VERDICT, OVER)) == 0


EVERYTHING = [
    *(view(TITLE_STEP), view(QUESTION), view(RUN, STARTING, waits=False), view(RUN, HELD)),
    *(view(RUN, UNDER_WAY, waits=False), view(RUN, OVER, shown=3), view(VERDICT, OVER, before=(of_shell(PATH),))),
    *(view(FIX), view(QUESTION_2), claims(of_shell(SWALLOWED)), view(TABLE_STEP)),
]


@pytest.mark.parametrize("width", [40, 80, 100])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    printed = Printed(width=width, hint=True)
    printed(*EVERYTHING)
    lines = printed.raw.split("\n")
    assert max(len(line) for line in lines if not line.startswith("$ docker run ")) <= width
    # To be copied, a command is one line.
    assert [line for line in lines if line.startswith("$ docker run ")] == [RUNS]


def test_no_line_ends_in_blanks() -> None:
    printed = Printed(width=100)
    printed(*EVERYTHING)
    assert [line for line in printed.raw.split("\n") if line != line.rstrip()] == []


def test_no_line_that_is_wrapped_ends_in_blanks() -> None:
    printed = Printed(width=40)
    printed(*EVERYTHING)
    assert [line for line in printed.raw.split("\n") if line != line.rstrip()] == []


def test_an_empty_line_of_a_log_ends_in_no_blank() -> None:
    printed = Printed()
    printed(view(RUN, changed(STARTING, lines=(UP, LogLine(at_ns=11, text=""))), waits=False))
    assert [line for line in printed.raw.split("\n") if line != line.rstrip()] == []


def test_an_empty_line_of_a_text_ends_in_no_blank() -> None:
    chapter = Chapter(name="x", title="X", intro="one\n\ntwo", question="?", claims="an article")
    printed = Printed()
    printed(view(Step(kind=StepKind.QUESTION, number=1, chapter=chapter), cells=()))
    assert [line for line in printed.raw.split("\n") if line != line.rstrip()] == []


def test_a_long_line_of_a_log_stays_one_line() -> None:
    printed = Printed(width=60)
    printed(view(RUN, changed(STARTING, lines=(UP, LogLine(at_ns=11, text="word " * 40))), waits=False))
    (line,) = [line for line in printed.raw.split("\n") if "word" in line]
    assert line.startswith("  │ word")
    assert line.endswith("…")


HOSTILE = "\x1b[2J\x07\r\x9b31m[red]x[/red]"
SPELLED = r"\x1b[2J\x07\x0d\x9b31m[red]x[/red]"


def test_hostile_text_of_a_container_is_spelled_out() -> None:
    tree = (changed(PID1, argv=(HOSTILE,)),)
    action = Action(command=f"docker kill {HOSTILE}")
    snapshot = changed(
        OVER,
        launch=Launch(image=HOSTILE, options=LaunchOptions(environment={HOSTILE: HOSTILE})),
        tree=tree,
        lines=(LogLine(at_ns=1, text=HOSTILE),),
        actions=(Taken(action=action, at_ns=2),),
        row=of_shell(changed(PATH, before=tree, after=tree)),
    )
    printed = Printed(width=200)
    lines = printed.lines(view(RUN, snapshot, shown=3))
    assert all(character == "\n" or character.isprintable() for character in printed.raw)
    assert f"  │ {SPELLED}" in lines
    assert f"$ docker kill {SPELLED}" in lines
    assert f"  1  {SPELLED}  no handler  ◀ SIGTERM" in lines
    assert f"       +0 µs  docker ──SIGTERM──▶ 1 {SPELLED}" in lines


def test_hostile_text_of_a_story_is_spelled_out() -> None:
    texts = dict.fromkeys(("title", "intro", "question", "fix", "code", "lesson"), HOSTILE)
    chapter = Chapter(name="x", asks="TERM", options=(Option(text=HOSTILE, verdicts=()),), **texts)
    printed = Printed(context=changed(CONTEXT, story=Story(schema=1, title=HOSTILE, intro=HOSTILE, chapter=(chapter,))))
    printed(view(TITLE_STEP))
    for kind in (StepKind.QUESTION, StepKind.VERDICT, StepKind.FIX):
        printed(view(Step(kind=kind, number=1, chapter=chapter, last=True), OVER, before=(of_shell(PATH),)))
    assert all(character == "\n" or character.isprintable() for character in printed.raw)


@settings(max_examples=60)
@given(st.lists(st.text(), max_size=12), st.lists(st.text(), min_size=1, max_size=4), st.integers(30, 120))
def test_whatever_a_container_writes_and_runs_is_printed_once_and_safely(
    logs: list[str], args: list[str], width: int
) -> None:
    tree = tuple(
        changed(PID1, pid=1001 + number, ppid=1000 + number, inner_pid=1 + number, argv=words(text))
        for number, text in enumerate(args)
    )
    lines = tuple(LogLine(at_ns=30 + number, text=text) for number, text in enumerate(logs))
    printed = Printed(width=width)
    for count in range(len(lines) + 1):
        printed(view(RUN, changed(UNDER_WAY, tree=tree, lines=lines[:count]), waits=False))
    printed(view(RUN, changed(OVER, lines=lines, row=of_shell(changed(PATH, before=tree))), shown=3))
    assert all(character == "\n" or character.isprintable() for character in printed.raw)
    assert printed.raw.count("  │") >= len(logs)
    assert len(re.findall(r"^\$ docker kill", printed.raw, re.MULTILINE)) == 1


class FakePresentation:
    """A presentation whose views come one after another; NEXT alone goes on."""

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


def test_a_presentation_is_printed_until_it_is_finished() -> None:
    presentation = FakePresentation(view(TITLE_STEP), view(QUESTION))
    keys = FakeKeys(None, Command.SLOWER, Command.NEXT, None, Command.NEXT)
    file = io.StringIO()
    console = Console(width=100, file=file, color_system=None, highlight=False)
    present(presentation, CONTEXT, console, keys, hint=False)
    assert file.getvalue() == TITLE_TEXT + QUESTION_TEXT
    assert presentation.pressed == [Command.SLOWER, Command.NEXT, Command.NEXT]
    assert (len(presentation.times), sorted(presentation.times), keys.reading) == (5, presentation.times, False)
