"""``docker stop`` on scripted containers: who gets to shut down, and what becomes of the request in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.describe import finding
from harness.core.evidence import Ground, Untested
from harness.core.judge import judge, unseen_end
from harness.core.process import Wait
from harness.core.question import Probe
from harness.core.subject import App, Quiescent, StopSetting
from harness.core.trace import Fate, Handled, Life, Parting, Sent
from harness.core.verdict import Delivery, Verdict
from harness.run.inbox import MOST_BYTES
from harness.run.observation import GRACE_S, SETTLE_S, Patience
from harness.run.probes.stop import Request, StopEvidence
from tests.support import reports
from tests.support.evidence import changed
from tests.support.scripted import Happening, Script, process
from tests.support.seeing import (
    APP,
    DONE,
    INIT_1,
    INT,
    NODE,
    NODE_1,
    NPM_1,
    PATIENCE,
    RECEIVED,
    SENT_S,
    SHELL_1,
    TERM,
    Look,
    see,
    up,
)

if TYPE_CHECKING:
    from harness.run.protocol import Launch

RECEIVES = Happening(after_s=0.01, output=RECEIVED)
LEAVES = Happening(after_s=0.01, output=DONE, exit_code=0)
GRACEFUL = Script(at_start=up(INIT_1, NODE), at_stop=(RECEIVES,), at_answer=(LEAVES,))
NO_PORT = changed(APP, stop=StopSetting())


def stop(script: Script, patience: Patience = PATIENCE) -> Look:
    return see(script, patience, probe=Probe.STOP)


def verdict_of(seen: Look) -> Verdict:
    return judge(seen.of(StopEvidence)).verdict


def kills(seen: Look) -> list[int | None]:
    return [event.signal for event in seen.container.inbox.events if event.action == "kill"]


def test_an_app_that_answers_and_leaves_is_graceful() -> None:
    seen = stop(GRACEFUL)
    evidence = seen.of(StopEvidence)
    assert verdict_of(seen) is Verdict.GRACEFUL
    assert (evidence.signalled.sent, evidence.request, evidence.signalled.done, evidence.forced) == (
        TERM,
        Request.ANSWERED,
        True,
        False,
    )
    assert (evidence.seen.running, evidence.seen.exit_code, evidence.signalled.deliveries) == (False, 0, 1)
    assert evidence.signalled.ground is Ground.SETTLED
    assert kills(seen) == [15]


def test_it_is_run_as_the_catalogue_says_and_as_it_was_launched() -> None:
    container = stop(GRACEFUL).container
    assert container.launch.options.environment == {"LANG": "C", "SHUTDOWN_AFTER_MS": "0"}
    assert container.launch.publish == 3000
    assert not container.launch.tty
    assert container.asked == ["/hold"]


def test_the_time_is_from_the_signal_to_the_end_by_the_engines_clock() -> None:
    seen = stop(changed(GRACEFUL, at_answer=(changed(LEAVES, after_s=1.5),)))
    kill, die = (event.time_ns for event in seen.container.inbox.events)
    assert seen.of(StopEvidence).took_s == (die - kill) / 1e9
    assert 1.5 <= seen.of(StopEvidence).took_s < 1.6


@pytest.mark.parametrize("answer", [None, 5.0])
def test_an_app_that_was_never_told_is_forced(answer: float | None) -> None:
    """It would answer at once, or late; but it does not know that it should."""
    at_answer = () if answer is None else (Happening(after_s=answer, output=DONE, exit_code=0),)
    seen = stop(Script(at_start=up(SHELL_1, NODE), at_answer=at_answer))
    evidence = seen.of(StopEvidence)
    assert verdict_of(seen) is Verdict.FORCED
    assert (evidence.signalled.receipts, evidence.signalled.done, evidence.request) == ((), False, Request.LOST)
    assert evidence.signalled.ground is Ground.MASKS
    assert (evidence.seen.exit_code, evidence.took_s, evidence.grace_s) == (137, GRACE_S, GRACE_S)
    assert kills(seen) == [15, 9]


def test_an_app_in_a_container_that_never_rests_gets_its_request_before_the_grace_is_over() -> None:
    """Its PID 1 polls, and forwards the signal."""
    polls = Script(at_start=up(INIT_1, NODE), at_stop=(changed(RECEIVES, busy=True),), at_answer=(LEAVES,))
    seen = stop(polls)
    assert verdict_of(seen) is Verdict.GRACEFUL
    assert 2.5 <= seen.of(StopEvidence).took_s < 3


def test_that_it_does_not_end_then_is_not_held_against_it() -> None:
    polls = Script(at_start=up(INIT_1, NODE), at_stop=(changed(RECEIVES, busy=True),))
    seen = stop(polls)
    assert isinstance(seen.evidence, Untested)
    assert "did not come to rest within the 3 s of grace" in seen.evidence.reason
    assert len(seen.containers) == 2


def test_another_one_that_comes_to_rest_tells() -> None:
    """The machine was busy: nothing is wrong with the container."""
    busy = iter((True, False))

    def script(_: Launch) -> Script:
        receives = changed(RECEIVES, busy=next(busy))
        return Script(at_start=up(INIT_1, NODE), at_stop=(receives,), at_answer=() if receives.busy else (LEAVES,))

    seen = see(script, probe=Probe.STOP)
    assert (verdict_of(seen), len(seen.containers)) == (Verdict.GRACEFUL, 2)


def test_a_container_that_never_rests_and_never_tells_its_app_is_forced() -> None:
    seen = stop(Script(at_start=up(INIT_1, NODE), at_stop=(Happening(busy=True),)))
    assert verdict_of(seen) is Verdict.FORCED


def test_a_container_that_runs_on_without_its_app_is_forced() -> None:
    stays = Happening(after_s=0.01, output=DONE, tree=(NPM_1,))
    seen = stop(Script(at_start=up(NPM_1, NODE), at_stop=(RECEIVES,), at_answer=(stays,)))
    evidence = seen.of(StopEvidence)
    assert verdict_of(seen) is Verdict.FORCED
    assert (evidence.signalled.done, evidence.request, evidence.seen.exit_code) == (True, Request.ANSWERED, 137)


def test_an_app_that_is_told_and_does_not_leave_is_forced() -> None:
    seen = stop(Script(at_start=up(INIT_1, NODE), at_stop=(RECEIVES,)))
    evidence = seen.of(StopEvidence)
    assert verdict_of(seen) is Verdict.FORCED
    assert (evidence.signalled.deliveries, evidence.signalled.done, evidence.request) == (1, False, Request.ANSWERED)


def test_the_grace_period_is_that_of_the_run() -> None:
    seen = stop(Script(at_start=up(SHELL_1, NODE)), Patience(grace_s=7))
    assert (seen.of(StopEvidence).grace_s, seen.of(StopEvidence).took_s) == (7, 7)


def test_an_end_within_the_grace_period_is_not_forced() -> None:
    late = Happening(after_s=GRACE_S - 1, output=DONE, exit_code=0)
    seen = stop(changed(GRACEFUL, at_answer=(late,)))
    assert verdict_of(seen) is Verdict.GRACEFUL
    assert GRACE_S - 1 <= seen.of(StopEvidence).took_s < GRACE_S


def test_a_container_that_ends_under_an_app_that_was_never_told_is_abrupt() -> None:
    seen = stop(Script(at_start=up(NPM_1, NODE), at_stop=(Happening(after_s=0.1, exit_code=143),)))
    evidence = seen.of(StopEvidence)
    assert verdict_of(seen) is Verdict.ABRUPT
    assert (evidence.signalled.deliveries, evidence.request, evidence.signalled.ground) == (
        None,
        Request.LOST,
        Ground.ENDED,
    )
    assert kills(seen) == [15]


def test_a_container_that_ends_with_the_request_in_flight_is_abrupt() -> None:
    """The app was told, and would have answered as soon as all was at rest."""
    happenings = (changed(RECEIVES, busy=True), Happening(after_s=0.3, exit_code=143))
    seen = stop(Script(at_start=up(NPM_1, NODE), at_stop=happenings, at_answer=(LEAVES,)))
    evidence = seen.of(StopEvidence)
    assert verdict_of(seen) is Verdict.ABRUPT
    assert (evidence.signalled.deliveries, evidence.signalled.done, evidence.request) == (1, False, Request.LOST)


def test_a_container_that_ends_by_a_timer_is_abrupt_though_its_app_was_told() -> None:
    """Npm is left alone as its script is gone, and ends half a second later."""
    happenings = (changed(RECEIVES, tree=(NPM_1,)), Happening(after_s=0.57, exit_code=143))
    seen = stop(Script(at_start=up(NPM_1, NODE), at_stop=happenings, at_answer=(LEAVES,)))
    assert verdict_of(seen) is Verdict.ABRUPT
    assert seen.of(StopEvidence).request is Request.LOST


@pytest.mark.parametrize("kills_s", [2, 2.4, 2.6, 2.75])
def test_what_is_to_come_just_before_the_end_is_waited_for(kills_s: float) -> None:
    su = process(1, "su node", catches=("TERM",), wchan="do_wait")
    length_ns = round(kills_s * 1e9)
    naps = changed(su, waits=(Wait(length_ns=length_ns, until_ns=round(SENT_S * 1e9) + length_ns),), activity=11)
    happenings = (changed(RECEIVES, tree=(naps, NODE)), Happening(after_s=kills_s, exit_code=143))
    assert verdict_of(stop(Script(at_start=up(su, NODE), at_stop=happenings, at_answer=(LEAVES,)))) is Verdict.ABRUPT


@pytest.mark.parametrize("seen_s", [0.5, 1.02, 1.5])
def test_a_nap_that_is_first_seen_late_may_have_begun_with_the_signal(seen_s: float) -> None:
    """A sample shows its length alone: from then on it would end behind SIGKILL, and is waited for all the same."""
    su = process(1, "su node", catches=("TERM",), wchan="do_wait")
    until_ns = round((SENT_S + seen_s + 2) * 1e9)
    naps = changed(su, waits=(Wait(length_ns=2_000_000_000, until_ns=until_ns),), activity=11)
    rests = Happening(after_s=seen_s, tree=(naps, NODE), busy=False)
    happenings = (changed(RECEIVES, busy=True), rests, Happening(after_s=2, exit_code=143))
    assert verdict_of(stop(Script(at_start=up(su, NODE), at_stop=happenings, at_answer=(LEAVES,)))) is Verdict.ABRUPT


@pytest.mark.parametrize(("rests_s", "told"), [(1.0, True), (1.5, False), (1.9, False)])
def test_an_app_whose_request_was_held_almost_to_the_end_had_no_time(rests_s: float, told: bool) -> None:
    """At rest for the settle time it is then; SIGKILL comes before the app can be done."""
    busy = (changed(RECEIVES, busy=True), Happening(after_s=rests_s, output=b"late\n", busy=False))
    seen = stop(Script(at_start=up(INIT_1, NODE), at_stop=busy, at_answer=()), Patience(settle_s=0.8))
    assert (not isinstance(seen.evidence, Untested)) is told, seen.evidence


@pytest.mark.parametrize(
    ("rests_s", "done_s", "told"),
    [(0.0, 0.1, True), (0.0, 1.0, True), (0.0, 2.3, False), (1.0, 0.1, True), (1.0, 1.0, False)],
)
def test_an_app_that_is_done_just_before_sigkill_was_on_its_way_out(rests_s: float, done_s: float, told: bool) -> None:
    """One that is done in good time and does not end, though, is forced; what is good time, the machine tells."""
    busy = (changed(RECEIVES, busy=True), Happening(after_s=rests_s, output=b"late\n", busy=False))
    done = Happening(after_s=done_s, output=DONE)
    seen = stop(
        Script(at_start=up(INIT_1, NODE), at_stop=busy if rests_s else (RECEIVES,), at_answer=(done,)),
        Patience(settle_s=0.4),
    )
    if told:
        assert verdict_of(seen) is Verdict.FORCED
        assert "was done, but the container ran on" in judge(seen.of(StopEvidence)).reason
    else:
        assert isinstance(seen.evidence, Untested)
        assert "was done only as the 3 s of grace ran out" in seen.evidence.reason
        assert len(seen.containers) == 2


@pytest.mark.parametrize("late_s", [0, 0.6, 2])
def test_the_grace_begins_as_the_engine_sends_the_signal(late_s: float) -> None:
    """Su kills what it runs two seconds after SIGTERM, on a machine so busy that the engine has yet to send that."""
    told_ns = round((SENT_S + late_s) * 1e9)
    su = process(1, "su node", catches=("TERM",), wchan="do_wait")
    naps = changed(su, waits=(Wait(length_ns=2_000_000_000, until_ns=told_ns + 2_000_000_000),), activity=11)
    happenings = (changed(RECEIVES, tree=(naps, NODE)), Happening(after_s=2, exit_code=143))
    script = Script(at_start=up(su, NODE), at_stop=happenings, at_answer=(LEAVES,), stops_after_s=late_s)
    assert verdict_of(stop(script)) is Verdict.ABRUPT


def test_an_app_that_breaks_its_answer_off_is_abrupt() -> None:
    happenings = (RECEIVES, Happening(after_s=1, output=DONE, exit_code=0))
    seen = stop(Script(at_start=up(INIT_1, NODE), at_stop=happenings, answers=False))
    evidence = seen.of(StopEvidence)
    assert verdict_of(seen) is Verdict.ABRUPT
    assert (evidence.signalled.done, evidence.request, evidence.forced) == (True, Request.LOST, False)


def test_an_end_without_a_word_of_being_done_leaves_it_open() -> None:
    seen = stop(changed(GRACEFUL, at_answer=(Happening(after_s=0.01, exit_code=0),)))
    assert judge(seen.of(StopEvidence)).reason == unseen_end(seen.of(StopEvidence).signalled)
    assert seen.of(StopEvidence).request is Request.ANSWERED


DEAF_1 = process(1, "node server.js", wchan="ep_poll")
BY_ITSELF = (Happening(after_s=0.8, output=DONE, exit_code=0),)


def test_an_end_by_itself_is_no_answer_to_a_stop_that_the_kernel_dropped() -> None:
    """A job that is done in time would be killed in the middle by a stop that comes earlier."""
    seen = see(Script(at_start=up(DEAF_1, app=1), at_stop=BY_ITSELF), probe=Probe.STOP, app=NO_PORT)
    judgement = judge(seen.of(StopEvidence))
    assert judgement.verdict is Verdict.UNTESTED
    assert judgement.reason == "the kernel dropped SIGTERM, and the container ended by itself, with exit code 0"
    assert seen.of(StopEvidence).needs_s is None


def test_a_dropped_stop_whose_grace_ends_is_forced_all_the_same() -> None:
    seen = see(Script(at_start=up(DEAF_1, app=1)), probe=Probe.STOP, app=NO_PORT)
    assert verdict_of(seen) is Verdict.FORCED
    assert seen.of(StopEvidence).signalled.ground is Ground.MASKS


@pytest.mark.parametrize(("ignores", "right"), [(True, Verdict.UNTESTED), (False, Verdict.GRACEFUL)])
def test_an_app_that_ignores_a_stop_and_ends_by_itself_has_not_answered_it(ignores: bool, right: Verdict) -> None:
    app = changed(NODE, ignored=1 << 14, caught=0) if ignores else NODE
    ends = (changed(RECEIVES, output=b"" if ignores else RECEIVED), *BY_ITSELF)
    seen = see(Script(at_start=up(INIT_1, app), at_stop=ends), probe=Probe.STOP, app=NO_PORT)
    judgement = judge(seen.of(StopEvidence))
    assert judgement.verdict is right
    assert ("ignores SIGTERM, and ended by itself, whatever the stop" in judgement.reason) is ignores


@pytest.mark.parametrize(("app", "waits"), [(NO_PORT, False), (APP, True)])
def test_what_ticks_matters_only_where_a_request_is_held(app: App, waits: bool) -> None:
    """Else the container's end decides, and an app with a timer of a second need not be looked at for so long."""
    ends_ns = round((SENT_S + 1) * 1e9)
    ticks = changed(NODE_1, waits=(Wait(length_ns=1_000_000_000, until_ns=ends_ns),), activity=5)
    ends = (RECEIVES, changed(LEAVES, after_s=0.1)) if app is NO_PORT else (RECEIVES,)
    seen = see(Script(at_start=up(ticks, app=1), at_stop=ends, at_answer=(LEAVES,)), probe=Probe.STOP, app=app)
    assert verdict_of(seen) is Verdict.GRACEFUL
    assert (seen.of(StopEvidence).seen.began_ns > ends_ns) is waits


