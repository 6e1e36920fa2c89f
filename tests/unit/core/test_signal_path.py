"""The kernel's record as a path: names in place of numbers, each end once, and what is said of it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.core.document import Kind, Participant, Role, SignalPath
from harness.core.evidence import Ground, SignalEvidence
from harness.core.signal_path import TERMINAL, signal_path, who
from harness.core.signals import Signal
from harness.core.trace import Fate, Handled, Sent
from tests.support.evidence import changed, made
from tests.support.scripted import process

if TYPE_CHECKING:
    from harness.core.trace import TraceRecord

ENGINE = "docker"
TERM = Signal(15)


def path_of(*trace: TraceRecord, **changes: object) -> SignalPath:
    path = signal_path(changed(evidence(*trace), **changes))
    assert path is not None
    return path


def steps(*trace: TraceRecord, **changes: object) -> list[str]:
    """The steps of a path in words."""
    return [step.words for step in path_of(*trace, **changes).steps]


def participants(*trace: TraceRecord, **changes: object) -> list[str]:
    return [who(participant) for participant in path_of(*trace, **changes).participants]


NPM = changed(process(1, "npm start", catches=("TERM",)), threads=frozenset({1001, 1002}))
SHELL = process(17, "sh -c node server.js", parent=1)
NODE = changed(process(18, "node server.js", parent=17, catches=("TERM",)), threads=frozenset({1018, 1019}))
DOCKER_SENDS = Sent(
    time_s=5.0, sender="runc", sender_pid=7, number=15, target="npm", target_pid=1001, fate=Fate.DELIVERED
)


def evidence(*trace: TraceRecord) -> SignalEvidence:
    return made(
        SignalEvidence,
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
    )


def sent(sender: int, target: int, number: int = 15, *, at_us: int = 10, fate: Fate = Fate.DELIVERED) -> Sent:
    return changed(
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
    assert signal_path(changed(evidence(), trace=None)) is None


# Who sends and takes.


def test_who_is_not_in_the_container_and_signals_pid_1_is_the_engine() -> None:
    path = path_of(DOCKER_SENDS)
    assert [(step.at_us, step.words) for step in path.steps] == [(0, f"{ENGINE} sends SIGTERM to npm start (PID 1)")]
    assert path.participants[0] == Participant(pid=None, name=ENGINE, role=Role.STARTER, app=False)


def test_threads_go_by_the_name_of_their_process() -> None:
    assert steps(DOCKER_SENDS, took(1002, handler=64), sent(1002, 1019))[1:] == [
        "npm start (PID 1) sends SIGTERM to node server.js (PID 18)",
        "npm start (PID 1): its handler for SIGTERM runs",
    ]


def test_a_key_comes_from_the_terminal() -> None:
    key = changed(sent(33, 1018, 2), by_kernel=True)
    assert steps(key, typed=True) == [f"{TERMINAL} sends SIGINT to node server.js (PID 18)"]
    assert steps(key) == ["the kernel sends SIGINT to node server.js (PID 18)"]


def test_a_process_that_nobody_saw_keeps_the_kernels_name_for_it() -> None:
    assert steps(sent(1001, 4711)) == ["npm start (PID 1) sends SIGTERM to comm 4711"]


@pytest.mark.parametrize("name", [ENGINE, TERMINAL, "the kernel"])
def test_a_process_is_not_taken_for_another_participant_by_its_name(name: str) -> None:
    path = path_of(DOCKER_SENDS, changed(sent(4711, 1018), sender=name))
    assert [participant.role for participant in path.participants] == [
        Role.STARTER,
        Role.PROCESS,
        Role.PROCESS,
        Role.PROCESS,
        Role.UNKNOWN,
    ]
    assert path.steps[1].who == 4


# What ends.


def test_a_process_without_a_handler_dies_of_what_it_was_sent() -> None:
    assert steps(sent(1001, 1017), took(1017, 9))[-1] == "sh -c node server.js (PID 17) dies of SIGTERM"


def test_an_end_is_said_once_and_not_per_thread() -> None:
    path = path_of(sent(1001, 1018, 9), took(1018, 9), took(1019, 9))
    assert [(step.at_us, step.words) for step in path.steps[1:]] == [(10, "node server.js (PID 18) dies of SIGKILL")]


def test_a_process_that_ends_and_was_sent_nothing_it_could_die_of_exits() -> None:
    assert steps(DOCKER_SENDS, took(1002, 9))[-1] == "npm start (PID 1) exits"


def test_a_process_may_send_itself_what_ends_it() -> None:
    assert steps(sent(1018, 1018), took(1019, 9)) == [
        "node server.js (PID 18) sends SIGTERM to itself",
        "node server.js (PID 18) dies of SIGTERM",
    ]


def test_a_signal_that_was_dropped_ends_nobody() -> None:
    assert steps(sent(1001, 1017, fate=Fate.IGNORED), took(1017, 9))[-1] == "sh -c node server.js (PID 17) exits"


def test_the_kernel_ends_what_is_left_as_pid_1_ends() -> None:
    """Whichever of PID 1's threads is the last."""
    assert steps(changed(sent(1002, 1018, 9), by_kernel=True)) == [
        "npm start (PID 1) exits",
        "the kernel, as PID 1 ends, sends SIGKILL to node server.js (PID 18)",
    ]


