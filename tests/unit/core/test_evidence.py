"""What evidence says: whose the receipts are, what was delivered and what else came, and whether the app was done."""

from __future__ import annotations

from typing import Any

import pytest

from harness.core.evidence import Ground, Receipt, SignalEvidence, other_app, unclear_writers
from harness.core.judge import judge, unclear_app, unseen_end, why_unknown
from harness.core.process import Process
from harness.core.signals import Signal
from harness.core.trace import Fate, Handled, Life, Parting, Sent
from harness.core.verdict import Verdict
from tests.support.evidence import changed, made, words

TERM, INT, HUP = 1 << 14, 1 << 1, 1
MAIN = Process(
    pid=100,
    ppid=50,
    pgid=100,
    state="S",
    caught=TERM,
    ignored=0,
    blocked=0,
    pending=0,
    argv=words("run.sh"),
    inner_pid=1,
    is_namespace_init=True,
    wchan="do_wait",
)
APP = changed(
    MAIN, pid=101, ppid=100, argv=words("node app.js"), inner_pid=7, is_namespace_init=False, threads={101, 111}
)
SECOND = changed(APP, pid=102, inner_pid=8, threads=frozenset({102}))
INIT = changed(MAIN, argv=words("tini -- node app.js"))
BELOW_INIT = (INIT, APP)
BELOW_BOTH = (INIT, changed(MAIN, pid=103, ppid=100, argv=words("sh run.sh")), changed(APP, ppid=103))


def receipt(signal: str = "SIGTERM", pid: int | None = 7) -> Receipt:
    return Receipt(signal=signal, at_ns=None, read_ns=2, pid=pid)


def sent(
    number: int = 15,
    *,
    to: int = 101,
    by: int = 100,
    fate: Fate = Fate.DELIVERED,
    by_kernel: bool = False,
    time_s: float = 1.0,
) -> Sent:
    return Sent(
        time_s=time_s,
        sender="x",
        sender_pid=by,
        number=number,
        target="x",
        target_pid=to,
        fate=fate,
        by_kernel=by_kernel,
    )


def handled(number: int = 15, *, by: int = 101, handler: int = 1, time_s: float = 1.0) -> Handled:
    return Handled(time_s=time_s, comm="x", pid=by, number=number, handler=handler)


def evidence(**values: Any) -> SignalEvidence:
    """Evidence of a container that runs on, of which nothing but this is known."""
    basis: dict[str, Any] = {
        "sent": Signal(15),
        "began_ns": 1,
        "app_pid": 101,
        "before": (MAIN, APP),
        "after": (MAIN, APP),
        "receipts": (),
        "done": False,
        "running": True,
        "exit_code": None,
        "ground": Ground.SETTLED,
        "logs": (),
        "events": (),
        "decided_ns": 3,
    }
    return made(SignalEvidence, **basis | values)


# Whose the receipts are


def test_receipts_are_the_apps_by_the_pid_that_they_bear() -> None:
    mixed = evidence(receipts=(receipt(), receipt(pid=1), receipt("SIGINT", pid=1), receipt(pid=None)))
    assert mixed.own_receipts == (receipt(),)
    assert (mixed.receipts_of_sent, mixed.deliveries) == (1, 1)


def test_receipts_without_a_pid_may_be_the_apps() -> None:
    assert evidence(receipts=(receipt(pid=None),) * 2).own_receipts == (receipt(pid=None),) * 2


def test_where_the_tree_shows_no_pid_the_ready_line_does() -> None:
    blind = changed(APP, inner_pid=None)
    both = (receipt(), receipt(pid=1))
    assert evidence(before=(MAIN, blind), ready_pid=7, receipts=both).own_receipts == (receipt(),)
    assert evidence(before=(MAIN, blind), receipts=both).own_receipts == both


@pytest.mark.parametrize(
    ("main", "writers"),
    [(MAIN, (MAIN,)), (INIT, ()), (changed(MAIN, argv=words("npm start")), ()), (changed(MAIN, state="Z"), ())],
    ids=["a script", "an init", "npm", "dead"],
)
def test_lines_without_a_pid_may_be_of_whoever_writes(main: Process, writers: tuple[Process, ...]) -> None:
    found = evidence(before=(main, APP), receipts=(receipt(pid=None),))
    assert unclear_writers(found) == writers
    assert found.deliveries == (None if writers else 1)


