"""Sharing a container: the next signal goes to the one that the signals before have left as it was."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from harness.core.doubt import doubt
from harness.core.errors import HarnessError
from harness.core.evidence import SignalEvidence, Untested
from harness.core.judge import judge
from harness.core.quiescence import quiet
from harness.core.standing import stands
from harness.core.verdict import Verdict
from harness.run.control import with_control
from harness.run.observation import Observation, output_complete
from harness.run.probes.signal import send
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from harness.core.process import Tree
    from harness.core.signals import Signal
    from harness.run.asking import Asking
    from harness.run.observation import InitialState

_RESTS_S: Final = 0.2
_COMES_S: Final = 0.2
"""For how long it is looked for rest once more, and for the engine's event: as a rule both are there already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Standing:
    """A container that is as it was before the first signal: how it is looked on at, and what it has been ``sent``.

    ``left_ns`` is when it was left, by the monotonic clock.
    """

    observation: Observation
    initial: InitialState
    sent: tuple[Signal, ...]
    left_ns: int
    owned: ExitStack = field(repr=False)

    def still(self) -> InitialState | None:
        """How it is now, if it still stands; what cannot be looked at does not."""
        inbox = self.observation.inbox
        if inbox.died is not None or inbox.events or len(inbox.lines) != self.initial.lines or inbox.unfinished:
            return None
        return _or_none(lambda: _resting(self.observation, self.initial, began_ns=self.left_ns))


class Sharing:
    """Containers that stand ready for another signal, by what they are containers of.

    A container is sent another signal only where the kernel's record and two samples prove that those before have left
    it as it was (`harness.core.standing`), where it has written nothing but receipts since, all of which have come in,
    and where no luck was in the verdict. Any other ends, and the next signal gets a fresh one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._standing: dict[Hashable, list[_Standing]] = {}

    def ask(self, asking: Asking, kind: Hashable, *, more: Callable[[], bool]) -> SignalEvidence | Untested:
        """Send a signal to a container of a kind, which stands ready or is fresh.

        Args:
            asking: what is asked; containers of a kind are launched the same, and have the same app.
            kind: what it is a container of.
            more: tells whether another signal is to come for the kind, so that the container is worth keeping.

        Returns:
            The evidence once it decides the verdict, or why the cell could not be tested.

        Raises:
            Disturbed: something of what the container did may have been missed.
            EngineUnavailable: the engine went away, or the connection to it broke.
        """
        with ExitStack() as owned:
            standing = self._take(kind)
            if standing is not None:
                owned.push(standing.owned)
                return self._ask(asking, kind, standing.observation, standing, owned=owned, more=more)
            give_back = owned.enter_context(asking.turns.turn())
            container = owned.enter_context(asking.engine.launch(asking.launch))
            if (refused := asking.started(container)) is not None:
                return refused
            observation = Observation(container, asking.app, asking.patience, opened=give_back)
            found = self._ask(asking, kind, observation, None, owned=owned, more=more)
        return with_control(asking, asking.launch, found)

    def end(self, kind: Hashable) -> None:
        """End the containers of a kind that stand ready."""
        with self._lock:
            gone = self._standing.pop(kind, [])
        with ExitStack() as stack:
            for standing in gone:
                stack.push(standing.owned)

    def close(self) -> None:
        """End all that stand ready."""
        for kind in tuple(self._standing):
            self.end(kind)

    def _ask(
        self,
        asking: Asking,
        kind: Hashable,
        observation: Observation,
        standing: _Standing | None,
        *,
        owned: ExitStack,
        more: Callable[[], bool],
    ) -> SignalEvidence | Untested:
        """Send a signal; a container that it leaves as it was is put where the next one finds it."""
        sent = standing.sent if standing else ()
        ready = [standing.initial] if standing else []

        def look(observation: Observation) -> SignalEvidence:
            if not ready:
                ready.append(observation.open())
            return replace(send(observation, ready[0], asking.signal), earlier=sent)

        found = asking.watched(observation, look)
        if not more() or not isinstance(found, SignalEvidence):
            return found
        if left := _or_none(lambda: _left(observation, ready[0], found)):
            observation.inbox.forget(left.lines)
            kept = _Standing(
                observation=observation,
                initial=left,
                sent=(*sent, asking.signal),
                left_ns=observation.inbox.now_ns(),
                owned=owned.pop_all(),
            )
            with self._lock:
                self._standing.setdefault(kind, []).append(kept)
        return found

    def _take(self, kind: Hashable) -> _Standing | None:
        """One that is as it was left; others end."""
        while True:
            with self._lock:
                found = self._standing.get(kind)
                if not found:
                    return None
                standing = found.pop()
            with ExitStack() as owned:
                owned.push(standing.owned)
                if (initial := standing.still()) is not None:
                    return replace(standing, initial=initial, owned=owned.pop_all())


def _or_none(look: Callable[[], InitialState | None]) -> InitialState | None:
    """What a look finds; a container that cannot be looked at does not stand, and what is known of it stays true."""
    try:
        return look()
    except HarnessError:
        return None


def _left(observation: Observation, initial: InitialState, found: SignalEvidence) -> InitialState | None:
    """What the next signal finds, if this one has left the container as it was."""
    inbox = observation.inbox
    if found.seen.trace is None or not found.seen.running or doubt(found) is not None:
        return None
    if judge(found).verdict is Verdict.UNTESTED:
        return None
    resting = _resting(observation, initial, began_ns=found.seen.began_ns)

    def told() -> bool | None:
        # Podman does not say of which signal it tells.
        named = (found.sent.number, None)
        return any(event.action == "kill" and event.signal in named for event in inbox.events) or None

    whole = (
        resting is not None
        and until(told, timeout_s=_COMES_S, time=inbox)
        and output_complete(observation.container)
        and not inbox.unfinished
        and observation.only_receipts(initial.lines)
    )
    return resting if whole else None


def _resting(observation: Observation, initial: InitialState, *, began_ns: int) -> InitialState | None:
    """What a signal finds in a container that rests as it did before, whatever has happened since a moment."""
    trees: list[Tree] = [observation.container.tree()]

    def rests() -> bool | None:
        trees.append(observation.container.tree())
        return quiet(trees[-2], trees[-1]) or None

    apps = {process.pid for process in initial.apps}
    rested = until(rests, timeout_s=_RESTS_S, time=observation.inbox)
    if not rested or not stands(initial.habits, trees[-1], apps=apps, began_ns=began_ns):
        return None
    last = {process.pid: process for process in trees[-1]}
    return replace(initial, tree=trees[-1], habits=replace(initial.habits, last=last))
