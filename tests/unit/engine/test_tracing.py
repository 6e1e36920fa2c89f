"""Which of the kernel's records belong to a run, and when they prove nothing. No kernel is asked."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import EngineFault, EngineUnavailable
from harness.core.signals import Signal
from harness.core.trace import Handled, Life, Parting, Sent
from harness.engine import tracefs, tracing
from harness.engine.owner import mark_of
from harness.engine.tracing import Tracer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOST = "CPU:1 [LOST 4211 EVENTS]"
LATER_S = 1e9


def sent(at_s: float, *, sender: int = 5, target: int = 7, number: int = 15) -> str:
    return (
        f"            runc-{sender}   [001] ..... {at_s:.6f}: signal_generate:"
        f" sig={number} errno=0 code=0 comm=sh pid={target} grp=1 res=0"
    )


def handled(at_s: float, *, pid: int = 7) -> str:
    return (
        f"            node-{pid}   [000] d..1. {at_s:.6f}: signal_deliver:"
        " sig=15 errno=0 code=0 sa_handler=1d4ead0 sa_flags=14000000"
    )


class Scripted:
    """A recording that gives out what we put in."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.written: list[bytes] = []

    def begin(self) -> None:
        pass

    def pieces(self) -> Iterator[bytes]:
        while self.written:
            if not self.written[0]:
                raise EngineFault(f"no answer {self.written.pop(0)!r}")
            yield self.written.pop(0)

    def close(self) -> None:
        pass


class Fed:
    """A tracer whose recording we write into."""

    def __init__(self) -> None:
        self.tracer = Tracer([Signal(15)])
        self.recording = self.tracer._recording = Scripted()

    def write(self, data: bytes) -> None:
        self.recording.written.append(data)

    def times(self, *ids: int, since_s: float = 0.5) -> list[float] | None:
        records = self.tracer.records(ids, since_s=since_s)
        return None if records is None else [record.time_s for record in records]


@pytest.fixture
def fed() -> Fed:
    return Fed()


class Way:
    """A way to a machine, which may end."""

    def __init__(self) -> None:
        self.ended = False
        self.recording = Scripted()

    def record(self, *, generate: str, deliver: str) -> Scripted:
        assert "sig" in generate + deliver
        return self.recording


def test_another_way_to_the_machine_says_nothing_of_what_had_begun() -> None:
    ways: list[Any] = [Way(), Way()]
    others = iter(ways[1:])
    with Tracer([Signal(15)], ways[0], again=lambda: next(others)) as tracer:
        tracer.wait()
        began_s = time.monotonic()
        ways[0].recording.written += [f"{sent(began_s + 0.1)}\n{sent(began_s + 0.2)[:-9]}".encode()]
        assert len(tracer.records({7}, since_s=began_s) or ()) == 1
        tracer.wait()
        assert tracer.machine is ways[0]
        ways[0].ended = True
        tracer.wait()
        assert tracer.machine is ways[1]
        assert tracer.records({7}, since_s=began_s) is None
        later_s = time.monotonic()
        assert tracer.records({7}, since_s=later_s) == ()
        # What was cut in the middle is not made whole by what comes now.
        ways[1].recording.written += [f"res=0\n{sent(later_s + 0.1)}\n".encode()]
        assert [record.time_s for record in tracer.records({7}, since_s=later_s) or ()] == [round(later_s + 0.1, 6)]
        assert tracer.records({7}, since_s=began_s) is None


def test_where_there_is_no_other_way_that_is_said_each_time() -> None:
    way: Any = Way()

    def none() -> Any:
        raise EngineFault("the last one has ended")

    with Tracer([Signal(15)], way, again=none) as tracer:
        tracer.wait()
        way.ended = True
        for _ in range(2):
            with pytest.raises(EngineFault, match="the last one has ended"):
                tracer.wait()
        tracer.stop().result()
        tracer.wait()  # nobody needs one any more


def test_without_any_record_nothing_happened(fed: Fed) -> None:
    assert fed.times(7) == []