def test_lines_with_a_pid_are_clear_and_so_are_none() -> None:
    assert unclear_writers(evidence(receipts=(receipt(),))) == ()
    assert unclear_writers(evidence()) == ()


# What was delivered, by the log


def test_a_silent_log_says_something_only_where_the_pattern_is_proven() -> None:
    assert evidence().deliveries is None
    assert evidence(proven=True).deliveries == 0
    assert evidence(receipts=None, proven=True).deliveries is None


def test_lines_that_were_there_before_the_signal_say_nothing() -> None:
    assert evidence(receipts=(receipt(),), early=True).deliveries is None
    assert evidence(receipts=(receipt(),)).deliveries == 1


def test_the_masks_decide_on_a_drop_and_on_an_app_without_a_handler() -> None:
    assert evidence(ground=Ground.MASKS).deliveries == 0
    assert evidence(before=(MAIN, changed(APP, caught=0))).deliveries == 0
    assert evidence(before=(MAIN, changed(APP, caught=0, blocked=TERM))).deliveries is None
    assert evidence(before=(MAIN, changed(APP, caught=0, wchan="do_sigtimedwait"))).deliveries is None
    assert evidence(before=(MAIN, changed(APP, caught=0, wchan=None))).deliveries is None


def test_an_app_that_is_pid_1_and_says_it_twice_is_not_believed() -> None:
    alone = changed(APP, is_namespace_init=True, inner_pid=1)
    twice = evidence(before=(alone,), after=(alone,), receipts=(receipt(pid=1),) * 2)
    assert twice.deliveries is None
    assert changed(twice, typed=True).deliveries == 2
    assert changed(twice, receipts=(receipt(pid=1),)).deliveries == 1
    assert evidence(receipts=(receipt(),) * 2).deliveries == 2


def test_receipts_of_signals_that_have_no_handler_are_impossible() -> None:
    both = evidence(receipts=(receipt(), receipt("SIGHUP"), receipt("SIGHUP")))
    assert (both.impossible, both.deliveries, both.others) == (("SIGHUP",), None, ())
    able = changed(both, before=(MAIN, changed(APP, caught=TERM | HUP)))
    assert (able.impossible, able.deliveries, able.others) == ((), 1, ("SIGHUP",))
    blocking = changed(both, before=(MAIN, changed(APP, blocked=HUP)))
    assert blocking.impossible == ()
    fetching = changed(both, before=(MAIN, changed(APP, wchan="do_sigtimedwait")))
    assert fetching.impossible == ()
    running = changed(both, before=(MAIN, changed(APP, state="R", wchan=None, activity=7)))
    assert (running.impossible, running.others) == (("SIGHUP",), ())
    unseen = changed(both, before=(MAIN, changed(APP, wchan=None, activity=None)))
    assert unseen.impossible == ()


# What was delivered, by the record

ONCE = (sent(), handled())


@pytest.mark.parametrize("written", [None, (), (receipt(),), (receipt(),) * 5, (receipt(pid=1),)])
def test_handlers_that_ran_count_whatever_the_log_says(written: tuple[Receipt, ...] | None) -> None:
    assert evidence(receipts=written, trace=ONCE).deliveries == 1
    assert evidence(receipts=written, trace=(*ONCE, *ONCE)).deliveries == 2
    assert evidence(receipts=written, trace=()).deliveries == 0


@pytest.mark.parametrize(
    "record",
    [handled(2), handled(by=102), handled(handler=0)],
    ids=["another signal", "another process", "the default action"],
)
def test_handlers_that_do_not_count(record: Handled) -> None:
    assert evidence(trace=(record,)).deliveries == 0


def test_a_thread_of_the_app_is_the_app() -> None:
    assert evidence(trace=(sent(to=111), handled(by=111))).deliveries == 1


