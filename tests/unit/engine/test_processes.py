"""Reading the answer of ``docker top``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.core.process import Process, Tree
from harness.engine import proc
from harness.engine.processes import _COLUMNS, read_top, settled, with_wchan
from tests.support.scripted import process as scripted

TITLES = ["PID", "PPID", "PGID", "STAT", "WCHAN", "CAUGHT", "IGNORED", "BLOCKED", "PENDING", "COMMAND"]
SHELL = ["4711", "4690", "4711", "Ss", "do_wait", "0000000000010002", "0000000000000000"]
SHELL += ["0000000000010000", "0000000000000000", "/bin/sh -c npm start"]
NODE = ["4702", "4711", "4711", "Sl", "do_epoll_wait", "0000000108004003", "0000000001001000"]
NODE += ["0000000000000000", "0000000000004000", "node server.js"]


def test_the_columns_asked_for_are_those_of_the_recorded_answer() -> None:
    asked = [column.partition(":")[0].upper() for column in _COLUMNS.split(",")]
    assert asked == [*TITLES[:-1], "ARGS"]


def test_an_answer_is_read_whole_the_root_first() -> None:
    assert read_top(TITLES, [NODE, SHELL]) == (
        Process(
            pid=4711,
            ppid=4690,
            pgid=4711,
            state="Ss",
            caught=0x10002,
            ignored=0,
            blocked=0x10000,
            pending=0,
            argv=("/bin/sh", "-c", "npm", "start"),
            is_namespace_init=True,
            wchan="do_wait",
        ),
        Process(
            pid=4702,
            ppid=4711,
            pgid=4711,
            state="Sl",
            caught=0x108004003,
            ignored=0x1001000,
            blocked=0,
            pending=0x4000,
            argv=("node", "server.js"),
            wchan="do_epoll_wait",
        ),
    )


def test_one_branch_comes_after_the_other() -> None:
    """So that children stand below their parents, whoever shows the tree."""
    rows = [[pid, ppid, *SHELL[2:]] for pid, ppid in (("9", "3"), ("2", "1"), ("3", "1"), ("4", "2"), ("1", "77"))]
    assert [process.pid for process in read_top(TITLES, rows)] == [1, 2, 4, 3, 9]


def test_older_ps_calls_the_column_catched() -> None:
    titles = ["CATCHED" if title == "CAUGHT" else title for title in TITLES]
    assert read_top(titles, [SHELL]) == read_top(TITLES, [SHELL])


@pytest.mark.parametrize("unknown", ["-", "?"])
def test_a_wait_channel_that_cannot_be_seen_is_none(unknown: str) -> None:
    (process,) = read_top(TITLES, [[*SHELL[:4], unknown, *SHELL[5:]]])
    assert process.wchan is None
    assert process.fetches_signals is None


def test_no_thread_activity_can_be_known_from_it() -> None:
    (process,) = read_top(TITLES, [SHELL])
    assert (process.activity, process.inner_pid) == (None, None)


def test_a_very_long_command_line_is_cut() -> None:
    (process,) = read_top(TITLES, [[*SHELL[:-1], "x" * 10_000]])
    assert process.argv == ("x" * 400,)


def test_no_rows_are_no_tree() -> None:
    assert read_top(TITLES, []) == ()


def test_what_processes_sleep_in_is_filled_in_from_another_sample() -> None:
    tree = read_top(TITLES, [NODE, SHELL])
    blind = tuple(replace(process, wchan=None, activity=7) for process in tree)
    assert with_wchan(blind, tree) == tuple(replace(process, activity=7) for process in tree)


def test_what_neither_sample_tells_stays_unknown_and_what_is_known_stays() -> None:
    (shell, node) = read_top(TITLES, [NODE, SHELL])
    assert with_wchan((replace(shell, wchan=None), node), ()) == (replace(shell, wchan=None), node)
    assert with_wchan((node,), (replace(node, wchan="other"),)) == (node,)


@pytest.mark.parametrize(
    ("state", "wchan", "shown", "awake"),
    [
        ("S", "0", True, True),
        ("D", "", True, True),
        ("S", "hrtimer_nanosleep", True, False),
        ("S", "0", False, False),
        ("Z", "0", True, False),
        ("T", "0", True, False),
    ],
    ids=["on its way", "on its way, deeply", "asleep", "nothing is shown", "a zombie", "stopped"],
)
def test_a_thread_that_sleeps_in_nothing_is_awake(
    state: str, wchan: str, shown: bool, awake: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proc, "_shows_wchan", lambda: shown)
    assert proc._about_to_sleep(state, wchan) is awake


@pytest.mark.parametrize(
    ("line", "started", "words"),
    [
        ("/bin/sh -c npm start", ("/bin/sh", "-c", "npm start"), ("/bin/sh", "-c", "npm start")),
        ("node -e a  b", ("tini", "--", "node", "-e", "a  b"), ("node", "-e", "a  b")),
        (
            "/sbin/docker-init -- node my app.js",
            ("node", "my app.js"),
            ("/sbin/docker-init", "--", "node", "my app.js"),
        ),
        ("node other app.js", ("node", "my app.js"), ("node", "other", "app.js")),
        ("node server.js", (), ("node", "server.js")),
    ],
    ids=["a shell's command", "below an init", "below the engine's init", "another command", "nothing known"],
)
def test_words_are_those_that_the_container_was_started_with(
    line: str, started: tuple[str, ...], words: tuple[str, ...]
) -> None:
    (process,) = read_top(TITLES, [[*SHELL[:-1], line]], started)
    assert process.argv == words


AWAKE, FETCHING = scripted(1, "tini -- app", wchan="0"), scripted(1, "tini -- app", wchan="do_sigtimedwait")
LATER = replace(FETCHING, activity=11)
BY_PS = replace(FETCHING, activity=None, blocked=0x4000)
AWAKE_BY_PS = replace(BY_PS, wchan=None)
LET_THROUGH = replace(BY_PS, blocked=0)


@pytest.mark.parametrize(
    ("seen", "last"),
    [
        ([FETCHING, FETCHING], FETCHING),
        ([AWAKE, LATER, LATER], LATER),
        ([replace(AWAKE, state="R"), replace(AWAKE, state="R"), LATER, LATER], LATER),
        ([BY_PS, BY_PS], BY_PS),
        ([AWAKE_BY_PS, AWAKE_BY_PS, BY_PS, BY_PS], BY_PS),
        ([LET_THROUGH, BY_PS, BY_PS], BY_PS),
    ],
    ids=["at rest", "woken in between", "on the processor", "by ps", "awake by ps", "woken in between by ps"],
)
def test_processes_are_sampled_until_the_main_one_rests(seen: list[Process], last: Process) -> None:
    samples = iter(seen)
    assert settled(lambda: (next(samples),)) == (last,)
    assert next(samples, None) is None


def test_of_a_main_process_that_never_rests_it_is_not_said_what_it_sleeps_in() -> None:
    busy = (replace(FETCHING, activity=number, leader_wchan="do_wait") for number in range(100))
    (seen,) = settled(lambda: (next(busy),))
    assert (seen.wchan, seen.leader_wchan) == (None, None)
    assert len(list(busy)) > 50  # it is given up in the end


def test_what_ps_never_shows_asleep_is_not_asked_for_long() -> None:
    looks = iter([AWAKE_BY_PS] * 100)
    assert settled(lambda: (next(looks),)) == (AWAKE_BY_PS,)
    assert len(list(looks)) > 90


def test_a_container_that_ends_meanwhile_has_no_processes() -> None:
    trees: list[Tree] = [(AWAKE,), ()]
    assert settled(lambda: trees.pop(0)) == ()
