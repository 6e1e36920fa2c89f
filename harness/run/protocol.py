"""What a run asks of an engine. `harness.engine` satisfies it, and so does the scripted engine of the tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from harness.core.model import Tree
    from harness.core.signals import Signal
    from harness.core.trace import TraceRecord
    from harness.run.inbox import Inbox


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """How a container is run: an image and the options of a variant, nothing that changes what is its PID 1."""

    image: str
    init: bool = False
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class Container(Protocol):
    """One fresh container, its output already attached to its inbox."""

    name: str
    inbox: Inbox

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

    def fence(self) -> int:
        """Write a mark behind all output so far, on each output stream; on arrival it counts in ``inbox.fences``.

        Returns:
            How many marks will arrive; 0 where marks cannot be written.
        """
        ...

    def trace(self) -> tuple[TraceRecord, ...] | None:
        """The kernel's record of the signals its processes sent and took so far; ``None`` if there is no record."""
        ...


class Engine(Protocol):
    """A place to run containers."""

    def launch(self, launch: Launch) -> AbstractContextManager[Container]:
        """Create a container, not started yet; it is removed on leaving the context, whatever happened."""
        ...
