"""What a check of a lab asks, where, and what its results come to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.core.catalogue import Catalogue, Variant
from harness.core.errors import ExitCode
from harness.core.evidence import LogLine
from harness.core.question import Probe, Question
from harness.core.signals import Signal
from harness.core.subject import App, Cell
from harness.session import Selection
from harness.workshop.lab.check import GoalResult, Outcome, choose, counted, goal_cells, judged, lacking, selection
from harness.workshop.lab.exercises import load, named
from harness.workshop.lab.progress import State
from tests.support.evidence import changed
from tests.support.reports import BASE, DEBIAN, FACTS, FORCED, FORWARDED, GRACEFUL, SWALLOWED, UNTESTED
from tests.support.reports import result as row

if TYPE_CHECKING:
    from harness.core.document import Row
    from harness.core.facts import BaseFacts

LABS = load()
SHELL_FORM, WRAPPER = LABS[0], LABS[7]
BOTH = {BASE: FACTS, DEBIAN.reference: DEBIAN}
BASH = changed(FACTS, reference="fedora", shell="bash 5.2")  # noqa: S604  its shell is a fact, none is called


def outcome_of(*rows: Row, facts: BaseFacts = DEBIAN) -> Outcome:
    pairs = zip(SHELL_FORM.goals, rows, strict=True)
    results = tuple(GoalResult(goal=goal, row=row) for goal, row in pairs)
    return Outcome(exercise=SHELL_FORM, facts={facts.reference: facts}, results=results)


def test_a_session_is_asked_for_the_goals_and_no_more() -> None:
    assert selection(WRAPPER, Path("here"), ("a", "b")) == Selection(
        bases=("a", "b"),
        variants=("wrapper",),
        signals=(Signal(15),),
        probes=(Probe.SIGNAL, Probe.STOP, Probe.EXIT_CODE),
        catalogue=Path("here"),
    )


@pytest.mark.parametrize(
    ("lab", "chosen"),
    [("1", [DEBIAN.reference]), ("2", [BASE, DEBIAN.reference]), ("3", [BASE])],
)
def test_bases_are_chosen_by_their_shell(lab: str, chosen: list[str]) -> None:
    assert list(choose(BOTH, named(LABS, lab), named=False)) == chosen


def test_named_bases_are_all_taken() -> None:
    assert choose(BOTH, SHELL_FORM, named=True) == (BASE, DEBIAN.reference)


def test_where_no_base_has_the_shell_the_first_one_is_taken() -> None:
    assert choose({"fedora": BASH, BASE: FACTS}, SHELL_FORM, named=False) == ("fedora",)
    assert choose({"x": changed(FACTS, shell=None)}, SHELL_FORM, named=False) == ("x",)


def test_cells_come_base_by_base_and_goal_by_goal() -> None:
    wrapper = Variant(name="wrapper", title="a wrapper", dockerfile="Dockerfile")
    catalogue = Catalogue(context=".", app=App(), variants=(wrapper,))
    questions = (Question(probe=Probe.EXIT_CODE), Question(signal=Signal(15)), Question(probe=Probe.STOP))
    cells = [
        Cell(engine="docker", subject=catalogue.subject(wrapper, base), question=question)
        for question in questions
        for base in BOTH
    ]
    asked = [(cell.subject.base, goal.name) for goal, cell in goal_cells(cells, WRAPPER, [DEBIAN.reference, BASE])]
    assert asked == [(base, goal) for base in (DEBIAN.reference, BASE) for goal in ("SIGTERM", "stop", "exit-code")]


@pytest.mark.parametrize(
    ("texts", "log", "lacks"),
    [
        ((), (), ""),
        (("a",), ("xay",), ""),
        (("a",), ("b",), "the log does not say `a`"),
        (("a", "b"), ("a", "x", "b"), ""),
        (("a", "b"), ("b", "a"), "the log does not say `b` after `a`"),
        (("a", "b"), ("ab",), "the log does not say `b` after `a`"),
        (("a", "a"), ("a",), "the log does not say `a` after `a`"),
        ((".*",), ("anything",), "the log does not say `.*`"),
    ],
)
def test_what_a_log_must_say_comes_line_after_line(texts: tuple[str, ...], log: tuple[str, ...], lacks: str) -> None:
    assert lacking(texts, log) == lacks


def test_a_good_verdict_does_not_do_where_work_got_lost() -> None:
    stop = next(goal for goal in WRAPPER.goals if goal.name == "stop")
    for log, good in ((("Shutdown complete", "Cleaned up"), True), (("Cleaned up", "Shutdown complete"), False)):
        lines = tuple(LogLine(at_ns=number, text=text) for number, text in enumerate(log))
        result = judged(stop, row("wrapper", changed(GRACEFUL, logs=lines), probe=Probe.STOP), WRAPPER)
        assert (result.good, bool(result.lacks)) == (good, not good)


def test_a_bad_verdict_says_enough() -> None:
    stop = next(goal for goal in WRAPPER.goals if goal.name == "stop")
    assert judged(stop, row("wrapper", FORCED, probe=Probe.STOP), WRAPPER).lacks == ""


def test_a_goal_that_keeps_nothing_is_judged_by_its_verdict() -> None:
    assert judged(SHELL_FORM.goals[0], row("shell-form", FORWARDED), SHELL_FORM).good


GOOD, BAD, OPEN = (row("v", evidence) for evidence in (FORWARDED, SWALLOWED, UNTESTED))


@pytest.mark.parametrize(
    ("first", "second", "code", "state"),
    [
        (GOOD, GOOD, ExitCode.OK, State(tries=1, hints=1, solved=True)),
        (GOOD, BAD, ExitCode.DIFFERS, State(tries=2, hints=2)),
        (BAD, OPEN, ExitCode.DIFFERS, State(tries=2, hints=2)),
        (GOOD, OPEN, ExitCode.UNTESTED, State(tries=1, hints=1)),
    ],
)
def test_results_come_to_a_code_and_a_state(first: Row, second: Row, code: ExitCode, state: State) -> None:
    outcome = outcome_of(first, second)
    assert outcome.code is code
    assert counted(outcome, State(tries=1, hints=1)) == state


def test_all_well_on_a_base_that_the_lab_is_not_about_solves_nothing() -> None:
    """BusyBox makes way for the app: the start state of the first lab does well on it."""
    outcome = outcome_of(GOOD, GOOD, facts=FACTS)
    assert (outcome.code, outcome.solved) == (ExitCode.OK, False)
    assert counted(outcome, State()) == State()


def test_one_base_of_the_right_kind_is_enough() -> None:
    outcome = changed(outcome_of(GOOD, GOOD), facts=BOTH)
    assert outcome.solved
