"""From evidence to a verdict, and from verdicts to what was expected. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from harness.core.doubt import doubt
from harness.core.evidence import Evidence, ExitEvidence, ReapEvidence, Request, SignalEvidence, StopEvidence, Untested
from harness.core.reason import reason_for
from harness.core.verdict import Delivery, Expected, Judgement, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.result import Run

_DOUBTFUL: Final = (Verdict.FORWARDED, Verdict.SWALLOWED, Verdict.KILLED)


def judge(evidence: Evidence | Untested) -> Judgement:
    """Give the meaning of one run."""
    if isinstance(evidence, Untested):
        return Judgement(verdict=Verdict.UNTESTED, delivery=None, outcome=None, reason=evidence.reason)
    delivery = None
    match evidence:
        case StopEvidence():
            verdict, delivery = _stopped(evidence), _delivery(evidence)
        case SignalEvidence():
            verdict, delivery = _signalled(evidence), _delivery(evidence)
        case ExitEvidence():
            verdict = Verdict.KEPT if all(given == seen for given, seen in evidence.codes) else Verdict.LOST
        case ReapEvidence():
            verdict = Verdict.ZOMBIE if evidence.zombie else Verdict.REAPED
    return Judgement(
        verdict=verdict, delivery=delivery, outcome=_outcome(evidence), reason=reason_for(evidence, verdict)
    )


def judge_all(runs: Sequence[Run]) -> tuple[Judgement, Run]:
    """Give the meaning of all runs of a cell, and the run that speaks for them.

    Runs that could not be tested do not count if others could; runs that disagree make the cell ``unstable``, with
    the counts. Runs that agree, but whose evidence leaves room for doubt, prove nothing.
    """
    tested = [run for run in runs if run.judgement.verdict is not Verdict.UNTESTED] or list(runs)
    counts = Counter(run.judgement.verdict for run in tested)
    if len(counts) == 1:
        shown = max(tested, key=_weight)
        return _unless_doubtful(shown, len(tested)), shown
    shown = next(run for run in tested if not run.judgement.verdict.good)
    tally = ", ".join(f"{verdict} {count}×" for verdict, count in counts.most_common())
    return (
        Judgement(
            verdict=Verdict.UNSTABLE,
            delivery=shown.judgement.delivery,
            outcome=shown.judgement.outcome,
            reason=f"{len(tested)} runs disagree: {tally}; for instance, {shown.judgement.reason}",
        ),
        shown,
    )


def _weight(run: Run) -> int:
    """How much a run shows of what can go wrong; of equal ones the first speaks."""
    return list(Delivery).index(run.judgement.delivery or Delivery.NONE)


def _unless_doubtful(shown: Run, runs: int) -> Judgement:
    judgement, evidence = shown.judgement, shown.evidence
    if not isinstance(evidence, SignalEvidence) or judgement.verdict not in _DOUBTFUL:
        return judgement
    open_to = doubt(evidence)
    if open_to is None:
        return judgement
    seen = f"{runs} runs look" if runs > 1 else "one run looks"
    told = "" if evidence.trace is not None else "; only the kernel's record can tell"
    return Judgement(
        verdict=Verdict.UNTESTED,
        delivery=None,
        outcome=None,
        reason=f"{seen} {judgement.verdict}, but {open_to}{told}",
    )


def as_expected(expected: Expected, verdict: Verdict, recorded: Verdict | None = None) -> bool | None:
    """Tell whether a verdict is as expected.

    Args:
        expected: what the catalogue says; asserted unless it is ``depends``.
        verdict: what was seen.
        recorded: what a baseline says of this cell, if one covers it.

    Returns:
        ``None`` if nothing can be said: the cell is untested, or all depends and nothing is recorded.
    """
    if verdict is Verdict.UNTESTED:
        return None
    if recorded is not None and recorded is not Verdict.UNTESTED and verdict is not recorded:
        return False
    match expected:
        case Expected.ALWAYS:
            return verdict.good
        case Expected.NEVER:
            return not verdict.good
        case Expected.DEPENDS:
            return None if recorded is None or recorded is Verdict.UNTESTED else True


def _signalled(evidence: SignalEvidence) -> Verdict:
    """``cut-short`` goes before ``duplicated``.

    That the container ended under the app is there in every run, while a second delivery may merge with the first by
    luck. The delivery says it all the same.
    """
    alive = evidence.running and (evidence.app_pid is None or evidence.app_after is not None)
    if evidence.deliveries == 0 and evidence.sends == 0 and evidence.receipts:
        return Verdict.TRANSLATED
    if evidence.deliveries == 0:
        return Verdict.SWALLOWED if alive else Verdict.CUT_SHORT if _overtaken(evidence) else Verdict.KILLED
    if not alive and not evidence.done:
        return Verdict.CUT_SHORT
    return Verdict.DUPLICATED if _delivery(evidence) is Delivery.DUPLICATE else Verdict.FORWARDED


def _stopped(evidence: StopEvidence) -> Verdict:
    if evidence.forced:
        return Verdict.FORCED
    return Verdict.GRACEFUL if evidence.done and evidence.request is not Request.LOST else Verdict.ABRUPT


def _delivery(evidence: SignalEvidence) -> Delivery:
    if evidence.deliveries == 0:
        return Delivery.NONE
    return Delivery.ONCE if max(evidence.deliveries, evidence.sends) == 1 else Delivery.DUPLICATE


def _outcome(evidence: Evidence) -> Outcome:
    if evidence.running:
        return Outcome.RUNNING
    match evidence:
        case StopEvidence(forced=True) | ReapEvidence():
            return Outcome.ENDED
        case SignalEvidence():
            return Outcome.EXITED if evidence.done else Outcome.ENDED
        case ExitEvidence():
            return Outcome.EXITED


def _overtaken(evidence: SignalEvidence) -> bool:
    """Whether the kernel put the signal on an app that has a handler, and the container's end came before it ran."""
    app = evidence.app
    return evidence.sends > 0 and app is not None and app.catches(evidence.sent)
