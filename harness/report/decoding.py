"""Results documents and baselines, read from files of this schema or upgraded to it.

What reads raises `UsageError` for a file that is broken or not what it should be; the message names the place in it.
``place`` is the file's name.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import msgspec

from harness.core.baseline import REMEDY, Argv, Finding, Recording, flaw, recordings
from harness.core.document import SCHEMA, Document
from harness.core.errors import UsageError
from harness.core.facts import BaseFacts, EngineFacts
from harness.core.question import Probe, is_question, is_signal
from harness.core.verdict import Verdict
from harness.report import schema_1

if TYPE_CHECKING:
    from harness.core.baseline import Key

T = TypeVar("T")
KNOWN: Final = (1, SCHEMA)


class Image(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A base in a baseline file, which names it once for all: `BaseFacts` without the reference."""

    id: str
    digest: str | None
    os: str | None
    libc: str | None
    shell: str | None
    programs: dict[str, str]
    stop_signal: str | None
    entrypoint: tuple[str, ...]
    entrypoint_sha256: str | None


class _Cell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    verdict: Verdict
    seen: tuple[Verdict, ...] = ()
    signal: str | None = None
    chain: tuple[Argv, ...] = ()


class _Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: Literal[2]
    base: str
    image: Image
    engine: EngineFacts
    variants: dict[str, str]
    cells: dict[str, msgspec.Raw]


class _Head(msgspec.Struct):
    schema: Any = None
    results: msgspec.Raw = msgspec.Raw()
    cells: msgspec.Raw = msgspec.Raw()


_KINDS: Final = {"results": "results file", "cells": "baseline"}
_UPGRADES: Final = {"results": schema_1.results, "cells": schema_1.baseline}


def read_document(content: bytes, *, place: str) -> Document:
    """A results document whose rows name what is in it."""
    document = _document(content, place=place)
    for number, row in enumerate(document.results):
        for what in ("engine", "base", "subject"):
            name = getattr(row, what)
            if name is not None and name not in getattr(document, f"{what}s"):
                raise UsageError(f"{place}, results[{number}].{what}: {name!r} is not among the {what}s", remedy=REMEDY)
    return document


def read_recordings(content: bytes, *, place: str) -> tuple[Recording, ...]:
    """What a baseline, or the bases of a results document, have recorded."""
    if kind_of(content, place=place) == "results":
        return recordings(_document(content, place=place), place=place)
    return (read_baseline(content, place=place),)


def read_baseline(content: bytes, *, place: str) -> Recording:
    """What a baseline file has recorded."""
    file = _decoded(_Baseline, content, place=place, mark="cells")
    _refuse_twins(content, place=place)
    if not file.base:
        raise UsageError(f"{place}, base: it is empty", remedy=REMEDY)
    return Recording(
        base=BaseFacts(reference=file.base, **msgspec.structs.asdict(file.image)),
        engine=file.engine,
        variants=file.variants,
        findings=dict(_cell(name, raw, place=f"{place}, cells") for name, raw in file.cells.items()),
    )


def kind_of(content: bytes, *, place: str) -> str:
    """Which file it is by the key that is there: ``results``, or a baseline's ``cells``; empty if neither is."""
    head = _head(content, place=place)
    return next((key for key in _KINDS if bytes(getattr(head, key))), "")


def schema_of(content: bytes, *, place: str) -> int:
    """The schema that a file is of."""
    return int(_head(content, place=place).schema)


def _document(content: bytes, *, place: str) -> Document:
    """A results document whose rows all have a question."""
    document = _decoded(Document, content, place=place, mark="results")
    for number, row in enumerate(document.results):
        if row.probe is Probe.SIGNAL and not is_signal(row.signal or ""):
            raise UsageError(f"{place}, results[{number}].signal: {row.signal!r} is not a signal", remedy=REMEDY)
    return document


