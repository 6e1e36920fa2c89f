"""``run``: the matrix. ``explain``: one cell of it."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource
from msgspec import structs

from harness.cli.config import config_options, found_config, policy_of
from harness.cli.formats import SPELLING, format_options, targets_of
from harness.cli.help import EXIT_CODES, HOW, OUTPUT, PROBES, Command
from harness.cli.measuring import measure, measure_on, measure_over
from harness.cli.options import (
    asking,
    baseline_option,
    cell_arguments,
    chosen_of,
    code_of,
    code_of_run,
    engine_option,
    engines_option,
    matrix_options,
    no_try_option,
    one_cell_options,
    only_known,
    require_option,
    selection_of,
    share_option,
    together,
)
from harness.cli.output import Output, opened
from harness.cli.reporting import Reporting, resume_option
from harness.core.baseline import counterparts, of_engine, relevant
from harness.core.comparison import recorded
from harness.core.errors import ExitCode, UsageError
from harness.core.judged import comparisons_of, judged
from harness.core.policy import Limits, held_against, required_verdicts
from harness.core.question import Probe
from harness.report.formats import Format, render

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.console import RenderableType

    from harness.cli.measuring import Matrix
    from harness.core.baseline import Key, Recording
    from harness.core.comparison import Comparison
    from harness.core.document import Document
    from harness.core.ignoring import Ignore
    from harness.session import Selection, Session

_SVG: Final = "svg"
_LABELS: Final = {**{wanted.value: wanted.label for wanted in Format}, _SVG: "SVG"}


@click.command(
    cls=Command,
    examples=[
        "signal-harness run",
        "signal-harness run --base node:24-alpine --variant 'npm-*' --signal TERM",
        "signal-harness run --probe stop --baseline --json results.json",
        "signal-harness run --shard 1/3 --json part-1.json",
        "signal-harness run --dask tcp://10.0.0.1:8786 --json results.json",
        "signal-harness run --probe stop --baseline --json results.json --resume",
    ],
    tables=[PROBES, EXIT_CODES],
)
@matrix_options
@share_option
@config_options(defaults=False)
@baseline_option("Judge against")
@require_option
@engines_option
@HOW.option(
    "--dask",
    "scheduler",
    metavar="SCHEDULER",
    help="Run the cells on the workers of a dask scheduler, such as tcp://10.0.0.1:8786, on the engine beside each.",
)
@resume_option
@OUTPUT.option(
    "--table",
    type=click.Choice(["bases", "compared"]),
    help="One table per base, or one with the bases side by side. [default: bases; compared for three bases or more]",
)
@together(*(OUTPUT.option(f"--{wanted}", metavar="F", help=wanted.about) for wanted in Format))
@format_options
@OUTPUT.option("--svg", metavar="F", help="Write the printed output to a file, as a picture of a terminal.")
def run(
    baseline: Path | None,
    table: str | None,
    required: tuple[str, ...],
    resume: bool,
    scheduler: str | None,
    **chosen: Any,
) -> None:
    """Run the matrix: every variant on every base.

    Each signal is sent to a fresh container, or to one that is proven to be as it was before those that it has been
    sent. What a config ignores counts, and what comments in Dockerfiles do.
    With --json, each row is on disk as its cell ends, in a journal beside that file, until the results are.
    """
    from harness.files import read_recordings
    from harness.report import terminal_svg

    ctx = click.get_current_context()
    config, typed = found_config(ctx), _typed(ctx)
    ignores: list[Ignore] = []
    running: list[Matrix] = []
    outputs = dict(opened([*targets_of(ctx, chosen).items(), (_SVG, chosen.pop(_SVG))]))
    reporting = Reporting(outputs, resume=resume)
    engines = chosen.pop("engines")
    known, selection = read_recordings(baseline), selection_of(**chosen)
    asked = _asked(known, selection, chosen)
    if not chosen["signals"] and not chosen["probes"]:
        selection = only_known(selection, _of_bases(known, selection))
    codes: list[ExitCode] = []
    limits = Limits(required=required_verdicts(required))

    def write(document: Document) -> None:
        document = reporting.whole(document)
        document = structs.replace(document, results=tuple(map(limits.of, document.results)))
        if baseline is not None:
            document = _judged(document, known, asked, selection, running[0])
        document, told = held_against(document, policy_of(config, *ignores))
        reporting.lines.extend(told)
        compared = comparisons_of(document)
        codes.append(code_of_run(document, compared))
        reporting.parts.extend(_for_people(document, compared, table))
        texts: dict[str, partial[str]] = {
            wanted.value: partial(render, wanted, document, compared) for wanted in Format
        } | {_SVG: partial(terminal_svg.render, reporting.parts, typed)}
        reporting.write(document, [(wanted, _LABELS[wanted], text) for wanted, text in texts.items()])

    def begin(session: Matrix) -> None:
        running.append(session)
        ignores.extend(session.ignores)

    with reporting:
        measured = measure_on if scheduler is None else partial(measure_over, scheduler)
        measured(engines, selection, begin=begin, end=write, journal=reporting.journal)
    sys.exit(codes[0])


def _asked(known: Iterable[Recording], selection: Selection, chosen: Mapping[str, Any]) -> dict[str, Collection[Key]]:
    """Which recorded cells the options choose, by base, whatever engine they are of."""
    asked: dict[str, set[Key]] = {}
    for one in known:
        asked.setdefault(one.base.reference, set()).update(chosen_of(one, selection, chosen))
    return dict(asked)


def _of_bases(known: Sequence[Recording], selection: Selection) -> Iterator[Recording]:
    """What was recorded of the bases that a run has to do with, on any engine."""
    bases = {one.base.reference for one in relevant(known, selection.bases).values()}
    return (one for one in known if one.base.reference in bases)


def _judged(
    document: Document,
    known: Sequence[Recording],
    asked: Mapping[str, Collection[Key]],
    selection: Selection,
    session: Matrix,
) -> Document:
    """Results with what they are judged against: all that was asked for, or a part's own of it."""
    part = selection.share is not None
    keys = _in_part(asked, known, session) if part else asked
    return judged(document, known, keys, named=bool(selection.bases) or part, planned=session.references)


