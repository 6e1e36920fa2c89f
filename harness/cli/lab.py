"""``lab``: exercises for a workshop, each a broken container and a check that fails."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from harness.cli.options import EXIT_CODES
from harness.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from harness.workshop.lab.exercises import Exercise
    from harness.workshop.lab.folder import Replaced
    from harness.workshop.lab.progress import Progress

_EXAMPLES: Final = """\b
Examples:
  signal-harness lab start            # writes signal-lab
  signal-harness lab check            # the lab you are in, else the next one
  signal-harness lab check 3
  signal-harness lab solution 3

"""


def complete_labs(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    """Complete the name of a lab."""
    from harness.workshop.lab.exercises import load

    return [name for exercise in load() for name in (exercise.key, exercise.name) if name.startswith(start)]


_folder = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder of the labs. [default: the one you are in, else signal-lab]",
)
_name = click.argument("name", metavar="[NAME]", required=False, shell_complete=complete_labs)
_needed_name = click.argument("name", metavar="NAME", shell_complete=complete_labs)


@click.group(invoke_without_command=True, epilog=_EXAMPLES + EXIT_CODES)
@click.pass_context
def lab(context: click.Context) -> None:
    """Learn by mending: broken containers, and a check that says what is wrong with them.

    NAME is the number, the name or the folder of a lab. Without a command, the labs are listed.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_labs)


@lab.command("start")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
def start_labs(folder: Path | None) -> None:
    """Write the labs into a folder, signal-lab if none is named.

    What is there already stays as it is: only what is missing is added.
    """
    from harness.workshop.lab.exercises import load
    from harness.workshop.lab.folder import DEFAULT, look_for, start

    exercises = load()
    folder = folder or look_for(None, here=_here()) or DEFAULT
    written = start(folder, exercises)
    shown = _shown(folder)
    if written.left:
        click.echo(f"{shown} was there: {written.added} files added, {written.left} left as they are")
    else:
        click.echo(f"{shown}: {len(exercises)} labs, {written.added} files")
    click.echo(f"Next: cd {_shown(folder / exercises[0].key)}, read README.md, then: signal-harness lab check")


@lab.command("list")
@_folder
def list_labs(folder: Path | None) -> None:
    """List the labs, how far each has come, and which one is next."""
    from harness.report.table import console
    from harness.workshop.lab.exercises import load
    from harness.workshop.lab.folder import find, look_for, read_progress
    from harness.workshop.lab.text import listing, standing

    exercises = load()
    found = look_for(folder, here=_here()) if folder is None else find(folder, here=_here())
    progress = read_progress(found, exercises) if found else {}
    people = console()
    people.print(listing(exercises, progress))
    people.print(standing(exercises, progress) if found else "Begin with: signal-harness lab start", markup=False)


@lab.command("check", epilog=EXIT_CODES)
@_name
@click.option("--all", "every", is_flag=True, help="Check all labs, and leave out the evidence.")
@click.option(
    "--base",
    "bases",
    multiple=True,
    metavar="REF",
    help="Base to check on, in the place of those that the lab is about. Repeatable.",
)
@_folder
def check_lab(name: str | None, folder: Path | None, bases: tuple[str, ...], *, every: bool) -> None:
    """Check a lab; if it fails, show evidence and a hint.

    Without NAME it is the lab of the folder you are in, else the first one that is not solved.
    """
    if name is not None and every:
        raise UsageError("--all is every lab, and one is named", remedy="Leave out one of the two.")
    sys.exit(_check(name, folder, bases, every=every))


