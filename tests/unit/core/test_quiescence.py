"""When a container rests, what its PID 1 drops, and which process is the app."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from harness.core.process import Process, Tree, apps_below_wrappers, chain, find_app, only_starts_others
from harness.core.quiescence import drops, exact, quiet, steady
from harness.core.signals import Signal
from tests.support.evidence import words

TERM = Signal(15)
BIT = 1 << 14
PID1 = Process(
    pid=100,
    ppid=50,
    pgid=100,
    state="S",
    caught=0,
    ignored=0,
    blocked=0,
    pending=0,
    argv=words("/bin/sh -c 'node server.js'"),
    inner_pid=1,
    is_namespace_init=True,
    activity=10,
    wchan="do_wait",
)
APP = replace(PID1, pid=101, ppid=100, argv=words("node server.js"), inner_pid=7, activity=40, wchan="do_epoll_wait")
TINI = replace(PID1, argv=words("tini -- node server.js"), blocked=0, wchan="do_sigtimedwait")
REST: Tree = (PID1, APP)


def test_two_equal_samples_of_sleepers_are_quiet() -> None:
    assert quiet(REST, REST)


def test_nothing_is_not_quiet() -> None:
    assert not quiet((), ())
    assert not quiet(REST, ())
    assert not quiet((), REST)


@pytest.mark.parametrize(
    "changed",
    [
        replace(APP, activity=41),
        replace(APP, state="R"),
        replace(APP, state="D"),
        replace(APP, pending=BIT),
        replace(APP, pid=102),
    ],
    ids=["ran", "running", "on disk", "signal on its way", "another process"],
)
def test_a_change_in_one_process_is_not_quiet(changed: Process) -> None:
    assert not quiet(REST, (PID1, changed))
    assert not quiet((PID1, changed), REST)


def test_a_process_more_or_less_is_not_quiet() -> None:
    assert not quiet(REST, (PID1,))
    assert not quiet((PID1,), REST)


def test_a_zombie_is_quiet() -> None:
    dead = (PID1, replace(APP, state="Z"))
    assert quiet(dead, dead)


def test_a_blocked_pending_signal_is_quiet() -> None:
    blocked = (PID1, replace(APP, pending=BIT, blocked=BIT))
    assert quiet(blocked, blocked)


def test_flags_behind_the_state_as_ps_shows_them_do_not_matter() -> None:
    seen = (replace(PID1, state="Ss", activity=None), replace(APP, state="Sl+", activity=None))
    assert quiet(seen, seen)


def test_polling_for_signals_is_quiet() -> None:
    assert quiet((TINI, APP), (replace(TINI, activity=11), APP))


@pytest.mark.parametrize("wchan", ["pipe_write", "anon_pipe_write", "do_epoll_wait n_tty_write"])
def test_waiting_for_a_slow_reader_is_not_quiet(wchan: str) -> None:
    blocked = (PID1, replace(APP, wchan=wchan))
    assert not quiet(blocked, blocked)


def test_running_between_two_polls_is_not_quiet_where_it_waits_for_something_else_now() -> None:
    assert not quiet((TINI, APP), (replace(TINI, activity=11, wchan="do_wait"), APP))


def test_polling_with_a_signal_on_its_way_is_not_quiet() -> None:
    assert not quiet((TINI, APP), (replace(TINI, activity=11, pending=BIT), APP))


def test_no_handler_and_not_blocked_is_dropped() -> None:
    assert drops(PID1, TERM)


def test_an_ignored_signal_is_dropped() -> None:
    assert drops(replace(PID1, ignored=BIT), TERM)


@pytest.mark.parametrize(
    "pid1",
    [
        replace(PID1, caught=BIT),
        replace(PID1, blocked=BIT),
        replace(PID1, state="R"),
        replace(PID1, pending=1 << 16),
        replace(PID1, wchan=None),
        TINI,
        replace(TINI, wchan="do_epoll_wait do_sigtimedwait.isra.0"),
    ],
    ids=["handler", "blocked", "running", "another on its way", "wchan unknown", "sigtimedwait", "one thread of many"],
)
def test_what_is_no_proof_of_a_drop(pid1: Process) -> None:
    assert not drops(pid1, TERM)


def test_the_first_thread_decides_about_a_drop_whatever_the_others_do() -> None:
    """A container that never rests, as that of a runtime with a timer: one of its threads always runs."""
    busy = replace(PID1, state="R", wchan=None, leader_wchan="do_sys_pause")
    assert drops(busy, TERM)
    assert not drops(replace(busy, leader_wchan="do_sigtimedwait.isra.0"), TERM)
    assert not drops(replace(busy, caught=BIT), TERM)
    assert not drops(replace(busy, blocked=BIT), TERM)
    assert not drops(replace(busy, is_namespace_init=False), TERM)


def steadily(*trees: tuple[Process, ...]) -> list[tuple[int, tuple[Process, ...]]]:
    return list(enumerate(trees))


def test_a_container_that_does_the_same_all_the_time_is_steady() -> None:
    tree, helper = (PID1, APP), replace(APP, pid=200, argv=("sleep", "0.05"))
    busy = replace(APP, activity=99, state="R", wchan=None)
    same = [tree, (PID1, busy), (*tree, helper), tree, (*tree, replace(helper, pid=201)), (PID1, busy)]
    assert steady(steadily(*same), for_ns=4, lasting_ns=1)
    assert not steady(steadily(*same), for_ns=6, lasting_ns=1)  # not known for so long


@pytest.mark.parametrize(
    "then",
    [
        replace(APP, caught=BIT),
        replace(APP, ignored=BIT),
        replace(APP, argv=("other",)),
        replace(APP, threads=frozenset({1, 2, 3})),
        replace(APP, pid=300),
    ],
    ids=["a handler", "an ignored signal", "an exec", "threads", "a process that stays"],
)
def test_a_container_that_gets_ready_is_not_steady(then: Process) -> None:
    trees = [(PID1, APP)] * 6 + [(PID1, then)] * 3
    assert not steady(steadily(*trees), for_ns=4, lasting_ns=2)
    assert steady(steadily(*trees, *[(PID1, then)] * 3), for_ns=4, lasting_ns=2)


@pytest.mark.parametrize("number", [1, 15, 34, 64])
def test_only_the_signal_asked_for_counts(number: int) -> None:
    others = (2**64 - 1) ^ (1 << (number - 1))
    assert drops(replace(PID1, caught=others, blocked=others), Signal(number))
    assert not drops(replace(PID1, caught=1 << (number - 1)), Signal(number))


def test_the_app_is_the_process_with_the_pid_it_logged() -> None:
    other = replace(APP, pid=102, inner_pid=8)
    assert find_app((PID1, APP, other), 7) == APP


def test_no_process_has_the_pid_it_logged() -> None:
    assert find_app(REST, 99) is None


def test_the_app_is_pid_1_itself() -> None:
    assert find_app((PID1,), 1) == PID1
    assert find_app((PID1,), None) == PID1


def test_without_a_logged_pid_it_is_the_one_leaf() -> None:
    below = replace(APP, pid=102, ppid=101, inner_pid=8)
    assert find_app((PID1, APP, below), None) == below


def test_two_leaves_do_not_tell() -> None:
    assert find_app((PID1, APP, replace(APP, pid=102, inner_pid=8)), None) is None


def test_a_dead_leaf_does_not_count() -> None:
    assert find_app((PID1, APP, replace(APP, pid=102, inner_pid=8, state="Z")), None) == APP


def test_where_inner_pids_cannot_be_seen_the_leaf_counts() -> None:
    blind = tuple(replace(process, inner_pid=None) for process in REST)
    assert find_app(blind, 7) == blind[1]


def test_no_tree_no_app() -> None:
    assert find_app((), None) is None


def test_exact_needs_the_activity_of_every_living_process() -> None:
    assert exact(REST)
    assert exact((PID1, replace(APP, activity=None, state="Z")))
    assert not exact((PID1, replace(APP, activity=None)))
    assert not exact(())


def test_the_path_goes_from_pid_1_to_the_process() -> None:
    below = replace(APP, pid=102, ppid=101)
    tree = (PID1, APP, replace(APP, pid=103), below)
    assert chain(tree, 102) == (PID1, APP, below)
    assert chain(tree, 100) == (PID1,)
    assert chain(tree, 999) == ()


def test_a_path_in_a_circle_ends() -> None:
    assert chain((replace(PID1, ppid=101), APP), 101) == (replace(PID1, ppid=101), APP)


@pytest.mark.parametrize(
    ("above", "below", "starts"),
    [
        ("tini -- npm start", None, True),
        ("npm start", None, True),
        ("/bin/sh -c 'npm start'", "npm start", True),
        ("/bin/sh -c 'npm start'", None, False),
        ("npm start", "node server.js", False),
    ],
)
def test_a_package_manager_that_has_started_nothing_is_no_app(above: str, below: str | None, starts: bool) -> None:
    tree = (replace(PID1, argv=words(above)), *([replace(APP, argv=words(below))] if below else []))
    assert only_starts_others(tree) is starts


@pytest.mark.parametrize(
    ("pattern", "chosen"),
    [(r"server\.js", [101]), ("^node", [101]), ("^/bin/sh", [100]), ("sh|node", [101]), ("python", [])],
)
def test_a_pattern_means_the_app_and_not_the_shell_that_names_it(pattern: str, chosen: list[int]) -> None:
    assert [process.pid for process in apps_below_wrappers(REST, re.compile(pattern))] == chosen


def test_a_pattern_chooses_the_uppermost_that_is_no_wrapper() -> None:
    worker = replace(APP, pid=102, ppid=101)
    assert apps_below_wrappers((PID1, APP, worker), re.compile("node")) == (APP,)