def test_a_thread_that_was_not_seen_may_have_run_the_handler() -> None:
    unseen = (sent(), handled(by=999))
    assert evidence(trace=unseen, receipts=(receipt(),)).deliveries == 1
    assert evidence(trace=unseen, receipts=(receipt(),) * 3).deliveries == 1
    assert evidence(trace=unseen).deliveries == 0
    assert evidence(trace=unseen, receipts=(receipt(),), before=(MAIN, changed(APP, caught=0))).deliveries == 0


def test_an_app_that_was_sent_the_signal_and_has_it_ignored() -> None:
    ignored = sent(fate=Fate.IGNORED)
    assert evidence(trace=(ignored,), receipts=()).ignored
    assert evidence(trace=(ignored, changed(ignored, target_pid=111)), receipts=()).ignored
    for trace in ((), (sent(),), (ignored, sent()), (*ONCE, ignored), (changed(ignored, target_pid=102),)):
        assert not evidence(trace=trace, receipts=()).ignored, trace
    told_else = (ignored, sent(number=2), changed(ONCE[-1], number=2))
    assert not evidence(trace=told_else, receipts=None).ignored


def test_without_a_record_the_mask_tells_who_ignores_the_signal() -> None:
    deaf = changed(APP, caught=0, ignored=TERM)
    assert evidence(before=(MAIN, deaf), receipts=(), proven=True).ignored
    assert not evidence(before=(MAIN, APP), receipts=(), proven=True).ignored
    assert not evidence(before=(MAIN, changed(APP, caught=0)), receipts=(), proven=True).ignored


def test_a_signal_that_is_raised_again_was_not_handled() -> None:
    again = (*ONCE, sent(by=101), handled(handler=0))
    assert evidence(trace=again).raised_again
    assert evidence(trace=again, receipts=(receipt(),)).deliveries == 0
    assert not evidence(trace=(*ONCE, sent(number=2, by=101))).raised_again


def test_an_app_that_clears_up_and_then_dies_of_the_signal_has_handled_it() -> None:
    """As uvicorn does; a runtime's own handler takes no time, but for Python's of SIGINT, which unwinds the program."""
    later = (*ONCE, changed(sent(by=101), time_s=1.2))
    assert not evidence(trace=later).raised_again
    assert (evidence(trace=later).deliveries, evidence(trace=later).sends) == (1, 1)
    interrupted = tuple(changed(record, number=2) for record in later)
    assert evidence(trace=interrupted, sent=Signal(2)).raised_again
    assert evidence(trace=(sent(), changed(sent(by=101), time_s=1.01))).raised_again
    slowly = (sent(), changed(handled(), once=True), changed(sent(by=101), time_s=3.0))
    assert evidence(trace=slowly).raised_again, "by a handler that is there for one time"


def test_an_app_that_chose_to_die_of_the_signal_has_ended_by_itself() -> None:
    later = (*ONCE, changed(sent(by=101), time_s=1.2), changed(handled(handler=0), time_s=1.2))
    dead = Life(pid=101, parent=100, name="x", began_s=0.5, ended_s=1.5, parting=Parting.KILLED)
    chose = evidence(trace=later, lives=(dead,), after=(MAIN,), done=None)
    assert (chose.killed, chose.finished) == (False, True)
    forced = changed(chose, trace=(*later, changed(sent(9, by=5), time_s=1.3)))
    assert (forced.killed, forced.finished) == (True, False)
    at_once = changed(chose, trace=(*ONCE, changed(sent(by=101), time_s=1.001)))
    assert (at_once.killed, at_once.finished) == (True, False)


FETCHES = {"signalfd": {"caught": 0, "blocked": TERM}, "sigwait": {"caught": 0, "wchan": "do_sigtimedwait"}}


@pytest.mark.parametrize("how", FETCHES.values(), ids=FETCHES)
def test_a_signal_that_is_fetched_runs_no_handler(how: dict[str, Any]) -> None:
    app = changed(APP, **how)
    base = evidence(before=(MAIN, app), after=(MAIN, app), trace=(sent(),))
    assert base.deliveries == 1
    assert changed(base, trace=(sent(), sent(fate=Fate.MERGED))).deliveries == 2
    assert changed(base, receipts=(receipt(),), trace=(sent(), sent())).deliveries == 1
    assert changed(base, receipts=(receipt("SIGINT"),)).deliveries == 0
    assert changed(base, after=(MAIN, changed(app, pending=TERM))).deliveries == 0
    assert changed(base, trace=(sent(fate=Fate.IGNORED),)).deliveries == 0


