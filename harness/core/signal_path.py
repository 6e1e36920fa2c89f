"""The path of a signal, step by step, from the kernel's record: who sent it to whom, and what became of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from harness.core.evidence import SignalEvidence
from harness.core.signals import Signal
from harness.core.trace import Fate, Handled, Sent

if TYPE_CHECKING:
    from harness.core.evidence import Seen

ENGINE: Final = "docker"
TERMINAL: Final = "the terminal"
KERNEL: Final = "the kernel"
_SIGKILL: Final = 9
_NEVER_SPARED: Final = (_SIGKILL, 19)  # and SIGSTOP


@dataclass(frozen=True, kw_only=True, slots=True)
class Party:
    """One who sends or takes a signal: a process of the container by its PID there, or someone outside it."""

    pid: int | None
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Send:
    """A signal on its way, ``at_us`` microseconds after the first step."""

    at_us: int
    sender: Party
    signal: Signal
    receiver: Party
    fate: Fate


@dataclass(frozen=True, kw_only=True, slots=True)
class Take:
    """A process that takes a signal: its handler runs, or the default action is done to it."""

    at_us: int
    process: Party
    signal: Signal
    by_handler: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """A process that ends: by a signal, or (``None``) by itself."""

    at_us: int
    process: Party
    by: Signal | None


Step = Send | Take | End


def signal_path(evidence: Seen) -> tuple[Step, ...] | None:
    """Give the steps in the order of time; ``None`` where there is no kernel's record.

    A process that ends shows in the record by SIGKILL being delivered to its threads, whatever ended it
    (kernel/signal.c, ``complete_signal`` and ``zap_other_threads``): it is told once, by the signal that it was sent.
    PID 1 shows it, with or without threads, by what the kernel sends in its name to all that is left
    (kernel/pid_namespace.c, ``zap_pid_ns_processes``).
    """
    if evidence.trace is None:
        return None
    who = _Who(evidence)
    records = sorted(evidence.trace, key=lambda record: record.time_s)
    steps: list[Step] = []
    fatal: dict[int, Signal] = {}
    ended: set[int] = set()
    for record in records:
        at_us = round((record.time_s - records[0].time_s) * 1e6)
        signal = Signal(record.number)
        if isinstance(record, Sent):
            if record.by_kernel and who.leader(record.sender_pid) == who.leader(record.target_pid):
                continue  # PID 1 clears up as it ends, itself included
            if record.by_kernel and (first := who.ending(record)) is not None and first not in ended:
                ended.add(first)
                steps.append(End(at_us=at_us, process=who.party(first, ""), by=fatal.get(first)))
            target = who.leader(record.target_pid)
            to_die = who.defenceless(target, signal) or who.leader(record.sender_pid) == target
            if record.fate in (Fate.DELIVERED, Fate.MERGED) and to_die:
                fatal[target] = signal
            receiver = who.party(target, record.target)
            steps.append(
                Send(at_us=at_us, sender=who.sender(record), signal=signal, receiver=receiver, fate=record.fate)
            )
            continue
        pid = who.leader(record.pid)
        process = who.party(pid, record.comm)
        if who.spared(pid, record) and _dropped(steps, process, signal):
            fatal.pop(pid, None)
        elif record.number != _SIGKILL:
            steps.append(Take(at_us=at_us, process=process, signal=signal, by_handler=record.handler != 0))
        elif pid not in ended:
            ended.add(pid)
            steps.append(End(at_us=at_us, process=process, by=fatal.get(pid)))
    return tuple(steps)


def _dropped(steps: list[Step], process: Party, signal: Signal) -> bool:
    """Tell of the last signal sent to a process that the kernel dropped it after all; whether there was one."""
    for number, step in reversed(list(enumerate(steps))):
        if isinstance(step, Send) and (step.receiver, step.signal, step.fate) == (process, signal, Fate.DELIVERED):
            steps[number] = replace(step, fate=Fate.IGNORED)
            return True
    return False


class _Who:
    """Names for the numbers of a record."""

    def __init__(self, evidence: Seen) -> None:
        self._typed = isinstance(evidence, SignalEvidence) and evidence.typed
        self._pid1 = evidence.pid1.pid if evidence.pid1 else None
        self._known = {process.pid: process for process in (*evidence.after, *evidence.before)}
        self._leaders = {thread: process.pid for process in self._known.values() for thread in process.threads}

    def leader(self, number: int) -> int:
        """The process that a thread belongs to."""
        return self._leaders.get(number, number)

    def ending(self, record: Sent) -> int | None:
        """PID 1, where it is the kernel's sender because it ends."""
        return self._pid1 if self._pid1 is not None and self.leader(record.sender_pid) == self._pid1 else None

    def spared(self, pid: int, record: Handled) -> bool:
        """Whether it is PID 1 that would take a signal by default, which the kernel then spares it.

        Node's own handler is such a case: it gives the terminal back, and sends its process the signal once more, by
        then without a handler (kernel/signal.c, ``get_signal`` for ``SIGNAL_UNKILLABLE``).
        """
        return pid == self._pid1 and not record.handler and record.number not in _NEVER_SPARED

    def defenceless(self, pid: int, signal: Signal) -> bool:
        """Whether a signal that arrives has its default action on a process."""
        process = self._known.get(pid)
        if signal.number == _SIGKILL or process is None:
            return True
        return not (process.catches(signal) or process.blocks(signal) or process.fetches_signals)

    def party(self, pid: int, comm: str) -> Party:
        process = self._known.get(pid)
        return Party(pid=process.inner_pid or pid, name=process.args) if process else Party(pid=None, name=comm)

    def sender(self, record: Sent) -> Party:
        if record.by_kernel:
            at_end = self.ending(record) is not None
            name = TERMINAL if self._typed and not at_end else f"{KERNEL}, as PID 1 ends" if at_end else KERNEL
            return Party(pid=None, name=name)
        pid = self.leader(record.sender_pid)
        if pid not in self._known and record.target_pid == self._pid1:
            return Party(pid=None, name=ENGINE)
        return self.party(pid, record.sender)
