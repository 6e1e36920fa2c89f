"""Where a show has got to: what each key and the passing of time do to it, on plays that follow a script."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.catalogue import Catalogue
from harness.core.evidence import LogLine, Untested
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.subject import Cell, Variant
from harness.core.trace import Fate, Handled, Sent
from harness.run.protocol import Launch
from harness.workshop.demo.live import Phase, Snapshot
from harness.workshop.demo.presentation import Command, Presentation, Step, View, path_of, steps_of
from harness.workshop.stepping import Action
from harness.workshop.story import Act, Chapter
from tests.support.reports import DEBIAN, FACTS, FORWARDED, KILLED, result
from tests.support.seeing import APP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.facts import BaseFacts
    from harness.core.result import Result

TERM = Signal(15)
NEXT, BACK, REPEAT, SKIP, SLOWER, FASTER, QUIT = Command
SENT = Sent(time_s=1.0, sender="runc", sender_pid=5, number=15, target="node", target_pid=1007, fate=Fate.DELIVERED)
THREE_STEPS = replace(
    FORWARDED,
    trace=(
        SENT,
        Handled(time_s=1.1, comm="node", pid=1007, number=15, handler=64),
        Handled(time_s=1.2, comm="node", pid=1007, number=9, handler=0),
    ),
)
STEP_S = 0.7


class FakePlay:
    """A play that goes on when the test says so."""

    def __init__(self, cell: Cell, number: int) -> None:
        self.cell = cell
        self.container = f"scripted-{number}"
        self.phase = Phase.COMING
        self.cues = 0
        self.left: list[str] = []
        self.result: Result | None = None

    def cue(self) -> None:
        assert self.phase is Phase.HELD
        self.cues += 1
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
            result=self.result,
        )

    def hold(self) -> None:
        self.phase = Phase.HELD

    def end(self, evidence: Any = THREE_STEPS) -> None:
        self.phase = Phase.OVER
        self.result = replace(result(self.cell.variant.name, evidence, base=self.cell.base), cell=self.cell)

    def go_on(self) -> None:
        """One phase further, if it does not wait for a cue; one that is given up ends."""
        if self.left and self.phase is not Phase.OVER:
            self.end(Untested(reason="given up"))
        elif self.phase is Phase.UNDER_WAY:
            self.end()
        elif self.phase in (Phase.COMING, Phase.STARTING):
            self.phase = Phase(self.phase.value + 1)


class FakeEnsemble:
    """Many cells, whose results come when the test says so."""

    def __init__(self, *results: Result) -> None:
        self.cells = tuple(result.cell for result in results)
        self.results: tuple[Result, ...] = ()
        self.left: list[str] = []
        self._coming = list(results)

    @property
    def over(self) -> bool:
        return not self._coming or "abandoned" in self.left

    def abandon(self) -> None:
        self.left.append("abandoned")

    def close(self) -> None:
        self.left.append("closed")

    def go_on(self) -> None:
        if self._coming and not self.left:
            self.results = (*self.results, self._coming.pop(0))

    def end(self) -> None:
        while not self.over:
            self.go_on()


CLAIMED = (result("bad", KILLED), result("good", FORWARDED))
WHOLE = (*CLAIMED, result("other", FORWARDED))


class FakeStage:
    """A stage that remembers what was started, in order."""

    def __init__(self) -> None:
        self.plays: list[FakePlay] = []
        self.batches: list[tuple[str, FakeEnsemble]] = []

    def play(self, cell: Cell) -> FakePlay:
        self.plays.append(FakePlay(cell, len(self.plays) + 1))
        return self.plays[-1]

    def claims(self, chapter: Chapter) -> FakeEnsemble:
        self.batches.append((chapter.claims, FakeEnsemble(*CLAIMED)))
        return self.batches[-1][1]

    def table(self) -> FakeEnsemble:
        self.batches.append(("table", FakeEnsemble(*WHOLE)))
        return self.batches[-1][1]

    @property
    def everything(self) -> list[FakePlay | FakeEnsemble]:
        return [*self.plays, *(batch for _, batch in self.batches)]

    @property
    def played(self) -> list[str]:
        return [play.cell.variant.name for play in self.plays]

    @property
    def many(self) -> list[str]:
        return [name for name, _ in self.batches]


def chapter(name: str, **keys: Any) -> Chapter:
    return Chapter(**{"name": name, "title": name.title(), "intro": "", "question": "?"} | keys)


def act(name: str, *on: str) -> Act:
    return Act(variant=name, on=on)


ONE = chapter("one", asks="TERM", broken=(act("bad"),), mended=(act("good"),))
TWO = chapter("two", asks="TERM", broken=(act("worse", "busybox", "dash"),))
THREE = chapter("three", claims="an article")
NAMES = ("bad", "good", "worse")
CATALOGUE = Catalogue(
    context=".",
    app=APP,
    variants=tuple(Variant(name=name, title=name, dockerfile=f"{name}.Dockerfile") for name in NAMES),
)
BASES: dict[str, BaseFacts] = {FACTS.reference: FACTS, DEBIAN.reference: DEBIAN}


def steps(*chapters: Chapter, whole: bool = True) -> tuple[Step, ...]:
    return steps_of(list(enumerate(chapters or (ONE, TWO, THREE), start=1)), CATALOGUE, BASES, whole=whole)


def named(step: Step) -> str:
    """A step in words: its chapter's number, its kind, its variant."""
    words = [str(step.number or ""), step.kind.name.lower(), step.cell.variant.name if step.cell else ""]
    return " ".join(word for word in words if word)


