"""Lines of the kernel's record, as this machine's and other kernels print them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.trace import (
    Fate,
    Forked,
    Gone,
    Handled,
    Lost,
    Parted,
    Parting,
    Renamed,
    Sent,
    TraceRecord,
    parse_line,
    sends,
    told,
)

DROPPED = (
    "            runc-22401   [001] .....  6961.222709: signal_generate:"
    " sig=15 errno=0 code=0 comm=sh pid=22342 grp=1 res=1"
)
TAKEN = (
    "       npm start-22486   [000] d..1.  6961.227000: signal_deliver:"
    " sig=15 errno=0 code=0 sa_handler=1d4ead0 sa_flags=14000000"
)
PASSED_ON = (
    "       npm start-22486   [000] d..1.  6961.227144: signal_generate:"
    " sig=15 errno=0 code=0 comm=sh pid=22524 grp=1 res=0"
)
# A process may call itself anything of up to 15 bytes.
NASTY = [
    (
        (
            "     a-b (c) - 1-15741   [000] d..1.  7777.487088: signal_generate:"
            " sig=10 errno=0 code=0 comm=a-b (c) - 1 pid=15741 grp=1 res=0"
        ),
        "a-b (c) - 1",
    ),
    (
        (
            "    x) [001] y-2-15741   [000] d..1.  7777.487104: signal_generate:"
            " sig=10 errno=0 code=0 comm=x) [001] y-2 pid=15741 grp=1 res=0"
        ),
        "x) [001] y-2",
    ),
    (
        (
            "     pid=7 grp=1-15741   [000] d..1.  7777.487132: signal_generate:"
            " sig=10 errno=0 code=0 comm=pid=7 grp=1 pid=15741 grp=1 res=0"
        ),
        "pid=7 grp=1",
    ),
]
RECORDED = [DROPPED, TAKEN, PASSED_ON, *(line for line, _ in NASTY)]
COMMS = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1, max_size=15)


def generated(*, comm: str = "sh", res: int = 0, number: int = 15) -> str:
    return (
        f"{comm:>16}-7         [000] d..1.  5.000001: signal_generate:"
        f" sig={number} errno=0 code=0 comm={comm} pid=9 grp=1 res={res}"
    )


def test_a_signal_that_the_kernel_dropped() -> None:
    assert parse_line(DROPPED) == Sent(
        time_s=6961.222709,
        sender="runc",
        sender_pid=22401,
        number=15,
        target="sh",
        target_pid=22342,
        fate=Fate.IGNORED,
    )


def test_a_signal_that_a_handler_took() -> None:
    assert parse_line(TAKEN) == Handled(time_s=6961.227, comm="npm start", pid=22486, number=15, handler=0x1D4EAD0)


def test_a_signal_that_was_passed_on() -> None:
    assert parse_line(PASSED_ON) == Sent(
        time_s=6961.227144,
        sender="npm start",
        sender_pid=22486,
        number=15,
        target="sh",
        target_pid=22524,
        fate=Fate.DELIVERED,
    )


def test_the_default_action_is_handler_zero() -> None:
    record = parse_line(TAKEN.replace("1d4ead0", "0"))
    assert isinstance(record, Handled)
    assert record.handler == 0


def test_a_short_clock_and_flags_of_another_length() -> None:
    line = (
        "       npm start-22486   [000] ....1  6961.227: signal_deliver: sig=15 errno=0 code=0 sa_handler=0 sa_flags=0"
    )
    assert parse_line(line) == Handled(time_s=6961.227, comm="npm start", pid=22486, number=15, handler=0)


def test_a_kernel_that_prints_the_thread_group() -> None:
    line = DROPPED.replace("runc-22401   [001]", "runc-22401   (  22400) [001]")
    assert parse_line(line) == parse_line(DROPPED)


def test_a_kernel_that_prints_no_flags() -> None:
    assert parse_line(DROPPED.replace(" ..... ", " ")) == parse_line(DROPPED)


def test_a_sender_whose_name_the_kernel_has_forgotten() -> None:
    record = parse_line(DROPPED.replace("  runc-", " <...>-"))
    assert isinstance(record, Sent)
    assert (record.sender, record.sender_pid) == ("<...>", 22401)


def test_lines_without_processor_and_time_are_no_whole_records() -> None:
    assert parse_line("runc-22401      signal_generate: sig=15 errno=0 code=0 comm=sh pid=22342 grp=1 res=1") is None


@pytest.mark.parametrize(("line", "name"), NASTY)
def test_names_that_look_like_other_columns(line: str, name: str) -> None:
    record = parse_line(line)
    assert isinstance(record, Sent)
    assert (record.sender, record.sender_pid) == (name, 15741)
    assert (record.target, record.target_pid) == (name, 15741)


@given(COMMS)
def test_any_name_is_read_back(comm: str) -> None:
    record = parse_line(generated(comm=comm))
    assert isinstance(record, Sent)
    assert (record.sender, record.sender_pid, record.target, record.target_pid) == (comm, 7, comm, 9)


@pytest.mark.parametrize(
    ("res", "fate"),
    [(0, Fate.DELIVERED), (1, Fate.IGNORED), (2, Fate.MERGED), (3, Fate.LOST), (4, Fate.LOST)],
)
def test_the_fate_of_a_signal(res: int, fate: Fate) -> None:
    record = parse_line(generated(res=res))
    assert isinstance(record, Sent)
    assert record.fate is fate


@pytest.mark.parametrize("line", [DROPPED, PASSED_ON, *(line for line, _ in NASTY)])
def test_a_cut_line_is_no_record(line: str) -> None:
    for place in range(len(line)):
        assert parse_line(line[:place]) is None, line[:place]


def test_a_cut_line_of_a_delivery_never_names_another_signal_or_process() -> None:
    whole = parse_line(TAKEN)
    for place in range(len(TAKEN)):
        assert parse_line(TAKEN[:place]) in (None, whole), TAKEN[:place]


@given(st.sampled_from(RECORDED), st.data())
def test_a_line_that_lost_its_beginning_never_invents_a_target(line: str, data: st.DataObject) -> None:
    whole = parse_line(line)
    cut = parse_line(line[data.draw(st.integers(min_value=0, max_value=len(line))) :])
    if isinstance(cut, Sent):
        assert isinstance(whole, Sent)
        assert (cut.number, cut.target_pid, cut.fate) == (whole.number, whole.target_pid, whole.fate)


@pytest.mark.parametrize("line", ["CPU:1 [LOST 4211 EVENTS]", "CPU:0 [LOST EVENTS]", "  CPU:12 [LOST 1 EVENTS]\n"])
def test_lost_events_are_told(line: str) -> None:
    assert parse_line(line) == Lost()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# tracer: nop",
        "##### CPU 1 buffer started ####",
        "  bash-1 [000] d..1.  5.1: sched_switch: prev_comm=bash prev_pid=1",
        DROPPED.replace("signal_generate", "signal_degenerate"),
    ],
)
def test_foreign_lines_are_no_records(line: str) -> None:
    assert parse_line(line) is None


@given(st.text())
def test_any_text_is_read_without_an_error(line: str) -> None:
    record = parse_line(line)
    assert record is None or "EVENTS" in line or "signal_" in line


def test_sends_are_those_of_one_signal() -> None:
    records = [parse_line(line) for line in (generated(), generated(number=1), TAKEN)]
    assert sends([record for record in records if isinstance(record, (Sent, Handled))], 15) == (records[0],)


# Processes that come and go

NEW = "         sh-640     [001] .....  7777.100000: task_newtask: pid=641 comm=sh clone_flags=1200000 oom_score_adj=0"
NAMED = (
    "           <...>-641     [000] .....  7777.101000: task_rename: pid=641 oldcomm=sh newcomm=sleep oom_score_adj=0"
)
EXITED = "           sleep-641     [000] .....  7777.152000: sched_process_exit: comm=sleep pid=641 prio=120"
TOLD = (
    "           sleep-641     [000] d..1.  7777.152100: signal_generate:"
    " sig=17 errno=0 code=1 comm=sh pid=640 grp=1 res=0"
)


def test_a_process_that_another_starts_has_its_name_at_first() -> None:
    assert parse_line(NEW) == Forked(time_s=7777.1, parent=640, child=641, name="sh")
    assert parse_line(NAMED) == Renamed(pid=641, name="sleep")


def test_a_thread_is_told_from_a_process() -> None:
    """By CLONE_THREAD (clone(2), include/uapi/linux/sched.h)."""
    assert parse_line(NEW.replace("1200000", "3d0f00")) == Forked(
        time_s=7777.1, parent=640, child=641, name="sh", thread=True
    )


@pytest.mark.parametrize(("more", "last"), [("", None), (" group_dead=true", True), (" group_dead=false", False)])
def test_an_end_says_whether_the_process_ended_where_the_kernel_does(more: str, last: bool | None) -> None:
    assert parse_line(EXITED + more) == Gone(time_s=7777.152, pid=641, last=last)


@pytest.mark.parametrize(
    ("code", "parting"), [(1, Parting.EXITED), (2, Parting.KILLED), (3, Parting.KILLED)], ids=["exit", "signal", "core"]
)
def test_a_parent_is_told_how_a_child_ended(code: int, parting: Parting) -> None:
    record = parse_line(TOLD.replace("code=1", f"code={code}"))
    assert isinstance(record, Parted)
    assert (record.pid, record.parting, record.sent.target_pid) == (641, parting, 640)


@pytest.mark.parametrize("code", [0, 4, 5, 6, -6])
def test_other_signals_of_that_number_tell_of_no_end(code: int) -> None:
    assert isinstance(parse_line(TOLD.replace("code=1", f"code={code}")), Sent)


@given(COMMS, COMMS)
def test_any_name_of_a_process_is_read_back(old: str, new: str) -> None:
    line = NAMED.replace("oldcomm=sh newcomm=sleep", f"oldcomm={old} newcomm={new}")
    assert parse_line(line) == Renamed(pid=641, name=new)
    assert parse_line(NEW.replace("comm=sh", f"comm={new}")) == Forked(time_s=7777.1, parent=640, child=641, name=new)


@pytest.mark.parametrize(("flags", "once"), [("14000000", False), ("94000000", True), ("80000000", True), ("0", False)])
def test_a_handler_that_is_taken_away_as_it_runs(flags: str, once: bool) -> None:
    taken = parse_line(TAKEN.replace("sa_flags=14000000", f"sa_flags={flags}"))
    assert isinstance(taken, Handled)
    assert taken.once is once


TSTP, TERM = 20, 15


def came(number: int, *, fate: Fate = Fate.DELIVERED) -> Sent:
    return Sent(time_s=1.0, sender="init", sender_pid=1, number=number, target="app", target_pid=7, fate=fate)


def took(number: int, *, handler: int = 0, pid: int = 7) -> Handled:
    return Handled(time_s=1.1, comm="app", pid=pid, number=number, handler=handler)


@pytest.mark.parametrize(
    ("records", "right"),
    [
        ([came(TSTP)], {7}),  # it may have a handler, as long as it has not been taken
        ([came(TSTP), took(TSTP)], set()),
        ([came(TSTP), took(TSTP, pid=8)], set()),  # by another of its threads
        ([came(TSTP), took(TSTP, handler=1)], {7}),
        ([came(TSTP), took(TSTP), came(TERM)], {7}),
        ([came(TERM), took(TERM)], {7}),  # it ends it
        ([came(TERM, fate=Fate.MERGED)], {7}),
        ([came(TERM, fate=Fate.IGNORED)], set()),
        ([took(TERM, handler=1)], {7}),
    ],
)
def test_what_stops_a_process_by_default_runs_none_of_its_code(records: list[TraceRecord], right: set[int]) -> None:
    assert told(records, {8: 7}) == right
