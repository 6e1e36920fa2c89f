"""Fresh containers on an engine: created, attached to, watched and removed again, whatever happens."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from harness.core.errors import EngineFault, EngineUnavailable
from harness.core.evidence import EngineEvent
from harness.engine.client import our_errors
from harness.engine.container import EngineContainer
from harness.engine.creation import creation
from harness.engine.kinds import kind_of
from harness.engine.owner import ended, mark_of
from harness.engine.removals import Removals, remove
from harness.run.inbox import Inbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import docker

    from harness.engine.tracing import Tracer
    from harness.run.protocol import Launch

LABEL: Final = "signal-harness"
_EVENTS: Final = ("kill", "die", "oom")
_LASTING_S: Final = 1.0
"""A stream of events that ends sooner is not opened anew: it would end again."""


class DockerEngine:
    """Containers of one run of the harness; a context manager around one stream of engine events for all of them.

    On leaving, they are gone; ``note`` is told of those that are not, and with which command they go.
    """

    def __init__(
        self, api: docker.APIClient, tracer: Tracer | None = None, note: Callable[[str], None] = lambda _: None
    ) -> None:
        self.api = api
        self.tracer = tracer
        with our_errors():
            self.kind = kind_of(api.version())
        self.run_id = uuid.uuid4().hex[:8]
        self._inboxes: dict[str, Inbox] = {}
        self._removals = Removals(api, note)
        self._numbers = itertools.count(1)
        self._leaving = False
        self.gone = False

    def __enter__(self) -> DockerEngine:
        """Remove what killed runs left behind, and start listening to events."""
        sweep(self.api)
        with our_errors():
            self._stream = self._events()
        self._listener = threading.Thread(target=self._listen, name="engine-events", daemon=True)
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop recording and listening, and wait until the containers are gone."""
        if self.tracer is not None:
            self.tracer.stop()
        self._removals.close()
        self._leaving = True
        with suppress(OSError, AttributeError):  # docker-py's close digs in the connection, which may be gone
            self._stream.close()
        self._listener.join(timeout=5)

    @contextmanager
    def launch(self, launch: Launch) -> Iterator[EngineContainer]:
        """Create a container and attach to it; see `harness.run.protocol.Engine`."""
        name = f"{LABEL}-{self.run_id}-{next(self._numbers)}"
        inbox = Inbox(tty=launch.tty)
        with our_errors():
            wanted = creation(launch, api_version=str(self.api.api_version))
            container_id = self.api.create_container(name=name, labels=labels(self.run_id), **wanted)["Id"]
        self._inboxes[container_id] = inbox
        container = EngineContainer(self, container_id, name, inbox, port=launch.publish)
        try:
            with our_errors():
                container.attach()
            with self._followed():
                yield container
        finally:
            self._inboxes.pop(container_id, None)
            self._removals.begin(container_id)

    @contextmanager
    def _followed(self) -> Iterator[None]:
        """Have what the kernel records of a container that is about to start, for as long as this is open."""
        if self.tracer is None:
            yield
            return
        self.tracer.wait()
        with self.tracer.following():
            yield

    def _events(self) -> Any:
        # From a moment ago: nothing is missed between here and the first byte of the answer.
        return self.api.events(
            since=int(time.time()) - 1,
            decode=True,
            filters={"type": "container", "label": f"{LABEL}.run={self.run_id}", "event": list(_EVENTS)},
        )

    def _follow(self) -> Iterator[dict[str, Any]]:
        """The events as they come; Podman ends their stream as it rotates its log of them, while all goes on."""
        while True:
            began_s = time.monotonic()
            yield from self._stream
            if self.kind.tells or self._leaving or time.monotonic() - began_s < _LASTING_S:
                return
            self._stream = self._events()

    def _listen(self) -> None:
        try:
            with our_errors():
                for event in self._follow():
                    inbox = self._inboxes.get(event.get("Actor", {}).get("ID", ""))
                    # Some engines name a signal or an exec along with the action.
                    action = str(event.get("Action", "")).partition(":")[0]
                    if inbox is not None and action in _EVENTS:
                        inbox.event(_event(action, event))
        except (EngineUnavailable, EngineFault, ValueError, AttributeError):
            pass  # the stream was cut, by us or by the engine's end
        self.gone = not self._leaving
        if self.gone:
            for inbox in list(self._inboxes.values()):
                inbox.close()


def _event(action: str, event: dict[str, Any]) -> EngineEvent:
    attributes = event.get("Actor", {}).get("Attributes", {})
    code, signal = attributes.get("exitCode"), str(attributes.get("signal", ""))
    return EngineEvent(
        action=action,
        time_ns=int(event.get("timeNano", 0)),
        exit_code=None if code is None else int(code),
        signal=int(signal) if signal.isdecimal() else None,
    )


def labels(run_id: str) -> dict[str, str]:
    """The labels that say whose a container is: the run, its start, and its process, which may live still.

    That process is its host's name and PID, and what tells it from others with these.
    """
    return {
        f"{LABEL}.run": run_id,
        f"{LABEL}.started": str(int(time.time())),
        f"{LABEL}.owner": f"{socket.gethostname()}:{os.getpid()}",
        f"{LABEL}.process": mark_of(os.getpid()),
    }


def leftovers(api: docker.APIClient) -> list[str]:
    """Containers of runs on this machine whose process is gone."""
    with our_errors():
        ours = api.containers(all=True, filters={"label": f"{LABEL}.run"})
    return [entry["Id"] for entry in ours if _orphaned(entry["Labels"])]


def sweep(api: docker.APIClient) -> int:
    """Remove the containers of killed runs, and return their number."""
    orphans = leftovers(api)
    for container_id in orphans:
        remove(api, container_id)
    return len(orphans)


def _orphaned(labels: Mapping[str, str]) -> bool:
    """Whether the process that made a container is known to have ended; one of another host is not known."""
    host, _, pid = labels.get(f"{LABEL}.owner", "").rpartition(":")
    return host == socket.gethostname() and pid.isdecimal() and ended(int(pid), labels.get(f"{LABEL}.process", ""))
