"""One run of a cell: start, wait until the app is ready, send the signal, look on until the verdict is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.core.errors import EngineFault
from harness.core.model import Evidence, Ground, Receipt, Untested
from harness.core.settle import drops, exact, find_app, quiet, timed
from harness.core.trace import Fate, Lost, sends
from harness.run.waiting import until

if TYPE_CHECKING:
    from harness.core.catalogue import AppLog
    from harness.core.model import LogLine, Process, Tree
    from harness.core.signals import Signal
    from harness.core.trace import TraceRecord
    from harness.run.protocol import Container

_OUTPUT_S = 10.0
_MOST_DIGITS = 19


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long to wait for what, in seconds.

    ``settle_s`` is how long a container must stay at rest before "not received" is believed; ``None`` chooses
    `SETTLE_S`, or `SETTLE_BLIND_S` where samples of the tree cannot prove rest.
    """

    ready_s: float = 30.0
    calm_s: float = 3.0
    decide_s: float = 30.0
    settle_s: float | None = None


# A process may come back to a signal by a timer: npm ends itself half a second after its script did
# (@npmcli/run-script, signalTimeout), which `docker kill --signal=TERM` on `npm start` as PID 1 shows.
SETTLE_S = 0.8
SETTLE_BLIND_S = 1.5


def observe(container: Container, signal: Signal, app: AppLog, patience: Patience) -> Evidence | Untested:
    """Run a container that was created and not yet started, and send it one signal.

    Returns:
        The evidence once it decides the verdict, or why the cell could not be tested.

    Raises:
        EngineUnavailable: the engine went away.
    """
    watch = _Watch(container, signal, app, patience)
    try:
        container.start()
        return watch.unready() or watch.run()
    except EngineFault as fault:
        return watch.untested(str(fault))


def output_complete(container: Container) -> bool | None:
    """Tell whether all output up to now has been read, as a mark written behind it came through.

    Returns:
        ``False`` where marks cannot be written, ``None`` where one got lost.
    """
    inbox = container.inbox
    arrived = inbox.fences
    marks = container.fence()
    if not marks:
        return False
    return until(lambda: inbox.fences >= arrived + marks or None, timeout_s=_OUTPUT_S, time=inbox)


def _whole(text: str | None) -> int | None:
    """A number from the app's log; what is none, or absurd, is not there."""
    return int(text) if text and len(text) <= _MOST_DIGITS and text.isascii() and text.isdecimal() else None


@dataclass(frozen=True, slots=True)
class _Decision:
    """What decided a run, and the process tree then."""

    ground: Ground
    tree: Tree


class _Watch:
    """What is known so far of one run."""

    def __init__(self, container: Container, signal: Signal, app: AppLog, patience: Patience) -> None:
        self.container = container
        self.inbox = container.inbox
        self.signal = signal
        self.app = app
        self.patience = patience
        self._ready_pid: int | None = None

    def untested(self, reason: str) -> Untested:
        return Untested(reason=reason, logs=self.inbox.lines)

    def unready(self) -> Untested | None:
        """Wait for the ready line; say why if it does not come."""

        def look() -> str | None:
            if self.inbox.flooded:
                return "the app floods its log: over 1 MiB before it was ready"
            # The state is read before the lines: what was written before the end is then among them.
            ended = self.inbox.closed
            for line in self.inbox.lines:
                if match := self.app.ready.search(line.text):
                    self._ready_pid = _whole(match.groupdict().get("pid"))
                    return ""
            return f"the container ended before the app was ready{self._exit_text()}" if ended else None

        found = until(look, timeout_s=self.patience.ready_s, time=self.inbox)
        if found is None:
            return self.untested(f"no ready line within {self.patience.ready_s:g} s")
        return self.untested(found) if found else None

    def run(self) -> Evidence | Untested:
        """Send the signal and look on until the verdict is decided."""
        before = self._calm()
        if not before:
            return self.untested(f"the container ended before the signal was sent{self._exit_text()}")
        app = find_app(before, self._ready_pid)
        if app is None:
            return self.untested("the process tree does not tell which process is the app")
        seen = len(self.inbox.lines)
        sent_ns = self.container.kill(self.signal)
        decision = until(
            _Decider(self, before=before, app=app, seen=seen, sent_ns=sent_ns).step,
            timeout_s=self.patience.decide_s,
            time=self.inbox,
        )
        if isinstance(decision, str):
            return self.untested(decision)
        if not isinstance(decision, _Decision):
            return self.untested(f"the container did not come to rest within {self.patience.decide_s:g} s")
        lines = self.inbox.lines
        died = self.inbox.died
        return Evidence(
            sent=self.signal,
            sent_ns=sent_ns,
            app_pid=app.pid,
            before=before,
            after=decision.tree,
            receipts=self.receipts(lines[seen:]),
            done=any(self.app.done and self.app.done.search(line.text) for line in lines[seen:]),
            running=died is None,
            exit_code=died.exit_code if died else None,
            ground=decision.ground,
            logs=lines,
            events=self.inbox.events,
            decided_ns=self.inbox.now_ns(),
            trace=self.trace_since(sent_ns),
        )

    def trace_since(self, sent_ns: int) -> tuple[TraceRecord, ...] | None:
        """Give the kernel's record from when the signal was sent.

        What is older has nothing to do with it: the runtime that becomes PID 1 by exec sends SIGURG to itself (Go's
        preemption, golang/go proposal 24543).
        """
        trace = self.container.trace()
        if trace is None:
            return None
        return tuple(r for r in trace if not isinstance(r, Lost) and r.time_s * 1e9 >= sent_ns)

    def receipts(self, lines: tuple[LogLine, ...]) -> tuple[Receipt, ...]:
        """Read the app's own record of the signals that it handled."""
        matches = ((line, self.app.received.search(line.text)) for line in lines)
        return tuple(
            Receipt(
                signal=match["signal"],
                at_ns=_whole(match.groupdict().get("t")),
                read_ns=line.at_ns,
            )
            for line, match in matches
            if match and match["signal"]
        )

    def _calm(self) -> Tree:
        """Wait until the freshly started container rests, for a while; the last sample before the signal."""
        sample = self.container.tree()

        def look() -> bool | None:
            nonlocal sample
            earlier, sample = sample, self.container.tree()
            return True if not sample or quiet(earlier, sample) else None

        until(look, timeout_s=self.patience.calm_s, time=self.inbox)
        return sample

    def _exit_text(self) -> str:
        died = until(lambda: self.inbox.died, timeout_s=_OUTPUT_S, time=self.inbox)
        return "" if died is None else f", with exit code {died.exit_code}"


