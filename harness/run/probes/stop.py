"""``stop``: ``docker stop``, with requests in flight where a port is given. Does the app get to shut down?"""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING, Final

from harness.core import flight
from harness.core.contradiction import contradiction
from harness.core.describe import finding
from harness.core.document import Finding
from harness.core.errors import Disturbed
from harness.core.evidence import Ground, Seen, SignalEvidence, Untested
from harness.core.judge import delivery_of, judge, named, outcome_of, unclear_app, unseen_end
from harness.core.reason import got, head, left_behind, readiness
from harness.core.trace import sends
from harness.core.verdict import Judgement, Outcome, Verdict
from harness.run.faults import CannotTest
from harness.run.observation import Decision
from harness.run.rest import ANSWER_NS, SignalDecider
from harness.run.stopping import Stopping
from harness.run.waiting import until

if TYPE_CHECKING:
    from harness.core.flight import Flight, Traffic
    from harness.core.reproduce import ByHand
    from harness.core.subject import InFlight, StopSetting
    from harness.run.asking import Asking
    from harness.run.observation import Observation
    from harness.run.protocol import HeldRequest, Requests

_SIGKILL: Final = 9
_BY_SIGNAL: Final = 128
"""What is added to a signal for the exit code of who ends by it (docker-run(1), exit status)."""

_LATE_S: Final = 30.0
_CONTAINERS: Final = 2
"""How many are stopped at most where one does not come to rest."""

_LENIENCE_S: Final = 1.5
_TAKEN_S: Final = 0.5
"""How long an app may take to read the requests that are to be in flight; some serve only a few at once."""

_TURN_S: Final = 10.0
"""And how much longer if it is not asleep: on a busy machine it may not have had its turn."""

_AT_ONCE_S: Final = 0.2

_SPARE_NS: Final = 1_000_000_000
"""How much of its grace, but for a third of that at most, an app has to have left for a SIGKILL to be held against it
whose request was held: on a machine with 80 containers at once, some took 0.9 s from the answer to their end."""


class Request(StrEnum):
    """What became of a request that was in flight when the container was told to stop."""

    ANSWERED = "answered"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class StopEvidence:
    """The evidence of one ``docker stop``: ``took_s`` from the stop to the container's end, in seconds.

    ``signalled`` is about the stop signal, ``forced`` says whether the engine had to send SIGKILL, ``request`` what
    became of the request that was held in flight (``None`` if there was none), ``flight`` of plain requests.
    """

    signalled: SignalEvidence
    grace_s: int
    took_s: float
    forced: bool
    request: Request | None
    flight: Flight | None = None

    @property
    def needs_s(self) -> float | None:
        """How much grace is enough for it, as far as this run tells, in seconds, rounded up.

        ``None`` where it did not end well, or a request was held, which takes as long as it is held.
        """
        good = self.request is None and judge(self).verdict is Verdict.GRACEFUL
        return ceil(self.took_s * 10) / 10 if good else None

    @property
    def lost(self) -> str | None:
        """What was in flight and was lost, as a clause; ``None`` if nothing was."""
        if self.request is Request.LOST:
            return "the request in flight was lost"
        return flight.lost(self.flight) if self.flight and self.flight.lost else None

    @property
    def answered(self) -> str | None:
        """What was in flight and was answered, as an object; ``None`` if something was not, or there was nothing."""
        if self.request is Request.ANSWERED:
            return "the request in flight"
        return flight.answered(self.flight) if self.flight and not self.flight.lost else None

    @property
    def seen(self) -> Seen:
        """What was seen, whatever the probe."""
        return self.signalled.seen


def ask(asking: Asking) -> StopEvidence | Untested:
    """Stop a container, and look on until it has ended.

    The request is held until the signal has done all that it does, to whichever process: only then the app gets what
    it needs to answer. So a container that ends too early is caught every time, not only when the app is slow. Where
    the container does not come to rest, as with a PID 1 that polls, that may take all the grace there is: then nothing
    can be said, unless another one does, as on a machine that was busy for a while. Nor can it where the app is done
    just before the grace runs out, and its container on its way to the end.
    """
    setting = asking.app.stop
    if setting is None:
        return Untested(reason="the catalogue does not say how to make the app shut down: add an [app.stop] table")
    port = setting.in_flight.port if setting.in_flight else setting.port
    launch = replace(asking.launch.with_environment(setting.environment), publish=port or asking.launch.publish)
    why = ""
    for _ in range(_CONTAINERS):
        found = asking.see(launch, lambda observation: _stop(observation, asking, setting))
        if not isinstance(found, str):
            return found
        why = found
    return Untested(
        reason=f"the app received {asking.signal}, but {why}, and the request was held for so long; without a port in "
        "[app.stop] it is stopped with no request in flight"
    )


