"""The path of a signal by the kernel's record: who takes part, in which order, what happened, how that is said. Pure.

Text, SVG and HTML draw what is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from harness.core.document import Kind, Participant, Role, SignalPath, Step
from harness.core.signals import Signal
from harness.core.trace import Fate, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.core.evidence import Evidence
    from harness.core.process import Process
    from harness.core.trace import Handled

TERMINAL: Final = "the terminal"
KERNEL: Final = "the kernel"
FATES: Final = {
    Fate.DELIVERED: "",
    Fate.IGNORED: "dropped by the kernel",
    Fate.MERGED: "merges with a pending one",
    Fate.LOST: "lost: the queue is full",
}
"""What is said of a signal that was sent, where it did not simply arrive."""

_SIGKILL: Final = 9
_NEVER_SPARED: Final = (_SIGKILL, 19)  # and SIGSTOP
_ROLES: Final = tuple(Role)


def signal_path(evidence: Evidence) -> SignalPath | None:
    """The path of the signals of a run; ``None`` where there is no kernel's record.

    What stands between the main process and the app takes part in any case: that nothing gets there is what many paths
    are about.

    A process that ends shows in the record by SIGKILL being delivered to its threads, whatever ended it
    (kernel/signal.c, ``complete_signal`` and ``zap_other_threads``): it ends once, by the signal that it was sent.
    PID 1 shows it, with or without threads, by what the kernel sends in its name to all that is left
    (kernel/pid_namespace.c, ``zap_pid_ns_processes``).
    """
    if evidence.seen.trace is None:
        return None
    names = _Names(evidence)
    path = PathBuilder(names.sent, names.chain)
    fatal: dict[int, Signal] = {}
    ended: set[int] = set()

    def end(at_us: int, pid: int, comm: str) -> None:
        if pid not in ended:
            ended.add(pid)
            path.end(at_us, names.process(pid, comm), by=fatal[pid].name if pid in fatal else None)

    for record in sorted(evidence.seen.trace, key=lambda record: record.time_s):
        at_us, signal = round(record.time_s * 1e6), Signal(record.number)
        if isinstance(record, Sent):
            sender, target = names.leader(record.sender_pid), names.leader(record.target_pid)
            if record.by_kernel and (sender == target or target in ended):
                continue  # PID 1 clears up as it ends, itself and threads of what has ended already included
            if record.by_kernel and sender == names.init:
                end(at_us, sender, record.sender)
            arrives = record.fate in (Fate.DELIVERED, Fate.MERGED)
            if arrives and (sender == target or names.defenceless(target, signal)):
                fatal[target] = signal
            receiver = names.process(target, record.target)
            path.send(at_us, names.sender(record), signal.name, receiver, record.fate)
            continue
        pid = names.leader(record.pid)
        process = names.process(pid, record.comm)
        if names.spares(pid, record) and path.drop(signal.name, process):
            fatal.pop(pid, None)
        elif record.number == _SIGKILL:
            end(at_us, pid, record.comm)
        else:
            path.take(at_us, process, signal.name, by_handler=record.handler != 0)
    return path.build(names.place)


def who(participant: Participant) -> str:
    """A participant in a sentence."""
    return participant.name if participant.pid is None else f"{participant.name} (PID {participant.pid})"


class PathBuilder:
    """A signal's path, made step by step in the order of time.

    Args:
        sent: the signal that it is the path of; ``None`` where no signal is at stake.
        participants: those who take part in any case.
    """

    def __init__(self, sent: str | None, participants: Iterable[Participant] = ()) -> None:
        self._sent = sent
        self._numbers = {participant: number for number, participant in enumerate(participants)}
        self._steps: list[Step] = []

    def send(self, at_us: int, sender: Participant, signal: str, receiver: Participant, fate: Fate) -> None:
        """A signal is sent."""
        itself = sender == receiver
        aside = "," if sender.role is Role.KERNEL and "," in sender.name else ""
        step = Step(
            at_us=at_us,
            kind=Kind.SEND,
            who=self._number(sender),
            to=self._number(receiver),
            signal=signal,
            outcome=Fate.DELIVERED,
            label=f"{signal} to itself" if itself else signal,
            fate="",
            words=f"{who(sender)}{aside} sends {signal} to {'itself' if itself else who(receiver)}",
        )
        self._steps.append(_became(step, fate))

    def take(self, at_us: int, process: Participant, signal: str, *, by_handler: bool) -> None:
        """A process takes a signal: its handler runs, or the default action is done to it."""
        kind, label, words = (
            (Kind.HANDLER, "handler runs", f"its handler for {signal} runs")
            if by_handler
            else (Kind.DEFAULT, "default action", f"{signal} has its default action")
        )
        other = "" if signal == self._sent else f"{signal}: "
        self._alone(at_us, kind, process, signal, label=f"{other}{label}", words=f"{who(process)}: {words}")

    def end(self, at_us: int, process: Participant, *, by: str | None) -> None:
        """A process ends: by a signal, or (``None``) by itself."""
        label = f"dies of {by}" if by else "exits"
        self._alone(at_us, Kind.END, process, by, label=label, words=f"{who(process)} {label}")

    def drop(self, signal: str, receiver: Participant) -> bool:
        """Mark the last such signal that arrived as dropped by the kernel after all; return whether there was one."""
        number = self._numbers.get(receiver)
        for place, step in reversed(list(enumerate(self._steps))):
            if (step.to, step.signal, step.outcome) == (number, signal, Fate.DELIVERED):
                self._steps[place] = _became(step, Fate.IGNORED)
                return True
        return False

    def build(self, place: Callable[[Participant], int]) -> SignalPath:
        """The path; from left to right stand who began it, the processes by ``place``, the kernel, unknown ones."""
        ordered = sorted(self._numbers, key=lambda participant: (_ROLES.index(participant.role), place(participant)))
        numbers = [ordered.index(participant) for participant in self._numbers]
        return SignalPath(
            participants=tuple(ordered),
            steps=tuple(
                structs.replace(
                    step,
                    at_us=step.at_us - self._steps[0].at_us,
                    who=numbers[step.who],
                    to=None if step.to is None else numbers[step.to],
                )
                for step in self._steps
            ),
        )

    def _number(self, participant: Participant) -> int:
        return self._numbers.setdefault(participant, len(self._numbers))

    def _alone(
        self, at_us: int, kind: Kind, process: Participant, signal: str | None, *, label: str, words: str
    ) -> None:
        self._steps.append(
            Step(
                at_us=at_us,
                kind=kind,
                who=self._number(process),
                to=None,
                signal=signal,
                outcome=None,
                label=label,
                fate="",
                words=words,
            )
        )


def _became(step: Step, fate: Fate) -> Step:
    """A signal that is on its way, and what became of it."""
    said = FATES[fate]
    return structs.replace(step, outcome=fate, fate=said, words=f"{step.words}: {said}" if said else step.words)


class _Names:
    """Participants for the numbers of a record."""

    def __init__(self, evidence: Evidence) -> None:
        seen, signalled = evidence.seen, evidence.signalled
        self.sent = signalled.sent.name if signalled else None
        self._typed = signalled is not None and signalled.typed
        self._engine = seen.engine
        new = (process for process in seen.after if process.pid not in {before.pid for before in seen.before})
        self._known = {process.pid: process for process in (*seen.before, *new)}
        self._leaders = {thread: process.pid for process in self._known.values() for thread in process.threads}
        self._participants = {pid: _participant(process, seen.app) for pid, process in self._known.items()}
        self._helpers = {life.pid: life for life in seen.lives if life.pid not in self._known}
        self._places = {participant: place for place, participant in enumerate(self._participants.values())}
        self._main = seen.main.pid if seen.main else None
        self.init = next((process.pid for process in seen.before if process.is_namespace_init), None)
        self.chain = tuple(self._participants[process.pid] for process in seen.chain)

    def place(self, participant: Participant) -> int:
        """Where a process stands among all: parents come before their children."""
        return self._places.get(participant, 0)

    def leader(self, number: int) -> int:
        """The process that a thread belongs to."""
        return self._leaders.get(number, number)

    def process(self, pid: int, comm: str) -> Participant:
        """A process, by the kernel's name for it if nobody saw it."""
        helper = self._helpers.get(pid)
        return self._participants.get(pid) or _outside(helper.command if helper else comm, Role.UNKNOWN)

    def sender(self, record: Sent) -> Participant:
        """Who sent a signal."""
        pid = self.leader(record.sender_pid)
        if record.by_kernel:
            if pid == self.init:
                return _outside(f"{KERNEL}, as PID 1 ends", Role.KERNEL)
            return _outside(TERMINAL, Role.STARTER) if self._typed else _outside(KERNEL, Role.KERNEL)
        if pid not in self._known and record.target_pid == self._main:
            return _outside(self._engine, Role.STARTER)
        return self.process(pid, record.sender)

    def spares(self, pid: int, record: Handled) -> bool:
        """Whether it is PID 1 that would take a signal by default, which the kernel then spares it.

        A runtime's own handler is a case: it gives the terminal back, and sends its process the signal once more, by
        then without a handler (kernel/signal.c, ``get_signal`` for ``SIGNAL_UNKILLABLE``).
        """
        return pid == self.init and not record.handler and record.number not in _NEVER_SPARED

    def defenceless(self, pid: int, signal: Signal) -> bool:
        """Whether a signal that arrives has its default action on a process."""
        process = self._known.get(pid)
        if signal.number == _SIGKILL or process is None:
            return True
        return not (process.catches(signal) or process.blocks(signal) or process.fetches_signals)


def _participant(process: Process, app: Process | None) -> Participant:
    pid = process.inner_pid or process.pid
    return Participant(pid=pid, name=process.command, role=Role.PROCESS, app=process == app)


def _outside(name: str, role: Role) -> Participant:
    """Somebody who is no process of the container that was seen."""
    return Participant(pid=None, name=name, role=role, app=False)
