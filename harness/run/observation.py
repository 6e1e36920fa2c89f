"""Looking on at one container: until its app is ready, until all is at rest, until the evidence decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.core.evidence import Ground, Receipt, Seen, SignalEvidence
from harness.core.process import find_app
from harness.core.quiescence import drops, exact, quiet, timed
from harness.core.subject import LogPattern, Quiescent
from harness.core.trace import Fate, sends
from harness.run.waiting import until

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from harness.core.process import Process, Tree
    from harness.core.signals import Signal
    from harness.core.subject import App
    from harness.core.trace import TraceRecord
    from harness.run.protocol import Container

_OUTPUT_S = 10.0
_MOST_DIGITS = 19
GRACE_S = 3


class CannotTest(Exception):
    """A container that says nothing about its cell; the text is the reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long to wait for what, in seconds.

    ``settle_s`` is how long a container must stay at rest before "not received" is believed; ``None`` chooses
    `SETTLE_S`, or `SETTLE_BLIND_S` where samples of the tree cannot prove rest. ``grace_s`` is what ``docker stop``
    is given.
    """

    ready_s: float = 30.0
    calm_s: float = 3.0
    decide_s: float = 30.0
    settle_s: float | None = None
    grace_s: int = GRACE_S


# A process may come back to a signal by a timer: half a second later, as `harness.core.program.ONE_CHILD` tells.
SETTLE_S = 0.8
SETTLE_BLIND_S = 1.5


def output_complete(container: Container) -> bool | None:
    """Whether all output up to now has been read, as a mark written behind it came through.

    Returns:
        ``False`` where marks cannot be written, ``None`` where one got lost.
    """
    inbox = container.inbox
    arrived = inbox.markers
    marks = container.write_marker()
    if not marks:
        return False
    return until(lambda: inbox.markers >= arrived + marks or None, timeout_s=_OUTPUT_S, time=inbox)


@dataclass(frozen=True, kw_only=True, slots=True)
class InitialState:
    """A container that is ready and at rest: its tree, the app's process, and how many lines it has written."""

    tree: Tree
    app: Process
    lines: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What decided a run, and the process tree then."""

    ground: Ground
    tree: Tree


class Observation:
    """What is known so far of one container. Its methods raise `CannotTest` where nothing can be said."""

    def __init__(self, container: Container, app: App, patience: Patience) -> None:
        self.container = container
        self.inbox = container.inbox
        self.app = app
        self.patience = patience
        self._ready_pid: int | None = None

    def open(self) -> InitialState:
        """Wait until the app is ready and the container at rest, before anything is done to it."""
        self.wait_until_ready()
        tree = self._calm()
        if not tree:
            raise CannotTest(f"the container ended before it could be tested{self._exit_text()}")
        app = self.find_app(tree)
        if app is None:
            raise CannotTest("the process tree does not tell which process is the app")
        return InitialState(tree=tree, app=app, lines=len(self.inbox.lines))

    def wait_for_signal(self, sent: Callable[[], bool], *, silence: str) -> None:
        """Wait until something says that the signal has been sent: what rests before has not heard of it yet."""
        if not until(lambda: sent() or self.ended() or None, timeout_s=_OUTPUT_S, time=self.inbox):
            raise CannotTest(silence)

    def decide(self, look: Callable[[], Decision | None]) -> Decision:
        """Look again and again until there is a decision."""
        decision = until(look, timeout_s=self.patience.decide_s, time=self.inbox)
        if decision is None:
            raise CannotTest(f"the container did not come to rest within {self.patience.decide_s:g} s")
        return decision

    def check(self) -> None:
        """Stop where the container's own trouble would be taken for a finding."""
        if self.inbox.flooded:
            raise CannotTest("the app floods its log: over 1 MiB")
        if any(event.action == "oom" for event in self.inbox.events):
            raise CannotTest("the container ran out of memory")

    def seen(self, *, before: Tree, app: Process | None, after: Tree, began_ns: int) -> Seen:
        """What every kind of evidence holds, as of now."""
        died = self.inbox.died
        return Seen(
            app_pid=app.pid if app else None,
            before=before,
            after=after,
            running=died is None,
            exit_code=died.exit_code if died else None,
            logs=self.inbox.lines,
            events=self.inbox.events,
            began_ns=began_ns,
            decided_ns=self.inbox.now_ns(),
            trace=self.trace_since(began_ns),
        )

    def signalled(
        self, initial: InitialState, decision: Decision, *, signal: Signal, began_ns: int, typed: bool = False
    ) -> SignalEvidence:
        """The evidence of a signal, as of now."""
        return SignalEvidence(
            seen=self.seen(before=initial.tree, app=initial.app, after=decision.tree, began_ns=began_ns),
            sent=signal,
            receipts=self.receipts(initial.lines),
            done=self.done(initial.lines),
            ground=decision.ground,
            typed=typed,
        )

    def trace_since(self, began_ns: int) -> tuple[TraceRecord, ...] | None:
        """The kernel's record from when the signal was sent.

        What is older has nothing to do with it: the runtime that becomes PID 1 by exec sends SIGURG to itself (Go's
        preemption, golang/go proposal 24543).
        """
        trace = self.container.trace()
        if trace is None:
            return None
        return tuple(record for record in trace if record.time_s * 1e9 >= began_ns)

    def receipts(self, since: int) -> tuple[Receipt, ...] | None:
        """The app's own record of the signals that it handled, from a line on; ``None`` if it has no words for them."""
        if self.app.receipts is None:
            return None
        received = self.app.receipts.pattern
        # Another process may have left the line unfinished that the app then writes on.
        matches = ((line, match) for line in self.inbox.lines[since:] for match in received.finditer(line.text))
        return tuple(
            Receipt(
                signal=match["signal"],
                at_ns=_whole(match.groupdict().get("t")),
                read_ns=line.at_ns,
            )
            for line, match in matches
            if match["signal"]
        )

    def done(self, since: int = 0) -> bool | None:
        """Whether the app has said, from a line on, that it is done; ``None`` if it has no words for that."""
        done = self.app.done
        return None if done is None else any(done.pattern.search(line.text) for line in self.inbox.lines[since:])

    def ended(self) -> bool:
        """Whether the container has ended and all its output has been read."""
        return self.inbox.died is not None and self.inbox.closed

    def find_app(self, tree: Tree) -> Process | None:
        """The process of the app, if a tree tells."""
        return find_app(tree, self._ready_pid)

    def wait_until_ready(self) -> None:
        """Wait until the app is ready; one that is so when all rests is waited for in `open`."""
        match self.app.ready:
            case LogPattern(pattern=pattern):
                self._wait_for_line(pattern)
            case Quiescent():
                pass

    def _wait_for_line(self, pattern: re.Pattern[str]) -> None:
        def look() -> bool | None:
            if self.inbox.flooded:
                raise CannotTest("the app floods its log: over 1 MiB before it was ready")
            # The state is read before the lines: what was written before the end is then among them.
            ended = self.inbox.closed
            if match := next(filter(None, (pattern.search(line.text) for line in self.inbox.lines)), None):
                self._ready_pid = _whole(match.groupdict().get("pid"))
                return True
            if ended:
                raise CannotTest(f"the container ended before the app was ready{self._exit_text()}")
            return None

        if until(look, timeout_s=self.patience.ready_s, time=self.inbox) is None:
            raise CannotTest(f"no ready line within {self.patience.ready_s:g} s")

    def _calm(self) -> Tree:
        """Wait until the freshly started container rests, for a while; the last sample."""
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