def test_the_request_is_held_until_all_is_at_rest() -> None:
    happenings = (changed(RECEIVES, busy=True), Happening(after_s=0.4, output=RECEIVED, busy=False))
    seen = stop(changed(GRACEFUL, at_stop=happenings))
    evidence = seen.of(StopEvidence)
    assert judge(evidence).delivery is Delivery.DUPLICATE
    assert verdict_of(seen) is Verdict.GRACEFUL
    assert evidence.took_s >= 0.4


@given(st.floats(min_value=0, max_value=2.5), st.booleans())
def test_whenever_the_container_ends_under_its_app_it_is_never_graceful(ends: float, told: bool) -> None:
    happenings = (Happening(output=RECEIVED if told else b"", busy=True), Happening(after_s=ends, exit_code=143))
    seen = stop(Script(at_start=up(NPM_1, NODE), at_stop=happenings, at_answer=(LEAVES,)))
    assert verdict_of(seen) is Verdict.ABRUPT
    assert seen.of(StopEvidence).request is Request.LOST


def test_an_app_that_is_told_late_still_gets_its_request() -> None:
    seen = stop(changed(GRACEFUL, at_stop=(Happening(after_s=SETTLE_S - 0.1, output=RECEIVED),)))
    assert verdict_of(seen) is Verdict.GRACEFUL
    assert seen.of(StopEvidence).request is Request.ANSWERED


