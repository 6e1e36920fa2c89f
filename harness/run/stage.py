"""An engine whose containers are looked on at: what is done to them is told first, and held until it may go on."""

from __future__ import annotations

import shlex
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.core.model import Tree
    from harness.core.signals import Signal
    from harness.core.trace import TraceRecord
    from harness.run.inbox import Inbox
    from harness.run.protocol import Container, Engine, HeldRequest, Launch


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """Something that is done to a container, as the command that does the same by hand."""

    command: str


class Audience(Protocol):
    """Who looks on. Called in the threads of the runs, several runs at once."""

    def created(self, launch: Launch, container: Container) -> None:
        """A container is there, not started yet."""
        ...

    def seen(self, tree: Tree) -> None:
        """Its process tree was sampled."""
        ...

    def waits(self, deed: Deed) -> threading.Event:
        """Something is about to be done, and is once the event is set."""
        ...

    def does(self, deed: Deed) -> None:
        """Now it is done."""
        ...


class Nobody:
    """An audience that is not there: nothing is held."""

    def created(self, launch: Launch, container: Container) -> None:
        """Nobody sees it."""

    def seen(self, tree: Tree) -> None:
        """Nobody sees it."""

    def waits(self, deed: Deed) -> threading.Event:  # noqa: ARG002  the protocol's signature
        """It may be done at once."""
        gate = threading.Event()
        gate.set()
        return gate

    def does(self, deed: Deed) -> None:
        """Nobody sees it."""


_LOOK_S = 0.1


class StagedEngine:
    """An engine in front of an audience; see `harness.run.protocol.Engine`."""

    def __init__(self, engine: Engine, audience: Audience) -> None:
        self._engine = engine
        self._audience = audience
        self._lock = threading.Lock()
        self._inboxes: set[Inbox] = set()
        self._abandoned = False

    @contextmanager
    def launch(self, launch: Launch) -> Iterator[StagedContainer]:
        """Create a container, and show it."""
        with self._engine.launch(launch) as container:
            with self._lock:
                self._inboxes.add(container.inbox)
                if self._abandoned:
                    container.inbox.abandon()
            try:
                self._audience.created(launch, container)
                yield StagedContainer(container, self._audience, port=launch.publish)
            finally:
                with self._lock:
                    self._inboxes.discard(container.inbox)

    def abandon(self) -> None:
        """Give up what is under way, and all that comes: containers are removed at once, their runs say nothing."""
        with self._lock:
            self._abandoned = True
            for inbox in self._inboxes:
                inbox.abandon()


class StagedContainer:
    """One container in front of an audience; see `harness.run.protocol.Container`."""

    def __init__(self, container: Container, audience: Audience, *, port: int | None) -> None:
        self._container = container
        self._audience = audience
        self._port = port
        self._asked = False
        self.name = container.name
        self.inbox = container.inbox

    def start(self) -> None:
        """Start it."""
        self._container.start()

    def tree(self) -> Tree:
        """Sample its processes, for all to see."""
        tree = self._container.tree()
        self._audience.seen(tree)
        return tree

    def kill(self, signal: Signal) -> int:
        """Send a signal, when it may be sent."""
        self._wait("docker", "kill", f"--signal={signal}", self.name)
        return self._container.kill(signal)

    def stop(self, grace_s: int) -> int:
        """Have it stopped, when it may be; at once if a request is in flight, which a server does not wait for long."""
        self._wait("docker", "stop", "-t", str(grace_s), self.name, hold=not self._asked)
        return self._container.stop(grace_s)

    def type(self, keys: bytes) -> int:
        """Type keys on its terminal, when they may be typed."""
        self._wait("docker", "attach", self.name)
        return self._container.type(keys)

    def execute(self, command: Sequence[str]) -> tuple[int, str]:
        """Run a command in it, when it may be run."""
        self._wait("docker", "exec", self.name, *command)
        return self._container.execute(command)

    def request(self, path: str) -> HeldRequest:
        """Begin a request, when it may begin."""
        self._hold(Deed(command=f"curl -T - -X POST http://$(docker port {self.name} {self._port}){path} &"))
        self._asked = True
        return self._container.request(path)

    def exit_code(self) -> int:
        """What ``docker wait`` says."""
        return self._container.exit_code()

    def fence(self) -> int:
        """Write a mark behind its output."""
        return self._container.fence()

    def trace(self) -> tuple[TraceRecord, ...] | None:
        """The kernel's record."""
        return self._container.trace()

    def _wait(self, *words: str, hold: bool = True) -> None:
        deed = Deed(command=shlex.join(words))
        if hold:
            self._hold(deed)
        else:
            self._audience.does(deed)

    def _hold(self, deed: Deed) -> None:
        """Hold a deed until it may be done; meanwhile the audience sees how the container goes on."""
        gate = self._audience.waits(deed)
        while not gate.wait(_LOOK_S):
            self.inbox.check()
            self.tree()
        self.inbox.check()
        self._audience.does(deed)
