"""An engine of one's own to do real harm to: killed and started again, frozen, its disk full.

It is in a network namespace that outlives it, so that what it publishes is reached from there, before and after; no
other engine of the machine takes notice.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from harness.engine.owner import lives
from harness.run.inbox import Inbox
from harness.run.waiting import until
from tests.support.offline import answers

if TYPE_CHECKING:
    from collections.abc import Iterator

_STARTS_S: Final = 60
_ENDS_S: Final = 60
_READY: Final = b"ready\n"
_HELD: Final = f"ip link set lo up && echo {_READY.decode().strip()} && exec cat"
_SPARE: Final = 1 << 16


class OwnEngine:
    """The engine under way.

    Args:
        folder: what is its own; ``docker.sock`` in it is where it answers.
        namespace: of the network, as nsenter takes it.
    """

    def __init__(self, folder: Path, namespace: str) -> None:
        self.folder = folder
        self.socket = folder / "docker.sock"
        self._enter = ["nsenter", f"--net={namespace}", "--"]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"unix://{self.socket}"

    def inside(self, *words: str) -> list[str]:
        """A command as it is run where the engine is."""
        return [*self._enter, *words]

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            RuntimeError: it does not.
        """
        words = ("--data-root", "data", "--exec-root", "exec", "--pidfile", "pid", "-H", "docker.sock")
        paths = [word if word.startswith("-") else str(self.folder / word) for word in words]
        command = self.inside("dockerd", *paths[:-1], self.url)
        with self.folder.joinpath("log").open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._process = process
        if not until(lambda: answers(self.url, process), timeout_s=_STARTS_S, time=Inbox()):
            raise RuntimeError("dockerd did not come up:\n" + self.folder.joinpath("log").read_text()[-2000:])

    def answers(self) -> bool:
        """Whether it answers now."""
        return self._process is not None and bool(answers(self.url, self._process))

    def kill(self) -> None:
        """End it outright, and the containerd that it has started; its containers go on."""
        containerd = self.folder / "exec" / "containerd" / "containerd.pid"
        pid = int(containerd.read_text(encoding="ascii"))
        self._signal(signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        self._ended()
        until(lambda: not lives(pid) or None, timeout_s=_ENDS_S, time=Inbox())
        # Where nobody takes in that it has ended, dockerd takes its entry in the process table for a life.
        containerd.unlink()
        self.folder.joinpath("pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """Have it end; its containers end with it."""
        self._signal(signal.SIGTERM)
        self._ended()

    def freeze(self) -> None:
        """Stop it in its tracks."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def fill(self) -> None:
        """Leave no room on its disk."""
        disk = self.folder / "data"
        with (disk / "filling").open("ab") as file:
            room = shutil.disk_usage(disk).free
            with suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, max(room - _SPARE, 1))
            with suppress(OSError):
                while os.write(file.fileno(), bytes(_SPARE)):
                    pass

    def empty(self) -> None:
        """Make room again."""
        self.folder.joinpath("data", "filling").unlink(missing_ok=True)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _ended(self) -> None:
        if self._process is not None:
            self._process.wait(_ENDS_S)


@contextmanager
def own_engine(disk_mb: int) -> Iterator[OwnEngine]:
    """Start an engine with nothing in its store, on a disk of its own in memory; in the end nothing of it is left."""
    missing = [name for name in ("dockerd", "unshare", "nsenter", "ip") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        raise RuntimeError(f"an engine of one's own needs root and {', '.join(missing) or 'nothing else'}")
    with (
        TemporaryDirectory(prefix="signal-harness-engine-") as name,
        subprocess.Popen(
            ["unshare", "--net", "sh", "-c", _HELD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as holder,
    ):
        # Not before: it would be started where the others are.
        if holder.stdout is None or holder.stdout.readline() != _READY:
            raise RuntimeError("there is no network namespace to be had")
        data = Path(name, "data")
        data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={disk_mb}m", "signal-harness", str(data)], check=True)
        engine = OwnEngine(Path(name), f"/proc/{holder.pid}/ns/net")
        try:
            engine.start()
            yield engine
        finally:
            engine.thaw()
            engine.empty()
            if not engine.answers():
                engine.start()  # it ends its containers as it comes and goes
            engine.stop()
            _unmount(Path(name))
            holder.kill()


def _unmount(folder: Path) -> None:
    """Unmount all below a folder, the latest first."""
    mounted = [line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    for place in reversed(mounted):
        if Path(place).is_relative_to(folder):
            subprocess.run(["umount", place], check=True)
