"""What each kind of evidence means, down to the sentence that says why."""

from __future__ import annotations

import pytest

from harness.core.evidence import EngineEvent, Evidence, Ground, Receipt, SignalEvidence, Untested
from harness.core.judge import as_expected, judge, judge_all
from harness.core.process import Process
from harness.core.result import Run
from harness.core.signals import Signal
from harness.core.trace import Fate, Handled, Sent
from harness.core.verdict import Delivery, Expected, Judgement, Outcome, Verdict
from harness.run.probes.exit_code import ExitEvidence
from harness.run.probes.reap import ReapEvidence
from harness.run.probes.stop import Request, StopEvidence
from tests.support.evidence import changed, made, words

TERM = 1 << 14
SHELL = Process(
    pid=100,
    ppid=50,
    pgid=100,
    state="S",
    caught=0,
    ignored=0,
    blocked=0,
    pending=0,
    argv=words("/bin/sh -c node app.js"),
)
APP = changed(SHELL, pid=101, ppid=100, caught=TERM, argv=words("node app.js"))
TREE = (SHELL, APP)
ALONE = (changed(APP, pid=100, ppid=50),)


def received(*names: str) -> tuple[Receipt, ...]:
    return tuple(Receipt(signal=name, at_ns=None, read_ns=2) for name in names)


def sent(fate: Fate = Fate.DELIVERED, *, number: int = 15, target: int = 101) -> Sent:
    return Sent(time_s=1.0, sender="sh", sender_pid=100, number=number, target="node", target_pid=target, fate=fate)


RAN = Handled(time_s=1.1, comm="node", pid=101, number=15, handler=64)
KILLED_WITH_PID_1 = changed(sent(number=9), by_kernel=True)
FROM_ENGINE = changed(sent(), sender="runc", sender_pid=5, target_pid=100, from_outside=True)
STAYS = made(
    SignalEvidence,
    sent=Signal(15),
    began_ns=1,
    app_pid=101,
    before=TREE,
    after=TREE,
    receipts=(),
    proven=True,
    done=False,
    running=True,
    exit_code=None,
    ground=Ground.SETTLED,
    logs=(),
    events=(EngineEvent(action="kill", time_ns=1, signal=15),),
    decided_ns=3,
)
ENDS = changed(
    STAYS,
    after=(),
    running=False,
    exit_code=143,
    ground=Ground.ENDED,
    events=(EngineEvent(action="die", time_ns=2, exit_code=143),),
)
HEAD = "PID 1 is `/bin/sh -c node app.js`: "
IS_APP = "PID 1 is the app, `node app.js`: "
STOPPED = made(
    StopEvidence,
    sent=Signal(15),
    began_ns=1,
    app_pid=101,
    before=TREE,
    after=(),
    receipts=received("SIGTERM"),
    done=True,
    running=False,
    exit_code=0,
    ground=Ground.ENDED,
    logs=(),
    events=(),
    decided_ns=3,
    grace_s=3,
    took_s=0.25,
    forced=False,
    request=Request.ANSWERED,
)
BELOW = changed(APP, pid=102, argv=words("node worker.js"))
LEFT = changed(
    STOPPED,
    before=(
        *ALONE,
        BELOW,
        changed(BELOW, pid=103, ppid=102),
        changed(BELOW, pid=104, argv=words("sleep 1")),
        changed(BELOW, pid=105, caught=0, ignored=TERM),
    ),
    app_pid=100,
    request=None,
)
WELL = "PID 1 is the app, `node app.js`: the app received SIGTERM, and ended by itself"
LEFT_BY = (FROM_ENGINE, changed(RAN, pid=100))
FORCED = changed(STOPPED, forced=True, exit_code=137, took_s=3.04, done=False)
EXITED = made(
    ExitEvidence,
    app_pid=101,
    before=TREE,
    after=(),
    running=False,
    exit_code=42,
    logs=(),
    events=(),
    began_ns=1,
    decided_ns=3,
    codes=((42, 42), (0, 0), (143, 143)),
)
ORPHAN = changed(SHELL, pid=102, ppid=100, argv=words("sleep 3600"))
ADOPTED = made(
    ReapEvidence,
    app_pid=101,
    before=(*TREE, ORPHAN),
    after=TREE,
    running=True,
    exit_code=None,
    logs=(),
    events=(),
    began_ns=1,
    decided_ns=3,
    orphan=ORPHAN,
    zombie=False,
)


