"""Exit codes: the app ends by itself with a code, and ``docker wait`` says one, too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from harness.core.evidence import ExitEvidence
from harness.run.observation import CannotTest, Rest
from harness.run.waiting import until

if TYPE_CHECKING:
    from harness.core.subject import ExitSetting
    from harness.run.observation import Observation
    from harness.run.protocol import Launch

CODES: Final = (42, 0, 143)
"""A failure, success, and the code that shells give a process that SIGTERM ended."""


def exiting(launch: Launch, setting: ExitSetting, code: int) -> Launch:
    """How a container is run whose app exits with a code."""
    return replace(launch, environment={**launch.environment, **setting.exiting(code)})


def see_exit(observation: Observation, code: int) -> ExitEvidence:
    """Look on while the app exits with a code, until the container has ended or rests without it.

    The process tree is looked at once; if the app was quicker, the evidence has none, and needs none.
    """
    observation.wait_until_ready()
    began_ns = observation.inbox.now_ns()
    before = observation.container.tree()
    rest = Rest(observation, before)

    def look() -> bool | None:
        observation.check()
        if observation.inbox.died is not None:
            return observation.ended() or None
        return True if rest.step() and observation.done() and rest.lasting else None

    if until(look, timeout_s=observation.patience.decide_s, time=observation.inbox) is None:
        raise CannotTest(f"the app did not exit within {observation.patience.decide_s:g} s")
    if not observation.done():
        raise CannotTest("the container ended, but its app does not say that it was done")
    seen = observation.container.exit_code() if observation.ended() else None
    after = () if observation.ended() else rest.sample
    return ExitEvidence(
        **observation.seen(before=before, app=observation.find_app(before), after=after, began_ns=began_ns),
        codes=((code, seen),),
    )


def together(parts: list[ExitEvidence]) -> ExitEvidence:
    """All codes of a run, in the evidence of the one that shows what is wrong, else of the first."""
    shown = next((part for part in parts if any(given != seen for given, seen in part.codes)), parts[0])
    return replace(shown, codes=tuple(code for part in parts for code in part.codes))
