"""``demo``: a told story for a room, with real containers."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from harness.cli.options import EXIT_CODES, Seconds, code_of
from harness.cli.output import Output
from harness.core.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from harness.session import Selection, Session
    from harness.workshop.demo.live import Batch
    from harness.workshop.story import Chapter, Story

_KEYS: Final = """\b
Keys:
  n, space, →   next: run the command, or go on     s  skip to the next chapter
  b, ←          back                                -  slower
  r             repeat, in a fresh container        +  faster
  q             quit
"""
_EXAMPLES: Final = """\b
Examples:
  signal-harness demo --prepare          while there is network
  signal-harness demo
  signal-harness demo --chapter twice    that one; 3, 2-4 and 5- work as well
  signal-harness demo --auto --plain     for a recording

"""
_HTML: Final = "signal-harness-demo.html"


def _complete_chapters(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    from harness.workshop.demo.launcher import load_story

    return [chapter.name for chapter in load_story(None).chapter if chapter.name.startswith(start)]


@click.command(epilog=_KEYS + _EXAMPLES + EXIT_CODES)
@click.option("--prepare", is_flag=True, help="Get and build all that the demo and the labs need, and show nothing.")
@click.option(
    "--chapter",
    "chapters",
    multiple=True,
    metavar="NAME|N|N-M",
    shell_complete=_complete_chapters,
    help="Only these chapters. Repeatable.",
)
@click.option("--auto", is_flag=True, help="Go on without a presenter.")
@click.option(
    "--pause",
    "pause_s",
    type=Seconds(0),
    default=6,
    show_default=True,
    metavar="SECONDS",
    help="How long each screen stays, with --auto.",
)
@click.option("--plain", is_flag=True, help="Lines one after another, without colour: for a recording or a pipe.")
@click.option("--html", metavar="F", default=_HTML, show_default=True, help="Where the report goes at the end.")
@click.option("--open", "opens", is_flag=True, help="Open the report in a browser at the end.")
@click.option("--base", "bases", multiple=True, metavar="REF", help="Where it plays. Repeatable. [default: as for run]")
@click.option(
    "--catalogue",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Your own catalogue.toml and demo.toml.",
)
def demo(*, bases: tuple[str, ...], catalogue: Path | None, prepare: bool, **how: Any) -> None:
    """Tell what signals do, chapter by chapter, with real containers: predict first, then see.

    Each chapter shows a Dockerfile, asks the room, runs it with the log and the process tree in snapshot, tells the
    verdict, mends it, and runs it again. It ends with the whole table and a report.
    """
    from harness.core.signals import DEFAULT_SIGNALS
    from harness.session import Selection
    from harness.workshop.demo.launcher import GRACE_OF_DOCKER_S, load_story
    from harness.workshop.story import choose

    story = load_story(catalogue)
    chosen = choose(story, how.pop("chapters"))
    signals = tuple(dict.fromkeys([*DEFAULT_SIGNALS, *story.signals]))
    selection = Selection(bases=bases, catalogue=catalogue, signals=signals, grace_s=GRACE_OF_DOCKER_S)
    sys.exit(_prepare(selection, story) if prepare else _show(selection, story, chosen, **how))


def _show(
    selection: Selection,
    story: Story,
    chapters: Sequence[Chapter],
    *,
    auto: bool,
    pause_s: float,
    plain: bool,
    html: str,
    opens: bool,
) -> ExitCode:
    from harness.report import table
    from harness.report.progress import Progress
    from harness.session import Hooks, Session
    from harness.workshop.demo import fullscreen
    from harness.workshop.demo import plain as lines
    from harness.workshop.demo.keys import Keys
    from harness.workshop.demo.launcher import SessionLauncher
    from harness.workshop.demo.presentation import Presentation, steps_of
    from harness.workshop.demo.screens import outcome

    report = Output(html)
    console = table.console(plain=plain)
    keys = Keys()
    plain = plain or not console.is_terminal or console.is_dumb_terminal
    auto = auto or not keys.there
    numbered = [(number, chapter) for number, chapter in enumerate(story.chapter, start=1) if chapter in chapters]
    with ExitStack() as stack:
        with Progress("starting") as progress:
            session = stack.enter_context(Session(selection, Hooks(note=progress.note)))
        launcher = SessionLauncher(session, story, chapters)
        session.prepare(launcher.cells)
        whole = len(chapters) == len(story.chapter)
        steps = steps_of(numbered, session.catalogue, session.base_facts, whole=whole)
        show = Presentation(steps, launcher, pause_s=pause_s if auto else None, chapters=len(story.chapter))
        stack.callback(show.close)
        if plain:
            lines.narrate(show, launcher.context, console, keys, hint=not auto)
        else:
            fullscreen.present(show, launcher.context, console, keys)
        results = show.results
        if show.table is not None:
            _end(session, show.table, report, console, opens=opens)
        else:
            for result in () if plain else results:
                console.print(outcome(result))
            if show.step is not steps[-1]:
                console.print(f"Go on there: signal-harness demo --chapter {max(show.step.number, 1)}-", markup=False)
    return code_of(results, {})


def _end(session: Session, batch: Batch, output: Output, console: Console, *, opens: bool) -> None:
    """Print the whole table, and write the report."""
    from harness.report import table
    from harness.report.describe import describe
    from harness.report.formats import Format, render

    report = replace(session.report(batch.results), duration_s=round(batch.duration_s, 3))
    console.print(table.render(report))
    for said in (table.claims(report), table.summary(report)):
        if said:
            console.print(f"\n{said}", markup=False)
    output.write(render(Format.HTML, describe(report)))
    if output.path is not None:
        console.print(f"HTML: {output.path}", soft_wrap=True, markup=False)
        if opens:
            click.launch(str(output.path))


def _prepare(selection: Selection, story: Story) -> ExitCode:
    """Get the bases and build every image that the demo and the labs use."""
    from harness.report.progress import Progress
    from harness.session import Hooks, Session
    from harness.workshop.demo.launcher import SessionLauncher
    from harness.workshop.lab.prepare import prepare

    with Progress("images") as progress, Session(selection, Hooks(note=progress.note, build=progress.build)) as session:
        cells = (*SessionLauncher(session, story, story.chapter).cells, *session.cells)
        wanted = {(cell.base, cell.variant.name): cell for cell in cells}
        images = session.prepare(wanted.values())
        progress.begin(len(images))
        for image in images:
            image.result()
            progress.advance()
        bases = tuple(session.base_facts)
    with Progress("labs") as progress:
        prepare(Hooks(note=progress.note, build=progress.build))
    click.echo(
        f"The images of the demo ({len(images)}, on {' and '.join(bases)}) and of the labs are there: "
        "neither needs network from here on."
    )
    return ExitCode.OK
