"""Removing containers: at once, or while a run goes on with the next ones."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from harness.core.errors import HarnessError
from harness.engine.client import our_errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    import docker

_AT_ONCE: Final = 4
_MOST: Final = 16


def remove(api: docker.APIClient, container_id: str) -> None:
    """Remove a container, running or not; one that is gone already is fine.

    Raises:
        EngineFault: the engine refused.
        EngineUnavailable: the engine went away.
    """
    with our_errors(but=(404, 409)):  # gone, or going
        api.remove_container(container_id, force=True, v=True)


class Removals:
    """Removals under way. Those that fail are tried again on closing.

    Args:
        api: the engine.
        note: called on closing with a line on what is left.
    """

    def __init__(self, api: docker.APIClient, note: Callable[[str], None]) -> None:
        self._api = api
        self._note = note
        self._pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="removal")
        # Where an engine removes more slowly than containers end, they must not pile up on it.
        self._room = threading.BoundedSemaphore(_MOST)
        self._left: dict[str, str] = {}

    def begin(self, container_id: str) -> None:
        """Have a container removed; this waits only as long as too many others are under way."""
        self._room.acquire()
        self._pool.submit(self._remove, container_id).add_done_callback(self._done)

    def close(self) -> None:
        """Wait until all are gone, and say which are not."""
        self._pool.shutdown()
        left, self._left = self._left, {}
        for container_id in left:
            self._remove(container_id)
        if self._left:
            number = f"{len(self._left)} container{'s' if len(self._left) > 1 else ''}"
            why = next(iter(self._left.values()))
            self._note(f"{number} could not be removed: {why}; once that is mended: signal-harness clean")

    def _remove(self, container_id: str) -> None:
        try:
            remove(self._api, container_id)
        except HarnessError as fault:
            self._left[container_id] = fault.message

    def _done(self, _: Future[None]) -> None:
        self._room.release()
