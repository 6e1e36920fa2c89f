"""Where a presentation has got to: what each key and the passing of time do to it, on runs that follow a script."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.catalogue import Catalogue, Variant
from harness.core.evidence import LogLine, Untested
from harness.core.question import Probe, Question
from harness.core.signals import Signal
from harness.core.subject import Cell
from harness.core.trace import Fate, Handled, Sent
from harness.run.protocol import Launch
from harness.workshop.demo.live import Phase, Snapshot
from harness.workshop.demo.presentation import Command, Presentation, Step, View, path_length, steps_of
from harness.workshop.stepping import Action
from harness.workshop.story import Chapter, Example
from tests.support.evidence import changed
from tests.support.reports import DEBIAN, ENGINE, FACTS, FORWARDED, KILLED
from tests.support.reports import result as row
from tests.support.seeing import APP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.document import Row
    from harness.core.facts import BaseFacts

TERM = Signal(15)
NEXT, BACK, REPEAT, SKIP, SLOWER, FASTER, QUIT, KEYS = Command
SENT = Sent(time_s=1.0, sender="runc", sender_pid=5, number=15, target="node", target_pid=1007, fate=Fate.DELIVERED)
THREE_STEPS = changed(
    FORWARDED,
    trace=(
        SENT,
        Handled(time_s=1.1, comm="node", pid=1007, number=15, handler=64),
        Handled(time_s=1.2, comm="node", pid=1007, number=9, handler=0),
    ),
)
STEP_S = 0.7


class FakeRun:
    """A run of a cell that goes on when the test says so."""

    def __init__(self, cell: Cell, number: int) -> None:
        self.cell = cell
        self.container = f"scripted-{number}"
        self.phase = Phase.COMING
        self.proceeded = 0
        self.left: list[str] = []
        self.row: Row | None = None

    def proceed(self) -> None:
        assert self.phase is Phase.HELD
        self.proceeded += 1
        self.phase = Phase.UNDER_WAY

    def abandon(self) -> None:
        self.left.append("abandoned")

    def close(self) -> None:
        self.left.append("closed")

    def snapshot(self) -> Snapshot:
        return Snapshot(
            cell=self.cell,
            phase=self.phase,
            launch=Launch(image="image"),
            container=self.container,
            lines=(LogLine(at_ns=1, text="up"),),
            held=Action(command="docker kill") if self.phase is Phase.HELD else None,
            row=self.row,
        )

    def hold(self) -> None:
        self.phase = Phase.HELD

    def end(self, evidence: Any = THREE_STEPS) -> None:
        self.phase = Phase.OVER
        self.row = row(self.cell.subject.name, evidence, base=self.cell.subject.base)

    def go_on(self) -> None:
        """One phase further, if it is not held; one that is given up ends."""
        if self.left and self.phase is not Phase.OVER:
            self.end(Untested(reason="given up"))
        elif self.phase is Phase.UNDER_WAY:
            self.end()
        elif self.phase in (Phase.COMING, Phase.STARTING):
            self.phase = Phase(self.phase.value + 1)


class FakeBatch:
    """Many cells, whose rows come when the test says so."""

    def __init__(self, *rows: Row) -> None:
        self.cells = tuple(cell(row.subject) for row in rows)
        self.rows: tuple[Row, ...] = ()
        self.left: list[str] = []
        self._coming = list(rows)

    @property
    def over(self) -> bool:
        return not self._coming or "abandoned" in self.left

    def abandon(self) -> None:
        self.left.append("abandoned")

    def close(self) -> None:
        self.left.append("closed")

    def go_on(self) -> None:
        if self._coming and not self.left:
            self.rows = (*self.rows, self._coming.pop(0))

    def end(self) -> None:
        while not self.over:
            self.go_on()


CLAIMED = (row("bad", KILLED), row("good", FORWARDED))
WHOLE = (*CLAIMED, row("worse", FORWARDED))


class FakeLauncher:
    """A launcher that remembers what was started, in order."""

    def __init__(self) -> None:
        self.runs: list[FakeRun] = []
        self.batches: list[tuple[str, FakeBatch]] = []

    def run(self, cell: Cell) -> FakeRun:
        self.runs.append(FakeRun(cell, len(self.runs) + 1))
        return self.runs[-1]

    def claims(self, chapter: Chapter) -> FakeBatch:
        self.batches.append((chapter.claims, FakeBatch(*CLAIMED)))
        return self.batches[-1][1]

    def table(self) -> FakeBatch:
        self.batches.append(("table", FakeBatch(*WHOLE)))
        return self.batches[-1][1]

    @property
    def everything(self) -> list[FakeRun | FakeBatch]:
        return [*self.runs, *(batch for _, batch in self.batches)]

    @property
    def subjects(self) -> list[str]:
        return [run.cell.subject.name for run in self.runs]

    @property
    def many(self) -> list[str]:
        return [name for name, _ in self.batches]


def chapter(name: str, **keys: Any) -> Chapter:
    return Chapter(**{"name": name, "title": name.title(), "intro": "", "question": "?"} | keys)


def example(name: str, *on: str) -> Example:
    return Example(variant=name, on=on)


ONE = chapter("one", asks="TERM", broken=(example("bad"),), mended=(example("good"),))
TWO = chapter("two", asks="TERM", broken=(example("worse", "busybox", "dash"),))
THREE = chapter("three", claims="an article")
NAMES = ("bad", "good", "worse")
CATALOGUE = Catalogue(
    context=".",
    app=APP,
    variants=tuple(Variant(name=name, title=name, dockerfile=f"{name}.Dockerfile") for name in NAMES),
)


def cell(name: str, base: str = FACTS.reference, question: Question | None = None) -> Cell:
    (variant,) = (variant for variant in CATALOGUE.variants if variant.name == name)
    return Cell(
        engine=ENGINE.name, subject=CATALOGUE.subject(variant, base), question=question or Question(signal=TERM)
    )


BASES: dict[str, BaseFacts] = {FACTS.reference: FACTS, DEBIAN.reference: DEBIAN}


def steps(*chapters: Chapter, whole: bool = True) -> tuple[Step, ...]:
    numbered = list(enumerate(chapters or (ONE, TWO, THREE), start=1))
    return steps_of(numbered, CATALOGUE, BASES, engine=ENGINE.name, whole=whole)


def named(step: Step) -> str:
    """A step in words: its chapter's number, its kind, its variant."""
    words = [str(step.number or ""), step.kind.name.lower(), step.cell.subject.name if step.cell else ""]
    return " ".join(word for word in words if word)