@pytest.mark.parametrize(("fate", "count"), [(Fate.DELIVERED, 1), (Fate.MERGED, 1), (Fate.IGNORED, 0), (Fate.LOST, 0)])
def test_what_counts_as_sent_to_the_app(fate: Fate, count: int) -> None:
    assert evidence(trace=(sent(fate=fate),)).sends == count
    assert evidence(trace=(sent(fate=fate, to=102),)).sends == 0


# What else came


def test_further_signals_are_those_that_end_programs() -> None:
    more = evidence(trace=(*ONCE, sent(2), sent(1), sent(10), sent(28)))
    assert more.further == ("SIGINT", "SIGHUP")
    assert judge(more).verdict is Verdict.UNTESTED  # nothing tells of the engine's own
    assert evidence(trace=ONCE).further == ()
    assert evidence(trace=(*ONCE, sent(1, by_kernel=True), sent(2, by=101), sent(3, fate=Fate.IGNORED))).further == ()


def test_without_the_record_the_log_tells_of_further_signals() -> None:
    assert evidence(receipts=(receipt(), receipt("SIGINT"), receipt("SIGUSR1"))).further == ("SIGINT",)
    assert evidence(receipts=(receipt(), receipt("SIGINT", pid=1))).further == ()


def test_without_words_for_it_others_are_those_that_the_handler_ran_for() -> None:
    assert evidence(receipts=None, trace=(sent(2), handled(2), handled(17))).others == ("SIGINT",)
    assert evidence(receipts=None, trace=(sent(2), handled(2, handler=0))).others == ()
    assert evidence(receipts=None).others == ()


def test_others_must_be_in_the_record() -> None:
    said = (receipt("SIGINT"), receipt("SIGINT"), receipt("SIGHUP"))
    assert evidence(receipts=said, trace=(sent(2), handled(2))).others == ("SIGINT",)
    assert evidence(receipts=said, trace=(sent(2, to=102),)).others == ()
    able = changed(APP, caught=TERM | INT | HUP)
    assert evidence(receipts=said, before=(MAIN, able)).others == ("SIGINT", "SIGHUP")
    assert evidence(receipts=said, before=(MAIN, able), ground=Ground.MASKS).others == ()


# Whether the app was done


@pytest.mark.parametrize(
    ("record", "killed"),
    [
        (sent(9), True),
        (sent(9, by_kernel=True), True),
        (handled(handler=0), True),
        (handled(11, handler=0), True),
        (handled(), False),
        (handled(9, handler=0), False),
        (handled(17, handler=0), False),
        (handled(28, handler=0), False),
        (handled(by=102, handler=0), False),
        (sent(9, to=102), False),
    ],
)
def test_what_ends_an_app(record: Sent | Handled, killed: bool) -> None:
    assert evidence(trace=(record,)).killed is killed


@pytest.mark.parametrize(("parting", "killed"), [(Parting.KILLED, True), (Parting.EXITED, False), (None, False)])
def test_the_kernel_tells_how_an_app_ended(parting: Parting | None, killed: bool) -> None:
    """A program of one thread without a handler: SIGKILL is all that is delivered."""
    app = Life(pid=101, parent=100, name="x", began_s=0.5, ended_s=1.5, parting=parting)
    other = changed(app, pid=102, parting=Parting.KILLED)
    dies = evidence(trace=(sent(), handled(9, handler=0)), lives=(app, other), after=(MAIN,), done=None)
    assert dies.killed is killed
    assert dies.finished is not killed