class Rest:
    """Whether a container has come to rest since something was done to it, and for how long; asked step by step."""

    def __init__(self, observation: Observation, before: Tree) -> None:
        self._observation = observation
        self._before = before
        self._lines = len(observation.inbox.lines)
        self._since: int | None = None
        self.sample: Tree = ()
        self.earlier: Tree = ()
        self.complete = False

    def step(self) -> bool:
        """Take a sample; whether the container rested between the last one and this one, with all output read."""
        self.earlier, self.sample = self.sample, self._observation.container.tree()
        inbox = self._observation.inbox
        lines, self._lines = self._lines, len(inbox.lines)
        # Where the samples prove rest, a line that comes in late was written before it.
        moving = not quiet(self.earlier, self.sample) or timed(self._before, self.sample)
        if moving or (lines != self._lines and not exact(self.sample)):
            self._since, self.complete = None, False
            return False
        self._since = self._since or inbox.now_ns()
        if exact(self.sample) and not self.complete:
            complete = output_complete(self._observation.container)
            if complete is None:
                raise CannotTest(f"the container's output did not come through within {_OUTPUT_S:g} s")
            self.complete = complete
        return True

    @property
    def lasting(self) -> bool:
        """Whether it has lasted so long that no timer is to be expected to end it."""
        settle_s = self._observation.patience.settle_s
        if settle_s is None:
            settle_s = SETTLE_S if self.complete else SETTLE_BLIND_S
        return self._since is not None and self._observation.inbox.now_ns() - self._since >= settle_s * 1e9