STEPS = steps()
TITLE, QUESTION, BAD, VERDICT_BAD, FIX, GOOD, VERDICT_GOOD = range(7)
QUESTION_2, WORSE, VERDICT_WORSE, WORSE_2, VERDICT_WORSE_2, QUESTION_3, CLAIMS, TABLE = range(7, 15)


class Stand:
    """A presentation, its launcher, and a clock."""

    def __init__(self, at: int = 0, *, pause_s: float | None = None, of: Sequence[Step] = STEPS) -> None:
        self.launcher = FakeLauncher()
        self.presentation = Presentation(of, self.launcher, pause_s=pause_s, chapters=3)
        self.steps = of
        self.now_s = 100.0
        for _ in range(at):
            self.presentation._go(self.index + 1)
        self.tick()

    @property
    def index(self) -> int:
        return next(number for number, step in enumerate(self.steps) if step is self.presentation.step)

    @property
    def at(self) -> str:
        return named(self.presentation.step)

    @property
    def run(self) -> FakeRun:
        """The run that was started last."""
        return self.launcher.runs[-1]

    def tick(self, after_s: float = 0.1) -> View:
        self.now_s += after_s
        self.presentation.tick(self.now_s)
        return self.presentation.view()

    def press(self, *commands: Command) -> View:
        for command in commands:
            self.presentation.press(command)
            view = self.tick()
        return view

    def to_the_end(self) -> None:
        """Let the path of the signal be shown to its end."""
        while not self.tick(10).waits:
            pass


def test_the_steps_of_a_presentation() -> None:
    assert [named(step) for step in STEPS] == [
        "title",
        *("1 question", "1 run bad", "1 verdict bad", "1 fix", "1 run good", "1 verdict good"),
        *("2 question", "2 run worse", "2 verdict worse", "2 run worse", "2 verdict worse"),
        *("3 question", "3 claims", "table"),
    ]
    assert [named(step) for step in STEPS if step.last] == ["1 verdict good", "2 verdict worse", "3 claims"]
    assert STEPS.index(next(step for step in STEPS if step.last and step.number == 2)) == VERDICT_WORSE_2
    assert [named(step) for step in STEPS if step.mended] == ["1 fix", "1 run good", "1 verdict good"]
    assert [STEPS[number].cell for number in (WORSE, VERDICT_WORSE, WORSE_2, VERDICT_WORSE_2)] == [
        cell("worse", base) for base in (FACTS.reference, FACTS.reference, DEBIAN.reference, DEBIAN.reference)
    ]


def test_a_part_of_a_presentation_has_neither_title_nor_table() -> None:
    part = steps_of([(2, TWO), (3, THREE)], CATALOGUE, BASES, engine=ENGINE.name, whole=False)
    assert [named(step) for step in part] == [named(step) for step in STEPS[QUESTION_2:TABLE]]