def run(evidence: Evidence | Untested) -> Run:
    return Run(evidence=evidence, judgement=judge(evidence))


CASES: dict[str, tuple[Evidence, tuple[Verdict, Delivery | None, Outcome], str]] = {
    "forwarded and running": (
        changed(STAYS, receipts=received("SIGTERM")),
        (Verdict.FORWARDED, Delivery.ONCE, Outcome.RUNNING),
        HEAD + "SIGTERM came through to the app, once",
    ),
    "forwarded, and the app ended by itself": (
        changed(ENDS, receipts=received("SIGTERM"), done=True, exit_code=0),
        (Verdict.FORWARDED, Delivery.ONCE, Outcome.EXITED),
        HEAD + "SIGTERM came through to the app, once",
    ),
    "forwarded, the app being PID 1": (
        changed(STAYS, before=ALONE, after=ALONE, app_pid=100, receipts=received("SIGTERM")),
        (Verdict.FORWARDED, Delivery.ONCE, Outcome.RUNNING),
        "PID 1 is the app, `node app.js`, and handles SIGTERM",
    ),
    "duplicated by another signal besides": (
        changed(STAYS, receipts=received("SIGTERM", "SIGHUP")),
        (Verdict.DUPLICATED, Delivery.ONCE, Outcome.RUNNING),
        HEAD + "the app was sent SIGTERM, and then SIGHUP 1×: who shuts down on either is told more than once",
    ),
    "duplicated": (
        changed(STAYS, receipts=received("SIGTERM", "SIGTERM")),
        (Verdict.DUPLICATED, Delivery.DUPLICATE, Outcome.RUNNING),
        HEAD + "the app was sent SIGTERM 2 times",
    ),
    "duplicated three times, and the app ended by itself": (
        changed(ENDS, receipts=received("SIGTERM", "SIGTERM", "SIGTERM"), done=True),
        (Verdict.DUPLICATED, Delivery.DUPLICATE, Outcome.EXITED),
        HEAD + "the app was sent SIGTERM 3 times",
    ),
    "duplicated by the kernel's word, merged in the app": (
        changed(STAYS, receipts=received("SIGTERM"), trace=(FROM_ENGINE, sent(), sent(Fate.MERGED), RAN)),
        (Verdict.DUPLICATED, Delivery.DUPLICATE, Outcome.RUNNING),
        HEAD + "the app was sent SIGTERM 2 times, which merged into 1, by `/bin/sh -c node app.js`",
    ),
    "cut short": (
        changed(ENDS, receipts=received("SIGTERM")),
        (Verdict.CUT_SHORT, Delivery.ONCE, Outcome.ENDED),
        HEAD + "the app received SIGTERM, but the container ended with exit code 143 before the app was done",
    ),
    "cut short goes before duplicated": (
        changed(ENDS, receipts=received("SIGTERM", "SIGTERM"), exit_code=None),
        (Verdict.CUT_SHORT, Delivery.DUPLICATE, Outcome.ENDED),
        HEAD + "the app received SIGTERM, but the container ended with exit code unknown before the app was done",
    ),
    "cut short, the container running on": (
        changed(STAYS, receipts=received("SIGTERM"), after=(SHELL,)),
        (Verdict.CUT_SHORT, Delivery.ONCE, Outcome.RUNNING),
        HEAD + "the app received SIGTERM, then it was gone, while `/bin/sh -c node app.js` runs on",
    ),
    "cut short before the handler could run": (
        changed(ENDS, trace=(FROM_ENGINE, sent(), KILLED_WITH_PID_1)),
        (Verdict.CUT_SHORT, Delivery.NONE, Outcome.ENDED),
        HEAD + "the app was sent SIGTERM and had no time to handle it, "
        "but the container ended with exit code 143 before the app was done",
    ),
    "translated": (
        changed(STAYS, receipts=received("SIGINT", "SIGINT", "SIGHUP")),
        (Verdict.TRANSLATED, Delivery.NONE, Outcome.RUNNING),
        HEAD + "the app received SIGINT, SIGHUP in place of SIGTERM",
    ),
    "translated, and the app ended by itself": (
        changed(ENDS, receipts=received("SIGINT"), done=True),
        (Verdict.TRANSLATED, Delivery.NONE, Outcome.EXITED),
        HEAD + "the app received SIGINT in place of SIGTERM",
    ),
    "swallowed: the kernel dropped it": (
        changed(STAYS, ground=Ground.MASKS),
        (Verdict.SWALLOWED, Delivery.NONE, Outcome.RUNNING),
        HEAD + "no handler for SIGTERM, so the kernel dropped it",
    ),
    "swallowed: PID 1 ignores it": (
        changed(STAYS, ground=Ground.MASKS, before=(changed(SHELL, ignored=TERM), APP)),
        (Verdict.SWALLOWED, Delivery.NONE, Outcome.RUNNING),
        HEAD + "it ignores SIGTERM, so the kernel dropped it",
    ),
    "swallowed: not passed on": (
        STAYS,
        (Verdict.SWALLOWED, Delivery.NONE, Outcome.RUNNING),
        HEAD + "it took SIGTERM, but `/bin/sh -c node app.js` did not pass it on to the app",
    ),
    "swallowed: not passed on by one in the middle": (
        changed(
            STAYS,
            before=(SHELL, changed(APP, pid=102, argv=words("npm start")), changed(APP, ppid=102)),
            after=(SHELL, changed(APP, pid=102, argv=words("npm start")), changed(APP, ppid=102)),
        ),
        (Verdict.SWALLOWED, Delivery.NONE, Outcome.RUNNING),
        HEAD + "it took SIGTERM, but `npm start` did not pass it on to the app",
    ),
    "swallowed: by the app as PID 1": (
        changed(STAYS, before=ALONE, after=ALONE, app_pid=100),
        (Verdict.SWALLOWED, Delivery.NONE, Outcome.RUNNING),
        "PID 1 is the app, `node app.js`: it caught SIGTERM but did nothing visible",
    ),
    "killed with the container": (
        ENDS,
        (Verdict.KILLED, Delivery.NONE, Outcome.ENDED),
        HEAD + "the app never saw SIGTERM, but the container ended with exit code 143 before the app was done",
    ),
    "killed, the container running on": (
        changed(STAYS, after=(SHELL,)),
        (Verdict.KILLED, Delivery.NONE, Outcome.RUNNING),
        HEAD + "the app never saw SIGTERM, then it was gone, while `/bin/sh -c node app.js` runs on",
    ),
    "killed, a zombie being no app": (
        changed(STAYS, after=(SHELL, changed(APP, state="Z"), changed(SHELL, pid=103, ppid=100))),
        (Verdict.KILLED, Delivery.NONE, Outcome.RUNNING),
        HEAD + "the app never saw SIGTERM, then it was gone, while `/bin/sh -c node app.js` runs on",
    ),
    "killed by the default action of a signal it was sent": (
        changed(
            ENDS,
            before=(SHELL, changed(APP, caught=0)),
            trace=(FROM_ENGINE, sent(), changed(RAN, handler=0)),
        ),
        (Verdict.KILLED, Delivery.NONE, Outcome.ENDED),
        HEAD + "the app never saw SIGTERM, but the container ended with exit code 143 before the app was done",
    ),
    "duplicated by the terminal and an init": (
        changed(
            STAYS,
            receipts=received("SIGINT"),
            sent=Signal(2),
            typed=True,
            events=(),
            trace=(
                sent(number=2),
                changed(sent(number=2), sender="dockerd", sender_pid=3, by_kernel=True),
                changed(RAN, number=2),
            ),
        ),
        (Verdict.DUPLICATED, Delivery.DUPLICATE, Outcome.RUNNING),
        HEAD + "the app was sent SIGINT 2 times, which merged into 1, by `/bin/sh -c node app.js` and by the terminal",
    ),
    "duplicated by a process that nobody saw": (
        changed(
            STAYS,
            receipts=received("SIGTERM"),
            trace=(FROM_ENGINE, *(changed(sent(), sender="kill", sender_pid=7),) * 2, RAN),
        ),
        (Verdict.DUPLICATED, Delivery.DUPLICATE, Outcome.RUNNING),
        HEAD + "the app was sent SIGTERM 2 times, which merged into 1, by `kill`",
    ),
    "swallowed: Ctrl-C stopped short of the app": (
        changed(STAYS, sent=Signal(2), typed=True, events=()),
        (Verdict.SWALLOWED, Delivery.NONE, Outcome.RUNNING),
        HEAD + "SIGINT from the terminal did not come through to the app",
    ),
    "graceful": (
        STOPPED,
        (Verdict.GRACEFUL, Delivery.ONCE, Outcome.EXITED),
        HEAD + "the app received SIGTERM, answered the request in flight, and ended by itself",
    ),
    "graceful, with no request": (
        changed(STOPPED, before=ALONE, app_pid=100, request=None),
        (Verdict.GRACEFUL, Delivery.ONCE, Outcome.EXITED),
        WELL,
    ),
    "graceful, though a server that it has started is killed": (
        changed(LEFT, trace=(*LEFT_BY, changed(KILLED_WITH_PID_1, target_pid=102))),
        (Verdict.GRACEFUL, Delivery.ONCE, Outcome.EXITED),
        f"{WELL}; `node worker.js`, which it has started, was killed then",
    ),
    "graceful, though several processes are killed": (
        changed(LEFT, trace=(*LEFT_BY, *(changed(KILLED_WITH_PID_1, target_pid=pid) for pid in (102, 103)))),
        (Verdict.GRACEFUL, Delivery.ONCE, Outcome.EXITED),
        f"{WELL}; 2 processes that it has started were killed then, `node worker.js` among them",
    ),
    "graceful, with a helper, and one that ignores the signal, being killed": (
        changed(LEFT, trace=(*LEFT_BY, *(changed(KILLED_WITH_PID_1, target_pid=pid) for pid in (104, 105)))),
        (Verdict.GRACEFUL, Delivery.ONCE, Outcome.EXITED),
        WELL,
    ),
    "graceful, with an exit code of the app's own": (
        changed(STOPPED, before=ALONE, app_pid=100, request=None, exit_code=3),
        (Verdict.GRACEFUL, Delivery.ONCE, Outcome.EXITED),
        "PID 1 is the app, `node app.js`: the app received SIGTERM, and ended by itself, with exit code 3",
    ),
    "graceful, with the exit code of the signal": (
        changed(STOPPED, before=ALONE, app_pid=100, request=None, exit_code=143),
        (Verdict.GRACEFUL, Delivery.ONCE, Outcome.EXITED),
        "PID 1 is the app, `node app.js`: the app received SIGTERM, and ended by itself",
    ),
    "graceful, with an exit code that is not known to be the app's": (
        changed(STOPPED, request=None, exit_code=3),
        (Verdict.GRACEFUL, Delivery.ONCE, Outcome.EXITED),
        HEAD + "the app received SIGTERM, and ended by itself (the container's exit code is 3)",
    ),
    "abrupt, with an exit code of the app's own": (
        changed(STOPPED, before=ALONE, app_pid=100, request=Request.LOST, exit_code=3),
        (Verdict.ABRUPT, Delivery.ONCE, Outcome.EXITED),
        IS_APP + "the app received SIGTERM and ended by itself, with exit code 3, but the request in flight was lost",
    ),
    "graceful, though it was told twice": (
        changed(STOPPED, receipts=received("SIGTERM", "SIGTERM")),
        (Verdict.GRACEFUL, Delivery.DUPLICATE, Outcome.EXITED),
        HEAD + "the app received SIGTERM, answered the request in flight, and ended by itself",
    ),
    "abrupt: never told": (
        changed(STOPPED, receipts=(), proven=True, done=False, request=Request.LOST, exit_code=143),
        (Verdict.ABRUPT, Delivery.NONE, Outcome.ENDED),
        HEAD + "the container ended by itself 0.2 s after SIGTERM, but the app never saw SIGTERM, "
        "and the request in flight was lost",
    ),
    "abrupt: no time to be done": (
        changed(STOPPED, done=False, request=Request.LOST, exit_code=143),
        (Verdict.ABRUPT, Delivery.ONCE, Outcome.ENDED),
        HEAD + "the container ended by itself 0.2 s after SIGTERM, but the app received SIGTERM and was not done, "
        "and the request in flight was lost",
    ),
    "forced: never told": (
        changed(FORCED, receipts=(), proven=True, request=Request.LOST),
        (Verdict.FORCED, Delivery.NONE, Outcome.ENDED),
        HEAD + "the app never saw SIGTERM; SIGKILL ended the container 3.0 s after SIGTERM, "
        "and the request in flight was lost",
    ),
    "forced: the app does not end": (
        changed(FORCED, request=None),
        (Verdict.FORCED, Delivery.ONCE, Outcome.ENDED),
        HEAD + "the app received SIGTERM, but did not end; SIGKILL ended the container 3.0 s after SIGTERM",
    ),
    "forced: the container outlives the app": (
        changed(FORCED, done=True),
        (Verdict.FORCED, Delivery.ONCE, Outcome.ENDED),
        HEAD + "the app was done, but the container ran on; SIGKILL ended the container 3.0 s after SIGTERM",
    ),
    "abrupt: the app was done, but dropped the request": (
        changed(STOPPED, request=Request.LOST),
        (Verdict.ABRUPT, Delivery.ONCE, Outcome.EXITED),
        HEAD + "the app received SIGTERM and ended by itself, but the request in flight was lost",
    ),
    "graceful, by another signal": (
        changed(STOPPED, receipts=received("SIGINT"), request=None),
        (Verdict.GRACEFUL, Delivery.NONE, Outcome.EXITED),
        HEAD + "the app received SIGINT in place of SIGTERM, and ended by itself",
    ),
    "kept, by an app that was gone before its tree was seen": (
        changed(EXITED, before=(), app_pid=None),
        (Verdict.KEPT, None, Outcome.EXITED),
        "the app's exit codes 42, 0, 143 are those of the container",
    ),
    "kept": (
        EXITED,
        (Verdict.KEPT, None, Outcome.EXITED),
        HEAD + "the app's exit codes 42, 0, 143 are those of the container",
    ),
    "lost": (
        changed(EXITED, exit_code=1, codes=((42, 1), (0, 0), (143, 1))),
        (Verdict.LOST, None, Outcome.EXITED),
        HEAD + "the app exited with 42, the container with 1; the app exited with 143, the container with 1",
    ),
    "lost, the container running on": (
        changed(EXITED, after=(SHELL,), running=True, exit_code=None, codes=((42, None), (0, 0))),
        (Verdict.LOST, None, Outcome.RUNNING),
        HEAD + "the app exited with 42, and the container ran on",
    ),
    "reaped by PID 1": (
        ADOPTED,
        (Verdict.REAPED, None, Outcome.RUNNING),
        HEAD + "an orphan, `sleep 3600`, passed to it and ended, and it waited for it",
    ),
    "reaped by a subreaper": (
        changed(ADOPTED, orphan=changed(ORPHAN, ppid=101)),
        (Verdict.REAPED, None, Outcome.RUNNING),
        HEAD + "an orphan, `sleep 3600`, passed to `node app.js` and ended, and `node app.js` waited for it",
    ),
    "zombie": (
        changed(ADOPTED, after=(*TREE, changed(ORPHAN, state="Z")), zombie=True),
        (Verdict.ZOMBIE, None, Outcome.RUNNING),
        HEAD + "an orphan, `sleep 3600`, passed to it and ended, and it did not wait for it: it stays a zombie",
    ),
}


