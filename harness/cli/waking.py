"""Waking the main thread for a signal.

The kernel may give a signal to any thread that does not block it (signal(7)). Python's handlers run in the main thread
alone, and one that waits for a lock is not woken by what another thread has taken (CPython, ``trip_signal``): its
handler would run as the wait ends, which may be never.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

_SOON_S: Final = 0.1
"""For how long the main thread may not have run a handler before it is woken: most signals wake it themselves."""


@contextmanager
def waking(numbers: Collection[int], handled: Callable[[float], bool]) -> Iterator[None]:
    """Have the main thread, which calls this, run its handlers of some signals soon, whatever it waits for.

    Args:
        numbers: of the signals.
        handled: waits for so many seconds until a handler has run; whether one has.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    main = threading.main_thread().ident

    def wake() -> None:
        while taken := os.read(reader, 1):
            if taken[0] in numbers and not handled(_SOON_S) and main is not None:
                signal.pthread_kill(main, taken[0])
        os.close(reader)

    threading.Thread(target=wake, name="waking", daemon=True).start()
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)
