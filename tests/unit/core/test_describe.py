"""Rows of the document: what is kept of a result, and how it is counted, timed and capped."""

from __future__ import annotations

import os

import pytest

from harness.core.catalogue import LIMITS, Variant
from harness.core.describe import describe_process, describe_subject
from harness.core.document import (
    Chosen,
    Event,
    Finding,
    HandledRecord,
    Kind,
    Line,
    SentRecord,
    SubjectFacts,
    joined,
)
from harness.core.evidence import LogLine, Receipt
from harness.core.question import Probe, Question
from harness.core.signals import Signal
from harness.core.trace import Fate, Handled, Sent
from harness.core.verdict import Verdict
from tests.support.everything import EVERYTHING, ROWS
from tests.support.evidence import changed, words
from tests.support.reports import (
    APP,
    FORWARDED,
    GRACEFUL,
    KEPT,
    KILLED,
    ORPHAN,
    PID1,
    SOURCE,
    SWALLOWED,
    UNTESTED,
    ZOMBIE,
    report,
    result,
)


def test_every_verdict_and_every_probe_tested_and_untested_are_described() -> None:
    assert {row.verdict for row in EVERYTHING.results} == set(Verdict)
    for probe in Probe:
        assert {row.tested for row in EVERYTHING.results if row.probe is probe} == {True, False}


def test_a_finding_is_what_only_its_probe_sees() -> None:
    assert ROWS["well"].finding == Finding(
        brief="0.2 s, exit 0",
        text=(
            "docker stop with 3 s of grace: the end came by itself, after 0.25 s, exit code 0; "
            "the request in flight was answered"
        ),
        facts={"grace_s": 3, "took_s": 0.25, "forced": False, "request": "answered"},
        marked={},
    )
    assert ROWS["late"].finding == Finding(
        brief="3.1 s, exit 137",
        text="docker stop with 3 s of grace: SIGKILL, after 3.06 s, exit code 137; no request was sent",
        facts={"grace_s": 3, "took_s": 3.062, "forced": True, "request": None, "needs_s": None},
        marked={},
    )
    assert ROWS["wrong"].finding == Finding(
        brief="42 → 1",
        text=(
            "the app exits with 42: docker wait says 1\n"
            "the app exits with 0: docker wait says 0\n"
            "the app exits with 143: docker wait says nothing, it runs on"
        ),
        facts={"42": 1, "0": 0, "143": None},
        marked={},
    )
    assert ROWS["undead"].finding == Finding(
        brief="",
        text="the orphan is a zombie",
        facts={"orphan": "sleep 3600", "zombie": True},
        marked={1020: "the orphan"},
    )
    tree = ROWS["undead"].evidence.tree
    assert tree is not None
    assert describe_process(ORPHAN) in tree.before
    assert ROWS["typed"].finding is None
    assert [ROWS[f"no {probe}"].finding for probe in Probe] == [None] * 5


def test_the_signal_is_the_one_that_was_sent_and_none_where_none_was() -> None:
    signals = {name: row.signal for name, row in ROWS.items()}
    assert (signals["naive"], signals["well"], signals["typed"]) == ("SIGTERM", "SIGTERM", "SIGINT")
    assert (signals["same"], signals["clean"], signals["no stop"], signals["no tty"]) == (None, None, None, None)
    assert signals["no signal"] == "SIGTERM"


def test_there_is_no_delivery_where_no_signal_is_at_stake() -> None:
    deliveries = {name: (row.delivery, row.deliveries) for name, row in ROWS.items()}
    assert deliveries["well"] == ("once", 1)
    assert deliveries["soon"] == ("none", 0)
    assert deliveries["typed"] == ("once", 1)
    assert [deliveries[name] for name in ("same", "clean", "undead", "slow")] == [(None, None)] * 4


def test_a_stop_has_the_events_of_its_signal_and_its_end() -> None:
    assert ROWS["well"].evidence.events == (
        Event(action="kill", time_ns=17, exit_code=None, signal=15),
        Event(action="die", time_ns=250_000_017, exit_code=0, signal=None),
    )


def test_a_signal_of_the_kernels_own_is_marked_as_one() -> None:
    typed = Sent(
        time_s=1.5, sender="x", sender_pid=3, number=2, target="n", target_pid=1007, fate=Fate.DELIVERED, by_kernel=True
    )
    (record,) = result("v", changed(FORWARDED, trace=(typed,))).evidence.trace or ()
    assert isinstance(record, SentRecord)
    assert record.by_kernel


