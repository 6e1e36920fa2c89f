"""The kernel's signal tracepoints, through an instance of tracefs that is ours alone.

Needs Linux, root and a local engine. The files are described in the kernel's Documentation/trace/ftrace.rst.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.core.errors import EngineUnavailable
from harness.core.trace import Lost, TraceRecord, parse_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from harness.core.signals import Signal

_MOUNTS: Final = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))
_PREFIX: Final = "signal-harness-"
_MOST_RECORDS: Final = 100_000
_PIECE: Final = 1 << 16


class Tracer:
    """Follows given signals machine-wide; a context manager that removes its tracefs instance.

    Raises:
        EngineUnavailable: on entering, if the tracepoints cannot be had here; the message says why.
    """

    def __init__(self, signals: Iterable[Signal]) -> None:
        self._filter = " || ".join(f"sig=={signal.number}" for signal in signals)
        self._reading = threading.Lock()
        self._records: deque[TraceRecord] = deque(maxlen=_MOST_RECORDS)
        self._rest = b""

    def __enter__(self) -> Tracer:
        """Make the instance and start recording."""
        root = _tracefs()
        sweep(root)
        self._instance = root / "instances" / f"{_PREFIX}{os.getpid()}"
        try:
            self._instance.mkdir()
            # The monotonic clock is the one that the app and the harness tell the time by.
            self._instance.joinpath("trace_clock").write_text("mono", encoding="ascii")
            for event in ("signal_generate", "signal_deliver"):
                folder = self._instance / "events" / "signal" / event
                folder.joinpath("filter").write_text(self._filter, encoding="ascii")
                folder.joinpath("enable").write_text("1", encoding="ascii")
            self._pipe = os.open(self._instance / "trace_pipe", os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            _remove(self._instance)
            raise EngineUnavailable(f"the kernel's signal tracepoints cannot be used: {error}") from error
        return self

    def __exit__(self, *_: object) -> None:
        """Stop recording and remove the instance."""
        os.close(self._pipe)
        _remove(self._instance)

    def records(self, pids: Collection[int], *, since_s: float) -> tuple[TraceRecord, ...] | None:
        """Give all records so far of signals sent to or taken by these processes.

        The kernel writes a record as it happens, so a record that is not here now was not made before the call.

        Args:
            pids: PIDs on the host.
            since_s: a monotonic time in seconds; earlier records are of earlier processes with the same PID.

        Returns:
            ``None`` if records were lost, so that nothing can be concluded.
        """
        with self._reading:
            self._drain()
            if any(isinstance(record, Lost) for record in self._records):
                return None
            return tuple(
                record
                for record in self._records
                if not isinstance(record, Lost)
                and record.time_s >= since_s
                and (record.pid if hasattr(record, "pid") else record.target_pid) in pids
            )

    def _drain(self) -> None:
        while True:
            try:
                piece = os.read(self._pipe, _PIECE)
            except BlockingIOError:
                return
            if not piece:
                return
            *lines, self._rest = (self._rest + piece).split(b"\n")
            parsed = (parse_line(line.decode("utf-8", "replace")) for line in lines)
            self._records.extend(record for record in parsed if record is not None)


def sweep(root: Path | None = None) -> int:
    """Remove instances whose harness is gone; how many they were."""
    root = root or next((path for path in _MOUNTS if path.joinpath("instances").is_dir()), None)
    stale = [
        path
        for path in (root.joinpath("instances").glob(f"{_PREFIX}*") if root else ())
        if not Path("/proc", path.name.removeprefix(_PREFIX)).exists()
    ]
    for path in stale:
        _remove(path)
    return len(stale)


def _remove(instance: Path) -> None:
    """Remove an instance; tracefs takes the directory with all that is in it."""
    if instance.is_dir():
        instance.joinpath("events/enable").write_text("0", encoding="ascii")
        instance.rmdir()


def _tracefs() -> Path:
    if os.geteuid() != 0:
        raise EngineUnavailable("the kernel's signal tracepoints need root")
    for path in _MOUNTS:
        if path.joinpath("instances").is_dir():
            return path
    mount = subprocess.run(
        ["mount", "-t", "tracefs", "nodev", str(_MOUNTS[0])], capture_output=True, text=True, check=False
    )
    if mount.returncode != 0 or not _MOUNTS[0].joinpath("instances").is_dir():
        raise EngineUnavailable(f"tracefs cannot be mounted: {mount.stderr.strip()}")
    return _MOUNTS[0]