def _check(name: str | None, chosen: Path | None, bases: tuple[str, ...], *, every: bool) -> ExitCode:
    from harness.report.progress import Progress
    from harness.report.table import console
    from harness.session import Hooks
    from harness.workshop.lab.check import check, counted
    from harness.workshop.lab.exercises import load
    from harness.workshop.lab.folder import find, meant, read_progress, record, state_of
    from harness.workshop.lab.text import outcome

    exercises, here = load(), _here()
    folder = find(chosen, here=here)
    progress = read_progress(folder, exercises)
    wanted = exercises if every else (meant(name, exercises, progress, folder=folder, here=here),)
    people = console()
    codes: list[ExitCode] = []
    for exercise in wanted:
        with Progress() as bar:
            hooks = Hooks(note=bar.note, build=bar.build, result=bar.result)
            found = check(exercise, state_of(folder, exercise), bases=bases, hooks=hooks, begin=bar.begin)
        progress = record(folder, exercises, exercise, partial(counted, found))
        people.print(outcome(found, progress[exercise.key], whole=not every))
        people.print()
        codes.append(found.code)
    if every or found.solved:
        _tell_next(people, exercises, progress, folder, after=0 if every else exercise.number)
    elif found.code is not ExitCode.OK:
        where = _shown(folder / exercise.key)
        files = "the files here" if where == os.curdir else f"the files in {where}"
        again = f"Edit {files}, and check again: signal-harness lab check {exercise.number}"
        people.print(again, markup=False, soft_wrap=True)
    return next((code for code in (ExitCode.DIFFERS, ExitCode.UNTESTED) if code in codes), ExitCode.OK)


def _tell_next(
    people: Console, exercises: Sequence[Exercise], progress: Progress, folder: Path, *, after: int = 0
) -> None:
    from harness.workshop.lab.progress import following
    from harness.workshop.lab.text import standing

    people.print(standing(exercises, progress, after), markup=False, soft_wrap=True)
    if found := following(exercises, progress, after):
        people.print(f"  cd {_shown(folder / found.key)}", markup=False, soft_wrap=True)


@lab.command("hint")
@_name
@_folder
def hint_lab(name: str | None, folder: Path | None) -> None:
    """Show the hints of a lab that you have had so far, and one more."""
    from harness.report.table import console
    from harness.workshop.lab.exercises import load
    from harness.workshop.lab.folder import find, meant, read_progress, record
    from harness.workshop.lab.text import hints

    exercises, here = load(), _here()
    found = find(folder, here=here)
    exercise = meant(name, exercises, read_progress(found, exercises), folder=found, here=here)
    state = record(found, exercises, exercise, lambda before: before.hinted(exercise))[exercise.key]
    people = console()
    people.print(hints(exercise, state))
    if state.hints >= len(exercise.hints):
        people.print(f"\nThat was the last one. To see what to change: signal-harness lab solution {exercise.number}")


@lab.command("solution")
@_needed_name
@click.option("--apply", is_flag=True, help="Write it into your folder; a copy of your own file is kept.")
@_folder
def show_solution(name: str, folder: Path | None, *, apply: bool) -> None:
    """Show what solves a lab, as a diff from its start, or write it."""
    from harness.report.table import console
    from harness.workshop.lab.exercises import load, named
    from harness.workshop.lab.folder import find, replace
    from harness.workshop.lab.text import solution

    exercises = load()
    exercise = named(exercises, name)
    if apply:
        _tell_replaced(replace(find(folder, here=_here()), exercise, exercise.solution))
        click.echo(f"Check it: signal-harness lab check {exercise.number}")
        return
    text = solution(exercise)
    people = console()
    if people.is_terminal:
        from rich.syntax import Syntax

        people.print(Syntax(text, "diff", background_color="default", word_wrap=True))
    else:
        click.echo(text, nl=False)


@lab.command("reset")
@_needed_name
@_folder
def reset_lab(name: str, folder: Path | None) -> None:
    """Put a lab back to its start; copies of your own files are kept."""
    from harness.workshop.lab.exercises import load, named
    from harness.workshop.lab.folder import find, record, replace
    from harness.workshop.lab.progress import State

    exercises = load()
    exercise = named(exercises, name)
    found = find(folder, here=_here())
    replaced = replace(found, exercise, exercise.start)
    record(found, exercises, exercise, lambda _: State())
    _tell_replaced(replaced)
    click.echo(f"{exercise.key} is as at the start")


def _tell_replaced(replaced: Iterable[Replaced]) -> None:
    for one in replaced:
        kept = f"; yours is kept as {one.copy.name}" if one.copy else ""
        click.echo(f"{_shown(one.file)}: written{kept}")


def _here() -> Path:
    """The folder that the command is called in."""
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError("the folder you are in is gone", remedy="Change to one that is there.") from error


def _shown(path: Path) -> str:
    """A path as one types it from here."""
    return os.path.relpath(path)