class _Decider:
    """Looks, step by step, for the moment at which the evidence decides the verdict."""

    def __init__(self, watch: _Watch, *, before: Tree, app: Process, seen: int, sent_ns: int) -> None:
        self._watch = watch
        self._before = before
        self._app = app
        self._seen = seen
        self._sent_ns = sent_ns
        self._sample: Tree = ()
        self._lines = seen
        self._resting_since: int | None = None
        self._complete = False

    def step(self) -> _Decision | str | None:
        """Look once: the ground of the decision with the tree then, why there can be none, or ``None`` for not yet."""
        inbox = self._watch.inbox
        if inbox.flooded:
            return "the app floods its log: over 1 MiB"
        if any(event.action == "oom" for event in inbox.events):
            return "the container ran out of memory"
        if inbox.died is not None:
            return _Decision(Ground.ENDED, ()) if inbox.closed else None
        earlier, self._sample = self._sample, self._watch.container.tree()
        if not self._sample:
            return None  # the end is on its way
        if self._stopped(earlier) and self._stopped(self._sample):
            return f"{self._watch.signal} stopped the app, which neither received it nor ended"
        if self._dropped():
            return _Decision(Ground.MASKS, self._sample)
        lines, self._lines = self._lines, len(inbox.lines)
        # Where the samples prove rest, a line that comes in late was written before it.
        moving = not quiet(earlier, self._sample) or timed(self._before, self._sample)
        if moving or (lines != self._lines and not exact(self._sample)):
            self._resting_since, self._complete = None, False
            return None
        return self._at_rest(inbox.now_ns())

    def _stopped(self, sample: Tree) -> bool:
        """Whether the app is stopped, as by SIGSTOP: a state that only SIGCONT ends, and that no verdict names."""
        return any(process.pid == self._app.pid and process.state[:1] == "T" for process in sample)

    def _dropped(self) -> bool:
        """Whether PID 1, the only process that the engine signals, made the kernel drop the signal."""
        first, now, signal = self._before[0], self._sample[0], self._watch.signal
        if not any(process.pid == self._app.pid and process.alive for process in self._sample):
            return False
        trace = self._watch.trace_since(self._sent_ns)
        if trace is not None:  # the kernel's own word goes before what the masks let expect
            fates = [record.fate for record in sends(trace, signal.number) if record.target_pid == first.pid]
            return fates == [Fate.IGNORED]
        return first.pid == now.pid and drops(first, signal) and drops(now, signal)

    def _at_rest(self, now: int) -> _Decision | str | None:
        self._resting_since = self._resting_since or now
        if exact(self._sample) and not self._complete:
            complete = output_complete(self._watch.container)
            if complete is None:
                return f"the container's output did not come through within {_OUTPUT_S:g} s"
            self._complete = complete
        unchanged = [process.pid for process in self._sample] == [process.pid for process in self._before]
        if self._complete and unchanged and self._watch.receipts(self._watch.inbox.lines[self._seen :]):
            return _Decision(Ground.SETTLED, self._sample)
        settle_s = self._watch.patience.settle_s
        if settle_s is None:
            settle_s = SETTLE_S if self._complete else SETTLE_BLIND_S
        return _Decision(Ground.SETTLED, self._sample) if now - self._resting_since >= settle_s * 1e9 else None
