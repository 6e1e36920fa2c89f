"""Labs for people: the list, what a check came to, with evidence and hint, and the solution. Records in, text out."""

from __future__ import annotations

import difflib
import textwrap
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.core.evidence import ReapEvidence, SignalEvidence
from harness.report import explain
from harness.report.style import MEANINGS, look, printable
from harness.workshop.lab.progress import State, following
from harness.workshop.lab.readme import kept, wanted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from harness.workshop.lab.check import Found, Outcome
    from harness.workshop.lab.exercises import Exercise

_LOG_TAIL: Final = 12
_INDENT: Final = (0, 0, 0, 2)


def listing(exercises: Sequence[Exercise], progress: Mapping[str, State]) -> RenderableType:
    """All labs, how far each has come, and a mark at the next one."""
    next_one = following(exercises, progress)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("", "lab", "about", "level", "state"):
        table.add_column(heading, no_wrap=heading in ("", "lab", "level"))
    for exercise in exercises:
        mark = "→" if exercise is next_one else ""
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
    found = following(exercises, progress, after)
    if found is None:
        return (
            f"All {len(exercises)} labs are solved. Next: your own Dockerfile, with a catalogue.toml such as theirs:\n"
            "  signal-harness run --catalogue DIR"
        )
    return f"{done} of {len(exercises)} solved. Next: {found.key}, {found.title} ({found.level})"


def outcome(found: Outcome, state: State, *, whole: bool = True) -> RenderableType:
    """What a check came to: verdicts with their reasons, the evidence of the first bad one, and a hint or the lesson.

    Args:
        found: the check's outcome.
        state: how far the lab has come with it.
        whole: whether to show the evidence.
    """
    exercise = found.exercise
    parts: list[RenderableType] = [_title(exercise), _wanted(exercise)]
    for base in found.facts:
        parts += _on_base(found, base)
    if found.solved:
        return Group(*parts, *_section("Solved. What to remember", Text(exercise.lesson)))
    if whole and (shown := (*found.failing, *found.untested)):
        parts += _evidence(shown[0])
    if found.failing:
        parts += _hint(exercise, state)
    elif found.untested:
        parts.append(Text("\nNot tested: this counts as no try, and uses up no hint."))
    else:
        shells = " or ".join(exercise.on)
        parts.append(
            Text(
                f"\nAll is well here. But this lab is about a base whose /bin/sh is {shells}, and none of these is "
                "one: it counts as solved when it is checked there."
            )
        )
    return Group(*parts)


def hints(exercise: Exercise, state: State) -> RenderableType:
    """The hints shown so far."""
    parts: list[RenderableType] = [_title(exercise)]
    for number, hint in enumerate(state.shown(exercise), start=1):
        parts += _section(f"Hint {number} of {len(exercise.hints)}", Text(hint))
    return Group(*parts)


def solution(exercise: Exercise) -> str:
    """What changes from a lab's start to its solution, as a unified diff."""
    lines: list[str] = []
    for name, content in exercise.solution.items():
        lines += difflib.unified_diff(
            exercise.start.get(name, b"").decode().splitlines(keepends=True),
            content.decode().splitlines(keepends=True),
            fromfile=f"a/{exercise.key}/{name}",
            tofile=f"b/{exercise.key}/{name}",
        )
    return "".join(lines)


def _title(exercise: Exercise) -> Text:
    return Text.assemble((f"{exercise.key}: {exercise.title}", "bold"), (f" ({exercise.level})", "dim"))


def _wanted(exercise: Exercise) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    for verdict, names in wanted(exercise).items():
        table.add_row(", ".join(names), look(verdict).append(f": {MEANINGS[verdict]}", style="dim"))
    for words, names in kept(exercise).items():
        table.add_row(", ".join(names), Text(f"and {words}"))
    return Group(*_section("Wanted", table))


def _on_base(found: Outcome, base: str) -> list[RenderableType]:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    said = ""
    for one in found.found:
        if one.result.cell.base == base:
            reason = one.result.judgement.reason
            told = Text("as above" if reason == said else printable(reason.partition("\n")[0]))
            if one.lacks:
                told.append(f"\n✗ {one.lacks}", style="red")
            table.add_row(one.goal.name, look(one.result.verdict), told)
            said = reason
    shell = found.facts[base].shell
    heading = Text.assemble(
        "\n", (printable(base), "bold"), (f"  /bin/sh is {printable(shell)}" if shell else "", "dim")
    )
    return [heading, Padding(table, _INDENT, expand=False)]


def _evidence(found: Found) -> list[RenderableType]:
    """What the verdict on one goal rests on, as far as there is something to see."""
    result = found.result
    seen = result.evidence
    parts: list[RenderableType] = []
    _, _, more = result.judgement.reason.partition("\n")
    if more:
        parts += _section("What was said", _plain(textwrap.dedent(more)))
    if seen is not None:
        tree = seen.after if isinstance(seen, ReapEvidence) else seen.before
        if tree:
            parts += _section("Processes", explain.processes(tree))
        if isinstance(seen, SignalEvidence) and seen.trace is not None:
            parts += _section("The path of the signal", explain.path_table(seen))
    if lines := result.shown.evidence.logs[-_LOG_TAIL:]:
        parts += _section("The log", *(_plain(line.text) for line in lines))
    if not parts:
        return []
    of_many = f", one of {len(result.runs)} runs" if len(result.runs) > 1 else ""
    heading = printable(f"{found.goal.name} on {result.cell.base}{of_many}")
    return [Text.assemble("\n", ("Evidence: ", "bold"), (heading, "bold")), *parts]


def _hint(exercise: Exercise, state: State) -> list[RenderableType]:
    shown = state.shown(exercise)
    if not shown:
        return []
    return _section(f"Hint {len(shown)} of {len(exercise.hints)}", Text(shown[-1]))


def _section(title: str, *body: RenderableType) -> list[RenderableType]:
    return [Text(f"\n{title}", style="bold"), Padding(Group(*body), _INDENT, expand=False)]


def _plain(text: str) -> Text:
    """Text from a container: no markup, no control characters, and no word cut off."""
    return Text(printable(text), overflow="fold")
