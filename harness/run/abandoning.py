"""Containers that can be given up, all at once: whoever looks on at one then gets no further, and it is removed."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.core.errors import Abandoned
from harness.run.inbox import GIVEN_UP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.run.inbox import Inbox
    from harness.run.protocol import Container, Engine, Launch


class AbandonableEngine:
    """An engine whose containers can be given up; see `harness.run.protocol.Engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._inboxes: set[Inbox] = set()
        self.abandoned = False

    @contextmanager
    def launch(self, launch: Launch) -> Iterator[Container]:
        """Create a container, unless all is given up; one that is given up as it is created shows nothing of itself.

        Raises:
            Abandoned: all is given up.
        """
        if self.abandoned:
            raise Abandoned(GIVEN_UP)
        with self._engine.launch(launch) as container:
            with self._lock:
                self._inboxes.add(container.inbox)
                if self.abandoned:
                    container.inbox.abandon()
            try:
                yield container
            finally:
                with self._lock:
                    self._inboxes.discard(container.inbox)

    def answers(self) -> bool:
        """Whether it answers after a fault."""
        return self._engine.answers()

    def abandon(self) -> None:
        """Give up what is under way, and all that comes: who waits for news of a container gets `Abandoned`."""
        with self._lock:
            self.abandoned = True
            for inbox in self._inboxes:
                inbox.abandon()