def test_a_chapter_about_a_probe_runs_that_probe() -> None:
    (_, run, _) = steps(chapter("x", asks="stop", broken=(example("bad"),)), whole=False)
    assert run.cell == cell("bad", question=Question(probe=Probe.STOP))


def coming(at: int) -> Stand:
    return Stand(at)


def held(at: int) -> Stand:
    stand = Stand(at)
    stand.run.hold()
    stand.tick()
    return stand


def under_way(at: int) -> Stand:
    stand = held(at)
    stand.press(NEXT)
    return stand


def ended(at: int) -> Stand:
    """A run whose row is there, but the whole path is not shown."""
    stand = under_way(at)
    stand.run.end()
    stand.tick()
    return stand


def over(at: int) -> Stand:
    stand = ended(at)
    stand.to_the_end()
    return stand


def judged(at: int) -> Stand:
    """The verdict of a run."""
    stand = over(at - 1)
    stand.press(NEXT)
    return stand


def finished(at: int) -> Stand:
    """Many cells that are over."""
    stand = Stand(at)
    stand.launcher.batches[-1][1].end()
    stand.tick()
    return stand


# What comes of NEXT, BACK, REPEAT and SKIP: the step after it. An asterisk stands for a new run or new results, a
# tick for what may proceed, an exclamation mark for the end.
TABLE_OF_KEYS = {
    "title": (lambda: Stand(TITLE), "1 question", "title", "title", "1 question"),
    "question": (lambda: Stand(QUESTION), "1 run bad", "title", "1 question", "2 question"),
    "run that is coming": (lambda: coming(BAD), "1 run bad", "1 question", "1 run bad*", "2 question"),
    "run that is held": (lambda: held(BAD), "1 run bad✓", "1 question", "1 run bad*", "2 question"),
    "run under way": (lambda: under_way(BAD), "1 run bad", "1 question", "1 run bad*", "2 question"),
    "run whose path is not shown": (lambda: ended(BAD), "1 run bad", "1 question", "1 run bad*", "2 question"),
    "run that is over": (lambda: over(BAD), "1 verdict bad", "1 question", "1 run bad*", "2 question"),
    "verdict": (lambda: judged(VERDICT_BAD), "1 fix", "1 run bad", "1 run bad*", "2 question"),
    "fix": (lambda: Stand(FIX), "1 run good", "1 verdict bad", "1 fix", "2 question"),
    "run after the fix": (lambda: over(GOOD), "1 verdict good", "1 fix", "1 run good*", "2 question"),
    "last of a chapter": (lambda: judged(VERDICT_GOOD), "2 question", "1 run good", "1 run good*", "2 question"),
    "first of a chapter": (lambda: Stand(QUESTION_2), "2 run worse", "1 verdict good", "2 question", "3 question"),
    "second run": (lambda: over(WORSE_2), "2 verdict worse", "2 verdict worse", "2 run worse*", "3 question"),
    "question of claims": (lambda: Stand(QUESTION_3), "3 claims", "2 verdict worse", "3 question", "table"),
    "claims under way": (lambda: Stand(CLAIMS), "3 claims", "3 question", "3 claims*", "table"),
    "claims that are over": (lambda: finished(CLAIMS), "table", "3 question", "3 claims*", "table"),
    "table under way": (lambda: Stand(TABLE), "table", "3 claims", "table*", "table!"),
    "table that is over": (lambda: finished(TABLE), "table!", "3 claims", "table*", "table!"),
}
CASES = [
    pytest.param(make, command, wanted, id=f"{state}, {command.name.lower()}")
    for state, (make, *row) in TABLE_OF_KEYS.items()
    for command, wanted in zip((NEXT, BACK, REPEAT, SKIP), row, strict=True)
]
STATES = [pytest.param(make, id=state) for state, (make, *_) in TABLE_OF_KEYS.items()]


@pytest.mark.parametrize(("make", "command", "wanted"), CASES)
def test_what_a_key_does(make: Any, command: Command, wanted: str) -> None:
    stand = make()
    before = stand.launcher.everything
    proceeded = sum(run.proceeded for run in stand.launcher.runs)
    here = stand.presentation._runs.get(stand.presentation._run_index())
    many = stand.presentation._batches.get(stand.presentation._index)
    stand.press(command)
    marks = "✓" if sum(run.proceeded for run in stand.launcher.runs) > proceeded else ""
    if command is REPEAT:
        again = [started for started in stand.launcher.everything if started not in before]
        replaced = here or many
        assert [type(started) for started in again] == ([type(replaced)] if replaced else [])
        assert replaced is None or replaced.left == ["abandoned"]
        marks += "*" if again else ""
    assert f"{stand.at}{marks}{'!' if stand.presentation.finished else ''}" == wanted