STEPS = steps()
TITLE, QUESTION, BAD, TOLD_BAD, FIX, GOOD, TOLD_GOOD = range(7)
QUESTION_2, WORSE, TOLD_WORSE, WORSE_2, TOLD_WORSE_2, QUESTION_3, CLAIMS, TABLE = range(7, 15)


class Stand:
    """A show, its stage, and a clock."""

    def __init__(self, at: int = 0, *, pause_s: float | None = None, of: Sequence[Step] = STEPS) -> None:
        self.stage = FakeStage()
        self.show = Presentation(of, self.stage, pause_s=pause_s, chapters=3)
        self.steps = of
        self.now_s = 100.0
        for _ in range(at):
            self.show._go(self.index + 1)
        self.tick()

    @property
    def index(self) -> int:
        return next(number for number, step in enumerate(self.steps) if step is self.show.step)

    @property
    def at(self) -> str:
        return named(self.show.step)

    @property
    def play(self) -> FakePlay:
        """The play that was started last."""
        return self.stage.plays[-1]

    def tick(self, after_s: float = 0.1) -> View:
        self.now_s += after_s
        self.show.tick(self.now_s)
        return self.show.view()

    def press(self, *commands: Command) -> View:
        for command in commands:
            self.show.press(command)
            view = self.tick()
        return view

    def tell_all(self) -> None:
        """Let the path of the signal be told to its end."""
        while not self.tick(10).waits:
            pass


def test_the_steps_of_a_show() -> None:
    assert [named(step) for step in STEPS] == [
        "title",
        *("1 question", "1 play bad", "1 told bad", "1 fix", "1 play good", "1 told good"),
        *("2 question", "2 play worse", "2 told worse", "2 play worse", "2 told worse"),
        *("3 question", "3 claims", "table"),
    ]
    assert [named(step) for step in STEPS if step.last] == ["1 told good", "2 told worse", "3 claims"]
    assert STEPS.index(next(step for step in STEPS if step.last and step.number == 2)) == TOLD_WORSE_2
    assert [named(step) for step in STEPS if step.mended] == ["1 fix", "1 play good", "1 told good"]
    assert [STEPS[number].cell for number in (WORSE, TOLD_WORSE, WORSE_2, TOLD_WORSE_2)] == [
        Cell(base=base, variant=CATALOGUE.variants[2], signal=TERM)
        for base in (FACTS.reference, FACTS.reference, DEBIAN.reference, DEBIAN.reference)
    ]


def test_a_part_of_a_show_has_neither_title_nor_table() -> None:
    part = steps_of([(2, TWO), (3, THREE)], CATALOGUE, BASES, whole=False)
    assert [named(step) for step in part] == [named(step) for step in STEPS[QUESTION_2:TABLE]]


def test_a_chapter_about_a_probe_plays_that_probe() -> None:
    (_, play, _) = steps_of([(1, chapter("x", asks="stop", broken=(act("bad"),)))], CATALOGUE, BASES, whole=False)
    assert play.cell == Cell(base=FACTS.reference, variant=CATALOGUE.variants[0], probe=Probe.STOP)


