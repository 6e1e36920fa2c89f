"""The engine's machine, as a helper there sees it, by our own clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.core.errors import EngineFault
from harness.engine.helper.wire import unpacked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from harness.core.process import Tree
    from harness.engine.helper.link import Link


class FarRecording:
    """What the kernel there records."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.ahead_s = 0.0

    def begin(self) -> None:
        """Start recording."""
        self._link.ask("begin")

    def pieces(self) -> Iterator[bytes]:
        """What has been recorded so far and not been read."""
        more = True
        while more:
            text, more = _read(self._link.ask("read"))
            self.ahead_s = self._link.clock.ahead_ns / 1e9
            if text:
                yield text.encode("latin-1")

    def close(self) -> None:
        """Record no more; of a helper that has ended nothing can be asked any more."""
        try:
            self._link.ask("close")
        except EngineFault:
            if not self._link.ended:
                raise


class FarMachine:
    """See `harness.engine.machine.Machine`."""

    sees_all = True
    lag_s = 0.005

    def __init__(self, link: Link) -> None:
        self._link = link

    @property
    def ended(self) -> bool:
        """Whether the helper has ended, or is reached no more."""
        return self._link.ended

    def record(self, *, generate: str, deliver: str) -> FarRecording:
        """Make ready to record."""
        self._link.ask("record", generate=generate, deliver=deliver)
        return FarRecording(self._link)

    def sees(self, container_id: str, pid: int) -> bool:
        """Whether its /proc shows that container's PID 1; the helper deals with no other container."""
        return bool(self._link.ask("sees", container=container_id, pid=pid))

    def tree(self, pid: int) -> Tree:
        """Sample the processes of a container."""
        found = self._link.ask("tree", pid=pid)
        try:
            return unpacked(found, ahead_ns=self._link.clock.ahead_ns)
        except (KeyError, TypeError, ValueError) as error:
            raise EngineFault(f"the helper tells of no processes: {error!r}") from error

    def tell(self, pid: int, number: int) -> None:
        """Send a signal to a process of a container."""
        self._link.ask("tell", pid=pid, number=number)

    def listening(self, pid: int) -> frozenset[int]:
        """The ports that are listened on in its network namespace."""
        return frozenset(self._link.ask("listening", pid=pid))

    def holders(self, pids: Collection[int], ports: Collection[int]) -> frozenset[int]:
        """Which processes listen on one of these ports."""
        return frozenset(self._link.ask("holders", pids=list(pids), ports=list(ports)))

    def write_marks(self, pid: int, mark: bytes, *, tty: bool) -> int:
        """Write a mark behind the output of a container's PID 1."""
        return int(self._link.ask("mark", pid=pid, mark=mark.decode("latin-1"), tty=tty))


def _read(value: Any) -> tuple[str, bool]:
    try:
        text, more = value
        return str(text), bool(more)
    except (TypeError, ValueError) as error:
        raise EngineFault(f"the helper tells of no record: {error!r}") from error
