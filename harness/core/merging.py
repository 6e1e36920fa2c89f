"""Results of several runs, such as the parts of one, put together into one document. Pure.

Nothing depends on the order in which the files are named: they are taken in the order in which the runs began.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from msgspec import structs

from harness.core.cause import KERNEL, Shift, base_shifts, engine_shifts, image_shift
from harness.core.columns import with_columns
from harness.core.document import Cut, Judged, Recorded, Shard
from harness.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from harness.core.document import Document, Row, SubjectFacts
    from harness.core.facts import BaseFacts, EngineFacts

    Files = Sequence[tuple[str, Document]]
    """Documents, and the places that they are from."""

T = TypeVar("T")
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_AMONG: Final = ", "


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """One document of several; what to say of cells that were in more than one; and the planned cells in none, by id.

    Where cells are missing, the document says that it was cut.
    """

    document: Document
    twice: tuple[str, ...]
    missing: tuple[str, ...]


def merged(files: Files) -> Merged:
    """Documents as one, which are at least one.

    A cell that is in two files with one verdict is taken once, from the run that began first; one that could not be
    tested gives way to one that could.

    Raises:
        UsageError: facts or verdicts contradict each other; all that do are named.
    """
    files = sorted(files, key=_when)
    documents = [document for _, document in files]
    conflicts = [*_of_tools(files), *_of_shards(files), *_of_baselines(files)]
    engines = _together([(place, one.engines) for place, one in files], "engine", _engine_shifts, conflicts)
    bases = _together([(place, one.bases) for place, one in files], "base", _base_shifts, conflicts)
    subjects = _together([(place, one.subjects) for place, one in files], "subject", _subject_shifts, conflicts)
    found, twice = _rows(files, conflicts)
    conflicts += _of_columns(files, engines)
    if conflicts:
        raise UsageError(
            "the results contradict each other\n" + "\n".join(f"  {line}" for line in conflicts),
            remedy="Leave a file out, or run it anew: one catalogue, the same bases, one version of everything.",
        )
    if len(engines) > 1:
        found = list(with_columns(found, engines))
    planned = next((one.shard.planned for one in documents if one.shard), ())
    order = {name: number for number, name in enumerate(planned)}
    rows = tuple(sorted(found, key=lambda row: order.get(row.id, len(order))))
    missing = _missing(planned, rows)
    started, duration = _span(files)
    document = structs.replace(
        documents[0],
        started=started,
        duration_s=duration,
        engines={name: _everywhere(name, facts, documents) for name, facts in engines.items()},
        bases=_in_order(bases, (row.base for row in rows)),
        subjects=_in_order(subjects, (row.subject for row in rows)),
        judged=_judged(documents),
        shard=_parts(documents) if missing else None,
        cut=_cut(documents, rows, missing),
        results=rows,
    )
    return Merged(document=document, twice=tuple(twice), missing=missing)


def _missing(planned: Sequence[str], rows: Iterable[Row]) -> tuple[str, ...]:
    """The planned cells without a row; of two bases whose names are shown alike, each has its own."""
    ran = Counter(row.id for row in rows)
    missing = []
    for name in planned:
        if not ran[name]:
            missing.append(name)
        ran[name] -= 1 if ran[name] else 0
    return tuple(missing)


def _when(file: tuple[str, Document]) -> tuple[str, bytes, str]:
    """What puts files in an order that is theirs, however they are named; the last resort is their contents."""
    place, document = file
    return document.started, hashlib.sha256(msgspec.json.encode(document)).digest(), place


def _of_tools(files: Files) -> list[str]:
    (first, document), *rest = files
    return [
        f"version {document.tool.version} of {document.tool.name} in {first}, {one.tool.version} in {place}"
        for place, one in rest
        if one.tool != document.tool
    ]


def _of_shards(files: Files) -> list[str]:
    """That parts are not of one run: another number of parts, or other cells."""
    parts = [(place, one.shard) for place, one in files if one.shard]
    return [
        f"{parts[0][0]} is of a run of {_plan(parts[0][1])}, {place} of another, of {_plan(shard)}"
        for place, shard in parts[1:]
        if (shard.of, shard.planned) != (parts[0][1].of, parts[0][1].planned)
    ]


def _of_columns(files: Files, engines: Mapping[str, EngineFacts]) -> list[str]:
    """That parts of runs on different engines are there: each of them has cells of the same names."""
    parts = [(place, one) for place, one in files if one.shard and len(one.engines) == 1]
    if len(engines) == 1 or not parts:
        return []
    return [f"{place} is a part of a run on {', '.join(one.engines)} alone" for place, one in parts]


def _plan(shard: Shard) -> str:
    return f"{len(shard.planned)} cells in {shard.of} parts"


def _of_baselines(files: Files) -> list[str]:
    """That runs were judged against something else, or some of them against nothing."""
    lines: list[str] = []
    judging = [(place, one.judged) for place, one in files if one.judged]
    lines += [
        f"{place} was judged against nothing recorded, {judging[0][0]} was"
        for place, one in files
        if judging and one.judged is None
    ]
    known: dict[Hashable, tuple[str, Recorded]] = {}
    for place, judged in judging:
        for key, one in _told_apart(judged.recorded):
            first, before = known.setdefault(key, (place, one))
            shared = before.cells.keys() & one.cells.keys()
            if (before.base, before.engine) != (one.base, one.engine) or any(
                before.cells[name] != one.cells[name] for name in shared
            ):
                lines.append(f"other things are recorded of {one.base.reference} in {place} than in {first}")
    return lines


def _told_apart(recorded: Iterable[Recorded]) -> list[tuple[tuple[str, str, int], Recorded]]:
    """What was recorded, by base, kind of engine, and number where there is more than one of both."""
    numbers = Counter[tuple[str, str]]()
    keyed = []
    for one in recorded:
        kind = one.base.reference, one.engine.name
        keyed.append(((*kind, numbers[kind]), one))
        numbers[kind] += 1
    return keyed


def _together(
    tables: Iterable[tuple[str, Mapping[str, T]]],
    what: str,
    shifts: Callable[[T, T], Iterable[Shift]],
    conflicts: list[str],
) -> dict[str, T]:
    """The facts of all tables by name, each as it is found first; what contradicts it is added to ``conflicts``."""
    known: dict[str, tuple[str, T]] = {}
    for place, table in tables:
        for name, facts in table.items():
            first, before = known.setdefault(name, (place, facts))
            conflicts += [
                f"{what} {name}: {shift.name} is {shift.old or 'absent'} in {first}, {shift.new or 'absent'} in {place}"
                for shift in shifts(before, facts)
            ]
    return {name: facts for name, (_, facts) in known.items()}


def _engine_shifts(old: EngineFacts, new: EngineFacts) -> list[Shift]:
    """Machines of one kind may differ in their kernels: all are named then, see `_everywhere`."""
    return [shift for shift in engine_shifts(old, new) if shift.name != KERNEL]


def _base_shifts(old: BaseFacts, new: BaseFacts) -> list[Shift]:
    """A base that each machine made for itself has no digest, and an id that is its own."""
    image = image_shift(old, new) if old.digest or new.digest else None
    return [*([image] if image else []), *base_shifts(old, new)]


def _subject_shifts(old: SubjectFacts, new: SubjectFacts) -> list[Shift]:
    """One thing that differs, as a variant with another digest mostly has other lines, too."""
    sides = structs.asdict(old), structs.asdict(new)
    fields = sorted((name for name in sides[0] if sides[0][name] != sides[1][name]), key=lambda name: name != "digest")
    return [Shift(name=f"its {name}", old=_text(sides[0][name]), new=_text(sides[1][name])) for name in fields[:1]]


def _text(value: object) -> str | None:
    """A field of a subject in a message."""
    if isinstance(value, tuple):
        return "; ".join(f"{one.text} (line {one.line})" for one in value)
    return None if value is None else str(value)


def _rows(files: Files, conflicts: list[str]) -> tuple[list[Row], list[str]]:
    """Each cell's row once, and what to say of those that were there more than once."""
    known: dict[Hashable, tuple[str, Row]] = {}
    twice: list[str] = []
    for place, document in files:
        for row in document.results:
            key = (row.engine, row.base, row.subject, row.question.name)
            if key not in known:
                known[key] = place, row
                continue
            first, before = known[key]
            if before.verdict is not row.verdict and before.tested and row.tested:
                conflicts.append(f"{row.id} is {row.verdict} in {place}, {before.verdict} in {first}")
                continue
            if row.tested and not before.tested:
                known[key] = place, row
            kept = known[key][0]
            twice.append(f"{row.id} is in {first} and in {place}; that of {kept} counts")
    return [row for _, row in known.values()], twice