def test_records_are_those_that_a_process_sent_was_sent_or_took(fed: Fed) -> None:
    fed.tracer.take([sent(1, sender=5, target=7), handled(2, pid=7), sent(3, sender=7, target=9), handled(4, pid=9)])
    assert fed.times(7) == [1, 2, 3]
    assert fed.times(5) == [1]
    assert fed.times(9) == [3, 4]
    assert fed.times(5, 9) == [1, 3, 4]


def test_foreign_records_are_left_out(fed: Fed) -> None:
    fed.tracer.take([sent(1, sender=70, target=77), handled(2, pid=17)])
    assert fed.times(7) == []
    assert fed.times() == []


def test_a_record_is_given_as_the_kernel_wrote_it(fed: Fed) -> None:
    fed.tracer.take([sent(1.25), handled(1.5)])
    one, other = fed.tracer.records({7}, since_s=0.5) or ()
    assert isinstance(one, Sent)
    assert isinstance(other, Handled)
    assert (one.sender_pid, one.target_pid, other.pid, other.time_s) == (5, 7, 7, 1.5)


def test_what_is_no_record_is_passed_over(fed: Fed) -> None:
    fed.tracer.take(["# tracer: nop", "", sent(1), "cut off"])
    assert fed.times(7) == [1]


def test_records_of_earlier_processes_with_the_same_id_are_left_out(fed: Fed) -> None:
    fed.tracer.take([sent(1), sent(4), sent(4.5), sent(9)])
    assert fed.times(7, since_s=4.5) == [4.5, 9]
    assert fed.times(7, since_s=100) == []


def test_records_of_two_processors_may_come_a_little_out_of_order(fed: Fed) -> None:
    fed.tracer.take([sent(5.0), sent(4.9), sent(5.2), sent(5.1)])
    assert fed.times(7, since_s=5.0) == [5.0, 5.2, 5.1]


def test_records_that_were_lost_leave_nothing_to_say_to_runs_that_had_begun(fed: Fed) -> None:
    now_s = time.monotonic()
    fed.tracer.take([sent(now_s), LOST, handled(now_s)])
    assert fed.times(7, since_s=now_s) is None
    assert fed.times(7) is None


def test_records_that_were_lost_do_not_matter_to_runs_that_begin_later(fed: Fed) -> None:
    fed.tracer.take([LOST])
    fed.tracer.take([sent(LATER_S), sent(LATER_S + 1)])
    assert fed.times(7, since_s=LATER_S + 1) == [LATER_S + 1]


def test_more_records_than_are_kept_leave_nothing_to_say_to_runs_that_miss_one(
    fed: Fed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "_MOST_RECORDS", 3)
    fed.tracer.take([sent(1), sent(2), sent(3)])
    assert fed.times(7, since_s=1) == [1, 2, 3]
    fed.tracer.take([sent(4, target=99), sent(5)])
    assert fed.times(7, since_s=1) is None
    assert fed.times(7, since_s=2) is None
    assert fed.times(7, since_s=2.5) == [3, 5]


def test_a_record_that_went_late_for_its_time_counts_as_lost_up_to_the_latest(
    fed: Fed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "_MOST_RECORDS", 1)
    fed.tracer.take([sent(5.2), sent(5.1), sent(6)])
    assert fed.times(7, since_s=5.15) is None
    assert fed.times(7, since_s=5.3) == [6]