def test_an_app_that_is_told_after_the_settle_time_still_gets_its_request() -> None:
    seen = stop(changed(GRACEFUL, at_stop=(Happening(after_s=SETTLE_S + 0.3, output=RECEIVED),)))
    assert verdict_of(seen) is Verdict.GRACEFUL
    assert seen.of(StopEvidence).request is Request.ANSWERED


def test_another_signal_makes_it_shut_down_too() -> None:
    seen = stop(changed(GRACEFUL, at_stop=(changed(RECEIVES, output=b"Received signal: SIGINT\n"),)))
    assert verdict_of(seen) is Verdict.GRACEFUL
    assert judge(seen.of(StopEvidence)).delivery is Delivery.NONE


def test_the_signal_is_the_images_own() -> None:
    happening = changed(RECEIVES, output=b"Received signal: SIGINT\n")
    seen = see(changed(GRACEFUL, stop_signal=2, at_stop=(happening,)), probe=Probe.STOP, signal=INT)
    assert (seen.of(StopEvidence).signalled.sent, seen.of(StopEvidence).signalled.deliveries) == (INT, 1)
    assert kills(seen) == [2]


def test_without_a_port_there_is_no_request() -> None:
    script = Script(at_start=up(NODE_1, app=1), at_stop=(RECEIVES, changed(LEAVES, after_s=0.02)), answers=None)
    seen = see(script, probe=Probe.STOP, app=NO_PORT)
    evidence = seen.of(StopEvidence)
    assert verdict_of(seen) is Verdict.GRACEFUL
    assert evidence.request is None
    assert finding(evidence).text.endswith("; no request was sent")
    assert "request" not in judge(evidence).reason + Verdict.GRACEFUL.meaning
    assert (seen.container.launch.publish, seen.container.asked) == (None, [])


