"""``report``: a results file in other formats."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from harness.cli.options import EXIT_CODES, baseline_option
from harness.cli.output import opened
from harness.report.formats import Format, render

_EXAMPLES: Final = """\b
Examples:
  signal-harness report results.json --to markdown
  signal-harness report results.json --to html=report.html --to junit=junit.xml
  signal-harness report results.json --baseline baselines --to html=report.html

"""


class _Target(click.ParamType[tuple[Format, str]]):
    """``FORMAT`` or ``FORMAT=FILE``."""

    name = "FORMAT[=FILE]"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Format, str]:
        wanted, _, target = value.partition("=")
        if wanted not in {*Format}:
            self.fail(f"{wanted!r} is no format: {', '.join(Format)}", param, ctx)
        return Format(wanted), target or "-"


@click.command(epilog=_EXAMPLES + EXIT_CODES)
@click.argument("results", type=click.Path(path_type=Path), metavar="RESULTS")
@click.option(
    "--to",
    "targets",
    multiple=True,
    required=True,
    type=_Target(),
    metavar="FORMAT[=FILE]",
    help=f"{', '.join(Format)}; without a file, standard output. Repeatable.",
)
@baseline_option("Show what changed from")
def report(results: Path, targets: tuple[tuple[Format, str], ...], baseline: Path | None) -> None:
    """Write a results file (run --json) as JUnit XML, Markdown, HTML or SARIF."""
    from harness.core.baseline import counterparts
    from harness.core.comparison import compare_pairs
    from harness.report.baseline import recordings_of
    from harness.report.document import decode
    from harness.session import read_file, read_recordings

    outputs = opened(targets)
    document = decode(read_file(results), place=str(results))
    found = recordings_of(document, place=str(results))
    pairs = counterparts(read_recordings(baseline), [recording.base.reference for recording in found])
    compared = compare_pairs(found, pairs)
    for wanted, output in outputs:
        output.write(render(wanted, document, compared))
        if output.path is not None:
            click.echo(f"{wanted}: {output.path}", err=True)
    sys.exit(0)
