"""``merge``: results files of several runs, such as the parts of one, as one."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from harness.cli.help import EXIT_CODES, OUTPUT, PATH, Command
from harness.cli.options import code_of_run
from harness.cli.output import opened, write_all
from harness.core.judged import comparisons_of
from harness.core.merging import merged
from harness.report.formats import Format, render

if TYPE_CHECKING:
    from pathlib import Path


@click.command(
    cls=Command,
    examples=[
        "signal-harness merge part-*.json --json results.json",
        "signal-harness merge part-1.json part-2.json --json - | jq .results[].verdict",
    ],
    tables=[EXIT_CODES],
)
@click.argument("results", type=PATH, nargs=-1, required=True, metavar="RESULTS…")
@OUTPUT.option(
    "--json", "target", metavar="F", required=True, help="Write the results to a file, or with - print them."
)
def merge(results: tuple[Path, ...], target: str) -> None:
    """Join results files into one.

    It reads as if it were of one run. RESULTS are what `run --json` writes: the parts that --shard makes, in any order,
    or other runs. A cell that is missing is named, and the exit code is 4 then. A cell that is there twice with one
    verdict counts once. Files that contradict each other (two verdicts of a cell, other images, another version) are
    refused. For other formats: signal-harness report.
    """
    from harness.files import read_results
    from harness.report.remarks import remarks
    from harness.report.style import printable
    from harness.report.table import summary

    outputs = opened([(Format.JSON, target)])
    made = merged([(str(path), read_results(path)[0]) for path in dict.fromkeys(results)])
    compared = comparisons_of(made.document, place="the results together")
    tell = partial(click.echo, err=True)
    lines = [*made.twice, *(f"missing: {name}" for name in made.missing)]
    lines += [*remarks(made.document, compared), summary(made.document, compared)]
    for line in lines:
        tell(printable(line))
    texts = [(str(wanted), output, partial(render, wanted, made.document, compared)) for wanted, output in outputs]
    write_all(texts, tell=tell)
    sys.exit(code_of_run(made.document, compared))
