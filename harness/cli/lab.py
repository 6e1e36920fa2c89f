"""``lab``: exercises for a workshop, each a broken container and a check that fails."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.help import EXIT_CODES, OUTPUT, PATH, WHAT, WHERE, Group
from harness.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.workshop.lab.folder import Replaced


def complete_labs(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    """Complete the name of a lab."""
    from harness.workshop.lab.exercises import load

    return [name for exercise in load() for name in (exercise.key, exercise.name) if name.startswith(start)]


_folder = WHERE.option(
    "--dir", "folder", type=PATH, metavar="DIR", help="Folder of the labs. [default: the one you are in, or signal-lab]"
)
_name = click.argument("name", metavar="[NAME]", required=False, shell_complete=complete_labs)
_needed_name = click.argument("name", metavar="NAME", shell_complete=complete_labs)


@click.group(
    cls=Group,
    invoke_without_command=True,
    examples=[
        "signal-harness lab start        # writes signal-lab",
        "signal-harness lab check        # the lab you are in, or the next one",
        "signal-harness lab check 3",
        "signal-harness lab solution 3",
    ],
    tables=[EXIT_CODES],
)
@click.pass_context
def lab(context: click.Context) -> None:
    """Learn by fixing broken containers.

    A check says what is wrong with each of them. NAME is the number, the name or the folder of a lab. Without a
    command, the labs are listed.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_labs)


