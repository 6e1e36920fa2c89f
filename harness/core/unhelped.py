"""What to say where nothing that was tried helps: that it does not, and why, by what each of it has shown. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.core.advice import lacking
from harness.core.evidence import Ground
from harness.core.question import Probe
from harness.core.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.evidence import SignalEvidence
    from harness.core.fix import Fix
    from harness.core.result import Result
    from harness.core.signals import Signal

_RAISED: Final = "has no handler of its own for {} (its runtime's raises it again)"
_IGNORED: Final = "ignores {}"
_NO_HANDLER: Final = "has no handler for {}"
_LATE: Final = "gets {}, but is not done in time"
_NOT_TOLD: Final = "is not told"


def nothing_helps(tried: Sequence[Result]) -> str | None:
    """A sentence on changes of which none helps; ``None`` if nothing was tried, or something helps.

    Args:
        tried: what the cell brought with each change.
    """
    if not tried or any(result.verdict.good for result in tried):
        return None
    tested = [result for result in tried if result.verdict is not Verdict.UNTESTED]
    if not tested:
        return "Whether anything tried helps is not known: nothing of it could be tested."
    left = len(tried) - len(tested)
    known = f"Nothing tried is known to help: {left} of {len(tried)} could not be tested, and"
    verdicts = dict.fromkeys(result.verdict for result in tested)
    each = "each other" if left else "each"
    said = f"{known if left else 'Nothing tried helps:'} {each} is {' or '.join(verdicts)}"
    because = _because(tested)
    return f"{said}, because the app {because}." if because else f"{said}."


def in_the_app(result: Result, tried: Sequence[Result]) -> tuple[Fix, ...]:
    """What the app's own code lacks, by what changes have shown of which none helps; each fix once.

    Args:
        result: what was found without any.
        tried: what the cell brought with each change.
    """
    if nothing_helps(tried) is None:
        return ()
    same = (one for one in tried if _sent(one) == _sent(result))
    return tuple(dict.fromkeys(fix for one in same for fix in lacking(one)))


def _sent(result: Result) -> Signal | None:
    signalled = result.evidence.signalled if result.evidence else None
    return signalled.sent if signalled else None


def _because(tried: Sequence[Result]) -> str | None:
    """What about the app keeps each change from helping; ``None`` where that is not known of all."""
    signals: dict[str, dict[str, None]] = {}
    for result in tried:
        apps = result.evidence.signalled.per_app if result.evidence and result.evidence.signalled else ()
        stopped = result.cell.question.probe is Probe.STOP
        why = {_of_app(app, stopped=stopped) for app in apps if not (app.deliveries and app.finished)}
        if len(why) != 1 or (cause := why.pop()) is None:
            return None
        signals.setdefault(cause, {})[str(_sent(result))] = None
    return ", or ".join(cause.format(" and ".join(sent)) for cause, sent in signals.items()) or None


def _of_app(evidence: SignalEvidence, *, stopped: bool) -> str | None:
    """What an app does with the signal, with a place for that; ``None`` where nothing explains the verdict."""
    app, sent, told_by = evidence.seen.app, evidence.sent, evidence.seen.trace is not None
    if app is None:
        return None
    if evidence.raised_again:
        return _RAISED
    if evidence.ended_by_preloaded:
        return _NO_HANDLER
    if app.ignores(sent):
        return _IGNORED
    if not app.may_get(sent):
        return _NO_HANDLER
    if evidence.deliveries and stopped:
        return _LATE
    if evidence.deliveries == 0 and not evidence.sends and (told_by or evidence.ground is Ground.MASKS):
        return _NOT_TOLD
    return None
