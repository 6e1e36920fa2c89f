"""``bisect``: since when, along an ordered list of bases, or of images as they are."""

from __future__ import annotations

import sys
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from harness.cli.as_is import as_is_flag, as_is_options, check_as_is, need_different, refuse, without_as_is
from harness.cli.check import WAYS
from harness.cli.help import EXIT_CODES, HOW, PATH, WHAT, Command
from harness.cli.options import (
    MOST_JOBS,
    asking,
    base_file_option,
    complete_questions,
    complete_variants,
    engine_option,
    one_cell_options,
    selection_of,
)
from harness.core.errors import ExitCode, UsageError
from harness.core.question import OTHER_PROBES
from harness.core.references import is_glob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from harness.checking import Check
    from harness.session import Selection

_LIST: Final = ("bases", "base_files", "npm", "node", "on")
_OF_IMAGES: Final = ("images", "image_files")
_NAMES: Final = {"variant": "VARIANT", "question": "SIGNAL|PROBE"}
_ORDER: Final = "Repeat --image, in order, or name a file with one image per line: --image-file F"


class _Bisect(Command):
    """A command whose first argument, the variant, is not there where images are run as they are."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options; of a single argument of images as they are, make the question."""
        rest = super().parse_args(ctx, args)
        variant, question = ctx.params["variant"], ctx.params["question"]
        if ctx.resilient_parsing:
            return rest
        if ctx.params["as_is"]:
            if question is not None:
                raise UsageError(f"with --as-is there is no variant: {variant!r}", remedy=f"Name {question!r} alone.")
            ctx.params["variant"], ctx.params["question"] = None, variant
        for name in ("question",) if ctx.params["as_is"] else ("variant", "question"):
            if ctx.params[name] is None:
                param = next(param for param in self.params if param.name == name)
                raise click.MissingParameter(ctx=ctx, param=param, param_hint=f"'{_NAMES[name]}'")
        return rest


def _complete(ctx: click.Context, param: click.Parameter, start: str) -> list[str]:
    """Complete the first argument."""
    return (complete_questions if ctx.params.get("as_is") else complete_variants)(ctx, param, start)


@click.command(
    cls=_Bisect,
    examples=[
        "signal-harness bisect npm-start TERM --npm 9..10 --on local:musl-node22",
        "signal-harness bisect npm-start TERM --base 'node:*-alpine'",
        "signal-harness bisect tini stop --base node:22-alpine --base node:24-alpine",
        "signal-harness bisect stop --as-is --image my/app:1 --image my/app:2",
        "signal-harness bisect stop --as-is --image 'my/app:*' --ready port:8080",
    ],
    tables=[WAYS, EXIT_CODES],
)
@click.argument("variant", required=False, metavar="[VARIANT]", shell_complete=_complete)
@click.argument("question", required=False, metavar=_NAMES["question"], shell_complete=complete_questions)
@WHAT.option("--base", "bases", multiple=True, metavar="REF", help="Base to test; repeat it, in order.")
@base_file_option("File with one base per line, in order. Repeatable.")
@WHAT.option("--npm", metavar="A..B", help="Every published npm from A to B, installed on the base of --on.")
@WHAT.option(
    "--node", metavar="A..B", help="Every Node from A to B in the package indexes, installed on the base of --on."
)
@WHAT.option("--on", metavar="LOCAL", help="Local base for --npm or --node.")
@as_is_flag
@WHAT.option(
    "--image",
    "images",
    multiple=True,
    metavar="REF",
    help="With --as-is: image to test, or a glob over local tags; repeat it, in order.",
)
@WHAT.option(
    "--image-file",
    "image_files",
    multiple=True,
    type=PATH,
    metavar="F",
    help="With --as-is: file with one image per line, in order. Repeatable.",
)
@WHAT.option(
    "--gap",
    type=click.IntRange(1),
    metavar="N",
    help="Do not miss a change that is undone N or more bases later; 1 tests each base. "
    "[default: an eighth of the list]",
)
@HOW.option("--jobs", type=click.IntRange(1, MOST_JOBS), default=2, metavar="N", help="Bases to run at once.")
@one_cell_options
@engine_option
@as_is_options
def bisect(variant: str | None, question: str, jobs: int, gap: int | None, as_is: bool, **chosen: Any) -> None:
    """Find the bases where a verdict changes.

    Searches an ordered list of bases for every change, with few builds and runs. With --as-is there is no VARIANT: what
    is searched are images themselves, such as the published tags of an app, each run as check does.
    """
    from harness.bisect import Bisection
    from harness.core.search import search
    from harness.report import bisection as report
    from harness.report import table
    from harness.report.progress import Progress

    ctx = click.get_current_context()
    refuse(ctx, as_is=as_is, others=(*_LIST, "catalogue", "grace_s"), own=_OF_IMAGES)
    ways = {name: chosen.pop(name) for name in _LIST}
    given = {name: chosen.pop(name) for name in _OF_IMAGES}
    one = _as_is(question, chosen) if variant is None else _of_variant(variant, question, without_as_is(ctx, chosen))
    engine = chosen["engine"]
    with Progress(what="images" if as_is else "bases") as progress:
        note = progress.note
        references = _images(**given, engine=engine, note=note) if as_is else _list(**ways, engine=engine, note=note)
        with Bisection(one, references, jobs=jobs, note=note, tell=progress.tell) as bisection:
            found = bisection.run(search(len(references), gap))
    table.console().print(report.render(found))
    sys.exit(ExitCode.UNTESTED if found.untested else ExitCode.OK)