def test_without_a_port_an_end_before_the_app_is_done_is_abrupt() -> None:
    script = Script(at_start=up(NODE_1, app=1), at_stop=(RECEIVES, Happening(after_s=0.02, exit_code=143)))
    assert verdict_of(see(script, probe=Probe.STOP, app=NO_PORT)) is Verdict.ABRUPT


def test_an_app_that_nobody_told_how_to_stop_is_untested() -> None:
    seen = see(GRACEFUL, probe=Probe.STOP, app=changed(APP, stop=None))
    assert seen.reason == "the catalogue does not say how to make the app shut down: add an [app.stop] table"
    assert seen.containers == ()


def test_a_request_that_nobody_answers_is_untested_and_nothing_is_stopped() -> None:
    seen = stop(changed(GRACEFUL, answers=None))
    assert seen.reason == "the app does not answer on its published port"
    assert kills(seen) == []


def test_a_request_whose_answer_has_ended_was_not_in_flight_and_nothing_is_stopped() -> None:
    seen = stop(changed(GRACEFUL, holds=False))
    assert "POST /hold ended before the request did, so none was in flight" in str(seen.reason)
    assert kills(seen) == []


def test_an_engine_that_does_not_stop_it_is_untested() -> None:
    seen = stop(Script(at_start=up(NPM_1, NODE), stop_signal=None))
    assert seen.reason == "the engine does not tell of its stop"


