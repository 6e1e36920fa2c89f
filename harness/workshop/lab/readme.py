"""What an attendee reads in the folder of the labs, and in each lab's own. Records in, Markdown out; pure."""

from __future__ import annotations

import textwrap
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.verdict import Verdict
    from harness.workshop.lab.exercises import Exercise

FILE_NAME: Final = "README.md"
_WIDTH: Final = 80


def wanted(exercise: Exercise) -> dict[Verdict, list[str]]:
    """What must be found, and the goals that want it."""
    names: dict[Verdict, list[str]] = {}
    for goal in exercise.goals:
        names.setdefault(goal.probe.good, []).append(goal.name)
    return names


def kept(exercise: Exercise) -> dict[str, list[str]]:
    """What the log must say besides, in words, and the goals that want it."""
    names: dict[str, list[str]] = {}
    for name, texts in exercise.keeps.items():
        names.setdefault(f"the log says {', then '.join(f'`{text}`' for text in texts)}", []).append(name)
    return names


def of_lab(exercise: Exercise) -> str:
    """The README of one lab: its task, what is checked, and how."""
    goals = [f"- {', '.join(names)}: {verdict}, {verdict.meaning}" for verdict, names in wanted(exercise).items()]
    goals += [f"- {', '.join(names)}: {words}" for words, names in kept(exercise).items()]
    return _page(
        f"# {exercise.number}. {exercise.title}",
        f"Level: {exercise.level}",
        exercise.task,
        "What the check wants to find:",
        "\n".join(goals),
        "In this folder:",
        "    signal-harness lab check      # is it solved? if not: evidence, and a hint\n"
        "    signal-harness lab hint       # one more hint\n"
        f"    signal-harness lab reset {exercise.number}    # back to the start; your files are kept",
    )


def of_all(exercises: Sequence[Exercise]) -> str:
    """The README of the whole folder."""
    return _page(
        "# Signals in containers: the labs",
        "Each folder holds a container in which a signal is lost, and a README.md that says what is wanted. Edit "
        "the files, and check.",
        "\n".join(f"- [{lab.number}. {lab.title}]({lab.key}/{FILE_NAME}) ({lab.level})" for lab in exercises),
        "Here, or in the folder of a lab:",
        "    signal-harness lab              # how far you are\n"
        "    signal-harness lab check        # the lab you are in, else the next one\n"
        "    signal-harness lab check 3      # another one, by number or name\n"
        "    signal-harness lab hint         # one more hint\n"
        "    signal-harness lab solution 3   # what to change, as a diff\n"
        "    signal-harness lab reset 3      # back to the start; your files are kept",
    )


def _page(*paragraphs: str) -> str:
    return "\n\n".join(map(_wrapped, paragraphs)) + "\n"


def _wrapped(text: str) -> str:
    """Text in lines that an editor shows whole; commands stay as they are."""
    if text.startswith("    "):
        return text
    fill = partial(textwrap.fill, width=_WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(fill(line, subsequent_indent="  " * line.startswith("- ")) for line in text.splitlines())