def _head(content: bytes, *, place: str) -> _Head:
    try:
        head = msgspec.json.decode(content, type=_Head)
    except msgspec.ValidationError as error:
        raise UsageError(f"{place} is not a file of signal-harness: {error}", remedy=REMEDY) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_json(content, place, error) from error
    if head.schema is None:
        raise UsageError(f"{place} is not a file of signal-harness: it names no schema", remedy=REMEDY)
    if head.schema not in KNOWN or isinstance(head.schema, bool):
        raise UsageError(
            f"{place} has schema {head.schema!r}",
            remedy=f"This version of signal-harness reads schemas {' and '.join(map(str, KNOWN))}.",
        )
    return head


def _decoded(shape: type[T], content: bytes, *, place: str, mark: str) -> T:
    """A file of a known shape, which the key ``mark`` distinguishes from others."""
    try:
        return _of_any_schema(shape, content, place=place, mark=mark)
    except msgspec.ValidationError as error:
        raise _refusal(error, place=f"{place}, ") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_json(content, place, error) from error


def _of_any_schema(shape: type[T], content: bytes, *, place: str, mark: str) -> T:
    try:
        return msgspec.json.decode(content, type=shape)
    except msgspec.ValidationError as error:
        # Only a file that does not fit is looked at again, as it may hold a hundred megabytes.
        kind = kind_of(content, place=place)
        if kind != mark:
            holds = f": it holds {kind}" if kind else ""
            raise UsageError(f"{place} is not a {_KINDS[mark]}{holds}", remedy=REMEDY) from error
        if schema_of(content, place=place) == SCHEMA:
            raise
    upgraded = _UPGRADES[mark](msgspec.json.decode(content))
    return msgspec.json.decode(msgspec.json.encode(upgraded), type=shape)


def _refusal(error: msgspec.ValidationError, *, place: str) -> UsageError:
    """What is of the wrong shape, and where: ``place`` and then msgspec's own path."""
    problem, apart, where = str(error).rpartition(" - at ")
    at = where.strip("`").removeprefix("$") if apart else ""
    whole = f"{place}{at.removeprefix('.') if place.endswith(' ') else at}".removesuffix(", ")
    return UsageError(f"{whole}: {problem or error}", remedy=REMEDY)


def _not_json(content: bytes, place: str, error: Exception) -> UsageError:
    """Where JSON breaks off: Python's own parser counts lines."""
    try:
        json.loads(content)
    except json.JSONDecodeError as reason:
        return UsageError(f"{place}:{reason.lineno}:{reason.colno}: not valid JSON: {reason.msg}", remedy=REMEDY)
    except (ValueError, RecursionError) as reason:
        return UsageError(f"{place}: not JSON that can be read: {reason}", remedy=REMEDY)
    return UsageError(f"{place}: not JSON that can be read: {error}", remedy=REMEDY)


def _refuse_twins(content: bytes, *, place: str) -> None:
    """Refuse a key that is there twice, as a bad merge leaves it: one of the two would win unnoticed."""

    def refuse(pairs: list[tuple[str, Any]]) -> None:
        twins = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
        if twins:
            raise UsageError(f"{place}: {twins[0]!r} is there twice", remedy="Keep one of them, or record it again.")

    try:
        json.loads(content, object_pairs_hook=refuse)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{place}: not JSON that can be read: {error}", remedy=REMEDY) from error


def _cell(name: str, raw: msgspec.Raw, *, place: str) -> tuple[Key, Finding]:
    subject, _, question = name.rpartition("/")
    if not subject or not is_question(question):
        raise UsageError(f"{place}: {name!r} is not a cell", remedy="A cell is VARIANT/SIGNAL or VARIANT/PROBE.")
    at = f"{place}[{json.dumps(name, ensure_ascii=False)}]"
    try:
        cell = msgspec.json.decode(raw, type=_Cell)
    except msgspec.ValidationError as error:
        raise _refusal(error, place=at) from error
    finding = Finding(**msgspec.structs.asdict(cell))
    if wrong := flaw((subject, question), finding):
        raise UsageError(f"{at}: {wrong}", remedy=REMEDY)
    return (subject, question), finding
