"""Fresh containers on an engine: created, attached to, watched and removed again, whatever happens."""

from __future__ import annotations

import itertools
import os
import socket
import stat
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from docker.errors import APIError
from docker.utils.socket import frames_iter

from harness.core.errors import EngineFault, EngineUnavailable
from harness.core.model import EngineEvent, Tree
from harness.core.reproduce import UNREACHABLE_HOSTS
from harness.engine.client import REMEDY, our_errors
from harness.engine.processes import proc_tree, seen_in_proc, top_tree
from harness.run.inbox import Inbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

    from harness.core.signals import Signal
    from harness.core.trace import TraceRecord
    from harness.engine.tracing import Tracer
    from harness.run.protocol import Launch

LABEL: Final = "signal-harness"
_MEMORY: Final = "512m"
_PIDS: Final = 256
_EVENTS: Final = ("kill", "die", "oom")


class DockerEngine:
    """Containers of one run of the harness; a context manager around one stream of engine events for all of them."""

    def __init__(self, api: docker.APIClient, tracer: Tracer | None = None) -> None:
        self.api = api
        self.tracer = tracer
        self.run_id = uuid.uuid4().hex[:8]
        self._inboxes: dict[str, Inbox] = {}
        self._numbers = itertools.count(1)
        self._leaving = False
        self.gone = False

    def __enter__(self) -> DockerEngine:
        """Remove what killed runs left behind, and start listening to events."""
        sweep(self.api)
        with our_errors():
            # From a moment ago: nothing is missed between here and the first byte of the answer.
            self._stream = self.api.events(
                since=int(time.time()) - 1,
                decode=True,
                filters={"type": "container", "label": f"{LABEL}.run={self.run_id}", "event": list(_EVENTS)},
            )
        self._listener = threading.Thread(target=self._listen, name="engine-events", daemon=True)
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self._leaving = True
        with suppress(OSError, AttributeError):  # docker-py's close digs in the connection, which may be gone
            self._stream.close()
        self._listener.join(timeout=5)

    @contextmanager
    def launch(self, launch: Launch) -> Iterator[EngineContainer]:
        """Create a container and attach to it; see `harness.run.protocol.Engine`."""
        name = f"{LABEL}-{self.run_id}-{next(self._numbers)}"
        inbox = Inbox()
        with our_errors():
            created = self.api.create_container(
                launch.image,
                name=name,
                command=None if launch.command is None else list(launch.command),
                entrypoint=None if launch.entrypoint is None else list(launch.entrypoint),
                environment=dict(launch.environment),
                labels=labels(self.run_id),
                host_config=self.api.create_host_config(
                    network_mode="none",
                    init=launch.init,
                    mem_limit=_MEMORY,
                    pids_limit=_PIDS,
                    extra_hosts=dict(UNREACHABLE_HOSTS),
                ),
            )
        container_id = created["Id"]
        self._inboxes[container_id] = inbox
        container = EngineContainer(self, container_id, name, inbox)
        try:
            with our_errors():
                container.attach()
            yield container
        finally:
            self._inboxes.pop(container_id, None)
            remove(self.api, container_id)

    def _listen(self) -> None:
        try:
            with our_errors():
                for event in self._stream:
                    inbox = self._inboxes.get(event.get("Actor", {}).get("ID", ""))
                    # Some engines name a signal or an exec along with the action.
                    action = str(event.get("Action", "")).partition(":")[0]
                    if inbox is not None and action in _EVENTS:
                        inbox.event(_event(action, event))
        except (EngineUnavailable, EngineFault, ValueError, AttributeError):
            pass  # the stream was cut, by us or by the engine's end; which of them, is asked below
        self.gone = not self._leaving
        if self.gone:
            for inbox in list(self._inboxes.values()):
                inbox.close()


def _event(action: str, event: dict[str, Any]) -> EngineEvent:
    code = event.get("Actor", {}).get("Attributes", {}).get("exitCode")
    return EngineEvent(
        action=action, time_ns=int(event.get("timeNano", 0)), exit_code=None if code is None else int(code)
    )


class Surroundings(Protocol):
    """What a container asks of the engine that it is on."""

    @property
    def api(self) -> docker.APIClient:
        """The engine."""
        ...

    @property
    def tracer(self) -> Tracer | None:
        """The kernel's record, if there is one."""
        ...

    @property
    def gone(self) -> bool:
        """Whether the engine went away."""
        ...


