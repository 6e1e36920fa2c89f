"""The exercises: what each asks, begins with and is solved by. Read from the package; files in, records out."""

from __future__ import annotations

import re
from enum import StrEnum
from importlib.resources import files
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import structs

from harness.catalogues import load_catalogue
from harness.core.errors import UsageError
from harness.core.question import Question
from harness.core.toml import read_toml
from harness.core.verdict import Expected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.core.facts import BaseFacts
    from harness.core.subject import Expectation

FILE_NAME: Final = "lab.toml"
_FOLDER: Final = re.compile(r"([1-9][0-9]*)-([a-z0-9][a-z0-9-]*)")


class Level(StrEnum):
    """How hard an exercise is."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


class Shell(StrEnum):
    """What ``/bin/sh`` is on the bases that an exercise is about."""

    DASH = "dash"
    BUSYBOX = "busybox"


class Lab(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A ``lab.toml``.

    ``on`` are the shells of the bases that it is checked on. ``copies`` names files of the sample app that the start
    state has, too. ``keeps`` are texts that the log of a goal's run must have, each in a line behind that of the one
    before: work of the attendee's container that must not get lost.
    """

    title: str
    level: Level
    task: str
    on: tuple[Shell, ...]
    hints: tuple[str, ...]
    lesson: str
    copies: tuple[str, ...] = ()
    keeps: dict[str, tuple[str, ...]] = {}


class Exercise(Lab, frozen=True, kw_only=True):
    """One exercise. ``start`` and ``solution`` are files by name; the solution's replace those of the start."""

    number: int
    name: str
    goals: tuple[Question, ...]
    start: dict[str, bytes] = {}
    solution: dict[str, bytes] = {}

    @property
    def key(self) -> str:
        """The name of its folder, ``1-shell-form``."""
        return f"{self.number}-{self.name}"

    def fits(self, base: BaseFacts) -> bool:
        """Whether a base has one of the shells that it is about."""
        return any(map(base.has_shell, self.on))


def load(folder: Path | None = None) -> tuple[Exercise, ...]:
    """Read all exercises from a folder, or from this package; the first one first.

    Raises:
        UsageError: one is not well-formed; the message names the file.
    """
    folder = folder or Path(str(files("harness.workshop.lab"))) / "exercises"
    exercises = [_read(place) for place in folder.iterdir() if place.is_dir()]
    return tuple(sorted(exercises, key=lambda exercise: exercise.number))


def _read(place: Path) -> Exercise:
    parts = _FOLDER.fullmatch(place.name)
    if not parts:
        raise UsageError(f"{place} is not a lab folder", remedy="Its name must be <number>-<name>.")
    file = place / FILE_NAME
    try:
        lab = read_toml(file.read_text(encoding="utf-8"), Lab, place=str(file))
        ours, catalogue = load_catalogue(None)
        copies = [ours / catalogue.context / name for name in lab.copies]
        start = _files(copies) | _files((place / "start").iterdir())
        solution = _files((place / "solution").iterdir())
    except (UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{file}: {error}") from error
    _, catalogue = load_catalogue(place / "start")
    if [variant.name for variant in catalogue.variants] != [parts[2]]:
        raise UsageError(f"{place}: start/catalogue.toml must have one variant, {parts[2]}")
    goals = goals_of(catalogue.variants[0].expect)
    texts = (lab.title, lab.task, lab.lesson, *lab.hints)
    if not (goals and lab.on and lab.hints and all(text.strip() for text in texts)):
        raise UsageError(f"{file}: a lab needs goals, a shell, hints, and no empty text")
    if strange := lab.keeps.keys() - {goal.name for goal in goals}:
        raise UsageError(f"{file}: keeps names {min(strange)}, which is not a goal")
    lab = structs.replace(lab, task=flowing(lab.task), hints=tuple(map(flowing, lab.hints)), lesson=flowing(lab.lesson))
    facts = structs.asdict(lab)
    return Exercise(number=int(parts[1]), name=parts[2], goals=goals, start=start, solution=solution, **facts)


def _files(paths: Iterable[Path]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(paths)}


def goals_of(expect: Expectation) -> tuple[Question, ...]:
    """What a catalogue expects ``always``: signals first, by their names, then other probes."""
    signals = [Question(signal=signal) for signal, expected in expect.signals.items() if expected is Expected.ALWAYS]
    probes = [Question(probe=probe) for probe, expected in expect.probes.items() if expected is Expected.ALWAYS]
    return (*signals, *probes)


def flowing(text: str) -> str:
    """Text without the line breaks of its file: paragraphs stay apart, and so do the points of a list."""
    lines: list[str] = []
    for line in text.strip().splitlines():
        if lines and lines[-1] and line.strip() and not line.startswith("- "):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line.strip())
    return "\n".join(lines)


def named(exercises: Sequence[Exercise], text: str) -> Exercise:
    """The exercise that is meant by its number, its name, or (the path of) its folder.

    Raises:
        UsageError: there is none.
    """
    wanted = PurePath(text).name
    for exercise in exercises:
        if wanted in (str(exercise.number), exercise.name, exercise.key):
            return exercise
    known = ", ".join(exercise.key for exercise in exercises)
    raise UsageError(f"{text!r} is not a lab", remedy=f"Known labs: {known}.")
