"""When the evidence on a signal decides: what is waited for, and what is not, on scripted containers."""

from __future__ import annotations

import re

import pytest

from harness.core.evidence import Ground, SignalEvidence
from harness.core.judge import judge
from harness.core.process import Process, Wait
from harness.core.subject import LogPattern
from harness.core.trace import Fate, Handled, Sent
from harness.core.verdict import Verdict
from harness.run.observation import DEADLINE_S, SETTLE_S, Patience
from tests.support.evidence import changed
from tests.support.scripted import Happening, Script, process
from tests.support.seeing import APP, DONE, INIT_1, NODE, NODE_1, NPM_1, READY, SENT_S, Look, see, up

PATTERN = re.compile(r"Received signal: (?P<signal>SIG[A-Z0-9]+) pid=(?P<pid>\d+)")
SIGNING = changed(APP, receipts=LogPattern(pattern=PATTERN))
"""An app whose lines bear its PID: others may write as well."""

RECEIVED = b"Received signal: SIGTERM pid=7\n"
RECEIVED_1 = b"Received signal: SIGTERM pid=1\n"
RUNNER_1 = process(1, "python3 run.py", catches=("TERM", "INT"))
AT_ONCE = 0.005


def sleeping(process: Process, *lengths_s: float, at_s: float = 0.0, ran: int = 0) -> Process:
    """A process that sleeps on timeouts since some seconds after the signal, and has run so often since the start."""
    waits = tuple(
        Wait(length_ns=round(length * 1e9), until_ns=round((SENT_S + at_s + length) * 1e9)) for length in lengths_s
    )
    return changed(process, waits=waits, activity=(process.activity or 0) + ran)


def verdict(seen: Look) -> Verdict:
    return judge(seen.of(SignalEvidence)).verdict


def signalled(tree: tuple[Process, ...], *happenings: Happening, patience: Patience | None = None) -> Look:
    app = 1 if len(tree) == 1 else 7
    told = (Happening(output=RECEIVED_1 if app == 1 else RECEIVED),)
    script = Script(at_start=up(*tree, app=app), at_signal=happenings, at_tell=told)
    return see(script, patience or Patience(), app=SIGNING)


def test_a_wrapper_that_acts_as_its_poll_runs_out() -> None:
    polls = sleeping(RUNNER_1, 2.5)
    seen = signalled((polls, NODE), Happening(after_s=2.5, output=RECEIVED))
    assert verdict(seen) is Verdict.FORWARDED
    assert 2.5 <= seen.decided_s < 3


def test_a_wrapper_that_does_nothing_as_its_poll_runs_out() -> None:
    seen = signalled((sleeping(RUNNER_1, 2.5), NODE))
    assert verdict(seen) is Verdict.SWALLOWED
    assert 2.5 <= seen.decided_s < 4


@pytest.mark.parametrize("wait", [0.15, 0.6, 1.6, 5.0])
@pytest.mark.parametrize(
    ("then", "right"),
    [
        (Happening(exit_code=1), Verdict.CUT_SHORT),
        (Happening(output=RECEIVED), Verdict.DUPLICATED),
        (Happening(), Verdict.FORWARDED),
    ],
    ids=["kills", "sends again", "nothing"],
)
def test_a_wrapper_that_waits_before_it_does_more(wait: float, then: Happening, right: Verdict) -> None:
    waits = (sleeping(RUNNER_1, wait, at_s=AT_ONCE, ran=1), NODE)
    first = Happening(after_s=AT_ONCE, output=RECEIVED, tree=waits)
    seen = signalled((RUNNER_1, NODE), first, changed(then, after_s=AT_ONCE + wait))
    assert verdict(seen) is right
    assert wait <= seen.decided_s < wait + SETTLE_S + 0.2


def test_an_app_that_fails_after_a_while() -> None:
    waits = (sleeping(NODE_1, 1.2, at_s=AT_ONCE, ran=1),)
    received = Happening(after_s=AT_ONCE, output=RECEIVED_1, tree=waits)
    assert verdict(signalled((NODE_1,), received, Happening(after_s=AT_ONCE + 1.2, exit_code=1))) is Verdict.CUT_SHORT
    assert verdict(signalled((NODE_1,), received)) is Verdict.FORWARDED