@pytest.mark.parametrize("make", STATES)
def test_the_pace_changes_and_nothing_else(make: Any) -> None:
    stand = make()
    view, started = stand.tick(0), stand.launcher.everything
    stand.presentation.press(SLOWER)
    assert stand.presentation.view() == changed(view, pace=2)
    stand.presentation.press(FASTER)
    stand.presentation.press(FASTER)
    assert stand.presentation.view() == changed(view, pace=0.5)
    assert (stand.launcher.everything, stand.presentation.finished) == (started, False)


@pytest.mark.parametrize("make", STATES)
def test_the_presentation_can_be_quit_anywhere(make: Any) -> None:
    stand = make()
    stand.presentation.press(QUIT)
    assert stand.presentation.finished


def test_the_pace_has_its_limits() -> None:
    stand = Stand()
    assert [stand.press(SLOWER).pace for _ in range(5)] == [2, 4, 8, 8, 8]
    assert [stand.press(FASTER).pace for _ in range(8)] == [4, 2, 1, 0.5, 0.25, 0.125, 0.125, 0.125]


WAITING = {
    "title": (lambda: Stand(TITLE), True),
    "question": (lambda: Stand(QUESTION), True),
    "run that is coming": (lambda: coming(BAD), False),
    "run that is held": (lambda: held(BAD), True),
    "run under way": (lambda: under_way(BAD), False),
    "run whose path is not shown": (lambda: ended(BAD), False),
    "run that is over": (lambda: over(BAD), True),
    "verdict": (lambda: judged(VERDICT_BAD), True),
    "fix": (lambda: Stand(FIX), True),
    "claims under way": (lambda: Stand(CLAIMS), False),
    "claims that are over": (lambda: finished(CLAIMS), True),
    "table under way": (lambda: Stand(TABLE), False),
    "table that is over": (lambda: finished(TABLE), True),
}


@pytest.mark.parametrize(("make", "waits"), WAITING.values(), ids=WAITING)
def test_whether_a_view_waits_for_the_presenter(make: Any, waits: bool) -> None:
    assert make().presentation.view().waits is waits


def test_a_view_shows_the_run_of_its_step_and_of_the_one_that_follows_it() -> None:
    stand = over(BAD)
    view = stand.presentation.view()
    assert view.snapshot is not None
    assert (view.snapshot.container, view.shown, view.before) == ("scripted-1", 3, ())
    assert [cell.subject.name for cell in (*view.cells, *view.mended)] == ["bad", "good"]
    view = stand.press(NEXT)
    assert view.snapshot is not None
    assert (view.snapshot.container, view.chapters, view.step.number) == ("scripted-1", 3, 1)
    assert [row.subject for row in view.before] == ["bad"]
    view = stand.press(NEXT)
    assert (named(view.step), view.snapshot) == ("1 fix", None)
    assert [row.subject for row in view.before] == ["bad"]


def test_before_are_the_results_of_the_chapter_so_far() -> None:
    stand = judged(VERDICT_WORSE)
    assert [row.base for row in stand.presentation.view().before] == [FACTS.reference]
    stand.press(NEXT)
    stand.run.hold()
    stand.press(NEXT)
    stand.run.end()
    stand.to_the_end()
    view = stand.press(NEXT)
    assert named(view.step) == "2 verdict worse"
    assert [row.base for row in view.before] == [FACTS.reference, DEBIAN.reference]


def test_before_are_no_results_of_what_comes_after() -> None:
    stand = judged(VERDICT_BAD)
    stand.press(NEXT, NEXT)
    stand.run.hold()
    stand.press(NEXT)
    stand.run.end()
    view = stand.press(BACK, BACK)
    assert named(view.step) == "1 verdict bad"
    assert [row.subject for row in view.before] == ["bad"]
    assert [row.subject for row in stand.presentation.rows] == ["bad", "good"]


def test_results_of_many_cells_are_shown_as_they_come() -> None:
    stand = Stand(CLAIMS)
    (_, batch) = stand.launcher.batches[0]
    assert [(len(stand.tick().rows), len(stand.presentation.view().many))] == [(0, 2)]
    batch.go_on()
    view = stand.tick()
    assert (view.rows, len(view.many), view.waits) == (CLAIMED[:1], 2, False)
    batch.go_on()
    view = stand.tick()
    assert (view.rows, view.waits) == (CLAIMED, True)


def test_the_first_run_of_a_chapter_starts_while_people_are_thinking() -> None:
    stand = Stand(TITLE)
    assert stand.launcher.subjects == []
    stand.press(NEXT)
    assert (stand.at, stand.launcher.subjects) == ("1 question", ["bad"])
    stand.run.hold()
    stand.tick()
    view = stand.press(NEXT)
    assert (view.waits, stand.launcher.subjects) == (True, ["bad"])


