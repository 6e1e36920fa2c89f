"""``diff``: what changed between two bases, or two images as they are, how much it matters, and the likely cause."""

from __future__ import annotations

import sys
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from harness.cli.as_is import as_is_flag, as_is_options, check_as_is, need_different, refuse, without_as_is
from harness.cli.check import WAYS
from harness.cli.help import EXIT_CODES, HOW, JUDGE, OUTPUT, PROBES, WHAT, Command
from harness.cli.measuring import measure, measure_all, measure_on
from harness.cli.options import cell_options, chosen_of, only_known, selection_of
from harness.cli.output import Output
from harness.core.as_is import images as recorded_images
from harness.core.baseline import counterparts, narrowed, recordings
from harness.core.comparison import FailOn, compare, compare_all, fails, leaves_open
from harness.core.errors import ExitCode, UsageError
from harness.core.references import is_glob
from harness.core.subject import base_label
from harness.core.verdict import Verdict
from harness.engine.registry import DEFAULT
from harness.report.style import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.core.baseline import Recording
    from harness.core.comparison import Comparison
    from harness.core.document import Document
    from harness.session import Selection


_SIDES: Final = 2
_RANKS: Final = (
    "the app is in control",
    "the app is notified, but not exactly of what was sent",
    "the app is notified too late",
    "the app has no control",
)
_RANKING: Final = [
    (str(rank), f"{meaning}: {', '.join(verdict for verdict in Verdict if verdict.rank == rank)}")
    for rank, meaning in enumerate(_RANKS)
] + [(Verdict.UNSTABLE.value, "ranks as the worst of its runs"), (Verdict.UNTESTED.value, "is not compared")]


@click.command(
    cls=Command,
    examples=[
        "signal-harness diff baselines/musl-node24.json results.json",
        "signal-harness diff node:22-alpine node:24-alpine --variant 'npm-*'",
        "signal-harness diff --fail-on any old.json new.json",
        "signal-harness diff my/app:1 my/app:2 --as-is --stop-timeout 30",
        "signal-harness diff --engine docker --engine podman --signal all --probe all",
    ],
    tables=[("Ranks of verdicts (a change to a higher rank is worse)", _RANKING), PROBES, WAYS, EXIT_CODES],
)
@click.argument("old", metavar="[OLD]", required=False)
@click.argument("new", metavar="[NEW]", required=False)
@as_is_flag
@WHAT.option(
    "--base",
    "only",
    multiple=True,
    metavar="REF",
    help="Only these bases of files, or globs; which bases to run on two engines. Repeatable.",
)
@cell_options
@HOW.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="NAME|URL",
    help="The engine that images are run on, as for run. Given twice, and without OLD and NEW: the same cells on both.",
)
@as_is_options
@JUDGE.option(
    "--fail-on",
    type=click.Choice([on.value for on in FailOn]),
    default=FailOn.WORSE.value,
    help="Which changes lead to exit code 1.",
)
@OUTPUT.option("--json", "json_to", metavar="F", help="Write the changes as JSON to a file, or - for standard output.")
def diff(
    old: str | None,
    new: str | None,
    *,
    only: tuple[str, ...],
    engines: tuple[str, ...],
    fail_on: str,
    json_to: str | None,
    as_is: bool,
    **chosen: Any,
) -> None:
    """Show what changed from OLD to NEW, and why.

    OLD and NEW are each a baseline, a results file, a folder of baselines, or an image. Images are run now, in one
    session. Shows how much each change matters, and its likely cause. A change within a rank is sideways. Cells and
    bases that are on one side alone are not compared: exit code 4, or as --fail-on says. With --as-is, OLD and NEW are
    images of one app: each is run as check runs it, and asked the same. With two engines and no OLD and NEW, the matrix
    is run on both, and shown is what changes from the first to the second.
    """
    from harness.report import changes, difference, table

    ctx = click.get_current_context()
    refuse(ctx, as_is=as_is, others=("only", "variants", "catalogue", "grace_s"))
    _check_sides(ctx, old, new, engines, as_is=as_is)
    chosen["engine"] = engines[0] if engines else DEFAULT
    output = Output(json_to)
    people = table.console(stderr=output.standard)
    if old is None or new is None:
        compared, open_rows = _of_engines(engines, only, without_as_is(ctx, chosen)), []
    elif as_is:
        document = _checked(old, new, chosen)
        compared = [compare(*recorded_images(document))]
        open_rows = [row for row in document.results if not row.tested]
    else:
        compared, open_rows = _compared(old, new, only, without_as_is(ctx, chosen)), []
    people.print(difference.render(compared))
    for row in open_rows:
        people.print(printable(f"\n{row.title}: {row.reason}"), markup=False)
    people.print(f"\n{difference.summary(compared)}")
    if output.wanted:
        output.write(changes.encode(compared))
    on = FailOn(fail_on)
    if fails(compared, on):
        sys.exit(ExitCode.DIFFERS)
    sys.exit(ExitCode.UNTESTED if leaves_open(compared, on) else ExitCode.OK)


