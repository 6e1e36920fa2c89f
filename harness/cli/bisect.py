"""``bisect``: since when, along an ordered list of bases."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from harness.cli.options import (
    EXIT_CODES,
    OTHER_PROBES,
    complete_questions,
    complete_variants,
    one_cell_options,
    selection_of,
)
from harness.core.errors import ExitCode, UsageError
from harness.local_bases.recipe import is_glob

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.session import Selection


_EXAMPLES: Final = """\b
Examples:
  signal-harness bisect npm-start TERM --npm 9.0.0..10.5.0 --on local:musl-node22
  signal-harness bisect npm-start TERM --base node:20-alpine --base node:22-alpine --base node:24-alpine

"""


@click.command(epilog=_EXAMPLES + EXIT_CODES)
@click.argument("variant", metavar="VARIANT", shell_complete=complete_variants)
@click.argument("question", metavar="SIGNAL|PROBE", shell_complete=complete_questions)
@click.option("--base", "bases", multiple=True, metavar="REF", help="A base; repeat it, in order.")
@click.option(
    "--base-file", "base_files", multiple=True, type=click.Path(path_type=Path), metavar="F", help="Bases, in order."
)
@click.option("--npm", metavar="A..B", help="Every published npm from A to B, put --on a local base.")
@click.option("--node", metavar="A..B", help="Every Node from A to B that is in the package indexes, put --on one.")
@click.option("--on", metavar="LOCAL", help="The local base that --npm or --node is put on.")
@click.option(
    "--gap",
    type=click.IntRange(1),
    metavar="N",
    help="The shortest stretch of bases that must not go unseen where both its ends agree; 1 tests each base. "
    "[default: an eighth of the list]",
)
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, metavar="N", help="Bases at once.")
@one_cell_options
def bisect(variant: str, question: str, jobs: int, gap: int | None, **chosen: Any) -> None:
    """Find every place in an ordered list of bases where a verdict changes, with few builds and runs."""
    ways = {name: chosen.pop(name) for name in ("bases", "base_files", "npm", "node", "on")}
    probe = question in OTHER_PROBES
    one = selection_of(
        variants=(variant,),
        signals=() if probe else (question,),
        probes=(question,) if probe else (),
        jobs=1,
        **chosen,
    )
    if len(one.signals) != 1 and not probe:
        raise UsageError(f"{question!r} is more than one signal", remedy="One signal can be bisected at a time.")
    sys.exit(_bisect(one, ways=ways, gap=gap, jobs=jobs))


def _bisect(one: Selection, *, ways: Mapping[str, Any], gap: int | None, jobs: int) -> ExitCode:
    from harness.bisect import Bisection
    from harness.core.search import search
    from harness.report import bisection as bisection_report
    from harness.report import table
    from harness.report.progress import Progress
    from harness.session import load_catalogue

    if len(load_catalogue(one.catalogue)[1].select(one.variants)) != 1:
        raise UsageError("one variant can be bisected at a time", remedy="Name it whole: signal-harness list")
    with Progress(what="bases") as progress:
        references = _list(ways, progress.note)
        with Bisection(one, references, jobs=jobs, note=progress.note, tell=progress.tell) as bisection:
            found = bisection.run(search(len(references), gap))
    table.console().print(bisection_report.render(found))
    return ExitCode.UNTESTED if found.untested else ExitCode.OK


def _list(ways: Mapping[str, Any], note: Callable[[str], None]) -> tuple[str, ...]:
    """The ordered list of bases: named, or a range of releases."""
    from harness.session import cache_folder, read_list

    named = [*ways["bases"], *(reference for file in ways["base_files"] for reference in read_list(file))]
    chosen = [bool(named), bool(ways["npm"]), bool(ways["node"])]
    if sum(chosen) != 1:
        raise UsageError(
            "a bisection goes through one list of bases",
            remedy="Give --base more than once, or --base-file, or --npm A..B --on LOCAL, or --node A..B --on LOCAL.",
        )
    if named and ways["on"]:
        raise UsageError("--on is for --npm and --node", remedy="Leave it out: the bases are named.")
    if named:
        return _expanded(named, note)
    if not ways["on"]:
        raise UsageError("which base is it to be put on?", remedy="Name it, such as --on local:musl-node22")
    from harness.engine.client import connect
    from harness.local_bases.ranges import node_range, npm_range

    if ways["npm"]:
        return npm_range(ways["npm"], ways["on"], cache=cache_folder(), report=note)
    return node_range(ways["node"], ways["on"], api_of=connect, cache=cache_folder(), report=note)


def _expanded(named: Sequence[str], note: Callable[[str], None]) -> tuple[str, ...]:
    """The bases that are named, in order; a glob stands for the local tags that match."""
    references = tuple(dict.fromkeys(named))
    if any(map(is_glob, named)):
        from harness.engine.bases import Bases
        from harness.engine.client import connect
        from harness.session import cache_folder

        with closing(connect()) as api:
            references = Bases(api, cache=cache_folder(), report=note).expand(named)
    if len(references) == 1:
        raise UsageError("one base is no list", remedy="Give --base at least twice, in order.")
    return references