def test_what_runs_is_not_disturbed_by_the_next_run() -> None:
    stand = coming(BAD)
    for phase in (Phase.COMING, Phase.STARTING, Phase.HELD, Phase.UNDER_WAY):
        stand.run.phase = phase
        stand.tick()
        assert stand.launcher.subjects == ["bad"]
    stand.launcher.runs[0].end()
    stand.tick()
    assert stand.launcher.subjects == ["bad", "good"]
    stand.tick()
    assert stand.launcher.subjects == ["bad", "good"]


def test_the_next_run_starts_with_what_its_step_shows() -> None:
    stand = over(BAD)
    first, second = stand.launcher.runs
    stand.press(NEXT, NEXT)
    second.hold()
    view = stand.press(NEXT)
    assert view.snapshot is not None
    assert (named(view.step), view.snapshot.container, first.left, second.left) == ("1 run good", "scripted-2", [], [])


def test_no_run_of_the_next_chapter_starts_ahead() -> None:
    stand = judged(VERDICT_GOOD)
    stand.tick()
    assert stand.launcher.subjects == ["good"]
    stand.press(NEXT)
    assert stand.launcher.subjects == ["good", "worse"]


def test_claims_start_while_people_are_thinking_and_go_on() -> None:
    stand = Stand(QUESTION_3)
    assert stand.launcher.many == ["an article"]
    stand.launcher.batches[0][1].go_on()
    view = stand.press(NEXT)
    assert (len(view.rows), stand.launcher.many) == (1, ["an article"])


def test_the_table_starts_once_the_claims_are_over_and_shown() -> None:
    stand = Stand(QUESTION_3)
    (_, claims) = stand.launcher.batches[0]
    claims.end()
    stand.tick()
    assert stand.launcher.many == ["an article"]
    stand.press(NEXT)
    stand.tick()
    assert (stand.at, stand.launcher.many) == ("3 claims", ["an article", "table"])
    assert stand.presentation.view().rows == CLAIMED
    stand.press(NEXT)
    assert (stand.at, stand.launcher.many) == ("table", ["an article", "table"])


def test_the_table_does_not_start_while_claims_are_under_way() -> None:
    stand = Stand(CLAIMS)
    stand.tick()
    assert stand.launcher.many == ["an article"]


def test_a_part_of_a_presentation_ends_with_its_claims() -> None:
    stand = Stand(of=steps(THREE, whole=False))
    stand.press(NEXT)
    stand.launcher.batches[0][1].end()
    stand.tick()
    stand.tick()
    assert stand.launcher.many == ["an article"]
    assert stand.presentation.table is None
    stand.press(NEXT)
    assert stand.presentation.finished


def test_each_chapter_of_claims_has_its_own() -> None:
    stand = Stand(of=steps(THREE, chapter("four", claims="advice"), whole=False))
    stand.launcher.batches[0][1].end()
    stand.press(NEXT, NEXT)
    assert (stand.at, stand.launcher.many) == ("2 question", ["an article", "advice"])


def test_a_table_without_claims_starts_with_its_step() -> None:
    stand = Stand(of=steps(ONE))
    stand.press(SKIP)
    assert stand.launcher.many == []
    stand.press(SKIP)
    assert (stand.at, stand.launcher.many) == ("table", ["table"])


def test_going_on_over_the_border_of_a_chapter_keeps_what_is_over() -> None:
    stand = judged(VERDICT_GOOD)
    (run,) = stand.launcher.runs
    stand.press(NEXT)
    view = stand.press(BACK)
    assert (named(view.step), run.left) == ("1 verdict good", [])
    assert view.snapshot is not None
    assert view.snapshot.container == "scripted-1"
    view = stand.press(BACK)
    assert (named(view.step), view.shown, view.waits) == ("1 run good", 3, True)


def test_going_back_over_the_border_of_a_chapter_gives_up_what_is_under_way() -> None:
    stand = Stand(QUESTION_2)
    (run,) = stand.launcher.runs
    run.hold()
    stand.press(BACK)
    assert (stand.at, run.left) == ("1 verdict good", ["abandoned"])
    stand.press(NEXT)
    assert (stand.at, stand.launcher.subjects) == ("2 question", ["worse", "worse"])


def test_going_back_within_a_chapter_gives_up_nothing() -> None:
    stand = under_way(BAD)
    stand.press(BACK)
    view = stand.press(NEXT)
    assert view.snapshot is not None
    assert (view.snapshot.phase, stand.run.left, stand.launcher.subjects) == (Phase.UNDER_WAY, [], ["bad"])


