"""How far an attendee has come: counted, written, read back, and never guessed."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.workshop.lab.exercises import load
from harness.workshop.lab.progress import State, decode, encode, following

LABS = load()
states = st.builds(State, tries=st.integers(0, 2**62), hints=st.integers(0, 2**62), solved=st.booleans())
progresses = st.dictionaries(st.sampled_from([lab.key for lab in LABS]), states)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["schema", "labs", "tries", "1-shell-form"]), inner)
    ),
)


def read(content: bytes) -> object:
    return decode(content, place="DIR/.progress.json", known=LABS)


@given(progresses)
def test_what_is_written_is_read_back(progress: dict[str, State]) -> None:
    assert read(encode(progress)) == progress


@given(st.binary() | anything.map(lambda value: json.dumps(value).encode()))
def test_anything_else_is_read_or_refused(content: bytes) -> None:
    with suppress(UsageError):
        assert isinstance(read(content), dict)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a valid progress file: Input data was truncated"),
        ("[]", "is not a valid progress file: Expected `object`, got `array`"),
        ('{"labs": {}}', "is not a valid progress file: Object missing required field `schema`"),
        ('{"schema": 2, "labs": {}}', "is not a valid progress file: Invalid enum value 2 - at `$.schema`"),
        ('{"schema": 1, "labs": {}, "x": 1}', "is not a valid progress file: Object contains unknown field `x`"),
        ('{"schema": 1, "labs": {"1-shell-form": {"tries": -1}}}', "is not a valid progress file: Expected `int` >= 0"),
        ('{"schema": 1, "labs": {"1-shell-form": {"solved": 1}}}', "is not a valid progress file: Expected `bool`"),
        ('{"schema": 1, "labs": {"9-none": {}}}', "names '9-none', which is not a lab"),
        ("\x80", "is not a valid progress file: "),
        ("[" * 100_000, "is not a valid progress file: "),
    ],
)
def test_what_is_malformed_is_told(text: str, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read(text.encode("latin-1"))
    assert refusal.value.message.startswith(f"DIR/.progress.json {message}")
    assert "Remove it to begin anew" in refusal.value.remedy
    assert refusal.value.exit_code == 2


def test_each_failing_check_gives_one_hint_more_and_stays_on_the_last() -> None:
    lab, state, seen = LABS[0], State(), []
    for _ in range(5):
        state = state.failed(lab)
        seen.append((state.tries, state.shown(lab)[-1]))
    assert seen == [(1, lab.hints[0]), (2, lab.hints[1]), *((tries, lab.hints[2]) for tries in (3, 4, 5))]


def test_a_hint_that_is_asked_for_counts_as_no_try() -> None:
    lab = LABS[0]
    assert State().hinted(lab) == State(hints=1)
    assert State(tries=1, hints=1).hinted(lab).failed(lab) == State(tries=2, hints=3)


def test_what_is_solved_stays_solved() -> None:
    lab = LABS[0]
    solved = State(tries=2, hints=2).passed()
    assert solved == State(tries=2, hints=2, solved=True)
    assert solved.failed(lab) is solved


def test_more_hints_than_there_are_do_no_harm() -> None:
    assert State(hints=99).shown(LABS[0]) == LABS[0].hints
    assert State(hints=99).failed(LABS[0]) == State(tries=1, hints=3)


def test_the_next_lab_comes_after_this_one_else_it_is_the_first_that_is_left() -> None:
    done = State(solved=True)
    progress = {"1-shell-form": done, "3-stop-signal": done, "4-entry-script": State(tries=3)}
    assert following(LABS, {}) is LABS[0]
    assert following(LABS, progress) is LABS[1]
    assert following(LABS, progress, after=3) is LABS[3]
    assert following(LABS, progress, after=8) is LABS[1]
    assert following(LABS, {lab.key: done for lab in LABS}) is None