def coming(at: int) -> Stand:
    return Stand(at)


def held(at: int) -> Stand:
    stand = Stand(at)
    stand.play.hold()
    stand.tick()
    return stand


def under_way(at: int) -> Stand:
    stand = held(at)
    stand.press(NEXT)
    return stand


def untold(at: int) -> Stand:
    """A play whose result is there, but not the whole path."""
    stand = under_way(at)
    stand.play.end()
    stand.tick()
    return stand


def over(at: int) -> Stand:
    stand = untold(at)
    stand.tell_all()
    return stand


def told(at: int) -> Stand:
    """A step after its play."""
    stand = over(at - 1)
    stand.press(NEXT)
    return stand


def claimed(at: int) -> Stand:
    """Many cells that are over."""
    stand = Stand(at)
    stand.stage.batches[-1][1].end()
    stand.tick()
    return stand


# What comes of NEXT, BACK, REPEAT and SKIP: the step after it. An asterisk stands for a new play or new results, a
# tick for a cue, an exclamation mark for the end.
TABLE_OF_KEYS = {
    "title": (lambda: Stand(TITLE), "1 question", "title", "title", "1 question"),
    "question": (lambda: Stand(QUESTION), "1 play bad", "title", "1 question", "2 question"),
    "play that is coming": (lambda: coming(BAD), "1 play bad", "1 question", "1 play bad*", "2 question"),
    "play that is held": (lambda: held(BAD), "1 play bad✓", "1 question", "1 play bad*", "2 question"),
    "play under way": (lambda: under_way(BAD), "1 play bad", "1 question", "1 play bad*", "2 question"),
    "play that is not told": (lambda: untold(BAD), "1 play bad", "1 question", "1 play bad*", "2 question"),
    "play that is over": (lambda: over(BAD), "1 told bad", "1 question", "1 play bad*", "2 question"),
    "told": (lambda: told(TOLD_BAD), "1 fix", "1 play bad", "1 play bad*", "2 question"),
    "fix": (lambda: Stand(FIX), "1 play good", "1 told bad", "1 fix", "2 question"),
    "play after the fix": (lambda: over(GOOD), "1 told good", "1 fix", "1 play good*", "2 question"),
    "last of a chapter": (lambda: told(TOLD_GOOD), "2 question", "1 play good", "1 play good*", "2 question"),
    "first of a chapter": (lambda: Stand(QUESTION_2), "2 play worse", "1 told good", "2 question", "3 question"),
    "second play": (lambda: over(WORSE_2), "2 told worse", "2 told worse", "2 play worse*", "3 question"),
    "question of claims": (lambda: Stand(QUESTION_3), "3 claims", "2 told worse", "3 question", "table"),
    "claims under way": (lambda: Stand(CLAIMS), "3 claims", "3 question", "3 claims*", "table"),
    "claims that are over": (lambda: claimed(CLAIMS), "table", "3 question", "3 claims*", "table"),
    "table under way": (lambda: Stand(TABLE), "table", "3 claims", "table*", "table!"),
    "table that is over": (lambda: claimed(TABLE), "table!", "3 claims", "table*", "table!"),
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
    before = stand.stage.everything
    cues = sum(play.cues for play in stand.stage.plays)
    here = stand.show._plays.get(stand.show._played_at())
    many = stand.show._batches.get(stand.show._index)
    stand.press(command)
    marks = "✓" if sum(play.cues for play in stand.stage.plays) > cues else ""
    if command is REPEAT:
        again = [started for started in stand.stage.everything if started not in before]
        replaced = here or many
        assert [type(started) for started in again] == ([type(replaced)] if replaced else [])
        assert replaced is None or replaced.left == ["abandoned"]
        marks += "*" if again else ""
    assert f"{stand.at}{marks}{'!' if stand.show.finished else ''}" == wanted


@pytest.mark.parametrize("make", STATES)
def test_the_pace_changes_and_nothing_else(make: Any) -> None:
    stand = make()
    view, started = stand.tick(0), stand.stage.everything
    stand.show.press(SLOWER)
    assert stand.show.view() == replace(view, pace=2)
    stand.show.press(FASTER)
    stand.show.press(FASTER)
    assert stand.show.view() == replace(view, pace=0.5)
    assert (stand.stage.everything, stand.show.finished) == (started, False)


@pytest.mark.parametrize("make", STATES)
def test_the_show_can_be_quit_anywhere(make: Any) -> None:
    stand = make()
    stand.show.press(QUIT)
    assert stand.show.finished


def test_the_pace_has_its_limits() -> None:
    stand = Stand()
    assert [stand.press(SLOWER).pace for _ in range(5)] == [2, 4, 8, 8, 8]
    assert [stand.press(FASTER).pace for _ in range(8)] == [4, 2, 1, 0.5, 0.25, 0.125, 0.125, 0.125]


WAITING = {
    "title": (lambda: Stand(TITLE), True),
    "question": (lambda: Stand(QUESTION), True),
    "play that is coming": (lambda: coming(BAD), False),
    "play that is held": (lambda: held(BAD), True),
    "play under way": (lambda: under_way(BAD), False),
    "play that is not told": (lambda: untold(BAD), False),
    "play that is over": (lambda: over(BAD), True),
    "told": (lambda: told(TOLD_BAD), True),
    "fix": (lambda: Stand(FIX), True),
    "claims under way": (lambda: Stand(CLAIMS), False),
    "claims that are over": (lambda: claimed(CLAIMS), True),
    "table under way": (lambda: Stand(TABLE), False),
    "table that is over": (lambda: claimed(TABLE), True),
}


@pytest.mark.parametrize(("make", "waits"), WAITING.values(), ids=WAITING)
def test_whether_a_view_waits_for_the_presenter(make: Any, waits: bool) -> None:
    assert make().show.view().waits is waits


def test_a_view_shows_the_play_of_its_step_and_of_the_one_that_tells_of_it() -> None:
    stand = over(BAD)
    view = stand.show.view()
    assert view.snapshot is not None
    assert (view.snapshot.container, view.shown, view.before) == ("scripted-1", 3, ())
    assert [cell.variant.name for cell in (*view.cells, *view.mended)] == ["bad", "good"]
    view = stand.press(NEXT)
    assert view.snapshot is not None
    assert (view.snapshot.container, view.chapters, view.step.number) == ("scripted-1", 3, 1)
    assert [result.cell.variant.name for result in view.before] == ["bad"]
    view = stand.press(NEXT)
    assert (named(view.step), view.snapshot) == ("1 fix", None)
    assert [result.cell.variant.name for result in view.before] == ["bad"]


def test_before_are_the_results_of_the_chapter_so_far() -> None:
    stand = told(TOLD_WORSE)
    assert [result.cell.base for result in stand.show.view().before] == [FACTS.reference]
    stand.press(NEXT)
    stand.play.hold()
    stand.press(NEXT)
    stand.play.end()
    stand.tell_all()
    view = stand.press(NEXT)
    assert named(view.step) == "2 told worse"
    assert [result.cell.base for result in view.before] == [FACTS.reference, DEBIAN.reference]


def test_before_are_no_results_of_what_comes_after() -> None:
    stand = told(TOLD_BAD)
    stand.press(NEXT, NEXT)
    stand.play.hold()
    stand.press(NEXT)
    stand.play.end()
    view = stand.press(BACK, BACK)
    assert named(view.step) == "1 told bad"
    assert [result.cell.variant.name for result in view.before] == ["bad"]
    assert [result.cell.variant.name for result in stand.show.results] == ["bad", "good"]


def test_results_of_many_cells_are_shown_as_they_come() -> None:
    stand = Stand(CLAIMS)
    (_, batch) = stand.stage.batches[0]
    assert [(len(stand.tick().results), len(stand.show.view().many))] == [(0, 2)]
    batch.go_on()
    view = stand.tick()
    assert (view.results, len(view.many), view.waits) == (CLAIMED[:1], 2, False)
    batch.go_on()
    view = stand.tick()
    assert (view.results, view.waits) == (CLAIMED, True)


def test_the_first_play_of_a_chapter_starts_while_the_room_is_thinking() -> None:
    stand = Stand(TITLE)
    assert stand.stage.played == []
    stand.press(NEXT)
    assert (stand.at, stand.stage.played) == ("1 question", ["bad"])
    stand.play.hold()
    stand.tick()
    view = stand.press(NEXT)
    assert (view.waits, stand.stage.played) == (True, ["bad"])


def test_what_runs_is_not_disturbed_by_the_next_play() -> None:
    stand = coming(BAD)
    for phase in (Phase.COMING, Phase.STARTING, Phase.HELD, Phase.UNDER_WAY):
        stand.play.phase = phase
        stand.tick()
        assert stand.stage.played == ["bad"]
    stand.stage.plays[0].end()
    stand.tick()
    assert stand.stage.played == ["bad", "good"]
    stand.tick()
    assert stand.stage.played == ["bad", "good"]


def test_the_next_play_starts_with_what_its_step_shows() -> None:
    stand = over(BAD)
    first, second = stand.stage.plays
    stand.press(NEXT, NEXT)
    second.hold()
    view = stand.press(NEXT)
    assert view.snapshot is not None
    assert (named(view.step), view.snapshot.container, first.left, second.left) == ("1 play good", "scripted-2", [], [])


def test_no_play_of_the_next_chapter_starts_ahead() -> None:
    stand = told(TOLD_GOOD)
    stand.tick()
    assert stand.stage.played == ["good"]
    stand.press(NEXT)
    assert stand.stage.played == ["good", "worse"]


def test_claims_start_while_the_room_is_thinking_and_go_on() -> None:
    stand = Stand(QUESTION_3)
    assert stand.stage.many == ["an article"]
    stand.stage.batches[0][1].go_on()
    view = stand.press(NEXT)
    assert (len(view.results), stand.stage.many) == (1, ["an article"])


def test_the_table_starts_once_the_claims_are_over_and_shown() -> None:
    stand = Stand(QUESTION_3)
    (_, claims) = stand.stage.batches[0]
    claims.end()
    stand.tick()
    assert stand.stage.many == ["an article"]
    stand.press(NEXT)
    stand.tick()
    assert (stand.at, stand.stage.many) == ("3 claims", ["an article", "table"])
    assert stand.show.view().results == CLAIMED
    stand.press(NEXT)
    assert (stand.at, stand.stage.many) == ("table", ["an article", "table"])


def test_the_table_does_not_start_while_claims_are_under_way() -> None:
    stand = Stand(CLAIMS)
    stand.tick()
    assert stand.stage.many == ["an article"]


def test_a_part_of_a_show_ends_with_its_claims() -> None:
    stand = Stand(of=steps(THREE, whole=False))
    stand.press(NEXT)
    stand.stage.batches[0][1].end()
    stand.tick()
    stand.tick()
    assert stand.stage.many == ["an article"]
    assert stand.show.table is None
    stand.press(NEXT)
    assert stand.show.finished


def test_each_chapter_of_claims_has_its_own() -> None:
    stand = Stand(of=steps(THREE, chapter("four", claims="advice"), whole=False))
    stand.stage.batches[0][1].end()
    stand.press(NEXT, NEXT)
    assert (stand.at, stand.stage.many) == ("2 question", ["an article", "advice"])


def test_a_table_without_claims_starts_with_its_step() -> None:
    stand = Stand(of=steps(ONE))
    stand.press(SKIP)
    assert stand.stage.many == []
    stand.press(SKIP)
    assert (stand.at, stand.stage.many) == ("table", ["table"])


def test_going_on_over_the_border_of_a_chapter_keeps_what_is_over() -> None:
    stand = told(TOLD_GOOD)
    (play,) = stand.stage.plays
    stand.press(NEXT)
    view = stand.press(BACK)
    assert (named(view.step), play.left) == ("1 told good", [])
    assert view.snapshot is not None
    assert view.snapshot.container == "scripted-1"
    view = stand.press(BACK)
    assert (named(view.step), view.shown, view.waits) == ("1 play good", 3, True)


def test_going_back_over_the_border_of_a_chapter_gives_up_what_is_under_way() -> None:
    stand = Stand(QUESTION_2)
    (play,) = stand.stage.plays
    play.hold()
    stand.press(BACK)
    assert (stand.at, play.left) == ("1 told good", ["abandoned"])
    stand.press(NEXT)
    assert (stand.at, stand.stage.played) == ("2 question", ["worse", "worse"])


def test_going_back_within_a_chapter_gives_up_nothing() -> None:
    stand = under_way(BAD)
    stand.press(BACK)
    view = stand.press(NEXT)
    assert view.snapshot is not None
    assert (view.snapshot.phase, stand.play.left, stand.stage.played) == (Phase.UNDER_WAY, [], ["bad"])


@pytest.mark.parametrize("make", [coming, held, under_way])
def test_skipping_gives_up_what_is_under_way(make: Any) -> None:
    stand = make(BAD)
    (play,) = stand.stage.plays
    stand.press(SKIP)
    assert (stand.at, play.left) == ("2 question", ["abandoned"])
    assert stand.show.results == ()


def test_what_was_given_up_is_told_of_as_nothing() -> None:
    stand = under_way(WORSE_2)
    stand.press(SKIP)
    view = stand.press(BACK)
    assert (named(view.step), view.snapshot, view.before, view.waits) == ("2 told worse", None, (), True)
    view = stand.press(REPEAT)
    assert view.snapshot is not None
    assert (named(view.step), view.snapshot.phase) == ("2 play worse", Phase.COMING)


def test_skipping_claims_and_table_gives_up_what_is_under_way() -> None:
    stand = Stand(CLAIMS)
    stand.press(SKIP)
    assert [(name, batch.left) for name, batch in stand.stage.batches] == [
        ("an article", ["abandoned"]),
        ("table", []),
    ]
    stand.press(BACK, BACK)
    assert [(name, batch.left) for name, batch in stand.stage.batches] == [
        ("an article", ["abandoned"]),
        ("table", ["abandoned"]),
        ("an article", []),
    ]


def test_claims_that_are_over_are_kept() -> None:
    stand = claimed(CLAIMS)
    stand.press(NEXT)
    assert (stand.at, stand.show.results) == ("table", CLAIMED)
    view = stand.press(BACK)
    assert (view.results, view.waits) == (CLAIMED, True)
    assert [(name, batch.left) for name, batch in stand.stage.batches] == [("an article", []), ("table", [])]


def test_a_repeat_is_another_play_and_the_earlier_one_is_given_up() -> None:
    stand = over(BAD)
    first = stand.stage.plays[0]
    view = stand.press(REPEAT)
    assert view.snapshot is not None
    assert (view.snapshot.container, view.snapshot.phase, view.shown) == ("scripted-3", Phase.COMING, 0)
    assert (first.left, stand.show.results) == (["abandoned"], ())
    stand.play.hold()
    stand.press(NEXT)
    stand.play.end(KILLED)
    stand.tick()
    assert [result.verdict.value for result in stand.show.results] == ["killed"]


def test_a_repeat_of_what_was_told_goes_back_to_its_play() -> None:
    stand = told(TOLD_BAD)
    view = stand.press(REPEAT)
    assert view.snapshot is not None
    assert (named(view.step), view.snapshot.phase, view.waits) == ("1 play bad", Phase.COMING, False)


def test_a_path_is_told_step_by_step() -> None:
    stand = under_way(BAD)
    stand.play.end()
    began_s = stand.now_s
    moments = []
    shown = 0
    while shown < 3:
        if (now := stand.tick(0.1).shown) > shown:
            moments.append(stand.now_s - began_s)
            assert now == shown + 1
            shown = now
    assert all(later - earlier == pytest.approx(STEP_S, abs=0.11) for earlier, later in pairwise(moments))
    assert stand.show.view().waits


@pytest.mark.parametrize(("command", "pace"), [(SLOWER, 2), (FASTER, 0.5)])
def test_a_path_is_told_at_the_pace_that_is_asked_for(command: Command, pace: float) -> None:
    stand = under_way(BAD)
    stand.press(command)
    stand.play.end()
    stand.tick(100)
    assert stand.tick(0).shown == 1
    assert stand.tick(STEP_S * pace - 0.01).shown == 1
    assert stand.tick(0.02).shown == 2


def test_who_cannot_wait_sees_the_whole_path_at_once() -> None:
    stand = untold(BAD)
    view = stand.press(NEXT)
    assert (named(view.step), view.shown, view.waits) == ("1 play bad", 3, True)
    view = stand.press(NEXT)
    assert named(view.step) == "1 told bad"


def test_without_a_record_there_is_no_path_to_wait_for() -> None:
    stand = under_way(BAD)
    stand.play.end(KILLED)
    view = stand.tick()
    assert (view.shown, view.waits) == (0, True)
    assert view.snapshot is not None
    assert view.snapshot.result is not None
    assert path_of(view.snapshot.result) == ()


def test_what_could_not_be_tested_has_no_path_either() -> None:
    stand = coming(BAD)
    stand.play.end(Untested(reason="it does not build"))
    assert stand.tick().waits
    assert stand.press(NEXT).before[0].judgement.reason == "it does not build"


def test_a_path_is_not_told_while_another_step_is_shown() -> None:
    stand = under_way(BAD)
    stand.press(BACK)
    stand.play.end()
    stand.tick(100)
    view = stand.press(NEXT)
    assert view.shown == 0
    assert stand.tick(100).shown == 1


def through(stand: Stand, tick_s: float, most_s: float = 1000) -> list[tuple[float, str, View]]:
    """Go through a show that goes on by itself; when each view was drawn, and of what step."""
    began_s = stand.now_s
    views = []
    while not stand.show.finished:
        views.append((stand.now_s - began_s, stand.at, stand.show.view()))
        for started in stand.stage.everything:
            started.go_on()
        assert stand.now_s - began_s < most_s, stand.at
        stand.tick(tick_s)
    return views


def test_a_show_that_goes_on_by_itself_leaves_each_screen_for_a_while() -> None:
    stand = Stand(pause_s=6)
    views = through(stand, 0.5)
    lasts: dict[str, float] = {}
    for (since_s, name, _), (until_s, *_) in pairwise(views):
        lasts[name] = lasts.get(name, 0) + until_s - since_s
    # The pause begins with the first look, and a look is taken each half second.
    short = {"title", "1 question", "1 told bad", "1 fix", "1 told good", "2 question", "3 question"}
    assert {name: lasts[name] for name in short} == {name: pytest.approx(6, abs=1) for name in short}
    # Half a pause before the cue, the path, and a whole pause after it.
    assert lasts["1 play bad"] == pytest.approx(3 + 3 * STEP_S + 6, abs=3)


def test_a_show_that_goes_on_by_itself_shows_every_step_once_and_ends() -> None:
    stand = Stand(pause_s=6)
    seen = [name for _, name, _ in through(stand, 0.5)]
    order = [name for number, name in enumerate(seen) if not number or seen[number - 1] != name]
    assert order == [named(step) for step in STEPS]
    assert [play.cues for play in stand.stage.plays] == [1, 1, 1, 1]
    assert (stand.stage.many, stand.show.table) == (["an article", "table"], stand.stage.batches[1][1])


@pytest.mark.parametrize(("command", "factor"), [(SLOWER, 2), (FASTER, 0.5)])
def test_the_pause_goes_with_the_pace(command: Command, factor: float) -> None:
    stand = Stand(QUESTION, pause_s=6)
    stand.press(command)
    stand.tick(6 * factor - 0.2)
    assert stand.at == "1 question"
    stand.tick(0.2)
    assert stand.at == "1 play bad"


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
    assert len(seen[TABLE][-1].results) == len(WHOLE)


def test_a_presenter_may_take_part_in_a_show_that_goes_on_by_itself() -> None:
    stand = Stand(QUESTION, pause_s=6)
    stand.tick(5)
    stand.press(NEXT)
    stand.play.hold()
    stand.tick(0.1)
    assert stand.tick(2.5).snapshot == stand.play.snapshot()
    stand.press(BACK)
    stand.tick(5)
    assert stand.at == "1 question"
    stand.tick(1)
    assert (stand.at, stand.play.cues) == ("1 play bad", 0)


def test_a_show_that_waits_for_its_presenter_goes_nowhere_by_itself() -> None:
    stand = Stand(QUESTION)
    stand.play.hold()
    for _ in range(20):
        stand.tick(1000)
    assert stand.at == "1 question"
    stand.press(NEXT)
    for _ in range(20):
        stand.tick(1000)
    assert (stand.at, stand.play.cues) == ("1 play bad", 0)


def test_a_deed_that_comes_later_waits_for_its_own_cue() -> None:
    stand = under_way(BAD)
    stand.play.hold()
    assert stand.tick().waits
    stand.press(NEXT)
    assert (stand.play.cues, stand.show.view().waits) == (2, False)


def test_a_deed_that_comes_later_is_left_for_a_while_too() -> None:
    stand = Stand(BAD, pause_s=6)
    stand.play.hold()
    stand.tick()
    stand.tick(3)
    assert stand.play.cues == 1
    stand.play.hold()
    stand.tick(0.1)
    assert stand.play.cues == 1
    stand.tick(3)
    assert stand.play.cues == 2


def test_the_results_are_those_of_the_plays_and_of_many_cells() -> None:
    stand = told(TOLD_BAD)
    assert [result.cell.variant.name for result in stand.show.results] == ["bad"]
    stand.press(SKIP, SKIP, NEXT)
    (_, claims) = stand.stage.batches[0]
    claims.go_on()
    assert [result.cell.variant.name for result in stand.show.results] == ["bad", "bad"]
    claims.end()
    stand.tick()
    stand.tick()
    stand.stage.batches[1][1].go_on()
    assert stand.show.results == (stand.stage.plays[0].result, *CLAIMED, WHOLE[0])


def test_there_is_a_table_once_it_was_run_to_its_end() -> None:
    stand = Stand(TABLE)
    (_, table) = stand.stage.batches[0]
    assert stand.show.table is None
    table.go_on()
    assert stand.show.table is None
    table.end()
    assert stand.show.table is table
    stand.press(REPEAT)
    assert stand.show.table is None
    assert stand.stage.many == ["table", "table"]


def test_closing_gives_up_everything_before_it_waits_for_anything() -> None:
    order: list[str] = []
    stand = over(BAD)
    stand.press(REPEAT, SKIP, SKIP)
    assert (len(stand.stage.plays), len(stand.stage.batches)) == (4, 1)
    for started in stand.stage.everything:
        started.abandon = lambda: order.append("abandon")
        started.close = lambda: order.append("close")
    stand.show.close()
    assert order == ["abandon"] * 5 + ["close"] * 5


def test_closing_what_never_began_is_nothing() -> None:
    show = Presentation(STEPS, FakeStage(), pause_s=None, chapters=3)
    show.close()
    assert (show.results, show.table, show.finished) == ((), None, False)


MOVES = st.lists(
    st.sampled_from([*Command, NEXT, NEXT, NEXT, SKIP, BACK, REPEAT, *["proceed"] * 6, "tick", "later", "much later"]),
    max_size=80,
)


@given(MOVES, st.sampled_from([None, 0, 1]), st.booleans())
def test_whatever_is_pressed_the_show_stays_whole_and_leaves_nothing(
    moves: list[Command | str], pause_s: float | None, whole: bool
) -> None:
    of = STEPS if whole else STEPS[QUESTION:TABLE]
    stand = Stand(pause_s=pause_s, of=of)
    for move in moves:
        if stand.show.finished:
            break
        if isinstance(move, Command):
            stand.show.press(move)
        elif move == "proceed":
            for started in stand.stage.everything:
                started.go_on()
        else:
            stand.tick({"tick": 0.1, "later": 1, "much later": 10}[move])
        assert stand.show.step in of
        view = stand.show.view()
        assert view.step is stand.show.step
        assert 0.125 <= view.pace <= 8
        assert len(view.results) <= len(view.many)
        assert 0 <= view.shown <= (len(path_of(view.snapshot.result)) if view.snapshot and view.snapshot.result else 0)
        running = [play for play in stand.stage.plays if not play.left and play.phase is not Phase.OVER]
        cells = [play.cell for play in running]
        assert all(cell in (*view.cells, *view.mended) for cell in cells)
        assert all(cells.count(cell) == 1 for cell in cells)
        _ = stand.show.results, stand.show.table
    stand.show.close()
    for started in stand.stage.everything:
        assert started.left[0] == "abandoned"
        assert started.left[-1] == "closed"
        assert started.left.count("closed") == 1


@given(MOVES)
def test_a_show_comes_to_its_end_from_wherever_it_was_led(moves: list[Command | str]) -> None:
    stand = Stand(pause_s=0)
    for move in moves:
        if isinstance(move, Command) and move is not QUIT:
            stand.press(move)
        else:
            for started in stand.stage.everything:
                started.go_on()
    through(stand, 0)
    assert stand.show.finished
