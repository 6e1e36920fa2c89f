"""From evidence to a verdict, and from verdicts to what was expected. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.core.model import (
    Delivery,
    Evidence,
    Forwards,
    Ground,
    Judgement,
    Outcome,
    Process,
    Run,
    Untested,
    Verdict,
)
from harness.core.settle import find_app, path

if TYPE_CHECKING:
    from collections.abc import Sequence


def judge(evidence: Evidence | Untested) -> Judgement:
    """Give the meaning of one run.

    ``cut-short`` goes before ``duplicated``: that the container ended under the app is there in every run, while a
    second delivery may merge with the first by luck. The delivery says it all the same.
    """
    if isinstance(evidence, Untested):
        return Judgement(verdict=Verdict.UNTESTED, delivery=Delivery.NONE, outcome=None, reason=evidence.reason)
    delivery = _delivery(max(evidence.deliveries, evidence.sends))
    if evidence.deliveries == 0:
        delivery = Delivery.NONE
    outcome = _outcome(evidence)
    alive = evidence.running and (evidence.app_pid is None or _app_after(evidence) is not None)
    if evidence.deliveries == 0 and evidence.sends == 0 and evidence.receipts:
        verdict = Verdict.TRANSLATED
    elif evidence.deliveries == 0:
        verdict = Verdict.SWALLOWED if alive else Verdict.CUT_SHORT if _overtaken(evidence) else Verdict.KILLED
    elif not alive and not evidence.done:
        verdict = Verdict.CUT_SHORT
    else:
        verdict = Verdict.DUPLICATED if delivery is Delivery.DUPLICATE else Verdict.FORWARDED
    return Judgement(verdict=verdict, delivery=delivery, outcome=outcome, reason=_reason(evidence, verdict))


def judge_all(runs: Sequence[Run]) -> tuple[Judgement, Run]:
    """Give the meaning of all runs of a cell, and the run that speaks for them.

    Runs that could not be tested do not count if others could; runs that disagree make the cell ``unstable``, with
    the counts.
    """
    tested = [run for run in runs if run.judgement.verdict is not Verdict.UNTESTED] or list(runs)
    counts = Counter(run.judgement.verdict for run in tested)
    if len(counts) == 1:
        shown = max(tested, key=lambda run: list(Delivery).index(run.judgement.delivery))
        return shown.judgement, shown
    shown = next(run for run in tested if run.judgement.verdict is not Verdict.FORWARDED)
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


def as_expected(expected: Forwards, verdict: Verdict, recorded: Verdict | None = None) -> bool | None:
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
        case Forwards.ALWAYS:
            return verdict is Verdict.FORWARDED
        case Forwards.NEVER:
            return verdict is not Verdict.FORWARDED
        case Forwards.DEPENDS:
            return None if recorded is None or recorded is Verdict.UNTESTED else True


def _delivery(times: int) -> Delivery:
    return (Delivery.NONE, Delivery.ONCE)[times] if times < 2 else Delivery.DUPLICATE  # noqa: PLR2004


def _outcome(evidence: Evidence) -> Outcome:
    if evidence.running:
        return Outcome.RUNNING
    return Outcome.EXITED if evidence.done else Outcome.ENDED


def _overtaken(evidence: Evidence) -> bool:
    """Whether the kernel put the signal on an app that has a handler, and the container's end came before it ran."""
    app = evidence.app
    return evidence.sends > 0 and app is not None and app.catches(evidence.sent)


def _app_after(evidence: Evidence) -> Process | None:
    return next((p for p in evidence.after if p.pid == evidence.app_pid and p.alive), None)


def _reason(evidence: Evidence, verdict: Verdict) -> str:
    signal = evidence.sent.name
    pid1 = evidence.pid1
    if pid1 is None:
        return f"the process tree could not be seen; the app logged {signal} {evidence.deliveries} times"
    app = evidence.app
    head = f"PID 1 is `{pid1.args}`" if pid1 is not app else f"PID 1 is the app, `{pid1.args}`"
    match verdict:
        case Verdict.SWALLOWED if evidence.ground is Ground.MASKS and pid1.ignores(evidence.sent):
            return f"{head}: it ignores {signal}, so the kernel dropped it"
        case Verdict.SWALLOWED if evidence.ground is Ground.MASKS:
            return f"{head}: no handler for {signal}, so the kernel dropped it"
        case Verdict.SWALLOWED if pid1 is app:
            return f"{head}: it took {signal} and did nothing that shows"
        case Verdict.SWALLOWED:
            return f"{head}: it took {signal}, but {_stopper(evidence)} did not pass it on to the app"
        case Verdict.FORWARDED if pid1 is app:
            return f"{head}, and handles {signal}"
        case Verdict.FORWARDED:
            return f"{head}: {signal} came through to the app, once"
        case Verdict.DUPLICATED:
            times = max(evidence.deliveries, evidence.sends)
            merged = f", which merged into {evidence.deliveries}" if evidence.deliveries < times else ""
            return f"{head}: the app was sent {signal} {times} times{merged}"
        case Verdict.TRANSLATED:
            got = ", ".join(dict.fromkeys(receipt.signal for receipt in evidence.receipts))
            return f"{head}: the app received {got} in place of {signal}"
        case Verdict.KILLED | Verdict.CUT_SHORT:
            seen = f"the app received {signal}" if evidence.deliveries else f"the app never saw {signal}"
            if verdict is Verdict.CUT_SHORT and not evidence.deliveries:
                seen = f"the app was sent {signal} and had no time to handle it"
            return f"{head}: {seen}, {_ending(evidence)}"
        case Verdict.UNSTABLE | Verdict.UNTESTED:
            raise AssertionError(f"{verdict} is no verdict of a single run's evidence")


def _stopper(evidence: Evidence) -> str:
    """Name the last process above the app: the one that had to hand the signal down."""
    above = path(evidence.before, evidence.app_pid or 0)[:-1]
    return f"`{above[-1].args}`" if above else "nothing in the tree"


def _ending(evidence: Evidence) -> str:
    if evidence.running:
        left = find_app(evidence.after, None)
        return f"then it was gone, while `{left.args}` runs on" if left else "then it was gone, the container runs on"
    code = evidence.exit_code
    return f"but the container ended with exit code {'unknown' if code is None else code} before the app was done"