def test_an_init_that_fetches_its_signal_does_not_die_of_it() -> None:
    """tini has no handler: it waits for signals in sigtimedwait(2), and leaves with a code of its own."""
    tini = changed(process(1, "tini -- node"), wchan="do_sigtimedwait")
    trace = (sent(33, 1001), changed(sent(1001, 1018, 9, at_us=20), by_kernel=True))
    path = path_of(*trace, before=(tini, NODE))
    assert [step.signal for step in path.steps if step.kind is Kind.END] == [None]


def test_pid_1_clearing_up_after_itself_is_no_step() -> None:
    assert steps(changed(sent(1001, 1001, 9, fate=Fate.IGNORED), by_kernel=True)) == []


# What PID 1 is spared.


def test_what_pid_1_would_take_by_default_is_dropped() -> None:
    """Node's own handler for SIGTERM gives the terminal back, and sends the signal once more, without a handler."""
    path = path_of(sent(33, 1001), took(1001, handler=64), sent(1001, 1001, at_us=30), took(1001, at_us=40))
    assert [step.kind for step in path.steps] == [Kind.SEND, Kind.HANDLER, Kind.SEND]
    assert [step.outcome for step in path.steps] == [Fate.DELIVERED, None, Fate.IGNORED]
    assert path.steps[2].fate == "dropped by the kernel"
    assert path.steps[2].words == "npm start (PID 1) sends SIGTERM to itself: dropped by the kernel"


def test_what_pid_1_was_spared_does_not_end_it() -> None:
    assert steps(sent(1001, 1001), took(1001), took(1001, 9, at_us=30))[-1] == "npm start (PID 1) exits"


@pytest.mark.parametrize("number", [9, 19])
def test_pid_1_is_not_spared_what_nothing_can_stop(number: int) -> None:
    assert "dropped" not in " ".join(steps(sent(33, 1001, number), took(1001, number)))


def test_nothing_spares_another_process() -> None:
    assert steps(sent(33, 1018), took(1018))[1] == "node server.js (PID 18): SIGTERM has its default action"


# When, in which order, and in which words.


def test_times_count_from_the_earliest_record() -> None:
    path = path_of(sent(1001, 1018, at_us=30), sent(33, 1001, at_us=10))
    assert [step.at_us for step in path.steps] == [0, 20]


def test_times_count_from_the_first_step() -> None:
    unsaid = changed(sent(1001, 1001, 9, at_us=0), by_kernel=True)
    assert [step.at_us for step in path_of(unsaid, sent(1001, 1018, at_us=30)).steps] == [0]


def test_participants_stand_by_role_and_processes_parents_first() -> None:
    typed = changed(sent(33, 1018, 2), by_kernel=True)
    ends = changed(sent(1002, 1018, 9, at_us=50), by_kernel=True)
    late = changed(process(40, "sleep 1", parent=18), inner_pid=5)
    trace = (sent(4711, 1040), sent(1018, 1017, at_us=5), typed, ends)
    assert participants(*trace, typed=True, after=(late, changed(NODE, argv=("renamed",)))) == [
        TERMINAL,
        "npm start (PID 1)",
        "sh -c node server.js (PID 17)",
        "node server.js (PID 18)",
        "sleep 1 (PID 5)",
        "the kernel, as PID 1 ends",
        "comm 4711",
    ]


def test_the_chain_takes_part_though_nothing_gets_there_and_others_do_not() -> None:
    other = process(30, "tee log", parent=1)
    trace = (changed(DOCKER_SENDS, fate=Fate.IGNORED),)
    path = path_of(*trace, before=(NPM, other, SHELL, NODE))
    assert [(participant.pid, participant.app) for participant in path.participants] == [
        (None, False),
        (1, False),
        (17, False),
        (18, True),
    ]


@pytest.mark.parametrize(
    ("record", "label", "fate", "words"),
    [
        (sent(1001, 1018), "SIGTERM", "", "npm start (PID 1) sends SIGTERM to node server.js (PID 18)"),
        (
            sent(1001, 1018, fate=Fate.IGNORED),
            "SIGTERM",
            "dropped by the kernel",
            "npm start (PID 1) sends SIGTERM to node server.js (PID 18): dropped by the kernel",
        ),
        (
            sent(1001, 1018, fate=Fate.MERGED),
            "SIGTERM",
            "merges with a pending one",
            "npm start (PID 1) sends SIGTERM to node server.js (PID 18): merges with a pending one",
        ),
        (
            sent(1001, 1018, 34, fate=Fate.LOST),
            "SIGRTMIN",
            "lost: the queue is full",
            "npm start (PID 1) sends SIGRTMIN to node server.js (PID 18): lost: the queue is full",
        ),
        (
            sent(1018, 1018, 2),
            "SIGINT to itself",
            "",
            "node server.js (PID 18) sends SIGINT to itself",
        ),
        (took(1018, handler=64), "handler runs", "", "node server.js (PID 18): its handler for SIGTERM runs"),
        (
            took(1018, 3, handler=64),
            "SIGQUIT: handler runs",
            "",
            "node server.js (PID 18): its handler for SIGQUIT runs",
        ),
        (took(1018), "default action", "", "node server.js (PID 18): SIGTERM has its default action"),
        (took(1018, 19), "SIGSTOP: default action", "", "node server.js (PID 18): SIGSTOP has its default action"),
        (took(1018, 9), "exits", "", "node server.js (PID 18) exits"),
    ],
)
def test_each_step_says_what_happened(record: TraceRecord, label: str, fate: str, words: str) -> None:
    (step,) = path_of(record).steps
    assert (step.label, step.fate, step.words) == (label, fate, words)