def test_an_app_dies_of_a_signal_without_a_handler_also_where_nobody_is_told_how() -> None:
    bare = changed(APP, caught=0)
    record = (sent(), handled(9, handler=0))
    for app, killed in (
        (bare, True),
        (changed(bare, ignored=TERM), False),
        (changed(bare, blocked=TERM), False),
        (changed(bare, wchan=None), False),
        (changed(bare, is_namespace_init=True), False),
        (APP, False),
    ):
        assert evidence(before=(MAIN, app), after=(MAIN,), trace=record).killed is killed, app
    exited = Life(pid=101, parent=100, name="x", began_s=0.5, ended_s=1.5, parting=Parting.EXITED)
    assert not evidence(before=(MAIN, bare), after=(MAIN,), trace=record, lives=(exited,)).killed
    assert not evidence(before=(MAIN, bare), after=(MAIN,), trace=(record[0],)).killed


def test_an_app_whose_runtime_raised_it_again_was_not_done() -> None:
    """As PID 1 it is spared by the kernel, and ends by itself: Go's runtime with exit code 2."""
    alone = changed(APP, is_namespace_init=True)
    again = (*ONCE, changed(sent(by=101, fate=Fate.IGNORED), time_s=1.001))
    assert ended(2, before=(alone,), trace=again, done=None).finished is False
    assert ended(2, before=(alone,), trace=ONCE, done=None).finished is True


def test_pid_1_is_spared_by_the_default_action() -> None:
    alone = changed(APP, is_namespace_init=True)
    assert not evidence(before=(alone,), trace=(handled(handler=0),)).killed
    assert evidence(before=(alone,), trace=(sent(9),)).killed


DEAF = changed(APP, caught=0)


def test_an_app_that_is_sent_what_it_has_no_handler_for_dies_of_it() -> None:
    dies = (sent(), handled(handler=0))
    assert evidence(before=(MAIN, changed(DEAF, wchan="do_wait")), trace=dies).died_of_it
    assert not evidence(before=(MAIN, APP), trace=dies).died_of_it
    assert not evidence(before=(MAIN, changed(DEAF, wchan="do_wait")), trace=(sent(9),)).died_of_it


@pytest.mark.parametrize(("code", "finished"), [(0, True), (2, None)])
def test_an_app_that_ends_badly_of_sigquit_may_have_been_dumped_by_its_runtime(
    code: int, finished: bool | None
) -> None:
    trace = (sent(3), handled(3))
    assert ended(code, sent=Signal(3), receipts=None, done=None, trace=trace).finished is finished
    assert ended(2, receipts=None, done=None, trace=ONCE).finished is True


def test_where_no_pattern_reads_the_log_the_record_tells_of_other_signals() -> None:
    instead = evidence(receipts=None, done=None, trace=(sent(2), handled(2)))
    assert instead.others == ("SIGINT",)
    assert evidence(receipts=None, done=None, trace=(sent(2), handled(2, handler=0))).others == ()
    assert evidence(receipts=None, done=None, trace=(handled(17), handled(23), handled(2, by=102))).others == ()
    assert evidence(receipts=None, done=None, trace=ONCE).others == ()


ENDED = {"running": False, "after": (), "ground": Ground.ENDED}


def ended(code: int | None, **values: Any) -> SignalEvidence:
    return evidence(exit_code=code, **ENDED | values)


def test_its_own_word_goes_before_all() -> None:
    assert ended(1, done=True, trace=(sent(9),)).finished is True
    assert evidence(done=True).finished is True


def test_who_still_runs_is_not_done() -> None:
    assert evidence(done=None).finished is False
    assert evidence(done=None, trace=ONCE).finished is False


@pytest.mark.parametrize(
    ("code", "values", "finished"),
    [
        (3, {"done": None}, True),
        (0, {}, True),
        (143, {}, None),
        (143, {"before": (changed(APP, pid=APP.pid),)}, True),
        (3, {}, None),
        (3, {"receipts": (receipt(),)}, False),
        (0, {"trace": (*ONCE, sent(9))}, False),
        (143, {"trace": (*ONCE, handled(handler=0))}, False),
    ],
)
def test_by_the_record_it_was_done_if_it_ended_by_itself_and_well(
    code: int, values: dict[str, Any], finished: bool | None
) -> None:
    assert ended(code, **{"trace": ONCE} | values).finished is finished


def test_by_the_record_an_app_that_is_gone_in_a_container_that_runs_on_ended_by_itself() -> None:
    assert evidence(after=(MAIN,), trace=ONCE).finished is True
    assert evidence(after=(MAIN,), trace=(*ONCE, sent(9))).finished is False


