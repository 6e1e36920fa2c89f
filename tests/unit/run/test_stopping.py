"""``docker stop`` on an engine whose events tell no signals, as Podman's: record, state and code do, or nobody."""

from __future__ import annotations

import pytest

from harness.core.judge import judge
from harness.core.question import Probe
from harness.core.roll_call import roll_call
from harness.core.subject import App, InFlight, StopSetting
from harness.core.trace import Fate, Handled, Life, Parting, Sent, TraceRecord
from harness.core.verdict import Verdict
from harness.run.observation import GRACE_S
from harness.run.probes.stop import StopEvidence
from tests.support.evidence import changed
from tests.support.scripted import Happening, Plain, Script
from tests.support.seeing import APP, DONE, INIT_1, NODE, NODE_1, RECEIVED, SHELL_1, Look, see, up

RECEIVES = Happening(after_s=0.01, output=RECEIVED)
LEAVES = Happening(after_s=0.01, output=DONE, exit_code=0)
GRACEFUL = Script(at_start=up(INIT_1, NODE), at_stop=(RECEIVES,), at_answer=(LEAVES,), tells=False)
FORCED = Script(at_start=up(SHELL_1, NODE), tells=False)
QUIET = changed(APP, stop=StopSetting())


def sent(at_s: float, number: int, pid: int = 1001, *, outside: bool = True, fate: Fate = Fate.DELIVERED) -> Sent:
    return Sent(
        time_s=at_s,
        sender="runc",
        sender_pid=99,
        number=number,
        target="node",
        target_pid=pid,
        fate=fate,
        from_outside=outside,
    )


def stop(script: Script, app: App = APP) -> Look:
    return see(script, probe=Probe.STOP, app=app)


def verdict_of(seen: Look) -> Verdict:
    return judge(seen.of(StopEvidence)).verdict


def recorded(script: Script, *records: TraceRecord, after_s: float = 0.005, lives: tuple[Life, ...] = ()) -> Script:
    """A script with the kernel's record of a stop, which comes in so long after it."""
    happening = Happening(after_s=after_s, trace=records, lives=lives)
    return changed(script, traced=True, at_stop=(happening, *script.at_stop))


def test_its_word_that_it_is_stopping_is_enough_to_look_on() -> None:
    seen = stop(GRACEFUL)
    assert verdict_of(seen) is Verdict.GRACEFUL
    assert [event.action for event in seen.container.inbox.events] == ["die"]
    assert not seen.of(StopEvidence).forced


def test_an_end_by_sigkill_as_the_grace_is_over_is_forced() -> None:
    seen = stop(FORCED)
    evidence = seen.of(StopEvidence)
    assert verdict_of(seen) is Verdict.FORCED
    assert (evidence.forced, evidence.seen.exit_code) == (True, 137)
    assert GRACE_S <= evidence.took_s < GRACE_S + 0.1


@pytest.mark.parametrize(
    ("after_s", "code", "why"),
    [
        (GRACE_S + 0.01, 0, "after 3.0 s of 3 s of grace, with exit code 0"),
        (0.5, 137, "after 0.5 s of 3 s of grace, with exit code 137"),
    ],
)
def test_an_end_that_may_or_may_not_be_the_engines_is_untested(after_s: float, code: int, why: str) -> None:
    ends = Happening(after_s=after_s, exit_code=code)
    seen = stop(changed(FORCED, at_stop=(ends,), kills_after_s=0.5))
    assert seen.reason.startswith(f"the container ended {why}, and whether the engine sent SIGKILL is not known")


def test_a_stop_that_nothing_tells_of_is_untested() -> None:
    seen = stop(changed(GRACEFUL, stop_signal=None))
    assert seen.reason == "the engine does not tell of its stop"


def test_with_a_record_that_alone_says_that_the_signal_was_sent() -> None:
    """The engine says that it is stopping it just before it does."""
    late = recorded(changed(GRACEFUL, at_stop=(changed(RECEIVES, after_s=1.5),)), sent(2.5, 15), after_s=1.4)
    assert verdict_of(stop(late)) is Verdict.GRACEFUL


def test_a_stop_that_the_record_does_not_have_is_untested() -> None:
    never = changed(GRACEFUL, at_stop=(), traced=True, kills_after_s=60)
    assert stop(never).reason == "the engine does not tell of its stop"


@pytest.mark.parametrize(
    ("killed", "forced"),
    [
        (sent(4.1, 9), True),
        (sent(4.1, 9, pid=1007), False),
        (sent(4.1, 9, outside=False), False),
    ],
)
def test_with_a_record_sigkill_is_what_came_to_the_main_process_from_outside(killed: Sent, *, forced: bool) -> None:
    script = recorded(changed(FORCED, at_stop=(Happening(after_s=2, trace=(killed,)),)), sent(1.06, 15))
    evidence = stop(script).of(StopEvidence)
    assert evidence.forced is forced
    assert roll_call(evidence)[0].by == "podman"


def test_the_roll_call_names_podman_as_who_ended_it() -> None:
    killed = Happening(after_s=2, trace=(sent(4.1, 9),))
    evidence = stop(recorded(changed(FORCED, at_stop=(killed,)), sent(1.06, 15))).of(StopEvidence)
    assert roll_call(evidence)[0].end == "SIGKILL by podman, as the grace period ended"


def test_with_a_record_the_time_is_from_the_signal_to_the_end_of_the_main_process() -> None:
    life = Life(pid=1001, parent=1000, name="node", began_s=1, ended_s=1.56, parting=Parting.EXITED)
    handled = Handled(time_s=1.07, comm="node", pid=1001, number=15, handler=1)
    ends = Happening(after_s=0.6, output=RECEIVED + DONE, exit_code=0)
    script = changed(GRACEFUL, at_start=up(NODE_1, app=1), at_stop=(ends,))
    evidence = stop(recorded(script, sent(1.06, 15), handled, lives=(life,)), QUIET).of(StopEvidence)
    assert evidence.took_s == pytest.approx(0.5)


IN_FLIGHT = App(stop=StopSetting(in_flight=InFlight(path="/slow", port=8080, number=3)), below_wrappers=True)
DRAINS = Script(
    at_start=(Happening(tree=(NODE_1,)),),
    at_stop=(Happening(after_s=2, exit_code=0),),
    plain=(Plain(after_s=1.5),),
    tells=False,
)


def test_what_was_in_flight_is_not_known_where_nothing_says_when_the_signal_was_sent() -> None:
    assert stop(DRAINS, IN_FLIGHT).reason.startswith("what was in flight is not known")


def test_the_record_says_when() -> None:
    seen = stop(changed(DRAINS, tells=True), IN_FLIGHT)
    assert verdict_of(seen) is Verdict.GRACEFUL