def test_a_loss_is_not_made_good_by_an_eviction_of_older_records(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_MOST_RECORDS", 1)
    began_s = time.monotonic()
    fed.tracer.take([LOST, sent(1), sent(2)])
    assert fed.times(7, since_s=began_s) is None


def test_all_that_is_in_the_pipe_is_read_before_an_answer(fed: Fed) -> None:
    fed.write(b"".join(f"{sent(n)}\n".encode() for n in range(1, 200)))
    assert fed.times(7) == list(range(1, 200))
    fed.write(f"{LOST}\n".encode())
    assert fed.times(7) is None


def test_half_a_line_waits_for_its_other_half(fed: Fed) -> None:
    line = f"{sent(1)}\n".encode()
    for place in range(len(line) - 1):
        fed.write(line[place : place + 1])
        assert fed.times(7) == []
    fed.write(b"\n")
    assert fed.times(7) == [1]


@given(st.binary())
def test_any_bytes_in_the_pipe_are_read_without_an_error(data: bytes) -> None:
    made = Fed()
    made.write(data + f"\n{sent(3)}\n".encode())
    assert made.times(7) == [3]


@pytest.mark.parametrize(
    ("signals", "wanted"),
    [
        ([15, 1], "sig!=17 && sig!=23"),
        ([], "sig!=17 && sig!=23"),
        ([17], "sig!=23"),
        ([23, 15], 'sig!=17 && (sig!=23 || code!=-6 || (comm!="exe" && comm!="dockerd" && '),
        ([17, 23], '(sig!=23 || code!=-6 || (comm!="exe" && comm!="dockerd" && '),
    ],
)
def test_chatter_is_filtered_unless_it_is_what_is_sent(signals: list[int], wanted: str) -> None:
    tracer = Tracer(Signal(number) for number in signals)
    assert tracer._generate.startswith(wanted)
    assert tracer._deliver == tracer._generate.replace("comm", "COMM")


def test_an_instance_is_in_use_while_its_very_process_lives() -> None:
    here = os.getpid()
    assert tracefs._in_use(f"signal-harness-{here}-{mark_of(here)}-0")
    assert tracefs._in_use(f"signal-harness-{here}-{mark_of(here)}-17")


def test_an_instance_is_in_use_no_more_as_its_process_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        name = f"signal-harness-{child.pid}-{mark_of(child.pid)}-0"
        assert tracefs._in_use(name)
    assert not tracefs._in_use(name)


def test_a_pid_that_has_passed_to_another_process_is_no_use() -> None:
    namespace = mark_of(os.getpid()).partition("-")[0]
    assert not tracefs._in_use(f"signal-harness-{os.getpid()}-{namespace}-1-0")


def test_what_another_pid_namespace_made_may_be_in_use() -> None:
    assert tracefs._in_use("signal-harness-1-1-1-0")
    assert tracefs._in_use("signal-harness-1--0")  # its /proc did not tell which it is


@pytest.mark.parametrize(
    "name", ["signal-harness-", "signal-harness-x-1-1-0", "signal-harness--1-1-1-0", "signal-harness-1-0"]
)
def test_a_name_without_a_process_is_no_use(name: str) -> None:
    assert not tracefs._in_use(name)


def test_what_a_zombie_made_is_not_in_use() -> None:
    """A killed run whose parent does not wait for it is still in the process table, and owns nothing any more."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        name = f"signal-harness-{child.pid}-{mark_of(child.pid)}-0"
        assert tracefs._in_use(name)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not tracefs._in_use(name)


def test_records_of_a_clock_that_is_ahead_are_told_by_ours(fed: Fed) -> None:
    fed.recording.ahead_s = 100.0
    fed.write(
        "\n".join(
            [forked(7, 70, at_s=101), sent(102, target=70), handled(103, pid=70), parted(70, 7, at_s=104), ""]
        ).encode()
    )
    assert fed.times(7, since_s=1.5) == [2, 3]
    (life,) = lives_in(fed, 7)
    assert (life.began_s, life.ended_s) == (1, 4)


def test_a_record_that_is_new_enough_is_not_read_again(fed: Fed) -> None:
    fed.write(f"{sent(1)}\n".encode())
    before = time.monotonic()
    assert len(fed.tracer.records([7], since_s=0.5, as_of_s=before) or ()) == 1
    after = time.monotonic()
    fed.write(f"{sent(2)}\n{forked(7, 70, at_s=3)}\n".encode())
    assert len(fed.tracer.records([7], since_s=0.5, as_of_s=before) or ()) == 1
    assert fed.tracer.lives([7], since_s=0.5, as_of_s=before) == ()
    assert len(fed.tracer.records([7], since_s=0.5, as_of_s=after) or ()) == 2
    assert len(fed.tracer.lives([7], since_s=0.5, as_of_s=after)) == 1
    fed.write(f"{sent(4)}\n".encode())
    assert fed.times(7) == [1, 2, 4]


def test_a_record_that_could_not_be_read_is_not_new(fed: Fed) -> None:
    fed.recording.written += [b"", f"{sent(1)}\n".encode()]
    before = time.monotonic()
    with pytest.raises(EngineFault):
        fed.tracer.records([7], since_s=0.5, as_of_s=before)
    assert len(fed.tracer.records([7], since_s=0.5, as_of_s=before) or ()) == 1


# Who started whom


def forked(parent: int, child: int, *, at_s: float = 1.0, flags: int = 0x1200000) -> str:
    return (
        f"              sh-{parent}   [001] ..... {at_s:.6f}: task_newtask:"
        f" pid={child} comm=sh clone_flags={flags:x} oom_score_adj=0"
    )


def outside(fed: Fed, *ids: int) -> list[bool]:
    records = fed.tracer.records(ids, since_s=0.5)
    assert records is not None
    return [record.from_outside for record in records if isinstance(record, Sent)]


def test_a_process_of_the_host_is_outside_and_one_that_was_seen_is_not(fed: Fed) -> None:
    fed.tracer.take([sent(1, sender=5, target=7), sent(2, sender=7, target=8)])
    assert outside(fed, 7, 8) == [True, False]


def test_a_helper_that_came_and_went_is_inside_by_who_started_it(fed: Fed) -> None:
    fed.tracer.take([forked(7, 70), forked(70, 71), sent(2, sender=71, target=7)])
    assert outside(fed, 7) == [False]


def test_a_process_that_somebody_outside_started_is_outside(fed: Fed) -> None:
    fed.tracer.take([forked(5, 50), forked(50, 51), sent(2, sender=51, target=7)])
    assert outside(fed, 7) == [True]


def test_what_the_kernel_sends_comes_from_nowhere_outside(fed: Fed) -> None:
    fed.tracer.take([sent(2, sender=5, target=7).replace("code=0", "code=128")])
    assert outside(fed, 7) == [False]


def test_a_helper_is_of_the_container_also_as_it_is_sent_something(fed: Fed) -> None:
    fed.tracer.take([forked(7, 70), sent(2, sender=5, target=70), handled(3, pid=70)])
    assert fed.times(7) == [2, 3]
    assert outside(fed, 7) == [True]
    assert fed.times(8) == []


def test_of_a_number_that_is_used_again_the_newest_counts(fed: Fed) -> None:
    fed.tracer.take([forked(7, 70), forked(5, 70), sent(2, sender=70, target=7)])
    assert outside(fed, 7) == [True]
    fed.tracer.take([forked(7, 70), sent(3, sender=70, target=7)])
    assert outside(fed, 7) == [False, False]


def test_one_that_was_seen_is_of_the_container_whoever_started_it(fed: Fed) -> None:
    """PID 1 is started by the engine's runtime."""
    fed.tracer.take([forked(5, 7), sent(2, sender=7, target=8)])
    assert outside(fed, 7, 8) == [False]


def test_numbers_that_were_used_in_a_circle_have_an_answer(fed: Fed) -> None:
    fed.tracer.take([forked(70, 71), forked(71, 70), sent(2, sender=71, target=7)])
    assert outside(fed, 7) == [True]


def test_the_oldest_forks_are_let_go(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_MOST_RECORDS", 2)
    fed.tracer.take([forked(7, 70), forked(7, 71), forked(7, 72), sent(2, sender=70, target=7)])
    assert outside(fed, 7) == [True]
    fed.tracer.take([sent(3, sender=72, target=7)])
    assert outside(fed, 7) == [True, False]


def test_what_the_ended_started_is_inside_though_another_has_its_number(fed: Fed) -> None:
    fed.tracer.take([forked(7, 70), forked(70, 71), forked(5, 70), sent(2, sender=71, target=7)])
    assert outside(fed, 7) == [False]
    fed.tracer.take([sent(3, sender=70, target=7), sent(4, sender=71, target=5)])
    assert outside(fed, 7) == [False, True, False]
    assert outside(fed, 5) == [False, True]


@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=20), st.integers(1, 12))
def test_a_process_is_inside_if_and_only_if_its_line_leads_to_one_that_was_seen(
    forks: list[tuple[int, int]], sender: int
) -> None:
    tracer = Fed().tracer
    tracer.take([forked(parent, child) for parent, child in forks] + [sent(2, sender=sender, target=7)])
    found = tracer.records([7], since_s=0.5)
    parents: dict[int, int] = {}
    for parent, child in forks:
        if child in parents:  # another of this number
            before = parents.pop(child)
            parents = {one: before if by == child else by for one, by in parents.items()}
            parents = {one: by for one, by in parents.items() if one != by}
        if parent != child:
            parents[child] = parent
    line = [sender]
    while line[-1] != 7 and parents.get(line[-1], line[0]) not in line:
        line.append(parents[line[-1]])
    assert found is not None
    (record,) = found
    assert isinstance(record, Sent)
    assert record.from_outside is (7 not in line)


