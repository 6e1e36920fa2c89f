"""An instance of tracefs of our own: the kernel's tracepoints of signals, and of processes that come and go.

Needs Linux and root. The files are described in the kernel's Documentation/trace/ftrace.rst. The standard library and
what is pure are all that it needs: a helper container runs it, too (`harness.engine.helper`).
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.core.errors import EngineUnavailable
from harness.engine.owner import ended, mark_of
from harness.run.leaving import LEFT

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOUNTS: Final = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))
_PREFIX: Final = "signal-harness-"
_PIECE: Final = 1 << 16
_numbers = count()


class Instance:
    """An instance that records nothing yet.

    Args:
        generate: which signals that are sent are recorded, as a filter of the kernel's.
        deliver: which signals that are taken are recorded, likewise.

    Raises:
        EngineUnavailable: the tracepoints are not available here; the message says why.
    """

    ahead_s: Final = 0.0
    """By how much its clock is ahead of our monotonic one: it is the same."""

    def __init__(self, *, generate: str, deliver: str) -> None:
        root = _tracefs()
        sweep(root)
        name = f"{_PREFIX}{os.getpid()}-{mark_of(os.getpid())}-{next(_numbers)}"
        self._path = root / "instances" / name
        self._pipe = -1
        LEFT.add(name, "record of signals", partial(_remove, self._path))
        try:
            self._path.mkdir()
            events = self._path / "events"
            wanted = {"signal/signal_generate": generate, "signal/signal_deliver": deliver, **_coming_and_going(events)}
            for event, condition in wanted.items():
                if condition:
                    events.joinpath(event, "filter").write_text(condition, encoding="ascii")
        except OSError as error:
            self._remove()
            raise unusable(error) from error
        self._events = tuple(wanted)

    def begin(self) -> None:
        """Start recording.

        Raises:
            OSError: the kernel refuses.
        """
        # The monotonic clock is the one that the app and the harness use.
        self._path.joinpath("trace_clock").write_text("mono", encoding="ascii")
        for event in self._events:
            self._path.joinpath("events", event, "enable").write_text("1", encoding="ascii")
        self._pipe = os.open(self._path / "trace_pipe", os.O_RDONLY | os.O_NONBLOCK)

    def pieces(self) -> Iterator[bytes]:
        """What has been recorded so far and not been read, piece by piece."""
        with suppress(BlockingIOError):
            while piece := os.read(self._pipe, _PIECE):
                yield piece

    def close(self) -> None:
        """Record no more, and remove the instance.

        Raises:
            OSError: it cannot be removed.
        """
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        self._remove()

    def _remove(self) -> None:
        _remove(self._path)
        LEFT.discard(self._path.name)


def _coming_and_going(events: Path) -> dict[str, str]:
    """The events of processes, each with its filter: what the kernel leaves out costs nothing here."""
    fields = events.joinpath("sched/sched_process_exit/format").read_text(encoding="ascii")
    ends = "group_dead==1" if "group_dead" in fields else ""
    return {"task/task_newtask": "", "task/task_rename": "", "sched/sched_process_exit": ends}


def unusable(error: OSError) -> EngineUnavailable:
    """What to say where the kernel refuses."""
    return EngineUnavailable(f"the kernel's signal tracepoints cannot be used: {error}")


def sweep(root: Path | None = None) -> int:
    """Remove instances whose harness is gone, and return their number."""
    root = root or _mounted()
    instances = root.joinpath("instances").glob(f"{_PREFIX}*") if root else ()
    removed = 0
    for path in [path for path in instances if not _in_use(path.name)]:
        # Another run may be sweeping it at this moment, and as long as it has a file of it open, it is busy. What is
        # busy is left as it is: it may record.
        with suppress(OSError):
            path.rmdir()
            removed += 1
    return removed


def _in_use(name: str) -> bool:
    """Whether the process that made an instance may live: its PID may have passed to another, or be of elsewhere."""
    pid, _, rest = name.removeprefix(_PREFIX).partition("-")
    mark, dash, _ = rest.rpartition("-")
    # Where /proc is that of another namespace there is no mark: nobody else can tell whether that process lives.
    return pid.isdecimal() and dash != "" and (mark == "" or ("-" in mark and not ended(int(pid), mark)))


def _remove(instance: Path) -> None:
    """Remove an instance; tracefs takes the directory with all that is in it."""
    with suppress(FileNotFoundError):  # another run swept it at the same time
        instance.joinpath("events/enable").write_text("0", encoding="ascii")
        instance.rmdir()


def _mounted() -> Path | None:
    return next((path for path in _MOUNTS if path.joinpath("instances").is_dir()), None)


def _tracefs() -> Path:
    if os.geteuid() != 0:
        raise EngineUnavailable("the kernel's signal tracepoints need root")
    if root := _mounted():
        return root
    command = ["mount", "-t", "tracefs", "nodev", str(_MOUNTS[0])]
    try:
        why = subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()
    except OSError as error:  # no mount(8) here, as in a small container
        why = str(error)
    if root := _mounted():
        return root
    raise EngineUnavailable(f"tracefs cannot be mounted: {why}")
