"""Removing containers: at once, or while a run goes on with the next ones."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from harness.core.errors import HarnessError
from harness.engine.client import our_errors
from harness.engine.kinds import kind_of
from harness.run.leaving import LEFT

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    import docker

_AT_ONCE: Final = 4
_MOST: Final = 16


def remove(api: docker.APIClient, container_id: str, *, volumes: bool = True) -> None:
    """Remove a container, running or not, with its anonymous ``volumes``; one that is gone already is fine.

    Raises:
        EngineFault: the engine refused.
        EngineUnavailable: the engine went away.
    """
    with suppress(HarnessError), our_errors():  # it may have ended, and the removal tells what else is the matter
        if not kind_of(api.version()).removes_at_once:
            api.kill(container_id)
    with our_errors(but=(404, 409)):  # gone, or going
        api.remove_container(container_id, force=True, v=volumes)


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

    def begin(self, name: str) -> None:
        """Have a container removed; this waits only as long as too many others are under way."""
        self._room.acquire()
        try:
            self._pool.submit(self._remove, name).add_done_callback(self._done)
        except RuntimeError:  # closed already, as the run was interrupted while it ended
            self._room.release()
            self._remove(name)

    def later(self, name: str, why: str) -> None:
        """Have a container removed on closing that may be there or not: nobody heard whether it was made."""
        self._left[name] = why

    def close(self) -> None:
        """Wait until all are gone, and say which are not."""
        self._pool.shutdown()
        left, self._left = self._left, {}
        for name in left:
            self._remove(name)
        if self._left:
            number = f"{len(self._left)} container{'s' if len(self._left) > 1 else ''}"
            why = next(iter(self._left.values()))
            self._note(f"{number} could not be removed: {why}; once that is mended: signal-harness clean")

    def _remove(self, name: str) -> None:
        try:
            remove(self._api, name)
        except HarnessError as fault:
            self._left[name] = fault.message
        else:
            LEFT.discard(name)

    def _done(self, _: Future[None]) -> None:
        self._room.release()
