"""Recordings as files: baselines, made for review, one line per cell; and what results and baselines have recorded."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from harness.core.baseline import Finding, Recording, flaw, is_question, seen_of
from harness.core.errors import UsageError
from harness.core.facts import BaseFacts, EngineFacts
from harness.core.question import Probe
from harness.core.subject import base_label
from harness.core.verdict import Verdict
from harness.report.document import REMEDY, SCHEMA, Base, Engine, decode_as, kind_of, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.core.baseline import Key
    from harness.report.document import Document, Row, Variant

_OTHER: Final = re.compile(r"[^A-Za-z0-9._-]")


class _Cell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    verdict: Verdict
    seen: tuple[Verdict, ...] = ()
    signal: str | None = None
    chain: tuple[str, ...] = ()


_CELL: Final = msgspec.json.Decoder(_Cell)


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: Literal[1]
    base: str
    image: Base
    engine: Engine
    variants: dict[str, str]
    cells: dict[str, msgspec.Raw]


class _Run(msgspec.Struct, frozen=True):
    verdict: Verdict


class _Evidence(msgspec.Struct, frozen=True):
    chain: tuple[str, ...]


class _Row(msgspec.Struct, frozen=True):
    base: str
    variant: str
    probe: Probe
    signal: str | None
    verdict: Verdict
    runs: tuple[_Run, ...]
    evidence: _Evidence

    @property
    def question(self) -> str:
        return self.signal or "" if self.probe is Probe.SIGNAL else self.probe.value


class _Variant(msgspec.Struct, frozen=True):
    digest: str | None


class _Results(msgspec.Struct, frozen=True):
    """A results document without the evidence, which is nearly all of it: several times as fast to read."""

    schema: Literal[1]
    engine: Engine
    bases: dict[str, Base]
    variants: dict[str, _Variant]
    results: tuple[_Row, ...]


def file_name(reference: str) -> str:
    """The name of a base's baseline file, fit for any file system."""
    return _OTHER.sub("_", base_label(reference)) + ".json"


def write(recording: Recording) -> str:
    """Give a recording as a baseline file: sorted, one line per cell. Cells that could not be tested are left out."""
    base = {name: getattr(recording.base, name) for name in Base.__struct_fields__}
    engine = {name: getattr(recording.engine, name) for name in Engine.__struct_fields__}
    findings = {
        key: finding for key, finding in sorted(recording.findings.items()) if finding.verdict is not Verdict.UNTESTED
    }
    names = {variant for variant, _ in findings}
    cells = {"/".join(key): _line(finding) for key, finding in findings.items()}
    parts = {
        "schema": _text(SCHEMA),
        "base": _text(recording.base.reference),
        "image": _lines({name: _text(value) for name, value in base.items()}),
        "engine": _lines({name: _text(value) for name, value in engine.items()}),
        "variants": _lines({name: _text(recording.variants[name]) for name in sorted(names & set(recording.variants))}),
        "cells": _lines({name: _text(line) for name, line in cells.items()}),
    }
    return "{\n" + ",\n".join(f"  {_text(name)}: {text}" for name, text in parts.items()) + "\n}\n"


def _line(finding: Finding) -> dict[str, Any]:
    line: dict[str, Any] = {"verdict": finding.verdict}
    if finding.seen:
        line["seen"] = finding.seen
    if finding.signal:
        line["signal"] = finding.signal
    return line | {"chain": finding.chain}


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lines(values: dict[str, str]) -> str:
    inner = ",\n".join(f"    {_text(name)}: {text}" for name, text in values.items())
    return "{\n" + inner + "\n  }" if values else "{}"


def read(content: bytes, *, place: str) -> tuple[Recording, ...]:
    """Read what a baseline, or the bases of a results document, have recorded.

    Args:
        content: the file's content.
        place: the file's name, for messages.

    Raises:
        UsageError: it is neither, or broken; the message names the place.
    """
    if kind_of(content, place=place) == "results":
        document = decode_as(_Results, content, place=place, what="results file", mark="results")
        return recordings_of(document, place=place)
    return (read_baseline(content, place=place),)


