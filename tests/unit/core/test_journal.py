"""A journal reads back what was whole as it was cut, wherever that was; what has changed since is told by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.core.journal import Head, Kept, changes, image_of, line, option, read
from tests.support.everything import EVERYTHING
from tests.support.evidence import changed

if TYPE_CHECKING:
    from harness.core.document import Document

ROWS = EVERYTHING.results
HEAD = Head(
    document=changed(EVERYTHING, results=()),
    cells=tuple(row.id for row in ROWS),
    facts={
        **{image_of(name): facts.id for name, facts in EVERYTHING.bases.items()},
        "the catalogue's file": "sha256:c",
        option("--repeat"): None,
        option("--grace"): "10",
    },
)
LINES = [line(HEAD), *(line(Kept(after_s=number / 2, row=row)) for number, row in enumerate(ROWS, start=1))]
CONTENT = b"".join(LINES)


def part(*names: str) -> Head:
    """The head of a part of it, with these subjects."""
    return changed(
        HEAD, document=changed(HEAD.document, subjects={name: HEAD.document.subjects[name] for name in names})
    )


NAMES = tuple(HEAD.document.subjects)
HEADS = (part(*NAMES[:1]), part(*NAMES[1:]))
IN_PARTS = [
    written
    for head in HEADS
    for written in (
        line(head),
        *(LINES[1 + at] for at, row in enumerate(ROWS) if row.subject in head.document.subjects),
    )
]
"""The same rows in two parts, one after the other."""


def test_the_cells_of_these_tests_are_several_and_differ() -> None:
    assert len(set(HEAD.cells)) == len(ROWS) > 10


def test_parts_follow_each_other() -> None:
    journal = read(b"".join(IN_PARTS), place="j")
    assert journal is not None
    assert journal.heads == HEADS
    assert len(IN_PARTS) == len(LINES) + 1
    assert {row.id for row in journal.rows} == set(HEAD.cells)
    first = len([row for row in ROWS if row.subject == NAMES[0]])
    assert {row.subject for row in journal.rows[:first]} == {NAMES[0]}


def test_a_whole_journal_reads_back_as_it_was_written() -> None:
    journal = read(CONTENT, place="j")
    assert journal is not None
    assert journal.heads == (HEAD,)
    assert journal.rows == ROWS
    assert journal.spent_s == len(ROWS) / 2
    assert journal.size == len(CONTENT)


@given(st.integers(min_value=0, max_value=len(CONTENT)), st.sampled_from([LINES, IN_PARTS]))
@example(0, LINES)
@example(len(LINES[0]) - 1, LINES)
@example(len(LINES[0]), LINES)
@example(len(CONTENT) - 1, LINES)
@example(len(CONTENT), LINES)
@example(len(b"".join(IN_PARTS)) - 1, IN_PARTS)
def test_a_journal_cut_anywhere_holds_the_rows_that_were_whole(at: int, written: list[bytes]) -> None:
    whole = max(number for number in range(len(written) + 1) if len(b"".join(written[:number])) <= at)
    journal = read(b"".join(written)[:at], place="j")
    if whole == 0:
        assert journal is None
        return
    assert journal is not None
    assert [line(entry) for entry in journal.kept] == [
        text for text in written[:whole] if b'"journal"' not in text[:12]
    ]
    assert len(journal.heads) + len(journal.rows) == whole
    assert journal.size == len(b"".join(written[:whole]))


@given(st.binary(max_size=60), st.integers(min_value=0, max_value=len(CONTENT)))
def test_whatever_stands_in_a_journal_it_is_read_or_refused(noise: bytes, at: int) -> None:
    told = "j:"
    try:
        read(CONTENT[:at] + noise + CONTENT[at:], place="j")
    except UsageError as refusal:
        told = refusal.message
    assert told.startswith("j:")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{}\n", "j:1 is no line of a journal that this version reads: Object missing required field `document`"),
        (b"\n", "j:1 is no line of a journal"),
        (b"\xff\n", "j:1 is no line of a journal"),
        (b"[" * 100_000 + b"\n", "j:1 is no line of a journal"),
        (line(changed(HEAD, journal=2)), "j:1 is no line of a journal that this version reads: Invalid enum value 2"),
        (LINES[0] + line(Kept(after_s=1, row=changed(ROWS[0], signal="SIGNO"))), "j:2: 'SIGNO' is not a signal"),
        (LINES[0] + b"nonsense\n" + LINES[1], "j:2 is no line of a journal"),
        (LINES[0] + LINES[1] + LINES[1], f"j:3: the cell {ROWS[0].id} is there twice"),
        (line(changed(HEAD, cells=HEAD.cells[1:])) + LINES[1], f"j:2: the cell {ROWS[0].id} is not planned"),
        (line(HEADS[1]) + LINES[1], f"j:2: the cell {ROWS[0].id} is of no part that has begun"),
        (LINES[0] + line(HEADS[1]), "j:2 begins a part of another run"),
        (line(HEADS[0]) + line(changed(HEADS[1], cells=HEAD.cells[1:])), "j:2 begins a part of another run"),
    ],
    ids=[
        *("no head", "empty", "no text", "deep", "version", "no signal", "broken row", "twice", "not planned"),
        *("not begun", "begun twice", "other cells"),
    ],
)
def test_what_is_no_journal_is_refused_with_its_line(content: bytes, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read(content, place="j")
    assert refusal.value.message.startswith(message)


def now(**values: Any) -> Document:
    return changed(HEAD.document, **values)


(BASE,), (ENGINE,) = HEAD.document.bases, HEAD.document.engines
BASE_FACTS, ENGINE_FACTS = HEAD.document.bases[BASE], HEAD.document.engines[ENGINE]
FIRST, LISTED = HEAD.cells[0], ", ".join(sorted(NAMES))


def facts(name: str, value: str | None) -> Head:
    return changed(HEAD, facts={**HEAD.facts, name: value})


@pytest.mark.parametrize(
    ("later", "told"),
    [
        (HEAD, ()),
        (changed(HEAD, document=now(started="2027-01-01T00:00:00Z", duration_s=99.0)), ()),
        (
            facts(image_of(BASE), "sha256:b"),
            (f"the image of {BASE} has changed since: {BASE_FACTS.id} -> sha256:b",),
        ),
        (
            changed(HEAD, document=now(engines={ENGINE: changed(ENGINE_FACTS, version="99", trace=False)})),
            (
                f"engine {ENGINE}: the engine has changed since: {ENGINE} {ENGINE_FACTS.version} -> {ENGINE} 99",
                f"engine {ENGINE}: the kernel's record of signals has changed since: used -> not used",
            ),
        ),
        (
            changed(HEAD, document=now(engines={"Podman": changed(ENGINE_FACTS, name="Podman")})),
            (f"the engine has changed since: {ENGINE} -> Podman",),
        ),
        (
            changed(HEAD, document=now(tool=changed(HEAD.document.tool, version="99"))),
            (f"the version of signal-harness has changed since: {HEAD.document.tool.version} -> 99",),
        ),
        (
            facts("the catalogue's file", "sha256:d"),
            ("the catalogue's file has changed since: sha256:c -> sha256:d",),
        ),
        (facts(option("--repeat"), "3"), ("the option --repeat has changed since: not given -> 3",)),
        (facts(option("--grace"), None), ("the option --grace has changed since: 10 -> not given",)),
        (
            part(*NAMES[:2]),
            (f"what is run with the same options has changed since: {LISTED} -> {', '.join(sorted(NAMES[:2]))}",),
        ),
        (changed(HEAD, cells=HEAD.cells[1:]), (f"the options choose no longer: {FIRST}",)),
        (
            changed(HEAD, cells=(*HEAD.cells, "b/5", "b/4", "b/3", "b/2", "b/1")),
            ("the options choose more cells: b/1, b/2, b/3 and 2 more",),
        ),
    ],
)
def test_what_has_changed_since_is_named(later: Head, told: tuple[str, ...]) -> None:
    assert ENGINE_FACTS.trace
    assert changes(HEAD, later) == told


def test_every_field_of_a_head_is_compared_or_known_not_to_matter() -> None:
    compared = {"document", "cells", "facts"}
    assert {field.name for field in msgspec.structs.fields(Head)} == compared | {"journal"}
