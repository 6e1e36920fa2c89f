"""The kernel's record as a path: names in place of numbers, and each end told once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.core.evidence import Ground, SignalEvidence
from harness.core.signal_path import ENGINE, TERMINAL, End, Party, Send, Take, signal_path
from harness.core.signals import Signal
from harness.core.trace import Fate, Handled, Sent
from tests.support.scripted import process

if TYPE_CHECKING:
    from harness.core.trace import TraceRecord

TERM, KILL = Signal(15), Signal(9)
NPM = replace(process(1, "npm start", catches=("TERM",)), threads=frozenset({1001, 1002}))
SHELL = process(17, "sh -c node server.js", parent=1)
NODE = replace(process(18, "node server.js", parent=17, catches=("TERM",)), threads=frozenset({1018, 1019}))
DOCKER_SENDS = Sent(
    time_s=5.0, sender="runc", sender_pid=7, number=15, target="npm", target_pid=1001, fate=Fate.DELIVERED
)
NPM_PARTY, NODE_PARTY = Party(pid=1, name="npm start"), Party(pid=18, name="node server.js")
SHELL_PARTY = Party(pid=17, name="sh -c node server.js")


def evidence(*trace: TraceRecord, typed: bool = False) -> SignalEvidence:
    return SignalEvidence(
        app_pid=1018,
        before=(NPM, SHELL, NODE),
        after=(),
        running=False,
        exit_code=1,
        logs=(),
        events=(),
        began_ns=0,
        decided_ns=1,
        trace=trace,
        sent=TERM,
        receipts=(),
        done=False,
        ground=Ground.ENDED,
        typed=typed,
    )


def sent(sender: int, target: int, number: int = 15, *, at_us: int = 10, fate: Fate = Fate.DELIVERED) -> Sent:
    return replace(
        DOCKER_SENDS,
        time_s=5 + at_us / 1e6,
        sender=f"comm {sender}",
        sender_pid=sender,
        target=f"comm {target}",
        target_pid=target,
        number=number,
        fate=fate,
    )


def took(pid: int, number: int = 15, *, handler: int = 0, at_us: int = 20) -> Handled:
    return Handled(time_s=5 + at_us / 1e6, comm=f"comm {pid}", pid=pid, number=number, handler=handler)


def test_without_a_record_there_is_no_path() -> None:
    assert signal_path(replace(evidence(), trace=None)) is None


def test_who_is_not_in_the_container_and_signals_pid_1_is_the_engine() -> None:
    assert signal_path(evidence(DOCKER_SENDS)) == (
        Send(at_us=0, sender=Party(pid=None, name=ENGINE), signal=TERM, receiver=NPM_PARTY, fate=Fate.DELIVERED),
    )


def test_threads_are_told_by_their_process() -> None:
    steps = signal_path(evidence(DOCKER_SENDS, took(1002, handler=64), sent(1002, 1019)))
    assert steps is not None
    assert steps[1:] == (
        Send(at_us=10, sender=NPM_PARTY, signal=TERM, receiver=NODE_PARTY, fate=Fate.DELIVERED),
        Take(at_us=20, process=NPM_PARTY, signal=TERM, by_handler=True),
    )


def test_a_process_without_a_handler_dies_of_what_it_was_sent() -> None:
    steps = signal_path(evidence(sent(1001, 1017), took(1017, 9)))
    assert steps is not None
    assert steps[-1] == End(at_us=10, process=SHELL_PARTY, by=TERM)


def test_an_end_is_told_once_and_not_per_thread() -> None:
    steps = signal_path(evidence(sent(1001, 1018, 9), took(1018, 9), took(1019, 9)))
    assert steps is not None
    assert steps[1:] == (End(at_us=10, process=NODE_PARTY, by=KILL),)


def test_a_process_that_ends_and_was_sent_nothing_it_could_die_of_exits() -> None:
    steps = signal_path(evidence(DOCKER_SENDS, took(1002, 9)))
    assert steps is not None
    assert steps[-1] == End(at_us=20, process=NPM_PARTY, by=None)


def test_a_process_may_send_itself_what_ends_it() -> None:
    steps = signal_path(evidence(sent(1018, 1018), took(1019, 9)))
    assert steps is not None
    assert steps[-1] == End(at_us=10, process=NODE_PARTY, by=TERM)


def test_a_signal_that_was_dropped_ends_nobody() -> None:
    steps = signal_path(evidence(sent(1001, 1017, fate=Fate.IGNORED), took(1017, 9)))
    assert steps is not None
    assert steps[-1] == End(at_us=10, process=SHELL_PARTY, by=None)


def test_the_kernel_ends_what_is_left_as_pid_1_ends() -> None:
    """Whichever of PID 1's threads is the last."""
    steps = signal_path(evidence(replace(sent(1002, 1018, 9), by_kernel=True)))
    assert steps is not None
    end, step = steps
    assert isinstance(end, End)
    assert end.process.pid == 1
    assert end.by is None
    assert isinstance(step, Send)
    assert step.sender == Party(pid=None, name="the kernel, as PID 1 ends")


def test_an_init_that_fetches_its_signal_does_not_die_of_it() -> None:
    """tini has no handler: it waits for signals in sigtimedwait(2), and leaves with a code of its own."""
    tini = replace(process(1, "tini -- node"), wchan="do_sigtimedwait")
    trace = (sent(33, 1001), replace(sent(1001, 1018, 9, at_us=20), by_kernel=True))
    steps = signal_path(replace(evidence(*trace), before=(tini, NODE)))
    assert steps is not None
    assert [step.by for step in steps if isinstance(step, End)] == [None]


def test_what_pid_1_would_take_by_default_is_dropped() -> None:
    """Node's own handler for SIGTERM gives the terminal back, and sends the signal once more, without a handler."""
    handled = Handled(time_s=5.00002, comm="npm", pid=1001, number=15, handler=64)
    steps = signal_path(evidence(sent(33, 1001), handled, sent(1001, 1001, at_us=30), default(1001, at_us=40)))
    assert steps is not None
    assert [type(step) for step in steps] == [Send, Take, Send]
    assert isinstance(steps[2], Send)
    assert steps[2].fate is Fate.IGNORED


def test_nothing_spares_another_process() -> None:
    steps = signal_path(evidence(sent(33, 1018), default(1018)))
    assert steps is not None
    assert isinstance(steps[1], Take)


def default(pid: int, *, at_us: int = 20) -> Handled:
    return Handled(time_s=5 + at_us / 1e6, comm=f"comm {pid}", pid=pid, number=15, handler=0)


def test_times_count_from_the_earliest_record() -> None:
    steps = signal_path(evidence(sent(1001, 1018, at_us=30), sent(33, 1001, at_us=10)))
    assert steps is not None
    assert [step.at_us for step in steps] == [0, 20]


def test_pid_1_clearing_up_after_itself_is_no_step() -> None:
    assert signal_path(evidence(replace(sent(1001, 1001, 9, fate=Fate.IGNORED), by_kernel=True))) == ()


def test_a_key_comes_from_the_terminal() -> None:
    record = replace(sent(33, 1018, 2), by_kernel=True)
    steps = signal_path(evidence(record, typed=True))
    assert steps is not None
    assert isinstance(steps[0], Send)
    assert steps[0].sender == Party(pid=None, name=TERMINAL)


def test_a_process_that_nobody_saw_keeps_the_kernels_name_for_it() -> None:
    steps = signal_path(evidence(sent(1001, 4711)))
    assert steps is not None
    assert isinstance(steps[0], Send)
    assert steps[0].receiver == Party(pid=None, name="comm 4711")
