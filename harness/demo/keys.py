"""The presenter's keys. Stands on blessed, which knows what terminals send for each."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import blessed

from harness.demo.show import Command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blessed.keyboard import Keystroke

_NAMED: Final = {
    "KEY_ENTER": Command.NEXT,
    "KEY_RIGHT": Command.NEXT,
    "KEY_DOWN": Command.NEXT,
    "KEY_PGDOWN": Command.NEXT,
    "KEY_LEFT": Command.BACK,
    "KEY_UP": Command.BACK,
    "KEY_PGUP": Command.BACK,
    "KEY_BACKSPACE": Command.BACK,
    "KEY_ESCAPE": Command.QUIT,
}
_TYPED: Final = {" ": Command.NEXT, "=": Command.FASTER, "_": Command.SLOWER, **{c.value: c for c in Command}}


class Keys:
    """Keys as they are pressed, without Enter; a context manager that gives the terminal back as it was.

    A clicker sends the keys of a page or an arrow: these go on and back.
    """

    def __init__(self) -> None:
        self._terminal = blessed.Terminal()
        self.there = sys.stdin is not None and sys.stdin.isatty()

    @contextmanager
    def read(self) -> Iterator[Keys]:
        """Take each key as it is pressed, and show none."""
        with self._terminal.cbreak():
            yield self

    def next(self, timeout_s: float) -> Command | None:
        """What is asked for within so many seconds, if anything is."""
        if not self.there:
            threading.Event().wait(timeout_s)
            return None
        return command_of(self._terminal.inkey(timeout=timeout_s))


def command_of(key: Keystroke) -> Command | None:
    """What a key asks for."""
    return _NAMED.get(key.name or "") or _TYPED.get(str(key).lower())
