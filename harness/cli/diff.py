"""``diff``: what changed between two bases, how much it matters, and the likely cause."""

from __future__ import annotations

import sys
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from harness.cli.measuring import measure
from harness.cli.options import (
    EXIT_CODES,
    OTHER_PROBES,
    cell_options,
    selection_of,
    with_known,
)
from harness.cli.output import Output
from harness.core.comparison import FailOn
from harness.core.errors import ExitCode, UsageError
from harness.local_bases.recipe import is_glob

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.core.baseline import Recording
    from harness.core.comparison import Comparison
    from harness.session import Selection


_EXAMPLES: Final = """\b
Examples:
  signal-harness diff baselines/node_22-alpine.json results.json
  signal-harness diff node:22-alpine node:24-alpine --variant 'npm-*'
  signal-harness diff --fail-on any old.json new.json

\b
Ranks of verdicts; a change to a higher one is worse, within one it is sideways:
  0  forwarded, graceful, kept, reaped
  1  duplicated, translated         the app gets to know, not quite what was sent
  2  cut-short                      it gets to know too late
  3  swallowed, killed, abrupt, forced, lost, zombie
  unstable ranks as the worst of its runs; untested is not compared

"""


@click.command(epilog=_EXAMPLES + EXIT_CODES)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--fail-on",
    type=click.Choice([on.value for on in FailOn]),
    default=FailOn.WORSE.value,
    show_default=True,
    help="Which changes are exit code 1.",
)
@click.option("--json", "json_to", metavar="F", help="Write what changed to a file, or - for standard output.")
@cell_options
def diff(old: str, new: str, fail_on: str, json_to: str | None, **chosen: Any) -> None:
    """Tell what changed from OLD to NEW, how much it matters, and the likely cause.

    Each is a baseline, a results file, a folder of baselines, or an image; images are run now, in one session.
    """
    sys.exit(_diff(old, new, on=FailOn(fail_on), output=Output(json_to), chosen=chosen))


def _diff(old: str, new: str, *, on: FailOn, output: Output, chosen: Mapping[str, Any]) -> ExitCode:
    from harness.core.comparison import fails
    from harness.core.ranking import Change
    from harness.report import changes, difference, table

    compared = _compared(old, new, chosen)
    people = table.console(stderr=output.standard)
    people.print(difference.render(compared))
    people.print(f"\n{difference.summary(compared)}")
    if output.wanted:
        output.write(changes.encode(compared))
    if fails(compared, on):
        return ExitCode.DIFFERS
    unknown = any(comparison.counts.get(Change.UNKNOWN) for comparison in compared)
    return ExitCode.UNTESTED if unknown else ExitCode.OK


def _compared(old: str, new: str, chosen: Mapping[str, Any]) -> list[Comparison]:
    from harness.core.baseline import counterparts, recordings
    from harness.core.comparison import compare_pairs

    selection = selection_of(**chosen)
    sides = [_asked(_recorded(text), selection, chosen) for text in (old, new)]
    images = tuple(text for text, side in zip((old, new), sides, strict=True) if not side)
    if globs := [image for image in images if is_glob(image)]:
        raise UsageError(f"{globs[0]!r} is no image", remedy="Name two images; run compares any number of them.")
    if images:
        known = [recording for side in sides for recording in side]
        wanted = replace(selection, bases=images)
        report = measure(wanted if chosen["signals"] or chosen["probes"] else with_known(wanted, known))
        ran = {recording.base.reference: recording for recording in recordings(report)}
        sides = [side or (ran[text],) for text, side in zip((old, new), sides, strict=True)]
    before, after = sides
    pairs = counterparts(before, [recording.base.reference for recording in after])
    if not pairs:
        told = [", ".join(recording.base.reference for recording in side) for side in sides]
        raise UsageError(
            f"{old} is of {told[0]}, {new} of {told[1]}: which to compare with which?",
            remedy="Give files of the same bases, or of one base each.",
        )
    compared = compare_pairs(after, pairs)
    if not any(one.same or one.differences for one in compared):
        raise UsageError("no cell is left to compare", remedy="Leave out --variant, --signal or --probe.")
    return compared


def _asked(side: tuple[Recording, ...], selection: Selection, chosen: Mapping[str, Any]) -> tuple[Recording, ...]:
    """What was recorded of the cells that the options choose; of all if they choose none."""
    from harness.core.baseline import narrowed

    globs = selection.variants or ("*",)
    questions = {signal.name for signal in selection.signals if chosen["signals"] or "signal" in chosen["probes"]}
    questions |= {probe.value for probe in selection.probes or () if chosen["probes"] and probe.value in OTHER_PROBES}
    return tuple(
        narrowed(
            recording,
            {
                (variant, question)
                for variant, question in recording.findings
                if any(fnmatchcase(variant, glob) for glob in globs) and (not questions or question in questions)
            },
        )
        for recording in side
    )


def _recorded(text: str) -> tuple[Recording, ...]:
    """What a file or folder has recorded; nothing if the text names an image."""
    from harness.session import read_recordings

    path = Path(text)
    if path.exists() or path.suffix == ".json" or text.startswith((".", "/", "~")):
        found = read_recordings(path)
        if not found:
            raise UsageError(f"{text} holds no result", remedy="Take results of a run that has ended.")
        return found
    return ()