def _span(files: Files) -> tuple[str, float]:
    """When the first run began, and how many seconds later the last one ended."""
    begun: list[dt.datetime] = []
    for place, document in files:
        try:
            begun.append(dt.datetime.strptime(document.started, _TIME).replace(tzinfo=dt.UTC))
        except ValueError as error:
            raise UsageError(f"{place}, started: {document.started!r} is no time", remedy="Run it again.") from error
    ended = max(
        (at - begun[0]).total_seconds() + document.duration_s for at, (_, document) in zip(begun, files, strict=True)
    )
    return files[0][1].started, round(ended, 3)


def _everywhere(name: str, facts: EngineFacts, documents: Iterable[Document]) -> EngineFacts:
    """An engine's facts with all kernels that it ran on."""
    kernels = {kernel for one in documents if name in one.engines for kernel in one.engines[name].kernel.split(_AMONG)}
    return structs.replace(facts, kernel=_AMONG.join(sorted(kernels)))


def _in_order(table: Mapping[str, T], names: Iterable[str | None]) -> dict[str, T]:
    """A table in the order in which its names come up; those that do not come last."""
    return {name: table[name] for name in dict.fromkeys([*names, *table]) if name is not None}


def _judged(documents: Sequence[Document]) -> Judged | None:
    """What the runs were judged against, together: parts of one run each left out the cells of the others, too."""
    judged = [one.judged for one in documents if one.judged]
    if not judged:
        return None
    known: dict[tuple[str, str, int], Recorded] = {}
    for one in judged:
        for key, recorded in _told_apart(one.recorded):
            before = known.get(key, recorded)
            known[key] = structs.replace(
                before, variants=before.variants | recorded.variants, cells=before.cells | recorded.cells
            )
    wholes = {sum(len(recorded.cells) for recorded in one.recorded) + one.left_out for one in judged}
    kept = sum(len(recorded.cells) for recorded in known.values())
    left_out = max(0, wholes.pop() - kept) if len(wholes) == 1 else sum(one.left_out for one in judged)
    return Judged(recorded=tuple(known[name] for name in sorted(known)), left_out=left_out)


