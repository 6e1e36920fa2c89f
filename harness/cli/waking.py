"""Having the main thread be interrupted by a signal, whatever it is at.

The kernel may give a signal to any thread that does not block it (signal(7)). Python's handlers run in the main thread
alone, and one that waits for a lock is not woken by what another thread has taken (CPython, ``trip_signal``): its
handler would run as the wait ends, which may be never.

What a handler raises gets lost where Python drops all exceptions, as in ``__del__`` and in callbacks of weak references
(`sys.unraisablehook`), and becomes another error where a class is made (``__set_name__``, up to Python 3.11).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from types import FrameType

_SOON_S: Final = 0.1
"""For how long the main thread may not have run a handler before it is woken: most signals wake it themselves."""

_IMPORT: Final = "<frozen importlib._bootstrap>"


def importing(frame: FrameType | None) -> bool:
    """Whether a frame belongs to an import: there classes are made, and weak references to locks are dropped."""
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT:
            return True
        frame = frame.f_back
    return False


@contextmanager
def waking(numbers: Collection[int], handled: Callable[[float], bool], lost: Callable[[], object]) -> Iterator[None]:
    """Have the main thread, which calls this, run its handlers of some signals soon, whatever it waits for.

    Args:
        numbers: of the signals.
        handled: waits for so many seconds until a handler has run and taken in its signal; whether one has. A signal
            that has not been taken in is sent to the main thread again and again.
        lost: called as a ``KeyboardInterrupt`` of a handler has got lost; a signal is sent again then.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    main = threading.main_thread().ident

    def wake() -> None:
        while taken := os.read(reader, 1):
            if taken[0] in numbers and not handled(_SOON_S) and main is not None:
                signal.pthread_kill(main, taken[0])
        os.close(reader)

    def dropped(what: sys.UnraisableHookArgs) -> None:
        if not isinstance(what.exc_value, KeyboardInterrupt):
            tell(what)
            return
        lost()
        os.write(writer, bytes([*numbers][:1]))

    threading.Thread(target=wake, name="waking", daemon=True).start()
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    tell, sys.unraisablehook = sys.unraisablehook, dropped
    try:
        yield
    finally:
        sys.unraisablehook = tell
        signal.set_wakeup_fd(before)
        os.close(writer)
