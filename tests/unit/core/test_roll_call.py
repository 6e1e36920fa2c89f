"""The roll call: who was told, what each did with it, how each ended."""

from __future__ import annotations

import pytest

from harness.core.document import Became, Call
from harness.core.evidence import EngineEvent, Ground
from harness.core.roll_call import roll_call
from harness.core.trace import Fate, Handled, Life, Parting, Sent
from harness.report.roll_call_table import told
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
BY_DOCKER = "SIGKILL by docker, as the grace period ended"
BY_PID1 = "SIGKILL by the kernel, as PID 1 ended"
TERM = 1 << 14
CATCHES = changed(PID1, caught=TERM)
IGNORES = changed(PID1, ignored=TERM)
FETCHES = changed(PID1, wchan="do_sigtimedwait.isra.0")
PENDING = changed(APP, pending=TERM)
BARE = changed(APP, caught=0, wchan="hrtimer_nanosleep")
OPEN = {"ground": Ground.SETTLED}
DIES = {"after": (), "running": False, "exit_code": 143, "ground": Ground.ENDED}
KILL = EngineEvent(action="kill", time_ns=3, signal=9)
AT_LAST = {"trace": None, "exit_code": 137, "events": (KILL,)}


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


def test_who_is_told_by_another_signal() -> None:
    """A supervisor may have a stop signal of its own for each program."""
    shell = changed(PID1, caught=1 << 14)
    quits = changed(HANDED_ON, number=3)
    ran = Handled(time_s=1.6, comm="node", pid=1007, number=3, handler=64)
    evidence = changed(SWALLOWED, before=(shell, APP), after=(shell, APP), trace=(TO_SHELL, quits, ran))
    app = of(roll_call(evidence), 7)
    assert (app.told, app.signal, app.by, app.became) == (True, "SIGQUIT", f"{PID1.command} (PID 1)", Became.HANDLED)
    assert told(app) == f"by {PID1.command} (PID 1), SIGQUIT, +500.0 ms"
    by_kernel = changed(evidence, trace=(TO_SHELL, changed(quits, by_kernel=True)))
    assert of(roll_call(by_kernel), 7).told is False
    killed = changed(evidence, trace=(TO_SHELL, changed(quits, number=9)))
    assert of(roll_call(killed), 7).told is False


def test_an_app_that_dies_of_it_and_one_that_its_runtime_sends_it_again() -> None:
    defenceless = changed(APP, caught=0)
    fatal = changed(HANDED_ON, sender="runc", sender_pid=5)
    evidence = changed(SWALLOWED, before=(PID1, defenceless), after=(PID1,), trace=(TO_SHELL, fatal, LEFT))
    assert of(roll_call(evidence), 7).became in (Became.DIED, Became.NOTHING)
    ran = Handled(time_s=1.59, comm="node", pid=1007, number=15, handler=64)
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
        (changed(SWALLOWED, before=(CATCHES, APP), after=(CATCHES, APP), trace=None, **OPEN), 1, True, None, STAYS),
        (changed(SWALLOWED, before=(CATCHES, APP), after=(CATCHES, APP), trace=None, **OPEN), 7, None, None, STAYS),
        (changed(SWALLOWED, before=(IGNORES, APP), trace=None, **OPEN), 1, True, Became.IGNORED, STAYS),
        (changed(SWALLOWED, before=(IGNORES, APP), trace=None, **OPEN), 7, False, None, STAYS),
        (changed(SWALLOWED, before=(FETCHES, APP), trace=None, **OPEN), 1, True, Became.FETCHED, STAYS),
        (changed(SWALLOWED, after=(PID1, PENDING), trace=None, **OPEN), 7, True, Became.PENDING, STAYS),
        (changed(SWALLOWED, before=(FETCHES, BARE), trace=None, **DIES), 7, True, Became.DIED, "gone"),
        (changed(SWALLOWED, before=(FETCHES, APP), trace=None, **DIES), 7, None, None, "gone"),
        (changed(SWALLOWED, before=(FETCHES, BARE), trace=None, **DIES | {"exit_code": 1}), 7, None, None, "gone"),
        (changed(FORCED, before=(FETCHES, APP), after=(FETCHES, APP), **AT_LAST), 1, True, Became.FETCHED, BY_DOCKER),
        (changed(FORCED, before=(FETCHES, APP), after=(FETCHES, APP), **AT_LAST), 7, None, None, BY_PID1),
    ],
    ids=[
        "masks of PID 1",
        "not PID 1",
        "its own word",
        "an end",
        "not known",
        "a handler of PID 1",
        "below a handler of PID 1",
        "ignored by PID 1",
        "below one that ignores it",
        "fetched by PID 1",
        "pending",
        "died of it by the exit code",
        "a handler does not tell",
        "another exit code",
        "killed at last",
        "killed with PID 1",
    ],
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


