"""The sentence that says why a verdict is what it is, and which process is at fault. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from harness.core.evidence import Ground
from harness.core.process import Process, chain, find_app
from harness.core.program import PLUMBING, program
from harness.core.trace import sends
from harness.core.verdict import Verdict

if TYPE_CHECKING:
    from harness.core.evidence import Seen, SignalEvidence


_SIGKILL: Final = 9


def head(seen: Seen) -> str:
    """How every reason begins: what the main process is."""
    main = seen.main
    if main is None:
        return "the process tree could not be seen"
    return f"PID 1 is `{main.command}`" if main is not seen.app else f"PID 1 is the app, `{main.command}`"


def of_signal(evidence: SignalEvidence, verdict: Verdict) -> str:
    """The reason of a verdict on a signal, behind `head`."""
    main = evidence.seen.main
    if main is None:
        return ""
    signal = evidence.sent.name
    alone = main is evidence.seen.app
    match verdict:
        case Verdict.SWALLOWED:
            return f": {_dropped_by(evidence, main)}"
        case Verdict.FORWARDED:
            came = f", and handles {signal}" if alone else f": {signal} came through to the app, once"
            return came + _ground(evidence)
        case Verdict.DUPLICATED if evidence.further:
            more = " and ".join(f"{name} {count}×" for name, count in Counter(evidence.further).items())
            return f": the app was sent {signal}, and then {more}: who shuts down on either is told more than once"
        case Verdict.DUPLICATED:
            times = max(evidence.deliveries or 0, evidence.sends)
            merged = f", which merged into {evidence.deliveries}" if (evidence.deliveries or 0) < times else ""
            return f": the app was sent {signal} {times} times{merged}{_by(evidence)}"
        case Verdict.TRANSLATED:
            return f": the app {got(evidence)}"
        case Verdict.CUT_SHORT if not evidence.deliveries:
            return f": the app was sent {signal} and had no time to handle it, {_ending(evidence.seen)}"
        case Verdict.CUT_SHORT:
            return f": the app received {signal}, {_ending(evidence.seen)}"
        case Verdict.KILLED:
            saw = (
                f"app never saw {signal}"
                if not evidence.raised_again
                else f"app's runtime handled {signal} by dying of it"
            )
            return f": the {saw}, {_ending(evidence.seen)}"
        case _:
            raise AssertionError(f"{verdict} is not a verdict on a signal of a single run")


def readiness(evidence: SignalEvidence) -> str:
    """What is said behind a reason of an app that was not known to be ready."""
    if evidence.unrested_s is None:
        return ""
    return f" (taken to be ready after {evidence.unrested_s:.0f} s, as it does not come to rest: see --ready)"


def left_behind(evidence: SignalEvidence) -> str:
    """What the app has started and has left running as it ended well, as a clause; empty if nothing is known of that.

    By the record of the SIGKILL that the kernel sends as PID 1 ends (pid_namespaces(7)). What only helps others along
    does not count, nor what ignores the stop signal: it is there for as long as the app is.
    """
    seen = evidence.seen
    killed = {record.target_pid for record in sends(seen.trace or (), _SIGKILL) if record.by_kernel}
    tree = (*seen.before, *(process for process in seen.after if process not in seen.before))
    left = [
        process
        for process in {process.pid: process for process in tree}.values()
        if process.pid in killed
        and seen.app in chain(tree, process.pid)[:-1]
        and program(process.argv) not in PLUMBING
        and not process.ignores(evidence.sent)
    ]
    if not left:
        return ""
    if len(left) == 1:
        return f"; `{left[0].command}`, which it has started, was killed then"
    return f"; {len(left)} processes that it has started were killed then, `{left[0].command}` among them"


def _ground(evidence: SignalEvidence) -> str:
    """What a good verdict rests on, where it is not the app's own word; and the deadline, where that ended the wait."""
    words = []
    if evidence.receipts is not None and not evidence.own_receipts:
        words.append("by the kernel's record: `received` matches no line of its log")
    if evidence.seen.trace is None and evidence.by_its_end:
        words.append("inferred from its handler and its exit code, 0")
    if evidence.ground is Ground.DEADLINE:
        seconds = (evidence.seen.decided_ns - evidence.seen.began_ns) / 1e9
        words.append(f"by a deadline: not at rest within {seconds:.0f} s")
    return f" ({'; '.join(words)})" if words else ""


def _dropped_by(evidence: SignalEvidence, main: Process) -> str:
    """Name who stopped a signal that did not reach the app."""
    signal = evidence.sent.name
    if evidence.ground is Ground.MASKS and main.ignores(evidence.sent):
        return f"it ignores {signal}, so the kernel dropped it"
    if evidence.ground is Ground.MASKS:
        return f"no handler for {signal}, so the kernel dropped it"
    if main is evidence.seen.app and evidence.raised_again:
        return f"its runtime caught {signal} and sent it to itself again, which the kernel dropped"
    if main is evidence.seen.app and not main.may_get(evidence.sent):
        return f"it has no handler for {signal}, which did nothing visible"
    if main is evidence.seen.app:
        return f"it caught {signal} but did nothing visible"
    if evidence.typed:
        return f"{signal} from the terminal did not come through to the app"
    above = evidence.seen.chain[:-1]
    last = f"`{above[-1].command}`" if above else "nothing in the tree"
    return f"it took {signal}, but {last} did not pass it on to the app"


def _by(evidence: SignalEvidence) -> str:
    """Name the senders of a signal that came more than once, where the kernel recorded them."""
    names = {process.pid: process.command for process in (*evidence.seen.before, *evidence.seen.after)}
    senders = [
        "the terminal" if record.by_kernel else f"`{names.get(record.sender_pid, record.sender)}`"
        for record in evidence.sent_to_app
    ]
    return f", by {' and by '.join(dict.fromkeys(senders))}" if senders else ""


def got(evidence: SignalEvidence) -> str:
    """What the app received, as a clause."""
    if evidence.deliveries:
        return f"received {evidence.sent}"
    if evidence.deliveries is None:
        return f"is not known to have received {evidence.sent}"
    if evidence.died_of_it:
        return f"has no handler for {evidence.sent}, and died of it"
    others = ", ".join(evidence.others)
    return f"received {others} in place of {evidence.sent}" if others else f"never saw {evidence.sent}"


def _ending(seen: Seen) -> str:
    if seen.running:
        left = find_app(seen.after, None)
        return (
            f"then it was gone, while `{left.command}` runs on" if left else "then it was gone, the container runs on"
        )
    code = seen.exit_code
    return f"but the container ended with exit code {'unknown' if code is None else code} before the app was done"
