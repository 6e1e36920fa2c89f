"""Looking on until a container has come to rest, and until the evidence on a signal decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.evidence import Ground
from harness.core.quiescence import RESTLESS_NS, Concern, Habits, as_first_seen, drops, exact, next_deed_ns, quiet
from harness.core.trace import Fate, Sent, sends, told
from harness.run.faults import CannotTest
from harness.run.observation import SETTLE_BLIND_S, SETTLE_S, Decision, output_complete
from harness.run.ready import OUTPUT_S

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from harness.core.evidence import SignalEvidence
    from harness.core.process import Tree
    from harness.core.signals import Signal
    from harness.run.observation import InitialState, Observation


ANSWER_NS = 500_000_000
"""How much of a grace period is left to the app, whose request in flight was held until then."""

_HURRY_NS = 150_000_000
"""The same where the container rests but for timeouts that are known."""


class Rest:
    """Whether a container has come to rest since something was done to it, and for how long; asked step by step.

    Args:
        observation: of the container.
        habits: what it does by itself.
        began_ns: when something was done to it.
        concern: whom that concerns, as far as is known by now.
        old_ns: timeouts of who has acted already do not count if they are older than the signal, and longer than this.
        end_ns: when it is ended from outside: what would come later cannot; ``None`` for the deadline.
    """

    def __init__(
        self,
        observation: Observation,
        habits: Habits,
        *,
        began_ns: int,
        concern: Callable[[], Concern],
        old_ns: int = RESTLESS_NS,
        end_ns: int | None = None,
    ) -> None:
        self._observation = observation
        self._habits = habits
        self._concern = concern
        self._began_ns = began_ns
        self._old_ns = old_ns
        deadline_ns = began_ns + round(observation.patience.deadline_s * 1e9)
        self._end_ns = deadline_ns if end_ns is None else end_ns
        self._held = end_ns is not None
        self._lines = len(observation.inbox.lines)
        self._known: Concern | None = None
        self._since: int | None = None
        self._until_ns: int | None = None
        self._sampled_ns = [0, 0]
        self._complete = False
        self._first = dict(habits.last)
        self.sample: Tree = ()
        self.earlier: Tree = ()

    @classmethod
    def after(cls, observation: Observation, before: Tree, *, told: Collection[int]) -> Rest:
        """Rest after something that some processes get to know of, from a tree as it is just now."""
        now_ns = observation.inbox.now_ns()
        habits = Habits.of([before], since_ns=now_ns)
        concern = Concern(apps=frozenset(), told=frozenset(told))
        return cls(observation, habits, began_ns=now_ns, concern=lambda: concern)

    @property
    def late(self) -> bool:
        """Whether the deadline is over, or the end so near that an app whose request is held is left no time.

        What is known to come before the end is still waited for: it may bring the end about.
        """
        until_ns = self._end_ns
        if self._held:
            known = self._since is not None and self._until_ns is not None
            until_ns -= _HURRY_NS if known else ANSWER_NS
        return self._observation.inbox.now_ns() >= until_ns

    def step(self) -> bool:
        """Take a sample; whether the container rested between the last one and this one."""
        inbox, habits = self._observation.inbox, self._habits
        self._sampled_ns = [self._sampled_ns[1], inbox.now_ns()]
        self.earlier, self.sample = self.sample, as_first_seen(self._observation.container.tree(), self._first)
        self._first |= {process.pid: process for process in self.sample}
        known, self._known = self._known, self._concern()
        lines, self._lines = self._lines, len(inbox.lines)
        first, second = (self._known.among(tree, habits) for tree in (self.earlier, self.sample))
        # Where the samples prove rest, a line that comes in late was written before it.
        wrote = lines != self._lines and not exact(self.sample)
        if wrote or known != self._known or not quiet(first, second, habits.restless):
            self._since = None
            return False
        if self._since is None:
            self._since = inbox.now_ns()
            self._complete = exact(self.sample) and self.read_output()
            self._until_ns = next_deed_ns(
                self.sample,
                self._known,
                habits,
                began_ns=self._began_ns,
                deadline_ns=self._end_ns,
                old_ns=self._old_ns,
            )
        return True

    @property
    def proven(self) -> bool:
        """Whether nothing can come any more, as far as can be seen.

        Every timeout that might bring it has run out, and both samples were taken after that.
        """
        return (
            self._since is not None
            and exact(self.sample)
            and self._until_ns is not None
            and self._sampled_ns[0] > self._until_ns
        )

    @property
    def unchanged(self) -> bool:
        """Whether the processes that have to do with it are those that were there before."""
        known = self._known or self._concern()
        return {process.pid for process in known.among(self.sample, self._habits)} == {
            process.pid for process in known.among(tuple(self._habits.last.values()), self._habits)
        }

    def lasting(self, *, at_once: bool = False) -> bool:
        """Whether it has lasted so long that nothing more is to be expected; ``at_once`` if proof is enough."""
        if self._since is None:
            return False
        blind = self._until_ns is None or not self._complete
        settle_s = self._observation.patience.settle_s
        if settle_s is None:
            settle_s = SETTLE_BLIND_S if blind else 0 if at_once else SETTLE_S
        rested = self._observation.inbox.now_ns() - self._since >= settle_s * 1e9
        return rested and (blind or self.proven)

    def read_output(self) -> bool:
        """Read all output up to now; whether that can be shown."""
        complete = output_complete(self._observation.container)
        if complete is None:
            raise CannotTest(f"the container's output did not come through within {OUTPUT_S:g} s")
        return complete


class SignalDecider:
    """Looks, step by step, for the moment at which the evidence decides what a signal did.

    ``from_engine`` tells a signal that the engine sends to PID 1 alone from one that comes another way. ``grace_s``
    says that the container is looked at until its end, which then decides and which the engine brings about so many
    seconds from now, as it has just told of the signal: what was pending before is not waited for, nor what comes after
    the end.
    """

    def __init__(
        self,
        observation: Observation,
        initial: InitialState,
        *,
        signal: Signal,
        began_ns: int,
        from_engine: bool = True,
        grace_s: int | None = None,
    ) -> None:
        self._observation = observation
        self._initial = initial
        self._signal = signal
        self._began_ns = began_ns
        self._from_engine = from_engine
        self._rest = Rest(
            observation,
            initial.habits,
            began_ns=began_ns,
            concern=self._concern,
            old_ns=RESTLESS_NS if grace_s is None else 0,
            end_ns=None if grace_s is None else observation.inbox.now_ns() + grace_s * 1_000_000_000,
        )

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
            if self._stopped(self._initial.tree):
                raise CannotTest(
                    f"the app was stopped, as by SIGSTOP, before {self._signal} was sent, and takes no signal"
                )
            raise CannotTest(f"{self._signal} stopped the app, which neither received it nor ended")
        if self._from_engine and self._dropped():
            return Decision(Ground.MASKS, rest.sample)
        late = rest.late
        if not late and not (at_rest and self._settled()):
            return None
        rest.read_output()
        return Decision(Ground.DEADLINE if late else Ground.SETTLED, rest.sample)

    def _settled(self) -> bool:
        received = all(each.deliveries or each.others for each in self._evidence().per_app)
        return self._rest.lasting(at_once=received and self._rest.unchanged)

    def _evidence(self) -> SignalEvidence:
        decision = Decision(Ground.SETTLED, self._rest.sample)
        return self._observation.so_far(
            self._initial, decision, signal=self._signal, began_ns=self._began_ns, typed=not self._from_engine
        )

    def _concern(self) -> Concern:
        """Whom the signal concerns: by the kernel's record, else whoever may have got it by its masks."""
        initial = self._initial
        apps = frozenset(process.pid for process in initial.apps)
        trace = self._observation.trace_since(self._began_ns)
        evidence = self._evidence()
        receipts = {each.seen.app_pid: len(each.own_receipts) for each in evidence.per_app}
        answered = frozenset(pid for pid in apps if receipts.get(pid))
        if trace is None:
            deeds = 0 if evidence.early else sum(receipts.values())
            may = frozenset(process.pid for process in initial.tree if process.may_get(self._signal))
            return Concern(apps=apps, told=may | apps, acted=may if apps == answered else answered, deeds=deeds)
        leaders = {thread: p.pid for p in (*initial.tree, *self._rest.sample) for thread in (p.pid, *p.threads)}
        sent = [record for record in trace if isinstance(record, Sent)]
        took = told(trace, leaders)
        senders = frozenset(leaders.get(record.sender_pid, record.sender_pid) for record in sent) & took
        return Concern(apps=apps, told=took, acted=senders | answered & took, sent=senders, deeds=len(trace))

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
