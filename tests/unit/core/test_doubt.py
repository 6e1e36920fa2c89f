"""When evidence does not prove what it seems to: each reason for doubt, and what takes it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.doubt import doubt, passing_on, signals_group, takes
from harness.core.evidence import EngineEvent, Ground, Receipt, SignalEvidence
from harness.core.judge import judge, judge_all
from harness.core.result import Run
from harness.core.signals import Signal
from harness.core.trace import Fate, Handled, Sent
from harness.core.verdict import Verdict
from tests.support.evidence import changed, made, words
from tests.support.scripted import mask, process

if TYPE_CHECKING:
    from harness.core.process import Process, Tree

TERM = Signal(15)
ONCE = (Receipt(signal="SIGTERM", at_ns=None, read_ns=2),)


def init(args: str) -> Process:
    return process(1, args, catches=("TERM", "HUP", "INT"))


def below(args: str, *, catches: tuple[str, ...] = ("TERM",), pgid: int = 1007) -> Process:
    return changed(process(7, args, parent=1, catches=catches), pgid=pgid)


APP = changed(process(8, "node server.js", parent=7, catches=("TERM", "INT")), pgid=1007)
APP_OF_INIT = changed(APP, ppid=1001)
NPM = below("npm start")
DUMB_INIT = init("dumb-init npm start")
TINI_G = process(1, "tini -g -- npm start", wchan="do_sigtimedwait")
CHAIN: Tree = (DUMB_INIT, NPM, APP)


def evidence(before: Tree, *, after: Tree | None = None, receipts: tuple[Receipt, ...] = ONCE) -> SignalEvidence:
    return made(
        SignalEvidence,
        sent=TERM,
        began_ns=1,
        app_pid=1008,
        before=before,
        after=before if after is None else after,
        receipts=receipts,
        proven=True,
        done=False,
        running=True,
        exit_code=None,
        ground=Ground.SETTLED,
        logs=(),
        events=(EngineEvent(action="kill", time_ns=1, signal=15),),
        decided_ns=3,
    )


def ended(before: Tree) -> SignalEvidence:
    return changed(evidence(before, after=(), receipts=()), running=False, exit_code=143, ground=Ground.ENDED)


def by_record(sender_pid: int, *, target_pid: int = 1008, fate: Fate = Fate.DELIVERED) -> Sent:
    return Sent(time_s=1, sender="x", sender_pid=sender_pid, number=15, target="node", target_pid=target_pid, fate=fate)


FROM_ENGINE = changed(by_record(5, target_pid=1001), from_outside=True)
HANDLED = Handled(time_s=1.1, comm="node", pid=1008, number=15, handler=64)


def test_two_senders_may_have_merged_into_one() -> None:
    assert doubt(evidence(CHAIN)) == (
        "`dumb-init npm start` and `npm start` may each have sent SIGTERM to the app, "
        "and two signals that are pending together are delivered as one"
    )


@pytest.mark.parametrize(
    "trace", [(), (by_record(1001),), (by_record(1007), by_record(1001, fate=Fate.MERGED))], ids=["none", "one", "two"]
)
def test_with_the_kernels_record_no_luck_is_left(trace: tuple[Sent, ...]) -> None:
    assert doubt(changed(evidence(CHAIN), trace=trace)) is None
    assert doubt(changed(ended(CHAIN), trace=trace)) is None


@pytest.mark.parametrize(
    "before",
    [
        (init("dumb-init node server.js"), APP_OF_INIT),
        (init("dumb-init --single-child npm start"), NPM, APP),
        (init("tini -- npm start"), NPM, APP),
        (DUMB_INIT, below("npm start", catches=("HUP",)), APP),
        (DUMB_INIT, changed(NPM, pgid=1006), APP),
        (DUMB_INIT, NPM, changed(APP, pgid=1008)),
        (process(1, "dumb-init npm start", catches=("HUP",)), NPM, APP),
        (changed(APP, ppid=1000),),
    ],
    ids=[
        "only one process above",
        "it signals its child alone",
        "another that signals its child alone",
        "the parent does not take it",
        "the group differs",
        "the app has a group of its own",
        "the init does not take it",
        "none above",
    ],
)
def test_one_sender_leaves_no_doubt(before: Tree) -> None:
    assert doubt(evidence(before)) is None


def test_tini_signals_the_group_only_if_it_is_told_to() -> None:
    assert doubt(evidence((TINI_G, NPM, APP))) is not None
    assert doubt(evidence((changed(TINI_G, argv=words("tini -- npm start")), NPM, APP))) is None


def typed(*tree: Process) -> SignalEvidence:
    return changed(evidence(tree), typed=True)


def in_foreground(*processes: Process) -> tuple[Process, ...]:
    return tuple(changed(process, state="S+") for process in processes)


def test_the_terminal_is_a_sender_too() -> None:
    """All in the foreground, as with `npm start` as PID 1; or behind an init that put its child there, as tini does."""
    npm, app = in_foreground(changed(NPM, ppid=1001), APP)
    for pid1 in (DUMB_INIT, *in_foreground(DUMB_INIT)):
        assert "the terminal and " in (doubt(typed(pid1, npm, app)) or "")
        assert doubt(changed(typed(pid1, npm, app), trace=())) is None


def test_the_terminal_signals_nothing_behind_it() -> None:
    assert doubt(typed(*in_foreground(init("dumb-init node server.js")), APP_OF_INIT)) is None


def test_an_init_that_the_key_does_not_reach_passes_nothing_on() -> None:
    (app,) = in_foreground(APP_OF_INIT)
    assert doubt(typed(init("dumb-init node server.js"), app)) is None
    assert doubt(typed(*in_foreground(init("dumb-init node server.js")), app)) is not None


def test_an_end_may_have_come_before_the_handler() -> None:
    assert doubt(ended((init("tini -- node server.js"), APP_OF_INIT))) == (
        "`tini -- node server.js` may have sent SIGTERM to the app, which was gone before it could handle it"
    )


@pytest.mark.parametrize(
    "changed",
    [
        changed(ended(CHAIN), trace=()),
        changed(ended(CHAIN), done=True),
        changed(ended(CHAIN), running=True, after=CHAIN),
        ended((DUMB_INIT, NPM, changed(APP, caught=0))),
        ended((process(1, "/bin/sh -c node server.js", wchan="do_wait"), APP_OF_INIT)),
        changed(ended(CHAIN), app_pid=None),
    ],
    ids=["a record", "the app was done", "no end", "no handler", "nobody passes it on", "no app known"],
)
def test_an_end_that_leaves_no_doubt(changed: SignalEvidence) -> None:
    assert doubt(changed) is None


@pytest.mark.parametrize("words", ["timeout 60 node server.js", "node launcher.js", "python3 -m launcher"])
@pytest.mark.parametrize("pgid", [1007, 1008], ids=["in its group", "in a group of the app's own"])
def test_an_unknown_program_may_send_a_signal_more_than_once(words: str, pgid: int) -> None:
    other, once = changed(init(words), pgid=1007), (changed(ONCE[0], pid=8),)
    tree = (other, changed(APP_OF_INIT, pgid=pgid))
    assert doubt(evidence(tree, receipts=once)) == (
        f"`{words}` may have sent SIGTERM to the app more than once, and two signals that are pending together are "
        "delivered as one"
    )
    assert doubt(evidence(tree, receipts=once * 2)) is None
    assert doubt(changed(evidence(tree, receipts=once), trace=())) is None


def test_a_known_program_sends_a_signal_once() -> None:
    once = (changed(ONCE[0], pid=8),)
    for args in ("tini -- node server.js", "npm start", "node --run start", "su node -c x"):
        assert doubt(evidence((init(args), APP_OF_INIT), receipts=once)) is None


def test_a_handler_that_ran_needs_no_line_in_the_log() -> None:
    told = changed(evidence(CHAIN, receipts=()), trace=(FROM_ENGINE, by_record(1007), HANDLED))
    assert (doubt(told), judge(told).verdict) == (None, Verdict.FORWARDED)


@pytest.mark.parametrize("sender", [1008, 1019], ids=["the app", "one of its threads"])
def test_a_handler_of_the_runtime_that_raises_the_signal_again_is_none(sender: int) -> None:
    app = changed(APP, threads=frozenset({1008, 1019}))
    told = evidence((DUMB_INIT, NPM, app), receipts=())
    assert doubt(changed(told, trace=(by_record(1007), HANDLED, by_record(sender)))) is None


@pytest.mark.parametrize(
    "record",
    [
        changed(HANDLED, handler=0),
        changed(HANDLED, number=1),
        changed(HANDLED, pid=1007),
        by_record(1007),
        by_record(1007, fate=Fate.IGNORED),
    ],
    ids=["the default action", "another signal", "another process", "only sent", "dropped"],
)
def test_what_is_no_handler_that_ran_is_no_log_cut_off(record: Sent | Handled) -> None:
    assert doubt(changed(evidence(CHAIN, receipts=()), trace=(record,))) is None


def test_a_handler_in_another_thread_of_the_app_counts() -> None:
    app = changed(APP, threads=frozenset({1008, 1019}))
    told = evidence((DUMB_INIT, NPM, app), receipts=())
    assert changed(told, trace=(changed(HANDLED, pid=1019),)).deliveries == 1


def test_a_line_in_the_log_shows_that_it_is_not_cut_off() -> None:
    assert doubt(changed(evidence(CHAIN), trace=(by_record(1007), HANDLED))) is None


TEE = changed(process(9, "tee log", parent=1, wchan="pipe_read"), pgid=1009)
PIPE: Tree = (process(1, "/bin/sh -c node server.js | tee log", wchan="do_wait"), APP_OF_INIT, TEE)


@pytest.mark.parametrize(
    "after", [PIPE[:2], (*PIPE[:2], changed(TEE, state="Z"))], ids=["no more there", "there as a zombie"]
)
def test_a_log_may_have_gone_through_a_process_that_is_gone(after: Tree) -> None:
    assert doubt(evidence(PIPE, after=after, receipts=())) == (
        "`tee log` is gone, and the app's log may have gone through it"
    )


@pytest.mark.parametrize(
    "changed",
    [
        evidence(PIPE, receipts=()),
        evidence(PIPE, after=PIPE[:2]),
        evidence(PIPE, after=(PIPE[0],), receipts=()),
        changed(evidence(PIPE, after=PIPE[:2], receipts=()), trace=()),
        evidence(PIPE[:2], after=PIPE, receipts=()),
        changed(evidence(PIPE, after=(), receipts=()), running=False),
    ],
    ids=["all are there", "it was logged", "the app is gone", "a record", "one more is there", "all have ended"],
)
def test_a_log_that_leaves_no_doubt(changed: SignalEvidence) -> None:
    assert doubt(changed) is None


def test_an_app_may_have_got_its_signal_before_what_it_writes_to_was_gone() -> None:
    silent = changed(evidence(PIPE, after=PIPE[:2], receipts=()), trace=(by_record(1007), HANDLED))
    assert doubt(silent) == "`tee log` is gone, through which the app may write"
    sidecar = (*PIPE[:2], changed(TEE, argv=("sidecar",)))
    for settled in (
        changed(evidence(PIPE, after=PIPE[:2]), trace=(by_record(1007), HANDLED)),
        changed(evidence(PIPE, receipts=()), trace=(by_record(1007), HANDLED)),
        changed(evidence(sidecar, after=PIPE[:2], receipts=()), trace=(by_record(1007), HANDLED)),
    ):
        assert doubt(settled) is None


@pytest.mark.parametrize(
    ("args", "group"),
    [
        ("tini -g -- npm start", True),
        ("/sbin/tini -v -g -- npm start", True),
        ("tini -g npm start", True),
        ("tini -- npm -g start", False),
        ("tini npm -g start", False),
        ("tini-static -- npm start", False),
        ("/sbin/docker-init -- npm start", False),
        ("catatonit -- npm start", False),
        ("dumb-init npm start", True),
        ("/usr/bin/dumb-init --rewrite 15:2 -- npm start", True),
        ("dumb-init -c npm start", False),
        ("dumb-init -v --single-child npm start", False),
        ("dumb-init npm --single-child-of-npm", True),
        ("npm start", False),
        ("node --run start", False),
        ("node --watch server.js", False),
        ("node launcher.js", True),
        ("su node -c node server.js", False),
        ("/sbin/my-init npm start", True),
        ("/bin/sh -c node server.js", True),
        ("", True),
    ],
)
def test_who_may_signal_a_whole_group(args: str, group: bool) -> None:
    assert signals_group(init(args)) is group


@pytest.mark.parametrize(
    "args",
    ["dumb-init /bin/sh -c npm start", "tini -v -g npm start", "tini -vg npm start", "dumb-init node -c x"],
)
def test_options_of_the_command_are_not_those_of_the_init(args: str) -> None:
    assert signals_group(init(args))


@pytest.mark.parametrize(
    ("seen", "taken"),
    [
        (process(1, "x", catches=("TERM",)), True),
        (process(1, "x", catches=("HUP",)), False),
        (changed(process(1, "x"), blocked=mask("TERM")), True),
        (process(1, "x", wchan="do_sigtimedwait"), True),
        (changed(process(1, "x"), ignored=mask("TERM")), False),
        (changed(process(1, "x"), wchan=None), False),
    ],
    ids=["handler", "another handler", "blocked", "fetched", "ignored", "wchan unknown"],
)
def test_who_gets_to_know_of_a_signal(seen: Process, taken: bool) -> None:
    assert takes(seen, TERM) is taken


def test_those_who_pass_it_on_are_told_from_the_top() -> None:
    shell = changed(process(6, "sh -c npm start", parent=1), pgid=1007)
    tree = (DUMB_INIT, shell, changed(NPM, ppid=1006), APP)
    assert passing_on(evidence(tree), APP) == (DUMB_INIT, changed(NPM, ppid=1006))


@given(st.sampled_from([CHAIN, CHAIN[1:], PIPE, (TINI_G, NPM, APP)]), st.booleans(), st.booleans(), st.booleans())
def test_a_record_of_nothing_leaves_no_doubt_whatever_was_seen(
    before: Tree, told: bool, runs: bool, typed: bool
) -> None:
    made = evidence(before, receipts=ONCE) if told else evidence(before, receipts=())
    made = changed(made, typed=typed, running=runs, after=made.seen.after if runs else ())
    assert doubt(changed(made, trace=())) is None


def runs_of(*made: SignalEvidence) -> list[Run]:
    return [Run(evidence=one, judgement=judge(one)) for one in made]


def test_runs_that_agree_on_doubtful_evidence_prove_nothing() -> None:
    judgement, shown = judge_all(runs_of(*[evidence(CHAIN)] * 10))
    assert (judgement.verdict, judgement.delivery, judgement.outcome) == (Verdict.UNTESTED, None, None)
    assert judgement.reason == (
        "10 runs look forwarded, but `dumb-init npm start` and `npm start` may each have sent SIGTERM to the app, "
        "and two signals that are pending together are delivered as one; only the kernel's record can tell"
    )
    assert shown.judgement.verdict is Verdict.FORWARDED


def test_one_doubtful_run_proves_nothing() -> None:
    judgement, _ = judge_all(runs_of(ended((init("tini -- node server.js"), APP_OF_INIT))))
    assert judgement.verdict is Verdict.UNTESTED
    assert judgement.reason.startswith("one run looks killed, but `tini -- node server.js` may have sent SIGTERM")


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (changed(evidence(CHAIN), trace=(FROM_ENGINE, by_record(1007), HANDLED)), Verdict.FORWARDED),
        (changed(evidence(CHAIN), receipts=ONCE * 2), Verdict.DUPLICATED),
        (changed(ended(CHAIN), receipts=ONCE), Verdict.CUT_SHORT),
        (changed(evidence(CHAIN), receipts=(changed(ONCE[0], signal="SIGINT"),)), Verdict.TRANSLATED),
    ],
)
def test_what_is_proved_stays(made: SignalEvidence, verdict: Verdict) -> None:
    assert judge_all(runs_of(made, made))[0].verdict is verdict