def _check_sides(ctx: click.Context, old: str | None, new: str | None, engines: Sequence[str], *, as_is: bool) -> None:
    """Refuse what does not say which two sides are compared.

    Raises:
        UsageError: more than two engines are named, or two and something else, too.
    """
    if len(engines) <= 1:
        for side, name in ((old, "OLD"), (new, "NEW")):
            if side is None:
                raise click.MissingParameter(ctx=ctx, param_hint=f"'{name}'", param_type="argument")
    elif len(engines) > _SIDES:
        raise UsageError(f"{len(engines)} engines are named", remedy="Name two; to see more side by side: run --engine")
    elif old is not None:
        raise UsageError(f"{old!r} and two engines are named", remedy="To run bases on both, name them with --base.")
    elif as_is:
        raise UsageError("--as-is is for two images on one engine", remedy="Name two images, or leave out --as-is.")


def _of_engines(engines: Sequence[str], bases: Sequence[str], chosen: Mapping[str, Any]) -> list[Comparison]:
    """What changes from one engine to the other, base by base, with the same cells run on both."""
    document = measure_on(engines, replace(selection_of(**chosen), bases=tuple(bases)))
    found = recordings(document)
    columns = list(dict.fromkeys(one.column for one in found))
    before, after = ([one for one in found if one.column == column] for column in columns)
    return compare_all(before, after, document.bases)


def _checked(old: str, new: str, chosen: Mapping[str, Any]) -> Document:
    """The results of two images as they are, run in one session."""
    from harness.checking import Checking
    from harness.session import select_signals

    need_different((old, new))
    for text in (old, new):
        if text.endswith(".json") or is_glob(text):
            raise UsageError(f"{text!r} is not an image", remedy="Name two images; to compare results: without --as-is")
    signals = tuple(signal.name for signal in select_signals(chosen["signals"])) if chosen["signals"] else ()
    asked = check_as_is((old, new), {**chosen, "signals": signals})
    return measure_all(partial(Checking, asked))


def _compared(old: str, new: str, only: Sequence[str], chosen: Mapping[str, Any]) -> list[Comparison]:
    selection = selection_of(**chosen)
    held = [_recorded(text) for text in (old, new)]
    images = tuple(text for text, side in zip((old, new), held, strict=True) if not side)
    sides = [_asked(_of_bases(side, only), selection, chosen) for side in held]
    if globs := [image for image in images if is_glob(image)]:
        raise UsageError(f"{globs[0]!r} is not an image", remedy="Name two images; to compare more: signal-harness run")
    if images:
        known = [recording for side in sides for recording in side]
        wanted = replace(selection, bases=images)
        document = measure(wanted if chosen["signals"] or chosen["probes"] else only_known(wanted, known))
        ran = {recording.base.reference: recording for recording in recordings(document)}
        sides = [side if text not in images else (ran[text],) for text, side in zip((old, new), sides, strict=True)]
    before, after = sides
    bases = [recording.base.reference for recording in after]
    if not counterparts(before, bases):
        references = [", ".join(recording.base.reference for recording in side) for side in sides]
        raise UsageError(
            f"{old} is of {references[0]}, {new} of {references[1]}: which to compare with which?",
            remedy="Name files of the same bases, or of one base each.",
        )
    compared = compare_all(before, after, bases)
    if not any(comparison.same or comparison.differences for comparison in compared):
        raise UsageError("no cell is left to compare", remedy="Leave out --variant, --signal or --probe.")
    return compared


def _of_bases(side: tuple[Recording, ...], only: Sequence[str]) -> tuple[Recording, ...]:
    """What was recorded of the bases that are named; of all if none is."""
    names = {*only, *map(base_label, only)}
    return tuple(
        one
        for one in side
        if not only
        or base_label(one.base.reference) in names
        or any(fnmatchcase(one.base.reference, name) for name in only)
    )


def _asked(side: tuple[Recording, ...], selection: Selection, chosen: Mapping[str, Any]) -> tuple[Recording, ...]:
    """What was recorded of the cells that the options choose; of all if they choose none."""
    return tuple(narrowed(recording, chosen_of(recording, selection, chosen)) for recording in side)


def _recorded(text: str) -> tuple[Recording, ...]:
    """What a file or folder has recorded; nothing if the text names an image."""
    from harness.files import no_result, read_recordings

    path = Path(text)
    if not (path.exists() or path.suffix == ".json" or text.startswith((".", "/", "~"))):
        return ()
    if recordings := read_recordings(path):
        return recordings
    raise no_result(text)