def _in_part(
    asked: Mapping[str, Collection[Key]], known: Sequence[Recording], session: Matrix
) -> dict[str, Collection[Key]]:
    """Which recorded cells a part of a run is asked for: its own of those that the whole run is."""
    own = {(cell.subject.base, cell.subject.name, cell.question.name) for cell in session.cells if cell.subject.base}
    mine: dict[str, Collection[Key]] = {one.base.reference: () for one in known}
    for engine in session.engines:
        for base, one in counterparts(of_engine(known, engine), session.references).items():
            mine[one.base.reference] = {key for key in asked[one.base.reference] if (base, *key) in own}
    return mine


def _typed(ctx: click.Context) -> str:
    """The command that was given, without where its reports go: a picture is for others to see."""
    words = ctx.command_path.split()
    for param in ctx.command.params:
        name = str(param.name)
        if (
            name in ctx.params
            and name not in (*_LABELS, *SPELLING, "resume", "scheduler")
            and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        ):
            given = ctx.params[name]
            for value in given if param.multiple else (given,):
                words += [param.opts[0], str(value)]
    return shlex.join(words)


def _for_people(document: Document, compared: Sequence[Comparison], table: str | None) -> list[RenderableType]:
    """What is printed of a run, part by part."""
    from rich.text import Text

    from harness.report import bases_table, difference
    from harness.report import table as tables
    from harness.report.remarks import remarks
    from harness.report.style import printable

    known = recorded(compared)
    side_by_side = table == "compared" or (table is None and len(document.bases) > bases_table.FEW)
    parts = [(bases_table if side_by_side else tables).render(document, known)]
    if changed := [comparison for comparison in compared if comparison.differences]:
        parts += [Text(), difference.render(changed)]
    caveats = [difference.caveat(comparison) for comparison in compared]
    lines = [tables.claims(document), *caveats, *remarks(document, compared), tables.summary(document, compared)]
    return [*parts, *(Text(f"\n{printable(line)}") for line in lines if line)]


@click.command(
    cls=Command,
    examples=[
        "signal-harness explain local:debian12-node24 npm-start SIGTERM",
        "signal-harness explain node:24-alpine tini stop",
        "signal-harness explain node:24-alpine npm-start-exec SIGTERM --svg path.svg",
    ],
    tables=[PROBES, EXIT_CODES],
)
@click.argument("base", metavar="BASE")
@cell_arguments
@one_cell_options
@engine_option
@config_options(defaults=False)
@no_try_option
@OUTPUT.option(
    "--svg",
    metavar="F",
    help="Draw the signal's path to a file, or - for standard output. Needs the kernel's signal record.",
)
def explain(base: str, variant: str, question: str, svg: str | None, **chosen: Any) -> None:
    """Explain one cell, from start to verdict.

    Shows what is started, where the signal goes, and what to change; where the verdict is bad, what may help is run.
    """
    from harness.report import explain as report
    from harness.report import sequence_svg, table

    config = found_config(click.get_current_context())
    ignores: list[Ignore] = []
    selection = selection_of(bases=(base,), variants=(variant,), **asking(question), **chosen)
    drawing = Output(svg)
    if drawing.wanted:
        _check_drawable(selection)

    def begin(session: Session) -> None:
        ignores.extend(session.ignores)
        if len(session.cells) != 1:
            raise UsageError(
                f"{len(session.cells)} cells match, but only one can be explained",
                remedy="Name one variant and one signal: signal-harness list",
            )
        if drawing.wanted and not session.engine_facts.trace:
            why = "the kernel's signal record is not available here"
            raise _no_path(why, "To see what it needs: signal-harness doctor")

    document, told = held_against(measure(selection, begin=begin), policy_of(config, *ignores))
    (row,) = document.results
    subject = document.subjects[row.subject]
    people = table.console(stderr=drawing.standard)
    # Commands are for copying: they are neither wrapped nor cut.
    people.print(report.render(row, subject), crop=False)
    for line in told:
        people.print(f"\n{line}", soft_wrap=True, markup=False)
    if drawing.wanted:
        drawing.write(sequence_svg.render(row, subject))
    if drawing.path is not None:
        people.print(f"\n{_LABELS[_SVG]}: {drawing.path}", soft_wrap=True, markup=False)
    sys.exit(code_of([row], {}))


def _check_drawable(selection: Selection) -> None:
    """Raise `UsageError` at once if no signal is sent, or if it is not to be recorded."""
    from harness.session import TraceMode

    for probe in selection.probes or ():
        if probe in (Probe.EXIT_CODE, Probe.REAP):
            raise _no_path(f"the probe {probe} sends no signal", "Name a signal, or one of the probes stop and tty.")
    if selection.trace is TraceMode.OFF:
        raise _no_path("--trace off turns the kernel's signal record off", "Leave out --trace off.")


def _no_path(why: str, remedy: str) -> UsageError:
    return UsageError(f"there is no path to draw: {why}", remedy=remedy)