@pytest.mark.parametrize(
    ("happening", "reason"),
    [
        (Happening(after_s=0.01, out_of_memory=True, exit_code=137), "the container ran out of memory"),
        (Happening(after_s=0.01, output=b"x" * MOST_BYTES + b"\n"), "the app floods its log: over 1 MiB"),
        (Happening(after_s=0.01, output=RECEIVED + b"x" * MOST_BYTES), "the app floods its log: over 1 MiB"),
    ],
)
def test_trouble_of_its_own_is_no_finding(happening: Happening, reason: str) -> None:
    assert stop(Script(at_start=up(INIT_1, NODE), at_stop=(happening,))).reason == reason


@pytest.mark.parametrize(
    "happening",
    [RECEIVES, Happening(after_s=0.01, exit_code=1), Happening(after_s=0.01, out_of_memory=True)],
    ids=["graceful", "abrupt", "untested"],
)
def test_the_request_is_let_go_of_in_the_end(happening: Happening) -> None:
    seen = stop(changed(GRACEFUL, at_stop=(happening,)))
    assert [request.closed for request in seen.container.held] == [True]


# Runtimes that raise the signal again

BARE_APP = App(ready=Quiescent(), stop=StopSetting(), below_wrappers=True)


def raised(later_s: float, *, by_signal: bool) -> Script:
    """An app under an init, or as PID 1, whose handler runs, and which then sends itself the signal again."""
    pid, tree = (1007, (INIT_1, NODE)) if by_signal else (1001, (NODE_1,))
    to_main = Sent(time_s=2, sender="runc", sender_pid=5, number=15, target="x", target_pid=1001, fate=Fate.DELIVERED)
    to_app = changed(to_main, sender="init", sender_pid=1001, target_pid=pid) if by_signal else to_main
    ran = Handled(time_s=2.001, comm="x", pid=pid, number=15, handler=64)
    fate = Fate.DELIVERED if by_signal else Fate.IGNORED
    again = changed(to_app, time_s=2.001 + later_s, sender_pid=pid, fate=fate)
    parting = Parting.KILLED if by_signal else Parting.EXITED
    life = Life(pid=pid, parent=1001, name="x", began_s=1, ended_s=2.5, parting=parting)
    trace = (to_main, to_app, ran, again) if by_signal else (to_main, ran, again)
    ends = Happening(after_s=0.1, trace=trace, lives=(life,), exit_code=143 if by_signal else 2)
    return Script(at_start=(Happening(tree=tree),), at_stop=(ends,), traced=True)


