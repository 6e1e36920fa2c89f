"""A journal reads back what was whole as it was cut, wherever that was; what has changed since is told by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.core.journal import Head, Kept, changes, line, read
from tests.support.everything import EVERYTHING
from tests.support.evidence import changed

if TYPE_CHECKING:
    from harness.core.document import Document

ROWS = EVERYTHING.results
HEAD = Head(
    document=changed(
        EVERYTHING,
        results=(),
        subjects={name: changed(facts, digest=f"d-{name}") for name, facts in EVERYTHING.subjects.items()},
    ),
    cells=tuple(row.id for row in ROWS),
    images={name: facts.id for name, facts in EVERYTHING.bases.items()},
    catalogue="sha256:c",
    repeat=None,
    settle_s=None,
    grace_s=10,
)
LINES = [line(HEAD), *(line(Kept(after_s=number / 2, row=row)) for number, row in enumerate(ROWS, start=1))]
CONTENT = b"".join(LINES)


def test_the_cells_of_these_tests_are_several_and_differ() -> None:
    assert len(set(HEAD.cells)) == len(ROWS) > 10


def test_a_whole_journal_reads_back_as_it_was_written() -> None:
    journal = read(CONTENT, place="j")
    assert journal is not None
    assert journal.head == HEAD
    assert journal.rows == ROWS
    assert journal.spent_s == len(ROWS) / 2
    assert journal.size == len(CONTENT)


@given(st.integers(min_value=0, max_value=len(CONTENT)))
@example(0)
@example(len(LINES[0]) - 1)
@example(len(LINES[0]))
@example(len(CONTENT) - 1)
@example(len(CONTENT))
def test_a_journal_cut_anywhere_holds_the_rows_that_were_whole(at: int) -> None:
    whole = max(number for number in range(len(LINES) + 1) if len(b"".join(LINES[:number])) <= at)
    journal = read(CONTENT[:at], place="j")
    if whole == 0:
        assert journal is None
        return
    assert journal is not None
    assert journal.rows == ROWS[: whole - 1]
    assert journal.size == len(b"".join(LINES[:whole]))
    # What is added to the whole lines is read back, too.
    more = CONTENT[: journal.size] + b"".join(LINES[whole:])
    assert more == CONTENT


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
    ],
    ids=["no head", "empty", "no text", "deep", "version", "no signal", "broken row", "twice", "not planned"],
)
def test_what_is_no_journal_is_refused_with_its_line(content: bytes, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read(content, place="j")
    assert refusal.value.message.startswith(message)


def now(**values: Any) -> Document:
    return changed(HEAD.document, **values)


(BASE,), (ENGINE,) = HEAD.document.bases, HEAD.document.engines
BASE_FACTS, ENGINE_FACTS, NPM = HEAD.document.bases[BASE], HEAD.document.engines[ENGINE], HEAD.document.subjects["npm"]
FIRST = HEAD.cells[0]


@pytest.mark.parametrize(
    ("later", "told"),
    [
        (HEAD, ()),
        (changed(HEAD, document=now(started="2027-01-01T00:00:00Z", duration_s=99.0)), ()),
        (
            changed(HEAD, images={BASE: "sha256:b"}),
            (f"the image of {BASE} has changed since: {BASE_FACTS.id} -> sha256:b",),
        ),
        (
            changed(HEAD, document=now(engines={ENGINE: changed(ENGINE_FACTS, version="99", trace=False)})),
            (
                f"version of the engine {ENGINE} has changed since: {ENGINE_FACTS.version} -> 99",
                "whether there is a kernel's record has changed since: yes -> no",
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
            changed(HEAD, document=now(subjects={**HEAD.document.subjects, "npm": changed(NPM, digest="x")})),
            ("the variant npm has changed since: d-npm -> x",),
        ),
        (
            changed(HEAD, catalogue="sha256:d"),
            ("the catalogue's file has changed since: sha256:c -> sha256:d",),
        ),
        (changed(HEAD, repeat=3), ("the option --repeat has changed since: not given -> 3",)),
        (changed(HEAD, settle_s=0.5), ("the option --settle has changed since: not given -> 0.5",)),
        (changed(HEAD, grace_s=2), ("the option --grace has changed since: 10 -> 2",)),
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
    compared = {"document", "cells", "images", "catalogue", "repeat", "settle_s", "grace_s"}
    assert {field.name for field in msgspec.structs.fields(Head)} == compared | {"journal"}
