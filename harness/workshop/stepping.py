"""An engine whose containers are observed: what is done to them is announced, and held until it may proceed."""

from __future__ import annotations

import shlex
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.run.abandoning import AbandonableEngine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.core.process import Tree
    from harness.core.signals import Signal
    from harness.run.protocol import Container, Engine, HeldRequest, Launch, Requests


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """Something that is done to a container, as the command that does the same by hand."""

    command: str


class Observer:
    """Who watches the containers, several at once and in the threads of their runs; this one lets all go on."""

    def created(self, launch: Launch, container: Container) -> None:
        """A container is there, not started yet."""

    def seen(self, tree: Tree) -> None:
        """Its process tree was sampled."""

    def waits(self, action: Action) -> threading.Event:  # noqa: ARG002  for those who hold it
        """Something is about to be done, and is once the event is set."""
        gate = threading.Event()
        gate.set()
        return gate

    def does(self, action: Action) -> None:
        """Now it is done."""


_LOOK_S = 0.1


class SteppedEngine:
    """An engine in front of an observer; see `harness.run.protocol.Engine`."""

    def __init__(self, engine: Engine, observer: Observer) -> None:
        self._engine = AbandonableEngine(engine)
        self._observer = observer

    @contextmanager
    def launch(self, launch: Launch) -> Iterator[SteppedContainer]:
        """Create a container, and show it; a control is not for show."""
        with self._engine.launch(launch) as container:
            observer = Observer() if launch.control else self._observer
            observer.created(launch, container)
            yield SteppedContainer(container, observer, port=launch.publish)

    def answers(self) -> bool:
        """Whether it answers after a fault."""
        return self._engine.answers()

    def abandon(self) -> None:
        """Give up what is under way, and all that comes: containers are removed at once, their runs say nothing."""
        self._engine.abandon()


class SteppedContainer:
    """One container in front of an observer; see `harness.run.protocol.Container`."""

    def __init__(self, container: Container, observer: Observer, *, port: int | None) -> None:
        self._container = container
        self._observer = observer
        self._port = port
        self._asked = False
        self.name, self.inbox = container.name, container.inbox
        # These are neither shown nor held.
        self.start, self.exit_code = container.start, container.exit_code
        self.health, self.listens, self.answers = container.health, container.listens, container.answers
        self.write_marker, self.tell, self.serving = container.write_marker, container.tell, container.serving
        self.trace, self.lives, self.verify = container.trace, container.lives, container.verify
        self.cli, self.tells, self.stopping = container.cli, container.tells, container.stopping

    def tree(self) -> Tree:
        """Sample its processes, for all to see."""
        tree = self._container.tree()
        self._observer.seen(tree)
        return tree

    def kill(self, signal: Signal) -> int:
        """Send a signal, when it may be sent."""
        self._hold(f"docker kill --signal={signal} {self.name}")
        return self._container.kill(signal)

    def stop(self, grace_s: int) -> int:
        """Have it stopped, when it may be; at once if a request is in flight, which a server does not wait for long."""
        command = f"docker stop -t {grace_s} {self.name}"
        if self._asked:
            self._observer.does(Action(command=command))
        else:
            self._hold(command)
        return self._container.stop(grace_s)

    def type(self, keys: bytes) -> int:
        """Type keys on its terminal, when they may be typed."""
        self._hold(f"docker attach {self.name}")
        return self._container.type(keys)

    def execute(self, command: Sequence[str]) -> tuple[int, str]:
        """Run a command in it, when it may be run."""
        self._hold(shlex.join(["docker", "exec", self.name, *command]))
        return self._container.execute(command)

    def request(self, path: str) -> HeldRequest:
        """Begin a request, when it may begin."""
        self._hold(f"curl -T - -X POST http://$(docker port {self.name} {self._port}){path} &")
        self._asked = True
        return self._container.request(path)

    def requests(self, path: str, number: int) -> Requests:
        """Send requests, when they may be sent."""
        self._hold(f"curl http://$(docker port {self.name} {self._port}){path} &   # {number}×")
        self._asked = True
        return self._container.requests(path, number)

    def _hold(self, command: str) -> None:
        """Hold an action until it may be done; meanwhile the observer sees how the container goes on."""
        action = Action(command=command)
        gate = self._observer.waits(action)
        while not gate.wait(_LOOK_S):
            self.inbox.check()
            self.tree()
        self.inbox.check()
        self._observer.does(action)