@pytest.mark.parametrize(
    ("code", "values", "finished"),
    [
        (0, {"done": None}, None),
        (0, {"done": None, "before": BELOW_INIT}, True),
        (0, {"done": None, "before": BELOW_BOTH}, None),
        (0, {"done": None, "before": (changed(APP, pid=101),)}, True),
        (3, {"done": None}, None),
        (143, {"done": None}, None),
        (143, {"done": None, "before": (MAIN, changed(APP, caught=0))}, False),
        (3, {"done": None, "receipts": (receipt(),)}, None),
        (3, {"done": None, "receipts": (receipt(),), "before": BELOW_INIT}, True),
        (143, {"done": None, "receipts": (receipt(),), "before": BELOW_INIT}, False),
        (3, {}, False),
        (0, {}, None),
        (0, {"before": (changed(APP, pid=101),)}, True),
        (None, {}, False),
    ],
)
def test_without_the_record_the_exit_code_tells(
    code: int | None, values: dict[str, Any], finished: bool | None
) -> None:
    assert ended(code, **values).finished is finished


ALONE = changed(APP, is_namespace_init=True, inner_pid=1)
SILENT: dict[str, Any] = {"before": (ALONE,), "receipts": None, "done": None}


def test_without_the_record_a_good_end_of_pid_1_shows_that_its_handler_ran() -> None:
    found = ended(0, **SILENT)
    assert (found.deliveries, found.finished) == (1, True)
    assert judge(found).verdict is Verdict.FORWARDED
    assert "inferred from its handler and its exit code, 0" in judge(found).reason


@pytest.mark.parametrize(
    "values",
    [
        {"exit_code": 2},
        {"exit_code": 143},
        {"running": True, "exit_code": None, "after": (ALONE,)},
        {"typed": True},
        {"before": (MAIN, APP)},
    ],
    ids=["a runtime's exit code", "that of the signal", "it runs on", "typed", "not PID 1"],
)
def test_no_other_end_shows_it(values: dict[str, Any]) -> None:
    assert evidence(**ENDED | {"exit_code": 0} | SILENT | values).deliveries is None


def test_without_the_record_an_app_that_is_gone_in_a_container_that_runs_on_is_not_done() -> None:
    assert evidence(after=(MAIN,)).finished is False


# Several apps

BOTH: dict[str, Any] = {"before": (MAIN, APP, SECOND), "after": (MAIN, APP, SECOND), "more_apps": (102,)}
TOLD = (sent(to=100, by=5), sent(), handled())


def test_each_app_has_evidence_of_its_own() -> None:
    first, second = evidence(**BOTH, receipts=(receipt(), receipt(pid=8))).per_app
    assert (first.seen.app_pid, second.seen.app_pid) == (101, 102)
    assert (first.own_receipts, second.own_receipts) == ((receipt(),), (receipt(pid=8),))
    alone = evidence()
    assert alone.per_app == (alone,)


def test_one_of_two_apps_that_was_not_told_decides() -> None:
    found = judge(evidence(**BOTH, trace=TOLD, receipts=(receipt(),)))
    assert found.verdict is Verdict.SWALLOWED
    assert found.reason.endswith("(one of 2 apps, `node app.js`, PID 8)")


def test_two_apps_that_were_told() -> None:
    found = judge(evidence(**BOTH, trace=(*TOLD, sent(to=102), handled(by=102))))
    assert found.verdict is Verdict.FORWARDED
    assert found.reason.endswith("(each of 2 apps)")


def test_two_apps_of_which_one_is_not_known() -> None:
    found = judge(evidence(**BOTH, receipts=(receipt(),), events=()))
    assert found.verdict is Verdict.UNTESTED


# Why nothing is known

