"""What engines are called in a run that has several, and the results of each put side by side. Pure."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import structs

from harness.core.cause import Shift, base_shifts, image_shift

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.core.document import Document, Row
    from harness.core.facts import BaseFacts, EngineFacts

_ODD: Final = re.compile(r"[^\w.-]+")


class Column(NamedTuple):
    """An engine of several: its key in the results, and what stands for it in the ids of cells and in headings."""

    key: str
    label: str


def columns_of(engines: Sequence[EngineFacts]) -> tuple[Column, ...]:
    """What to call engines.

    The command with which one talks to it is enough where no other has it (``podman``); else the version goes with it,
    and the runtime where that is the same, too. Engines that nothing tells apart are counted. One
    that goes by its command alone has the key that it has in a run of its own, so that results can be merged with those
    of such runs.
    """
    spelled = [
        (
            facts.cli,
            f"{facts.cli}-{_short(facts.version)}",
            f"{facts.cli}-{_short(facts.version)}-{_short(facts.runtime.partition(' ')[0])}",
        )
        for facts in engines
    ]
    labels = [_first_alone(words, spelled) for words in spelled]
    counted = Counter(labels)
    numbers = Counter[str]()
    columns = []
    for facts, label in zip(engines, labels, strict=True):
        numbers[label] += 1
        name = f"{label}-{numbers[label]}" if counted[label] > 1 else label
        columns.append(Column(key=facts.name if name == facts.cli else name, label=name))
    return tuple(columns)


def _first_alone(words: Sequence[str], spelled: Sequence[Sequence[str]]) -> str:
    """The shortest word for an engine that stands for no other one; the longest if none does."""
    alone = (word for level, word in enumerate(words) if sum(other[level] == word for other in spelled) == 1)
    return next(alone, words[-1])


def _short(text: str) -> str:
    """A version or a name without what a distribution adds to it, fit for an id."""
    return _ODD.sub("_", text.partition("+")[0])


def other_content(first: BaseFacts, other: BaseFacts) -> tuple[Shift, ...]:
    """What tells that two engines have not the same image of a base: none if nothing does.

    One that each has made of packages has no digest, and an id that is its own.
    """
    image = image_shift(first, other) if first.digest and other.digest else None
    return (*([image] if image else []), *base_shifts(first, other))


def with_columns(rows: Iterable[Row], engines: Mapping[str, EngineFacts]) -> tuple[Row, ...]:
    """Rows of runs that had an engine each, as one run of all of them has them."""
    labels = dict(zip(engines, columns_of(tuple(engines.values())), strict=True))
    return tuple(
        row if row.column is not None else structs.replace(row, column=labels[row.engine].label) for row in rows
    )


def of_column(rows: Iterable[Row], label: str | None) -> list[Row]:
    """The rows of one engine of several."""
    return [row for row in rows if row.column == label]


def side_by_side(documents: Sequence[Document]) -> Document:
    """The documents of one run, an engine each, as one; there is at least one.

    Facts of a base are those of the first engine: the image's content is the same on all.
    """
    first = documents[0]
    shards = [one.shard for one in documents if one.shard]
    return structs.replace(
        first,
        engines={name: facts for one in documents for name, facts in one.engines.items()},
        bases={name: facts for one in reversed(documents) for name, facts in one.bases.items()},
        subjects={name: facts for one in documents for name, facts in one.subjects.items()},
        shard=structs.replace(shards[0], planned=tuple(name for one in shards for name in one.planned))
        if shards
        else None,
        results=tuple(row for one in documents for row in one.results),
    )
