"""Whole screens as they are seen, without colour: what is on them, and what gives way where there is little room."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from harness.core.catalogue import Catalogue, Variant
from harness.core.evidence import Evidence, LogLine, Untested
from harness.core.question import Probe, Question
from harness.core.signals import Signal
from harness.core.subject import App, Cell, Claim, Expectation, LaunchOptions
from harness.core.trace import Fate, Handled, Sent
from harness.core.verdict import Expected, Verdict
from harness.run.protocol import Launch
from harness.workshop.demo.fullscreen import present
from harness.workshop.demo.grid import short_base
from harness.workshop.demo.live import Phase, Snapshot, Taken
from harness.workshop.demo.presentation import Command, Step, StepKind, View, path_length
from harness.workshop.demo.screens import Context, Screen
from harness.workshop.stepping import Action
from harness.workshop.story import Chapter, Example, Option, Story
from tests.support.evidence import changed, words
from tests.support.facts import base_facts
from tests.support.golden import golden
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
    with_programs,
)
from tests.support.reports import result as row
from tests.support.scripted import mask, through_ps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.core.document import Row
    from harness.core.process import Process

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
    broken=(Example(variant="shell"),),
    fix="A JSON array: no shell takes part, on any base.",
    code="process.on('SIGTERM', () => server.close());",
    mended=(Example(variant="exec"),),
    lesson="The exec form does not ask which shell there is.",
)
ZOMBIES = Chapter(
    name="zombies",
    title="The zombie",
    intro="The kernel gives PID 1 every orphan.",
    question="What is left of it?",
    asks="reap",
    broken=(Example(variant="pid-1"),),
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
INIT = Variant(name="init", title="with an init", dockerfile="init.Dockerfile", launch=LaunchOptions(init=True))
COMMANDS = {
    "shell": "node server.js",
    "exec": '["node", "server.js"]',
    "init": '["node", "server.js"]',
}
CONTEXT = Context(
    story=STORY,
    engine=changed(ENGINE, trace=True),
    bases={FACTS.reference: FACTS, DEBIAN.reference: DEBIAN},
    dockerfile=lambda cell: f"FROM {cell.subject.base}\n…\nCMD {COMMANDS[cell.subject.name]}",
    signal=lambda cell: None if cell.question.probe is Probe.REAP else TERM,
)


def cell(
    variant: Variant = SHELL_VARIANT,
    base: str = FACTS.reference,
    probe: Probe = Probe.SIGNAL,
    signal: Signal = TERM,
) -> Cell:
    subject = Catalogue(context=".", app=App(), variants=(variant,)).subject(variant, base)
    question = Question(probe=probe, signal=signal if probe is Probe.SIGNAL else None)
    return Cell(engine=ENGINE.name, subject=subject, question=question)


def row_of(evidence: Evidence | Untested, of: Cell | None = None) -> Row:
    subject, question = (of or cell()).subject, (of or cell()).question
    return row(
        subject.name,
        evidence,
        base=subject.base or "",
        probe=question.probe,
        signal=question.signal or TERM,
        claim=subject.claim,
        start=START,
    )


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
    tree=SWALLOWED.seen.before,
    lines=LOG[:1],
    run=1,
)
HELD = changed(STARTING, phase=Phase.HELD, held=KILL)
UNDER_WAY = changed(STARTING, phase=Phase.UNDER_WAY, actions=(Taken(action=KILL, at_ns=4),), elapsed_s=1.25, lines=LOG)
FORWARDS = changed(
    FORWARDED,
    before=SWALLOWED.seen.before,
    after=SWALLOWED.seen.before,
    trace=(
        TO_SHELL,
        changed(HANDED_ON, time_s=1.000_25),
        TAKEN,
        changed(HANDED_ON, fate=Fate.MERGED),
        changed(TAKEN, time_s=2.75),
    ),
)


def over(evidence: Evidence | Untested = SWALLOWED, of: Cell | None = None, **more: Any) -> Snapshot:
    of = of or cell()
    return changed(UNDER_WAY, cell=of, phase=Phase.OVER, elapsed_s=0.0, row=row_of(evidence, of), **more)


def step(kind: StepKind, chapter: Chapter | None = SHELL, number: int = 1, **more: Any) -> Step:
    return Step(kind=kind, number=number, chapter=chapter, **more)


CELLS = (cell(), cell(base=DEBIAN.reference))
MENDED = (cell(EXEC),)


def view(kind: StepKind, snapshot: Snapshot | None = None, **more: Any) -> View:
    of = more.pop("step", None) or step(kind)
    return View(**{"step": of, "chapters": 3, "cells": CELLS, "mended": MENDED, "snapshot": snapshot, **more})


FOOTER = "b back  r repeat  s skip  - slower  + faster  q quit  ? keys"


def drawn(shown: View, size: tuple[int, int] = BIG, context: Context = CONTEXT) -> list[str]:
    """The lines of a screen, which is as high as its terminal and no wider."""
    width, height = size
    console = Console(width=width, height=height, file=io.StringIO(), color_system=None, legacy_windows=False)
    console.print(Screen(context, shown))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().split("\n")
    assert len(lines) == height
    assert max(map(cell_len, lines)) <= width
    return [line.rstrip() for line in lines]


def whole(shown: View, size: tuple[int, int], context: Context = CONTEXT) -> str:
    return "\n".join(drawn(shown, size, context)) + "\n"


def golden_name(screen: str, size: tuple[int, int]) -> str:
    width, height = size
    return f"workshop/{screen.replace(' ', '-')}-{width}x{height}"


ZOMBIE_CELL = cell(Variant(name="pid-1", title="PID 1", dockerfile="pid-1.Dockerfile"), probe=Probe.REAP)
INIT_CELL = cell(INIT, DEBIAN.reference)
TITLE_STEP, TABLE_STEP = Step(kind=StepKind.TITLE), Step(kind=StepKind.TABLE)
FIX_STEP = step(StepKind.FIX, mended=True)
CLAIMS_STEP = step(StepKind.CLAIMS, ARTICLE, 3, last=True)
SAID = changed(SHELL_VARIANT, claim=CLAIM)
SURE = changed(
    EXEC,
    claim=Claim(
        text="signals surely arrive",
        source="an article, page 2",
        forwards=Expectation(forwards=Expected.ALWAYS),
    ),
)
CLAIMED = (
    (SWALLOWED, cell(SAID)),
    (SWALLOWED, cell(SAID, DEBIAN.reference)),
    (FORWARDED, cell(SURE)),
    (KILLED, cell(SURE, DEBIAN.reference)),
)
TABLED = tuple(
    (evidence, cell(variant, base, signal=signal))
    for base in (FACTS.reference, DEBIAN.reference)
    for variant, evidence in ((SHELL_VARIANT, SWALLOWED), (EXEC, FORWARDED), (INIT, KILLED))
    for signal in (HUP, TERM)
)


def many(of: Step, runs: tuple[tuple[Evidence | Untested, Cell], ...], done: int | None = None) -> View:
    """A view of many cells: of all, or of the first few that are done, with the others to come."""
    cells = tuple(cell for _, cell in runs)
    rows = tuple(row_of(*run) for run in runs[:done])
    return view(of.kind, step=of, cells=(), mended=(), rows=rows, many=cells, waits=len(rows) == len(cells))


SCREENS: dict[str, View] = {
    "title": view(StepKind.TITLE, step=TITLE_STEP),
    "question": view(StepKind.QUESTION),
    "question of two files": view(StepKind.QUESTION, cells=(cell(EXEC), INIT_CELL)),
    "question of claims": view(StepKind.QUESTION, step=step(StepKind.QUESTION, ARTICLE, 3), cells=(), mended=()),
    "run before it has started": view(StepKind.RUN, waits=False),
    "run whose image is being built": view(StepKind.RUN, Snapshot(cell=cell(), phase=Phase.COMING), waits=False),
    "run that starts": view(StepKind.RUN, STARTING, waits=False),
    "run that is held": view(StepKind.RUN, HELD),
    "run under way": view(StepKind.RUN, UNDER_WAY, waits=False, pace=2.0),
    "run once more": view(StepKind.RUN, changed(UNDER_WAY, run=3, lines=()), waits=False),
    "run whose path is being shown": view(StepKind.RUN, over(FORWARDS), shown=2, waits=False),
    "run whose path was shown": view(StepKind.RUN, over(FORWARDS), shown=5),
    "run that is over": view(StepKind.RUN, over(), shown=1),
    "run whose container has ended": view(StepKind.RUN, over(KILLED)),
    "run of a zombie": view(StepKind.RUN, over(ZOMBIE, ZOMBIE_CELL), step=step(StepKind.RUN, ZOMBIES, 2)),
    "verdict": view(StepKind.VERDICT, over()),
    "verdict of a stop": view(StepKind.VERDICT, over(ABRUPT, cell(probe=Probe.STOP))),
    "verdict of what could not be tested": view(StepKind.VERDICT, over(UNTESTED)),
    "verdict of what was given up": view(StepKind.VERDICT),
    "verdict at the end of a chapter": view(
        StepKind.VERDICT,
        over(FORWARDED, cell(EXEC)),
        step=step(StepKind.VERDICT, mended=True, last=True),
        before=(row_of(SWALLOWED), row_of(FORWARDED, cell(EXEC))),
        pace=0.25,
    ),
    "fix": view(StepKind.FIX, step=FIX_STEP),
    "fix of two files": view(StepKind.FIX, step=FIX_STEP, mended=(cell(EXEC), INIT_CELL), pace=4.0),
    "claims to come": many(CLAIMS_STEP, CLAIMED, 0),
    "claims under way": many(CLAIMS_STEP, CLAIMED, 3),
    "claims": many(CLAIMS_STEP, CLAIMED),
    "table to come": many(TABLE_STEP, TABLED, 0),
    "table under way": many(TABLE_STEP, TABLED, 8),
    "table": many(TABLE_STEP, TABLED),
}


@pytest.mark.parametrize("size", [BIG, USUAL], ids=["big", "usual"])
@pytest.mark.parametrize("name", SCREENS)
def test_a_whole_screen(name: str, size: tuple[int, int]) -> None:
    assert whole(SCREENS[name], size) == golden(golden_name(name, size))


def test_every_kind_of_step_is_here() -> None:
    assert {shown.step.kind for shown in SCREENS.values()} == set(StepKind)


EVERY = [pytest.param(shown, id=name) for name, shown in SCREENS.items()]


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
    "run that starts": " n … ",
    "run that is held": " n run it ",
    "run under way": " n … ",
    "run that is over": " n go on ",
    "verdict": " n go on ",
    "fix": " n go on ",
    "claims under way": " n … ",
    "claims": " n go on ",
    "table under way": " n … ",
    "table": " n end ",
}


@pytest.mark.parametrize(("name", "label"), LABELS.items())
def test_the_key_for_next_says_what_it_does(name: str, label: str) -> None:
    assert drawn(SCREENS[name])[-1] == f" {label}  {FOOTER}"


def test_a_pace_and_a_fix_stand_at_the_right() -> None:
    for width in (60, 80, 100):
        head = drawn(view(StepKind.FIX, step=FIX_STEP, pace=0.5), (width, 24))[0]
        assert head.endswith("after the fix  ×2 faster")
        assert len(head) == width - 1


def test_a_title_that_is_too_long_is_cut() -> None:
    long = replace_chapter(SHELL, title="very long " * 20)
    head = drawn(view(StepKind.FIX, step=step(StepKind.FIX, long, mended=True)), USUAL)[0]
    assert head.startswith(" 1/3 very long very long")
    assert re.search(r"\S… {1,2}after the fix$", head)
    assert len(head) == USUAL[0] - 1


def replace_chapter(of: Chapter, **changes: Any) -> Chapter:
    return msgspec.structs.replace(of, **changes)


def test_without_a_record_the_title_says_so() -> None:
    text = whole(view(StepKind.TITLE, step=TITLE_STEP), BIG, changed(CONTEXT, engine=ENGINE))
    assert text == golden(golden_name("title without a record", BIG))


def test_a_base_that_nothing_is_known_of_is_said_to_be_one() -> None:
    facts = base_facts(reference="scratch")
    context = changed(CONTEXT, bases={"scratch": facts})
    assert " scratch  /bin/sh is not known, Node ?" in drawn(view(StepKind.TITLE, step=TITLE_STEP), BIG, context)
    snapshot = changed(STARTING, cell=cell(base="scratch"))
    assert " Processes on scratch" in drawn(view(StepKind.RUN, snapshot), BIG, context)


HUNDRED = tuple(LogLine(at_ns=number, text=f"line {number}") for number in range(100))


def test_of_a_long_log_the_last_lines_are_shown() -> None:
    lines = drawn(view(StepKind.RUN, over(lines=HUNDRED), shown=1), USUAL)
    shown = [line for line in lines if line.startswith(" line ")]
    assert shown == [f" line {number}" for number in range(100 - len(shown), 100)]
    assert len(shown) >= 8
    assert " shell, SIGTERM: ○ swallowed: not received; everything keeps running" in lines
    assert lines[-3] == " shell, SIGTERM: ○ swallowed: not received; everything keeps running"


def test_of_a_long_path_the_last_steps_are_shown() -> None:
    first, *_ = FORWARDS.seen.trace or ()
    trace = tuple(changed(first, time_s=1 + number / 1e6, fate=Fate.IGNORED) for number in range(60))
    lines = drawn(view(StepKind.RUN, over(changed(FORWARDS, trace=trace)), shown=50), BIG)
    moments = [int(found[1]) for line in lines if (found := re.match(r" +\+(\d+) µs", line))]
    assert moments == [0, *range(51 - len(moments), 50)]
    assert len(moments) > 5
    first_at = lines.index(" The path of the signal") + 1
    assert re.match(r" +\+0 µs", lines[first_at])
    assert lines[first_at + 1] == f" … {50 - len(moments)} more"


def test_where_a_path_has_few_lines_they_are_the_last_ones() -> None:
    first, *_ = FORWARDS.seen.trace or ()
    trace = tuple(changed(first, time_s=1 + number / 1e6, fate=Fate.IGNORED) for number in range(60))
    lines = drawn(view(StepKind.RUN, over(changed(FORWARDS, trace=trace)), shown=50), (100, 14))
    shown = lines[lines.index(" The path of the signal") + 1 : -3]
    assert [int(found[1]) for line in shown if (found := re.match(r" +\+(\d+) µs", line))] == [47, 48, 49]
    assert len(shown) == 3


def test_of_many_commands_the_first_line_and_the_last_ones_are_shown() -> None:
    actions = tuple(Taken(action=Action(command=f"docker exec x-{number}"), at_ns=number) for number in range(30))
    lines = drawn(view(StepKind.RUN, changed(UNDER_WAY, actions=actions), waits=False), USUAL)
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
        screen = drawn(view(StepKind.RUN, changed(UNDER_WAY, actions=done, **more)), (80, height))
        return screen[2 : screen.index("", 2)]

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
    tree = (PID1, *(changed(APP, pid=1007 + number, inner_pid=7 + number) for number in range(50)))
    lines = drawn(view(StepKind.RUN, changed(HELD, tree=tree, lines=HUNDRED)), USUAL)
    assert "   1  /bin/sh -c node server.js  no handler" in [f" {line}" for line in lines]
    assert any(line.startswith("  7    └ node server.js") for line in lines)
    assert " line 99" in lines
    assert any(line.endswith("◀ next") for line in lines)


def test_where_there_is_room_for_little_log_and_path_go_with_their_titles() -> None:
    _, _, *lines, _, _ = drawn(view(StepKind.RUN, over(FORWARDS, lines=HUNDRED), shown=5), (60, 10))
    assert [line.strip() for line in lines] == [
        "$ docker kill --signal=SIGTERM signal-harness-1a2b-1",
        "Processes on local:musl-node24, /bin/sh is BusyBox v1.37.…",
        "1  /bin/sh -c node server…  no handler  ◀ SIGTERM",
        "7    └ node server.js       handler     handles SIGTERM ×2",
        "shell, SIGTERM: » duplicated: received, or sent, more than",
        "once",
    ]


def test_a_title_stays_as_long_as_one_of_its_lines() -> None:
    lines = drawn(view(StepKind.RUN, changed(HELD, lines=HUNDRED)), (60, 11))
    assert lines[lines.index(" The log") + 1 :][:1] == [" line 99"]


@pytest.mark.parametrize("size", [BIG, USUAL, SMALL])
def test_all_answers_are_in_sight(size: tuple[int, int]) -> None:
    options = tuple(Option(text=f"answer {number}", verdicts=()) for number in range(4))
    chapter = replace_chapter(SHELL, options=options, intro="much to say " * 40)
    for kind in (StepKind.QUESTION, StepKind.VERDICT):
        lines = drawn(view(kind, over(), step=step(kind, chapter)), size)
        assert sum("answer " in line for line in lines) == 4


@pytest.mark.parametrize("name", [name for name in SCREENS if name.startswith("verdict")])
def test_a_small_terminal_shows_the_verdict_first(name: str) -> None:
    shown = SCREENS[name]
    line = drawn(shown, SMALL)[2]
    assert line.startswith(f" {shown.snapshot.cell.subject.name}, " if shown.snapshot else " not run: it was skipped")


@pytest.mark.parametrize("name", ["run that is over", "run whose path was shown"])
def test_a_small_terminal_still_shows_the_verdict_of_a_play(name: str) -> None:
    shown = SCREENS[name]
    assert any(line.startswith(" shell, SIGTERM: ") for line in drawn(shown, SMALL))


@pytest.mark.parametrize("size", [USUAL, SMALL])
def test_a_verdict_is_in_sight_where_a_title_takes_two_lines(size: tuple[int, int]) -> None:
    long = changed(FACTS, reference="docker.io/library/node:24.11.1-alpine3.22-with-npm")
    context = changed(CONTEXT, bases={long.reference: long})
    snapshot = over(KILLED, cell(base=long.reference), lines=HUNDRED)
    assert any(line.startswith(" shell, SIGTERM: ") for line in drawn(view(StepKind.RUN, snapshot), size, context))


def test_a_small_terminal_still_shows_the_command_that_waits() -> None:
    lines = drawn(view(StepKind.RUN, changed(HELD, lines=HUNDRED)), SMALL)
    assert any(line.startswith(" $ docker kill --signal=SIGTERM") for line in lines)


@pytest.mark.parametrize("size", [BIG, USUAL])
def test_of_a_process_with_a_long_command_the_command_alone_is_cut(size: tuple[int, int]) -> None:
    before = (changed(PID1, argv=("/bin/sh", "-c", "node server.js && " * 20)), APP)
    lines = drawn(view(StepKind.RUN, over(changed(SWALLOWED, before=before)), shown=1), size)
    (line,) = [line for line in lines if "/bin/sh -c node" in line and "no handler" in line]
    assert re.fullmatch(r" 1  /bin/sh -c node .*…  no handler  ◀ SIGTERM, dropped", line)


def test_of_a_claim_that_is_too_long_its_text_alone_is_wrapped() -> None:
    claim = changed(CLAIM, text="PID 1 is special: put an init in front of the app")
    made = changed(SHELL_VARIANT, name="node-shell-form", claim=claim)
    runs = ((SWALLOWED, cell(made)), (SWALLOWED, cell(made, DEBIAN.reference)))
    lines = drawn(many(CLAIMS_STEP, runs), USUAL)
    assert lines[2].split() == ["musl-node24", "debian12-node24"]
    assert lines[3:6] == [
        " node-shell-form  PID 1 is special: put an init    ✓ held       ✓ held",
        "                  in front of the app",
        "",
    ]


def test_a_claim_that_could_not_be_tested_is_not_shown_as_one_to_come() -> None:
    runs = ((UNTESTED, cell(SAID)), (SWALLOWED, cell(SAID, DEBIAN.reference)))
    assert "…" not in whole(many(CLAIMS_STEP, runs), BIG)


def test_each_exit_code_has_a_container_of_its_own_without_luck() -> None:
    snapshot = changed(STARTING, cell=cell(probe=Probe.EXIT_CODE), run=2)
    assert "luck" not in whole(view(StepKind.RUN, snapshot), BIG)


def test_without_a_lesson_there_is_nothing_to_take_home() -> None:
    chapter = replace_chapter(SHELL, lesson="")
    judged = view(
        StepKind.VERDICT, over(), step=step(StepKind.VERDICT, chapter, last=True), before=(row_of(SWALLOWED),)
    )
    assert "To take home" not in whole(judged, BIG)


def test_a_claim_holds_where_all_that_was_asked_of_it_does() -> None:
    hup = cell(SAID, signal=HUP)
    runs = ((SWALLOWED, cell(SAID)), (FORWARDED, hup), (SWALLOWED, cell(SAID, DEBIAN.reference)))
    lines = drawn(many(CLAIMS_STEP, runs))
    assert lines[3] == " shell  npm passes no signal on  ✗ refuted    ✓ held"
    assert lines[5] == " 0 of 1 hold on every base."


def test_there_may_be_no_claims() -> None:
    assert "0 of 0 hold on every base." in whole(many(CLAIMS_STEP, ()), USUAL)


@pytest.mark.parametrize("size", [BIG, USUAL])
@pytest.mark.parametrize("kind", [StepKind.QUESTION, StepKind.FIX])
def test_two_variants_with_the_same_lines_are_both_shown_where_they_run_in_other_ways(
    kind: StepKind, size: tuple[int, int]
) -> None:
    made = (cell(EXEC), cell(changed(EXEC, name="init", launch=LaunchOptions(init=True))))
    of = FIX_STEP if kind is StepKind.FIX else step(kind)
    lines = drawn(view(kind, step=of, cells=made, mended=made), size)
    both = [
        " exec.Dockerfile               exec.Dockerfile",
        " FROM local:musl-node24        FROM local:musl-node24",
        " …                             …",
        ' CMD ["node", "server.js"]     CMD ["node", "server.js"]',
        "                               $ docker run --init …",
    ]
    at = [number for number, line in enumerate(lines) if line == both[0]]
    assert len(at) == (2 if kind is StepKind.FIX else 1)
    assert [lines[number : number + 5] for number in at] == [both] * len(at)


@pytest.mark.parametrize("size", [(200, 60), BIG, USUAL])
@pytest.mark.parametrize("count", [1, 12, 40])
def test_every_variant_of_the_table_is_in_sight(size: tuple[int, int], count: int) -> None:
    variants = [Variant(name=f"v{number:02}", title="", dockerfile="x") for number in range(count)]
    runs = tuple(
        (SWALLOWED, cell(variant, base, signal=signal))
        for base in (FACTS.reference, DEBIAN.reference)
        for variant in variants
        for signal in (HUP, TERM)
    )
    text = whole(many(TABLE_STEP, runs), size)
    assert re.findall(r"\bv\d\d\b", text) == sorted((variant.name for variant in variants), key=text.index)
    assert all(re.search(rf"\b{variant.name}\b +○ ○  ○ ○", text) for variant in variants)
    assert f"○ swallowed {4 * count}" in text
    assert f"{4 * count} cells. The whole table and the report follow." in text


@pytest.mark.parametrize("name", ["v{:02}", "v{:02}-npm-start-in-a-shell"])
@pytest.mark.parametrize("size", [(60, 15), (40, 24), (38, 30), (84, 15)])
def test_no_symbol_of_the_table_is_cut(size: tuple[int, int], name: str) -> None:
    runs = tuple(
        (SWALLOWED, cell(Variant(name=name.format(number), title="", dockerfile="x"), base, signal=signal))
        for base in (FACTS.reference, DEBIAN.reference)
        for number in range(41)
        for signal in (HUP, TERM)
    )
    lines = drawn(many(TABLE_STEP, runs), size)
    rows = [line for line in lines if re.match(r" v\d\d", line)]
    assert len(rows) >= 5
    assert any("swallowed" in line for line in lines)
    for line in rows:
        # Where a name is too long its middle is cut, never what stands after it.
        assert re.fullmatch(r"( +v\d\d[\w…-]* +○ ○  ○ ○)+", line), line
    shown = [int(number) for row in rows for number in re.findall(r"v(\d\d)", row)]
    assert len(shown) == len(set(shown))
    assert rows[0].startswith(" v00")


def table_of(names: list[str]) -> View:
    runs = tuple(
        (evidence, cell(Variant(name=name, title="", dockerfile="x"), base))
        for base in (FACTS.reference, DEBIAN.reference)
        for name, evidence in zip(names, (SWALLOWED, FORWARDED, KILLED, UNTESTED, FORWARDS) * 10, strict=False)
    )
    return many(TABLE_STEP, runs)


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
    "no handler": (changed(PID1, ignored=0), "no handler"),
    "a handler": (changed(PID1, caught=HANDLES), "handler"),
    "another handler": (changed(PID1, caught=mask("HUP"), ignored=0), "no handler"),
    "ignored": (changed(PID1, ignored=HANDLES), "ignores it"),
    "blocked": (changed(PID1, blocked=HANDLES), "waits for it"),
    "fetched": (changed(PID1, wchan="do_sigtimedwait"), "waits for it"),
    "dead": (changed(PID1, state="Z", caught=HANDLES), "zombie"),
}


@pytest.mark.parametrize(("process", "attitude"), ATTITUDES.values(), ids=ATTITUDES)
def test_each_process_has_its_attitude_to_the_signal(process: Process, attitude: str) -> None:
    lines = drawn(view(StepKind.RUN, changed(HELD, tree=(process,))))
    assert f" 1  /bin/sh -c node server.js  {attitude}" in lines


def test_without_a_signal_a_process_lives_or_does_not() -> None:
    tree = (changed(PID1, caught=HANDLES), changed(APP, state="Z"))
    lines = drawn(view(StepKind.RUN, changed(HELD, cell=ZOMBIE_CELL, tree=tree)))
    assert lines[7:9] == [" 1  /bin/sh -c node server.js  lives", " 7    └ node server.js         zombie"]


def test_a_tree_of_ps_has_the_pids_of_the_host() -> None:
    lines = drawn(view(StepKind.RUN, changed(HELD, tree=through_ps(SWALLOWED.seen.before))))
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
    "what comes after its end is not noted of it": ((taken(1, 1007, 9, 0), sent(2, 1007)), "exits"),
    "another process has it": ((sent(1, 1001),), ""),
    "one that is not in the tree has it": ((sent(1, 4242),), ""),
}


@pytest.mark.parametrize(("trace", "note"), NOTES.values(), ids=NOTES)
def test_a_process_has_a_note_of_what_has_become_of_it(trace: tuple[Sent | Handled, ...], note: str) -> None:
    snapshot = over(changed(FORWARDS, trace=trace))
    assert snapshot.row is not None
    lines = drawn(view(StepKind.RUN, snapshot, shown=path_length(snapshot.row)))
    (line,) = [line for line in lines if line.startswith(" 7    └ node server.js")]
    assert line.removeprefix(" 7    └ node server.js").removeprefix("         handler").strip() == note


def test_an_end_is_shown_once_the_path_was() -> None:
    ended = changed(KILLED, sent=Signal(1), trace=(sent(1, 1001, 1), taken(2, 1001, 9, 0)))
    assert "the container has ended" not in whole(view(StepKind.RUN, over(ended), shown=1), BIG)
    lines = drawn(view(StepKind.RUN, over(ended), shown=2))
    assert lines[6:10] == [
        " Processes on local:musl-node24, /bin/sh is BusyBox v1.37.0 ash",
        " 1  /bin/sh -c node server.js  no handler  dies of SIGHUP",
        " 7    └ node server.js         handler",
        " the container has ended, with exit code 143",
    ]


def started(launch: Launch) -> str:
    text = drawn(view(StepKind.RUN, changed(STARTING, launch=launch)), (200, 30))[2]
    named = " $ docker run -d --name signal-harness-1a2b-1 "
    assert text.startswith(named)
    return text.removeprefix(named)


def test_a_container_is_started_by_the_command_that_does_the_same() -> None:
    assert started(Launch(image="i")) == "--network none i"
    assert started(Launch(image="i", options=LaunchOptions(init=True))) == "--init --network none i"
    assert started(Launch(image="i", publish=3000)) == "-p 127.0.0.1::3000 i"
    environment = {"SHUTDOWN_AFTER_MS": "0", "X": "a b"}
    assert started(Launch(image="i", options=LaunchOptions(environment=environment))) == (
        "--network none -e SHUTDOWN_AFTER_MS=0 -e 'X=a b' i"
    )


def test_a_base_is_short_over_a_column() -> None:
    assert [short_base(base) for base in ("local:musl-node24", "node:24", "ghcr.io/a/b:c")] == [
        *("musl-node24", "node:24", "b:c"),
    ]
    assert short_base("a/\x1b[2Jb") == r"\x1b[2Jb"


BAD = "\x1b[2J\x07\r\x9b31m\u202e\x00[red]x[/red]"
SPELLED = r"\x1b[2J\x07\x0d\x9b31m\x202e\x00[red]x[/red]"


def hostile() -> tuple[Context, list[View]]:
    """Views of each kind with hostile text wherever text comes from elsewhere."""
    claim = changed(CLAIM, text=BAD)
    variant = changed(SHELL_VARIANT, name=BAD, title=BAD, dockerfile=BAD, claim=claim)
    facts = with_programs(changed(FACTS, reference=BAD, shell=BAD), {"node": BAD})
    engine = changed(ENGINE, name=BAD, version=BAD, kernel=BAD)
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
    before = (changed(PID1, argv=(BAD,)), changed(APP, argv=(BAD,)))
    evidence = changed(FORWARDS, before=before, after=before)
    made = cell(variant, BAD)
    snapshot = changed(
        over(evidence, made),
        launch=Launch(image=BAD, options=LaunchOptions(environment={BAD: BAD})),
        container=BAD,
        tree=before,
        lines=(LogLine(at_ns=1, text=BAD),),
        actions=(Taken(action=Action(command=BAD), at_ns=1),),
        held=Action(command=BAD),
    )
    assert snapshot.row is not None
    more: dict[str, Any] = {"cells": (made,), "mended": (made,), "before": (snapshot.row,), "shown": 5}
    views = [
        view(
            kind,
            snapshot,
            step=step(kind, chapter, last=True),
            rows=(snapshot.row,),
            many=(made,),
            **more,
        )
        for kind in StepKind
        if kind not in (StepKind.TITLE, StepKind.TABLE)
    ]
    untested = changed(snapshot, row=row_of(Untested(reason=BAD), made))
    views.append(view(StepKind.VERDICT, untested, step=step(StepKind.VERDICT, chapter), **more))
    views += [view(of.kind, step=of, rows=(snapshot.row,), many=(made,)) for of in (TITLE_STEP, TABLE_STEP)]
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
    context = changed(
        CONTEXT,
        story=Story(schema=1, title="x", intro="x", chapter=(replace_chapter(SHELL, title=text),)),
        bases={FACTS.reference: changed(FACTS, shell=text)},
    )
    lines = drawn(view(StepKind.TITLE, step=TITLE_STEP), USUAL, context)
    assert f" 1  {text}" in lines
    assert f" local:musl-node24  /bin/sh is {text}, Node 24.11.1" in lines


@pytest.mark.parametrize("text", MARKUP)
def test_markup_in_a_variants_name_is_shown_as_it_is_among_the_claims(text: str) -> None:
    made = changed(SAID, name=text)
    runs = ((SWALLOWED, cell(made)), (SWALLOWED, cell(made, DEBIAN.reference)))
    for done in (0, 2):
        (line,) = [line for line in drawn(many(CLAIMS_STEP, runs, done), USUAL) if CLAIM.text in line]
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
        changed(PID1, pid=1001 + number, ppid=1000 + number, inner_pid=1 + number, argv=words(text))
        for number, text in enumerate(args)
    )
    evidence = changed(FORWARDS, before=tree, after=tree, app_pid=1000 + len(args))
    for snapshot in (changed(HELD, tree=tree, lines=lines), over(evidence, lines=lines)):
        for kind in (StepKind.RUN, StepKind.VERDICT):
            text = "\n".join(drawn(view(kind, snapshot, shown=shown), size))
            assert all(character == "\n" or character.isprintable() for character in text)


@settings(max_examples=20)
@given(SIZES, st.text(), st.text(min_size=1), st.integers(1, 12))
def test_whatever_a_story_says_a_screen_keeps_its_size(size: tuple[int, int], text: str, name: str, count: int) -> None:
    chapter = replace_chapter(
        SHELL, title=text, intro=text, question=name, options=(Option(text=text, verdicts=()),) * 8, fix=text, code=text
    )
    context = changed(
        CONTEXT,
        story=Story(schema=1, title=text, intro=name, chapter=(chapter,) * count),
        dockerfile=lambda _: text,
    )
    variants = [Variant(name=f"{name}{number}", title="", dockerfile=text, claim=CLAIM) for number in range(count)]
    every = tuple(cell(variant) for variant in variants)
    rows = tuple(row_of(SWALLOWED, cell) for cell in every)
    made = every[:3]
    for kind in (StepKind.QUESTION, StepKind.FIX, StepKind.VERDICT, StepKind.CLAIMS, StepKind.TITLE, StepKind.TABLE):
        of = step(kind, None if kind in (StepKind.TITLE, StepKind.TABLE) else chapter, last=True)
        shown = view(kind, over(), step=of, cells=made, mended=made, before=rows, rows=rows, many=every)
        drawn(shown, size, context)


class FakePresentation:
    """A presentation of a few views; a command takes it to the next one, the last of which ends it."""

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


def test_a_presentation_takes_the_whole_terminal_and_gives_it_back() -> None:
    file = io.StringIO()
    console = Console(width=80, height=24, file=file, force_terminal=True, color_system=None, legacy_windows=False)
    presentation, keys = FakePresentation(view(StepKind.RUN, HELD), view(StepKind.VERDICT, over())), Pressed()
    present(presentation, CONTEXT, console, keys)
    text = file.getvalue()
    assert text.startswith("\x1b[?1049h")
    assert text.rstrip().endswith(("\x1b[?1049l", "\x1b[?25h"))
    assert "\x1b[?1049l" in text
    assert (presentation.ticks, keys.looks, keys.inside) == (4, 4, False)
    # Each view is drawn once: nothing was new at the second look.
    assert (text.count("◀ next"), text.count("Who was right?")) == (1, 1)


def test_the_keys_are_shown_when_asked_for() -> None:
    lines = drawn(view(StepKind.QUESTION, keys=True), USUAL)
    assert " Keys" in lines
    text = " ".join(" ".join(lines).split())
    assert all(" ".join([*", ".join([command, *command.others]).split()]).split(",")[0] in text for command in Command)
    assert all(command.about.split(":")[0] in text for command in Command)


def test_the_path_has_its_lines_before_the_log() -> None:
    logs = tuple(LogLine(at_ns=number, text=f"line {number}") for number in range(30))
    shown = changed(over(FORWARDS), lines=logs)
    text = "\n".join(drawn(view(StepKind.RUN, shown, shown=5), USUAL))
    assert text.count("──SIGTERM──▶") == 3
    assert "line 29" in text
    assert "line 20" not in text
