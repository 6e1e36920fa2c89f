"""``demo``: a story in chapters, presented with real containers."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import structs

from harness.cli.help import EXIT_CODES, HOW, OUTPUT, PATH, WHAT, Command
from harness.cli.options import Seconds, code_of
from harness.cli.output import Output
from harness.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from harness.session import Selection, Session
    from harness.workshop.demo.keys import Keys
    from harness.workshop.demo.live import Batch
    from harness.workshop.story import Chapter, Story

_KEYS: Final = (
    "Keys",
    [
        ("n, space, →", "next: run the command, or continue"),
        ("b, ←", "back"),
        ("r", "repeat, in a fresh container"),
        ("s", "skip to the next chapter"),
        ("-, +", "slower, faster"),
        ("q", "quit"),
        ("?", "what each key does"),
    ],
)


def _complete_chapters(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    from harness.workshop.demo.launcher import load_story

    return [chapter.name for chapter in load_story(None).chapter if chapter.name.startswith(start)]


@click.command(
    cls=Command,
    examples=[
        "signal-harness demo --prepare         # needs network; the demo then does not",
        "signal-harness demo",
        "signal-harness demo --chapter twice   # or 3, 2-4, 5-",
        "signal-harness demo --auto --plain    # for a recording",
    ],
    tables=[_KEYS, EXIT_CODES],
)
@WHAT.option("--prepare", is_flag=True, help="Get and build everything the demo and the labs need, then exit.")
@WHAT.option(
    "--chapter",
    "chapters",
    multiple=True,
    metavar="NAME|N|N-M",
    shell_complete=_complete_chapters,
    help="Only this chapter or range of chapters. Repeatable.",
)
@HOW.option("--auto", is_flag=True, help="Advance without a presenter.")
@HOW.option("--pause", "pause_s", type=Seconds(0), default=6, help="How long each screen stays with --auto.")
@OUTPUT.option("--plain", is_flag=True, help="Print plain lines without colour, for a recording or a pipe.")
@OUTPUT.option("--html", metavar="F", default="signal-harness-demo.html", help="File for the final report.")
@OUTPUT.option("--open", "opens", is_flag=True, help="Open the final report in a browser.")
@WHAT.option(
    "--base", "bases", multiple=True, metavar="REF", help="Base image to show it on. Repeatable. [default: as for run]"
)
@WHAT.option("--catalogue", type=PATH, metavar="DIR", help="The folder of your own catalogue.toml and demo.toml.")
def demo(*, bases: tuple[str, ...], catalogue: Path | None, prepare: bool, **how: Any) -> None:
    """Present what signals do, on real containers.

    Each chapter shows a Dockerfile, asks the audience for a prediction, runs it with its log and process tree on the
    screen, shows the verdict, fixes the Dockerfile, and runs it again. The demo ends with the full table and a report.
    """
    from harness.core.signals import DEFAULT_SIGNALS
    from harness.session import Selection
    from harness.workshop.demo.launcher import GRACE_OF_DOCKER_S, load_story
    from harness.workshop.story import choose

    story = load_story(catalogue)
    chosen = choose(story, how.pop("chapters"))
    signals = tuple(dict.fromkeys([*DEFAULT_SIGNALS, *story.signals]))
    selection = Selection(bases=bases, catalogue=catalogue, signals=signals, grace_s=GRACE_OF_DOCKER_S)
    sys.exit(_prepare(selection, story) if prepare else _present(selection, story, chosen, **how))


def _keys() -> Keys:
    """The presenter's keys, which prompt_toolkit reads."""
    try:
        from harness.workshop.demo.keys import Keys
    except ModuleNotFoundError as error:
        if error.name != "prompt_toolkit":
            raise
        why = "the demo needs prompt_toolkit, which is not installed"
        raise UsageError(why, remedy="pip install 'signal-harness[workshop]'") from error
    return Keys()


def _present(
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
    from harness.workshop.demo.launcher import SessionLauncher
    from harness.workshop.demo.presentation import Presentation, steps_of
    from harness.workshop.demo.screens import row_line

    report = Output(html)
    console = table.console(plain=plain)
    keys = _keys()
    plain = plain or not console.is_terminal or console.is_dumb_terminal
    auto = auto or not keys.there
    numbered = [(number, chapter) for number, chapter in enumerate(story.chapter, start=1) if chapter in chapters]
    with ExitStack() as stack:
        with Progress("starting") as progress:
            session = stack.enter_context(Session(selection, Hooks(note=progress.note)))
        launcher = SessionLauncher(session, story, chapters)
        session.prepare(launcher.cells)
        whole = len(chapters) == len(story.chapter)
        steps = steps_of(numbered, session.catalogue, session.base_facts, engine=session.engine_facts.name, whole=whole)
        presentation = Presentation(steps, launcher, pause_s=pause_s if auto else None, chapters=len(story.chapter))
        stack.callback(presentation.close)
        if plain:
            lines.present(presentation, launcher.context, console, keys, hint=not auto)
        else:
            fullscreen.present(presentation, launcher.context, console, keys)
        rows = presentation.rows  # what is given up below says nothing
        if presentation.table is not None:
            _finish(session, presentation.table, report, console, opens=opens)
        else:
            for row in () if plain else rows:
                console.print(row_line(row))
            if presentation.step is not steps[-1]:
                number = max(presentation.step.number, 1)
                console.print(f"Go on there: signal-harness demo --chapter {number}-", markup=False)
    return code_of(rows, {})


def _finish(session: Session, batch: Batch, output: Output, console: Console, *, opens: bool) -> None:
    """Print the whole table, and write the report."""
    from harness.report import table
    from harness.report.formats import Format, render

    document = structs.replace(session.document(batch.rows), duration_s=round(batch.duration_s, 3))
    console.print(table.render(document))
    for line in filter(None, (table.claims(document), table.summary(document))):
        console.print(f"\n{line}", markup=False)
    output.write(render(Format.HTML, document))
    if output.path is not None:
        console.print(f"HTML: {output.path}", soft_wrap=True, markup=False)
        if opens:
            click.launch(str(output.path))


def _prepare(selection: Selection, story: Story) -> ExitCode:
    """Get the bases and build every image that the demo and the labs use."""
    from harness.report.progress import Progress
    from harness.session import Hooks, Session
    from harness.workshop.demo import prepare as demo
    from harness.workshop.lab import prepare as labs

    with Progress("images") as progress, Session(selection, Hooks(note=progress.note, build=progress.build)) as session:
        images = demo.prepare(session, story, begin=progress.begin, advance=progress.advance)
        bases = tuple(session.base_facts)
    with Progress("labs") as progress:
        labs.prepare(Hooks(note=progress.note, build=progress.build))
    what = f"The images of the demo ({images}, on {' and '.join(bases)}) and of the labs"
    click.echo(f"{what} are there: neither needs network from here on.")
    return ExitCode.OK
