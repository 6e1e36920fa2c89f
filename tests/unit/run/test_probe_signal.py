"""One run of a cell, on scripted containers: what is waited for, what is not, and when nothing can be said."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import EngineFault, EngineUnavailable
from harness.core.evidence import Ground, Receipt, SignalEvidence, Untested
from harness.core.judge import judge
from harness.core.trace import Fate, Sent
from harness.core.verdict import Delivery, Outcome, Verdict
from harness.run.inbox import MOST_BYTES
from harness.run.observation import SETTLE_BLIND_S, SETTLE_S, Patience
from tests.support.evidence import changed
from tests.support.facts import start_command
from tests.support.scripted import Happening, Script, process, through_ps
from tests.support.seeing import (
    INIT_1,
    NODE,
    NODE_1,
    NPM_1,
    PATIENCE,
    READY,
    RECEIVED,
    SHELL_1,
    TERM,
    Look,
    see,
    up,
)

if TYPE_CHECKING:
    from harness.core.process import Tree

FLOOD = b"x" * MOST_BYTES + b"\n"


def evidence_of(seen: Look) -> SignalEvidence:
    return seen.of(SignalEvidence)


def sent(target_pid: int, fate: Fate, *, at_s: float = 2.0) -> Sent:
    return Sent(time_s=at_s, sender="runc", sender_pid=5, number=15, target="x", target_pid=target_pid, fate=fate)


def test_forwarded_is_decided_at_once() -> None:
    seen = see(Script(at_start=up(INIT_1, NODE), at_signal=(Happening(after_s=0.005, output=RECEIVED),)))
    evidence = evidence_of(seen)
    assert judge(evidence).verdict is Verdict.FORWARDED
    assert evidence.ground is Ground.SETTLED
    assert seen.decided_s < 0.1


def test_the_evidence_is_whole() -> None:
    seen = see(
        Script(
            at_start=up(NODE_1, app=1), at_signal=(Happening(after_s=0.005, output=b"Received signal: SIGTERM t=42\n"),)
        )
    )
    evidence = evidence_of(seen)
    assert (evidence.sent, evidence.seen.app_pid, evidence.seen.running, evidence.seen.exit_code) == (
        TERM,
        1001,
        True,
        None,
    )
    assert evidence.seen.before == evidence.seen.after == (NODE_1,)
    (receipt,) = evidence.receipts
    assert receipt == Receipt(signal="SIGTERM", at_ns=42, read_ns=evidence.seen.began_ns + 5_000_000)
    assert [line.text for line in evidence.seen.logs] == [
        "Listening on port 3000 pid=1",
        "Received signal: SIGTERM t=42",
    ]
    assert [event.action for event in evidence.seen.events] == ["kill"]
    assert seen.container.killed == [TERM]
    assert not evidence.done
    assert all(event.action != "oom" for event in evidence.seen.events)
    assert evidence.seen.trace is None


def test_nothing_is_sent_before_the_ready_line() -> None:
    start = (Happening(tree=(NODE_1,)), Happening(after_s=9, output=READY % 1))
    seen = see(Script(at_start=start, at_signal=(Happening(after_s=0.005, output=RECEIVED),)))
    assert evidence_of(seen).seen.began_ns >= 1_000_000_000 + 9_000_000_000


def test_a_signal_in_the_log_before_it_was_sent_does_not_count() -> None:
    start = (Happening(tree=(SHELL_1, NODE), output=RECEIVED + READY % 7),)
    assert evidence_of(see(Script(at_start=start))).receipts == ()


def test_a_line_from_before_the_signal_that_comes_in_late_does_not_count() -> None:
    """A busy engine brings what was written before only with the mark that is written behind it."""
    early = (*up(INIT_1, NODE), Happening(after_s=0.001, unread=RECEIVED))
    evidence = evidence_of(see(Script(at_start=early)))
    assert [line.text for line in evidence.seen.logs][-1:] == [RECEIVED.decode().strip()]
    assert evidence.receipts == ()


def test_an_app_whose_ready_line_comes_in_late_is_judged_too() -> None:
    """Of two workers, one is told: the line of the other is read before it is said who the apps are."""
    other = changed(NODE, pid=1008, inner_pid=8)
    start = (*up(NPM_1, NODE, other), Happening(after_s=0.001, unread=READY % 8))
    seen = see(
        Script(at_start=start, at_signal=(Happening(after_s=0.005, output=b"Received signal: SIGTERM pid=7\n"),))
    )
    evidence = evidence_of(seen)
    assert (evidence.seen.app_pid, evidence.more_apps) == (1007, (1008,))
    assert judge(evidence).verdict is not Verdict.FORWARDED


def test_a_drop_is_decided_by_the_masks_at_once() -> None:
    seen = see(Script(at_start=up(SHELL_1, NODE)))
    assert evidence_of(seen).ground is Ground.MASKS
    assert judge(evidence_of(seen)).verdict is Verdict.SWALLOWED
    assert seen.decided_s < 0.01


def test_no_handler_in_an_init_that_fetches_signals_is_no_drop() -> None:
    tini = process(1, "tini -- node server.js", wchan="do_sigtimedwait")
    seen = see(Script(at_start=up(tini, NODE), at_signal=(Happening(after_s=0.3, output=RECEIVED),)))
    assert judge(evidence_of(seen)).verdict is Verdict.FORWARDED


def test_not_passed_on_is_believed_after_the_settle_time() -> None:
    seen = see(Script(at_start=up(NPM_1, NODE)))
    assert judge(evidence_of(seen)).verdict is Verdict.SWALLOWED
    assert SETTLE_S <= seen.decided_s < SETTLE_S + 0.2


def test_the_settle_time_may_be_chosen() -> None:
    seen = see(Script(at_start=up(NPM_1, NODE)), Patience(settle_s=5))
    assert 5 <= seen.decided_s < 5.2


def test_a_second_delivery_is_waited_for_while_the_container_works() -> None:
    happenings = (
        Happening(after_s=0.005, output=RECEIVED, busy=True),
        Happening(after_s=0.430, output=RECEIVED, busy=False),
    )
    seen = see(Script(at_start=up(NPM_1, NODE), at_signal=happenings))
    assert judge(evidence_of(seen)).delivery is Delivery.DUPLICATE
    assert 0.430 <= seen.decided_s < 0.6


def test_rest_starts_anew_after_work() -> None:
    happenings = (Happening(after_s=SETTLE_S - 0.1, busy=True), Happening(after_s=SETTLE_S + 0.3, busy=False))
    seen = see(Script(at_start=up(NPM_1, NODE), at_signal=happenings))
    assert seen.decided_s >= 2 * SETTLE_S + 0.3


def test_an_end_by_a_timer_is_killed_and_not_swallowed() -> None:
    """Npm passes nothing on, its script is gone, and half a second later it ends itself."""
    happenings = (Happening(after_s=0.01, tree=(NPM_1,)), Happening(after_s=0.57, exit_code=143))
    seen = see(Script(at_start=up(NPM_1, NODE), at_signal=happenings))
    evidence = evidence_of(seen)
    assert judge(evidence).verdict is Verdict.KILLED
    assert (evidence.ground, evidence.seen.exit_code, evidence.seen.after) == (Ground.ENDED, 143, ())


def test_a_received_signal_does_not_decide_once_the_tree_has_changed() -> None:
    happenings = (Happening(after_s=0.01, output=RECEIVED, tree=(NPM_1,)), Happening(after_s=0.57, exit_code=143))
    seen = see(Script(at_start=up(NPM_1, NODE), at_signal=happenings))
    assert judge(evidence_of(seen)).verdict is Verdict.CUT_SHORT
    assert evidence_of(seen).seen.running is False


def test_an_app_that_shuts_down_is_exited() -> None:
    happenings = (
        Happening(after_s=0.01, output=RECEIVED),
        Happening(after_s=0.011, output=b"Shutdown complete\n", exit_code=0),
    )
    judgement = judge(evidence_of(see(Script(at_start=up(NODE_1, app=1), at_signal=happenings))))
    assert (judgement.verdict, judgement.outcome) == (Verdict.FORWARDED, Outcome.EXITED)


def test_the_last_words_before_the_end_are_read() -> None:
    happenings = (Happening(after_s=0.01, unread=RECEIVED + b"Shutdown complete", exit_code=0),)
    evidence = evidence_of(see(Script(at_start=up(NODE_1, app=1), at_signal=happenings)))
    assert (evidence.deliveries, evidence.done) == (1, True)


def test_a_line_that_comes_in_only_with_the_mark_counts() -> None:
    seen = see(Script(at_start=up(INIT_1, NODE), at_signal=(Happening(after_s=0.001, unread=RECEIVED),)))
    assert judge(evidence_of(seen)).verdict is Verdict.FORWARDED
    assert seen.decided_s < 0.1


@pytest.mark.parametrize("received", [b"", RECEIVED], ids=["nothing", "received"])
def test_without_proc_rest_is_believed_later(received: bytes) -> None:
    start = up(*through_ps((INIT_1, NODE)))
    seen = see(Script(at_start=start, at_signal=(Happening(after_s=0.005, output=received),), marks=0))
    assert evidence_of(seen).deliveries == bool(received)
    assert SETTLE_BLIND_S <= seen.decided_s < SETTLE_BLIND_S + 0.2


def test_without_proc_a_late_line_starts_the_rest_anew() -> None:
    happenings = (Happening(after_s=1.4, output=RECEIVED), Happening(after_s=2.8, output=RECEIVED))
    seen = see(Script(at_start=up(*through_ps((INIT_1, NODE))), at_signal=happenings, marks=0))
    assert judge(evidence_of(seen)).verdict is Verdict.DUPLICATED
    assert seen.decided_s >= 2.8 + SETTLE_BLIND_S


def test_without_proc_masks_with_a_wait_channel_are_proof() -> None:
    seen = see(Script(at_start=up(*through_ps((SHELL_1, NODE))), marks=0))
    assert evidence_of(seen).ground is Ground.MASKS


def test_without_a_wait_channel_masks_are_no_proof() -> None:
    blind = tuple(changed(process, wchan=None) for process in through_ps((SHELL_1, NODE)))
    seen = see(Script(at_start=up(*blind), marks=0))
    assert evidence_of(seen).ground is Ground.SETTLED
    assert seen.decided_s >= SETTLE_BLIND_S


def test_the_kernels_record_goes_before_the_masks() -> None:
    """The masks would tell of a drop, but the kernel delivered it."""
    happenings = (
        Happening(after_s=0, trace=(sent(1001, Fate.DELIVERED),)),
        Happening(after_s=0.3, output=RECEIVED, trace=(sent(1007, Fate.DELIVERED, at_s=2.3),)),
    )
    seen = see(Script(at_start=up(SHELL_1, NODE), at_signal=happenings, traced=True))
    assert evidence_of(seen).ground is Ground.SETTLED
    assert judge(evidence_of(seen)).verdict is Verdict.FORWARDED


def test_a_drop_is_decided_by_the_kernels_record_at_once() -> None:
    """The masks would tell of a handler, but the kernel dropped it."""
    seen = see(
        Script(
            at_start=up(INIT_1, NODE),
            at_signal=(Happening(after_s=0, trace=(sent(1001, Fate.IGNORED),)),),
            traced=True,
        )
    )
    assert evidence_of(seen).ground is Ground.MASKS
    assert evidence_of(seen).seen.trace == (sent(1001, Fate.IGNORED),)
    assert seen.decided_s < 0.01


def test_a_drop_in_another_process_decides_nothing() -> None:
    happening = Happening(after_s=0, trace=(sent(1007, Fate.IGNORED),))
    seen = see(Script(at_start=up(SHELL_1, NODE), at_signal=(happening,), traced=True))
    assert evidence_of(seen).ground is Ground.SETTLED


def test_an_app_that_vanished_is_never_called_a_drop() -> None:
    seen = see(Script(at_start=up(SHELL_1, NODE), at_signal=(Happening(tree=(SHELL_1,)),)))
    assert evidence_of(seen).ground is Ground.SETTLED
    assert judge(evidence_of(seen)).verdict is Verdict.KILLED


def test_never_ready() -> None:
    seen = see(Script(at_start=(Happening(output=b"starting\n", tree=(NODE_1,)),)), Patience(ready_s=7))
    assert seen.evidence == Untested(
        reason="no ready line within 7 s: no line matches '^Listening on port \\\\d+ pid=(?P<pid>\\\\d+)', "
        "and the last line of its log is 'starting'",
        logs=seen.container.inbox.lines,
    )
    assert [line.text for line in seen.container.inbox.lines] == ["starting"]
    assert 7 <= seen.passed_s < 7.1
    assert seen.container.killed == []


def test_an_end_at_once_is_told_with_its_exit_code() -> None:
    seen = see(Script(at_start=(Happening(after_s=0.02, output=b"Cannot find module\n", exit_code=3),)))
    assert seen.reason == "the container ended before the app was ready, with exit code 3"
    assert seen.passed_s < 1


NOT_JSON = start_command(command=("/bin/sh", "-c", "['node', 'server.js']"))


def test_a_command_that_is_not_quite_json_is_named_as_the_cause() -> None:
    at_start = (Happening(after_s=0.02, output=b"/bin/sh: [node,: not found\n", exit_code=127),)
    assert see(Script(at_start=at_start), start=NOT_JSON).reason == (
        "the container ended before the app was ready, with exit code 127: "
        "`CMD ['node', 'server.js']` is not valid JSON "
        '(single quotes), so /bin/sh runs the text as a command; write `CMD ["node", "server.js"]`'
    )


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (Script(), "no ready line within 7 s"),
        (Script(at_start=(Happening(exit_code=0),)), "the container ended before the app was ready, with exit code 0"),
    ],
)
def test_it_is_not_blamed_for_anything_else(script: Script, reason: str) -> None:
    found = see(script, Patience(ready_s=7), start=NOT_JSON).reason
    assert found.startswith(reason)
    assert "not valid JSON" not in found


def test_ready_in_the_very_last_line_and_then_the_end() -> None:
    start = (Happening(tree=(NODE_1,)), Happening(after_s=0.02, output=READY % 1, exit_code=0))
    assert see(Script(at_start=start)).reason == ("the container ended before it could be tested, with exit code 0")


def test_a_flood_before_ready() -> None:
    seen = see(Script(at_start=(Happening(output=FLOOD, tree=(NODE_1,)),)))
    assert seen.reason == "the app floods its log: over 1 MiB before it was ready"


def test_a_flood_after_ready() -> None:
    seen = see(Script(at_start=up(NPM_1, NODE), at_signal=(Happening(after_s=0.01, output=FLOOD),)))
    assert seen.reason == "the app floods its log: over 1 MiB"


def test_out_of_memory_is_no_finding() -> None:
    happening = Happening(after_s=0.01, out_of_memory=True, exit_code=137)
    seen = see(Script(at_start=up(NPM_1, NODE), at_signal=(happening,)))
    assert seen.reason == "the container ran out of memory"


ENDS = Happening(after_s=0.01, exit_code=137)


@pytest.mark.parametrize(("late_s", "told"), [(0.04, True), (0.4, True), (2.0, False)])
def test_that_memory_ran_out_may_be_told_after_the_end(late_s: float, *, told: bool) -> None:
    late = Happening(after_s=0.01 + late_s, out_of_memory=True)
    seen = see(Script(at_start=up(NPM_1, NODE), at_signal=(ENDS, late)))
    if told:
        assert seen.reason == "the container ran out of memory"
    else:
        assert judge(evidence_of(seen)).verdict is Verdict.KILLED


def killed(target: int, *, sender: int) -> Sent:
    return Sent(
        time_s=2.0,
        sender="x",
        sender_pid=sender,
        number=9,
        target="y",
        target_pid=target,
        fate=Fate.DELIVERED,
        by_kernel=True,
    )


@pytest.mark.parametrize(
    ("kill", "lacks"),
    [
        (killed(1007, sender=1007), True),  # the app asked for memory, and is the one that is killed
        (killed(1007, sender=1008), True),  # another one asked for it
        (killed(1001, sender=1001), True),
        (killed(1007, sender=1001), False),  # PID 1 has ended
        (None, False),
    ],
    ids=["itself", "for another", "PID 1", "as PID 1 ended", "nobody"],
)
def test_by_the_record_only_a_kill_of_the_kernels_own_is_looked_into(kill: Sent | None, *, lacks: bool) -> None:
    ends = changed(ENDS, trace=(kill,) if kill else ())
    late = Happening(after_s=0.3, out_of_memory=True)
    seen = see(Script(at_start=up(NPM_1, NODE), at_signal=(ends, late), traced=True))
    assert isinstance(seen.evidence, Untested) is lacks


def test_a_container_that_never_rests() -> None:
    start = (Happening(output=READY % 7, tree=(NPM_1, NODE), busy=True),)
    seen = see(Script(at_start=start), Patience(deadline_s=11))
    assert evidence_of(seen).ground is Ground.DEADLINE
    assert 11 <= seen.decided_s < 11.2


def test_an_app_that_the_tree_does_not_tell() -> None:
    seen = see(Script(at_start=up(INIT_1, NODE, app=99)))
    assert seen.reason == "the process tree does not tell which process is the app"
    assert seen.container.killed == []


def test_marks_that_never_arrive() -> None:
    seen = see(Script(at_start=up(INIT_1, NODE), marks_arrive=False))
    assert seen.reason == "the container's output did not come through within 10 s"
    assert seen.evidence.logs == seen.container.inbox.lines


def test_a_fault_at_start() -> None:
    # Its output ends without its end: there was none.
    seen = see(Script(start_fault=EngineFault("the engine says: no such file"), disturbs="its output broke off"))
    assert seen.evidence == Untested(reason="the engine says: no such file")


def test_a_fault_at_the_signal() -> None:
    seen = see(Script(at_start=up(INIT_1, NODE), kill_fault=EngineFault("the engine says: not running")))
    assert seen.reason == "the engine says: not running"


def test_an_engine_that_went_away_is_not_hidden() -> None:
    with pytest.raises(EngineUnavailable):
        see(Script(at_start=up(INIT_1, NODE), kill_fault=EngineUnavailable("gone")))


@given(st.lists(st.floats(min_value=0, max_value=0.7), max_size=4), st.booleans())
def test_every_delivery_of_a_working_container_is_counted(times: list[float], marks: bool) -> None:
    ends = max(times, default=0.0) + 0.01
    happenings = (
        Happening(busy=True),
        *(Happening(after_s=at, output=RECEIVED) for at in sorted(times)),
        Happening(after_s=ends, busy=False),
    )
    script = Script(at_start=up(NPM_1, NODE), at_signal=happenings, marks=2 if marks else 0)
    assert evidence_of(see(script)).deliveries == len(times)


@given(st.lists(st.sampled_from([(), (INIT_1,), (INIT_1, NODE), (SHELL_1, NODE), (NODE_1,)]), min_size=2, max_size=6))
def test_whatever_the_tree_does_there_is_an_answer_in_time(trees: list[Tree]) -> None:
    happenings = tuple(Happening(after_s=n * 0.2, tree=tree) for n, (_, tree) in enumerate(pairwise(trees)))
    seen = see(Script(at_start=up(INIT_1, NODE), at_signal=happenings))
    if isinstance(seen.evidence, SignalEvidence):
        assert judge(seen.evidence).verdict in {Verdict.SWALLOWED, Verdict.KILLED}
    assert seen.passed_s < PATIENCE.decide_s + PATIENCE.calm_s


def test_what_the_runtime_did_before_the_signal_is_no_part_of_the_record() -> None:
    """A Go runtime that becomes PID 1 by exec has sent signals to itself under the same PID."""
    happenings = (Happening(after_s=0, output=RECEIVED, trace=(sent(1007, Fate.DELIVERED, at_s=0.1),)),)
    seen = see(Script(at_start=up(INIT_1, NODE), at_signal=happenings, traced=True))
    assert evidence_of(seen).seen.trace == ()


def test_a_stopped_app_has_no_verdict() -> None:
    stopped = changed(NODE, state="T")
    seen = see(Script(at_start=up(INIT_1, NODE), at_signal=(Happening(after_s=0, tree=(INIT_1, stopped)),)))
    assert "stopped the app" in seen.reason


def test_an_app_that_was_stopped_before_was_not_stopped_by_the_signal() -> None:
    stopped = changed(NODE, state="T")
    seen = see(Script(at_start=up(INIT_1, stopped)))
    assert seen.reason == "the app was stopped, as by SIGSTOP, before SIGTERM was sent, and takes no signal"
