"""The kernel's record of signals, and of processes that come and go: lines of its tracepoints, read into records.

The form is that of ``format`` in tracefs's ``events/signal/signal_generate``, ``signal_deliver``,
``task/task_newtask``, ``task/task_rename`` and ``sched/sched_process_exit`` (include/trace/events/signal.h, task.h and
sched.h in the kernel), as the ``trace_pipe`` file prints them. None of these prints more than a name of 15 bytes that a
container may choose: ``sched_process_exec`` prints the path of a file, in which there is room for a line break and a
forged record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from harness.core.signals import STOPS_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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
    """A signal that a process took: by a handler, or (``handler`` is 0) by the default action.

    ``once`` says that the handler is taken away as it runs (sigaction(2), ``SA_RESETHAND``).
    """

    time_s: float
    comm: str
    pid: int
    number: int
    handler: int
    once: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Forked:
    """A process or ``thread`` that another started; ids count on the host. It has its parent's name at first."""

    time_s: float
    parent: int
    child: int
    name: str = ""
    thread: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Renamed:
    """A process or thread that got another name, as it does by exec; the id counts on the host."""

    pid: int
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Gone:
    """A process or thread that ended; the id counts on the host.

    ``last`` tells whether its process ended with it, where the kernel says so (``group_dead``, since 6.16).
    """

    time_s: float
    pid: int
    last: bool | None


class Parting(StrEnum):
    """How a process ended: by itself, or by a signal; the ``code`` of the SIGCHLD to its parent (sigaction(2))."""

    EXITED = "exited"
    KILLED = "killed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parted:
    """How a process ended, by the SIGCHLD that one of its threads, ``pid``, sent its parent: ``sent``."""

    pid: int
    parting: Parting
    sent: Sent


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """What the kernel's record tells of a process; PIDs count on the host, times as in `Sent`.

    ``name`` is the kernel's for it, of at most 15 bytes; ``argv`` and ``inner_pid`` are there if a sample has shown
    them. ``parting`` is ``None`` where the kernel did not tell its parent, as for what is left as PID 1 ends.
    """

    pid: int
    parent: int
    name: str
    began_s: float
    ended_s: float | None = None
    parting: Parting | None = None
    argv: tuple[str, ...] = ()
    inner_pid: int | None = None

    @property
    def command(self) -> str:
        """The command line for people, or else its name."""
        return " ".join(self.argv) or self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """The ring buffer overflowed: an unknown number of records is missing."""


TraceRecord = Sent | Handled

_HEAD: Final = re.compile(
    r"\s*(?P<comm>.{1,16})-(?P<pid>\d+)\s+(?:\(.*?\)\s+)?\[\d+\]\s+(?:\S+\s+)?(?P<time>\d+\.\d+):\s+"
    r"(?P<event>signal_generate|signal_deliver|task_newtask|task_rename|sched_process_exit):\s+(?P<rest>.*)"
)
_GENERATE: Final = re.compile(
    r"sig=(?P<sig>\d+) errno=-?\d+ code=(?P<code>-?\d+)"
    r" comm=(?P<target>.*) pid=(?P<target_pid>\d+) grp=\d res=(?P<res>\d)\s*"
)
_DELIVER: Final = re.compile(
    r"sig=(?P<sig>\d+) errno=-?\d+ code=-?\d+ sa_handler=(?P<handler>[0-9a-f]+) sa_flags=(?P<sa_flags>[0-9a-f]+)\s*"
)
_NEW: Final = re.compile(
    r"pid=(?P<child>\d+) comm=(?P<name>.*) clone_flags=(?P<flags>[0-9a-f]+) oom_score_adj=-?\d+\s*"
)
_RENAME: Final = re.compile(r"pid=(?P<pid>\d+) oldcomm=.* newcomm=(?P<name>.*) oom_score_adj=-?\d+\s*")
_EXIT: Final = re.compile(r"comm=.* pid=(?P<pid>\d+) prio=-?\d+(?: group_dead=(?P<last>true|false))?\s*")
_LOST: Final = re.compile(r"CPU:\d+ \[LOST (?:\d+ )?EVENTS\]")
_FATES: Final = {0: Fate.DELIVERED, 1: Fate.IGNORED, 2: Fate.MERGED}
_SA_RESETHAND: Final = 0x80000000
_CLONE_THREAD: Final = 0x10000
SIGCHLD: Final = 17
# CLD_EXITED, CLD_KILLED, CLD_DUMPED: sigaction(2)
_PARTINGS: Final = {1: Parting.EXITED, 2: Parting.KILLED, 3: Parting.KILLED}


