"""Evidence: what was seen of a run, and what follows from it. `harness.core.judge` says what it means.

Every probe's evidence holds a `Seen`. That of the probes that send a signal is here, as the signal's path and doubt are
about it; that of any other probe is in the probe's own module.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from harness.core.process import chain
from harness.core.program import Kind, kind_of, preloaded, runs_on_others, says_nothing
from harness.core.signals import ENDS_NOTHING, Signal, mask_signals
from harness.core.trace import Fate, Handled, Life, Parting, Sent, TraceRecord, sends

if TYPE_CHECKING:
    from harness.core.process import Process, Tree


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """One line of the container's output and when it was read, in nanoseconds of the monotonic clock."""

    at_ns: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineEvent:
    """One engine event of the container: ``kill`` (with the signal), ``die`` (with the exit code) or ``oom``."""

    action: str
    time_ns: int
    exit_code: int | None = None
    signal: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """A line of the log that says that a signal was handled.

    ``pid`` is that of the process that wrote it, in the container, where the line bears it; ``at_ns`` its monotonic
    clock where it logs one.
    """

    signal: str
    at_ns: int | None
    read_ns: int
    pid: int | None = None


class Ground(StrEnum):
    """What a verdict rests on."""

    MASKS = "masks"
    SETTLED = "settled"
    ENDED = "ended"
    DEADLINE = "deadline"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What was seen of one run, whatever the probe: process trees before and after, output, events, the end.

    ``trace`` is the kernel's record of signals, ``lives`` that of the processes that were there at any time since.
    ``chosen`` says of each app why it is taken for it; empty where that is not known. ``app_is_told`` says whether
    more than what processes look like tells that. ``engine`` is what paths and roll calls name the engine: its command.
    """

    app_pid: int | None
    before: Tree
    after: Tree
    running: bool
    exit_code: int | None
    logs: tuple[LogLine, ...]
    events: tuple[EngineEvent, ...]
    began_ns: int
    decided_ns: int
    trace: tuple[TraceRecord, ...] | None = None
    lives: tuple[Life, ...] = ()
    chosen: tuple[str, ...] = ()
    app_is_told: bool = False
    engine: str = "docker"

    @property
    def main(self) -> Process | None:
        """The process that the runtime signals, before anything was done to it."""
        return self.before[0] if self.before else None

    @property
    def app(self) -> Process | None:
        """The app's process before anything was done to it."""
        return next((process for process in self.before if process.pid == self.app_pid), None)

    @property
    def app_ids(self) -> frozenset[int | None]:
        """The ids on the host by which the kernel's record names the app: its process and its threads."""
        return frozenset({self.app_pid}) | (self.app.threads if self.app else frozenset())

    @property
    def chain(self) -> Tree:
        """The processes from the main one down to the app, before anything was done; empty if the app is not seen."""
        return chain(self.before, self.app_pid or 0)

    @property
    def app_after(self) -> Process | None:
        """The app's process at the end, if it still lives."""
        return next((process for process in self.after if process.pid == self.app_pid and process.alive), None)

    @property
    def may_lack_memory(self) -> bool:
        """Whether the kernel may have killed a process for lack of memory, though the engine does not tell of it yet.

        As PID 1 ends, the kernel kills what is left in its name (kernel/pid_namespace.c, ``zap_pid_ns_processes``); any
        other SIGKILL of its own is for memory (mm/oom_kill.c). Without a record any failure may be.
        """
        if self.trace is None:
            return self.exit_code not in (None, 0)
        init = {self.main.pid} | self.main.threads if self.main else set()
        kills = (one for one in sends(self.trace, _SIGKILL) if one.by_kernel)
        return any(one.sender_pid not in init or one.target_pid in init for one in kills)


