"""Deeds that are not the harness's, and deeds of the harness that did not happen."""

from __future__ import annotations

import pytest

from harness.core.contradiction import contradiction
from harness.core.evidence import EngineEvent, Ground, Receipt, SignalEvidence
from harness.core.judge import judge
from harness.core.process import Process
from harness.core.signals import Signal
from harness.core.trace import Fate, Handled, Sent
from harness.core.verdict import Verdict
from harness.run.probes.stop import StopEvidence
from tests.support.evidence import changed, made, words

TERM = 1 << 14
MAIN = Process(
    pid=100,
    ppid=50,
    pgid=100,
    state="S",
    caught=TERM,
    ignored=0,
    blocked=0,
    pending=0,
    argv=words("tini -- node app.js"),
    inner_pid=1,
    is_namespace_init=True,
    wchan="do_wait",
)
APP = changed(MAIN, pid=101, ppid=100, argv=words("node app.js"), inner_pid=7, is_namespace_init=False)
DROPS = changed(MAIN, caught=0)


def kill(number: int = 15) -> EngineEvent:
    return EngineEvent(action="kill", time_ns=1, signal=number)


def sent(
    number: int = 15, *, target: int = 100, outside: bool = True, fate: Fate = Fate.DELIVERED, by_kernel: bool = False
) -> Sent:
    return Sent(
        time_s=1.0,
        sender="runc" if outside else "tini",
        sender_pid=5 if outside else 100,
        number=number,
        target="x",
        target_pid=target,
        fate=fate,
        by_kernel=by_kernel,
        from_outside=outside,
    )


RAN = Handled(time_s=1.0, comm="x", pid=100, number=15, handler=1)
LOGGED = made(
    SignalEvidence,
    sent=Signal(15),
    began_ns=1,
    app_pid=101,
    before=(MAIN, APP),
    after=(MAIN, APP),
    receipts=(Receipt(signal="SIGTERM", at_ns=None, read_ns=2, pid=7),),
    done=False,
    running=True,
    exit_code=None,
    ground=Ground.SETTLED,
    logs=(),
    events=(kill(),),
    decided_ns=3,
)
RECORDED = changed(LOGGED, trace=(sent(), RAN, sent(target=101, outside=False)))
STOPPED = StopEvidence(signalled=RECORDED, grace_s=3, took_s=3.0, forced=True, request=None)
OURS = (15,)


@pytest.mark.parametrize("evidence", [LOGGED, RECORDED], ids=["log", "record"])
def test_one_signal_that_is_ours_is_no_contradiction(evidence: SignalEvidence) -> None:
    assert contradiction(evidence, OURS) is None


@pytest.mark.parametrize("evidence", [LOGGED, RECORDED], ids=["log", "record"])
@pytest.mark.parametrize("number", [9, 15, 2], ids=["kill -9 or rm -f", "stop, or the same again", "another"])
def test_somebody_else_had_the_engine_send_a_signal(evidence: SignalEvidence, number: int) -> None:
    both = changed(evidence, events=(kill(), kill(number)))
    assert contradiction(both, OURS) == f"somebody else had the engine send {Signal(number)} to the container"
    assert judge(both).verdict is Verdict.UNTESTED


def test_of_a_key_on_the_terminal_no_signal_of_the_engine_is_ours() -> None:
    typed = changed(LOGGED, typed=True)
    assert contradiction(typed, ()) == "somebody else had the engine send SIGTERM to the container"
    assert contradiction(changed(typed, events=()), ()) is None


@pytest.mark.parametrize("event", [EngineEvent(action="die", time_ns=1, exit_code=0), changed(kill(), signal=None)])
def test_events_that_tell_of_no_signal_say_nothing(event: EngineEvent) -> None:
    assert contradiction(changed(RECORDED, events=(kill(), event)), OURS) is None


@pytest.mark.parametrize("number", [9, 15, 2])
def test_somebody_outside_sent_a_signal_into_it(number: int) -> None:
    both = changed(RECORDED, trace=(*RECORDED.seen.trace, sent(number, target=101)))
    assert contradiction(both, OURS) == f"somebody outside the container, `runc`, sent {Signal(number)} into it"
    assert judge(both).verdict is Verdict.UNTESTED


@pytest.mark.parametrize(
    "record",
    [sent(2, outside=False), sent(9, target=101, outside=False, by_kernel=True), sent(2, fate=Fate.LOST)],
    ids=["from inside", "by the kernel", "lost"],
)
def test_signals_that_nobody_outside_sent(record: Sent) -> None:
    assert contradiction(changed(RECORDED, trace=(*RECORDED.seen.trace, record)), OURS) is None


def test_the_engine_took_an_order_and_sent_nothing() -> None:
    """The record knows, also where the engine's events and the log say otherwise; else they do."""
    silent = changed(RECORDED, trace=())
    assert contradiction(silent, OURS) == (
        "the engine took the order to send SIGTERM, but the kernel's record has no such signal to PID 1"
    )
    assert judge(silent).verdict is Verdict.UNTESTED
    unsaid = changed(LOGGED, events=(), receipts=())
    assert contradiction(unsaid, OURS) == "the engine took the order to send SIGTERM, but tells of no such event"


