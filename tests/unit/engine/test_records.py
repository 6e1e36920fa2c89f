"""What is kept of a machine's record: found by the processes that it is about as by looking through all of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.core.trace import Fate, Handled, Sent, TraceRecord
from harness.engine.records import Descent, Records, concerned

PIDS = st.integers(1, 6)
TIMES = st.integers(0, 40).map(lambda tenths: tenths / 10)


def sent(time_s: float, sender: int, target: int) -> Sent:
    return Sent(
        time_s=time_s, sender="a", sender_pid=sender, number=15, target="b", target_pid=target, fate=Fate.DELIVERED
    )


def handled(time_s: float, pid: int) -> Handled:
    return Handled(time_s=time_s, comm="a", pid=pid, number=15, handler=1)


RECORDS = st.lists(st.builds(sent, TIMES, PIDS, PIDS) | st.builds(handled, TIMES, PIDS), max_size=30)


def kept(records: list[TraceRecord]) -> Records:
    all_of_them = Records()
    for record in records:
        all_of_them.append(record)
    return all_of_them


@given(RECORDS.map(lambda found: sorted(found, key=lambda record: record.time_s)), st.sets(PIDS), TIMES, st.data())
def test_those_of_some_processes_are_found_in_their_order(
    records: list[TraceRecord], pids: set[int], since_s: float, data: st.DataObject
) -> None:
    all_of_them = kept(records)
    gone = data.draw(st.integers(0, len(records)))
    for record in records[:gone]:
        assert all_of_them.let_go() == record.time_s
    assert len(all_of_them) == len(records) - gone
    wanted = [record for record in records[gone:] if record.time_s >= since_s and concerned(record) & pids]
    assert all_of_them.of(pids, since_s) == tuple(wanted)


def test_one_about_two_of_them_is_found_once() -> None:
    assert len(kept([sent(1, 2, 3)]).of([2, 3], 0)) == 1


def test_what_is_a_little_late_is_found() -> None:
    late = [handled(2.0, 7), handled(1.5, 7)]
    assert kept([*late]).of([7], 1.6) == (late[0],)


def test_those_from_before_a_time_are_let_go_up_to_the_first_that_is_not() -> None:
    all_of_them = kept([handled(1, 7), handled(3, 7), handled(2, 8)])
    all_of_them.let_go_before(2.5)
    assert (len(all_of_them), all_of_them.of([7, 8], 0)) == (2, (handled(3, 7), handled(2, 8)))


def test_a_family_is_all_that_descend_and_nobody_else() -> None:
    descent = Descent()
    for child, parent in ((2, 1), (3, 2), (5, 4)):
        descent.begin(child, parent)
    assert (descent.family([1]), descent.family([4, 3])) == ({1, 2, 3}, {3, 4, 5})
    descent.forget(2)
    assert (descent.family([1]), descent.family([2]), len(descent)) == ({1, 3}, {2}, 2)
    descent.forget_oldest()
    assert descent.family([4]) == {4}


def test_whose_start_is_told_late_keeps_what_it_started() -> None:
    descent = Descent()
    descent.begin(3, 2)
    descent.begin(2, 1)
    assert descent.family([1]) == {1, 2, 3}