def read_baseline(content: bytes, *, place: str) -> Recording:
    """Read a baseline file.

    Raises:
        UsageError: it is none, or broken; the message names the place.
    """
    file = decode_as(_File, content, place=place, what="baseline", mark="cells")
    _refuse_twins(content, place=place)
    if not file.base:
        raise UsageError(f"{place}, base: it is empty", remedy=REMEDY)
    return Recording(
        base=_base(file.base, file.image),
        engine=_engine(file.engine),
        variants=file.variants,
        findings=dict(_cell(name, raw, place=f"{place}, cells") for name, raw in file.cells.items()),
    )


def _refuse_twins(content: bytes, *, place: str) -> None:
    """Refuse a key that is there twice, as a bad merge leaves it: one of the two would win in silence."""

    def refuse(pairs: list[tuple[str, Any]]) -> None:
        twins = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
        if twins:
            raise UsageError(f"{place}: {twins[0]!r} is there twice", remedy="Leave one of them; or record it again.")

    try:
        json.loads(content, object_pairs_hook=refuse)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{place}: no JSON that can be read: {error}", remedy=REMEDY) from error


def _cell(name: str, raw: msgspec.Raw, *, place: str) -> tuple[Key, Finding]:
    variant, _, question = name.rpartition("/")
    if not variant or not is_question(question):
        raise UsageError(f"{place}: {name!r} is no cell", remedy="A cell is VARIANT/SIGNAL or VARIANT/PROBE.")
    try:
        cell = _CELL.decode(raw)
    except msgspec.ValidationError as error:
        raise refusal(error, place=f"{place}[{_text(name)}]") from error
    finding = Finding(verdict=cell.verdict, seen=cell.seen, signal=cell.signal, chain=cell.chain)
    return _sound((variant, question), finding, place=f"{place}[{_text(name)}]")


def _sound(key: Key, finding: Finding, *, place: str) -> tuple[Key, Finding]:
    """Let pass what can have been found.

    Raises:
        UsageError: it cannot; the message names the place.
    """
    if wrong := flaw(key, finding):
        raise UsageError(f"{place}: {wrong}", remedy=REMEDY)
    return key, finding


def recordings_of(document: Document | _Results, *, place: str = "the results") -> tuple[Recording, ...]:
    """What a results document has recorded, base by base; a base without results is left out.

    Raises:
        UsageError: a result names a base that the document knows nothing of, cannot have been found, or is there twice.
    """
    found: dict[str, dict[Key, Finding]] = {}
    rows: Sequence[Row | _Row] = document.results
    for number, row in enumerate(rows):
        if row.base not in document.bases:
            raise UsageError(f"{place}, results[{number}]: {row.base!r} is none of its bases", remedy=REMEDY)
        finding = Finding(
            verdict=row.verdict,
            seen=seen_of(row.verdict, [run.verdict for run in row.runs]),
            signal=row.signal if row.probe is Probe.STOP else None,
            chain=row.evidence.chain,
        )
        key, _ = _sound((row.variant, row.question), finding, place=f"{place}, results[{number}]")
        if key in found.setdefault(row.base, {}):
            raise UsageError(f"{place}, results[{number}]: {'/'.join(key)} on {row.base} is there twice", remedy=REMEDY)
        found[row.base][key] = finding
    variants: Mapping[str, Variant | _Variant] = document.variants
    digests = {name: variant.digest for name, variant in variants.items() if variant.digest}
    return tuple(
        Recording(
            base=_base(reference, document.bases[reference]),
            engine=_engine(document.engine),
            variants=digests,
            findings=findings,
        )
        for reference, findings in found.items()
    )


def _base(reference: str, base: Base) -> BaseFacts:
    return BaseFacts(reference=reference, **{name: getattr(base, name) for name in Base.__struct_fields__})


def _engine(engine: Engine) -> EngineFacts:
    return EngineFacts(**{name: getattr(engine, name) for name in Engine.__struct_fields__})