@pytest.mark.parametrize("make", [coming, held, under_way])
def test_skipping_gives_up_what_is_under_way(make: Any) -> None:
    stand = make(BAD)
    (run,) = stand.launcher.runs
    stand.press(SKIP)
    assert (stand.at, run.left) == ("2 question", ["abandoned"])
    assert stand.presentation.rows == ()


def test_what_was_given_up_is_shown_as_nothing() -> None:
    stand = under_way(WORSE_2)
    stand.press(SKIP)
    view = stand.press(BACK)
    assert (named(view.step), view.snapshot, view.before, view.waits) == ("2 verdict worse", None, (), True)
    view = stand.press(REPEAT)
    assert view.snapshot is not None
    assert (named(view.step), view.snapshot.phase) == ("2 run worse", Phase.COMING)


def test_skipping_claims_and_table_gives_up_what_is_under_way() -> None:
    stand = Stand(CLAIMS)
    stand.press(SKIP)
    assert [(name, batch.left) for name, batch in stand.launcher.batches] == [
        ("an article", ["abandoned"]),
        ("table", []),
    ]
    stand.press(BACK, BACK)
    assert [(name, batch.left) for name, batch in stand.launcher.batches] == [
        ("an article", ["abandoned"]),
        ("table", ["abandoned"]),
        ("an article", []),
    ]


def test_claims_that_are_over_are_kept() -> None:
    stand = finished(CLAIMS)
    stand.press(NEXT)
    assert (stand.at, stand.presentation.rows) == ("table", CLAIMED)
    view = stand.press(BACK)
    assert (view.rows, view.waits) == (CLAIMED, True)
    assert [(name, batch.left) for name, batch in stand.launcher.batches] == [("an article", []), ("table", [])]


def test_a_repeat_is_another_run_and_the_earlier_one_is_given_up() -> None:
    stand = over(BAD)
    first = stand.launcher.runs[0]
    view = stand.press(REPEAT)
    assert view.snapshot is not None
    assert (view.snapshot.container, view.snapshot.phase, view.shown) == ("scripted-3", Phase.COMING, 0)
    assert (first.left, stand.presentation.rows) == (["abandoned"], ())
    stand.run.hold()
    stand.press(NEXT)
    stand.run.end(KILLED)
    stand.tick()
    assert [row.verdict.value for row in stand.presentation.rows] == ["killed"]


def test_a_repeat_of_what_was_shown_goes_back_to_its_run() -> None:
    stand = judged(VERDICT_BAD)
    view = stand.press(REPEAT)
    assert view.snapshot is not None
    assert (named(view.step), view.snapshot.phase, view.waits) == ("1 run bad", Phase.COMING, False)


def test_a_path_is_shown_step_by_step() -> None:
    stand = under_way(BAD)
    stand.run.end()
    began_s = stand.now_s
    moments = []
    shown = 0
    while shown < 3:
        if (now := stand.tick(0.1).shown) > shown:
            moments.append(stand.now_s - began_s)
            assert now == shown + 1
            shown = now
    assert all(later - earlier == pytest.approx(STEP_S, abs=0.11) for earlier, later in pairwise(moments))
    assert stand.presentation.view().waits


@pytest.mark.parametrize(("command", "pace"), [(SLOWER, 2), (FASTER, 0.5)])
def test_a_path_is_shown_at_the_pace_that_is_asked_for(command: Command, pace: float) -> None:
    stand = under_way(BAD)
    stand.press(command)
    stand.run.end()
    stand.tick(100)
    assert stand.tick(0).shown == 1
    assert stand.tick(STEP_S * pace - 0.01).shown == 1
    assert stand.tick(0.02).shown == 2


def test_who_cannot_wait_sees_the_whole_path_at_once() -> None:
    stand = ended(BAD)
    view = stand.press(NEXT)
    assert (named(view.step), view.shown, view.waits) == ("1 run bad", 3, True)
    view = stand.press(NEXT)
    assert named(view.step) == "1 verdict bad"


def test_without_a_record_there_is_no_path_to_wait_for() -> None:
    stand = under_way(BAD)
    stand.run.end(KILLED)
    view = stand.tick()
    assert (view.shown, view.waits) == (0, True)
    assert view.snapshot is not None
    assert view.snapshot.row is not None
    assert path_length(view.snapshot.row) == 0


def test_what_could_not_be_tested_has_no_path_either() -> None:
    stand = coming(BAD)
    stand.run.end(Untested(reason="it does not build"))
    assert stand.tick().waits
    assert stand.press(NEXT).before[0].reason == "it does not build"


