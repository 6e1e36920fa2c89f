"""``stop``: ``docker stop``, with a request in flight where a port is given. Does the app get to shut down?"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING, Final

from harness.core.contradiction import contradiction
from harness.core.describe import finding
from harness.core.document import Finding
from harness.core.evidence import Ground, Seen, SignalEvidence, Untested
from harness.core.judge import delivery_of, judge, outcome_of, unseen_end
from harness.core.reason import got, head
from harness.core.verdict import Judgement, Outcome, Verdict
from harness.run.faults import CannotTest
from harness.run.rest import ANSWER_NS, SignalDecider
from harness.run.waiting import until

if TYPE_CHECKING:
    from harness.core.evidence import EngineEvent
    from harness.core.reproduce import ByHand
    from harness.core.subject import StopSetting
    from harness.run.asking import Asking
    from harness.run.observation import Observation

_SIGKILL: Final = 9
_LATE_S: Final = 30.0


class Request(StrEnum):
    """What became of a request that was in flight when the container was told to stop."""

    ANSWERED = "answered"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True, slots=True)
class StopEvidence:
    """The evidence of one ``docker stop``: ``took_s`` from the stop to the container's end, in seconds.

    ``signalled`` is about the stop signal, ``forced`` says whether the engine had to send SIGKILL, ``request`` what
    became of the request in flight (``None`` if there was none).
    """

    signalled: SignalEvidence
    grace_s: int
    took_s: float
    forced: bool
    request: Request | None

    @property
    def seen(self) -> Seen:
        """What was seen, whatever the probe."""
        return self.signalled.seen


def ask(asking: Asking) -> StopEvidence | Untested:
    """Stop a container, and look on until it has ended.

    The request is held until the signal has done all that it does, to whichever process: only then the app gets what
    it needs to answer. So a container that ends too early is caught every time, not only when the app is slow. Where
    the container does not come to rest, as with a PID 1 that polls, that may take all the grace there is: then nothing
    can be said.
    """
    setting = asking.app.stop
    if setting is None:
        return Untested(reason="the catalogue does not say how to make the app shut down: add an [app.stop] table")
    launch = replace(asking.launch.with_environment(setting.environment), publish=setting.port)
    return asking.see(launch, lambda observation: _stop(observation, asking, setting))


def _stop(observation: Observation, asking: Asking, setting: StopSetting) -> StopEvidence:
    # Where no request is held until all is at rest, the container's end decides.
    initial = observation.open(ticks=setting.port is not None)
    held = None if setting.port is None else observation.container.request(setting.path)
    try:
        grace_s = asking.patience.grace_s
        if held is not None and not held.in_flight():
            raise CannotTest(
                f"the answer to POST {setting.path} ended before the request did, so none was in flight at the stop: "
                "give a path in [app.stop] whose answer waits for the end of the request, or no port"
            )
        began_ns = observation.container.stop(grace_s)
        observation.wait_for_signal(
            lambda: _event(observation, "kill") is not None, silence="the engine does not tell of its stop"
        )
        told_ns = observation.inbox.now_ns()
        decider = SignalDecider(observation, initial, signal=asking.signal, began_ns=began_ns, grace_s=grace_s)
        decision = observation.decide(decider.step)
        left_ns = told_ns + round(grace_s * 1e9) - observation.inbox.now_ns()
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
    finally:
        if held is not None:
            held.close()
    observation.check()
    kills = [event for event in observation.inbox.events if event.action == "kill" and event.signal == _SIGKILL]
    unsettled = decision.ground in (Ground.ENDED, Ground.DEADLINE) or left_ns < ANSWER_NS
    if kills and held is not None and unsettled and observation.receipts(initial.lines):
        raise CannotTest(
            f"the app received {asking.signal}, but the container did not come to rest within the {grace_s} s of "
            "grace, and the request was held for so long; without a port in [app.stop] it is stopped with no request "
            "in flight"
        )
    return StopEvidence(
        signalled=observation.signalled(initial, decision, signal=asking.signal, began_ns=began_ns),
        grace_s=grace_s,
        took_s=_took_s(observation, began_ns),
        forced=bool(kills),
        request=None if answered is None else Request.ANSWERED if answered else Request.LOST,
    )


def _took_s(observation: Observation, began_ns: int) -> float:
    """From the stop signal to the end: by the engine's clock, which has both events, else by ours."""
    kill, die = _event(observation, "kill"), _event(observation, "die")
    if kill is not None and die is not None and die.time_ns >= kill.time_ns > 0:
        return (die.time_ns - kill.time_ns) / 1e9
    return (observation.inbox.now_ns() - began_ns) / 1e9


def _event(observation: Observation, action: str) -> EngineEvent | None:
    """The first event of a kind."""
    return next((event for event in observation.inbox.events if event.action == action), None)


