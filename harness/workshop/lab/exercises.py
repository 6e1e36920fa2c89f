"""The exercises: what each asks, begins with and is solved by. Read from the package; files in, records out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final

import msgspec

from harness.core.errors import UsageError
from harness.core.question import Probe
from harness.core.verdict import Expected
from harness.session import load_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.core.signals import Signal
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """What must be found well: a signal, or another probe."""

    probe: Probe
    signal: Signal | None = None

    @property
    def name(self) -> str:
        """The goal in one word, as `harness.core.model.Cell.question` says it."""
        return self.signal.name if self.signal else self.probe.value


@dataclass(frozen=True, kw_only=True, slots=True)
class Exercise:
    """One exercise.

    ``on`` are the shells of the bases that it is checked on. ``keeps`` are texts that the log of a goal's run must
    have, each in a line behind that of the one before: work of the attendee's container that must not get lost.
    ``start`` and ``solution`` are files by name; the solution's take the place of those of the start.
    """

    number: int
    name: str
    title: str
    level: Level
    task: str
    on: tuple[Shell, ...]
    hints: tuple[str, ...]
    lesson: str
    goals: tuple[Goal, ...]
    keeps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    start: Mapping[str, bytes] = field(default_factory=dict)
    solution: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name of its folder, ``1-shell-form``."""
        return f"{self.number}-{self.name}"


class _Lab(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A ``lab.toml``. ``copies`` names files of the sample app that the start state has, too."""

    title: str
    level: Level
    task: str
    on: tuple[Shell, ...]
    hints: tuple[str, ...]
    lesson: str
    copies: tuple[str, ...] = ()
    keeps: dict[str, tuple[str, ...]] = {}


def load(folder: Path | None = None) -> tuple[Exercise, ...]:
    """Read all exercises, the first one first.

    Args:
        folder: where they are; in this package if none is given.

    Raises:
        UsageError: one is not well-formed; the message names the file.
    """
    folder = folder or Path(str(files("harness.workshop.lab"))) / "exercises"
    found = [_read(place) for place in folder.iterdir() if place.is_dir()]
    return tuple(sorted(found, key=lambda exercise: exercise.number))


def _read(place: Path) -> Exercise:
    parts = _FOLDER.fullmatch(place.name)
    if not parts:
        raise UsageError(f"{place} is no folder of a lab", remedy="It is called <number>-<name>.")
    file = place / FILE_NAME
    try:
        lab = msgspec.toml.decode(file.read_bytes(), type=_Lab)
        start = _files(_sample_app() / name for name in lab.copies) | _files((place / "start").iterdir())
        solution = _files((place / "solution").iterdir())
    except (msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{file}: {error}") from error
    _, catalogue = load_catalogue(place / "start")
    if [variant.name for variant in catalogue.variants] != [parts[2]]:
        raise UsageError(f"{place}: start/catalogue.toml must have one variant, {parts[2]}")
    goals = goals_of(catalogue.variants[0].expect)
    texts = (lab.title, lab.task, lab.lesson, *lab.hints)
    if not (goals and lab.on and lab.hints and all(text.strip() for text in texts)):
        raise UsageError(f"{file}: a lab needs goals, a shell, hints, and no empty text")
    if strange := lab.keeps.keys() - {goal.name for goal in goals}:
        raise UsageError(f"{file}: keeps tells of {min(strange)}, which is no goal")
    return Exercise(
        number=int(parts[1]),
        name=parts[2],
        title=lab.title,
        level=lab.level,
        task=flowing(lab.task),
        on=lab.on,
        hints=tuple(map(flowing, lab.hints)),
        lesson=flowing(lab.lesson),
        goals=goals,
        keeps=lab.keeps,
        start=start,
        solution=solution,
    )


def _sample_app() -> Path:
    folder, catalogue = load_catalogue(None)
    return folder / catalogue.context


def _files(paths: Iterable[Path]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(paths)}


def goals_of(expect: Expectation) -> tuple[Goal, ...]:
    """What a catalogue expects ``always``: signals first, by their names, then other probes."""
    signals = [signal for signal, expected in expect.signals.items() if expected is Expected.ALWAYS]
    probes = [probe for probe, expected in expect.probes.items() if expected is Expected.ALWAYS]
    return (
        *(Goal(probe=Probe.SIGNAL, signal=signal) for signal in signals),
        *(Goal(probe=probe) for probe in probes),
    )


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
    raise UsageError(f"{text!r} is no lab", remedy=f"Known labs: {known}.")