def _parts(documents: Iterable[Document]) -> Shard | None:
    """The parts that are there, where some are, as one."""
    shards = [one.shard for one in documents if one.shard]
    if not shards:
        return None
    return structs.replace(shards[0], parts=tuple(sorted({part for one in shards for part in one.parts})))


def _cut(documents: Sequence[Document], rows: Sequence[Row], missing: Sequence[str]) -> Cut | None:
    """Why cells are missing: parts are in no file, or runs were cut."""
    reasons: list[str] = []
    unknown = 0
    shard = _parts(documents)
    if missing and shard:
        absent = [str(part) for part in range(1, shard.of + 1) if part not in shard.parts]
        if absent:
            which = f"part {absent[0]}" if len(absent) == 1 else f"parts {_AMONG.join(absent)}"
            reasons.append(f"{which} of {shard.of} {'is' if len(absent) == 1 else 'are'} in no file")
    for one in documents:
        if one.cut is None:
            continue
        if one.shard is None:
            unknown += max(0, one.cut.planned - len(one.results))
            reasons.append(f"a run was cut short: {one.cut.reason}")
        elif missing and len(one.shard.parts) == 1:
            reasons.append(f"part {one.shard.parts[0]} was cut short: {one.cut.reason}")
    if not missing and not reasons:
        return None
    return Cut(
        planned=len(rows) + len(missing) + unknown,
        reason="; ".join(dict.fromkeys(reasons)) or "planned cells are in no file",
        exit_code=ExitCode.UNTESTED,
    )
