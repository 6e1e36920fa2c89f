"""The roll call: who was told, what each did with it, how each ended."""

from __future__ import annotations

import pytest

from harness.core.document import Became, Call
from harness.core.roll_call import roll_call
from harness.core.trace import Fate, Handled, Sent
from tests.support.evidence import changed
from tests.support.reports import APP, FORCED, FORWARDED, HANDED_ON, KILLED, PID1, SWALLOWED, TO_SHELL, ZOMBIE
from tests.support.scripted import process

BY_ITSELF = Sent(
    time_s=1.6, sender="node", sender_pid=1007, number=15, target="node", target_pid=1007, fate=Fate.DELIVERED
)
LEFT = Sent(
    time_s=1.7,
    sender="sh",
    sender_pid=1001,
    number=9,
    target="node",
    target_pid=1007,
    fate=Fate.DELIVERED,
    by_kernel=True,
)


STAYS = "still there"


def of(calls: tuple[Call, ...], pid: int) -> Call:
    return next(call for call in calls if call.pid == pid)


def test_who_dropped_it_and_who_was_never_told() -> None:
    shell, app = roll_call(SWALLOWED)
    assert (shell.told, shell.by, shell.after_ms, shell.became) == (True, "docker", 0, Became.DROPPED)
    assert (app.told, app.by, app.became, app.parent, app.app) == (False, None, None, 0, True)
    assert {call.end for call in (shell, app)} == {"still there"}
    assert not any(call.inferred for call in (shell, app))


def test_who_told_whom_and_after_how_long() -> None:
    shell = changed(PID1, caught=1 << 14)
    ran = Handled(time_s=1.6, comm="node", pid=1007, number=15, handler=64)
    evidence = changed(SWALLOWED, before=(shell, APP), after=(shell, APP), trace=(TO_SHELL, HANDED_ON, ran))
    app = of(roll_call(evidence), 7)
    assert (app.told, app.by, app.after_ms, app.became) == (True, f"{PID1.command} (PID 1)", 500, Became.HANDLED)


def test_an_app_that_dies_of_it_and_one_that_its_runtime_sends_it_again() -> None:
    defenceless = changed(APP, caught=0)
    fatal = changed(HANDED_ON, sender="runc", sender_pid=5)
    evidence = changed(SWALLOWED, before=(PID1, defenceless), after=(PID1,), trace=(TO_SHELL, fatal, LEFT))
    assert of(roll_call(evidence), 7).became in (Became.DIED, Became.NOTHING)
    ran = Handled(time_s=1.55, comm="node", pid=1007, number=15, handler=64)
    again = changed(FORWARDED, trace=(*(FORWARDED.seen.trace or ())[:1], ran, BY_ITSELF))
    assert of(roll_call(again), 7).became is Became.RAISED


def test_who_blocks_a_signal_fetches_it_or_has_it_still_pending() -> None:
    blocking = changed(APP, caught=0, blocked=1 << 14)
    told = changed(FORWARDED, before=(blocking,), after=(blocking,), trace=(FORWARDED.seen.trace or ())[:1])
    assert of(roll_call(told), 7).became is Became.FETCHED
    pending = changed(told, after=(changed(blocking, pending=1 << 14),))
    assert of(roll_call(pending), 7).became is Became.PENDING


def test_the_kernel_ends_what_is_left_as_pid_1_ends() -> None:
    told = changed(PID1, caught=1 << 14)
    evidence = changed(SWALLOWED, before=(told, APP), after=(), running=False, exit_code=1, trace=(TO_SHELL, LEFT))
    shell, app = roll_call(evidence)
    assert shell.end == "exited with 1"
    assert app.end == "SIGKILL by the kernel, as PID 1 ended"


def test_the_engine_ends_it_after_the_grace_period() -> None:
    kill = Sent(time_s=4.5, sender="runc", sender_pid=5, number=9, target="sh", target_pid=1001, fate=Fate.DELIVERED)
    evidence = changed(FORCED, trace=(*(SWALLOWED.seen.trace or ()), kill, changed(LEFT, time_s=4.6)))
    assert roll_call(evidence)[0].end == "SIGKILL by docker, as the grace period ended"


@pytest.mark.parametrize(
    ("evidence", "pid", "told", "became", "end"),
    [
        (changed(SWALLOWED, before=(changed(PID1, wchan="do_wait"), APP), trace=None), 1, True, Became.DROPPED, STAYS),
        (changed(SWALLOWED, trace=None), 7, False, None, STAYS),
        (changed(FORWARDED, trace=None), 7, True, Became.HANDLED, STAYS),
        (KILLED, 1, True, None, "exited with 143"),
        (KILLED, 7, None, None, "gone"),
    ],
    ids=["masks of PID 1", "not PID 1", "its own word", "an end", "not known"],
)
def test_without_a_record_it_is_inferred(
    evidence: object, pid: int, told: bool | None, became: Became | None, end: str
) -> None:
    call = of(roll_call(evidence), pid)  # type: ignore[arg-type]  of several kinds
    assert call.inferred
    assert (call.told, call.became, call.end) == (told, became, end)


def test_processes_that_came_since_are_called_too() -> None:
    late = process(20, "sleep 1", parent=1)
    assert [call.pid for call in roll_call(changed(SWALLOWED, after=(PID1, APP, late)))] == [1, 7, 20]


def test_no_signal_no_roll_call() -> None:
    assert roll_call(ZOMBIE) == ()


def test_pid_1_dies_of_no_signal_that_its_runtime_sends_it_again() -> None:
    ran_then = Handled(time_s=1.55, comm="node", pid=1001, number=15, handler=64)
    again = changed(BY_ITSELF, sender_pid=1001, target_pid=1001)
    dies = Handled(time_s=1.65, comm="node", pid=1001, number=9, handler=0)
    alone = changed(PID1, argv=("/server",), caught=1 << 14)
    ends = {"before": (alone,), "after": (), "running": False, "exit_code": 2, "app_pid": 1001}
    (call,) = roll_call(changed(SWALLOWED, **ends, trace=(TO_SHELL, ran_then, again, dies)))
    assert (call.became, call.end) == (Became.RAISED, "exited with 2")