def test_a_path_is_not_shown_while_another_step_is_shown() -> None:
    stand = under_way(BAD)
    stand.press(BACK)
    stand.run.end()
    stand.tick(100)
    view = stand.press(NEXT)
    assert view.shown == 0
    assert stand.tick(100).shown == 1


def through(stand: Stand, tick_s: float, most_s: float = 1000) -> list[tuple[float, str, View]]:
    """Go through a presentation that goes on by itself; when each view was drawn, and of what step."""
    began_s = stand.now_s
    views = []
    while not stand.presentation.finished:
        views.append((stand.now_s - began_s, stand.at, stand.presentation.view()))
        for started in stand.launcher.everything:
            started.go_on()
        assert stand.now_s - began_s < most_s, stand.at
        stand.tick(tick_s)
    return views


def test_a_presentation_that_goes_on_by_itself_leaves_each_screen_for_a_while() -> None:
    stand = Stand(pause_s=6)
    views = through(stand, 0.5)
    lasts: dict[str, float] = {}
    for (since_s, name, _), (until_s, *_) in pairwise(views):
        lasts[name] = lasts.get(name, 0) + until_s - since_s
    # The pause begins with the first look, and a look is taken each half second.
    short = {"title", "1 question", "1 verdict bad", "1 fix", "1 verdict good", "2 question", "3 question"}
    assert {name: lasts[name] for name in short} == {name: pytest.approx(6, abs=1) for name in short}
    # Half a pause while it is held, the path, and a whole pause after it.
    assert lasts["1 run bad"] == pytest.approx(3 + 3 * STEP_S + 6, abs=3)


def test_a_presentation_that_goes_on_by_itself_shows_every_step_once_and_ends() -> None:
    stand = Stand(pause_s=6)
    seen = [name for _, name, _ in through(stand, 0.5)]
    order = [name for number, name in enumerate(seen) if not number or seen[number - 1] != name]
    assert order == [named(step) for step in STEPS]
    assert [run.proceeded for run in stand.launcher.runs] == [1, 1, 1, 1]
    assert (stand.launcher.many, stand.presentation.table) == (["an article", "table"], stand.launcher.batches[1][1])


@pytest.mark.parametrize(("command", "factor"), [(SLOWER, 2), (FASTER, 0.5)])
def test_the_pause_goes_with_the_pace(command: Command, factor: float) -> None:
    stand = Stand(QUESTION, pause_s=6)
    stand.press(command)
    stand.tick(6 * factor - 0.2)
    assert stand.at == "1 question"
    stand.tick(0.2)
    assert stand.at == "1 run bad"


def test_without_a_pause_every_screen_is_seen_all_the_same() -> None:
    stand = Stand(pause_s=0)
    views = through(stand, 0)
    seen: dict[int, list[View]] = {}
    for _, _, view in views:
        seen.setdefault(STEPS.index(view.step), []).append(view)
    assert list(seen) == list(range(len(STEPS)))
    for number in (BAD, GOOD, WORSE, WORSE_2):
        shown = [view.shown for view in seen[number]]
        phases = [view.snapshot.phase for view in seen[number] if view.snapshot]
        assert (max(shown), sorted(shown)) == (3, shown)
        assert {Phase.HELD, Phase.OVER} <= set(phases)
        assert any(view.waits and view.shown == 3 for view in seen[number])
    assert len(seen[TABLE][-1].rows) == len(WHOLE)


def test_a_presenter_may_take_part_in_a_presentation_that_goes_on_by_itself() -> None:
    stand = Stand(QUESTION, pause_s=6)
    stand.tick(5)
    stand.press(NEXT)
    stand.run.hold()
    stand.tick(0.1)
    assert stand.tick(2.5).snapshot == stand.run.snapshot()
    stand.press(BACK)
    stand.tick(5)
    assert stand.at == "1 question"
    stand.tick(1)
    assert (stand.at, stand.run.proceeded) == ("1 run bad", 0)


def test_a_presentation_that_waits_for_its_presenter_goes_nowhere_by_itself() -> None:
    stand = Stand(QUESTION)
    stand.run.hold()
    for _ in range(20):
        stand.tick(1000)
    assert stand.at == "1 question"
    stand.press(NEXT)
    for _ in range(20):
        stand.tick(1000)
    assert (stand.at, stand.run.proceeded) == ("1 run bad", 0)


def test_an_action_that_comes_later_is_held_as_well() -> None:
    stand = under_way(BAD)
    stand.run.hold()
    assert stand.tick().waits
    stand.press(NEXT)
    assert (stand.run.proceeded, stand.presentation.view().waits) == (2, False)


