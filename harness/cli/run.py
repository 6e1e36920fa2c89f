"""``run``: the matrix. ``explain``: one cell of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import click

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
from harness.cli.output import opened
from harness.core.errors import ExitCode, UsageError
from harness.report.formats import Format, render

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.cli.output import Output
    from harness.core.comparison import Comparison
    from harness.core.model import Report
    from harness.session import Selection

_STORIES: Final = """\b
Examples:
  signal-harness explain local:debian12-node24 npm-start SIGTERM
  signal-harness explain node:24-alpine tini stop

"""


_TITLES: Final = {
    Format.JSON: "Results",
    Format.JUNIT: "JUnit",
    Format.MARKDOWN: "Markdown",
    Format.HTML: "HTML",
    Format.SARIF: "SARIF",
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
def run(baseline: Path | None, table: str | None, **chosen: Any) -> None:
    """Run the matrix: every variant on every base, one fresh container per signal."""
    targets = {wanted: chosen.pop(wanted.value) for wanted in Format}
    sys.exit(_run(selection_of(**chosen), outputs=dict(opened(targets.items())), baseline=baseline, table=table))


def _run(
    selection: Selection, *, outputs: Mapping[Format, Output], baseline: Path | None, table: str | None
) -> ExitCode:
    from harness.core.baseline import counterparts
    from harness.core.comparison import against, recorded
    from harness.report import crossing, difference
    from harness.report import table as tables
    from harness.report.describe import describe
    from harness.session import read_recordings

    recordings = read_recordings(baseline)
    people = tables.console(stderr=any(output.standard for output in outputs.values()))
    compared: list[Comparison] = []

    def write(report: Report) -> None:
        pairs = counterparts(recordings, report.bases)
        compared.extend(against(report, pairs))
        if any(output.wanted for output in outputs.values()):
            document = describe(report)
            for wanted, output in outputs.items():
                if output.wanted:
                    output.write(render(wanted, document, compared))

    report = measure(selection, end=write)
    verdicts = recorded(compared)
    side_by_side = table == "compared" or (table is None and len(report.bases) > crossing.FEW)
    people.print((crossing if side_by_side else tables).render(report, verdicts))
    if changed := [comparison for comparison in compared if comparison.differences]:
        people.print()
        people.print(difference.render(changed))
    for said in (tables.claims(report), *(difference.caveat(comparison) for comparison in compared)):
        if said:
            people.print(f"\n{said}", markup=False)
    people.print(f"\n{tables.summary(report, verdicts)}")
    for wanted, output in outputs.items():
        if output.path is not None:
            name = _TITLES[wanted]
            people.print(f"{name}: {output.path}", soft_wrap=True, markup=False)
    return code_of(report.results, verdicts)


@click.command(epilog=_STORIES + EXIT_CODES)
@click.argument("base", metavar="BASE")
@click.argument("variant", metavar="VARIANT", shell_complete=complete_variants)
@click.argument("question", metavar="SIGNAL|PROBE", shell_complete=complete_questions)
@one_cell_options
def explain(base: str, variant: str, question: str, **chosen: Any) -> None:
    """Tell the story of one cell: what is started, where the signal goes, what to change."""
    probe = question in OTHER_PROBES
    selection = selection_of(
        bases=(base,),
        variants=(variant,),
        signals=() if probe else (question,),
        probes=(question,) if probe else (),
        **chosen,
    )
    sys.exit(_explain(selection))


def _explain(selection: Selection) -> ExitCode:
    from harness.report import explain, table
    from harness.report.progress import Progress
    from harness.session import Hooks, Session

    with Progress() as progress, Session(selection, Hooks(note=progress.note, build=progress.build)) as session:
        if len(session.cells) != 1:
            raise UsageError(
                f"{len(session.cells)} cells match, and one can be explained",
                remedy="Name one variant and one signal: signal-harness list",
            )
        (cell,) = session.cells
        progress.begin(1)
        (future,) = session.run()
        result = future.result()
        instructions = session.source_of(cell.variant).starting
    # Commands are for copying: they are neither wrapped nor cut.
    table.console().print(explain.render(result, instructions), crop=False)
    return code_of([result], {})
