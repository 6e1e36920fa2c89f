"""Fresh containers on an engine: created, attached to, watched and removed again, whatever happens."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from harness.core.errors import Disturbed, EngineFault, EngineUnavailable
from harness.core.evidence import EngineEvent
from harness.engine.client import our_errors
from harness.engine.container import EngineContainer
from harness.engine.creation import creation, limits_cpus
from harness.engine.events import Events
from harness.engine.kinds import kind_of
from harness.engine.owner import ended, mark_of
from harness.engine.removals import Removals, remove
from harness.engine.scratch import sweep as sweep_folders
from harness.run.inbox import Inbox
from harness.run.leaving import LEFT
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import docker

    from harness.engine.events import Stream
    from harness.engine.tracing import Tracer
    from harness.run.protocol import Launch

LABEL: Final = "signal-harness"
HELPER: Final = f"{LABEL}.helper"
"""The label of a helper, beside those of all our containers."""

_HELPER_S: Final = 2
_EVENTS: Final = ("kill", "die", "oom")
_OVER: Final = ("exited", "dead")
_TOLD_S: Final = 5.0
"""How long the event of an end may take that the engine has."""

_BACK_S: Final = 20.0
_PING_S: Final = 40.0
"""For how long an engine may not be there, as while it starts again, and for how long it may say nothing, until it is
taken to be gone."""


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
        self.gone = False
        self._events = Events(
            self._begin,
            self._tell,
            answers=self._answers,
            resumed=self._resumed,
            missed=self._missed,
            gone=self._went,
        )

    def __enter__(self) -> DockerEngine:
        """Remove what killed runs left behind, and start listening to events."""
        sweep(self.api)
        sweep_folders()
        # From a moment ago: nothing is missed between here and the first byte of the answer.
        self._events.start(int(time.time()) - 1)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop recording and listening, and wait until the containers are gone."""
        if self.tracer is not None:
            self.tracer.stop()
        self._removals.close()
        self._events.close()

    @cached_property
    def _limits_cpus(self) -> bool:
        return limits_cpus(self.api.info())

    def answers(self) -> bool:
        """Whether the engine answers, and its events are heard."""
        return not self.gone and self._answers()

    def _answers(self) -> bool:
        """Whether the engine answers, or does so soon: one that is not there for so long, or hangs for longer."""
        return bool(until(self._ping, timeout_s=_BACK_S, time=Inbox()))

    def _ping(self) -> bool | None:
        try:
            with our_errors():
                self.api.get(f"{self.api.base_url}/_ping", timeout=_PING_S).raise_for_status()
        except (EngineFault, EngineUnavailable):
            return None
        return True

    @contextmanager
    def launch(self, launch: Launch) -> Iterator[EngineContainer]:
        """Create a container and attach to it; see `harness.run.protocol.Engine`."""
        name = f"{LABEL}-{self.run_id}-{next(self._numbers)}"
        inbox = Inbox(tty=launch.tty)
        LEFT.add(name, "container")
        try:
            with our_errors():
                cpus = launch.options.cpus is not None and self._limits_cpus
                wanted = creation(launch, api_version=str(self.api.api_version), cpus=cpus)
                container_id = self.api.create_container(name=name, labels=labels(self.run_id), **wanted)["Id"]
        except (Disturbed, EngineUnavailable) as fault:
            self._removals.later(name, fault.message)  # it may be there all the same
            raise
        except EngineFault:
            LEFT.discard(name)
            raise
        self._inboxes[container_id] = inbox
        container = EngineContainer(self, container_id, name, inbox, port=launch.publish)
        try:
            with our_errors():
                container.attach()
            with self._followed():
                yield container
        finally:
            self._inboxes.pop(container_id, None)
            inbox.close()
            self._removals.begin(name)

    @contextmanager
    def _followed(self) -> Iterator[None]:
        """Have what the kernel records of a container that is about to start, for as long as this is open."""
        if self.tracer is None:
            yield
            return
        self.tracer.wait()
        with self.tracer.following():
            yield

    def _begin(self, since: str) -> Stream:
        wanted = {"type": "container", "label": f"{LABEL}.run={self.run_id}", "event": list(_EVENTS)}
        listen: Any = self.api.events  # whose stubs know whole seconds only
        stream: Stream = listen(since=since, decode=False, filters=wanted)
        return stream

    def _tell(self, event: dict[str, Any]) -> None:
        inbox = self._inboxes.get(event.get("Actor", {}).get("ID", ""))
        # Some engines name a signal or an exec along with the action.
        action = str(event.get("Action", "")).partition(":")[0]
        if inbox is not None and action in _EVENTS:
            inbox.event(_event(action, event))

    def _resumed(self) -> None:
        """Look, beside the events that come in, for containers whose end will not be told any more."""
        threading.Thread(target=self._look_for_ends, name="engine-events-check", daemon=True).start()

    def _look_for_ends(self) -> None:
        for container_id, inbox in list(self._inboxes.items()):
            with suppress(EngineFault, EngineUnavailable), our_errors():  # else its run is told so itself
                status = self.api.inspect_container(container_id)["State"]["Status"]
                if status in _OVER and not inbox.wait_for_end(within_s=_TOLD_S):
                    inbox.spoil("it ended while the engine's events were cut")

    def _missed(self) -> None:
        for inbox in list(self._inboxes.values()):
            inbox.spoil("events of the engine were lost")

    def _went(self) -> None:
        self.gone = True
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
    return [entry["Id"] for entry in _orphans(api)]


def sweep(api: docker.APIClient) -> int:
    """Remove the containers of killed runs, and return their number."""
    orphans = _orphans(api)
    for entry in orphans:
        if HELPER in entry["Labels"]:
            # It ends by itself once its run is gone, and leaves nothing in the kernel then; SIGKILL would.
            with suppress(EngineFault), our_errors():
                api.stop(entry["Id"], timeout=_HELPER_S)
        remove(api, entry["Id"])
    return len(orphans)


def _orphans(api: docker.APIClient) -> list[dict[str, Any]]:
    with our_errors():
        ours = api.containers(all=True, filters={"label": f"{LABEL}.run"})
    return [entry for entry in ours if _orphaned(entry["Labels"])]


def _orphaned(labels: Mapping[str, str]) -> bool:
    """Whether the process that made a container is known to have ended; one of another host is not known."""
    host, _, pid = labels.get(f"{LABEL}.owner", "").rpartition(":")
    return host == socket.gethostname() and pid.isdecimal() and ended(int(pid), labels.get(f"{LABEL}.process", ""))
