"""What was recorded of one base, to be compared with what is found later. Records only; pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from harness.core.errors import UsageError
from harness.core.evidence import StopEvidence
from harness.core.question import Probe
from harness.core.signals import parse_signal
from harness.core.subject import base_label
from harness.core.verdict import VERDICTS, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from harness.core.facts import BaseFacts, EngineFacts
    from harness.core.result import Report, Result

_OTHER_PROBES: Final = {probe.value: probe for probe in Probe if probe is not Probe.SIGNAL}

BASELINES: Final = "baselines"
"""The folder that baselines are kept in unless another is named."""

Key = tuple[str, str]
"""A cell of a base: the variant's name, and the question (a signal's name or a probe's)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was found in one cell.

    ``seen`` are the verdicts of its runs where these disagree. ``signal`` is the one that ``docker stop`` sent.
    ``chain`` are the commands from PID 1 down to the app.
    """

    verdict: Verdict
    seen: tuple[Verdict, ...] = ()
    signal: str | None = None
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """All that was found on one base: the fingerprint of what matters, and a finding for each cell.

    ``variants`` holds a digest of what makes each variant what it is, where that is known.
    """

    base: BaseFacts
    engine: EngineFacts
    variants: Mapping[str, str] = field(default_factory=dict)
    findings: Mapping[Key, Finding] = field(default_factory=dict)


def is_question(text: str) -> bool:
    """Whether a text is the name of a signal that can be asked about, or of another probe."""
    return text in _OTHER_PROBES or _is_signal(text)


def _is_signal(text: str) -> bool:
    try:
        return parse_signal(text).name == text
    except UsageError:
        return False


def flaw(key: Key, finding: Finding) -> str:
    """Say what is wrong with a finding that a person may have edited; empty if it can have been found."""
    _, question = key
    if not is_question(question):
        return f"{question!r} is no question"
    if finding.signal is not None and not _is_signal(finding.signal):
        return f"{finding.signal!r} is no signal"
    known = VERDICTS[_OTHER_PROBES.get(question, Probe.SIGNAL)]
    wrong = [verdict for verdict in finding.seen if verdict not in known]
    if finding.verdict not in (*known, Verdict.UNSTABLE, Verdict.UNTESTED):
        wrong.append(finding.verdict)
    return f"{wrong[0]} is no verdict on {question}" if wrong else ""


def seen_of(verdict: Verdict, runs: Collection[Verdict]) -> tuple[Verdict, ...]:
    """The verdicts of runs that disagree; those that could not be tested do not count."""
    if verdict is not Verdict.UNSTABLE:
        return ()
    return tuple(one for one in Verdict if one in runs and one is not Verdict.UNTESTED)


def finding_of(result: Result) -> Finding:
    """What is recorded of a result."""
    evidence = result.evidence
    return Finding(
        verdict=result.verdict,
        seen=seen_of(result.verdict, [run.judgement.verdict for run in result.runs]),
        signal=evidence.sent.name if isinstance(evidence, StopEvidence) else None,
        chain=evidence.chain if evidence else (),
    )


def recordings(report: Report) -> tuple[Recording, ...]:
    """What a report holds, base by base; a base without results is left out."""
    found: dict[str, dict[Key, Finding]] = {}
    for result in report.results:
        key = (result.cell.variant.name, result.cell.question)
        found.setdefault(result.cell.base, {})[key] = finding_of(result)
    return tuple(
        Recording(
            base=report.bases[reference],
            engine=report.engine,
            variants={name: source.digest for name, source in report.sources.items()},
            findings=findings,
        )
        for reference, findings in found.items()
    )


def counterparts(recorded: Sequence[Recording], bases: Iterable[str]) -> dict[str, Recording]:
    """Which recording each base is to be held against.

    One of the same name; or, if there is one recording and one base in all, these two: that is how one base takes the
    place of another.
    """
    by_label = {base_label(recording.base.reference): recording for recording in recorded}
    wanted = list(bases)
    if len(by_label) == len(wanted) == 1:
        return dict(zip(wanted, by_label.values(), strict=True))
    return {base: by_label[base_label(base)] for base in wanted if base_label(base) in by_label}


def verdicts(pairs: Mapping[str, Recording]) -> dict[str, Verdict]:
    """What recordings say of the cells of the bases that are held against them, by the cell's id."""
    return {
        f"{base_label(base)}/{variant}/{question}": finding.verdict
        for base, recording in pairs.items()
        for (variant, question), finding in recording.findings.items()
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