@pytest.mark.parametrize(("evidence", "words", "reason"), CASES.values(), ids=CASES.keys())
def test_the_meaning_of_a_run(evidence: Evidence, words: tuple[Verdict, Delivery | None, Outcome], reason: str) -> None:
    verdict, delivery, outcome = words
    assert judge(evidence) == Judgement(verdict=verdict, delivery=delivery, outcome=outcome, reason=reason)


def test_the_cases_cover_every_verdict_of_a_single_run() -> None:
    assert {judge(evidence).verdict for evidence, _, _ in CASES.values()} == set(Verdict) - {
        Verdict.UNSTABLE,
        Verdict.UNTESTED,
    }


def test_what_could_not_be_tested() -> None:
    assert judge(Untested(reason="no ready line within 30 s")) == Judgement(
        verdict=Verdict.UNTESTED, delivery=None, outcome=None, reason="no ready line within 30 s"
    )


@pytest.mark.parametrize(
    "record",
    [sent(number=10), sent(target=100), sent(Fate.IGNORED), sent(Fate.LOST)],
    ids=["another signal", "another process", "ignored", "lost"],
)
def test_sends_that_do_not_count(record: Sent) -> None:
    once = changed(STAYS, receipts=received("SIGTERM"), trace=(FROM_ENGINE, sent(), record, RAN))
    assert judge(once).verdict is Verdict.FORWARDED
    assert judge(changed(ENDS, trace=(FROM_ENGINE, record))).verdict is Verdict.KILLED


