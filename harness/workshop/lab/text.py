"""Labs for people: the list, what a check came to, with evidence and hint, and the solution. Records in, text out."""

from __future__ import annotations

import difflib
import textwrap
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from harness.report.path_text import path_table
from harness.report.process_table import processes
from harness.report.style import look, plain, printable
from harness.report.tried import how_to_fix
from harness.workshop.lab.progress import State, following
from harness.workshop.lab.readme import kept, wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from harness.workshop.lab.check import GoalResult, Outcome
    from harness.workshop.lab.exercises import Exercise

_LOG_TAIL: Final = 12
_INDENT: Final = (0, 0, 0, 2)


def listing(exercises: Sequence[Exercise], progress: Mapping[str, State]) -> RenderableType:
    """All labs, how far each has come, and a mark at the next one."""
    upcoming = following(exercises, progress)
    first, lab, level = (Column(heading, no_wrap=True) for heading in ("", "lab", "level"))
    table = Table(first, lab, "about", level, "state", box=box.SIMPLE_HEAD, pad_edge=False)
    for exercise in exercises:
        mark = "→" if exercise is upcoming else ""
        table.add_row(mark, exercise.key, exercise.title, exercise.level, _state(progress.get(exercise.key, State())))
    return table


def _state(state: State) -> Text:
    if state.solved:
        return Text("✓ solved", style="green")
    if not state.tries:
        return Text("open")
    return Text(f"○ failing, {state.tries} {'try' if state.tries == 1 else 'tries'}", style="yellow")


def standing(exercises: Sequence[Exercise], progress: Mapping[str, State], after: int = 0) -> str:
    """One line on how many are solved and which one is next."""
    done = sum(progress.get(exercise.key, State()).solved for exercise in exercises)
    unsolved = following(exercises, progress, after)
    if unsolved is None:
        return (
            f"All {len(exercises)} labs are solved. Next: your own Dockerfile, with a catalogue.toml such as theirs:\n"
            "  signal-harness run --catalogue DIR"
        )
    return f"{done} of {len(exercises)} solved. Next: {unsolved.key}, {unsolved.title} ({unsolved.level})"


def report(outcome: Outcome, state: State, *, whole: bool = True) -> RenderableType:
    """What a check came to: verdicts and reasons, the evidence of the first bad one if ``whole``, a hint or the lesson.

    The state is how far the lab has come with it. What was tried for the first bad one takes the place of the hint.
    """
    exercise = outcome.exercise
    parts: list[RenderableType] = [_title(exercise), _wanted(exercise)]
    for base in outcome.facts:
        parts += _on_base(outcome, base)
    if outcome.solved:
        return Group(*parts, *_section("Solved. What to remember", Text(exercise.lesson)))
    if whole and (shown := (*outcome.failing, *outcome.untested)):
        parts += _evidence(shown[0])
    if outcome.failing:
        bad = outcome.failing[0].row
        parts += how_to_fix(bad) if bad.tried else _hints(exercise, state)[-1:]
    elif outcome.untested:
        parts.append(Text("\nNot tested: this does not count as a try, and uses up no hint."))
    else:
        shells = " or ".join(exercise.on)
        elsewhere = f"this lab is about a base whose /bin/sh is {shells}, and none of these is one"
        parts.append(Text(f"\nAll is well here. But {elsewhere}: it counts as solved when it is checked there."))
    return Group(*parts)


def hints(exercise: Exercise, state: State) -> RenderableType:
    """The hints shown so far."""
    return Group(_title(exercise), *_hints(exercise, state))


def solution(exercise: Exercise) -> str:
    """What changes from a lab's start to its solution, as a unified diff."""
    lines: list[str] = []
    for name, content in exercise.solution.items():
        before, after = (text.decode().splitlines(keepends=True) for text in (exercise.start.get(name, b""), content))
        lines += difflib.unified_diff(before, after, f"a/{exercise.key}/{name}", f"b/{exercise.key}/{name}")
    return "".join(lines)


def _title(exercise: Exercise) -> Text:
    return Text.assemble((f"{exercise.key}: {exercise.title}", "bold"), (f" ({exercise.level})", "dim"))


def _wanted(exercise: Exercise) -> RenderableType:
    table = Table.grid(Column(no_wrap=True), "", padding=(0, 2))
    for verdict, names in wanted(exercise).items():
        table.add_row(", ".join(names), look(verdict).append(f": {verdict.meaning}", style="dim"))
    for words, names in kept(exercise).items():
        table.add_row(", ".join(names), Text(f"and {words}"))
    return Group(*_section("Wanted", table))


def _on_base(outcome: Outcome, base: str) -> list[RenderableType]:
    columns = Column(no_wrap=True), Column(no_wrap=True), Column(overflow="fold")
    table = Table.grid(*columns, padding=(0, 2))
    before = ""
    for result in outcome.results:
        if result.row.base == base:
            reason = result.row.reason
            text = Text("as above" if reason == before else printable(reason.partition("\n")[0]))
            if result.lacks:
                text.append(f"\n✗ {result.lacks}", style="red")
            table.add_row(result.goal.name, look(result.row.verdict), text)
            before = reason
    shell = outcome.facts[base].shell
    beside = f"  /bin/sh is {printable(shell)}" if shell else ""
    heading = Text.assemble("\n", (printable(base), "bold"), (beside, "dim"))
    return [heading, Padding(table, _INDENT, expand=False)]


def _evidence(result: GoalResult) -> list[RenderableType]:
    """What the verdict on one goal rests on, as far as there is something to see."""
    row = result.row
    evidence = row.evidence
    parts: list[RenderableType] = []
    if more := row.reason.partition("\n")[2]:
        parts += _section("What was said", plain(textwrap.dedent(more)))
    if evidence.tree is not None:
        tree = evidence.tree.after if row.finding and row.finding.marked else evidence.tree.before
        if tree:
            parts += _section("Processes", processes(tree))
        if row.signal is not None and evidence.path is not None:
            parts += _section("The path of the signal", path_table(row))
    if lines := evidence.logs[-_LOG_TAIL:]:
        parts += _section("The log", *map(plain, lines))
    if not parts:
        return []
    of_many = f", one of {len(row.runs)} runs" if len(row.runs) > 1 else ""
    return [Text(printable(f"\nEvidence: {result.goal.name} on {row.base}{of_many}"), style="bold"), *parts]


def _hints(exercise: Exercise, state: State) -> list[RenderableType]:
    """Each hint shown so far, below its heading."""
    return [
        Group(*_section(f"Hint {number} of {len(exercise.hints)}", Text(hint)))
        for number, hint in enumerate(state.shown(exercise), start=1)
    ]


def _section(title: str, *body: RenderableType) -> list[RenderableType]:
    return [Text(f"\n{title}", style="bold"), Padding(Group(*body), _INDENT, expand=False)]
