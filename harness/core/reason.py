"""The sentence that says why a verdict is what it is, and which process is at fault. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.evidence import (
    Evidence,
    ExitEvidence,
    Ground,
    ReapEvidence,
    Request,
    Seen,
    SignalEvidence,
    StopEvidence,
)
from harness.core.process import Process, find_app, path
from harness.core.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence


def reason_for(evidence: Evidence, verdict: Verdict) -> str:
    """Give the reason of one run's verdict."""
    pid1 = evidence.pid1
    if pid1 is None:
        # An app that exits at once may be gone before its tree is looked at.
        return _of_exit(evidence.codes) if isinstance(evidence, ExitEvidence) else "the process tree could not be seen"
    head = f"PID 1 is `{pid1.args}`" if pid1 is not evidence.app else f"PID 1 is the app, `{pid1.args}`"
    match evidence:
        case StopEvidence():
            return f"{head}: {_of_stop(evidence, verdict)}"
        case SignalEvidence():
            return f"{head}{_of_signal(evidence, verdict, pid1)}"
        case ExitEvidence():
            return f"{head}: {_of_exit(evidence.codes)}"
        case ReapEvidence():
            return f"{head}: {_of_reaping(evidence, pid1)}"


def _of_signal(evidence: SignalEvidence, verdict: Verdict, pid1: Process) -> str:
    signal = evidence.sent.name
    alone = pid1 is evidence.app
    match verdict:
        case Verdict.SWALLOWED:
            return f": {_dropped_by(evidence, pid1)}"
        case Verdict.FORWARDED:
            return f", and handles {signal}" if alone else f": {signal} came through to the app, once"
        case Verdict.DUPLICATED:
            times = max(evidence.deliveries, evidence.sends)
            merged = f", which merged into {evidence.deliveries}" if evidence.deliveries < times else ""
            return f": the app was sent {signal} {times} times{merged}{_by(evidence)}"
        case Verdict.TRANSLATED:
            return f": the app {_got(evidence)}"
        case Verdict.CUT_SHORT if not evidence.deliveries:
            return f": the app was sent {signal} and had no time to handle it, {_ending(evidence)}"
        case Verdict.CUT_SHORT:
            return f": the app received {signal}, {_ending(evidence)}"
        case Verdict.KILLED:
            return f": the app never saw {signal}, {_ending(evidence)}"
        case _:
            raise AssertionError(f"{verdict} is no verdict on a signal of a single run")


def _dropped_by(evidence: SignalEvidence, pid1: Process) -> str:
    """Name who stopped a signal that did not reach the app."""
    signal = evidence.sent.name
    if evidence.ground is Ground.MASKS and pid1.ignores(evidence.sent):
        return f"it ignores {signal}, so the kernel dropped it"
    if evidence.ground is Ground.MASKS:
        return f"no handler for {signal}, so the kernel dropped it"
    if pid1 is evidence.app:
        return f"it took {signal} and did nothing that shows"
    if evidence.typed:
        return f"{signal} from the terminal did not come through to the app"
    above = path(evidence.before, evidence.app_pid or 0)[:-1]
    last = f"`{above[-1].args}`" if above else "nothing in the tree"
    return f"it took {signal}, but {last} did not pass it on to the app"


def _by(evidence: SignalEvidence) -> str:
    """Name the senders of a signal that came more than once, where the kernel recorded them."""
    names = {process.pid: process.args for process in (*evidence.before, *evidence.after)}
    senders = [
        "the terminal" if record.by_kernel else f"`{names.get(record.sender_pid, record.sender)}`"
        for record in evidence.sent_to_app
    ]
    return f", by {' and by '.join(dict.fromkeys(senders))}" if senders else ""


def _of_stop(evidence: StopEvidence, verdict: Verdict) -> str:
    took = f"{evidence.took_s:.1f} s after {evidence.sent}"
    got = _got(evidence)
    answered = ", answered the request in flight" if evidence.request is Request.ANSWERED else ""
    lost = ", and the request in flight was lost" if evidence.request is Request.LOST else ""
    match verdict:
        case Verdict.GRACEFUL:
            return f"the app {got}{answered}, and ended by itself"
        case Verdict.ABRUPT if evidence.done:
            return f"the app {got} and ended by itself, but the request in flight was lost"
        case Verdict.ABRUPT:
            was = f"{got} and was not done" if evidence.receipts else got
            return f"the container ended by itself {took}, but the app {was}{lost}"
        case _:
            did = (
                "was done, but the container ran on"
                if evidence.done
                else f"{got}, but did not end"
                if evidence.receipts
                else got
            )
            return f"the app {did}; SIGKILL ended the container {took}{lost}"


def _got(evidence: SignalEvidence) -> str:
    if evidence.deliveries:
        return f"received {evidence.sent}"
    others = ", ".join(dict.fromkeys(receipt.signal for receipt in evidence.receipts))
    return f"received {others} in place of {evidence.sent}" if others else f"never saw {evidence.sent}"


def _of_exit(codes: Sequence[tuple[int, int | None]]) -> str:
    wrong = [(given, seen) for given, seen in codes if given != seen]
    if not wrong:
        told = ", ".join(str(given) for given, _ in codes)
        return f"the app's exit codes {told} are those of the container"
    return "; ".join(
        f"the app exited with {given}, and the container ran on"
        if seen is None
        else f"the app exited with {given}, the container with {seen}"
        for given, seen in wrong
    )


def _of_reaping(evidence: ReapEvidence, pid1: Process) -> str:
    adopter = next((p for p in evidence.before if p.pid == evidence.orphan.ppid), None)
    who = "it" if adopter is None or adopter.pid == pid1.pid else f"`{adopter.args}`"
    left = "did not wait for it: it stays a zombie" if evidence.zombie else "waited for it"
    return f"an orphan, `{evidence.orphan.args}`, passed to {who} and ended, and {who} {left}"


def _ending(evidence: Seen) -> str:
    if evidence.running:
        left = find_app(evidence.after, None)
        return f"then it was gone, while `{left.args}` runs on" if left else "then it was gone, the container runs on"
    code = evidence.exit_code
    return f"but the container ended with exit code {'unknown' if code is None else code} before the app was done"
