"""What was recorded of one base, to be compared with what is found later. Records only; pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from harness.core.errors import UsageError
from harness.core.question import Probe, Question, is_question, is_signal
from harness.core.references import is_glob
from harness.core.subject import base_label, in_column, place_label
from harness.core.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from harness.core.document import Document, Row
    from harness.core.facts import BaseFacts, EngineFacts

REMEDY: Final = "Results come from `signal-harness run --json F`, baselines from `signal-harness baseline update`."

BASELINES: Final = "baselines"
"""The folder that baselines are kept in unless another is named."""

Key = tuple[str, str]
"""A cell of a base: the variant's name, and the question (a signal's name or a probe's)."""

Argv = tuple[str, ...]
"""A command line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was found in one cell.

    ``seen`` are the verdicts of its runs where these disagree. ``signal`` is the one that ``docker stop`` sent.
    ``chain`` are the commands from PID 1 down to the app.
    """

    verdict: Verdict
    seen: tuple[Verdict, ...] = ()
    signal: str | None = None
    chain: tuple[Argv, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """All that was found on one base, on one engine: the fingerprint of what matters, and a finding for each cell.

    ``column`` stands for the engine in ids where the run had several. ``variants`` holds a digest of what makes each
    variant what it is, where that is known. ``command`` is what CMD says in an image as it is, see
    `harness.core.as_is`; ``None`` where that is not known, and for a base.
    """

    base: BaseFacts
    engine: EngineFacts
    variants: Mapping[str, str] = field(default_factory=dict)
    findings: Mapping[Key, Finding] = field(default_factory=dict)
    command: Argv | None = None
    column: str | None = None

    @property
    def place(self) -> str:
        """Where it was found, as ids of cells have it."""
        return place_label(self.base.reference, self.column)

    @property
    def title(self) -> str:
        """Where it was found, as people are told."""
        return f"{self.base.reference}{in_column(self.column)}"


def flaw(key: Key, finding: Finding) -> str:
    """What is wrong with a finding that a person may have edited; empty if it can have been found."""
    _, question = key
    if not is_question(question):
        return f"{question!r} is not a question"
    if finding.signal is not None and not is_signal(finding.signal):
        return f"{finding.signal!r} is not a signal"
    known = Question.parse(question).probe.verdicts
    wrong = [verdict for verdict in finding.seen if verdict not in known]
    if finding.verdict not in (*known, Verdict.UNSTABLE, Verdict.UNTESTED):
        wrong.append(finding.verdict)
    return f"{wrong[0]} is not a verdict on {question}" if wrong else ""


def seen_of(verdict: Verdict, runs: Collection[Verdict]) -> tuple[Verdict, ...]:
    """The verdicts of runs that disagree; those that could not be tested do not count."""
    if verdict is not Verdict.UNSTABLE:
        return ()
    return tuple(one for one in Verdict if one in runs and one is not Verdict.UNTESTED)


def finding_of(row: Row) -> Finding:
    """What is recorded of a row."""
    return Finding(
        verdict=row.verdict,
        seen=seen_of(row.verdict, [run.verdict for run in row.runs]),
        signal=row.signal if row.question.probe is Probe.STOP else None,
        chain=row.evidence.chain,
    )


def recordings(document: Document, *, place: str = "the results") -> tuple[Recording, ...]:
    """What a results document has recorded, base by base on each engine; a base without results is left out.

    Args:
        document: the results.
        place: where they are from, for messages.

    Raises:
        UsageError: a result names a base that the document knows nothing of, cannot have been found, or is there twice.
    """
    places: dict[tuple[str, str, str | None], dict[Key, Finding]] = {}
    digests = {name: subject.digest for name, subject in document.subjects.items() if subject.digest}
    for number, row in enumerate(document.results):
        if row.base is None:
            continue
        key, where = (row.subject, row.question.name), f"{place}, results[{number}]"
        if row.base not in document.bases or row.engine not in document.engines:
            raise UsageError(f"{where}: {row.base!r} is none of its bases", remedy=REMEDY)
        finding = finding_of(row)
        if wrong := flaw(key, finding):
            raise UsageError(f"{where}: {wrong}", remedy=REMEDY)
        found = places.setdefault((row.base, row.engine, row.column), {})
        if key in found:
            on = f"{row.base}{in_column(row.column)}"
            raise UsageError(f"{where}: {'/'.join(key)} on {on} is there twice", remedy=REMEDY)
        found[key] = finding
    return tuple(
        Recording(
            base=document.bases[reference],
            engine=document.engines[engine],
            variants=digests,
            findings=findings,
            column=column,
        )
        for (reference, engine, column), findings in places.items()
    )


def of_engine(recorded: Sequence[Recording], engine: EngineFacts) -> tuple[Recording, ...]:
    """Of what was recorded of each base, that with which a run on an engine is compared.

    What is recorded of one engine alone is compared with any. Where there are several, it is that of the same kind of
    engine, and of these the one of the same version and runtime, or else the first.
    """
    bases: dict[str, list[Recording]] = {}
    for one in recorded:
        bases.setdefault(base_label(one.base.reference), []).append(one)
    chosen: list[Recording] = []
    for several in bases.values():
        alike = several if len(several) == 1 else [one for one in several if one.engine.name == engine.name]
        chosen += sorted(alike, key=lambda one: not_alike(one.engine, engine))[:1]
    return tuple(chosen)


def not_alike(one: EngineFacts, other: EngineFacts) -> tuple[bool, bool]:
    """What orders engines of one kind by how they stand to another: the same version first, then the same runtime."""
    return one.version != other.version, one.runtime != other.runtime


def counterparts(recorded: Sequence[Recording], bases: Iterable[str]) -> dict[str, Recording]:
    """Which recording each base is compared with.

    One of the same name; or, if there is one recording and one base in all, these two: that is how one base takes the
    place of another.
    """
    by_label = {base_label(recording.base.reference): recording for recording in recorded}
    wanted = list(bases)
    if len(by_label) == len(wanted) == 1:
        return dict(zip(wanted, by_label.values(), strict=True))
    return {base: by_label[base_label(base)] for base in wanted if base_label(base) in by_label}


def relevant(
    recorded: Sequence[Recording], named: Collection[str], bases: Iterable[str] | None = None
) -> dict[str, Recording]:
    """Which recordings a run has to do with, by the base that each is compared with, or else by its own.

    Those of the bases that run; and where these were not named one by one, what was recorded of all others, too: a base
    that is gone is no success then.

    Args:
        recorded: all that was recorded.
        named: the bases as the options name them; none is all, and a glob stands for those that match it.
        bases: those that run, once they are known; until then they are the ones that are named.
    """
    known = counterparts(recorded, named if bases is None else bases)
    if named and not any(map(is_glob, named)):
        return known
    taken = {id(recording) for recording in known.values()}
    return known | {other.base.reference: other for other in recorded if id(other) not in taken}


def verdicts(pairs: Mapping[str, Recording]) -> dict[str, Verdict]:
    """What recordings say of the cells of the bases that are compared with them, by the cell's id."""
    return {
        f"{base_label(base)}/{variant}/{question}": finding.verdict
        for base, recording in pairs.items()
        for (variant, question), finding in recording.findings.items()
    }


def selected(recording: Recording, *, globs: Collection[str], asked: Collection[str] | None) -> set[Key]:
    """The cells of a recording whose variant matches a glob and whose question is asked; ``None`` asks all."""
    return {
        (variant, question)
        for variant, question in recording.findings
        if any(fnmatchcase(variant, glob) for glob in globs or ("*",)) and (asked is None or question in asked)
    }


def narrowed(recording: Recording, keys: Collection[Key]) -> Recording:
    """A recording of no more than some cells."""
    findings = {key: finding for key, finding in recording.findings.items() if key in keys}
    return replace(recording, findings=findings)


def same_fingerprint(recording: Recording, *, base: BaseFacts, engine: EngineFacts) -> bool:
    """Whether a recording is of this very base, on this engine."""
    return recording.engine == engine and recording.base == base


def merged(old: Recording | None, new: Recording, *, keep: bool) -> Recording:
    """What is to be recorded: what was found, and where nothing could be tested what was recorded before.

    Args:
        old: what was recorded; of another image or engine none of it stays, and no cell of a variant that was changed.
        new: what is found.
        keep: whether cells that were not asked about stay.
    """
    if old and not same_fingerprint(old, base=new.base, engine=new.engine):
        old = None
    digests = old.variants if old else {}
    kept = {
        key: finding
        for key, finding in (old.findings if old else {}).items()
        if (keep or key in new.findings) and new.variants.get(key[0], digests.get(key[0])) == digests.get(key[0])
    }
    tested = {key: finding for key, finding in new.findings.items() if finding.verdict is not Verdict.UNTESTED}
    variants = {**(old.variants if old and keep else {}), **new.variants}
    return replace(new, findings={**kept, **tested}, variants=variants)


def untested(recording: Recording) -> int:
    """How many cells could not be tested."""
    return sum(finding.verdict is Verdict.UNTESTED for finding in recording.findings.values())