def _of_variant(variant: str, question: str, chosen: Mapping[str, Any]) -> Selection:
    """The one cell that is run on every base."""
    from harness.catalogues import load_catalogue

    one = selection_of(variants=(variant,), jobs=1, **asking(question), **chosen)
    if len(one.signals) != 1 and question not in OTHER_PROBES:
        raise UsageError(f"{question!r} is more than one signal", remedy="Name a single signal.")
    if len(load_catalogue(one.catalogue)[1].select(one.variants)) != 1:
        remedy = "Name it in full; to list all: signal-harness list"
        raise UsageError("only one variant can be bisected at a time", remedy=remedy)
    return one


def _as_is(question: str, chosen: Mapping[str, Any]) -> Check:
    """The one question that every image is asked."""
    if question.lower() == "all":
        raise UsageError(f"{question!r} is more than one signal", remedy="Name a single signal.")
    asked = {"signals": (), "probes": (), **asking(question)}
    return check_as_is((), {**chosen, **asked, "jobs": 1})


def _images(
    images: tuple[str, ...], image_files: Iterable[Path], *, engine: str, note: Callable[[str], None]
) -> tuple[str, ...]:
    """The ordered list of images."""
    from harness.files import read_list

    named = (*images, *(reference for file in image_files for reference in read_list(file, "image")))
    if not named:
        raise UsageError("no image is named", remedy=_ORDER)
    need_different(named)
    return _expanded(named, engine, note, "images", _ORDER)


def _list(
    bases: Iterable[str],
    base_files: Iterable[Path],
    npm: str | None,
    node: str | None,
    on: str | None,
    *,
    engine: str,
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
        return _expanded(named, engine, note)
    if not on:
        remedy = "Name one, such as --on local:musl-node22"
        raise UsageError("--npm and --node need a base to install on", remedy=remedy)
    from harness.local_bases.ranges import node_range, npm_range

    if npm:
        return npm_range(npm, on, cache=cache_folder(), report=note)
    return node_range(str(node), on, arch_of=partial(_architecture, engine), cache=cache_folder(), report=note)


def _architecture(name: str) -> str:
    from harness.engine.registry import open_engine

    with closing(open_engine(name)) as engine:
        return engine.architecture()


def _expanded(
    references: tuple[str, ...],
    name: str,
    note: Callable[[str], None],
    what: str = "bases",
    remedy: str = "Repeat --base, in order.",
) -> tuple[str, ...]:
    """What is named, in order; a glob stands for the local tags that match. Of a single one, ``remedy`` is said."""
    if any(map(is_glob, references)):
        from harness.engine.registry import open_engine
        from harness.session import open_bases

        with closing(open_engine(name, note)) as engine:
            references = open_bases(engine, note).expand(references)
    if len(references) == 1:
        raise UsageError(f"give at least two {what}", remedy=remedy)
    return references