def test_a_tree_that_could_not_be_seen_is_said_so() -> None:
    blind = changed(STAYS, before=(), after=(), app_pid=None, receipts=received("SIGTERM"))
    assert judge(blind).reason == "the process tree could not be seen"


FORWARDED = run(changed(STAYS, receipts=received("SIGTERM")))
TWICE = run(changed(STAYS, receipts=received("SIGTERM", "SIGTERM")))
SWALLOWED = run(STAYS)
UNTESTED = run(Untested(reason="the engine says: no"))


def test_runs_that_agree() -> None:
    assert judge_all([FORWARDED, FORWARDED]) == (FORWARDED.judgement, FORWARDED)


def test_runs_that_disagree_are_counted() -> None:
    judgement, shown = judge_all([FORWARDED, TWICE, FORWARDED, SWALLOWED, FORWARDED])
    assert judgement == Judgement(
        verdict=Verdict.UNSTABLE,
        delivery=Delivery.DUPLICATE,
        outcome=Outcome.RUNNING,
        reason="5 runs disagree: forwarded 3×, duplicated 1×, swallowed 1×; "
        f"for instance, {HEAD}the app was sent SIGTERM 2 times",
    )
    assert shown is TWICE


def test_runs_that_could_not_be_tested_do_not_count() -> None:
    assert judge_all([FORWARDED, UNTESTED]) == (FORWARDED.judgement, FORWARDED)