class Evidence(Protocol):
    """The evidence of one run, of any probe."""

    @property
    def seen(self) -> Seen:
        """What was seen, whatever the probe."""
        ...

    @property
    def signalled(self) -> SignalEvidence | None:
        """What became of the signal; ``None`` where none is at stake."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SignalEvidence:
    """The evidence of one run with a signal, sent by the engine or ``typed`` as a key on its terminal.

    ``receipts`` are ``None`` where no pattern reads them in the log, ``done`` where none says that the app was done.
    ``early`` says whether lines like receipts were there before the signal, ``proven`` whether the pattern found the
    app's receipt of the same signal in another container, where it was sent to the app itself. ``ready_pid`` is the PID
    that the app's ready line bears. ``unrested_s`` is after how many seconds an app was taken to be ready that should
    have been so at rest, and did not come to rest; ``None`` where it did, or says by itself when it is ready.
    ``more_apps`` are the PIDs of further apps; `per_app` gives the evidence of each. ``earlier`` are the signals that
    the container had been sent before, each of which had left it as it was.
    """

    seen: Seen
    sent: Signal
    receipts: tuple[Receipt, ...] | None
    done: bool | None
    ground: Ground
    typed: bool = False
    early: bool = False
    proven: bool = False
    ready_pid: int | None = None
    unrested_s: float | None = None
    more_apps: tuple[int, ...] = ()
    earlier: tuple[Signal, ...] = ()

    @property
    def signalled(self) -> SignalEvidence:
        """Itself: it is all about the signal."""
        return self

    @property
    def per_app(self) -> tuple[SignalEvidence, ...]:
        """The evidence of each app by itself."""
        if not self.more_apps:
            return (self,)
        pids = (self.seen.app_pid, *self.more_apps)
        return tuple(replace(self, seen=replace(self.seen, app_pid=pid), more_apps=()) for pid in pids)

    @property
    def own_receipts(self) -> tuple[Receipt, ...]:
        """The receipts that the app wrote, or may have written where no line bears a PID."""
        receipts, pid = self.receipts or (), self.own_pid
        if pid is None or all(receipt.pid is None for receipt in receipts):
            return receipts
        return tuple(receipt for receipt in receipts if receipt.pid == pid)

    @property
    def own_pid(self) -> int | None:
        """The app's PID in the container, where it is known."""
        app = self.seen.app
        return app.inner_pid if app and app.inner_pid is not None else self.ready_pid

    @property
    def receipts_of_sent(self) -> int:
        """How many of the app's receipts are of the signal that was sent."""
        return sum(receipt.signal == self.sent.name for receipt in self.own_receipts)

    @property
    def sent_to_app(self) -> tuple[Sent, ...]:
        """The record of others sending the app the signal, where it was not dropped; empty without a record."""
        ids = self.seen.app_ids
        return tuple(
            record for record in self.arrived if record.number == self.sent.number and record.sender_pid not in ids
        )

    @property
    def arrived(self) -> tuple[Sent, ...]:
        """The kernel's record of any signal being sent to the app, where it was not dropped; empty without a record."""
        ids = self.seen.app_ids
        return tuple(
            record
            for record in self.seen.trace or ()
            if isinstance(record, Sent) and record.fate in (Fate.DELIVERED, Fate.MERGED) and record.target_pid in ids
        )

    @property
    def sends(self) -> int:
        """How often the app was sent the signal by the kernel's record; 0 where there is no record."""
        return len(self.sent_to_app)

    @property
    def raised_again(self) -> bool:
        """Whether the app's handler was its runtime's, which sent its process the same signal again.

        Runtimes do that to give the terminal back its settings, or to die of the signal as a program without them
        would: at once, as Go's does without ``signal.Notify`` (runtime/signal_unix.go, ``dieFromSignal``), or once the
        program is unwound, as Python's does after SIGINT (Modules/main.c, ``exit_sigint``). As PID 1 the process is
        spared that one. An app that does so later has cleared up first, and ends as its parent expects. However long it
        takes, a handler that is taken away as it runs is the runtime's.
        """
        again = self._again
        if again is None:
            return False
        ids, number = self.seen.app_ids, self.sent.number
        of_sent = sends(self.seen.trace or (), number)
        reached = [record.time_s for record in self.handled] or [
            record.time_s for record in of_sent if record.target_pid in ids
        ]
        once = any(record.once for record in self.handled)
        return number == _SIGINT or once or again.time_s - min(reached) <= _AT_ONCE_S

    @property
    def preloaded(self) -> str | None:
        """The file that the app's launcher has run in it, where its end may be that file's doing, and not the app's.

        It exits then with the code of one that the signal has ended. An app of its own accord may do the same.
        """
        app, code = self.seen.app, self.seen.exit_code
        parent = next((one for one in self.seen.before if app is not None and one.pid == app.ppid), None)
        if app is None or parent is None or code != _BY_SIGNAL + self.sent.number:
            return None
        return preloaded(app.argv, parent.argv)

    @property
    def ended_by_preloaded(self) -> bool:
        """Whether the app's end is the doing of what its launcher has run in it: it came at once, by the record."""
        life = next((life for life in self.seen.lives if life.pid == self.seen.app_pid), None)
        if not self.preloaded or not self.handled or life is None or life.ended_s is None:
            return False
        return life.ended_s - min(record.time_s for record in self.handled) <= _AT_ONCE_S

    @property
    def _again(self) -> Sent | None:
        """The record of the app sending itself the signal."""
        ids = self.seen.app_ids
        of_sent = sends(self.seen.trace or (), self.sent.number)
        return next((record for record in of_sent if record.sender_pid in ids and record.target_pid in ids), None)

    @property
    def ignored(self) -> bool:
        """Whether the signal came as far as the app, which has it ignored, so that it changed nothing there.

        By the kernel's record where there is one, else by the app's mask.
        """
        app, ids = self.seen.app, self.seen.app_ids
        if app is None or self.deliveries or self.others or self.further:
            return False
        if self.seen.trace is None:
            return app.ignores(self.sent)
        sent = [record for record in sends(self.seen.trace, self.sent.number) if record.target_pid in ids]
        return bool(sent) and all(record.fate is Fate.IGNORED for record in sent)

    @property
    def handled(self) -> tuple[Handled, ...]:
        """The kernel's record of the app's handler being run for the signal; empty without a record.

        That is the handler of its C library or runtime: whether the app itself got to know, only its log tells.
        """
        ids = self.seen.app_ids
        return tuple(
            record
            for record in self.seen.trace or ()
            if isinstance(record, Handled)
            and record.pid in ids
            and record.number == self.sent.number
            and record.handler
        )

    @property
    def deliveries(self) -> int | None:
        """How often the app handled the signal that was sent; ``None`` if that is not known.

        The kernel's record says it where there is one: anybody can write a line like the app's. Else its log does, as
        far as its receipts are the app's; that there are none says something where the pattern is known to find them.
        """
        return self._recorded() if self.seen.trace is not None else self._logged()

    def _recorded(self) -> int:
        app, after = self.seen.app, self.seen.app_after
        if self.raised_again:
            return 0
        if self.handled or not self.sends or app is None:
            return len(self.handled)
        if not (app.blocks(self.sent) or app.fetches_signals):
            # A thread that was started since may have run the handler.
            return min(self.sends, self.receipts_of_sent) if app.catches(self.sent) else 0
        # A signal that is fetched runs no handler (signalfd(2), sigwaitinfo(2)); it is pending until then.
        fetched = after is None or not after.awaits(self.sent)
        return self.sends if fetched and not self.receipts else min(self.sends, self.receipts_of_sent)

    def _logged(self) -> int | None:
        app = self.seen.app
        if self.ground is Ground.MASKS or (app is not None and not app.may_get(self.sent) and not self.own_receipts):
            return 0
        if self.by_its_end:
            return 1
        if self.receipts is None or self.early or unclear_writers(self):
            return None
        if not self.own_receipts:
            return 0 if self.proven else None
        alone = app is not None and app is self.seen.main and not self.typed
        return None if self.impossible or (alone and self.receipts_of_sent > 1) else self.receipts_of_sent

    @property
    def by_its_end(self) -> bool:
        """Whether the end of an app that says nothing shows that it got the signal, without a record.

        The engine sends it to PID 1 alone, once. One that has a handler gets it (signal(7)); and one that then ends by
        itself and well has not died of it.
        """
        app = self.seen.app
        alone = app is not None and app is self.seen.main and not self.typed and app.catches(self.sent)
        return alone and self.receipts is None and not self.seen.running and self.seen.exit_code == 0

    @property
    def impossible(self) -> tuple[str, ...]:
        """The signals of the app's receipts that it cannot have got, as it has no handler for them by its masks.

        Of one that runs it is not seen whether a thread of it fetches signals; its first thread blocks them then.
        """
        app = self.seen.app
        if app is None or app.fetches_signals or (app.fetches_signals is None and app.activity is None):
            return ()
        possible = {signal.name for signal in mask_signals(app.caught | app.blocked)}
        return tuple(dict.fromkeys(r.signal for r in self.own_receipts if r.signal not in possible))

    @property
    def further(self) -> tuple[str, ...]:
        """Other signals that end programs, which the app got as well as the one that was sent; each as often as it did.

        What the kernel sends of its own, as a terminal hangs up, is not counted.
        """
        if self.seen.trace is None:
            names = [receipt.signal for receipt in self.own_receipts]
        else:
            ids = self.seen.app_ids
            names = [
                Signal(record.number).name
                for record in self.arrived
                if not record.by_kernel and record.sender_pid not in ids
            ]
        return tuple(name for name in names if name in _ENDING and name != self.sent.name)

    @property
    def others(self) -> tuple[str, ...]:
        """Signals that the app says it got in place of the one that was sent; the kernel's record must know of them.

        Where no pattern reads its log, they are those that the record says its handler ran for.
        """
        if self.receipts is None:
            ids = self.seen.app_ids
            taken = (r.number for r in self.seen.trace or () if isinstance(r, Handled) and r.pid in ids and r.handler)
            names = dict.fromkeys(Signal(number).name for number in taken)
            return tuple(name for name in names if name in ASKING and name != self.sent.name)
        names = dict.fromkeys(r.signal for r in self.own_receipts if r.signal != self.sent.name)
        if self.seen.trace is None:
            return () if self.ground is Ground.MASKS else tuple(name for name in names if name not in self.impossible)
        arrived = {Signal(record.number).name for record in self.arrived}
        return tuple(name for name in names if name in arrived)

    @property
    def killed(self) -> bool:
        """Whether a signal ended the app, by the record; not one that it chose as its end, having cleared up."""
        app, ids = self.seen.app, self.seen.app_ids
        if any(record.number == _SIGKILL for record in self.arrived):
            return True
        if self._again is not None and not self.raised_again:
            return False
        parting = next((life.parting for life in self.seen.lives if life.pid == self.seen.app_pid), None)
        spared = app is not None and app.is_namespace_init
        if parting is Parting.KILLED or (parting is None and not spared and self._fatal):
            return True
        return any(
            isinstance(record, Handled)
            and record.pid in ids
            and not record.handler
            and record.number not in _NOT_FATAL
            and not spared
            for record in self.seen.trace or ()
        )

    @property
    def _fatal(self) -> bool:
        """Whether the app ended as it was sent a signal that has its default action on it.

        All that is delivered of that to one of a single thread is SIGKILL (kernel/signal.c, ``complete_signal``). Its
        parent is not told how it ended where it ignores SIGCHLD.
        """
        app, ids = self.seen.app, self.seen.app_ids
        gone = any(
            isinstance(record, Handled) and record.pid in ids and record.number == _SIGKILL
            for record in self.seen.trace or ()
        )
        return gone and any(
            app is not None
            and record.number not in _NOT_FATAL
            and not (app.may_get(Signal(record.number)) or app.ignores(Signal(record.number)))
            for record in self.arrived
        )

    @property
    def died_of_it(self) -> bool:
        """Whether the app was sent the signal, and that ended it, as it has no handler; by the kernel's record."""
        app = self.seen.app
        return bool(self.sends) and self.killed and app is not None and not app.may_get(self.sent)

    @property
    def finished(self) -> bool | None:
        """Whether the app was done before it ended; ``None`` if that is not known.

        By its own word where it has one; else it was if it ended by itself, and well: by the kernel's record and its
        exit code. Of one that ends badly it is known where its log is understood, and does not say that it was done.
        An exit code alone does not tell an app from a runtime that ends it, nor an init that hands on how it died; that
        of a shell or a package manager in front of the app says nothing of the app at all.
        """
        if self.done:
            return True
        if self.seen.running and self.seen.app_after is not None:
            return False
        code, silent = self.seen.exit_code, self.done is not None
        if self.seen.trace is not None:
            if self.killed or self.raised_again or self.preloaded:
                # What is known to be at once is not the app's own doing; what comes later may be.
                return None if self.preloaded and not self.ended_by_preloaded else False
            if not silent or self.seen.running or code == 0:
                dumped = not silent and code and self.sent.name == _DUMPING
                return None if dumped else True
            if code == _BY_SIGNAL + self.sent.number:  # of a wrapper that the signal ended, it says nothing of the app
                return True if self.seen.app is self.seen.main else None
            return False if self.own_receipts else None
        if self.seen.running or code is None:
            return False
        if not silent and code and not self.own_receipts:
            app = self.seen.app
            return None if app is None or app.may_get(self.sent) else False
        if not silent:
            return code < _BY_SIGNAL if self.code_is_the_apps else None
        return False if code else True if self.seen.app is self.seen.main else None

    @property
    def code_is_the_apps(self) -> bool:
        """Whether the container's exit code is the app's: as PID 1, or handed on by an init (tini(1), dumb-init(1))."""
        app, main = self.seen.app, self.seen.main
        if app is None or main is None:
            return False
        return app is main or (kind_of(main.argv) is Kind.INIT and app.ppid == main.pid)