# Processes that come and go

THREAD = 0x3D0F00


def renamed(pid: int, name: str) -> str:
    return f"   <...>-{pid}   [001] ..... 1.500000: task_rename: pid={pid} oldcomm=sh newcomm={name} oom_score_adj=0"


def gone(pid: int, *, at_s: float = 3.0, more: str = "") -> str:
    return f"              sh-{pid}   [001] ..... {at_s:.6f}: sched_process_exit: comm=sh pid={pid} prio=120{more}"


def parted(pid: int, parent: int, *, code: int = 1, at_s: float = 3.5) -> str:
    return sent(at_s, sender=pid, target=parent, number=17).replace("code=0", f"code={code}")


def lives_in(fed: Fed, *ids: int, since_s: float = 0.5) -> tuple[Life, ...]:
    return fed.tracer.lives(ids, since_s=since_s)


def test_a_helper_that_came_and_went_is_known_from_its_start_to_its_end(fed: Fed) -> None:
    fed.tracer.take([forked(7, 70), renamed(70, "kill"), gone(70), parted(70, 7)])
    assert lives_in(fed, 7) == (Life(pid=70, parent=7, name="kill", began_s=1.0, ended_s=3.5, parting=Parting.EXITED),)
    assert fed.times(7) == []  # SIGCHLD is no signal that matters