def test_good_runs_beside_one_whose_end_is_not_known_prove_nothing() -> None:
    unknown = changed(FORWARDED, judgement=UNTESTED.judgement)
    judgement, shown = judge_all([FORWARDED, unknown, FORWARDED])
    assert judgement.verdict is Verdict.UNTESTED
    assert judgement.reason == f"2 of 3 runs look forwarded, but of 1 that is not known: {UNTESTED.judgement.reason}"
    assert shown is unknown
    assert judge_all([SWALLOWED, unknown]) == (SWALLOWED.judgement, SWALLOWED)


def test_no_run_could_be_tested() -> None:
    assert judge_all([UNTESTED, UNTESTED]) == (UNTESTED.judgement, UNTESTED)


def test_of_equal_verdicts_the_worst_delivery_is_shown() -> None:
    once = run(changed(ENDS, receipts=received("SIGTERM")))
    twice = run(changed(ENDS, receipts=received("SIGTERM", "SIGTERM")))
    assert judge_all([once, twice, once]) == (twice.judgement, twice)


FINDINGS = [verdict for verdict in Verdict if verdict is not Verdict.UNTESTED]
GOOD = {Verdict.FORWARDED, Verdict.GRACEFUL, Verdict.KEPT, Verdict.REAPED}


@pytest.mark.parametrize("verdict", FINDINGS)
def test_the_catalogue_is_asserted(verdict: Verdict) -> None:
    good = verdict in GOOD
    assert as_expected(Expected.ALWAYS, verdict) is good
    assert as_expected(Expected.NEVER, verdict) is not good
    assert as_expected(Expected.DEPENDS, verdict) is None


