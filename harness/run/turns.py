"""Taking turns at starting containers: that keeps a processor busy, and waiting for one to settle does not."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Turns:
    """Turns at starting a container, so many at a time."""

    def __init__(self, at_once: int) -> None:
        self._free = threading.Semaphore(at_once)

    @contextmanager
    def turn(self) -> Iterator[Callable[[], None]]:
        """Wait for a turn, and have it until it is given back, by what this yields, or left."""
        self._free.acquire()
        held = True

        def give_back() -> None:
            nonlocal held
            if held:
                held = False
                self._free.release()

        try:
            yield give_back
        finally:
            give_back()