def _stop(observation: Observation, asking: Asking, setting: StopSetting) -> StopEvidence | str:
    """Stop one container; a clause that says why if the request was held for so long that SIGKILL tells nothing."""
    # Where no request is held until all is at rest, the container's end decides.
    initial = observation.open(ticks=setting.port is not None)
    grace_s = asking.patience.grace_s
    with ExitStack() as stack:
        plain = _sent(observation, setting.in_flight, stack) if setting.in_flight else None
        held = None if setting.port is None else _held(observation, setting.path, stack)
        if plain is not None:
            plain.press()
        stopping = Stopping(observation, initial.tree[0], signal=asking.signal, grace_s=grace_s)
        began_ns, told_ns = stopping.began_ns, stopping.wait_for_signal()
        decider = SignalDecider(observation, initial, signal=asking.signal, began_ns=began_ns, grace_s=grace_s)
        # An app that goes on taking new requests does not rest before the end of its grace.
        decision = observation.decide(decider.step, timeout_s=None if plain is None else grace_s + _LATE_S)
        end_ns = told_ns + round(grace_s * 1e9)
        left_ns = end_ns - observation.inbox.now_ns()
        answered: bool | None = None

        def look() -> bool | None:
            nonlocal answered
            ended = observation.ended()
            # Nobody answers who does not shut down: that request ends as the container does.
            if held is not None and answered is None and (ended or observation.receipts(initial.lines) != ()):
                answered = held.finish()
            return ended or None

        if not until(look, timeout_s=grace_s + _LATE_S, time=observation.inbox):
            raise CannotTest(f"the engine did not stop the container within {grace_s + _LATE_S:g} s")
        traffic = None if plain is None else plain.finish()
    observation.check()
    if traffic is not None and not stopping.sending_is_known:
        raise CannotTest("what was in flight is not known: the engine does not tell when it sent the stop signal")
    forced = stopping.forced()
    took_s = stopping.took_s()
    if not forced and took_s > grace_s + _LENIENCE_S:
        raise Disturbed(f"the engine gave {took_s:.1f} s where it was told to give {grace_s} s of grace")
    if forced and held is not None and observation.receipts(initial.lines):
        needed_ns = max(ANSWER_NS, min(_SPARE_NS, round(grace_s * 1e9) // 3))
        if decision.ground in (Ground.ENDED, Ground.DEADLINE) or left_ns < needed_ns:
            return f"the container did not come to rest within the {grace_s} s of grace"
        done_ns = observation.done_ns(initial.lines)
        # As long as the signal took to do all that it does, the end may take, too.
        ending_ns = max(ANSWER_NS, min(round(grace_s * 1e9) - left_ns, round(grace_s * 1e9) // 2))
        if done_ns is not None and done_ns > end_ns - ending_ns:
            return f"was done only as the {grace_s} s of grace ran out, as on a machine that is too busy"
    if decision.ground is Ground.MASKS and not forced:  # the drop is certain, but it is not what ended the container
        decision = Decision(Ground.ENDED, ())
    signalled = observation.signalled(initial, decision, signal=asking.signal, began_ns=began_ns)
    return StopEvidence(
        signalled=signalled,
        grace_s=grace_s,
        took_s=took_s,
        forced=forced,
        request=None if answered is None else Request.ANSWERED if answered else Request.LOST,
        flight=None if traffic is None else _flight(traffic, signalled, told_ns),
    )


def _held(observation: Observation, path: str, stack: ExitStack) -> HeldRequest:
    """Put a request in flight that is held; it is given up as the stack is left."""
    held = stack.enter_context(closing(observation.container.request(path)))
    if not held.in_flight():
        raise CannotTest(
            f"the answer to POST {path} ended before the request did, so none was in flight at the stop: "
            "give a path in [app.stop] whose answer waits for the end of the request, or no port"
        )
    return held


def _sent(observation: Observation, wanted: InFlight, stack: ExitStack) -> Requests:
    """Send plain requests, and wait until the app has read them: one that it has not read is none that it works on."""
    requests = stack.enter_context(closing(observation.container.requests(wanted.path, wanted.number)))

    def read() -> bool | None:
        return requests.taken() or requests.ended() or None

    if until(read, timeout_s=_TAKEN_S, time=observation.inbox) is None and requests.taken() is False:
        until(lambda: read() or _sleeps(observation) or None, timeout_s=_TURN_S, time=observation.inbox)
    # What is answered at once would be in flight by luck.
    until(lambda: requests.ended() or None, timeout_s=_AT_ONCE_S, time=observation.inbox)
    if requests.ended():
        raise CannotTest(flight.not_in_flight(requests.finish().sent))
    return requests


def _sleeps(observation: Observation) -> bool:
    """Whether no process of the container runs, wants to, or waits for a disk."""
    return all(process.state[0] not in "RD" for process in observation.container.tree())


def _flight(traffic: Traffic, signalled: SignalEvidence, told_ns: int) -> Flight:
    """What was in flight as the signal was sent: by the kernel's record, else just before the engine told of it."""
    sent = [record.time_s for record in sends(signalled.seen.trace or (), signalled.sent.number)]
    moments = flight.sent_between(sent, began_ns=signalled.seen.began_ns, told_ns=told_ns)
    flown = flight.flight(traffic, sent_ns=moments)
    if isinstance(flown, str):
        raise CannotTest(flown)
    return flown


@judge.register(StopEvidence)
def _judged(evidence: StopEvidence) -> Judgement:
    apps, sent = evidence.signalled.per_app, evidence.signalled.sent.number
    ours = (sent, _SIGKILL) if evidence.took_s >= evidence.grace_s else (sent,)
    wrong = contradiction(evidence.signalled, ours)
    known = evidence.forced or evidence.lost is not None
    unknown = next((app for app in apps if app.finished is None), None)
    if wrong is None and not known and unknown is not None:
        wrong = unseen_end(unknown)
    verdict = _verdict(evidence)
    unmoved = next((app for app in apps if app.ignored), None)
    if wrong is None and verdict is Verdict.GRACEFUL and unmoved is not None:
        wrong = f"{named(unmoved)} ignores {evidence.signalled.sent}, and ended by itself, whatever the stop"
    if wrong is None and verdict is Verdict.GRACEFUL:
        wrong = next(filter(None, map(unclear_app, apps)), None)
    if wrong is not None:
        return judge(Untested(reason=wrong))
    failed = evidence.flight.failed if evidence.flight else None
    if verdict is Verdict.GRACEFUL and failed is not None:
        reason = f"a request in flight was answered with status {failed.status}, and whether that is due to the stop"
        return judge(Untested(reason=f"{reason} is not known: give --request a path that is answered well"))
    outcome = Outcome.ENDED if evidence.forced else outcome_of(evidence.signalled)
    seen = evidence.seen
    reason = f"{head(seen)}: {_of_all(evidence, verdict)}" if seen.main else head(seen)
    reason += readiness(evidence.signalled)
    return Judgement(verdict=verdict, delivery=delivery_of(evidence.signalled), outcome=outcome, reason=reason)


def _verdict(evidence: StopEvidence) -> Verdict:
    if evidence.forced:
        return Verdict.FORCED
    finished = all(app.finished for app in evidence.signalled.per_app) and evidence.lost is None
    return Verdict.GRACEFUL if finished else Verdict.ABRUPT


def _of_all(evidence: StopEvidence, verdict: Verdict) -> str:
    """The reason, of the app that is worst off where there are several."""
    apps = evidence.signalled.per_app
    if len(apps) == 1:
        return _reason(evidence, evidence.signalled, verdict)
    if verdict is Verdict.GRACEFUL:
        took = f"{evidence.took_s:.1f} s after {evidence.signalled.sent}"
        return f"its {len(apps)} apps ended by themselves, {took}{_container_code(evidence)}"
    at = next((app for app in apps if not app.finished), apps[0])
    return f"{_reason(evidence, at, verdict)} (one of {len(apps)} apps, {named(at)})"


def _reason(evidence: StopEvidence, signalled: SignalEvidence, verdict: Verdict) -> str:
    took = f"{evidence.took_s:.1f} s after {signalled.sent}"
    received = got(signalled)
    answered = f", answered {evidence.answered}" if evidence.answered else ""
    lost = f", and {evidence.lost}" if evidence.lost else ""
    match verdict:
        case Verdict.GRACEFUL:
            code, left = _code(evidence, signalled), left_behind(signalled)
            return f"the app {received}{answered}, and ended by itself{code}{left}"
        case Verdict.ABRUPT if signalled.finished:
            return f"the app {received} and ended by itself{_code(evidence, signalled)}, but {evidence.lost}"
        case Verdict.ABRUPT if signalled.raised_again:
            how = "died of it" if signalled.killed else f"ended with exit code {evidence.seen.exit_code}"
            return (
                f"{signalled.sent} was handled by the app's runtime, which raised it again, and the app {how} "
                f"{evidence.took_s:.1f} s after it{lost}"
            )
        case Verdict.ABRUPT if signalled.ended_by_preloaded:
            file = f"`{signalled.preloaded}`, which its launcher has loaded into it"
            return f"{signalled.sent} was handled by {file}: that ended the app {took}{lost}"
        case Verdict.ABRUPT:
            was = f"{received} and was not done" if signalled.deliveries else received
            return f"the container ended by itself {took}, but the app {was}{lost}"
        case _:
            did = f"{received}, but did not end" if signalled.deliveries else received
            did = "was done, but the container ran on" if signalled.finished else did
            return f"the app {did}; SIGKILL ended the container {took}{lost}"


def _code(evidence: StopEvidence, signalled: SignalEvidence) -> str:
    """The exit code of an app that ended by itself, where it is not the one of success or of the signal."""
    said = _container_code(evidence)
    return f", with exit code {evidence.seen.exit_code}" if said and signalled.code_is_the_apps else said


def _container_code(evidence: StopEvidence) -> str:
    """The container's exit code, where it is not the one of success or of the signal."""
    code = evidence.seen.exit_code
    usual = (None, 0, _BY_SIGNAL + evidence.signalled.sent.number)
    return "" if code in usual else f" (the container's exit code is {code})"


@finding.register(StopEvidence)
def _found(evidence: StopEvidence) -> Finding:
    code = evidence.seen.exit_code
    how = "SIGKILL" if evidence.forced else "the end came by itself"
    facts = {
        "grace_s": evidence.grace_s,
        "took_s": round(evidence.took_s, 3),
        "forced": evidence.forced,
        "request": evidence.request.value if evidence.request else None,
    }
    if evidence.request is None:
        facts["needs_s"] = evidence.needs_s
    needs = _needs(evidence)
    if evidence.flight is not None:
        request = f"; {flight.told(evidence.flight)}"
        facts |= evidence.flight.facts
    else:
        request = f"; the request in flight was {evidence.request}" if evidence.request else "; no request was sent"
    return Finding(
        brief=f"{needs or f'{evidence.took_s:.1f} s'}, exit {'unknown' if code is None else code}",
        text=f"docker stop with {evidence.grace_s} s of grace: {how}, after {evidence.took_s:.2f} s, "
        f"exit code {code}{f' ({needs})' if needs else ''}{request}",
        facts=facts,
        marked={},
    )


def _needs(evidence: StopEvidence) -> str | None:
    """The shortest grace period that is safe; ``None`` where the run tells nothing of that.

    Who was forced, and had got the signal, may need more, or never end.
    """
    if (needs_s := evidence.needs_s) is not None:
        return f"needs {needs_s:.1f} s of {evidence.grace_s} s"
    told = evidence.signalled.deliveries and not evidence.signalled.finished
    return f"needs more than {evidence.grace_s} s" if evidence.forced and told and evidence.request is None else None


def by_hand(hand: ByHand) -> tuple[str, ...]:
    """Start it, put requests in flight, and stop it; a request that is held ends only then."""
    setting = hand.app.stop
    port = setting.port if setting else None
    plain = setting.in_flight if setting else None
    environment = setting.environment if setting else {}
    steps = [hand.run(environment=environment, port=plain.port if plain else port), hand.listening]
    if plain:
        steps += _plain_by_hand(hand, plain)
    elif setting and port:
        url = hand.url(port, setting.path)
        body = '(while [ -e "$hold" ]; do sleep 0.1; done; printf x)'
        curl = f'curl -s -N -H Expect: -T . -X POST -D "$hold" -o /dev/null {url} 2>/dev/null'
        steps += [
            "hold=$(mktemp)",
            f"({body} | {curl} && echo answered || echo lost) &   # a request in flight",
            'for i in $(seq 50); do [ -s "$hold" ] && break; sleep 0.1; done',
            f'(sleep {_held_s(hand)}; rm -f "$hold") &   # its end',
        ]
    stop = f'began=$(date +%s); {hand.cli} stop -t {hand.grace_s} {hand.name}; echo "took $(($(date +%s) - began)) s"'
    wait = ["wait"] if plain or (setting and port) else []
    return (*steps, stop, *wait, hand.logs, hand.state, hand.remove)


def _plain_by_hand(hand: ByHand, plain: InFlight) -> list[str]:
    """Requests that are under way, each in the background; a moment later the app has read them."""
    curl = "curl -s -H 'Connection: close' -o /dev/null \"$url\" && echo answered || echo lost"
    return [
        f"url={hand.url(plain.port, plain.path)}",
        f"for i in $(seq {plain.number}); do ({curl}) & done   # in flight",
        "sleep 0.2",
    ]


def _held_s(hand: ByHand) -> int:
    """For how many seconds the request is held: as in the run, so that what ended before its answer does so again."""
    if not isinstance(hand.evidence, StopEvidence):
        return 1
    seen = hand.evidence.seen
    if hand.evidence.request is Request.LOST:
        return min(hand.grace_s, ceil(hand.evidence.took_s) + 1)
    return max(1, min(hand.grace_s - 1, ceil((seen.decided_ns - seen.began_ns) / 1e9)))
