"""The machine whose kernel containers run on: what is read of it, and done on it, past the engine.

It is this one where the engine is local; a helper container is there for any other (`harness.engine.helper`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Protocol

from harness.engine.ports import holders, listening
from harness.engine.proc import proc_tree, seen_in_proc, write_marks
from harness.engine.tracefs import Instance

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from harness.core.process import Tree


class Recording(Protocol):
    """What a machine's kernel records of signals and processes, for us alone.

    ``ahead_s`` is by how much the clock of what it has given out last is ahead of our monotonic one.
    """

    @property
    def ahead_s(self) -> float:
        """By how many seconds."""

    def begin(self) -> None:
        """Start recording.

        Raises:
            OSError: the kernel refuses.
        """

    def pieces(self) -> Iterator[bytes]:
        """What has been recorded so far and not been read, as lines of ``trace_pipe``, cut anywhere."""

    def close(self) -> None:
        """Record no more, and leave nothing of it.

        Raises:
            OSError: something is left.
        """


class Machine(Protocol):
    """A machine that containers run on. PIDs are its own, and times in what it tells are by our monotonic clock.

    Each method may raise `EngineFault` where the machine is reached no more.
    """

    @property
    def sees_all(self) -> bool:
        """Whether we may see all of its processes, as root does."""

    @property
    def ended(self) -> bool:
        """Whether it is reached no more by this way: what was learnt of it meanwhile may have gaps."""

    @property
    def lag_s(self) -> float:
        """How old its record may be in seconds, where nothing else has been learnt since: reading it costs as much."""

    def record(self, *, generate: str, deliver: str) -> Recording:
        """Make ready to record signals that pass the kernel's filters, those that are sent and those that are taken.

        Raises:
            EngineUnavailable: the tracepoints are not available there; the message says why.
        """

    def sees(self, container_id: str, pid: int) -> bool:
        """Whether its /proc shows that container's PID 1."""

    def tree(self, pid: int) -> Tree:
        """Sample the processes of the container with that PID 1, as `harness.engine.proc.proc_tree` does."""

    def tell(self, pid: int, number: int) -> None:
        """Send a signal to a process.

        Raises:
            ProcessLookupError: it is gone.
            PermissionError: we may not.
        """

    def listening(self, pid: int) -> frozenset[int]:
        """The ports that are listened on in the network namespace of a process."""

    def holders(self, pids: Collection[int], ports: Collection[int]) -> frozenset[int]:
        """Which of the processes of a container, its PID 1 first, listen on one of these ports."""

    def write_marks(self, pid: int, mark: bytes, *, tty: bool) -> int:
        """Write a mark behind the output of a container's PID 1; see `harness.engine.proc.write_marks`.

        Raises:
            OSError: one was not written.
        """


class _ThisMachine:
    """The machine that we run on ourselves."""

    ended = False
    lag_s = 0.0
    record = Instance
    sees = staticmethod(seen_in_proc)
    tree = staticmethod(proc_tree)
    tell = staticmethod(os.kill)
    listening = staticmethod(listening)
    write_marks = staticmethod(write_marks)

    @property
    def sees_all(self) -> bool:
        return os.geteuid() == 0

    @staticmethod
    def holders(pids: Iterable[int], ports: Collection[int]) -> frozenset[int]:
        return holders(pids, ports)


THIS_MACHINE: Final[Machine] = _ThisMachine()
