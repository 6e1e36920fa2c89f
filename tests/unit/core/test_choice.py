"""Which processes are taken for the app, and that the reason is how they were found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.core.choice import choose_below_wrappers, choose_by_log
from tests.support.evidence import changed
from tests.support.scripted import process

if TYPE_CHECKING:
    from harness.core.process import Process

TINI = process(1, "tini -- npm start")
NPM = process(2, "npm start", parent=1)
SHELL = process(3, "sh -c node x.js; true", parent=2)
NODE = process(4, "node x.js", parent=3)
SLEEP = process(9, "sleep 1", parent=1)
LOOP = process(1, "sh /loop.sh")
SUPERVISOR = process(1, "/usr/bin/python3 /usr/bin/supervisord -c /etc/s.conf")


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        ((TINI, NPM, SHELL, NODE), ["first process below tini, npm and sh that does more than start another"]),
        ((process(1, "node x.js"),), ["the first process, and no shell, init, supervisor or package manager"]),
        ((LOOP, SLEEP), ["the first process, as nothing but sleep runs below it"]),
        ((LOOP,), ["the first process, as nothing runs below it"]),
        (
            (process(1, "tini -- sh /loop.sh"), process(2, "sh /loop.sh", parent=1), process(3, "sleep 1", parent=2)),
            ["last process below tini, as nothing but sleep runs below it"],
        ),
        (
            (SUPERVISOR, process(2, "redis-server", parent=1), process(3, "node x.js", parent=1)),
            ["first process below supervisord that does more than start another"] * 2,
        ),
    ],
)
def test_the_app_of_any_image(tree: tuple[Process, ...], why: list[str]) -> None:
    found = choose_below_wrappers(tree)
    assert list(found.why) == why
    assert len(found.apps) == len(why)


LAUNCHER = process(1, "node launcher.js")
SERVER = process(7, "node server.js", parent=1)
SERVES = "it listens on the port that the container serves, and `node launcher.js` above it does not"


@pytest.mark.parametrize(
    ("serving", "apps"),
    [((), [LAUNCHER]), ((1,), [LAUNCHER]), ((1, 7), [LAUNCHER]), ((7,), [SERVER]), ((7, 8), [SERVER])],
    ids=["it is not known who", "the first itself", "the first, and what it started", "what it started", "two below"],
)
def test_what_only_started_the_process_that_serves_is_its_launcher(
    serving: tuple[int, ...], apps: list[Process]
) -> None:
    worker = process(8, "node worker.js", parent=7)
    found = choose_below_wrappers((LAUNCHER, SERVER, worker), serving=[1000 + pid for pid in serving])
    assert list(found.apps) == apps
    assert (found.why == (SERVES,)) == (apps == [SERVER])


def test_a_master_whose_forked_workers_serve_is_no_launcher() -> None:
    master = process(1, "haproxy -W")
    workers = (process(7, "haproxy -W", parent=1), process(8, "haproxy -W", parent=1))
    assert choose_below_wrappers((master, *workers), serving=[1007, 1008]).apps == (master,)


def test_each_of_several_apps_has_servers_of_its_own() -> None:
    both = (SUPERVISOR, process(2, "redis-server", parent=1), process(3, "node launcher.js", parent=1))
    servers = (process(4, "node one.js", parent=3), process(5, "node two.js", parent=3))
    found = choose_below_wrappers((*both, *servers), serving=[1004, 1005])
    assert found.apps == (both[1], *servers)


def test_a_pattern_goes_before_who_serves() -> None:
    found = choose_below_wrappers((LAUNCHER, SERVER), re.compile("launcher"), serving=[1007])
    assert found.app == LAUNCHER


def test_a_pattern_is_the_reason_where_it_decides() -> None:
    found = choose_below_wrappers((TINI, NPM, SHELL, NODE), re.compile("^npm"))
    assert (found.app, found.why) == (NPM, ("chosen by --app ^npm",))


def test_a_pattern_that_finds_nothing_chooses_nothing() -> None:
    found = choose_below_wrappers((TINI, NPM, SHELL, NODE), re.compile("java"))
    assert (found.app, found.apps, found.why) == (None, (), ())


def test_a_ready_line_that_bears_a_pid_tells() -> None:
    found = choose_by_log((TINI, NPM, SHELL, NODE), (3,))
    assert (found.app, found.why) == (SHELL, ("it wrote the ready line",))


@pytest.mark.parametrize("pids", [(), (4,)], ids=["no line bears one", "the PIDs in the container are not seen"])
def test_else_the_process_with_none_below_it(pids: tuple[int, ...]) -> None:
    tree = tuple(changed(one, inner_pid=None) for one in (TINI, NPM, SHELL, NODE))
    assert choose_by_log(tree, pids).why == ("the only process with none below it",)


def test_helpers_do_not_count() -> None:
    found = choose_by_log((TINI, NPM, SHELL, NODE, SLEEP), ())
    assert (found.app, found.why) == (NODE, ("the only process with none below it, besides sleep",))


def test_equals_are_apps_together() -> None:
    found = choose_by_log((LOOP, process(2, "node w.js", parent=1), process(3, "node w.js", parent=1)), ())
    assert found.why == ("one of 2 with none below them, which one parent started alike",) * 2


def test_a_tree_that_does_not_tell_says_nothing() -> None:
    found = choose_by_log((LOOP, process(2, "a", parent=1), process(3, "b", parent=1)), ())
    assert (found.apps, found.why) == ((), ())
