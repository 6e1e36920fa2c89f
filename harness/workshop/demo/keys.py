"""The presenter's keys. Stands on prompt_toolkit, which knows what terminals send for each."""

from __future__ import annotations

import select
import signal
import sys
import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from prompt_toolkit.input import DummyInput, Input, create_input
from prompt_toolkit.keys import Keys as Key

from harness.workshop.demo.presentation import Command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prompt_toolkit.key_binding import KeyPress

_NAMED: Final = {
    # Enter is Control-M or Control-J, Backspace is Control-H.
    **dict.fromkeys((Key.ControlM, Key.ControlJ, Key.Right, Key.Down, Key.PageDown), Command.NEXT),
    **dict.fromkeys((Key.ControlH, Key.Left, Key.Up, Key.PageUp), Command.BACK),
    Key.Escape: Command.QUIT,
}
_TYPED: Final = {" ": Command.NEXT, "=": Command.FASTER, "_": Command.SLOWER, **{c.value: c for c in Command}}


class Keys:
    """Keys as they are pressed, without Enter.

    A clicker sends the keys of a page or an arrow: these go on and back.
    """

    def __init__(self) -> None:
        self.there = sys.stdin is not None and sys.stdin.isatty()
        self._input: Input = DummyInput()
        self._pressed: deque[KeyPress] = deque()

    @contextmanager
    def read(self) -> Iterator[Keys]:
        """Take each key as it is pressed, and show none; the terminal is given back as it was."""
        if self.there:
            self._input = create_input()
        with self._input.raw_mode():
            yield self

    def next(self, timeout_s: float) -> Command | None:
        """What is asked for within so many seconds, if anything is.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed, or the terminal is gone.
        """
        if not self.there:
            threading.Event().wait(timeout_s)
            return None
        if not self._pressed:
            self._pressed += self._read(timeout_s)
        return command_of(self._pressed.popleft()) if self._pressed else None

    def _read(self, timeout_s: float) -> list[KeyPress]:
        ready, _, _ = select.select([self._input.fileno()], [], [], timeout_s)
        # An Escape may be the beginning of another key: it is one if nothing follows it.
        pressed = self._input.read_keys() if ready else self._input.flush_keys()
        if self._input.closed:
            signal.raise_signal(signal.SIGHUP)
        return pressed


def command_of(press: KeyPress) -> Command | None:
    """What a key asks for.

    Raises:
        KeyboardInterrupt: it is Ctrl-C, which is made the signal that it would be.
    """
    if press.key is Key.ControlC:
        signal.raise_signal(signal.SIGINT)
    return _NAMED.get(press.key) if isinstance(press.key, Key) else _TYPED.get(press.key.lower())