def test_timers_that_set_each_other() -> None:
    steps = [
        Happening(after_s=0.5 * n, tree=(sleeping(RUNNER_1, 0.5, at_s=0.5 * n, ran=n + 1), NODE)) for n in range(5)
    ]
    first = changed(steps[0], output=RECEIVED)
    seen = signalled((RUNNER_1, NODE), first, *steps[1:], Happening(after_s=2.5, exit_code=1))
    assert verdict(seen) is Verdict.CUT_SHORT


@pytest.mark.parametrize("tick", [0.05, 1.0])
@pytest.mark.parametrize("who", ["app", "wrapper"])
def test_a_tick_may_hide_what_a_timer_behind_it_does(tick: float, who: str) -> None:
    tree = (RUNNER_1, sleeping(NODE, tick)) if who == "app" else (sleeping(RUNNER_1, tick), NODE)
    received = Happening(after_s=AT_ONCE, output=RECEIVED)
    ended = signalled(tree, received, Happening(after_s=3, exit_code=1))
    assert verdict(ended) is Verdict.CUT_SHORT


@pytest.mark.parametrize("tick", [0.05, 1.0])
def test_the_deadline_decides_on_who_ticks_and_the_reason_says_so(tick: float) -> None:
    seen = signalled((INIT_1, sleeping(NODE, tick)), Happening(after_s=AT_ONCE, output=RECEIVED))
    judgement = judge(seen.of(SignalEvidence))
    assert judgement.verdict is Verdict.FORWARDED
    assert "by a deadline: not at rest within 10 s" in judgement.reason
    assert DEADLINE_S <= seen.decided_s < DEADLINE_S + 0.2


def test_without_a_tick_no_deadline_is_named() -> None:
    seen = signalled((INIT_1, NODE), Happening(after_s=AT_ONCE, output=RECEIVED))
    assert "deadline" not in judge(seen.of(SignalEvidence)).reason


def starting(*, then_s: float) -> Look:
    """An app that sleeps shortly as it is ready, and for a while that follows, and gets its signal after that."""
    soon, later = sleeping(NODE, 0.2), sleeping(NODE, then_s, at_s=0.2, ran=1)
    rest = sleeping(NODE, then_s - 0.1, at_s=0.3, ran=2)
    script = Script(
        at_start=(*up(INIT_1, soon), Happening(after_s=0.251, tree=(INIT_1, later))),
        at_signal=(Happening(after_s=AT_ONCE, output=RECEIVED, tree=(INIT_1, rest)),),
    )
    return see(script, Patience(), app=SIGNING)


def test_what_is_left_of_a_start_is_no_tick() -> None:
    seen = starting(then_s=7.9)
    assert (verdict(seen), seen.of(SignalEvidence).ground) == (Verdict.FORWARDED, Ground.SETTLED)
    assert seen.decided_s < 0.1


def test_who_sleeps_shortly_again_ticks() -> None:
    seen = starting(then_s=0.2)
    assert (verdict(seen), seen.of(SignalEvidence).ground) == (Verdict.FORWARDED, Ground.DEADLINE)


def test_the_deadline_may_be_chosen() -> None:
    received = Happening(after_s=AT_ONCE, output=RECEIVED)
    seen = signalled((INIT_1, sleeping(NODE, 0.05)), received, patience=Patience(deadline_s=4))
    assert "by a deadline: not at rest within 4 s" in judge(seen.of(SignalEvidence)).reason
    assert 4 <= seen.decided_s < 4.2


@pytest.mark.parametrize("init", ["tini -- node server.js", "/sbin/docker-init -- node server.js"])
def test_an_init_that_looks_for_signals_each_second_hides_nothing(init: str) -> None:
    tini = sleeping(process(1, init, wchan="do_sigtimedwait"), 1.0)
    seen = signalled((tini, NODE), Happening(after_s=AT_ONCE, output=RECEIVED))
    assert seen.of(SignalEvidence).ground is Ground.SETTLED
    assert seen.decided_s < 1.5