@pytest.mark.parametrize(
    ("by_signal", "how"), [(True, "died of it"), (False, "ended with exit code 2")], ids=["under an init", "as PID 1"]
)
def test_an_app_whose_runtime_raises_the_signal_again_is_not_graceful(by_signal: bool, how: str) -> None:
    seen = see(raised(0.0001, by_signal=by_signal), probe=Probe.STOP, app=BARE_APP)
    found = judge(seen.of(StopEvidence))
    assert (found.verdict, found.delivery) == (Verdict.ABRUPT, Delivery.NONE)
    told = f"SIGTERM was handled by the app's runtime, which raised it again, and the app {how} 0.1 s after it"
    assert told in found.reason


@pytest.mark.parametrize("by_signal", [True, False], ids=["under an init", "as PID 1"])
def test_an_app_that_clears_up_and_then_raises_it_again_is_graceful(by_signal: bool) -> None:
    seen = see(raised(0.08, by_signal=by_signal), probe=Probe.STOP, app=BARE_APP)
    assert (verdict_of(seen), judge(seen.of(StopEvidence)).delivery) == (Verdict.GRACEFUL, Delivery.ONCE)


SECOND = changed(reports.APP, pid=1008, inner_pid=8, argv=("worker",))


def test_of_several_apps_the_reason_names_the_one_that_is_worst_off() -> None:
    two = {"before": (reports.PID1, reports.APP, SECOND), "more_apps": (SECOND.pid,)}
    forced = judge(changed(reports.FORCED, **two)).reason
    assert forced.endswith(f"(one of 2 apps, `{reports.APP.command}`, PID 7)")
    assert "its 2 apps ended by themselves, " in judge(changed(reports.GRACEFUL, **two)).reason
    assert "apps" not in judge(reports.GRACEFUL).reason
