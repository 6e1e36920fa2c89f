"""From evidence to a verdict, and from verdicts to what was expected. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import singledispatch
from typing import TYPE_CHECKING, Final

from harness.core.contradiction import contradiction
from harness.core.doubt import doubt
from harness.core.evidence import SignalEvidence, Untested, other_app, unclear_writers
from harness.core.reason import head, of_signal, readiness
from harness.core.verdict import Delivery, Expected, Judgement, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from harness.core.evidence import Evidence
    from harness.core.result import Run

_UNSEEN_END: Final = "whether the app was done is not known"
_NOT_KNOWN: Final = 0.5
_DOUBTFUL: Final = (Verdict.FORWARDED, Verdict.SWALLOWED, Verdict.KILLED)


@singledispatch
def judge(evidence: Evidence | Untested) -> Judgement:
    """What one run means. A probe whose evidence is its own registers how it is judged."""
    raise TypeError(f"nothing judges {type(evidence).__name__}")


@judge.register
def _(untested: Untested) -> Judgement:
    return Judgement(verdict=Verdict.UNTESTED, delivery=None, outcome=None, reason=untested.reason)


@judge.register
def _(evidence: SignalEvidence) -> Judgement:
    wrong = contradiction(evidence, ours=() if evidence.typed else (evidence.sent.number,))
    if wrong is not None:
        return judge(Untested(reason=wrong))
    judged = [(_one_app(each), each) for each in evidence.per_app]
    worst, at = max(judged, key=lambda pair: _severity(pair[0].verdict))
    if len(judged) == 1 or worst.verdict is Verdict.UNTESTED:
        return worst
    whose = f"each of {len(judged)} apps" if worst.verdict.good else f"one of {len(judged)} apps, {named(at)}"
    return replace(worst, reason=f"{worst.reason} ({whose})")


def _one_app(evidence: SignalEvidence) -> Judgement:
    unknown = why_unknown(evidence)
    if unknown is not None:
        return judge(Untested(reason=unknown))
    verdict = _signalled(evidence)
    unclear = unclear_app(evidence) if verdict.good else None
    if unclear is not None:
        return judge(Untested(reason=unclear))
    return Judgement(
        verdict=verdict,
        delivery=delivery_of(evidence),
        outcome=outcome_of(evidence),
        reason=head(evidence.seen) + of_signal(evidence, verdict) + readiness(evidence),
    )


def _severity(verdict: Verdict) -> float:
    """How much a verdict on one app says of all: a bad one most, then what is not known."""
    return _NOT_KNOWN if verdict.rank is None else verdict.rank


def named(evidence: SignalEvidence) -> str:
    """The app in a sentence, where there are several."""
    app = evidence.seen.app
    return f"`{app.command}`, PID {app.inner_pid or app.pid}" if app else "which is gone"


def judge_all(runs: Sequence[Run]) -> tuple[Judgement, Run]:
    """What all runs of a cell mean, and the run that speaks for them.

    Runs that could not be tested do not count if others could; runs that disagree make the cell ``unstable``, with
    the counts. Runs that agree, but whose evidence leaves room for doubt, prove nothing; nor do good ones beside others
    that were seen to the end and whose evidence does not say how they went.
    """
    tested = [run for run in runs if run.judgement.verdict is not Verdict.UNTESTED] or list(runs)
    counts = Counter(run.judgement.verdict for run in tested)
    if len(counts) == 1:
        shown = max(tested, key=_weight)
        unclear = [run for run in runs if run not in tested and not isinstance(run.evidence, Untested)]
        if unclear and shown.judgement.verdict.good:
            look = f"{len(tested)} of {len(runs)} runs look {shown.judgement.verdict}, but of {len(unclear)}"
            reason = f"{look} that is not known: {unclear[0].judgement.reason}"
            return judge(Untested(reason=reason)), unclear[0]
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
    looks = f"{runs} runs look" if runs > 1 else "one run looks"
    needed = "" if evidence.seen.trace is not None else "; only the kernel's record can tell"
    return Judgement(
        verdict=Verdict.UNTESTED,
        delivery=None,
        outcome=None,
        reason=f"{looks} {judgement.verdict}, but {open_to}{needed}",
    )


def as_expected(
    expected: Expected, verdict: Verdict, recorded: Verdict | None = None, required: Collection[Verdict] = ()
) -> bool | None:
    """Whether a verdict is as expected.

    Args:
        expected: what the catalogue says; asserted unless it is ``depends``.
        verdict: the verdict.
        recorded: what a baseline says of this cell, if one covers it.
        required: what takes the place of what the catalogue says: the verdicts one of which it has to be.

    Returns:
        ``None`` if nothing can be said: the cell is untested, or all depends and nothing is recorded.
    """
    if verdict is Verdict.UNTESTED:
        return None
    if recorded is not None and recorded is not Verdict.UNTESTED and verdict is not recorded:
        return False
    if required:
        return verdict in required
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
    seen = evidence.seen
    alive = seen.running and (seen.app_pid is None or seen.app_after is not None)
    if not evidence.deliveries and evidence.sends == 0 and evidence.others:
        return Verdict.TRANSLATED
    if not evidence.deliveries:
        return Verdict.SWALLOWED if alive else Verdict.CUT_SHORT if _overtaken(evidence) else Verdict.KILLED
    if not alive and not evidence.finished:
        return Verdict.CUT_SHORT
    again = evidence.further or delivery_of(evidence) is Delivery.DUPLICATE
    return Verdict.DUPLICATED if again else Verdict.FORWARDED


def why_unknown(evidence: SignalEvidence) -> str | None:
    """Why it is not known what became of the signal; ``None`` if it is."""
    signal = evidence.sent
    if evidence.deliveries:
        ended = not evidence.seen.running or evidence.seen.app_after is None
        if ended and evidence.finished is None:
            return unseen_end(evidence)
        return None
    if evidence.deliveries is not None:
        return None
    unknown = f"whether the app received {signal} is not known"
    writers = unclear_writers(evidence)
    if evidence.receipts is None:
        return f"{unknown}: there is no pattern for it in the app's log, and no kernel's record"
    if evidence.early:
        return f"{unknown}: lines that `received` matches were in the log before the signal was sent"
    if writers:
        names = " or ".join(f"`{process.command}`" for process in writers)
        return f"{unknown}: the lines that `received` matches bear no PID, and may be of {names}"
    if not evidence.own_receipts:
        return f"{unknown}: the pattern `received` has matched no line of its log, so that silence says nothing"
    if evidence.impossible:
        return f"{unknown}: its log speaks of {' and '.join(evidence.impossible)}, for which it has no handler"
    return f"{unknown}: its log says so {evidence.receipts_of_sent}×, and it was sent once"


def unseen_end(evidence: SignalEvidence) -> str:
    """Why it is not known whether the app was done."""
    ended = f"the container ended with exit code {evidence.seen.exit_code}"
    if evidence.done is not None:
        return f"{_UNSEEN_END}: `done` matches no line of its log, and {ended}"
    needed = "; only the kernel's record can tell" if evidence.seen.trace is None else ""
    return f"{_UNSEEN_END}: {ended}, by the app's own code or by its runtime's{needed}"


def unclear_app(evidence: SignalEvidence) -> str | None:
    """Why it is not known whether what is taken for the app is it; ``None`` where nothing speaks against it."""
    app, other = evidence.seen.app, other_app(evidence)
    if app is None or other is None:
        return None
    died = f"`{other.command}`, which it has started, was not done as {evidence.sent} came, as far as is known"
    which = "which of the two is the app is not known: say so with --app PATTERN"
    return f"`{app.command}` ended well, but {died}; {which}"


def delivery_of(evidence: SignalEvidence) -> Delivery | None:
    """How often the app handled the signal, or was provably sent it; ``None`` if that is not known."""
    if evidence.deliveries is None:
        return None
    if evidence.deliveries == 0:
        return Delivery.NONE
    return Delivery.ONCE if max(evidence.deliveries, evidence.sends) == 1 else Delivery.DUPLICATE


def outcome_of(evidence: SignalEvidence) -> Outcome:
    """What became of the container."""
    if evidence.seen.running:
        return Outcome.RUNNING
    return Outcome.EXITED if evidence.finished else Outcome.ENDED


def _overtaken(evidence: SignalEvidence) -> bool:
    """Whether the kernel put the signal on an app that has a handler, and the container's end came before it ran."""
    app = evidence.seen.app
    return evidence.sends > 0 and app is not None and app.catches(evidence.sent) and not evidence.raised_again