@pytest.mark.parametrize(
    ("init", "passes_on", "after_s", "waits"),
    [
        ("tini -- node server.js", True, 1.0, False),
        ("/sbin/docker-init -- node server.js", True, 1.0, False),
        ("tini -- node server.js", True, 3.0, True),  # that is not what it does while nothing happens
        ("tini -- node server.js", False, 1.0, True),
        ("start -- node server.js", True, 1.0, True),
    ],
    ids=["tini", "the engine's", "another timeout", "not passed on", "no init"],
)
def test_an_init_that_has_passed_the_signal_on_and_looks_for_the_next_is_done(
    init: str, after_s: float, *, passes_on: bool, waits: bool
) -> None:
    main = process(1, init, wchan="do_sigtimedwait")
    first = Happening(after_s=0, trace=record(1001, outside=True))
    sender = 1001 if passes_on else 5
    to_app = Happening(
        after_s=AT_ONCE,
        output=RECEIVED,
        trace=record(1007, sender=sender),
        tree=(sleeping(main, after_s, at_s=AT_ONCE, ran=1), NODE),
    )
    seen = see(Script(at_start=up(sleeping(main, 1.0), NODE), at_signal=(first, to_app), traced=True), app=SIGNING)
    assert (seen.decided_s > 0.5) is waits
    assert waits or verdict(seen) is Verdict.FORWARDED


def test_an_old_long_timeout_of_who_has_the_signal_is_not_waited_for() -> None:
    seen = signalled((sleeping(NODE_1, 8.0, 30.0),), Happening(after_s=AT_ONCE, output=RECEIVED_1))
    assert verdict(seen) is Verdict.FORWARDED
    assert seen.decided_s < 0.1


def test_a_wrapper_may_act_at_its_next_heartbeat_and_npm_has_none() -> None:
    received = Happening(after_s=AT_ONCE, output=RECEIVED)
    kills = Happening(after_s=5, exit_code=1)
    assert verdict(signalled((sleeping(RUNNER_1, 5.0), NODE), received, kills)) is Verdict.CUT_SHORT
    shell = process(1, "sh run.sh", catches=("TERM",), wchan="do_wait")
    nap = sleeping(process(9, "sleep 5", parent=1, wchan="hrtimer_nanosleep"), 5.0)
    assert verdict(signalled((shell, NODE, nap), received, kills)) is Verdict.CUT_SHORT
    npm = signalled((sleeping(NPM_1, 5.0), NODE), received)
    assert (verdict(npm), npm.decided_s < 0.2) == (Verdict.FORWARDED, True)


def test_who_only_got_ready_is_not_thought_to_be_busy() -> None:
    """What runs until it is ready is at rest before the signal, and works after it: that is no habit."""
    idle = sleeping(INIT_1, 30.0), sleeping(NODE, 30.0)
    start = (Happening(after_s=0.05, output=READY % 7, tree=idle, busy=True), Happening(after_s=0.06, busy=False))
    works = (Happening(after_s=AT_ONCE, output=RECEIVED, busy=True), Happening(after_s=1, exit_code=7))
    assert verdict(see(Script(at_start=start, at_signal=works), app=SIGNING)) is Verdict.CUT_SHORT


def beside(number: int, *, told: bool) -> tuple[Process, ...]:
    """A container with a loop that sleeps a second at a time, and how often it has."""
    loop = changed(
        process(8, "sh side.sh", parent=1, catches=("TERM",) if told else (), wchan="do_wait"), activity=10 + number
    )
    nap = sleeping(process(20 + number, "sleep 1", parent=8, wchan="hrtimer_nanosleep"), 1.0, at_s=number)
    return (NPM_1, NODE, loop, nap)