NOT_KNOWN = "whether the app received SIGTERM is not known: "


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"receipts": None}, "there is no pattern for it in the app's log, and no kernel's record"),
        ({"early": True}, "lines that `received` matches were in the log before the signal was sent"),
        (
            {"receipts": (receipt(pid=None),)},
            "the lines that `received` matches bear no PID, and may be of `run.sh`",
        ),
        ({}, "the pattern `received` has matched no line of its log, so that silence says nothing"),
        (
            {"receipts": (receipt(), receipt("SIGINT"), receipt("SIGHUP"))},
            "its log speaks of SIGINT and SIGHUP, for which it has no handler",
        ),
        (
            {"before": (changed(APP, is_namespace_init=True),), "receipts": (receipt(),) * 3},
            "its log says so 3×, and it was sent once",
        ),
    ],
)
def test_why_a_receipt_is_not_known(values: dict[str, Any], why: str) -> None:
    assert why_unknown(evidence(**values)) == NOT_KNOWN + why


def test_why_the_end_is_not_known() -> None:
    assert why_unknown(ended(3, trace=ONCE)) == (
        "whether the app was done is not known: `done` matches no line of its log, "
        "and the container ended with exit code 3"
    )


def test_who_may_have_ended_an_app_is_open_without_the_record() -> None:
    assert unseen_end(ended(143, **SILENT)) == (
        "whether the app was done is not known: the container ended with exit code 143, by the app's own code or by "
        "its runtime's; only the kernel's record can tell"
    )


@pytest.mark.parametrize(
    "known",
    [evidence(trace=()), evidence(trace=ONCE), evidence(proven=True), ended(0, trace=ONCE)],
)
def test_what_is_known(known: SignalEvidence) -> None:
    assert why_unknown(known) is None


# An app and its launcher

LAUNCHER = changed(MAIN, argv=words("node run.js"))
LAUNCHED = changed(APP, argv=words("node --require /loaded.js app.js"))
GONE = Life(pid=101, parent=100, name="node", began_s=0.5, ended_s=1.01)


def launched(**values: Any) -> SignalEvidence:
    """Evidence of an app without words that has ended, and whose handler ran, below a launcher."""
    ended = {"running": False, "after": (), "receipts": None, "done": None, "exit_code": 143, "lives": (GONE,)}
    return evidence(**{"before": (LAUNCHER, LAUNCHED), "trace": ONCE, **ended, **values})


def test_an_end_that_comes_at_once_is_the_doing_of_what_was_loaded_into_the_app() -> None:
    assert (launched().preloaded, launched().ended_by_preloaded, launched().finished) == ("/loaded.js", True, False)
    later = launched(lives=(changed(GONE, ended_s=2.0),))
    assert (later.ended_by_preloaded, later.finished) == (False, None)
    assert launched(trace=()).finished is None, "nothing says when its handler ran"


@pytest.mark.parametrize(
    "other",
    [{"exit_code": 0}, {"exit_code": 1}, {"before": (LAUNCHER, changed(LAUNCHED, argv=words("node app.js")))}],
    ids=["well", "badly", "nothing loaded"],
)
def test_any_other_end_says_nothing_of_what_was_loaded(other: dict[str, Any]) -> None:
    assert launched(**other).preloaded is None
    assert not launched(**other).ended_by_preloaded


def test_what_was_not_done_below_what_looks_like_the_app_may_be_the_app() -> None:
    killed = {"lives": (changed(GONE, parting=Parting.KILLED),), "trace": (sent(),)}
    below = launched(app_pid=100, exit_code=0, **killed)
    assert other_app(below) == LAUNCHED
    assert "which of the two is the app is not known" in (unclear_app(below) or "")
    assert judge(below).verdict is Verdict.UNTESTED


@pytest.mark.parametrize(
    "known",
    [
        {"app_is_told": True},
        {"exit_code": 0},
        {"after": (LAUNCHER, LAUNCHED)},
        {"trace": ()},
        {"before": (LAUNCHER, changed(LAUNCHED, argv=LAUNCHER.argv))},
        {"before": (LAUNCHER, changed(LAUNCHED, ppid=1))},
        {"before": (LAUNCHER, changed(LAUNCHED, caught=0, ignored=TERM))},
    ],
    ids=["told", "ended well", "runs on", "not told", "a worker", "another's", "ignores it"],
)
def test_what_is_known_of_it_leaves_no_doubt(known: dict[str, Any]) -> None:
    assert other_app(launched(**{"app_pid": 100, **known})) is None