@judge.register(StopEvidence)
def _judged(evidence: StopEvidence) -> Judgement:
    apps, sent = evidence.signalled.per_app, evidence.signalled.sent.number
    ours = (sent, _SIGKILL) if evidence.took_s >= evidence.grace_s else (sent,)
    wrong = contradiction(evidence.signalled, ours)
    if wrong is None and not evidence.forced and any(app.finished is None for app in apps):
        wrong = unseen_end(evidence.signalled)
    if wrong is not None:
        return judge(Untested(reason=wrong))
    verdict = _verdict(evidence)
    outcome = Outcome.ENDED if evidence.forced else outcome_of(evidence.signalled)
    seen = evidence.seen
    reason = f"{head(seen)}: {_reason(evidence, verdict)}" if seen.main else head(seen)
    return Judgement(verdict=verdict, delivery=delivery_of(evidence.signalled), outcome=outcome, reason=reason)


def _verdict(evidence: StopEvidence) -> Verdict:
    if evidence.forced:
        return Verdict.FORCED
    finished = all(app.finished for app in evidence.signalled.per_app) and evidence.request is not Request.LOST
    return Verdict.GRACEFUL if finished else Verdict.ABRUPT


def _reason(evidence: StopEvidence, verdict: Verdict) -> str:
    signalled = evidence.signalled
    took = f"{evidence.took_s:.1f} s after {signalled.sent}"
    received = got(signalled)
    answered = ", answered the request in flight" if evidence.request is Request.ANSWERED else ""
    lost = ", and the request in flight was lost" if evidence.request is Request.LOST else ""
    match verdict:
        case Verdict.GRACEFUL:
            return f"the app {received}{answered}, and ended by itself"
        case Verdict.ABRUPT if signalled.finished:
            return f"the app {received} and ended by itself, but the request in flight was lost"
        case Verdict.ABRUPT if signalled.raised_again:
            how = "died of it" if signalled.killed else f"ended with exit code {evidence.seen.exit_code}"
            return (
                f"{signalled.sent} was handled by the app's runtime, which raised it again, and the app {how} "
                f"{evidence.took_s:.1f} s after it{lost}"
            )
        case Verdict.ABRUPT:
            was = f"{received} and was not done" if signalled.deliveries else received
            return f"the container ended by itself {took}, but the app {was}{lost}"
        case _:
            did = f"{received}, but did not end" if signalled.deliveries else received
            did = "was done, but the container ran on" if signalled.finished else did
            return f"the app {did}; SIGKILL ended the container {took}{lost}"


@finding.register(StopEvidence)
def _found(evidence: StopEvidence) -> Finding:
    code = evidence.seen.exit_code
    how = "SIGKILL" if evidence.forced else "the end came by itself"
    request = f"; the request in flight was {evidence.request}" if evidence.request else "; no request was sent"
    return Finding(
        brief=f"{evidence.took_s:.1f} s, {code}",
        text=f"docker stop with {evidence.grace_s} s of grace: {how}, after {evidence.took_s:.2f} s, "
        f"exit code {code}{request}",
        facts={
            "grace_s": evidence.grace_s,
            "took_s": round(evidence.took_s, 3),
            "forced": evidence.forced,
            "request": evidence.request.value if evidence.request else None,
        },
        marked={},
    )


def by_hand(hand: ByHand) -> tuple[str, ...]:
    """Start it, put a request in flight, stop it, and let the request end only then."""
    setting = hand.app.stop
    port = setting.port if setting else None
    steps = [hand.run(environment=setting.environment if setting else {}, port=port), hand.listening]
    if setting and port:
        url = f"http://$(docker port {hand.name} {port}){shlex.quote(setting.path)}"
        body = '(while [ -e "$hold" ]; do sleep 0.1; done; printf x)'
        curl = f'curl -s -N -H Expect: -T . -X POST -D "$hold" -o /dev/null {url} 2>/dev/null'
        steps += [
            "hold=$(mktemp)",
            f"({body} | {curl} && echo answered || echo lost) &   # a request in flight",
            'for i in $(seq 50); do [ -s "$hold" ] && break; sleep 0.1; done',
            f'(sleep {_held_s(hand)}; rm -f "$hold") &   # its end',
        ]
    stop = f'began=$(date +%s); docker stop -t {hand.grace_s} {hand.name}; echo "took $(($(date +%s) - began)) s"'
    wait = ["wait"] if setting and port else []
    return (*steps, stop, *wait, hand.logs, hand.state, hand.remove)


def _held_s(hand: ByHand) -> int:
    """For how many seconds the request is held: as in the run, so that what ended before its answer does so again."""
    if not isinstance(hand.evidence, StopEvidence):
        return 1
    seen = hand.evidence.seen
    if hand.evidence.request is Request.LOST:
        return min(hand.grace_s, ceil(hand.evidence.took_s) + 1)
    return max(1, min(hand.grace_s - 1, ceil((seen.decided_ns - seen.began_ns) / 1e9)))