class SignalDecider:
    """Looks, step by step, for the moment at which the evidence decides what a signal did.

    ``from_engine`` tells a signal that the engine sends to PID 1 alone from one that comes another way.
    """

    def __init__(
        self,
        observation: Observation,
        initial: InitialState,
        *,
        signal: Signal,
        began_ns: int,
        from_engine: bool = True,
    ) -> None:
        self._observation = observation
        self._initial = initial
        self._signal = signal
        self._began_ns = began_ns
        self._from_engine = from_engine
        self._rest = Rest(observation, initial.tree)

    def step(self) -> Decision | None:
        """Look once: the ground of the decision with the tree then, or ``None`` for not yet."""
        observation, rest = self._observation, self._rest
        observation.check()
        if observation.inbox.died is not None:
            return Decision(Ground.ENDED, ()) if observation.inbox.closed else None
        at_rest = rest.step()
        if not rest.sample:
            return None  # the end is on its way
        if self._stopped(rest.earlier) and self._stopped(rest.sample):
            raise CannotTest(f"{self._signal} stopped the app, which neither received it nor ended")
        if self._from_engine and self._dropped():
            return Decision(Ground.MASKS, rest.sample)
        if not at_rest:
            return None
        unchanged = [process.pid for process in rest.sample] == [process.pid for process in self._initial.tree]
        received = rest.complete and unchanged and observation.receipts(self._initial.lines)
        return Decision(Ground.SETTLED, rest.sample) if received or rest.lasting else None

    def _stopped(self, sample: Tree) -> bool:
        """Whether the app is stopped, as by SIGSTOP: a state that only SIGCONT ends, and that no verdict names."""
        return any(process.pid == self._initial.app.pid and process.state[:1] == "T" for process in sample)

    def _dropped(self) -> bool:
        """Whether PID 1, the only process that the engine signals, made the kernel drop the signal."""
        first, now, signal = self._initial.tree[0], self._rest.sample[0], self._signal
        if not any(process.pid == self._initial.app.pid and process.alive for process in self._rest.sample):
            return False
        trace = self._observation.trace_since(self._began_ns)
        if trace is not None:  # the kernel's own word goes before what the masks let expect
            fates = [record.fate for record in sends(trace, signal.number) if record.target_pid == first.pid]
            return fates == [Fate.IGNORED]
        return first.pid == now.pid and drops(first, signal) and drops(now, signal)


def _whole(text: str | None) -> int | None:
    """A number from the app's log; what is none, or absurd, is not there."""
    return int(text) if text and len(text) <= _MOST_DIGITS and text.isascii() and text.isdecimal() else None
