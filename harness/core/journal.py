"""The journal of a run under way, as JSON Lines: a head that says what is run, then a line for each cell that ended.

A run may come in parts, one after the other, as a check does whose subjects are not all run alike: each has a head. A
line is whole or not there at all: what follows the last end of line was cut as it was written. Pure; files are in
`harness.journals`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import msgspec

from harness.core.cause import engine_shifts
from harness.core.document import Document, Row
from harness.core.errors import UsageError
from harness.core.question import Probe, is_signal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

T = TypeVar("T", bound=msgspec.Struct)

VERSION: Final[Literal[1]] = 1
_START: Final = b'{"journal":'
_FEW: Final = 3
"""How many cells are named where some are more or fewer."""


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is run, and on what: all that has to be the same for other rows to be of the same run.

    ``document`` is the results document before any result, with all subjects of the part. ``cells`` are the ids of
    those that are planned, in all parts. ``facts`` are what else decides about a row, by what it is called: ids of
    images, digests of variants and of the catalogue's file, options; ``None`` is an option that is not given.
    """

    journal: Literal[1] = VERSION
    document: Document
    cells: tuple[str, ...]
    facts: dict[str, str | None]


class Kept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The row of a cell that ended ``after_s`` seconds after the start; time between two runs does not count."""

    after_s: float
    row: Row


@dataclass(frozen=True, kw_only=True, slots=True)
class Journal:
    """What a journal holds, in so many bytes of whole lines: a head for each part that has begun, and rows."""

    heads: tuple[Head, ...]
    kept: tuple[Kept, ...]
    size: int

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of cells that ended."""
        return tuple(each.row for each in self.kept)

    @property
    def spent_s(self) -> float:
        """How long the run had taken as its last cell ended."""
        return max((each.after_s for each in self.kept), default=0.0)


def line(entry: Head | Kept) -> bytes:
    """One line of a journal, with its end."""
    return msgspec.json.encode(entry) + b"\n"


def may_begin(content: bytes) -> bool:
    """Whether a file that begins so may be a journal, however early it was cut."""
    return content.startswith(_START) if len(content) >= len(_START) else _START.startswith(content)


def read(content: bytes, *, place: str) -> Journal | None:
    """What a journal holds, without a last line that was cut; ``None`` where its first head was.

    Raises:
        UsageError: a whole line is not what it should be; a part has other cells than the one before; or a row is of no
            cell that is planned, or of none of a part that has begun, or the second one.
    """
    whole = content[: content.rfind(b"\n") + 1]
    if not whole:
        return None
    first, *rest = whole[:-1].split(b"\n")
    heads = [_decoded(Head, first, place=f"{place}:1")]
    kept: list[Kept] = []
    planned, begun = set(heads[0].cells), set(heads[0].document.subjects)
    missing = set(planned)
    for number, text in enumerate(rest, start=2):
        if text.startswith(_START):
            heads.append(_decoded(Head, text, place=f"{place}:{number}"))
            if set(heads[-1].cells) != planned or begun & heads[-1].document.subjects.keys():
                raise UsageError(f"{place}:{number} begins a part of another run")
            begun |= heads[-1].document.subjects.keys()
            continue
        entry = _decoded(Kept, text, place=f"{place}:{number}")
        if entry.row.probe is Probe.SIGNAL and not is_signal(entry.row.signal or ""):
            raise UsageError(f"{place}:{number}: {entry.row.signal!r} is not a signal")
        if entry.row.id not in missing:
            why = "is there twice" if entry.row.id in planned else "is not planned"
            raise UsageError(f"{place}:{number}: the cell {entry.row.id} {why}")
        if entry.row.subject not in begun:
            raise UsageError(f"{place}:{number}: the cell {entry.row.id} is of no part that has begun")
        missing.remove(entry.row.id)
        kept.append(entry)
    return Journal(heads=tuple(heads), kept=tuple(kept), size=len(whole))


def option(name: str) -> str:
    """What an option is called among the facts of a head."""
    return f"the option {name}"


def image_of(name: str) -> str:
    """What the image of a base or subject is called there."""
    return f"the image of {name}"


def changes(before: Head, now: Head) -> tuple[str, ...]:
    """What keeps a part of a run from being taken up, in words; none if all that decides about its rows is as it was.

    How many cells run at once, and when a registry is asked, decide about none.
    """
    was, is_now = before.document, now.document
    return (
        *_changed("the version of signal-harness", was.tool.version, is_now.tool.version),
        *_engines(was, is_now),
        *_facts(before.facts, now.facts),
        *(_cells(before.cells, now.cells) or _alike(was, is_now)),
    )


def _decoded(shape: type[T], text: bytes, *, place: str) -> T:
    try:
        return msgspec.json.decode(text, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{place} is no line of a journal that this version reads: {error}") from error


def _changed(what: str, before: str | None, now: str | None) -> list[str]:
    told = ["not given" if value is None else value for value in (before, now)]
    return [] if before == now else [f"{what} has changed since: {told[0]} -> {told[1]}"]


def _engines(before: Document, now: Document) -> list[str]:
    if before.engines.keys() != now.engines.keys():
        return _changed("the engine", ", ".join(before.engines), ", ".join(now.engines))
    return [
        f"engine {name}: {shift.name} has changed since: {shift.old or 'absent'} -> {shift.new or 'absent'}"
        for name, facts in before.engines.items()
        for shift in engine_shifts(facts, now.engines[name])
    ]


def _facts(before: Mapping[str, str | None], now: Mapping[str, str | None]) -> list[str]:
    """What has changed of all that is there still; what is not, cells tell."""
    return [text for name in before if name in now for text in _changed(name, before[name], now[name])]


def _cells(before: tuple[str, ...], now: tuple[str, ...]) -> list[str]:
    more, fewer = (_few(one - other) for one, other in ((set(now), set(before)), (set(before), set(now))))
    return [
        f"the options choose {text}"
        for text in (more and f"more cells: {more}", fewer and f"no longer: {fewer}")
        if text
    ]


def _alike(before: Document, now: Document) -> list[str]:
    """That a part has other subjects, where all parts together have the same."""
    return _changed("what is run with the same options", *(", ".join(sorted(one.subjects)) for one in (before, now)))


def _few(cells: Iterable[str]) -> str:
    first, rest = sorted(cells)[:_FEW], sorted(cells)[_FEW:]
    return ", ".join(first) + (f" and {len(rest)} more" if rest else "")
