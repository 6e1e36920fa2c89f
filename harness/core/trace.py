"""The kernel's record of signals: lines of its tracepoints, read into records.

The form is that of ``events/signal/signal_generate/format``, ``signal_deliver/format`` and
``events/sched/sched_process_fork/format`` in tracefs (include/trace/events/signal.h and sched.h in the kernel), as the
``trace_pipe`` file prints them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable


class Fate(StrEnum):
    """What became of a signal that was sent; the ``res`` of signal_generate."""

    DELIVERED = "delivered"
    IGNORED = "ignored"
    MERGED = "merged"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A signal that was sent; PIDs count on the host, ``time_s`` on the trace clock.

    ``by_kernel`` tells a signal of the kernel's own from one that ``sender`` asked for: Ctrl-C on a terminal, or the
    SIGKILL for all that is left as PID 1 ends (``si_code`` above 0, sigaction(2); pid_namespaces(7)). ``from_outside``
    tells that the sender is neither a process of the container nor descends from one, as the engine's runtime.
    """

    time_s: float
    sender: str
    sender_pid: int
    number: int
    target: str
    target_pid: int
    fate: Fate
    by_kernel: bool = False
    from_outside: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Handled:
    """A signal that a process took: by a handler, or (``handler`` is 0) by the default action."""

    time_s: float
    comm: str
    pid: int
    number: int
    handler: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Forked:
    """A process or thread that another started; PIDs count on the host."""

    parent: int
    child: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """The ring buffer overflowed: an unknown number of records is missing."""


TraceRecord = Sent | Handled

_HEAD: Final = r"\s*(?P<comm>.{1,16})-(?P<pid>\d+)\s+(?:\(.*?\)\s+)?\[\d+\]\s+(?:\S+\s+)?(?P<time>\d+\.\d+):\s+"
_GENERATE: Final = re.compile(
    _HEAD + r"signal_generate:\s+sig=(?P<sig>\d+) errno=-?\d+ code=(?P<code>-?\d+)"
    r" comm=(?P<target>.*) pid=(?P<target_pid>\d+) grp=\d res=(?P<res>\d)\s*"
)
_DELIVER: Final = re.compile(
    _HEAD + r"signal_deliver:\s+sig=(?P<sig>\d+) errno=-?\d+ code=-?\d+ sa_handler=(?P<handler>[0-9a-f]+)"
    r" sa_flags=[0-9a-f]+\s*"
)
_FORK: Final = re.compile(
    _HEAD + r"sched_process_fork: comm=.* pid=(?P<parent>\d+) child_comm=.* child_pid=(?P<child>\d+)\s*"
)
_LOST: Final = re.compile(r"CPU:\d+ \[LOST (?:\d+ )?EVENTS\]")
_FATES: Final = {0: Fate.DELIVERED, 1: Fate.IGNORED, 2: Fate.MERGED}


def parse_line(line: str) -> TraceRecord | Forked | Lost | None:
    """Read one line of ``trace_pipe``; ``None`` for anything that is not a whole record of these events."""
    if match := _GENERATE.fullmatch(line):
        return Sent(
            time_s=float(match["time"]),
            sender=match["comm"],
            sender_pid=int(match["pid"]),
            number=int(match["sig"]),
            target=match["target"],
            target_pid=int(match["target_pid"]),
            fate=_FATES.get(int(match["res"]), Fate.LOST),
            by_kernel=int(match["code"]) > 0,
        )
    if match := _DELIVER.fullmatch(line):
        return Handled(
            time_s=float(match["time"]),
            comm=match["comm"],
            pid=int(match["pid"]),
            number=int(match["sig"]),
            handler=int(match["handler"], 16),
        )
    if match := _FORK.fullmatch(line):
        return Forked(parent=int(match["parent"]), child=int(match["child"]))
    return Lost() if _LOST.search(line) else None


def sends(records: Iterable[TraceRecord], number: int) -> tuple[Sent, ...]:
    """The records that say that a signal of this number was sent."""
    return tuple(record for record in records if isinstance(record, Sent) and record.number == number)
