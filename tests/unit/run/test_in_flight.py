"""Requests in flight as a container is stopped, on scripted containers: what is lost is never graceful."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.describe import finding
from harness.core.evidence import Untested
from harness.core.flight import End
from harness.core.judge import judge
from harness.core.question import Probe
from harness.core.subject import App, InFlight, StopSetting
from harness.core.verdict import Verdict
from harness.run.observation import GRACE_S
from harness.run.probes.stop import StopEvidence
from tests.support.evidence import changed
from tests.support.scripted import Happening, Plain, Script
from tests.support.seeing import APP as LOGS
from tests.support.seeing import DONE, INIT_1, NODE, NODE_1, RECEIVED, Look, see, up

APP = App(stop=StopSetting(in_flight=InFlight(path="/slow", port=8080, number=3)), below_wrappers=True)
STARTS = (Happening(tree=(NODE_1,)),)
SLOW = Plain(after_s=1.5)
DRAINS = Script(at_start=STARTS, at_stop=(Happening(after_s=2, exit_code=0),), plain=(SLOW,))
LEAVES = changed(DRAINS, at_stop=(Happening(after_s=0.01, exit_code=0),))


def stop(script: Script, app: App = APP) -> Look:
    return see(script, probe=Probe.STOP, app=app)


def verdict_of(seen: Look) -> Verdict:
    return judge(seen.of(StopEvidence)).verdict


def test_an_app_that_answers_all_and_leaves_is_graceful() -> None:
    seen = stop(DRAINS)
    assert verdict_of(seen) is Verdict.GRACEFUL
    assert "answered the 3 requests in flight, and ended by itself" in judge(seen.of(StopEvidence)).reason
    assert (seen.container.asked, seen.container.launch.publish) == (["/slow"] * 3, 8080)
    assert [requests.closed for requests in seen.container.plain] == [True]


def test_an_app_that_does_not_wait_is_abrupt_though_it_exits_with_0() -> None:
    seen = stop(LEAVES)
    assert verdict_of(seen) is Verdict.ABRUPT
    assert seen.of(StopEvidence).seen.exit_code == 0
    assert judge(seen.of(StopEvidence)).reason.endswith("ended by itself, but all 3 requests in flight were cut")
    facts = finding(seen.of(StopEvidence)).facts
    assert (facts["in_flight"], facts["in_flight_cut"], facts["in_flight_answered"]) == (3, 3, 0)


def test_one_that_is_lost_is_enough() -> None:
    seen = stop(changed(DRAINS, plain=(SLOW, Plain(after_s=0.5, end=End.RESET), SLOW)))
    assert verdict_of(seen) is Verdict.ABRUPT
    assert "1 of 3 requests in flight was reset" in judge(seen.of(StopEvidence)).reason


def test_sigkill_stays_forced_and_tells_what_was_lost() -> None:
    seen = stop(Script(at_start=STARTS, plain=(SLOW, Plain())))
    assert verdict_of(seen) is Verdict.FORCED
    assert judge(seen.of(StopEvidence)).reason.endswith(", and 1 of 3 requests in flight was cut")


def test_a_wrapper_that_ends_under_its_app_tells_what_was_lost() -> None:
    script = Script(
        at_start=(Happening(tree=(INIT_1, NODE)),),
        at_stop=(Happening(after_s=0.1, exit_code=143),),
        plain=(SLOW,),
    )
    seen = stop(script)
    assert verdict_of(seen) is Verdict.ABRUPT
    assert judge(seen.of(StopEvidence)).reason.endswith("and all 3 requests in flight were cut")


@pytest.mark.parametrize("after_s", [0.0, 0.2, 0.499])
def test_what_was_complete_before_the_stop_was_not_in_flight_and_nothing_is_stopped(after_s: float) -> None:
    seen = stop(changed(DRAINS, plain=(Plain(after_s=after_s, taken=None),)))
    assert seen.reason.startswith("each of the 3 requests was complete before the stop (status 200")
    assert not seen.container.inbox.events
    assert [requests.closed for requests in seen.container.plain] == [True]


def test_an_answer_while_the_engine_begins_to_stop_is_not_counted() -> None:
    seen = stop(changed(DRAINS, plain=(Plain(after_s=0.3),), stops_after_s=0.5))
    assert isinstance(seen.evidence, Untested)
    assert "so nothing was in flight" in seen.reason


def test_only_what_was_in_flight_counts() -> None:
    seen = stop(changed(LEAVES, plain=(Plain(after_s=0), SLOW, SLOW)))
    assert "all 2 requests in flight were cut" in judge(seen.of(StopEvidence)).reason
    assert "(1 more ended before the stop)" in finding(seen.of(StopEvidence)).text


def test_an_answer_that_is_an_error_says_nothing_of_the_stop() -> None:
    judgement = judge(stop(changed(DRAINS, plain=(Plain(after_s=1.5, status=503),))).of(StopEvidence))
    assert judgement.verdict is Verdict.UNTESTED
    assert judgement.reason.startswith("a request in flight was answered with status 503")


def test_an_error_beside_a_loss_leaves_it_abrupt() -> None:
    assert verdict_of(stop(changed(DRAINS, plain=(Plain(after_s=1, status=503), Plain())))) is Verdict.ABRUPT


def test_an_app_that_has_not_read_them_is_stopped_all_the_same_and_that_is_told() -> None:
    seen = stop(changed(DRAINS, plain=(SLOW, Plain(taken=False))))
    assert "1 not yet read by the app" in finding(seen.of(StopEvidence)).text


@pytest.mark.parametrize(("state", "unread"), [("R", False), ("D+", False), ("S", True)])
def test_one_that_has_not_had_its_turn_is_waited_for_and_one_that_sleeps_is_not(state: str, *, unread: bool) -> None:
    turn = Happening(tree=(replace(NODE_1, state=state),))
    seen = stop(changed(DRAINS, plain=(Plain(after_s=4, taken_after_s=3),), at_request=(turn,)))
    assert verdict_of(seen) is (Verdict.ABRUPT if unread else Verdict.GRACEFUL)
    assert ("not yet read by the app" in finding(seen.of(StopEvidence)).text) is unread


def test_new_ones_are_tried_from_the_signal_on() -> None:
    seen = stop(changed(DRAINS, accepts_s=1.0))
    evidence = seen.of(StopEvidence)
    assert evidence.flight is not None
    assert 0.97 <= evidence.flight.accepting_s <= 1.0
    assert evidence.flight.then == "refused"


def test_new_ones_that_are_lost_are_told_and_do_not_make_the_verdict() -> None:
    seen = stop(changed(DRAINS, turns_away=End.CUT))
    assert verdict_of(seen) is Verdict.GRACEFUL
    assert "accepted and then lost" in finding(seen.of(StopEvidence)).text


def test_nothing_listens_is_untested_and_nothing_is_stopped() -> None:
    seen = stop(changed(DRAINS, plain=None))
    assert seen.reason == "nothing takes connections on port 8080 of the container"
    assert not seen.container.inbox.events


@given(st.floats(min_value=0, max_value=2.5), st.floats(min_value=0.6, max_value=2.5))
def test_whatever_is_not_answered_by_the_end_is_never_graceful(ends: float, takes: float) -> None:
    script = changed(DRAINS, at_stop=(Happening(after_s=ends, exit_code=0),), plain=(Plain(after_s=takes),))
    seen = stop(script)
    evidence = seen.of(StopEvidence)
    assert evidence.flight is not None
    assert evidence.flight.lost in (0, 3)
    assert verdict_of(seen) is (Verdict.ABRUPT if evidence.flight.lost else Verdict.GRACEFUL)
    assert evidence.flight.lost == 3 or takes <= ends + 0.25


class TestNeeds:
    NO_REQUEST = App(stop=StopSetting(), below_wrappers=True)

    def test_the_shortest_safe_grace_is_rounded_up(self) -> None:
        found = finding(
            stop(changed(DRAINS, at_stop=(Happening(after_s=1.234, exit_code=0),)), self.NO_REQUEST).of(StopEvidence)
        )
        assert found.brief == f"needs 1.3 s of {GRACE_S} s, exit 0"
        assert f"(needs 1.3 s of {GRACE_S} s)" in found.text
        assert found.facts["needs_s"] == 1.3

    def test_one_that_was_lost_tells_nothing_of_it(self) -> None:
        found = finding(stop(LEAVES).of(StopEvidence))
        assert (found.facts["needs_s"], "needs" in found.text) == (None, False)

    def test_one_that_was_never_told_would_not_end_with_more(self) -> None:
        found = finding(stop(Script(at_start=STARTS, at_tell=None), self.NO_REQUEST).of(StopEvidence))
        assert (found.facts["needs_s"], "needs" in found.brief) == (None, False)

    def test_one_that_was_told_and_did_not_end_needs_more_if_it_ends_at_all(self) -> None:
        told = Script(at_start=up(NODE_1, app=1), at_stop=(Happening(after_s=0.01, output=RECEIVED),))
        found = finding(stop(told, changed(LOGS, stop=StopSetting())).of(StopEvidence))
        assert (found.brief, found.facts["needs_s"]) == (f"needs more than {GRACE_S} s, exit 137", None)

    def test_a_request_that_is_held_is_not_counted_as_need(self) -> None:
        receives, done = Happening(output=RECEIVED), Happening(after_s=0.01, output=DONE, exit_code=0)
        held = Script(at_start=up(INIT_1, NODE), at_stop=(receives,), at_answer=(done,))
        found = finding(stop(held, LOGS).of(StopEvidence))
        assert "needs" not in found.text
        assert "needs_s" not in found.facts
