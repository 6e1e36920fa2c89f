"""``run``: the matrix. ``explain``: one cell of it."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from harness.cli.measuring import measure
from harness.cli.options import (
    EXIT_CODES,
    OTHER_PROBES,
    PROBES,
    baseline_option,
    code_of,
    complete_questions,
    complete_variants,
    matrix_options,
    one_cell_options,
    selection_of,
)
from harness.cli.output import Output, opened
from harness.core.errors import ExitCode, UsageError
from harness.report.formats import Format, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import RenderableType

    from harness.core.comparison import Comparison
    from harness.core.result import Report
    from harness.session import Selection

_STORIES: Final = """\b
Examples:
  signal-harness explain local:debian12-node24 npm-start SIGTERM
  signal-harness explain node:24-alpine tini stop
  signal-harness explain local:debian12-node24 npm-start-exec SIGTERM --svg path.svg

"""
_SVG: Final = "svg"
_TITLES: Final = {
    Format.JSON: "Results",
    Format.JUNIT: "JUnit",
    Format.MARKDOWN: "Markdown",
    Format.HTML: "HTML",
    Format.SARIF: "SARIF",
    _SVG: "SVG",
}


@click.command(epilog=PROBES + EXIT_CODES)
@matrix_options
@baseline_option("Judge against")
@click.option(
    "--table",
    type=click.Choice(["bases", "compared"]),
    help="One table per base, or one with the bases side by side. [default: compared from three bases on]",
)
@click.option("--json", metavar="F", help="Write the results to a file, or - for standard output.")
@click.option("--junit", metavar="F", help="The same as JUnit XML.")
@click.option("--markdown", metavar="F", help="The same as Markdown, for a pull request or a step summary.")
@click.option("--html", metavar="F", help="The same as one HTML page with all evidence.")
@click.option("--sarif", metavar="F", help="The same as SARIF, for code scanning.")
@click.option("--svg", metavar="F", help="What is printed, as a picture of a terminal.")
def run(baseline: Path | None, table: str | None, **chosen: Any) -> None:
    """Run the matrix: every variant on every base, one fresh container per signal."""
    outputs = dict(opened([(wanted, chosen.pop(wanted)) for wanted in _TITLES]))
    typed = _typed(click.get_current_context())
    sys.exit(_run(selection_of(**chosen), outputs=outputs, baseline=baseline, table=table, typed=typed))


def _typed(ctx: click.Context) -> str:
    """The command that was given, without where its reports go: a picture is for others to see."""
    words = ctx.command_path.split()
    for param in ctx.command.params:
        name = str(param.name)
        if name not in _TITLES and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            given = ctx.params[name]
            for value in given if param.multiple else (given,):
                words += [param.opts[0], str(value)]
    return shlex.join(words)


def _run(
    selection: Selection, *, outputs: Mapping[str, Output], baseline: Path | None, table: str | None, typed: str
) -> ExitCode:
    from harness.core.baseline import counterparts
    from harness.core.comparison import against, recorded
    from harness.report import table as tables
    from harness.report import terminal_svg
    from harness.report.describe import describe
    from harness.session import read_recordings

    recordings = read_recordings(baseline)
    people = tables.console(stderr=any(output.standard for output in outputs.values()))
    compared: list[Comparison] = []
    told: list[RenderableType] = []

    def write(report: Report) -> None:
        pairs = counterparts(recordings, report.bases)
        compared.extend(against(report, pairs))
        told.extend(_told(report, compared, table))
        formats = [wanted for wanted in Format if outputs[wanted].wanted]
        if formats:
            document = describe(report)
            for wanted in formats:
                outputs[wanted].write(render(wanted, document, compared))
        if outputs[_SVG].wanted:
            outputs[_SVG].write(terminal_svg.render(told, typed))

    report = measure(selection, end=write)
    for part in told:
        people.print(part)
    for wanted, output in outputs.items():
        if output.path is not None:
            people.print(f"{_TITLES[wanted]}: {output.path}", soft_wrap=True, markup=False)
    return code_of(report.results, recorded(compared))


def _told(report: Report, compared: Sequence[Comparison], table: str | None) -> list[RenderableType]:
    """What people are told of a run, part by part."""
    from rich.text import Text

    from harness.core.comparison import recorded
    from harness.report import bases_table, difference
    from harness.report import table as tables

    verdicts = recorded(compared)
    side_by_side = table == "compared" or (table is None and len(report.bases) > bases_table.FEW)
    parts = [(bases_table if side_by_side else tables).render(report, verdicts)]
    if changed := [comparison for comparison in compared if comparison.differences]:
        parts += [Text(), difference.render(changed)]
    for said in (tables.claims(report), *(difference.caveat(comparison) for comparison in compared)):
        if said:
            parts.append(Text(f"\n{said}"))
    return [*parts, Text(f"\n{tables.summary(report, verdicts)}")]


@click.command(epilog=_STORIES + EXIT_CODES)
@click.argument("base", metavar="BASE")
@click.argument("variant", metavar="VARIANT", shell_complete=complete_variants)
@click.argument("question", metavar="SIGNAL|PROBE", shell_complete=complete_questions)
@one_cell_options
@click.option(
    "--svg", metavar="F", help="Draw the signal's path to a file, or - for standard output. Needs the kernel's record."
)
def explain(base: str, variant: str, question: str, svg: str | None, **chosen: Any) -> None:
    """Tell the story of one cell: what is started, where the signal goes, what to change."""
    probe = question in OTHER_PROBES
    selection = selection_of(
        bases=(base,),
        variants=(variant,),
        signals=() if probe else (question,),
        probes=(question,) if probe else (),
        **chosen,
    )
    drawing = Output(svg)
    if drawing.wanted:
        _check_drawable(selection)
    sys.exit(_explain(selection, drawing))


def _check_drawable(selection: Selection) -> None:
    """Tell at once where there can be no path to draw.

    Raises:
        UsageError: no signal is sent, or it is not to be recorded.
    """
    from harness.core.question import Probe
    from harness.session import TraceMode

    for probe in selection.probes or ():
        if probe in (Probe.EXIT_CODE, Probe.REAP):
            raise UsageError(
                f"there is no path to draw: the probe {probe} sends no signal",
                remedy="Name a signal, or one of the probes stop and tty.",
            )
    if selection.trace is TraceMode.OFF:
        raise UsageError(
            "there is no path to draw: --trace off leaves no kernel's record of it", remedy="Leave --trace off out."
        )


def _explain(selection: Selection, drawing: Output) -> ExitCode:
    from harness.report import explain, sequence_svg, table
    from harness.report.progress import Progress
    from harness.session import Hooks, Session

    with Progress() as progress, Session(selection, Hooks(note=progress.note, build=progress.build)) as session:
        if len(session.cells) != 1:
            raise UsageError(
                f"{len(session.cells)} cells match, and one can be explained",
                remedy="Name one variant and one signal: signal-harness list",
            )
        if drawing.wanted and not session.engine_facts.trace:
            raise UsageError(
                "there is no path to draw: the kernel's record of signals cannot be had here",
                remedy="What it needs, this tells: signal-harness doctor",
            )
        (cell,) = session.cells
        progress.begin(1)
        (future,) = session.run()
        result = future.result()
        instructions = session.source_of(cell.variant).starting
    # Commands are for copying: they are neither wrapped nor cut.
    people = table.console(stderr=drawing.standard)
    people.print(explain.render(result, instructions), crop=False)
    if drawing.wanted:
        drawing.write(sequence_svg.render(result, instructions))
    if drawing.path is not None:
        people.print(f"\n{_TITLES[_SVG]}: {drawing.path}", soft_wrap=True, markup=False)
    return code_of([result], {})