def test_an_action_that_comes_later_is_left_for_a_while_too() -> None:
    stand = Stand(BAD, pause_s=6)
    stand.run.hold()
    stand.tick()
    stand.tick(3)
    assert stand.run.proceeded == 1
    stand.run.hold()
    stand.tick(0.1)
    assert stand.run.proceeded == 1
    stand.tick(3)
    assert stand.run.proceeded == 2


def test_the_results_are_those_of_the_runs_and_of_many_cells() -> None:
    stand = judged(VERDICT_BAD)
    assert [row.subject for row in stand.presentation.rows] == ["bad"]
    stand.press(SKIP, SKIP, NEXT)
    (_, claims) = stand.launcher.batches[0]
    claims.go_on()
    assert [row.subject for row in stand.presentation.rows] == ["bad", "bad"]
    claims.end()
    stand.tick()
    stand.tick()
    stand.launcher.batches[1][1].go_on()
    assert stand.presentation.rows == (stand.launcher.runs[0].row, *CLAIMED, WHOLE[0])


def test_there_is_a_table_once_it_was_run_to_its_end() -> None:
    stand = Stand(TABLE)
    (_, table) = stand.launcher.batches[0]
    assert stand.presentation.table is None
    table.go_on()
    assert stand.presentation.table is None
    table.end()
    assert stand.presentation.table is table
    stand.press(REPEAT)
    assert stand.presentation.table is None
    assert stand.launcher.many == ["table", "table"]


def test_closing_gives_up_everything_before_it_waits_for_anything() -> None:
    order: list[str] = []
    stand = over(BAD)
    stand.press(REPEAT, SKIP, SKIP)
    assert (len(stand.launcher.runs), len(stand.launcher.batches)) == (4, 1)
    for started in stand.launcher.everything:
        started.abandon = lambda: order.append("abandon")
        started.close = lambda: order.append("close")
    stand.presentation.close()
    assert order == ["abandon"] * 5 + ["close"] * 5


def test_closing_what_never_began_is_nothing() -> None:
    presentation = Presentation(STEPS, FakeLauncher(), pause_s=None, chapters=3)
    presentation.close()
    assert (presentation.rows, presentation.table, presentation.finished) == ((), None, False)


MOVES = st.lists(
    st.sampled_from([*Command, NEXT, NEXT, NEXT, SKIP, BACK, REPEAT, *["proceed"] * 6, "tick", "later", "much later"]),
    max_size=80,
)


@given(MOVES, st.sampled_from([None, 0, 1]), st.booleans())
def test_whatever_is_pressed_the_presentation_stays_whole_and_leaves_nothing(
    moves: list[Command | str], pause_s: float | None, whole: bool
) -> None:
    of = STEPS if whole else STEPS[QUESTION:TABLE]
    stand = Stand(pause_s=pause_s, of=of)
    for move in moves:
        if stand.presentation.finished:
            break
        if isinstance(move, Command):
            stand.presentation.press(move)
        elif move == "proceed":
            for started in stand.launcher.everything:
                started.go_on()
        else:
            stand.tick({"tick": 0.1, "later": 1, "much later": 10}[move])
        assert stand.presentation.step in of
        view = stand.presentation.view()
        assert view.step is stand.presentation.step
        assert 0.125 <= view.pace <= 8
        assert len(view.rows) <= len(view.many)
        assert 0 <= view.shown <= (path_length(view.snapshot.row) if view.snapshot and view.snapshot.row else 0)
        running = [run for run in stand.launcher.runs if not run.left and run.phase is not Phase.OVER]
        cells = [run.cell for run in running]
        assert all(cell in (*view.cells, *view.mended) for cell in cells)
        assert all(cells.count(cell) == 1 for cell in cells)
        _ = stand.presentation.rows, stand.presentation.table
    stand.presentation.close()
    for started in stand.launcher.everything:
        assert started.left[0] == "abandoned"
        assert started.left[-1] == "closed"
        assert started.left.count("closed") == 1


@given(MOVES)
def test_a_presentation_comes_to_its_end_from_wherever_it_was_led(moves: list[Command | str]) -> None:
    stand = Stand(pause_s=0)
    for move in moves:
        if isinstance(move, Command) and move is not QUIT:
            stand.press(move)
        else:
            for started in stand.launcher.everything:
                started.go_on()
    through(stand, 0)
    assert stand.presentation.finished


def test_the_keys_are_shown_until_another_key_is_pressed() -> None:
    stand = Stand(pause_s=None)
    stand.presentation.press(KEYS)
    assert stand.presentation.view().keys
    step = stand.presentation.step
    stand.presentation.press(NEXT)
    assert not stand.presentation.view().keys
    assert stand.presentation.step is step
    stand.presentation.press(KEYS)
    stand.presentation.press(QUIT)
    assert stand.presentation.finished
