"""The journal of a run under way, as JSON Lines: a head that says what is run, then a line for each cell that ended.

A line is whole or not there at all: what follows the last end of line was cut as it was written. Pure; files are in
`harness.journals`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeVar

import msgspec

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
_OPTIONS: Final = {"repeat": "--repeat", "settle_s": "--settle", "grace_s": "--grace"}


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is run, and on what: all that has to be the same for other rows to be of the same run.

    ``document`` is the results document before any result, with all subjects. ``cells`` are the ids of those that are
    planned, ``images`` those of the bases by where they are run, ``catalogue`` is the digest of the catalogue's file.
    The others are options that decide how a cell is run.
    """

    journal: Literal[1] = VERSION
    document: Document
    cells: tuple[str, ...]
    images: dict[str, str]
    catalogue: str
    repeat: int | None
    settle_s: float | None
    grace_s: int


class Kept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The row of a cell that ended ``after_s`` seconds after the start; time between two runs does not count."""

    after_s: float
    row: Row


@dataclass(frozen=True, kw_only=True, slots=True)
class Journal:
    """What a journal holds, in so many bytes of whole lines."""

    head: Head
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
    """What a journal holds, without a last line that was cut; ``None`` where its head was.

    Raises:
        UsageError: a whole line is not what it should be, or a row is of no cell that is planned, or the second one.
    """
    whole = content[: content.rfind(b"\n") + 1]
    if not whole:
        return None
    first, *rest = whole[:-1].split(b"\n")
    head = _decoded(Head, first, place=f"{place}:1")
    kept: list[Kept] = []
    missing = set(head.cells)
    for number, text in enumerate(rest, start=2):
        entry = _decoded(Kept, text, place=f"{place}:{number}")
        if entry.row.probe is Probe.SIGNAL and not is_signal(entry.row.signal or ""):
            raise UsageError(f"{place}:{number}: {entry.row.signal!r} is not a signal")
        if entry.row.id not in missing:
            why = "is there twice" if entry.row.id in head.cells else "is not planned"
            raise UsageError(f"{place}:{number}: the cell {entry.row.id} {why}")
        missing.remove(entry.row.id)
        kept.append(entry)
    return Journal(head=head, kept=tuple(kept), size=len(whole))


def changes(before: Head, now: Head) -> tuple[str, ...]:
    """What keeps a run from being taken up, in words; none if all that decides about its rows is as it was.

    How many cells run at once, and when a registry is asked, decide about none.
    """
    was, is_now = before.document, now.document
    found = [
        *_changed("the version of signal-harness", was.tool.version, is_now.tool.version),
        *_engines(was, is_now),
        *_by_name("the image of {}", before.images, now.images),
        *_by_name("the variant {}", _digests(was), _digests(is_now)),
        *_cells(before.cells, now.cells),
    ]
    # Its file holds what no variant's digest does: the words of the app, and what is expected.
    found += _changed("the catalogue's file", before.catalogue, now.catalogue)
    for name, option in _OPTIONS.items():
        found += _changed(f"the option {option}", getattr(before, name), getattr(now, name))
    return tuple(found)


def _decoded(shape: type[T], text: bytes, *, place: str) -> T:
    try:
        return msgspec.json.decode(text, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{place} is no line of a journal that this version reads: {error}") from error


def _changed(what: str, before: object, now: object) -> list[str]:
    return [] if before == now else [f"{what} has changed since: {_told(before)} -> {_told(now)}"]


def _told(value: object) -> str:
    return "not given" if value is None else str(value)


def _engines(before: Document, now: Document) -> list[str]:
    if before.engines.keys() != now.engines.keys():
        return _changed("the engine", ", ".join(before.engines), ", ".join(now.engines))
    found: list[str] = []
    for name, facts in before.engines.items():
        here = now.engines[name]
        for field in facts.__struct_fields__:
            what = "whether there is a kernel's record" if field == "trace" else f"{field} of the engine {name}"
            found += _changed(what, *(_yes_or_no(getattr(each, field)) for each in (facts, here)))
    return found


def _yes_or_no(value: object) -> object:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _digests(document: Document) -> dict[str, str | None]:
    return {name: facts.digest for name, facts in document.subjects.items()}


def _by_name(what: str, before: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    """What has changed of all that is there still; what is not, cells tell."""
    return [text for name in before if name in now for text in _changed(what.format(name), before[name], now[name])]


def _cells(before: tuple[str, ...], now: tuple[str, ...]) -> list[str]:
    more, fewer = (_few(one - other) for one, other in ((set(now), set(before)), (set(before), set(now))))
    return [
        f"the options choose {text}"
        for text in (more and f"more cells: {more}", fewer and f"no longer: {fewer}")
        if text
    ]


def _few(cells: Iterable[str]) -> str:
    first, rest = sorted(cells)[:_FEW], sorted(cells)[_FEW:]
    return ", ".join(first) + (f" and {len(rest)} more" if rest else "")
