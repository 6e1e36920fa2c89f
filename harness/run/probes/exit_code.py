"""``exit-code``: the app ends by itself with a code, and ``docker wait`` says one, too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from harness.core.describe import finding
from harness.core.document import Finding
from harness.core.evidence import Seen, Untested
from harness.core.judge import judge
from harness.core.reason import head
from harness.core.verdict import Judgement, Outcome, Verdict
from harness.run.faults import CannotTest
from harness.run.rest import Rest
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.reproduce import ByHand
    from harness.run.asking import Asking
    from harness.run.observation import Observation

CODES: Final = (42, 0, 143)
"""A failure, success, and the code that shells give a process that SIGTERM ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExitEvidence:
    """Exit codes that the app ended with, and what ``docker wait`` said of each; ``None`` if the container ran on.

    ``anew`` says whether it ran on as the app was started once more.
    """

    seen: Seen
    codes: tuple[tuple[int, int | None], ...]
    anew: bool = False

    @property
    def signalled(self) -> None:
        """No signal is at stake."""
        return


def ask(asking: Asking) -> ExitEvidence | Untested:
    """Let the app exit with each of the codes, in a container each.

    Returns:
        All codes, in the evidence of the container that shows what is wrong, else of the first.
    """
    setting = asking.app.exit_code
    if setting is None:
        return Untested(reason="the catalogue does not say how to make the app exit: add an [app.exit-code] table")
    launches = {code: asking.launch.with_environment(setting.exiting(code)) for code in CODES}
    looks = [partial(asking.see, launch, partial(_see_exit, code=code)) for code, launch in launches.items()]
    found = asking.several(looks, enough=lambda part: isinstance(part, Untested))
    untested = next((part for part in found if isinstance(part, Untested)), None)
    if untested is not None:
        return untested
    parts = [part for part in found if isinstance(part, ExitEvidence)]
    shown = next((part for part in parts if _wrong(part.codes)), parts[0])
    return replace(shown, codes=tuple(code for part in parts for code in part.codes))


def _see_exit(observation: Observation, code: int) -> ExitEvidence:
    """Look on while the app exits with a code, until the container has ended or rests without it.

    The process tree is looked at once; if the app was quicker, the evidence has none, and needs none.
    """
    observation.wait_until_ready()
    began_ns = observation.inbox.now_ns()
    before = observation.container.tree()
    choice = observation.choose(before)
    rest = Rest.after(observation, before, told={process.pid for process in before})

    def look() -> bool | None:
        observation.check()
        if observation.inbox.died is not None:
            return observation.ended() or None
        at_rest = rest.step() and rest.lasting()
        return True if observation.done() and (at_rest or rest.late or observation.ready_again()) else None

    if until(look, timeout_s=observation.patience.decide_s, time=observation.inbox) is None:
        raise CannotTest(f"the app did not exit within {observation.patience.decide_s:g} s")
    if observation.done() is False:
        raise CannotTest("the container ended, but its app does not say that it was done")
    given = observation.container.exit_code() if observation.ended() else None
    after = () if observation.ended() else rest.sample
    seen = observation.seen(before=before, choice=choice, after=after, began_ns=began_ns)
    return ExitEvidence(seen=seen, codes=((code, given),), anew=given is None and observation.ready_again())


def _wrong(codes: Sequence[tuple[int, int | None]]) -> list[tuple[int, int | None]]:
    return [(given, seen) for given, seen in codes if given != seen]


@judge.register(ExitEvidence)
def _judged(evidence: ExitEvidence) -> Judgement:
    # An app that exits at once may be gone before its tree is looked at.
    begin = f"{head(evidence.seen)}: " if evidence.seen.main else ""
    return Judgement(
        verdict=Verdict.LOST if _wrong(evidence.codes) else Verdict.KEPT,
        delivery=None,
        outcome=Outcome.RUNNING if evidence.seen.running else Outcome.EXITED,
        reason=begin + _reason(evidence),
    )


def _reason(evidence: ExitEvidence) -> str:
    codes = evidence.codes
    wrong = _wrong(codes)
    if not wrong:
        return f"the app's exit codes {', '.join(str(given) for given, _ in codes)} are those of the container"
    ran_on = "was started anew" if evidence.anew else "the container ran on"
    return "; ".join(
        f"the app exited with {given}, and {ran_on}"
        if seen is None
        else f"the app exited with {given}, the container with {seen}"
        for given, seen in wrong
    )


@finding.register(ExitEvidence)
def _found(evidence: ExitEvidence) -> Finding:
    wrong = _wrong(evidence.codes)
    return Finding(
        brief=f"{wrong[0][0]} → {'runs on' if wrong[0][1] is None else wrong[0][1]}" if wrong else "",
        text="\n".join(
            f"the app exits with {given}: docker wait says {'nothing, it runs on' if seen is None else seen}"
            for given, seen in evidence.codes
        ),
        facts={str(given): seen for given, seen in evidence.codes},
        marked={},
    )


def by_hand(hand: ByHand) -> tuple[str, ...]:
    """Start it so that its app exits, with the code that was lost if one was, and see what the container ends with."""
    codes = hand.evidence.codes if isinstance(hand.evidence, ExitEvidence) else ()
    code = next((given for given, _ in _wrong(codes)), CODES[0])
    environment = hand.app.exit_code.exiting(code) if hand.app.exit_code else {}
    return hand.run(environment=environment), hand.ended, f"{hand.state}   # exited {code}?", hand.remove
