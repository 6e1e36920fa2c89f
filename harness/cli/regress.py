"""``baseline``, ``diff`` and ``bisect``: what changed, where, and since when."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from harness.cli.measuring import measure
from harness.cli.options import (
    EXIT_CODES,
    OTHER_PROBES,
    PROBES,
    cell_options,
    complete_questions,
    complete_variants,
    matrix_options,
    one_cell_options,
    selection_of,
)
from harness.cli.output import Output
from harness.core.baseline import BASELINES
from harness.core.comparison import FailOn
from harness.core.errors import ExitCode, UsageError
from harness.core.recipe import is_glob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.core.baseline import Recording
    from harness.core.comparison import Comparison
    from harness.session import Selection, Session

_DIFFS: Final = """\b
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
_BISECTS: Final = """\b
Examples:
  signal-harness bisect npm-start TERM --npm 9.0.0..10.5.0 --on local:musl-node22
  signal-harness bisect npm-start TERM --base node:20-alpine --base node:22-alpine --base node:24-alpine

"""


@click.group()
def baseline() -> None:
    """Record what is found on a base, for review and for later comparison."""


@baseline.command("update", epilog=PROBES + EXIT_CODES)
@matrix_options
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=BASELINES,
    show_default=True,
    help="The folder of baselines, one file per base.",
)
@click.option(
    "--from",
    "results",
    type=click.Path(path_type=Path),
    metavar="RESULTS",
    help="Record what a results file holds, without a run.",
)
def update_baseline(folder: Path, results: Path | None, **chosen: Any) -> None:
    """Run the matrix and write <DIR>/<base>.json for each base: sorted, one line per cell.

    Without --probe, signals and docker stop are recorded, and what a baseline holds already. With --variant, --signal
    or --probe the other cells of a baseline stay, as long as base and engine are the same.
    """
    if results is not None:
        sys.exit(_record_from(results, folder))
    partial = bool(chosen["variants"] or chosen["signals"] or chosen["probes"])
    selection = selection_of(**chosen)
    if not chosen["probes"]:
        selection = replace(selection, probes=None)
    sys.exit(_update(selection, folder=folder, partial=partial))


def _record_from(results: Path, folder: Path) -> ExitCode:
    from harness.report.baseline import recordings_of
    from harness.report.document import decode
    from harness.session import read_file

    found = recordings_of(decode(read_file(results), place=str(results)), place=str(results))
    if not found:
        raise UsageError(f"{results} holds no result", remedy="Take results of a run that has ended.")
    return _record([(new, _existing(folder, new.base.reference)) for new in found], folder, keep=False)


def _update(selection: Selection, *, folder: Path, partial: bool) -> ExitCode:
    from harness.core.baseline import recordings, same_fingerprint

    known = _all_existing(folder) if not partial else ()
    before: dict[str, Recording | None] = {}

    def begin(session: Session) -> None:
        for reference, facts in session.base_facts.items():
            old = before[reference] = _existing(folder, reference)
            _output(folder, reference)
            if partial and old and not same_fingerprint(old, base=facts, engine=session.engine_facts):
                raise UsageError(
                    f"{_file(folder, reference)} was recorded of another image or engine, and a part of it would stay",
                    remedy="Update all of it: leave out --variant, --signal and --probe.",
                )

    report = measure(_with_known(selection, known), begin=begin)
    return _record([(new, before[new.base.reference]) for new in recordings(report)], folder, keep=partial)


def _with_known(selection: Selection, known: Iterable[Recording]) -> Selection:
    """A selection that asks, beside its own questions, all that baselines hold already."""
    from harness.core.model import Probe
    from harness.core.signals import parse_signal
    from harness.session import load_catalogue

    asked = dict.fromkeys(question for recording in known for _, question in recording.findings)
    signals = [parse_signal(question) for question in asked if question not in OTHER_PROBES]
    probes = selection.probes or load_catalogue(selection.catalogue)[1].app.probes
    others = [Probe(question) for question in asked if question in OTHER_PROBES]
    return replace(
        selection,
        signals=tuple(dict.fromkeys([*selection.signals, *signals])),
        probes=tuple(dict.fromkeys([*probes, *others])),
    )


