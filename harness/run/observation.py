"""Looking on at one container: until its app is ready, until all is at rest, until the evidence decides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import dropwhile
from typing import TYPE_CHECKING

from harness.core.choice import choose_below_wrappers, choose_by_log
from harness.core.errors import Disturbed
from harness.core.evidence import Ground, Receipt, Seen, SignalEvidence
from harness.core.process import only_starts_others
from harness.core.quiescence import Habits, quiet, steady, ticked_ns
from harness.core.subject import Listening, LogPattern, Quiescent
from harness.core.trace import sends
from harness.run.faults import CannotTest
from harness.run.ready import OUTPUT_S, exit_text, ran_out_of_memory, wait_until_ready
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.core.choice import Choice
    from harness.core.process import Process, Tree
    from harness.core.signals import Signal
    from harness.core.subject import App
    from harness.core.trace import Life, TraceRecord
    from harness.run.protocol import Container

_MOST_DIGITS = 19
GRACE_S = 3

SETTLE_S = 0.8
"""How long nothing may happen before "not received" is believed, where samples prove that all is at rest."""

SETTLE_BLIND_S = 1.5
"""The same where they cannot prove it, or do not show what timeouts are pending."""

_STEADY_NS = 3_000_000_000
_LASTING_NS = 500_000_000
"""How long a container that never rests must do the same until it is taken to be ready, and from when on a process has
come to stay in it."""

DEADLINE_S = 10.0
"""What comes later does not count: it is what docker stop waits before SIGKILL, unless told otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long to wait for what, in seconds.

    ``settle_s`` is how long a container must stay at rest before a verdict is believed; ``None`` chooses `SETTLE_S`, or
    `SETTLE_BLIND_S` where rest cannot be proven, and nothing where the app has the signal and nothing is pending.
    ``deadline_s`` is how long it may take to come to rest after a signal. ``grace_s`` is what ``docker stop`` is given.
    """

    ready_s: float = 30.0
    calm_s: float = 3.0
    decide_s: float = 30.0
    deadline_s: float = DEADLINE_S
    settle_s: float | None = None
    grace_s: int = GRACE_S


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
    return until(lambda: inbox.markers >= arrived + marks or None, timeout_s=OUTPUT_S, time=inbox)


@dataclass(frozen=True, kw_only=True, slots=True)
class InitialState:
    """A container that is ready and at rest: its tree, its apps, what it does by itself, how many lines it wrote.

    ``unrested_s`` is after how many seconds one was taken to be ready that did not come to rest.
    """

    tree: Tree
    choice: Choice
    habits: Habits
    lines: int
    unrested_s: float | None = None

    @property
    def apps(self) -> Tree:
        """The processes that are taken for its apps."""
        return self.choice.apps

    @property
    def app(self) -> Process:
        """The first of its apps."""
        return self.apps[0]


@dataclass(frozen=True, slots=True)
class Decision:
    """What decided a run, and the process tree then."""

    ground: Ground
    tree: Tree


class Observation:
    """What is known so far of one container. Its methods raise `CannotTest` where nothing can be said.

    ``opened`` is called as the container is ready and has come to rest for the first time.
    """

    def __init__(
        self, container: Container, app: App, patience: Patience, *, opened: Callable[[], object] = lambda: None
    ) -> None:
        self.container = container
        self.inbox = container.inbox
        self.app = app
        self.patience = patience
        self._opened = opened
        self._since_ns = self.inbox.now_ns()
        self._unrested_s: float | None = None

    def open(self, *, ticks: bool = True) -> InitialState:
        """Wait until the app is ready and the container at rest, before anything is done to it.

        ``ticks`` says whether it matters what acts again and again in it; that takes a look at its short timeouts, as
        it does where nothing but rest says that the app is ready.
        """
        self.wait_until_ready()
        samples = self._calm()
        self._opened()
        if ticks or self._by_rest:
            samples = self._ticked(samples)
        tree = samples[-1]
        if not tree:
            raise CannotTest(f"the container ended before it could be tested{exit_text(self.container)}")
        # What was written so far tells who the apps are, and is no answer to the signal, however late it comes in.
        output_complete(self.container)
        choice = self.choose(tree)
        if not choice.apps:
            raise CannotTest("the process tree does not tell which process is the app")
        habits = Habits.of(samples, since_ns=self._since_ns)
        return InitialState(
            tree=tree, choice=choice, habits=habits, lines=len(self.inbox.lines), unrested_s=self._unrested_s
        )

    def wait_for_signal(self, sent: Callable[[], bool], *, silence: str) -> None:
        """Wait until something says that the signal has been sent: what rests before has not heard of it yet."""
        if not until(lambda: sent() or self.ended() or None, timeout_s=OUTPUT_S, time=self.inbox):
            raise CannotTest(silence)

    def wait_for_event(self, action: str, *, signal: Signal, began_ns: int) -> None:
        """Let the engine's event of a signal come in, where no record of the kernel shows that it was sent.

        Raises:
            Disturbed: neither shows it, whatever the engine answered.
        """

        def heard() -> bool | None:
            return any(event.action == action for event in self.inbox.events) or None

        sent = sends(self.trace_since(began_ns) or (), signal.number)
        if any(record.from_outside for record in sent):
            return
        if until(heard, timeout_s=OUTPUT_S, time=self.inbox) is None:
            raise Disturbed(f"the engine took the request to send {signal}, and nothing shows that it sent it")

    def decide(self, look: Callable[[], Decision | None], *, timeout_s: float | None = None) -> Decision:
        """Look again and again until there is a decision, for ``timeout_s`` seconds or as patience has it."""
        timeout_s = timeout_s or self.patience.decide_s
        decision = until(look, timeout_s=timeout_s, time=self.inbox)
        if decision is None:
            raise CannotTest(f"the container did not come to rest within {timeout_s:g} s")
        return decision

    def check(self) -> None:
        """Stop where the container's own trouble would be taken for a finding."""
        if self.inbox.flooded:
            raise CannotTest("the app floods its log: over 1 MiB")
        if self.inbox.out_of_memory:
            raise CannotTest("the container ran out of memory")

    def check_memory(self, seen: Seen) -> None:
        """Stop where the end that was seen is one for lack of memory; the engine may tell of that after the end."""
        if seen.may_lack_memory and ran_out_of_memory(self.container):
            raise CannotTest("the container ran out of memory")

    def seen(self, *, before: Tree, choice: Choice, after: Tree, began_ns: int) -> Seen:
        """What every kind of evidence holds, as of now."""
        died, app = self.inbox.died, choice.app
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
            chosen=choice.why,
            app_is_told=choice.told,
            engine=self.container.cli,
        )

    def signalled(
        self, initial: InitialState, decision: Decision, *, signal: Signal, began_ns: int, typed: bool = False
    ) -> SignalEvidence:
        """The evidence of a signal once it is decided, with all that is known of the processes."""
        found = self.so_far(initial, decision, signal=signal, began_ns=began_ns, typed=typed)
        return replace(found, seen=replace(found.seen, lives=self._lives_since(began_ns)))

    def so_far(
        self, initial: InitialState, decision: Decision, *, signal: Signal, began_ns: int, typed: bool = False
    ) -> SignalEvidence:
        """The evidence of a signal, as of now, as far as it may decide."""
        return SignalEvidence(
            seen=self.seen(before=initial.tree, choice=initial.choice, after=decision.tree, began_ns=began_ns),
            sent=signal,
            receipts=self.receipts(initial.lines),
            done=self.done(initial.lines),
            ground=decision.ground,
            typed=typed,
            early=any(receipt.signal == signal.name for receipt in self.receipts(0, initial.lines) or ()),
            ready_pid=next(iter(self.ready_pids), None),
            unrested_s=initial.unrested_s,
            more_apps=tuple(process.pid for process in initial.apps[1:]),
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

    def _lives_since(self, began_ns: int) -> tuple[Life, ...]:
        """The processes that had not ended yet as the signal was sent."""
        return tuple(life for life in self.container.lives() if life.ended_s is None or life.ended_s * 1e9 >= began_ns)

    def receipts(self, since: int, until: int | None = None) -> tuple[Receipt, ...] | None:
        """The lines that say that a signal was handled, from one on; ``None`` if there is no pattern for them."""
        if self.app.receipts is None:
            return None
        received = self.app.receipts.pattern
        # Another process may have left the line unfinished that the app then writes on.
        matches = ((line, match) for line in self.inbox.lines[since:until] for match in received.finditer(line.text))
        return tuple(
            Receipt(
                signal=match["signal"],
                at_ns=_whole(match.groupdict().get("t")),
                read_ns=line.at_ns,
                pid=_whole(match.groupdict().get("pid")),
            )
            for line, match in matches
            if match["signal"]
        )

    def only_receipts(self, since: int) -> bool:
        """Whether each line, from one on, says that a signal was handled; ``False`` if there is no pattern for them."""
        pattern = self.app.receipts.pattern if self.app.receipts else None
        return pattern is not None and all(pattern.search(line.text) for line in self.inbox.lines[since:])

    def done(self, since: int = 0) -> bool | None:
        """Whether the app has said, from a line on, that it is done; ``None`` if it has no words for that."""
        done = self.app.done
        return None if done is None else any(done.pattern.search(line.text) for line in self.inbox.lines[since:])

    def done_ns(self, since: int = 0) -> int | None:
        """The monotonic time at which it was read that the app is done, in ns; ``None`` if it has not said so."""
        done = self.app.done
        lines = () if done is None else self.inbox.lines[since:]
        return next((line.at_ns for line in lines if done is not None and done.pattern.search(line.text)), None)

    def ready_again(self) -> bool:
        """Whether the app has become ready once more after it was done: something started it anew."""
        match self.app.ready, self.app.done:
            case LogPattern(pattern=ready), LogPattern(pattern=done):
                texts = dropwhile(lambda text: not done.search(text), (line.text for line in self.inbox.lines))
                return any(ready.search(text) for text in texts)
            case _:
                return False

    def ended(self) -> bool:
        """Whether the container has ended and all its output has been read."""
        return self.inbox.died is not None and self.inbox.closed

    @property
    def ready_pids(self) -> tuple[int, ...]:
        """The PIDs that ready lines bear, each once."""
        match self.app.ready:
            case LogPattern(pattern=pattern):
                found = (match for line in self.inbox.lines if (match := pattern.search(line.text)))
                pids = (_whole(match.groupdict().get("pid")) for match in found)
                return tuple(dict.fromkeys(pid for pid in pids if pid is not None))
            case _:
                return ()

    def choose(self, tree: Tree) -> Choice:
        """The apps: by the PIDs of their ready lines, or else what a tree tells; none if it does not."""
        if self.app.below_wrappers:
            ports = () if self.app.process else self.app.serves
            serving = self.container.serving(tree, ports) if ports else frozenset[int]()
            return choose_below_wrappers(tree, self.app.process, serving)
        return choose_by_log(tree, self.ready_pids)

    def wait_until_ready(self) -> None:
        """Wait until the app is ready; one that is so when all rests is waited for in `open`."""
        wait_until_ready(self.container, self.app.ready, timeout_s=self.patience.ready_s)

    def _calm(self) -> list[Tree]:
        """Wait until the freshly started container rests, for a while; the samples until then.

        Where nothing but rest says that the app is ready, a package manager or an init alone is not at rest: it has yet
        to start what it is there for. One that never rests is taken to be ready as it does the same all the time. So is
        one that listens on its ports: a master does that before its workers have come as far as their handlers.
        """
        samples: list[Tree] = []
        taken_ns: list[int] = []

        def sample() -> None:
            taken_ns.append(self.inbox.now_ns())
            samples.append(self.container.tree())

        def look() -> bool | None:
            sample()
            return True if not samples[-1] or quiet(samples[-2], samples[-1]) else None

        def started() -> bool | None:
            sample()
            return None if samples[-1] and only_starts_others(samples[-1]) else True

        def same() -> bool | None:
            return (
                look()
                or steady(list(zip(taken_ns, samples, strict=True)), for_ns=_STEADY_NS, lasting_ns=_LASTING_NS)
                or None
            )

        sample()
        until(look, timeout_s=self.patience.calm_s, time=self.inbox)
        while isinstance(self.app.ready, Quiescent) and samples[-1] and only_starts_others(samples[-1]):
            if not until(started, timeout_s=self.patience.ready_s, time=self.inbox):
                raise CannotTest(f"`{samples[-1][-1].command}` has started no app within {self.patience.ready_s:g} s")
            until(look, timeout_s=self.patience.calm_s, time=self.inbox)
        if self._by_rest and samples[-1] and not quiet(samples[-2], samples[-1]):
            until(same, timeout_s=self.patience.ready_s, time=self.inbox)
            if not quiet(samples[-2], samples[-1]):
                self._unrested_s = (self.inbox.now_ns() - self._since_ns) / 1e9
        return samples

    def _ticked(self, samples: list[Tree]) -> list[Tree]:
        """Let the short timeouts of a container that rests run out, and let it rest again; all samples until then.

        Where its rest says that the app is ready, that goes on for as long as more processes come: a master may sleep
        for a moment between its workers (gunicorn, ``Arbiter.spawn_workers``), and be told before the last has a
        handler.
        """
        began_ns = self.inbox.now_ns()
        while quiet(samples[-2], samples[-1]) and (moment := ticked_ns(samples[-1], self.inbox.now_ns())):
            before = {process.pid for process in samples[-1]}
            self._let_pass(moment)
            samples = samples + self._calm()
            more = before < {process.pid for process in samples[-1]}
            if not (self._by_rest and more) or self.inbox.now_ns() > began_ns + self.patience.ready_s * 1e9:
                break
        return samples

    def _let_pass(self, moment_ns: int) -> None:
        until(lambda: self.inbox.now_ns() > moment_ns or None, timeout_s=self.patience.calm_s, time=self.inbox)

    @property
    def _by_rest(self) -> bool:
        """Whether nothing but rest says that all of the app is ready."""
        return isinstance(self.app.ready, Quiescent | Listening)


def _whole(text: str | None) -> int | None:
    """A number from the app's log; what is none, or absurd, is not there."""
    return int(text) if text and len(text) <= _MOST_DIGITS and text.isascii() and text.isdecimal() else None