@pytest.mark.parametrize(("received", "right"), [(b"", Verdict.SWALLOWED), (RECEIVED, Verdict.FORWARDED)])
def test_a_loop_beside_the_app_that_was_not_told_does_not_count(received: bytes, right: Verdict) -> None:
    rounds = [Happening(after_s=n, tree=beside(n, told=False)) for n in range(1, 12)]
    seen = signalled(beside(0, told=False), Happening(after_s=AT_ONCE, output=received), *rounds)
    assert verdict(seen) is right
    assert seen.of(SignalEvidence).ground is Ground.SETTLED
    assert seen.decided_s < 2.5


def test_a_loop_that_was_told_is_waited_for() -> None:
    rounds = [Happening(after_s=n, tree=beside(n, told=True)) for n in range(1, 12)]
    late = Happening(after_s=3.5, output=RECEIVED)
    seen = signalled(beside(0, told=True), *rounds, late)
    assert verdict(seen) is Verdict.FORWARDED


@pytest.mark.parametrize("settle", [2.0, 3.0])
def test_the_settle_time_counts_for_good_verdicts_too(settle: float) -> None:
    received = Happening(after_s=AT_ONCE, output=RECEIVED)
    seen = signalled((INIT_1, NODE), received, patience=Patience(settle_s=settle))
    assert settle <= seen.decided_s < settle + 0.2
    again = Happening(after_s=settle - 0.2, output=RECEIVED)
    assert verdict(signalled((INIT_1, NODE), received, again, patience=Patience(settle_s=settle))) is Verdict.DUPLICATED


def test_timeouts_that_cannot_be_seen_are_no_proof() -> None:
    blind = (changed(RUNNER_1, waits=None), NODE)
    received = Happening(after_s=AT_ONCE, output=RECEIVED)
    assert verdict(signalled(blind, received, Happening(after_s=1.2, exit_code=1))) is Verdict.CUT_SHORT
    assert signalled(blind, received).decided_s >= 1.5


def test_one_sample_without_timeouts_is_no_reason_to_forget_them() -> None:
    """What could not be read just before the signal is read after it."""
    received = Happening(after_s=AT_ONCE, output=RECEIVED, tree=(sleeping(RUNNER_1, 3.0), NODE))
    ended = Happening(after_s=3, exit_code=1)
    assert verdict(signalled((changed(RUNNER_1, waits=None), NODE), received, ended)) is Verdict.CUT_SHORT


def record(target: int, *, sender: int = 5, at_s: float = 2.0, outside: bool = False) -> tuple[Sent, Handled]:
    """The kernel's record of SIGTERM being sent to a process, which handles it."""
    sent = Sent(
        time_s=at_s,
        sender="x",
        sender_pid=sender,
        number=15,
        target="x",
        target_pid=target,
        fate=Fate.DELIVERED,
        from_outside=outside,
    )
    return sent, Handled(time_s=at_s, comm="x", pid=target, number=15, handler=1)


def test_by_the_record_only_who_was_told_is_waited_for() -> None:
    """A process beside the app has a handler, and a timeout of its own, but was sent nothing."""
    other = sleeping(process(8, "sidecar", parent=1, catches=("TERM",)), 4.0)
    first = Happening(after_s=0, trace=record(1001, outside=True))
    to_app = Happening(after_s=AT_ONCE, output=RECEIVED, trace=record(1007, sender=1001))
    seen = see(Script(at_start=up(INIT_1, NODE, other), at_signal=(first, to_app), traced=True), app=SIGNING)
    assert verdict(seen) is Verdict.FORWARDED
    assert seen.decided_s < 0.2
    told = Happening(after_s=AT_ONCE, trace=record(1008, sender=1001))
    waited = see(Script(at_start=up(INIT_1, NODE, other), at_signal=(first, to_app, told), traced=True), app=SIGNING)
    assert waited.decided_s >= 4


def test_done_and_gone_is_decided_by_the_end() -> None:
    seen = signalled((INIT_1, NODE), Happening(after_s=AT_ONCE, output=RECEIVED + DONE, exit_code=0))
    assert seen.of(SignalEvidence).ground is Ground.ENDED
    assert verdict(seen) is Verdict.FORWARDED