@pytest.mark.parametrize("verdict", FINDINGS)
@pytest.mark.parametrize("recorded", FINDINGS)
def test_a_recorded_verdict_decides_what_depends(verdict: Verdict, recorded: Verdict) -> None:
    assert as_expected(Expected.DEPENDS, verdict, recorded) is (verdict is recorded)


@pytest.mark.parametrize("expected", Expected)
def test_untested_is_neither_as_expected_nor_not(expected: Expected) -> None:
    assert as_expected(expected, Verdict.UNTESTED) is None
    assert as_expected(expected, Verdict.UNTESTED, Verdict.FORWARDED) is None


@pytest.mark.parametrize("verdict", FINDINGS)
@pytest.mark.parametrize("expected", Expected)
def test_a_recorded_untested_says_nothing(expected: Expected, verdict: Verdict) -> None:
    assert as_expected(expected, verdict, Verdict.UNTESTED) is as_expected(expected, verdict)


@pytest.mark.parametrize(
    ("expected", "verdict", "recorded", "wanted"),
    [
        (Expected.ALWAYS, Verdict.FORWARDED, Verdict.FORWARDED, True),
        (Expected.ALWAYS, Verdict.FORWARDED, Verdict.SWALLOWED, False),
        (Expected.ALWAYS, Verdict.SWALLOWED, Verdict.SWALLOWED, False),
        (Expected.NEVER, Verdict.SWALLOWED, Verdict.SWALLOWED, True),
        (Expected.NEVER, Verdict.SWALLOWED, Verdict.KILLED, False),
        (Expected.NEVER, Verdict.FORWARDED, Verdict.FORWARDED, False),
    ],
)
def test_catalogue_and_record_must_both_agree(
    expected: Expected, verdict: Verdict, recorded: Verdict, wanted: bool
) -> None:
    assert as_expected(expected, verdict, recorded) is wanted