@lab.command("start", examples=["signal-harness lab start", "signal-harness lab start ~/signal-lab"])
@click.argument("folder", metavar="[DIR]", required=False, type=PATH)
def start_labs(folder: Path | None) -> None:
    """Write the labs into a folder.

    The folder is signal-lab unless you name another. Existing files are kept; only missing ones are added.
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


@lab.command("list", examples=["signal-harness lab list"])
@_folder
def list_labs(folder: Path | None) -> None:
    """List the labs and your progress."""
    from harness.report.table import console
    from harness.workshop.lab.exercises import load
    from harness.workshop.lab.folder import find, look_for, read_progress
    from harness.workshop.lab.text import listing, standing

    exercises = load()
    place = look_for(None, here=_here()) if folder is None else find(folder, here=_here())
    progress = read_progress(place, exercises) if place else {}
    people = console()
    people.print(listing(exercises, progress))
    people.print(standing(exercises, progress) if place else "Begin with: signal-harness lab start", markup=False)


@lab.command(
    "check",
    examples=[
        "signal-harness lab check",
        "signal-harness lab check 3 --base node:24-alpine",
        "signal-harness lab check --all",
    ],
    tables=[EXIT_CODES],
)
@_name
@WHAT.option("--all", "every", is_flag=True, help="Check all labs, without the evidence.")
@WHAT.option(
    "--base", "bases", multiple=True, metavar="REF", help="Base to check on, instead of those of the lab. Repeatable."
)
@_folder
def check_lab(name: str | None, folder: Path | None, bases: tuple[str, ...], *, every: bool) -> None:
    """Check a lab; if it fails, show a hint.

    Once all hints are shown, fixes are tried, and what each brought is shown instead. Without NAME, it is the lab of
    the folder you are in, or the first one that is not solved.
    """
    from harness.report.progress import Progress
    from harness.report.table import console
    from harness.session import Hooks
    from harness.workshop.lab.check import check, counted
    from harness.workshop.lab.exercises import load
    from harness.workshop.lab.folder import find, meant, read_progress, record, state_of
    from harness.workshop.lab.progress import State, following
    from harness.workshop.lab.text import report, standing

    if name is not None and every:
        raise UsageError("--all means every lab, but one is named", remedy="Use one or the other.")
    exercises, here = load(), _here()
    place = find(folder, here=here)
    progress = read_progress(place, exercises)
    wanted = exercises if every else (meant(name, exercises, progress, folder=place, here=here),)
    people = console()
    codes: list[ExitCode] = []
    for exercise in wanted:
        with Progress() as bar:
            hooks = Hooks(note=bar.note, build=bar.build, result=bar.result)
            tries = not every and progress.get(exercise.key, State()).exhausted(exercise)
            outcome = check(exercise, state_of(place, exercise), bases=bases, tries=tries, hooks=hooks, begin=bar.begin)
        progress = record(place, exercises, exercise, partial(counted, outcome))
        people.print(report(outcome, progress[exercise.key], whole=not every))
        people.print()
        codes.append(outcome.code)
    say = partial(people.print, markup=False, soft_wrap=True)
    if every or outcome.solved:
        after = 0 if every else exercise.number
        say(standing(exercises, progress, after))
        if unsolved := following(exercises, progress, after):
            say(f"  cd {_shown(place / unsolved.key)}")
    elif outcome.code is not ExitCode.OK:
        where = _shown(place / exercise.key)
        files = "the files here" if where == os.curdir else f"the files in {where}"
        say(f"Edit {files}, and check again: signal-harness lab check {exercise.number}")
    sys.exit(next((code for code in (ExitCode.DIFFERS, ExitCode.UNTESTED) if code in codes), ExitCode.OK))


@lab.command("hint", examples=["signal-harness lab hint", "signal-harness lab hint 3"])
@_name
@_folder
def hint_lab(name: str | None, folder: Path | None) -> None:
    """Show the hints so far, and one more."""
    from harness.report.table import console
    from harness.workshop.lab.exercises import load
    from harness.workshop.lab.folder import find, meant, read_progress, record
    from harness.workshop.lab.text import hints

    exercises, here = load(), _here()
    place = find(folder, here=here)
    exercise = meant(name, exercises, read_progress(place, exercises), folder=place, here=here)
    state = record(place, exercises, exercise, lambda before: before.hinted(exercise))[exercise.key]
    people = console()
    people.print(hints(exercise, state))
    if state.hints >= len(exercise.hints):
        people.print(f"\nThat was the last one. To see what to change: signal-harness lab solution {exercise.number}")


@lab.command("solution", examples=["signal-harness lab solution 3", "signal-harness lab solution 3 --apply"])
@_needed_name
@OUTPUT.option("--apply", is_flag=True, help="Write it into your folder; a copy of your file is kept.")
@_folder
def show_solution(name: str, folder: Path | None, *, apply: bool) -> None:
    """Show the solution of a lab, or apply it.

    It is shown as a diff from the start of the lab.
    """
    from harness.report.table import console
    from harness.workshop.lab.exercises import load, named
    from harness.workshop.lab.folder import find, replace
    from harness.workshop.lab.text import solution

    exercises = load()
    exercise = named(exercises, name)
    if apply:
        _print_replaced(replace(find(folder, here=_here()), exercise, exercise.solution))
        click.echo(f"Check it: signal-harness lab check {exercise.number}")
        return
    text = solution(exercise)
    people = console()
    if people.is_terminal:
        from rich.syntax import Syntax

        people.print(Syntax(text, "diff", background_color="default", word_wrap=True))
    else:
        click.echo(text, nl=False)


@lab.command("reset", examples=["signal-harness lab reset 3"])
@_needed_name
@_folder
def reset_lab(name: str, folder: Path | None) -> None:
    """Reset a lab to its start.

    Copies of your files are kept.
    """
    from harness.workshop.lab.exercises import load, named
    from harness.workshop.lab.folder import find, record, replace
    from harness.workshop.lab.progress import State

    exercises = load()
    exercise = named(exercises, name)
    place = find(folder, here=_here())
    replaced = replace(place, exercise, exercise.start)
    record(place, exercises, exercise, lambda _: State())
    _print_replaced(replaced)
    click.echo(f"{exercise.key} is as at the start")


def _print_replaced(replaced: Iterable[Replaced]) -> None:
    for written in replaced:
        kept = f"; yours is kept as {written.copy.name}" if written.copy else ""
        click.echo(f"{_shown(written.file)}: written{kept}")


def _here() -> Path:
    """The folder that the command is called in."""
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError("the current folder no longer exists", remedy="Change to an existing one.") from error


def _shown(path: Path) -> str:
    """A path as one types it from here."""
    return os.path.relpath(path)
