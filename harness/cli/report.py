"""``report``: a results file in other formats."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from harness.cli.formats import file_option, paired
from harness.cli.help import EXIT_CODES, OUTPUT, PATH, Command
from harness.cli.options import baseline_option, code_of_run
from harness.cli.output import opened, write_all
from harness.core.comparison import compare_all
from harness.core.judged import comparisons_of
from harness.report.formats import Format, render

if TYPE_CHECKING:
    from pathlib import Path


class _Target(click.ParamType[tuple[Format, str | None]]):
    """``FORMAT`` or ``FORMAT=FILE``."""

    name = "FORMAT[=FILE]"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Format, str | None]:
        wanted, _, target = value.partition("=")
        if wanted not in {*Format}:
            self.fail(f"{wanted!r} is not a format: {', '.join(Format)}", param, ctx)
        return Format(wanted), target or None


@click.command(
    cls=Command,
    examples=[
        "signal-harness report results.json --to markdown",
        "signal-harness report results.json --to html=report.html --to junit=junit.xml",
        "signal-harness report results.json --baseline baselines --to html=report.html",
    ],
    tables=[EXIT_CODES],
)
@click.argument("results", type=PATH, metavar="RESULTS")
@baseline_option("Show what changed from")
@OUTPUT.option(
    "--to",
    "--format",
    "targets",
    multiple=True,
    required=True,
    type=_Target(),
    metavar="FORMAT[=FILE]",
    help=f"{', '.join(Format)}; goes to standard output if no file is named. Repeatable.",
)
@file_option
def report(
    results: Path, targets: tuple[tuple[Format, str | None], ...], files: tuple[str, ...], baseline: Path | None
) -> None:
    """Convert a results file to other formats.

    RESULTS is what `run --json` writes. They are judged against what the run was judged against, or against the
    baseline that is named, and the exit code is what that comes to.
    """
    from harness.files import read_recordings, read_results

    outputs = opened(paired(targets, files))
    document, found = read_results(results)
    if baseline is None:
        compared = comparisons_of(document, place=str(results))
    else:
        compared = compare_all(read_recordings(baseline), found, document.bases)
    write_all(
        ((str(wanted), output, partial(render, wanted, document, compared)) for wanted, output in outputs),
        tell=partial(click.echo, err=True),
    )
    sys.exit(code_of_run(document, compared))
