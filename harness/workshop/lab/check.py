"""One check of a lab: its goals, asked of real containers on the bases that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.core.errors import ExitCode
from harness.session import Hooks, Selection, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.core.document import Row
    from harness.core.facts import BaseFacts
    from harness.core.question import Question
    from harness.core.subject import Cell
    from harness.workshop.lab.exercises import Exercise
    from harness.workshop.lab.progress import State


@dataclass(frozen=True, kw_only=True, slots=True)
class GoalResult:
    """The result of one goal on one base; ``lacks`` is what the log should say and does not, in words."""

    goal: Question
    row: Row
    lacks: str = ""

    @property
    def good(self) -> bool:
        """Whether the goal is reached."""
        return self.row.verdict.good and not self.lacks


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a check of a lab came to: ``facts`` of the bases that it ran on, and the results there, base by base."""

    exercise: Exercise
    facts: Mapping[str, BaseFacts]
    results: tuple[GoalResult, ...]

    @property
    def failing(self) -> tuple[GoalResult, ...]:
        """The goals that are not reached."""
        return tuple(result for result in self.results if result.row.tested and not result.good)

    @property
    def untested(self) -> tuple[GoalResult, ...]:
        """The goals that could not be tested."""
        return tuple(result for result in self.results if not result.row.tested)

    @property
    def code(self) -> ExitCode:
        """The exit code that it comes to."""
        return ExitCode.DIFFERS if self.failing else ExitCode.UNTESTED if self.untested else ExitCode.OK

    @property
    def proves(self) -> bool:
        """Whether the bases are of the kind that the lab is about: on others the start state may do well, too."""
        return any(map(self.exercise.fits, self.facts.values()))

    @property
    def solved(self) -> bool:
        """Whether the lab is solved."""
        return self.code is ExitCode.OK and self.proves


def counted(outcome: Outcome, state: State) -> State:
    """How far a lab has come after a check; one that says nothing changes nothing."""
    if outcome.failing:
        return state.failed(outcome.exercise)
    return state.passed() if outcome.solved else state


def selection(exercise: Exercise, folder: Path, bases: tuple[str, ...] = (), *, tries: bool = False) -> Selection:
    """What a session has to be about for a check of a lab in a folder; ``tries`` says whether fixes are run, too."""
    return Selection(
        bases=bases,
        variants=(exercise.name,),
        signals=tuple(goal.signal for goal in exercise.goals if goal.signal),
        probes=tuple(dict.fromkeys(goal.probe for goal in exercise.goals)),
        catalogue=folder,
        tries=tries,
    )


def choose(facts: Mapping[str, BaseFacts], exercise: Exercise, *, named: bool) -> tuple[str, ...]:
    """The bases to check a lab on: all of them if they were ``named``, else those that the lab is about."""
    if named:
        return tuple(facts)
    return tuple(base for base in facts if exercise.fits(facts[base])) or tuple(facts)[:1]


def goal_cells(cells: Iterable[Cell], exercise: Exercise, bases: Sequence[str]) -> tuple[tuple[Question, Cell], ...]:
    """The cells that a lab's goals are about, base by base, the goals in their order."""
    by_question = {(cell.subject.base, cell.question): cell for cell in cells}
    return tuple((goal, by_question[base, goal]) for base in bases for goal in exercise.goals)


def lacking(texts: Sequence[str], lines: Iterable[str]) -> str:
    """Which of the texts, each wanted behind the one before, a log does not have; empty if it has all."""
    rest = iter(lines)
    for place, text in enumerate(texts):
        if not any(text in line for line in rest):
            behind = f" after `{texts[place - 1]}`" if place else ""
            return f"the log does not say `{text}`{behind}"
    return ""


def judged(goal: Question, row: Row, exercise: Exercise) -> GoalResult:
    """What a goal's result is worth: a good verdict alone does not do if something got lost on the way."""
    texts = exercise.keeps.get(goal.name, ()) if row.verdict.good else ()
    return GoalResult(goal=goal, row=row, lacks=lacking(texts, row.evidence.logs))


def check(
    exercise: Exercise,
    folder: Path,
    *,
    bases: tuple[str, ...] = (),
    tries: bool = False,
    hooks: Hooks | None = None,
    begin: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Run a lab's goals as the attendee's folder stands, on bases that are chosen by their shells if none is named.

    The goals are the lab's own: what the folder's catalogue expects does not count. ``tries`` says whether what may
    help a goal that is not reached is run, too. ``begin`` is called with how many cells there are.

    Raises:
        UsageError: the folder's catalogue is malformed, or a base's name is.
        EngineUnavailable: there is no engine.
        BaseUnavailable: a base cannot be had.
    """
    with Session(selection(exercise, folder, bases, tries=tries), hooks or Hooks()) as session:
        chosen = choose(session.base_facts, exercise, named=bool(bases))
        wanted = goal_cells(session.cells, exercise, chosen)
        begin(len(wanted))
        futures = session.run([cell for _, cell in wanted])
        results = tuple(
            judged(goal, future.result(), exercise) for (goal, _), future in zip(wanted, futures, strict=True)
        )
        return Outcome(exercise=exercise, facts={base: session.base_facts[base] for base in chosen}, results=results)
