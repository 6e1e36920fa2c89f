"""``baseline``: record what is found on a base, and check what was recorded."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.help import EXIT_CODES, OUTPUT, PATH, PROBES, WHAT, Group
from harness.cli.measuring import measure
from harness.cli.options import matrix_options, selection_of, with_known
from harness.cli.output import Output
from harness.core.baseline import BASELINES, merged, recordings, same_fingerprint, untested
from harness.core.comparison import compare
from harness.core.errors import ExitCode, UsageError
from harness.core.references import is_glob

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.cli.measuring import Matrix
    from harness.core.baseline import Recording
    from harness.core.facts import BaseFacts, EngineFacts


@click.group(
    cls=Group, examples=["signal-harness baseline update --base node:24-alpine", "signal-harness baseline check"]
)
def baseline() -> None:
    """Record verdicts for later comparison."""


@baseline.command(
    "update",
    examples=[
        "signal-harness baseline update --base node:24-alpine",
        "signal-harness baseline update --base node:24-alpine --variant 'npm-*'",
        "signal-harness baseline update --from results.json",
    ],
    tables=[PROBES, EXIT_CODES],
)
@matrix_options
@OUTPUT.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=BASELINES,
    help="Folder of baselines, one file per base.",
)
@WHAT.option(
    "--from",
    "results",
    type=PATH,
    metavar="RESULTS",
    help="Record the verdicts in a results file instead of running the matrix.",
)
def update_baseline(folder: Path, results: Path | None, **chosen: Any) -> None:
    """Run the matrix and record the verdicts.

    Writes <DIR>/<base>.json for each base: sorted, one line per cell. Without --probe, it records signals, docker stop
    and everything that the baseline already contains. With --variant, --signal or --probe, the other cells of a
    baseline are kept, provided that base and engine are the same.
    """
    sys.exit(_record_from(results, folder) if results else _update(folder, chosen))


def _record_from(results: Path, folder: Path) -> ExitCode:
    from harness.files import no_result, read_results

    _, found = read_results(results)
    if not found:
        raise no_result(results)
    pairs = [(new, _existing(folder, new.base.reference)) for new in found]
    for new, old in pairs:
        if old and old.findings.keys() - new.findings.keys():
            _refuse_to_mix(old, folder, base=new.base, engine=new.engine)
    return _record(pairs, folder, keep=True)


def _update(folder: Path, chosen: Mapping[str, Any]) -> ExitCode:
    selection = selection_of(**chosen)
    if not chosen["probes"]:
        selection = replace(selection, probes=None)
    partial = any(chosen[name] for name in ("variants", "signals", "probes"))
    known = () if partial else _known(folder, selection.bases)
    before: dict[str, Recording | None] = {}

    def begin(session: Matrix) -> None:
        for reference, facts in session.base_facts.items():
            old = before[reference] = _existing(folder, reference)
            _output(folder, reference)
            if partial and old:
                _refuse_to_mix(old, folder, base=facts, engine=session.engine_facts)

    document = measure(with_known(selection, known), begin=begin)
    return _record([(new, before[new.base.reference]) for new in recordings(document)], folder, keep=partial)


def _refuse_to_mix(old: Recording, folder: Path, *, base: BaseFacts, engine: EngineFacts) -> None:
    """Raise `UsageError` if a baseline, of which a part is to be kept, was recorded of something else."""
    if not same_fingerprint(old, base=base, engine=engine):
        raise UsageError(
            f"{_file(folder, base.reference)} was recorded of another image or engine, and a part of it would stay",
            remedy="Update all of it: leave out --variant, --signal and --probe.",
        )


def _record(found: Sequence[tuple[Recording, Recording | None]], folder: Path, *, keep: bool) -> ExitCode:
    """Write baselines; what could not be tested keeps the line it has, if that is of the same image and engine."""
    from harness.report import difference, table
    from harness.report.baseline import write
    from harness.report.style import counted

    people = table.console()
    missing = 0
    for new, old in found:
        recording = merged(old, new, keep=keep)
        output = _output(folder, new.base.reference)
        output.write(write(recording))
        missing += (left := untested(new))
        if old is not None:
            people.print(difference.render([compare(old, recording)]))
        missed = f", {left} untested and not recorded" if left else ""
        cells = counted(len(recording.findings), "cell")
        people.print(f"{output.path}: {cells}{missed}", soft_wrap=True, markup=False)
    return ExitCode.UNTESTED if missing else ExitCode.OK


def _file(folder: Path, reference: str) -> Path:
    from harness.report.baseline import file_name

    return folder / file_name(reference)


def _output(folder: Path, reference: str) -> Output:
    return Output(str(_file(folder, reference)), make_folders=True)


def _existing(folder: Path, reference: str) -> Recording | None:
    """The baseline of a base, if there is one.

    Raises:
        UsageError: it is broken, or another base's of the same file name; it is not overwritten.
    """
    from harness.files import read_file
    from harness.report.decoding import read_baseline

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


def _known(folder: Path, bases: Sequence[str]) -> tuple[Recording, ...]:
    """What is recorded already of the bases that are named; of all if none is, or by a glob."""
    from harness.files import read_recordings

    if bases and not any(map(is_glob, bases)):
        return tuple(recording for base in bases if (recording := _existing(folder, base)))
    return read_recordings(folder) if folder.is_dir() and any(folder.glob("*.json")) else ()


@baseline.command(
    "check",
    examples=["signal-harness baseline check", "signal-harness baseline check baselines/musl-node24.json"],
    tables=[EXIT_CODES],
)
@click.argument("files", nargs=-1, type=PATH, metavar="[FILE]...")
def check_baselines(files: tuple[Path, ...]) -> None:
    """Check that baseline files are well-formed.

    They must be complete and exactly as `baseline update` writes them. Needs no engine.
    """
    from harness.core.document import SCHEMA
    from harness.files import read_file
    from harness.report.baseline import write
    from harness.report.decoding import read_baseline, schema_of

    chosen = files or tuple(sorted(Path(BASELINES).glob("*.json")))
    if not chosen:
        raise UsageError(f"{BASELINES} holds no baseline", remedy="Name files, or record one: baseline update")
    for path in chosen:
        content = read_file(path)
        recording = read_baseline(content, place=str(path))
        flaw = ""
        if (schema := schema_of(content, place=str(path))) != SCHEMA:
            flaw = f"is of schema {schema}, and this version writes schema {SCHEMA}"
        elif write(recording).encode() != content:
            flaw = "is not as `baseline update` writes it: it was edited by hand, or badly merged"
        if flaw:
            raise UsageError(f"{path} {flaw}", remedy="Record it again: signal-harness baseline update")
        click.echo(f"{path}: well-formed")