_BY_SIGNAL = 128
"""Exit codes above it stand for the signal that ended the main process (docker-run(1), exit status)."""

_DUMPING = "SIGQUIT"
"""What runtimes may answer with a dump and an end of their own: Go's exits with 2 (os/signal, Default behavior)."""

_SIGKILL = 9
_SIGINT = 2

_AT_ONCE_S = 0.05
"""How soon a runtime's handler raises a signal again, on a busy machine too: it does nothing else. Servers that do so
after they have shut down take longer, if only to let go of their connections (uvicorn: 0.1 s)."""

_ENDING = frozenset({"SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"})
ASKING = _ENDING | {"SIGUSR1", "SIGUSR2"}
"""Signals by which one program asks another to end, or to do something else."""

_NOT_FATAL = ENDS_NOTHING | {_SIGKILL}
"""Signals that have ended nothing where they are in the record. SIGKILL is delivered to the threads of any process that
ends (kernel/signal.c, ``zap_other_threads``)."""


def unclear_writers(evidence: SignalEvidence) -> tuple[Process, ...]:
    """The processes other than the app that may have written its receipts, where no line bears a PID."""
    receipts, seen = evidence.receipts or (), evidence.seen
    if not receipts or (evidence.own_pid is not None and any(receipt.pid is not None for receipt in receipts)):
        return ()
    others = (process for process in seen.before if process.alive and process is not seen.app)
    return tuple(process for process in others if not says_nothing(process.argv))


@dataclass(frozen=True, kw_only=True, slots=True)
class Untested:
    """A run that says nothing about the cell, and why."""

    reason: str
    logs: tuple[LogLine, ...] = ()


def other_app(evidence: SignalEvidence) -> Process | None:
    """What may be the app in place of the one that is taken for it, which has then only launched it.

    It runs the same program on other words, and is gone without having been done, as far as is known; by the kernel's
    record, where there is one, it was sent the signal. A worker has its master's command line, or a title.
    """
    seen, app = evidence.seen, evidence.seen.app
    if seen.app_is_told or app is None:
        return None
    living = {process.pid for process in seen.after if process.alive}
    return next(
        (
            child
            for child in seen.before
            if child.ppid == app.pid
            and child.pid not in living
            and not child.ignores(evidence.sent)
            and runs_on_others(child.argv, app.argv)
            and _not_done(replace(evidence, seen=replace(seen, app_pid=child.pid), more_apps=()))
        ),
        None,
    )


def _not_done(evidence: SignalEvidence) -> bool:
    told = bool(evidence.sends) or evidence.seen.trace is None
    return told and not evidence.finished
