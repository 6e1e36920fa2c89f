"""The attendee's folder: written once, found again, and nothing in it overwritten that is the attendee's own."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.core.catalogue import FILE_NAME as CATALOGUE
from harness.core.errors import UsageError
from harness.files import replace_file
from harness.workshop.lab import readme
from harness.workshop.lab.exercises import named
from harness.workshop.lab.progress import State, decode, encode, following

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.workshop.lab.exercises import Exercise
    from harness.workshop.lab.progress import Progress

DEFAULT: Final = Path("signal-lab")
PROGRESS: Final = ".progress.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What `start` did: how many files it wrote, and how many it found there and left alone."""

    added: int
    left: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Replaced:
    """A file that was written in the place of another one, and the copy of that one, if it was the attendee's work."""

    file: Path
    copy: Path | None


def look_for(chosen: Path | None, *, here: Path) -> Path | None:
    """The attendee's folder: the chosen one, the one that ``here`` is in, or the usual one there; ``None`` if none is.

    It is known by its progress.
    """
    folders = (here, *here.parents, here / DEFAULT) if chosen is None else (chosen,)
    return next((folder for folder in folders if (folder / PROGRESS).is_file()), None)


def find(chosen: Path | None, *, here: Path) -> Path:
    """The attendee's folder, as `look_for` finds it.

    Raises:
        UsageError: there is none.
    """
    if folder := look_for(chosen, here=here):
        return folder
    remedy = f"Begin with: signal-harness lab start {chosen or ''}".rstrip()
    raise UsageError(f"there are no labs in {chosen or DEFAULT}", remedy=remedy)


def start(folder: Path, exercises: Sequence[Exercise]) -> Written:
    """Write all exercises; what is there already stays as it is.

    Raises:
        UsageError: the folder cannot be written, or its progress is malformed.
    """
    progress = folder / PROGRESS
    if progress.exists():
        read_progress(folder, exercises)
    wanted = {Path(readme.FILE_NAME): readme.of_all(exercises).encode()}
    for exercise in exercises:
        files = exercise.start | {readme.FILE_NAME: readme.of_lab(exercise).encode()}
        wanted |= {Path(exercise.key, name): content for name, content in files.items()}
    with _writing(folder):
        added = sum(_add(folder / name, content) for name, content in wanted.items())
        # The mark of a whole folder comes last: one that was cut off is completed by the next start.
        if not progress.exists():
            save_progress(folder, {})
    return Written(added=added, left=len(wanted) - added)


def replace(folder: Path, exercise: Exercise, files: Mapping[str, bytes]) -> tuple[Replaced, ...]:
    """Write files of an exercise over the attendee's; what is neither its start nor its solution is kept as a copy.

    Raises:
        UsageError: a file cannot be written.
    """
    replaced: list[Replaced] = []
    for name, content in files.items():
        file = folder / exercise.key / name
        with _writing(file):
            before = file.read_bytes() if file.exists() else None
            if before == content:
                continue
            ours = (None, exercise.start.get(name), exercise.solution.get(name))
            copy = None if before is None or before in ours else _keep(file, before)
            _write(file, content, new=False)
            replaced.append(Replaced(file=file, copy=copy))
    return tuple(replaced)


def read_progress(folder: Path, exercises: Sequence[Exercise]) -> Progress:
    """How far the attendee has come.

    Raises:
        UsageError: it cannot be read, or is malformed.
    """
    file = folder / PROGRESS
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    return decode(content, place=str(file), known=exercises)


def record(folder: Path, exercises: Sequence[Exercise], of: Exercise, change: Callable[[State], State]) -> Progress:
    """Change how far one lab has come, and return the progress of all.

    It is read once more for that: another check may have ended since.

    Raises:
        UsageError: it cannot be read or written, or is malformed; it is not overwritten then.
    """
    before = read_progress(folder, exercises)
    progress = before | {of.key: change(before.get(of.key, State()))}
    if progress[of.key] != before.get(of.key, State()):
        save_progress(folder, progress)
    return progress


def save_progress(folder: Path, progress: Progress) -> None:
    """Write progress, all of it or nothing.

    Raises:
        UsageError: it cannot be written.
    """
    file = folder / PROGRESS
    with _writing(file):
        replace_file(file, encode(progress).decode())


def meant(
    text: str | None, exercises: Sequence[Exercise], progress: Mapping[str, State], *, folder: Path, here: Path
) -> Exercise:
    """The lab that is meant: the one that is named, else the one that ``here`` is in, else the first unsolved one.

    Raises:
        UsageError: there is none of that name, or all are solved.
    """
    if text is not None:
        return named(exercises, text)
    place = here.resolve()
    inside = (exercise for exercise in exercises if place.is_relative_to(folder.resolve() / exercise.key))
    if exercise := next(inside, None) or following(exercises, progress):
        return exercise
    raise UsageError("all labs are solved", remedy="Name one, or check all again: signal-harness lab check --all")


def state_of(folder: Path, exercise: Exercise) -> Path:
    """Where the attendee's state of a lab is.

    Raises:
        UsageError: it is not there, or no longer whole enough to be checked.
    """
    place = folder / exercise.key
    if not (place / CATALOGUE).is_file():
        remedy = f"Put back what is missing, and nothing else: signal-harness lab start {folder}"
        raise UsageError(f"{place / CATALOGUE} is not there", remedy=remedy)
    return place


def _add(file: Path, content: bytes) -> bool:
    """Write a file that is not there yet; whether it was not."""
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write(file, content, new=True)
    except FileExistsError:
        return False
    return True


def _keep(file: Path, content: bytes) -> Path:
    """Keep a copy beside a file, under a name that is free, or has this very content."""
    for number in count(1):
        copy = file.with_name(f"{file.name}.mine{'' if number == 1 else f'.{number}'}")
        if _add(copy, content) or (copy.is_file() and copy.read_bytes() == content):
            return copy
    raise AssertionError("there is always a free name")


def _write(file: Path, content: bytes, *, new: bool) -> None:
    """Write a file; scripts get their run bit, whatever the way they came."""
    with file.open("xb" if new else "wb") as opened:
        opened.write(content)
    if content.startswith(b"#!"):
        file.chmod(0o755)


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{error.filename or file} cannot be written: {error.strerror}") from error