class EngineContainer:
    """One container; see `harness.run.protocol.Container`."""

    def __init__(self, engine: Surroundings, container_id: str, name: str, inbox: Inbox) -> None:
        self._engine = engine
        self._api = engine.api
        self.id = container_id
        self.name = name
        self.inbox = inbox
        self._pid1: int | None = None
        self._markable = True
        self._pids: set[int] = set()
        self._started_s = 0.0

    def attach(self) -> None:
        """Follow its output from the first byte, in a thread that ends with the container."""
        stream = self._api.attach_socket(self.id, params={"stdout": 1, "stderr": 1, "stream": 1})

        def follow() -> None:
            with suppress(OSError, ValueError):  # the connection is cut on removal
                for number, data in frames_iter(stream, tty=False):
                    self.inbox.write(data, number)
            self.inbox.close()
            stream.close()

        threading.Thread(target=follow, name=f"output of {self.name}", daemon=True).start()

    def start(self) -> None:
        """Start it."""
        self._started_s = time.monotonic()
        with our_errors():
            self._api.start(self.id)
        self.locate()

    def locate(self) -> None:
        """Find its PID 1 in this machine's /proc, once it runs; else its processes are asked of the engine."""
        with our_errors():
            pid = int(self._api.inspect_container(self.id)["State"]["Pid"])
        if pid and seen_in_proc(self.id, pid):
            self._pid1 = pid

    def tree(self) -> Tree:
        """Sample its processes."""
        if self._engine.gone:
            raise EngineUnavailable("its stream of events was cut", remedy=REMEDY)
        tree = top_tree(self._api, self.id) if self._pid1 is None else proc_tree(self._pid1)
        self._pids.update(process.pid for process in tree)
        return tree

    def kill(self, signal: Signal) -> int:
        """Send a signal as ``docker kill`` does."""
        before_ns = time.monotonic_ns()
        with our_errors():
            self._api.kill(self.id, signal.number)
        return before_ns

    def fence(self) -> int:
        """Write a mark into the pipes that are PID 1's standard output and error; needs root and a local engine."""
        if self._pid1 is None or not self._markable:
            return 0
        pipes: dict[int, Path] = {}
        try:
            for number in (1, 2):
                path = Path(f"/proc/{self._pid1}/fd/{number}")
                found = path.stat()
                if not stat.S_ISFIFO(found.st_mode):
                    return 0
                pipes.setdefault(found.st_ino, path)
            # A full pipe takes no mark. Its end cannot be told then, and a mark in the other pipe must not count later.
            self._markable = all(_write(path, self.inbox.fence) for path in pipes.values())
            return len(pipes) if self._markable else 0
        except OSError:
            self._markable = False
            return 0

    def trace(self) -> tuple[TraceRecord, ...] | None:
        """The kernel's record of its signals."""
        if self._engine.tracer is None or self._pid1 is None:
            return None
        return self._engine.tracer.records(self._pids, since_s=self._started_s)


def _write(path: Path, mark: bytes) -> bool:
    pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    try:
        return os.write(pipe, mark) == len(mark)
    finally:
        os.close(pipe)


def labels(run_id: str) -> dict[str, str]:
    """The labels that say whose a container is: the run, since when, and the process to ask whether it still lives."""
    return {
        f"{LABEL}.run": run_id,
        f"{LABEL}.started": str(int(time.time())),
        f"{LABEL}.owner": f"{socket.gethostname()}:{os.getpid()}",
    }


def remove(api: docker.APIClient, container_id: str) -> None:
    """Remove a container, running or not; one that is gone already is fine.

    Raises:
        EngineUnavailable: the engine went away.
        EngineFault: the engine refused.
    """
    with our_errors():
        try:
            api.remove_container(container_id, force=True, v=True)
        except APIError as error:
            if error.status_code not in (404, 409):  # gone, or going
                raise


def leftovers(api: docker.APIClient) -> list[str]:
    """Containers of runs on this machine whose process is gone."""
    with our_errors():
        found = api.containers(all=True, filters={"label": f"{LABEL}.run"})
    return [entry["Id"] for entry in found if _orphaned(entry["Labels"].get(f"{LABEL}.owner", ""))]


def sweep(api: docker.APIClient) -> int:
    """Remove the containers of killed runs; how many they were."""
    found = leftovers(api)
    for container_id in found:
        remove(api, container_id)
    return len(found)


def _orphaned(owner: str) -> bool:
    host, _, pid = owner.rpartition(":")
    if host != socket.gethostname() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