def parse_line(line: str) -> TraceRecord | Forked | Renamed | Gone | Parted | Lost | None:
    """Read one line of ``trace_pipe``; ``None`` for anything that is not a whole record of these events."""
    head = _HEAD.fullmatch(line)
    if head is None:
        return Lost() if _LOST.search(line) else None
    rest, pid, time_s = head["rest"], int(head["pid"]), float(head["time"])
    match head["event"]:
        case "signal_generate" if match := _GENERATE.fullmatch(rest):
            return _sent(head, match)
        case "signal_deliver" if match := _DELIVER.fullmatch(rest):
            return Handled(
                time_s=time_s,
                comm=head["comm"],
                pid=pid,
                number=int(match["sig"]),
                handler=int(match["handler"], 16),
                once=bool(int(match["sa_flags"], 16) & _SA_RESETHAND),
            )
        case "task_newtask" if match := _NEW.fullmatch(rest):
            thread = bool(int(match["flags"], 16) & _CLONE_THREAD)
            return Forked(time_s=time_s, parent=pid, child=int(match["child"]), name=match["name"], thread=thread)
        case "task_rename" if match := _RENAME.fullmatch(rest):
            return Renamed(pid=int(match["pid"]), name=match["name"])
        case "sched_process_exit" if match := _EXIT.fullmatch(rest):
            last = None if match["last"] is None else match["last"] == "true"
            return Gone(time_s=time_s, pid=int(match["pid"]), last=last)
    return Lost() if _LOST.search(line) else None


_Line = TraceRecord | Forked | Renamed | Gone | Parted | Lost | None


def earlier(record: _Line, by_s: float) -> _Line:
    """A record as of so many seconds earlier: one whose clock is that far ahead of ours."""
    match record:
        case _ if not by_s:
            return record
        case Sent() | Handled() | Forked() | Gone():
            return replace(record, time_s=record.time_s - by_s)
        case Parted(sent=sent):
            return replace(record, sent=replace(sent, time_s=sent.time_s - by_s))
        case _:
            return record


def _sent(head: re.Match[str], match: re.Match[str]) -> Sent | Parted:
    code = int(match["code"])
    sent = Sent(
        time_s=float(head["time"]),
        sender=head["comm"],
        sender_pid=int(head["pid"]),
        number=int(match["sig"]),
        target=match["target"],
        target_pid=int(match["target_pid"]),
        fate=_FATES.get(int(match["res"]), Fate.LOST),
        by_kernel=code > 0,
    )
    if sent.number == SIGCHLD and code in _PARTINGS:
        return Parted(pid=sent.sender_pid, parting=_PARTINGS[code], sent=sent)
    return sent


def sends(records: Iterable[TraceRecord], number: int) -> tuple[Sent, ...]:
    """The records that say that a signal of this number was sent."""
    return tuple(record for record in records if isinstance(record, Sent) and record.number == number)


def told(records: Iterable[TraceRecord], leaders: Mapping[int, int]) -> frozenset[int]:
    """The processes whose code may run because of a signal: it came to them, and has a handler, waits, or ends them.

    What stops a process by default runs none of its code: it is stopped, or goes on as it was where its process group
    is orphaned (kernel/signal.c, ``get_signal``). Its parent's SIGCHLD is a signal of its own.

    Args:
        records: the kernel's record.
        leaders: the process of each thread that is known.
    """
    came: set[tuple[int, int]] = set()
    stops: set[tuple[int, int]] = set()
    for record in records:
        match record:
            case Sent(fate=Fate.DELIVERED | Fate.MERGED, target_pid=pid, number=number):
                came.add((leaders.get(pid, pid), number))
            case Handled(handler=0, pid=pid, number=number) if number in STOPS_ONLY:
                stops.add((leaders.get(pid, pid), number))
            case Handled(pid=pid):
                came.add((leaders.get(pid, pid), 0))
    return frozenset(pid for pid, _ in came - stops)
