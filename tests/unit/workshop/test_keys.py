"""What each key of a presenter, or of a clicker, asks for."""

from __future__ import annotations

import io
import os
import pty
import sys
import termios

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyPress

from harness.workshop.demo.keys import Keys, command_of
from harness.workshop.demo.presentation import Command

SENT = {
    "\r": Command.NEXT,
    "\n": Command.NEXT,
    " ": Command.NEXT,
    "\x1b[C": Command.NEXT,
    "\x1bOC": Command.NEXT,
    "\x1b[B": Command.NEXT,
    "\x1b[6~": Command.NEXT,
    "\x1b[D": Command.BACK,
    "\x1b[A": Command.BACK,
    "\x1b[5~": Command.BACK,
    "\x7f": Command.BACK,
    "\x08": Command.BACK,
    "\x1b": Command.QUIT,
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
    "+": Command.FASTER,
    "=": Command.FASTER,
    "-": Command.SLOWER,
    "_": Command.SLOWER,
    "?": Command.KEYS,
}
OTHER = ["\t", "\x1b[3~", "\x1b[H", "\x1bOP", "x", "1", "ä", "\x0e", "\x1b[200~pasted\x1b[201~"]


def pressed(sent: str) -> list[KeyPress]:
    """The keys in what a terminal sends."""
    keys: list[KeyPress] = []
    parser = Vt100Parser(keys.append)
    parser.feed_and_flush(sent)
    return keys


@pytest.mark.parametrize(("sent", "command"), SENT.items(), ids=map(repr, SENT))
def test_a_key_asks_for_what_the_hint_says_or_what_it_stands_for(sent: str, command: Command) -> None:
    (key,) = pressed(sent)
    assert command_of(key) is command


def test_every_command_has_its_key() -> None:
    assert {command_of(KeyPress(command.value)) for command in Command} == set(Command)


@pytest.mark.parametrize("sent", OTHER)
def test_another_key_asks_for_nothing(sent: str) -> None:
    (key,) = pressed(sent)
    assert command_of(key) is None


def test_ctrl_c_is_an_interrupt() -> None:
    (key,) = pressed("\x03")
    with pytest.raises(KeyboardInterrupt):
        command_of(key)


@given(st.text().filter(lambda text: "\x03" not in text))
def test_no_key_does_harm(text: str) -> None:
    for key in pressed(text):
        assert command_of(key) in (*Command, None)


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


def test_keys_of_a_terminal_are_read_one_by_one_and_it_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as typing, os.fdopen(theirs, "r") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        before = termios.tcgetattr(terminal)
        keys = Keys()
        assert keys.there
        with keys.read():
            typing.write(b"n+\x1b[5~x")
            assert [keys.next(1) for _ in range(4)] == [Command.NEXT, Command.FASTER, Command.BACK, None]
            assert keys.next(0) is None
            typing.write(b"\x1b")
            assert [keys.next(0.05) for _ in range(2)] == [None, Command.QUIT]
            typing.write(b"\x03")
            with pytest.raises(KeyboardInterrupt):
                keys.next(1)
        assert termios.tcgetattr(terminal) == before