def test_a_signal_to_another_process_is_not_the_one_to_pid_1() -> None:
    assert contradiction(changed(RECORDED, trace=(sent(target=101),)), OURS) is not None


def test_a_thread_of_pid_1_is_pid_1() -> None:
    main = changed(MAIN, threads=frozenset({100, 110}))
    threaded = changed(RECORDED, before=(main, APP), trace=(sent(target=110),))
    assert contradiction(threaded, OURS) is None


@pytest.mark.parametrize(
    "evidence",
    [changed(LOGGED, events=()), changed(LOGGED, events=(), receipts=(), running=False, exit_code=143, after=())],
    ids=["the app got it", "the container ended"],
)
def test_an_event_that_is_missing_is_no_contradiction_where_the_signal_came(evidence: SignalEvidence) -> None:
    assert contradiction(evidence, OURS) is None


ENDED = {"running": False, "exit_code": 3, "after": (), "ground": Ground.ENDED, "receipts": ()}
BY_ITSELF = "the kernel dropped SIGTERM, and the container ended by itself, with exit code 3"


def test_a_container_that_was_told_nothing_ended_by_itself() -> None:
    dropped = changed(RECORDED, before=(DROPS, APP), trace=(sent(fate=Fate.IGNORED),), **ENDED)
    assert contradiction(dropped, OURS) == BY_ITSELF
    by_masks = changed(LOGGED, before=(DROPS, APP), **ENDED)
    assert contradiction(by_masks, OURS) == BY_ITSELF
    assert judge(by_masks).verdict is Verdict.UNTESTED
    unknown = changed(by_masks, exit_code=None)
    assert "exit code unknown" in (contradiction(unknown, OURS) or "")


def test_the_end_of_what_is_left_says_nothing_of_why() -> None:
    left = sent(9, target=101, outside=False, by_kernel=True)
    dropped = changed(RECORDED, before=(DROPS, APP), trace=(sent(fate=Fate.IGNORED), left), **ENDED)
    assert contradiction(dropped, OURS) == BY_ITSELF


@pytest.mark.parametrize(
    "evidence",
    [
        changed(RECORDED, trace=(sent(), RAN), **ENDED),
        changed(LOGGED, **ENDED),
        changed(LOGGED, before=(changed(DROPS, is_namespace_init=False), APP), **ENDED),
        changed(LOGGED, before=(changed(DROPS, wchan="do_sigtimedwait"), APP), **ENDED),
        changed(LOGGED, before=(changed(DROPS, wchan=None), APP), **ENDED),
        changed(LOGGED, before=(changed(DROPS, blocked=TERM), APP), **ENDED),
        changed(LOGGED, before=(), **ENDED),
    ],
    ids=["record", "handler", "no namespace of its own", "fetches", "not seen", "blocks", "no tree"],
)
def test_a_container_that_may_have_ended_by_the_signal(evidence: SignalEvidence) -> None:
    assert contradiction(evidence, OURS) is None


def test_a_dropped_signal_in_a_container_that_runs_on_is_a_finding() -> None:
    dropped = changed(RECORDED, before=(DROPS, APP), trace=(sent(fate=Fate.IGNORED),), receipts=())
    assert contradiction(dropped, OURS) is None


def test_a_key_that_pid_1_was_not_sent_may_have_ended_the_container() -> None:
    assert contradiction(changed(LOGGED, before=(DROPS, APP), typed=True, events=(), **ENDED), ()) is None


@pytest.mark.parametrize("records", [(sent(9),), (sent(9), sent(9, target=101))], ids=["one", "one to each process"])
def test_a_forced_stop_is_no_contradiction(records: tuple[Sent, ...]) -> None:
    """The engine sends SIGKILL as the grace period ends, and to what was told nothing."""
    forced = changed(
        STOPPED,
        before=(DROPS, APP),
        events=(kill(), kill(9)),
        trace=(sent(fate=Fate.IGNORED), *records),
        **ENDED | {"exit_code": 137},
    )
    assert judge(forced).verdict is Verdict.FORCED


def test_a_kill_before_the_grace_period_is_over_is_somebody_elses() -> None:
    early = changed(STOPPED, took_s=1.0, events=(kill(), kill(9)), **ENDED | {"exit_code": 137})
    assert judge(early).verdict is Verdict.UNTESTED
    assert "somebody else had the engine send SIGKILL" in judge(early).reason


def test_a_second_kill_in_a_forced_stop_is_somebody_elses() -> None:
    twice = changed(STOPPED, events=(kill(), kill(9), kill(9)), **ENDED | {"exit_code": 137})
    assert judge(twice).verdict is Verdict.UNTESTED
