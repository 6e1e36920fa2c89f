"""What a run is judged against, as its results keep it, and what that comes to. Pure."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import msgspec

from harness.core.baseline import REMEDY, Finding, Recording, counterparts, flaw, narrowed, of_engine, recordings
from harness.core.comparison import compare_all, recorded
from harness.core.document import Judged, Recorded, RecordedCell
from harness.core.errors import UsageError
from harness.core.judge import as_expected
from harness.core.ranking import Change

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from harness.core.baseline import Key
    from harness.core.comparison import Comparison
    from harness.core.document import Document, Row
    from harness.core.verdict import Verdict


def judged(
    document: Document,
    known: Sequence[Recording],
    asked: Mapping[str, Collection[Key]],
    *,
    named: bool,
    planned: Collection[str] | None = None,
) -> Document:
    """Results with what they are judged against.

    Args:
        document: the results.
        known: all that was recorded.
        asked: which cells of it the run was asked for, by the base that was recorded.
        named: whether the bases were named, so that what was recorded of others was not asked for.
        planned: the bases of the whole run where this is a part of it.
    """
    bases = document.bases if planned is None else planned
    sides = [of_engine(known, engine) for engine in document.engines.values()]
    pairs = [one for side in sides for base, one in counterparts(side, bases).items() if base in document.bases]
    of_these = [one for one in known if any(one is other for side in sides for other in side)]
    wanted = [one for one in of_these if not named or any(one is pair for pair in pairs)]
    kept = [narrowed(one, asked[one.base.reference]) for one in wanted]
    left_out = sum(len(one.findings) for one in known) - sum(len(one.findings) for one in kept)
    against = Judged(recorded=tuple(map(_packed, kept)), left_out=left_out)
    return msgspec.structs.replace(document, judged=against)


def comparisons_of(document: Document, *, place: str = "the results") -> list[Comparison]:
    """What changed since what a run was judged against was recorded; nothing if there is no such thing.

    What a run that was cut did not come to has not changed.

    Raises:
        UsageError: what it was judged against cannot have been found; ``place`` is where it is from.
    """
    if document.judged is None:
        return []
    old = [_unpacked(one, place=f"{place}, judged") for one in document.judged.recorded]
    made = compare_all(old, recordings(document, place=place), document.bases)
    if document.cut is None:
        return made
    ran = [replace(one, differences=tuple(d for d in one.differences if d.change is not Change.GONE)) for one in made]
    return [one for one in ran if one.new.findings]


def uncovered(rows: Sequence[Row], known: Mapping[str, Verdict]) -> list[Row]:
    """The tested cells of which neither the catalogue nor a recording says what to expect."""
    return [
        row
        for row in rows
        if row.tested and as_expected(row.expected, row.verdict, known.get(row.id), row.required) is None
    ]


def any_compared(comparisons: Sequence[Comparison]) -> bool:
    """Whether there is a cell that is recorded and was run."""
    return any(one.old.findings.keys() & one.new.findings.keys() for one in comparisons)


def gone(comparisons: Sequence[Comparison]) -> list[str]:
    """The recorded cells that were not run, by id."""
    return [
        one.cell_id(difference)
        for one in comparisons
        for difference in one.differences
        if difference.change is Change.GONE
    ]


def is_judged(document: Document, compared: Sequence[Comparison]) -> bool:
    """Whether results were compared with what was recorded at all."""
    return document.judged is not None or bool(compared)


def is_open(document: Document, compared: Sequence[Comparison]) -> bool:
    """Whether something was not compared: no cell at all, some that are recorded, or some that nothing covers.

    Without a recording nothing has to be.
    """
    if not is_judged(document, compared):
        return False
    return bool(not any_compared(compared) or gone(compared) or uncovered(document.results, recorded(compared)))


def _packed(recording: Recording) -> Recorded:
    cells = {"/".join(key): RecordedCell(**asdict(finding)) for key, finding in recording.findings.items()}
    names = {variant for variant, _ in recording.findings}
    digests = {name: digest for name, digest in recording.variants.items() if name in names}
    return Recorded(base=recording.base, engine=recording.engine, variants=digests, cells=cells)


def _unpacked(one: Recorded, *, place: str) -> Recording:
    findings: dict[Key, Finding] = {}
    for name, cell in one.cells.items():
        variant, _, question = name.rpartition("/")
        finding = Finding(**msgspec.structs.asdict(cell))
        if wrong := flaw((variant, question), finding):
            raise UsageError(f"{place}, {name}: {wrong}", remedy=REMEDY)
        findings[variant, question] = finding
    return Recording(base=one.base, engine=one.engine, variants=one.variants, findings=findings)
