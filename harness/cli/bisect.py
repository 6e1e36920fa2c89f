"""``bisect``: since when, along an ordered list of bases."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from harness.cli.help import EXIT_CODES, HOW, WHAT, Command
from harness.cli.options import MOST_JOBS, asking, base_file_option, cell_arguments, one_cell_options, selection_of
from harness.core.errors import ExitCode, UsageError
from harness.core.question import OTHER_PROBES
from harness.core.references import is_glob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


@click.command(
    cls=Command,
    examples=[
        "signal-harness bisect npm-start TERM --npm 9..10 --on local:musl-node22",
        "signal-harness bisect npm-start TERM --base 'node:*-alpine'",
        "signal-harness bisect tini stop --base node:22-alpine --base node:24-alpine",
    ],
    tables=[EXIT_CODES],
)
@cell_arguments
@WHAT.option("--base", "bases", multiple=True, metavar="REF", help="Base to test; repeat it, in order.")
@base_file_option("File with one base per line, in order. Repeatable.")
@WHAT.option("--npm", metavar="A..B", help="Every published npm from A to B, installed on the base of --on.")
@WHAT.option(
    "--node", metavar="A..B", help="Every Node from A to B in the package indexes, installed on the base of --on."
)
@WHAT.option("--on", metavar="LOCAL", help="Local base for --npm or --node.")
@WHAT.option(
    "--gap",
    type=click.IntRange(1),
    metavar="N",
    help="Do not miss a change that is undone N or more bases later; 1 tests each base. "
    "[default: an eighth of the list]",
)
@HOW.option("--jobs", type=click.IntRange(1, MOST_JOBS), default=2, metavar="N", help="Bases to run at once.")
@one_cell_options
def bisect(variant: str, question: str, jobs: int, gap: int | None, **chosen: Any) -> None:
    """Find the bases where a verdict changes.

    Searches an ordered list of bases for every change, with few builds and runs.
    """
    from harness.bisect import Bisection
    from harness.catalogues import load_catalogue
    from harness.core.search import search
    from harness.report import bisection as report
    from harness.report import table
    from harness.report.progress import Progress

    ways = {name: chosen.pop(name) for name in ("bases", "base_files", "npm", "node", "on")}
    one = selection_of(variants=(variant,), jobs=1, **asking(question), **chosen)
    if len(one.signals) != 1 and question not in OTHER_PROBES:
        raise UsageError(f"{question!r} is more than one signal", remedy="Name a single signal.")
    if len(load_catalogue(one.catalogue)[1].select(one.variants)) != 1:
        remedy = "Name it in full; to list all: signal-harness list"
        raise UsageError("only one variant can be bisected at a time", remedy=remedy)
    with Progress(what="bases") as progress:
        references = _list(**ways, note=progress.note)
        with Bisection(one, references, jobs=jobs, note=progress.note, tell=progress.tell) as bisection:
            found = bisection.run(search(len(references), gap))
    table.console().print(report.render(found))
    sys.exit(ExitCode.UNTESTED if found.untested else ExitCode.OK)


def _list(
    bases: Iterable[str],
    base_files: Iterable[Path],
    npm: str | None,
    node: str | None,
    on: str | None,
    *,
    note: Callable[[str], None],
) -> tuple[str, ...]:
    """The ordered list of bases: named, or a range of releases."""
    from harness.files import cache_folder, listed

    named = listed(bases, base_files)
    if sum(map(bool, (named, npm, node))) != 1:
        remedy = "Give --base more than once, or --base-file, or --npm A..B --on LOCAL, or --node A..B --on LOCAL."
        raise UsageError("a bisection needs exactly one list of bases", remedy=remedy)
    if named:
        if on:
            raise UsageError("--on is for --npm and --node", remedy="Leave it out: the bases are named.")
        return _expanded(named, note)
    if not on:
        remedy = "Name one, such as --on local:musl-node22"
        raise UsageError("--npm and --node need a base to install on", remedy=remedy)
    from harness.local_bases.ranges import node_range, npm_range

    if npm:
        return npm_range(npm, on, cache=cache_folder(), report=note)
    return node_range(str(node), on, arch_of=_architecture, cache=cache_folder(), report=note)


def _architecture() -> str:
    from harness.engine.registry import open_engine

    with closing(open_engine()) as engine:
        return engine.architecture()


def _expanded(references: tuple[str, ...], note: Callable[[str], None]) -> tuple[str, ...]:
    """The bases that are named, in order; a glob stands for the local tags that match."""
    if any(map(is_glob, references)):
        from harness.engine.registry import open_engine
        from harness.session import open_bases

        with closing(open_engine()) as engine:
            references = open_bases(engine, note).expand(references)
    if len(references) == 1:
        raise UsageError("give at least two bases", remedy="Repeat --base, in order.")
    return references
