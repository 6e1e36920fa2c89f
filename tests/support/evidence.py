"""Evidence from flat keywords: what a test changes is named, wherever it stands in the record."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar, cast

import msgspec

from harness.core.evidence import Seen, SignalEvidence
from harness.run.probes.exit_code import ExitEvidence
from harness.run.probes.reap import ReapEvidence
from harness.run.probes.stop import StopEvidence

R = TypeVar("R")
T = TypeVar("T", SignalEvidence, StopEvidence, ExitEvidence, ReapEvidence)


def words(command: str) -> tuple[str, ...]:
    """A command line without quotes as its words; what stands behind a shell's ``-c`` is one."""
    before, option, text = command.partition("sh -c ")
    return (*f"{before}{option}".split(), *([text] if option else []))


def made(kind: type[T], **values: Any) -> T:
    """Evidence of a kind, with the values of all that it is made of."""
    own, inner = _split(kind, values)
    inside = {"signalled": made(SignalEvidence, **inner)} if kind is StopEvidence else {"seen": Seen(**inner)}
    return kind(**inside, **own)


def changed(record: R, **values: Any) -> R:
    """The same record with other values; those of evidence are named wherever they stand in it."""
    if isinstance(record, msgspec.Struct):
        return msgspec.structs.replace(record, **values)
    if not isinstance(record, SignalEvidence | StopEvidence | ExitEvidence | ReapEvidence):
        return cast("R", replace(cast("Any", record), **values))
    own, inner = _split(type(record), values)
    if not inner:
        return replace(record, **own)
    if isinstance(record, StopEvidence):
        return replace(record, signalled=changed(record.signalled, **inner), **own)
    return replace(record, seen=replace(record.seen, **inner), **own)


def _split(kind: type[Any], values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values that stand in a record itself, and those of what it holds."""
    names = {field.name for field in fields(kind)}
    return (
        {name: value for name, value in values.items() if name in names},
        {name: value for name, value in values.items() if name not in names},
    )