def _record(found: Sequence[tuple[Recording, Recording | None]], folder: Path, *, keep: bool) -> ExitCode:
    """Write baselines; what could not be tested keeps the line it has."""
    from harness.core.baseline import merged, untested
    from harness.core.comparison import compare
    from harness.report import difference, table
    from harness.report.baseline import write

    people = table.console()
    missing = 0
    for new, old in found:
        recording = merged(old, new, keep=keep)
        output = _output(folder, new.base.reference)
        output.write(write(recording))
        missing += (left := untested(new))
        if old is not None:
            people.print(difference.render([compare(old, recording)]))
        told = f", {left} untested and not recorded" if left else ""
        people.print(f"{output.path}: {len(recording.findings)} cells{told}", soft_wrap=True, markup=False)
    return ExitCode.UNTESTED if missing else ExitCode.OK


def _file(folder: Path, reference: str) -> Path:
    from harness.report.baseline import file_name

    return folder / file_name(reference)


def _output(folder: Path, reference: str) -> Output:
    return Output(str(_file(folder, reference)))


def _existing(folder: Path, reference: str) -> Recording | None:
    """The baseline of a base, if there is one.

    Raises:
        UsageError: it is broken, or another base's of the same file name; it is not overwritten.
    """
    from harness.report.baseline import read_baseline
    from harness.session import read_file

    path = _file(folder, reference)
    if not path.exists():
        return None
    recording = read_baseline(read_file(path), place=str(path))
    if recording.base.reference != reference:
        raise UsageError(
            f"{path} is the baseline of {recording.base.reference}, not of {reference}",
            remedy="Choose another folder with --dir, or remove the file.",
        )
    return recording


def _all_existing(folder: Path) -> tuple[Recording, ...]:
    from harness.session import read_recordings

    return read_recordings(folder) if folder.is_dir() and any(folder.glob("*.json")) else ()


@baseline.command("check", epilog=EXIT_CODES)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
def check_baselines(files: tuple[Path, ...]) -> None:
    """Check that baseline files are whole and in the form that `baseline update` writes. Needs no engine."""
    from harness.report.baseline import read_baseline, write
    from harness.session import read_file

    chosen = files or tuple(sorted(Path(BASELINES).glob("*.json")))
    if not chosen:
        raise UsageError(f"{BASELINES} holds no baseline", remedy="Name files, or record one: baseline update")
    for path in chosen:
        content = read_file(path)
        if write(read_baseline(content, place=str(path))).encode() != content:
            raise UsageError(
                f"{path} is not in the form that is written: edited by hand, or badly merged",
                remedy="Record it again: signal-harness baseline update",
            )
        click.echo(f"{path}: well-formed")


@click.command(epilog=_DIFFS + EXIT_CODES)
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
    from harness.core.comparison import compare

    selection = selection_of(**chosen)
    sides = [_asked(_recorded(text), selection, chosen) for text in (old, new)]
    images = tuple(text for text, side in zip((old, new), sides, strict=True) if not side)
    if globs := [image for image in images if is_glob(image)]:
        raise UsageError(f"{globs[0]!r} is no image", remedy="Name two images; run compares any number of them.")
    if images:
        known = [recording for side in sides for recording in side]
        wanted = replace(selection, bases=images)
        report = measure(wanted if chosen["signals"] or chosen["probes"] else _with_known(wanted, known))
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
    compared = [compare(pairs[one.base.reference], one) for one in after if one.base.reference in pairs]
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


@click.command(epilog=_BISECTS + EXIT_CODES)
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
    from harness.core.bisection import search
    from harness.report import bisected, table
    from harness.report.progress import Progress
    from harness.session import load_catalogue

    if len(load_catalogue(one.catalogue)[1].select(one.variants)) != 1:
        raise UsageError("one variant can be bisected at a time", remedy="Name it whole: signal-harness list")
    with Progress(what="bases") as progress:
        references = _list(ways, progress.note)
        with Bisection(one, references, jobs=jobs, note=progress.note, tell=progress.tell) as bisection:
            found = bisection.run(search(len(references), gap))
    table.console().print(bisected.render(found))
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
    from harness.engine.ranges import node_range, npm_range

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