def test_every_run_has_its_reason() -> None:
    runs = ROWS["now and then"].runs
    assert [run.verdict for run in runs] == ["reaped", "zombie"]
    assert runs[0].reason.endswith("and it waited for it")
    assert runs[1].reason.endswith("it stays a zombie")


def test_the_run_that_speaks_for_a_cell_is_numbered() -> None:
    row = ROWS["flaky"]
    assert row.verdict is Verdict.UNSTABLE
    assert row.runs[row.shown].reason in row.reason


def test_a_cell_in_doubt_is_untested_and_keeps_its_evidence() -> None:
    init = changed(SWALLOWED.seen.before[0], caught=1 << 14, argv=words("dumb-init npm start"))
    npm = changed(SWALLOWED.seen.before[1], pid=1005, inner_pid=5, pgid=1005, argv=words("npm start"))
    app = changed(SWALLOWED.seen.before[1], ppid=1005, pgid=1005)
    doubtful = changed(FORWARDED, before=(init, npm, app), after=(init, npm, app), trace=None)
    row = result("v", *[doubtful] * 10)
    assert (row.verdict, row.delivery, row.outcome, row.deliveries) == ("untested", None, None, 1)
    assert [run.verdict for run in row.runs] == ["forwarded"] * 10
    assert row.evidence.tree is not None
    assert len(row.evidence.tree.before) == 3


def test_a_subject_is_described_once_whatever_was_asked_of_it() -> None:
    document = report(
        result("v", FORWARDED), result("v", GRACEFUL, probe=Probe.STOP), sources={"v": SOURCE, "w": SOURCE}
    )
    assert list(document.subjects) == ["v"]
    assert list(EVERYTHING.subjects) == [row.subject for row in EVERYTHING.results]


def test_a_subject_has_its_stage_the_engines_init_and_the_lines_that_start_it() -> None:
    variant = Variant(name="v", title="t", dockerfile="v.Dockerfile", target="slim", launch=changed(LIMITS, init=True))
    assert describe_subject(variant, SOURCE) == SubjectFacts(
        title="t",
        dockerfile="dockerfiles/naive.Dockerfile",
        target="slim",
        init=True,
        digest="0123456789ab",
        starting=(Line(line=9, text="CMD node server.js"),),
        exchanged=(),
    )


def test_a_folder_whose_name_is_not_utf_8_is_text_in_the_document() -> None:
    variant = Variant(name="v", title="t", dockerfile="v.Dockerfile")
    path = os.fsdecode(b"caf\xe9/v.Dockerfile")
    assert describe_subject(variant, changed(SOURCE, path=path)).dockerfile == "caf?/v.Dockerfile"


def test_the_path_of_a_signal_ends_as_the_app_does() -> None:
    paths = {name: row.evidence.path for name, row in ROWS.items()}
    assert paths["npm"] is None
    for name, kinds, label in (
        ("node", [Kind.SEND, Kind.HANDLER], "handler runs"),
        ("dies of it", [Kind.SEND, Kind.END], "dies of SIGTERM"),
        ("dies by itself", [Kind.SEND, Kind.END], "exits"),
    ):
        path = paths[name]
        assert path is not None
        assert [step.kind for step in path.steps] == kinds
        last = path.steps[-1]
        app = path.participants[last.who]
        assert (app.pid, app.name, app.app) == (7, "node server.js", True)
        assert (last.at_us, last.label) == (100_000 if name == "node" else 250_000, label)
    assert paths["dies of it"].steps[-1].signal == "SIGTERM"
    assert paths["dies by itself"].steps[-1].signal is None


def test_a_signal_that_no_handler_takes_has_its_default_action() -> None:
    taken = Handled(time_s=1.5, comm="node", pid=1007, number=15, handler=0)
    evidence = result("v", changed(KILLED, trace=(taken,))).evidence
    (record,) = evidence.trace or ()
    assert isinstance(record, HandledRecord)
    assert record.default_action
    assert evidence.path is not None
    assert evidence.path.steps[0].kind is Kind.DEFAULT


