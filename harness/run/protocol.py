"""What a run asks of an engine. `harness.engine` satisfies it, and so does the scripted engine of the tests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from harness.core.subject import LaunchOptions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    from harness.core.flight import Traffic
    from harness.core.process import Process, Tree
    from harness.core.signals import Signal
    from harness.core.trace import Life, TraceRecord
    from harness.run.inbox import Inbox


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """How a container is run: an image, its subject's options, and what a probe needs on top.

    With ``tty`` it has a terminal that keys can be typed on, with ``publish`` one of its ports is published on
    127.0.0.1, even where the options say that it has no network. A ``control`` shows what evidence is worth, and is
    none itself.
    """

    image: str
    options: LaunchOptions = field(default_factory=LaunchOptions)
    tty: bool = False
    publish: int | None = None
    control: bool = False

    def with_environment(self, environment: Mapping[str, str]) -> Launch:
        """The same with more variables."""
        options = replace(self.options, environment={**self.options.environment, **environment})
        return replace(self, options=options)


class HeldRequest(Protocol):
    """A request that the app has begun to answer, and whose end is held back."""

    def in_flight(self) -> bool:
        """Whether the answer is incomplete so far, and not broken off either."""
        ...

    def finish(self) -> bool:
        """Send the end of it; whether the answer then came whole."""
        ...

    def close(self) -> None:
        """Give it up."""
        ...


class Requests(Protocol):
    """Requests that have been sent, and whose answers the app may take its time for."""

    def taken(self) -> bool | None:
        """Whether the app has read all of them, or they have ended; ``None`` if that cannot be seen."""
        ...

    def ended(self) -> bool:
        """Whether all of them have ended."""
        ...

    def press(self) -> None:
        """Go on with new ones from now on, every 20 ms."""
        ...

    def finish(self) -> Traffic:
        """Send no more, and return what became of all of them; to be called once the container has ended.

        Raises:
            EngineFault: an answer is not one of HTTP/1.
        """
        ...

    def close(self) -> None:
        """Give them up."""
        ...


class Container(Protocol):
    """One fresh container, its output already attached to its inbox."""

    name: str
    inbox: Inbox

    @property
    def cli(self) -> str:
        """The command with which a person talks to its engine: ``docker``."""
        ...

    @property
    def tells(self) -> bool:
        """Whether the engine's events tell of the signals that it sends, and of which: a stop's, and SIGKILL."""
        ...

    def start(self) -> None:
        """Start it.

        Raises:
            EngineFault: the engine cannot, for instance as its command is not there.
            EngineUnavailable: the engine went away.
        """
        ...

    def tree(self) -> Tree:
        """Sample its processes, PID 1 first; empty once it is gone."""
        ...

    def kill(self, signal: Signal) -> int:
        """Send a signal as ``docker kill`` does; the monotonic time just before, in nanoseconds.

        Raises:
            EngineFault: the engine refused, for instance as the container has ended.
            EngineUnavailable: the engine went away.
        """
        ...

    def stop(self, grace_s: int) -> int:
        """Have the engine stop it as ``docker stop`` does, and return at once; the monotonic time just before, in ns.

        Args:
            grace_s: whole seconds from the stop signal to SIGKILL.
        """
        ...

    def stopping(self) -> bool:
        """Whether the engine says that it is stopping it, or has; it may say so just before it sends the signal.

        Raises:
            EngineFault: the engine refused.
            EngineUnavailable: the engine went away.
        """
        ...

    def tell(self, process: Process, signal: Signal) -> None:
        """Send a signal to one of its processes alone, past the engine and PID 1.

        Raises:
            EngineFault: that cannot be done here.
        """
        ...

    def type(self, keys: bytes) -> int:
        """Type keys on its terminal; the monotonic time just before, in nanoseconds.

        Raises:
            EngineFault: it has none any more.
        """
        ...

    def execute(self, command: Sequence[str]) -> tuple[int, str]:
        """Run a command in it, as ``docker exec`` does; its exit code and output.

        Raises:
            EngineFault: the engine refused, for instance as the container has ended.
            EngineUnavailable: the engine went away.
        """
        ...

    def request(self, path: str) -> HeldRequest:
        """Send a request to its published port, without its end, and wait until the answer has begun.

        Raises:
            EngineFault: no answer began.
        """
        ...

    def requests(self, path: str, number: int) -> Requests:
        """Send so many GETs to its published port, each on a connection of its own.

        Raises:
            EngineFault: nothing takes connections there.
        """
        ...

    def answers(self, path: str) -> int | None:
        """The status with which it answers a GET on its published port; ``None`` if it does not, within 2 s.

        Raises:
            EngineFault: the engine refused.
        """
        ...

    def health(self) -> str | None:
        """What its HEALTHCHECK says, in the engine's words: ``starting``, ``healthy``; ``None`` if it has none.

        Raises:
            EngineFault: the engine refused.
        """
        ...

    def listens(self, ports: Sequence[int]) -> bool:
        """Whether something listens on all of these TCP ports in it.

        Raises:
            EngineFault: that cannot be seen here.
        """
        ...

    def serving(self, tree: Tree, ports: Collection[int]) -> frozenset[int]:
        """Which of its processes listen on one of these TCP ports, by PID; none where that cannot be seen."""
        ...

    def exit_code(self) -> int:
        """What ``docker wait`` says of a container that has ended.

        Raises:
            EngineUnavailable: the engine does not say.
        """
        ...

    def write_marker(self) -> int:
        """Write a mark behind all output so far, on each output stream; on arrival it counts in ``inbox.markers``.

        Returns:
            How many marks will arrive; 0 where marks cannot be written.
        """
        ...

    def verify(self) -> None:
        """Make sure that all it has said up to now has come in.

        Raises:
            Disturbed: something may have been missed, or was held back.
            EngineUnavailable: the engine went away.
        """
        ...

    def trace(self) -> tuple[TraceRecord, ...] | None:
        """The kernel's record of the signals its processes sent and took so far; ``None`` if there is no record."""
        ...

    def lives(self) -> tuple[Life, ...]:
        """The kernel's record of its processes so far, those that have ended included; empty if there is none."""
        ...


class Engine(Protocol):
    """A place to run containers."""

    def launch(self, launch: Launch) -> AbstractContextManager[Container]:
        """Create a container, not started yet; on leaving the context it is being removed, whatever happened."""
        ...

    def answers(self) -> bool:
        """Whether it answers after a fault; one that is just coming back is waited for, for so long as is bounded."""
        ...
