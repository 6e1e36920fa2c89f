"""What each key of a presenter, or of a clicker, asks for."""

from __future__ import annotations

import io
import sys

import pytest
from blessed.keyboard import Keystroke, get_keyboard_codes
from hypothesis import given
from hypothesis import strategies as st

from harness.demo.keys import Keys, command_of
from harness.demo.show import Command

CODES = {name: code for code, name in get_keyboard_codes().items()}
NAMED = {
    "KEY_ENTER": ("\n", Command.NEXT),
    "KEY_RIGHT": ("\x1b[C", Command.NEXT),
    "KEY_DOWN": ("\x1b[B", Command.NEXT),
    "KEY_PGDOWN": ("\x1b[6~", Command.NEXT),
    "KEY_LEFT": ("\x1b[D", Command.BACK),
    "KEY_UP": ("\x1b[A", Command.BACK),
    "KEY_PGUP": ("\x1b[5~", Command.BACK),
    "KEY_BACKSPACE": ("\x7f", Command.BACK),
    "KEY_ESCAPE": ("\x1b", Command.QUIT),
}
TYPED = {
    "n": Command.NEXT,
    "b": Command.BACK,
    "r": Command.REPEAT,
    "s": Command.SKIP,
    "q": Command.QUIT,
    "N": Command.NEXT,
    "B": Command.BACK,
    "R": Command.REPEAT,
    "S": Command.SKIP,
    "Q": Command.QUIT,
    " ": Command.NEXT,
    "+": Command.FASTER,
    "=": Command.FASTER,
    "-": Command.SLOWER,
    "_": Command.SLOWER,
}
OTHER = {
    "KEY_TAB": "\t",
    "KEY_DELETE": "\x1b[3~",
    "KEY_HOME": "\x1b[H",
    "KEY_F1": "\x1bOP",
}


def pressed(name: str, sequence: str) -> Keystroke:
    """A key as blessed gives it: a name that it knows goes with a code."""
    return Keystroke(sequence, code=CODES[name], name=name)


@pytest.mark.parametrize(("name", "sequence", "command"), [(name, *of) for name, of in NAMED.items()])
def test_a_key_with_a_name_asks_for_what_it_stands_for(name: str, sequence: str, command: Command) -> None:
    assert command_of(pressed(name, sequence)) is command


@pytest.mark.parametrize(("text", "command"), TYPED.items())
def test_a_key_that_types_a_character_asks_for_what_the_hint_says(text: str, command: Command) -> None:
    assert command_of(Keystroke(text)) is command


def test_every_command_has_its_key() -> None:
    assert {command_of(Keystroke(command.value)) for command in Command} == set(Command)


@pytest.mark.parametrize(("name", "sequence"), OTHER.items())
def test_another_key_with_a_name_asks_for_nothing(name: str, sequence: str) -> None:
    assert command_of(pressed(name, sequence)) is None


@pytest.mark.parametrize("text", ["", "x", "1", "ä", "nn", "\x0e", "\x1bn", "\x1b[200~", "\t"])
def test_another_key_asks_for_nothing(text: str) -> None:
    assert command_of(Keystroke(text)) is None


@given(st.text())
def test_no_key_does_harm(text: str) -> None:
    assert command_of(Keystroke(text)) in (*Command, None)


@pytest.mark.parametrize("stdin", [io.StringIO("n"), None], ids=["a pipe", "none"])
def test_where_there_is_no_terminal_no_key_is_pressed(
    stdin: io.StringIO | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    keys = Keys()
    assert not keys.there
    with keys.read() as read:
        assert read is keys
        assert keys.next(0) is None