def test_what_others_start_is_not_the_containers(fed: Fed) -> None:
    fed.tracer.take([forked(5, 50), forked(50, 51), forked(7, 70)])
    assert [life.pid for life in lives_in(fed, 7)] == [70]


def test_what_began_before_the_container_is_not_its(fed: Fed) -> None:
    fed.tracer.take([forked(7, 70), forked(7, 71, at_s=9)])
    assert [life.pid for life in lives_in(fed, 7, since_s=8)] == [71]


def test_threads_are_no_processes_but_tell_who_started_one(fed: Fed) -> None:
    fed.tracer.take([forked(7, 8, flags=THREAD), forked(8, 9, flags=THREAD), renamed(8, "gc"), forked(9, 70)])
    assert [(life.pid, life.parent, life.name) for life in lives_in(fed, 7)] == [(70, 7, "sh")]


def test_the_end_of_a_thread_is_not_that_of_its_process(fed: Fed) -> None:
    fed.tracer.take([forked(7, 70), forked(70, 71, flags=THREAD), gone(71), gone(70, more=" group_dead=false")])
    assert lives_in(fed, 7)[0].ended_s is None
    fed.tracer.take([gone(71, at_s=4, more=" group_dead=true")])
    assert lives_in(fed, 7)[0].ended_s == 4


