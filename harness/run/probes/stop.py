"""``docker stop``, with a request in flight: does the app get to shut down, or does SIGKILL end it?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from harness.core.evidence import EngineEvent, Ground, Request, StopEvidence
from harness.run.observation import CannotTest, SignalDecider
from harness.run.waiting import until

if TYPE_CHECKING:
    from harness.core.signals import Signal
    from harness.core.subject import StopSetting
    from harness.run.observation import Observation
    from harness.run.protocol import Launch

_SIGKILL: Final = 9
_LATE_S: Final = 30.0


def with_shutdown(launch: Launch, setting: StopSetting) -> Launch:
    """How a container is run whose app shuts down when it is told to."""
    return replace(launch, environment={**launch.environment, **setting.environment}, publish=setting.port)


def stop(observation: Observation, signal: Signal, setting: StopSetting) -> StopEvidence:
    """Stop a container, and look on until it has ended.

    The request is held until the signal has done all that it does, to whichever process: only then the app gets what
    it needs to answer. So a container that ends too early is caught every time, not only when the app is slow. Where
    the container does not come to rest, as with a PID 1 that polls, that may take all the grace there is: then nothing
    can be said.

    Args:
        observation: the container, looked on at.
        signal: the image's stop signal.
        setting: how the app takes part.
    """
    initial = observation.open()
    held = None if setting.port is None else observation.container.request(setting.path)
    try:
        grace_s = observation.patience.grace_s
        began_ns = observation.container.stop(grace_s)
        observation.wait_for_signal(
            lambda: _event(observation, "kill") is not None, silence="the engine does not tell of its stop"
        )
        decider = SignalDecider(observation, initial, signal=signal, began_ns=began_ns)
        decision = observation.decide(decider.step)
        answered: bool | None = None

        def look() -> bool | None:
            nonlocal answered
            ended = observation.ended()
            # Nobody answers who does not shut down: that request ends as the container does.
            if held is not None and answered is None and (ended or observation.receipts(initial.lines)):
                answered = held.finish()
            return ended or None

        if not until(look, timeout_s=grace_s + _LATE_S, time=observation.inbox):
            raise CannotTest(f"the engine did not stop the container within {grace_s + _LATE_S:g} s")
    finally:
        if held is not None:
            held.close()
    observation.check()
    kills = [event for event in observation.inbox.events if event.action == "kill" and event.signal == _SIGKILL]
    if kills and held is not None and decision.ground is Ground.ENDED and observation.receipts(initial.lines):
        raise CannotTest(
            f"the app received {signal}, but the container did not come to rest within the {grace_s} s of grace, and "
            "the request was held for so long; without a port in [app.stop] it is stopped with no request in flight"
        )
    return StopEvidence(
        **observation.seen_of_signal(initial, decision, signal=signal, began_ns=began_ns),
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
