"""What runs in a helper container: it answers requests about the machine that it is on.

A request is one line of JSON, and so is its answer; they come and go one after the other. A request names what to
``do`` and with what; the answer has the ``value``, or why there is none, and the monotonic time ``now_ns``. Of all
processes of the machine only those are looked at, signalled or written to that are in a container that it was told of
(``sees``). The standard library and what is pure are all that it needs.
"""

from __future__ import annotations

import errno
import json
import os
import re
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from harness.core.errors import EngineUnavailable
from harness.engine.helper.wire import BOOT_ID, HELLO, SILENCE_S, packed
from harness.engine.machine import THIS_MACHINE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.engine.machine import Machine, Recording

_PIECE: Final = 1 << 16
_MOST: Final = 1 << 18
"""How much of the record goes into one answer."""

_LONGEST: Final = 1 << 20
"""How long a request may be."""

_ID: Final = re.compile(r"[0-9a-f]{64}")
_FILTER: Final = re.compile(r"""[A-Za-z0-9 ()!=<>&|":\[\]-]{1,600}""")
_NAMESPACE: Final = Path("/proc/self/ns/pid")
_FIRST_NAMESPACE: Final = 0xEFFFFFFC
"""The inode of the machine's first PID namespace (include/linux/proc_ns.h, ``PROC_PID_INIT_INO``)."""


class Service:
    """The answers of a helper on a machine."""

    def __init__(self, machine: Machine = THIS_MACHINE) -> None:
        self._machine = machine
        self._containers: set[str] = set()
        self._recording: Recording | None = None
        self._deeds: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "now": lambda _: None,
            "boot": lambda _: BOOT_ID.read_text(encoding="ascii").strip(),
            "sees": self._sees,
            "tree": self._tree,
            "tell": self._tell,
            "listening": self._listening,
            "holders": self._holders,
            "mark": self._mark,
            "record": self._record,
            "begin": self._begin,
            "read": self._read,
            "close": self._close,
            "end": self._end,
        }
        self.over = False

    def answer(self, line: bytes) -> bytes:
        """The line that answers a line."""
        now_ns = time.monotonic_ns()
        try:
            request = json.loads(line)
            said = {"value": self._value(request)}
        except EngineUnavailable as why:
            said = {"unavailable": why.message}
        except OSError as error:
            said = {"errno": error.errno or errno.EIO, "error": error.strerror or str(error)}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            said = {"error": f"not a request: {error!r}"}
        return json.dumps({**said, "now_ns": now_ns}).encode("ascii") + b"\n"

    def close(self) -> None:
        """Leave nothing on the machine."""
        if self._recording is not None:
            self._recording.close()
            self._recording = None

    def _value(self, request: Mapping[str, Any]) -> Any:
        deed = self._deeds.get(request["do"])
        if deed is None:
            raise ValueError(request["do"])
        return deed(request)

    def _sees(self, request: Mapping[str, Any]) -> bool:
        container = _matching(_ID, request["container"])
        seen = self._machine.sees(container, int(request["pid"]))
        if seen:
            self._containers.add(container)
        return seen

    def _tree(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        pid = int(request["pid"])
        return packed(self._machine.tree(pid)) if self._known(pid) else []

    def _tell(self, request: Mapping[str, Any]) -> None:
        self._machine.tell(self._need_known(request["pid"]), int(request["number"]))

    def _listening(self, request: Mapping[str, Any]) -> list[int]:
        pid = int(request["pid"])
        return sorted(self._machine.listening(pid)) if self._known(pid) else []

    def _holders(self, request: Mapping[str, Any]) -> list[int]:
        pids = [pid for pid in map(int, request["pids"]) if self._known(pid)]
        return sorted(self._machine.holders(pids, frozenset(map(int, request["ports"]))))

    def _mark(self, request: Mapping[str, Any]) -> int:
        mark = str(request["mark"]).encode("latin-1")
        return self._machine.write_marks(self._need_known(request["pid"]), mark, tty=bool(request["tty"]))

    def _record(self, request: Mapping[str, Any]) -> None:
        generate, deliver = (_matching(_FILTER, request[name]) for name in ("generate", "deliver"))
        if _NAMESPACE.stat().st_ino != _FIRST_NAMESPACE:
            raise EngineUnavailable("the engine is in a PID namespace of its own, and the record has other PIDs")
        self.close()
        self._recording = self._machine.record(generate=generate, deliver=deliver)

    def _begin(self, _: Mapping[str, Any]) -> None:
        self._open.begin()

    def _read(self, _: Mapping[str, Any]) -> tuple[str, bool]:
        """What has been recorded, as text of one character a byte, and whether there is more of it."""
        data = b""
        for piece in self._open.pieces():
            data += piece
            if len(data) >= _MOST:
                return data.decode("latin-1"), True
        return data.decode("latin-1"), False

    def _close(self, _: Mapping[str, Any]) -> None:
        self.close()

    def _end(self, _: Mapping[str, Any]) -> None:
        self.over = True

    def _known(self, pid: int) -> bool:
        """Whether a process is in a container that we were told of."""
        return not self._containers.isdisjoint(_ID.findall(_cgroups(pid)))

    def _need_known(self, pid: Any) -> int:
        if not self._known(int(pid)):
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        return int(pid)

    @property
    def _open(self) -> Recording:
        if self._recording is None:
            raise ValueError("nothing is recorded")
        return self._recording


def _cgroups(pid: int) -> str:
    """The cgroups of a process, whose names have the container's id; none of one that is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8", errors="replace")
    return ""


def _matching(pattern: re.Pattern[str], text: Any) -> str:
    if not pattern.fullmatch(str(text)):
        raise ValueError(text)
    return str(text)


def serve(source: int, sink: IO[bytes], service: Service, *, silence_s: float = SILENCE_S) -> None:
    """Answer what comes in on a file, until it ends, the service is over, or nothing has come for so many seconds."""
    rest = b""
    while select.select([source], [], [], silence_s)[0] and (piece := os.read(source, _PIECE)):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            sink.write(service.answer(line))
            sink.flush()
            if service.over:
                return
        if len(rest) > _LONGEST:
            return


def main() -> None:
    """Say hello, and serve on standard input and output; whatever ends it, nothing is left on the machine."""

    def end(*_: object) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    service = Service()
    try:
        with suppress(BrokenPipeError):
            sys.stdout.buffer.write(f"{HELLO}\n".encode("ascii"))
            sys.stdout.buffer.flush()
            serve(sys.stdin.fileno(), sys.stdout.buffer, service)
    finally:
        service.close()