def test_a_process_that_was_killed_says_so_by_its_last_thread(fed: Fed) -> None:
    fed.tracer.take([forked(7, 70), forked(70, 71, flags=THREAD), parted(71, 7, code=2)])
    assert (lives_in(fed, 7)[0].parting, lives_in(fed, 7)[0].ended_s) == (Parting.KILLED, 3.5)


def test_what_is_left_as_pid_1_ends_has_an_end_but_nobody_is_told_how(fed: Fed) -> None:
    fed.tracer.take([forked(7, 70), gone(70, more=" group_dead=true")])
    assert (lives_in(fed, 7)[0].parting, lives_in(fed, 7)[0].ended_s) == (None, 3)


def test_a_number_that_is_used_again_is_another_process(fed: Fed) -> None:
    fed.tracer.take([forked(7, 70), parted(70, 7), forked(7, 70, at_s=5)])
    assert lives_in(fed, 7) == (Life(pid=70, parent=7, name="sh", began_s=5.0),)


def test_the_oldest_processes_are_let_go(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_MOST_RECORDS", 2)
    fed.tracer.take([forked(7, 70), forked(7, 71), forked(7, 72)])
    assert [life.pid for life in lives_in(fed, 7)] == [71, 72]


def test_sigchld_is_a_record_as_well_where_it_is_what_is_sent(fed: Fed) -> None:
    other = Fed()
    other.tracer = Tracer([Signal(17)])
    other.tracer._recording = fed.recording
    other.tracer.take([forked(7, 70), parted(70, 7)])
    assert other.times(7) == [3.5]
    assert lives_in(other, 7)[0].parting is Parting.EXITED


def test_a_thread_that_no_sample_has_shown_acts_for_its_process(fed: Fed) -> None:
    fed.tracer.take([forked(7, 8, flags=THREAD), sent(2, sender=8, target=8), handled(3, pid=8)])
    one, other = fed.tracer.records([7], since_s=0.5) or ()
    assert isinstance(one, Sent)
    assert isinstance(other, Handled)
    assert (one.sender_pid, one.target_pid, other.pid) == (7, 7, 7)
    seen, _ = fed.tracer.records([7, 8], since_s=0.5) or ()
    assert isinstance(seen, Sent)
    assert seen.target_pid == 8


def test_a_machine_without_mount_has_no_record(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tracefs, "_MOUNTS", (tmp_path / "none",))
    monkeypatch.setattr(tracefs.os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineUnavailable, match=r"tracefs cannot be mounted: .*'mount'"):
        Tracer(()).__enter__()


# What nobody needs any more


def test_what_is_older_than_any_container_that_is_followed_is_let_go(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter((10.0, 20.0, 30.0, 40.0))
    monkeypatch.setattr(tracing.time, "monotonic", lambda: next(now))
    life = [forked(7, 70), forked(70, 71, flags=THREAD), sent(2, target=7), parted(70, 7)]
    with fed.tracer.following(), fed.tracer.following():
        fed.tracer.take([*life, forked(7, 72, at_s=4), forked(5, 50, at_s=12), parted(50, 5, at_s=15), sent(18)])
    # A process that lives may still start others.
    assert fed.times(7) == []
    assert (fed.tracer._descent.family([7]), fed.tracer._leaders, [*fed.tracer._lives]) == ({7, 72}, {}, [72])


def test_as_long_as_one_is_followed_all_since_its_start_is_kept(fed: Fed, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter((10.0, 20.0, 30.0, 99.0))
    monkeypatch.setattr(tracing.time, "monotonic", lambda: next(now))
    with fed.tracer.following():
        fed.tracer.take([sent(2), forked(7, 70, at_s=9.5), parted(70, 7, at_s=11), sent(12)])
        with fed.tracer.following():
            fed.tracer.take([sent(21)])
        assert fed.times(7) == [12, 21]
        assert [life.pid for life in lives_in(fed, 7)] == [70]
    assert fed.times(7) == []