# Helpers that came and went between two samples

TRAPS = changed(PID1, caught=TERM)
HELPER = Life(pid=1020, parent=1001, name="kill", began_s=1.1, ended_s=1.5, parting=Parting.EXITED)
LOOPED = changed(HELPER, pid=1030, name="sleep", began_s=1.2)
BY_HELPER = changed(BY_ITSELF, sender="kill", sender_pid=1020, time_s=1.4)


def with_lives(*lives: Life, trace: tuple[Sent | Handled, ...] = (TO_SHELL, BY_HELPER)) -> tuple[Call, ...]:
    seen = {"before": (TRAPS, APP), "after": (TRAPS, APP)}
    return roll_call(changed(SWALLOWED, trace=trace, lives=lives, **seen))


def test_a_helper_that_sent_the_signal_is_called_by_its_name() -> None:
    shell, app, helper = with_lives(HELPER)
    assert (helper.pid, helper.command, helper.parent, helper.end) == (None, "kill", 0, "exited")
    assert (helper.told, helper.became, helper.inferred) == (False, None, False)
    assert (app.told, app.by) == (True, "kill")
    assert shell.parent is None


def test_a_helper_that_a_sample_has_shown_has_its_command_line() -> None:
    named = changed(HELPER, argv=("kill", "-TERM", "7"), inner_pid=20)
    helper = with_lives(named)[-1]
    assert (helper.pid, helper.command) == (20, "kill -TERM 7")
    assert of(with_lives(named), 7).by == "kill -TERM 7"


def test_a_helper_that_dies_of_the_signal() -> None:
    child = changed(LOOPED, parting=Parting.KILLED)
    to_child = changed(BY_ITSELF, sender="sh", sender_pid=1001, target="sleep", target_pid=1030, time_s=1.3)
    helper = with_lives(child, trace=(TO_SHELL, to_child))[-1]
    assert (helper.told, helper.by, helper.after_ms) == (True, f"{PID1.command} (PID 1)", 300)
    assert (helper.became, helper.end) == (Became.DIED, "died of SIGTERM")
    handles = Handled(time_s=1.35, comm="sleep", pid=1030, number=15, handler=64)
    exited = with_lives(changed(child, parting=Parting.EXITED), trace=(TO_SHELL, to_child, handles))[-1]
    assert (exited.became, exited.end) == (Became.HANDLED, "exited")
    deaf = with_lives(LOOPED, trace=(TO_SHELL, changed(to_child, fate=Fate.IGNORED)))[-1]
    assert (deaf.became, deaf.end) == (Became.IGNORED, "exited")


@pytest.mark.parametrize(
    ("life", "end"),
    [
        (changed(LOOPED, parting=None, ended_s=None), "still there"),
        (changed(LOOPED, parting=None), "ended"),
        (changed(LOOPED, parting=Parting.KILLED), "died of a signal"),
    ],
)
def test_how_a_helper_ended_is_told_as_far_as_it_is_known(life: Life, end: str) -> None:
    assert with_lives(life)[-1].end == end


def test_helpers_of_a_helper_stand_below_it() -> None:
    shell, _, subshell, inner = with_lives(changed(HELPER, name="sh"), changed(LOOPED, parent=1020))
    assert (subshell.parent, inner.parent, shell.parent) == (0, 2, None)


def test_helpers_that_are_all_alike_are_called_once_with_their_number() -> None:
    loop = [changed(LOOPED, pid=1030 + number) for number in range(40)]
    calls = with_lives(*loop, changed(HELPER, parent=1001))
    assert [call.command for call in calls[2:]] == ["sleep", "kill"]
    assert calls[2].end == "exited; 39 more like it came and went"


def test_the_end_of_a_process_that_is_gone_is_told_by_the_record() -> None:
    app = Life(pid=1007, parent=1001, name="node", began_s=0.1, ended_s=1.5, parting=Parting.EXITED)

    def end(life: Life) -> str:
        gone = changed(SWALLOWED, before=(TRAPS, APP), after=(TRAPS,), trace=(TO_SHELL, HANDED_ON), lives=(life,))
        return of(roll_call(gone), 7).end

    assert end(app) == "exited"
    assert end(changed(app, parting=Parting.KILLED)) == "died of SIGTERM"
    assert end(changed(app, parting=None)) == "gone"


def test_without_a_record_of_signals_no_helper_is_known() -> None:
    assert len(roll_call(changed(SWALLOWED, trace=None, lives=(HELPER,)))) == 2