def test_every_cell_has_advice() -> None:
    assert all(row.advice for row in EVERYTHING.results)


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("naive", Question(signal=Signal(15))),
        ("flaky", Question(signal=Signal(37))),
        ("no signal", Question(signal=Signal(15))),
        ("well", Question(probe=Probe.STOP)),
        ("wrong", Question(probe=Probe.EXIT_CODE)),
        ("clean", Question(probe=Probe.REAP)),
        ("typed", Question(probe=Probe.TTY)),
        ("no tty", Question(probe=Probe.TTY)),
    ],
)
def test_every_row_knows_its_question(name: str, question: Question) -> None:
    assert ROWS[name].question == question


def test_evidence_is_capped() -> None:
    logs = tuple(LogLine(at_ns=n, text=f"{n:04d}" + "x" * 5000) for n in range(500))
    kept = result("v", changed(SWALLOWED, logs=logs)).evidence.logs
    assert len(kept) == 200
    assert (kept[0][:4], kept[-1][:4]) == ("0300", "0499")
    assert {len(line) for line in kept} == {1000}


UNRECORDED = changed(FORWARDED, trace=None)


def test_latency_is_by_the_kernels_record() -> None:
    assert result("v", FORWARDED).latency_ms == 500
    assert result("v", changed(FORWARDED, receipts=(), trace=FORWARDED.seen.trace[:1])).latency_ms is None


def test_latency_is_by_the_apps_clock() -> None:
    assert result("v", UNRECORDED).latency_ms == 1.25


@pytest.mark.parametrize("at_ns", [None, 5, 10**18], ids=["none", "before it was sent", "after it was read"])
def test_latency_is_by_our_clock_where_the_apps_makes_no_sense(at_ns: int | None) -> None:
    receipts = (Receipt(signal="SIGTERM", at_ns=at_ns, read_ns=1_002_000_000),)
    assert result("v", changed(UNRECORDED, receipts=receipts)).latency_ms == 2.0


def test_latency_is_that_of_the_signal_that_was_sent() -> None:
    receipts = (Receipt(signal="SIGINT", at_ns=None, read_ns=9),)
    assert result("v", changed(UNRECORDED, receipts=receipts)).latency_ms is None


def test_a_decision_is_timed_from_what_was_done() -> None:
    assert result("v", SWALLOWED).runs[0].decided_ms == 2.5
    assert result("v", KEPT, probe=Probe.EXIT_CODE).runs[0].decided_ms == 300


def test_a_row_without_a_signal_of_its_own_has_a_path_too() -> None:
    """What an orphan's end made of other signals, such as SIGCHLD to PID 1, is in the kernel's record."""
    child = Sent(
        time_s=1, sender="sleep", sender_pid=1020, number=17, target="sh", target_pid=1001, fate=Fate.DELIVERED
    )
    path = result("v", changed(ZOMBIE, trace=(child, child))).evidence.path
    assert path is not None
    assert [step.words for step in path.steps] == [
        "sleep 3600 (PID 20) sends SIGCHLD to /bin/sh -c node server.js (PID 1)"
    ] * 2
    assert result("v", ZOMBIE).evidence.path is None


def test_each_app_is_named_with_why_it_is_taken_for_one() -> None:
    second = changed(APP, pid=1008, inner_pid=8, argv=("node", "worker.js"))
    both = changed(
        SWALLOWED, before=(PID1, APP, second), after=(), more_apps=(1008,), chosen=("the first", "the second")
    )
    assert result("v", both).evidence.apps == (
        Chosen(pid=7, command="node server.js", why="the first"),
        Chosen(pid=8, command="node worker.js", why="the second"),
    )
    assert result("v", changed(SWALLOWED, chosen=())).evidence.apps == ()
    assert result("v", UNTESTED).evidence.apps == ()
    assert [app.pid for app in result("v", changed(KEPT, chosen=("x",)), probe=Probe.EXIT_CODE).evidence.apps] == [7]


def test_documents_of_runs_one_after_the_other_are_joined() -> None:
    first, second = report(result("v", SWALLOWED)), report(result("w", FORWARDED))
    made = joined([first, second])
    assert made.results == (*first.results, *second.results)
    assert set(made.subjects) == {"v", "w"}
    assert made.duration_s == 2.5
    assert made.started == first.started
    assert joined([first]) == first
