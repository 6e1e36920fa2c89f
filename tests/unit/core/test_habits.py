"""What a container does by itself, whom a signal concerns, and until when it may act on one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.process import Process, Tree, Wait
from harness.core.quiescence import Concern, Habits, as_first_seen, next_deed_ns, quiet
from tests.support.evidence import words

S = 1_000_000_000
BEGAN_NS = 100 * S
DEADLINE_NS = 110 * S
SLACK_NS = S // 20
ALARM = 1 << 13
MAIN = Process(
    pid=100,
    ppid=50,
    pgid=100,
    state="S",
    caught=1 << 14,
    ignored=0,
    blocked=0,
    pending=0,
    argv=words("run server"),
    activity=10,
    wchan="do_epoll_wait",
    waits=(),
)
APP = replace(MAIN, pid=101, ppid=100, argv=words("server"))
SIDE = replace(MAIN, pid=102, ppid=100, argv=words("sidecar"), caught=0)
HELPER = replace(MAIN, pid=200, ppid=100, argv=words("sleep 3"), caught=0)
TREE: Tree = (MAIN, APP)


def wait(length_s: float, *, since_s: float = 100.0) -> Wait:
    """A timeout of some length, slept on since a moment."""
    return Wait(length_ns=round(length_s * S), until_ns=round((since_s + length_s) * S))


def waiting(process: Process, *waits: Wait, ran: bool = True) -> Process:
    return replace(process, waits=waits, activity=(process.activity or 0) + ran)


def habits(*samples: Tree, since_s: float = 95.0) -> Habits:
    return Habits.of(samples or (TREE,), since_ns=round(since_s * S))


def concern(*, told: tuple[int, ...] = (100, 101), acted: tuple[int, ...] = (), app: int = 101) -> Concern:
    return Concern(apps=frozenset({app}), told=frozenset(told), acted=frozenset(acted))


def until_s(tree: Tree, whom: Concern, known: Habits, *, old_ns: int = 2 * S) -> float | None:
    """When the last deed may come, in seconds after the signal."""
    found = next_deed_ns(tree, whom, known, began_ns=BEGAN_NS, deadline_ns=DEADLINE_NS, old_ns=old_ns)
    return None if found is None else (found - BEGAN_NS) / S


# Habits


def test_who_rests_has_no_habits() -> None:
    known = habits(TREE, TREE)
    assert (known.busy, known.ticking, known.restless) == (frozenset(), frozenset(), frozenset())


def test_who_never_rests_is_busy() -> None:
    samples = [(MAIN, replace(APP, activity=n)) for n in range(6)]
    assert habits(*samples).busy == {101}


def test_who_rests_in_the_end_was_getting_ready() -> None:
    samples = [(MAIN, replace(APP, activity=n)) for n in (1, 2, 3, 4, 4)]
    assert habits(*samples).busy == frozenset()


def test_who_got_ready_long_before_is_not_busy_for_another_who_is() -> None:
    early = (replace(MAIN, activity=20), replace(APP, activity=1))
    samples = [(MAIN, APP), early, *((early[0], replace(APP, activity=n)) for n in range(2, 9))]
    assert habits(*samples).busy == {101}


@pytest.mark.parametrize(("length_s", "ticks"), [(0.05, True), (1, True), (2, True), (2.1, False), (30, False)])
def test_short_timeouts_make_a_tick(length_s: float, ticks: bool) -> None:
    """Who ticks is the process, and its parent, which a shell that sleeps in a loop is."""
    assert habits((MAIN, replace(APP, waits=(wait(length_s),)))).ticking == ({100, 101} if ticks else frozenset())


def test_timeouts_that_cannot_be_seen_make_no_tick() -> None:
    assert habits((MAIN, replace(APP, waits=None))).ticking == frozenset()


def test_who_was_there_is_known_and_so_is_a_new_one_like_an_old_one() -> None:
    nap = replace(HELPER, pid=103, argv=words("sleep 1"))
    known = habits((*TREE, nap), TREE)
    assert known.knows(replace(APP, argv=words("other")), MAIN)
    assert known.knows(replace(nap, pid=300), MAIN)
    assert not known.knows(replace(nap, pid=300, argv=words("sleep 3")), MAIN)
    assert not known.knows(replace(nap, pid=300, ppid=101), APP)


def test_the_fork_of_a_shell_that_loops_is_known_before_it_runs_what_it_names() -> None:
    nap = replace(HELPER, pid=103, waits=(wait(1),))
    fork = replace(MAIN, pid=300, ppid=100)
    assert habits((*TREE, nap)).knows(fork, MAIN)
    assert not habits(TREE).knows(fork, MAIN)
    assert not habits((*TREE, nap)).knows(fork, None)


def test_a_timeout_slept_on_for_what_is_left_was_there() -> None:
    old = replace(APP, waits=(wait(30, since_s=96),))
    left = wait(25.5, since_s=100.4)
    assert habits().had(old, left, BEGAN_NS, longer_ns=2 * S)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (wait(30, since_s=96), wait(5, since_s=100.1)),
        (wait(30, since_s=96), wait(30, since_s=100.1)),
        (wait(3, since_s=99), wait(1.5, since_s=100.1)),
        (Wait(length_ns=None, until_ns=None), wait(5, since_s=100.1)),
        (wait(30, since_s=96), Wait(length_ns=None, until_ns=None)),
    ],
    ids=["ends long before", "ends long after", "a tick", "old one not seen", "new one not seen"],
)
def test_a_timeout_that_was_not_there(before: Wait, now: Wait) -> None:
    assert not habits().had(replace(APP, waits=(before,)), now, BEGAN_NS, longer_ns=2 * S)


def test_a_process_that_had_no_timeout() -> None:
    assert not habits().had(APP, wait(5), BEGAN_NS, longer_ns=2 * S)


# Whom a signal concerns


def test_it_concerns_the_way_to_the_app_who_was_told_and_who_is_new() -> None:
    other = replace(SIDE, pid=103)
    known = habits((*TREE, SIDE, other))
    tree = (*TREE, SIDE, other, HELPER)
    assert concern(told=()).among(tree, known) == (*TREE, HELPER)
    assert concern(told=(102,)).among(tree, known) == (*TREE, SIDE, HELPER)


def test_it_always_concerns_the_main_process() -> None:
    known = habits((*TREE, SIDE))
    assert concern(told=(), app=999).among((*TREE, SIDE), known) == (MAIN,)
    assert concern().among((), known) == ()


@given(st.permutations([MAIN, APP, SIDE, HELPER]), st.frozensets(st.sampled_from([100, 101, 102, 200])))
def test_who_is_concerned_is_of_the_tree_in_its_order(tree: list[Process], told: frozenset[int]) -> None:
    found = concern(told=tuple(told)).among(tuple(tree), habits((*TREE, SIDE)))
    assert list(found) == [process for process in tree if process in found]
    assert told <= {process.pid for process in found}
    assert {101, 200} <= {process.pid for process in found}


# Until when


def test_with_nothing_pending_nothing_can_come() -> None:
    assert until_s(TREE, concern(), habits()) == 0


@pytest.mark.parametrize("length_s", [0.2, 1.6, 5])
def test_a_timeout_of_who_was_told_is_waited_for(length_s: float) -> None:
    tree = (waiting(MAIN, wait(length_s)), APP)
    assert until_s(tree, concern(), habits()) == pytest.approx(length_s + 0.05)
    assert until_s(tree, concern(acted=(100, 101)), habits()) == pytest.approx(length_s + 0.05)


def test_the_last_of_several_counts_and_what_comes_after_the_deadline_does_not() -> None:
    tree = (waiting(MAIN, wait(1), wait(3), wait(30)), APP)
    assert until_s(tree, concern(), habits()) == pytest.approx(3.05)


@pytest.mark.parametrize(("length_s", "found_s"), [(8, 10), (9.5, 10), (10, 10), (10.5, 0)])
def test_what_is_seen_late_may_have_begun_with_the_signal(length_s: float, found_s: float) -> None:
    tree = (waiting(MAIN, wait(length_s, since_s=103)), APP)
    assert until_s(tree, concern(), habits()) == found_s


def test_a_moment_after_the_deadline_does_not_count() -> None:
    tree = (waiting(MAIN, Wait(length_ns=None, until_ns=DEADLINE_NS + 1)), APP)
    assert until_s(tree, concern(), habits()) == 0


def test_the_deadline_is_the_last_moment() -> None:
    assert until_s((waiting(MAIN, wait(9.99)), APP), concern(), habits()) == 10


def test_who_was_not_told_is_not_waited_for() -> None:
    tree = (MAIN, APP, waiting(replace(SIDE, ppid=50), wait(5)))
    known = habits((MAIN, APP, replace(SIDE, ppid=50)))
    assert until_s(tree, concern(), known) == 0
    assert until_s(tree, concern(told=(100, 101, 102)), known) == pytest.approx(5.05)


def test_a_child_of_who_was_told_is_waited_for_as_its_parent_may_wait_for_it() -> None:
    tree = (*TREE, waiting(SIDE, wait(5)))
    assert until_s(tree, concern(), habits((*TREE, SIDE))) == pytest.approx(5.05)
    assert until_s(tree, concern(told=(101,)), habits((*TREE, SIDE))) == 0


def test_a_helper_that_was_started_since_is_waited_for_whoever_its_parent_is() -> None:
    helper = replace(HELPER, ppid=1, waits=(wait(3),))
    assert until_s((*TREE, helper), concern(told=()), habits()) == pytest.approx(3.05)


def test_the_dead_wait_for_nothing() -> None:
    assert until_s((*TREE, replace(HELPER, state="Z", waits=None)), concern(), habits()) == 0


def test_an_old_long_timeout_of_who_has_acted_does_not_count() -> None:
    before = replace(APP, waits=(wait(8, since_s=98),))
    now = waiting(APP, wait(5.5, since_s=100.5))
    assert until_s((MAIN, now), concern(acted=(101,)), habits((MAIN, before))) == 0
    assert until_s((MAIN, now), concern(), habits((MAIN, before))) == pytest.approx(6.05)


def test_who_has_not_run_sleeps_on_what_was_seen_first() -> None:
    """A sample says how long a timeout was to be, and takes it to begin just then: the earlier one is nearer."""
    first = replace(MAIN, waits=(wait(4, since_s=99.9),))
    now = replace(MAIN, waits=(wait(4, since_s=103),))
    assert as_first_seen((now, APP), {100: first}) == (first, APP)


@pytest.mark.parametrize(
    "change", [{"activity": 9}, {"activity": None}, {"state": "R", "waits": ()}, {"waits": None}, {"pid": 99}]
)
def test_what_was_seen_of_another_sleep_or_of_none_does_not_count(change: dict[str, object]) -> None:
    first = replace(MAIN, waits=(wait(4, since_s=99.9),))
    before = replace(first, **change)  # type: ignore[arg-type]  # each is of the field's type
    now = replace(MAIN, waits=(wait(4, since_s=103),))
    assert as_first_seen((now,), {before.pid: before}) == (now,)


def test_timeouts_that_cannot_be_seen_give_no_answer() -> None:
    blind = replace(MAIN, waits=None, activity=11)
    assert until_s((blind, APP), concern(), habits()) is None
    assert until_s((*TREE, replace(blind, pid=102, ppid=50)), concern(), habits((*TREE, SIDE))) == 0


def test_a_timer_of_which_no_end_is_seen_takes_until_the_deadline() -> None:
    assert until_s((waiting(MAIN, Wait(length_ns=None, until_ns=None)), APP), concern(), habits()) == 10


def test_an_alarm_may_be_pending() -> None:
    assert until_s((replace(MAIN, caught=ALARM), APP), concern(), habits()) == 10
    assert until_s((MAIN, replace(APP, caught=ALARM)), concern(), habits()) == 0
    assert until_s((replace(MAIN, caught=2**40 - 1), APP), concern(), habits()) == 0


def test_who_runs_by_no_timeout_takes_until_the_deadline() -> None:
    samples = [(replace(MAIN, activity=n), APP) for n in range(4)]
    assert until_s((MAIN, APP), concern(acted=(100, 101)), habits(*samples)) == 10


TICKS = replace(MAIN, waits=(wait(1, since_s=99.5),))


@pytest.mark.parametrize("acted", [(), (100, 101)])
def test_who_ticks_takes_until_the_deadline(acted: tuple[int, ...]) -> None:
    assert until_s((waiting(TICKS, wait(1)), APP), concern(acted=acted), habits((TICKS, APP))) == 10


def test_ticks_that_hide_nothing() -> None:
    init = replace(TICKS, argv=words("tini -- server"))
    assert until_s((init, APP), concern(), habits((init, APP))) == pytest.approx(0.55)
    assert until_s((TICKS, APP), concern(told=(101,)), habits((TICKS, APP))) == 0
    assert until_s((TICKS, APP), concern(acted=(100, 101)), habits((TICKS, APP)), old_ns=0) == pytest.approx(0.55)


lengths = st.floats(min_value=0.01, max_value=40)


@given(st.lists(lengths, max_size=4), st.lists(lengths, max_size=4), st.booleans())
def test_it_is_between_the_signal_and_the_deadline(first: list[float], second: list[float], acted: bool) -> None:
    tree = (waiting(MAIN, *map(wait, first)), waiting(APP, *map(wait, second)))
    found = until_s(tree, concern(acted=(100, 101) if acted else ()), habits())
    assert found is not None
    assert 0 <= found <= 10
    assert all(length + 0.05 <= found + 1e-6 or length > 9.95 for length in (*first, *second))


# Rest, with who never rests


def test_who_never_rests_may_have_run() -> None:
    after = (MAIN, replace(APP, activity=41))
    assert not quiet(TREE, after)
    assert quiet(TREE, after, frozenset({101}))
    assert not quiet(TREE, after, frozenset({100}))


@pytest.mark.parametrize("change", [{"state": "R"}, {"pending": 1 << 14}, {"pid": 300}])
def test_who_never_rests_must_be_asleep_all_the_same(change: dict[str, object]) -> None:
    after = (MAIN, replace(APP, activity=41, **change))  # type: ignore[arg-type]  # each is of the field's type
    assert not quiet(TREE, after, frozenset({101, 300}))
