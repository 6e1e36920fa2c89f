"""Leaving a run that is interrupted: what it has made elsewhere and not removed yet, and how long that is waited for.

Clearing up takes as long as the engine does. Where it gets no further, as on an engine that hangs, the process ends all
the same, and says what it may have left; so it does at once where it is interrupted again.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S: Final = 8.0
"""For how long clearing up may get no further, until it is left be."""

_LOOKS: Final = 16
"""How often it is looked in that time."""

_SAME_S: Final = 1.0
"""How soon a second Ctrl-C may be the first one, which came by way of another process, too."""

_CLEAN: Final = "signal-harness clean"
_CLEARED: Final = "what was under way has been cleared up"


class Left:
    """What there is that has to be removed; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal may come while it is held
        self._kinds: dict[str, tuple[str, Callable[[], object] | None]] = {}
        self.changes = 0

    def add(self, name: str, kind: str, undo: Callable[[], object] | None = None) -> None:
        """Take in that something of a kind (in the singular) is about to be made; ``undo`` removes it without help."""
        with self._lock:
            self._kinds[name] = kind, undo
            self.changes += 1

    def discard(self, name: str) -> None:
        """Take in that it is gone."""
        with self._lock:
            self._kinds.pop(name, None)
            self.changes += 1

    def undo(self) -> None:
        """Remove what can be without help."""
        with self._lock:
            doable = {name: undo for name, (_, undo) in self._kinds.items() if undo is not None}
        for name, undo in doable.items():
            with suppress(OSError):
                undo()
                self.discard(name)

    def __str__(self) -> str:
        """How many there are of each kind; empty if there is nothing."""
        with self._lock:
            kinds = [kind for kind, _ in self._kinds.values()]
        numbers = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        return " and ".join(f"{number} {kind}{'s' if number > 1 else ''}" for kind, number in numbers.items())


LEFT: Final = Left()
"""What this process has made on engines and in the kernel, and not removed yet."""


class Leaving:
    """How a process ends that is interrupted; to its very end, as other threads may hang on an engine, too.

    Args:
        say: called with a line for the user, from any thread and in signal handlers.
        end: ends the process at once.
        left: what there is to remove.
        patience_s: for how many seconds clearing up may get no further.
        now: the monotonic time in seconds.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        end: Callable[[], object],
        *,
        left: Left = LEFT,
        patience_s: float = PATIENCE_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._end = end
        self._left = left
        self._patience_s = patience_s
        self._now = now
        self._began_s: float | None = None
        self._begun = threading.Event()
        # Started now: in a signal handler threads cannot be started safely.
        threading.Thread(target=self._watch, name="leaving", daemon=True).start()

    def begin(self) -> bool:
        """Take in an interruption; whether it is the first, from which on clearing up is watched."""
        if self.begun:
            return False
        self._began_s = self._now()
        self._begun.set()
        return True

    def lost(self) -> None:
        """Take in that the first interruption came to nothing: the next one is the first."""
        self._begun.clear()  # first: a signal in the middle of it must not wait for its lock
        self._began_s = None

    @property
    def begun(self) -> bool:
        """Whether there has been an interruption."""
        return self._began_s is not None

    def begun_within(self, seconds: float) -> bool:
        """Whether there has been an interruption, or is one within some seconds."""
        return self._begun.wait(seconds)

    def at_once(self) -> None:
        """Take in that a person will not wait: end now, and say what is left."""
        if self._began_s is None or self._now() - self._began_s < _SAME_S:
            return
        self._say(f"interrupted again, and ended at once; {self._leaves('it leaves')}")
        self._end()

    def done(self) -> str:
        """Take in that the main thread has cleared up; what to say of it."""
        self._left.undo()
        return f"interrupted; {self._leaves('it may have left') if str(self._left) else _CLEARED}"

    def _watch(self) -> None:
        self._begun.wait()
        changes, in_vain, pause = self._left.changes, 0, threading.Event()
        while in_vain < _LOOKS:
            pause.wait(self._patience_s / _LOOKS)
            in_vain = in_vain + 1 if changes == self._left.changes and self._begun.is_set() else 0
            changes = self._left.changes
        waited = f"clearing up has got no further for {self._patience_s:g} s"
        self._say(f"interrupted, but {waited}; {self._leaves('it may have left')}")
        self._end()

    def _leaves(self, verb: str) -> str:
        left = str(self._left)
        return f"{verb} {left}; to remove that: {_CLEAN}" if left else "nothing is known to be left"
