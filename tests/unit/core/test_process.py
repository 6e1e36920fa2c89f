"""Which processes of a given image are the app: the first below the main one that do not only start another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.core.process import apps_below_wrappers, only_starts_others
from tests.support.scripted import process

if TYPE_CHECKING:
    from harness.core.process import Process

SUPERVISOR = process(1, "/usr/bin/python3 /usr/bin/supervisord -c /etc/s.conf")
SERVER = process(2, "nginx: master process nginx", parent=1)
WORKER = "nginx: worker process"
SHELL = process(1, "sh -c x; true")


@pytest.mark.parametrize(
    ("tree", "apps"),
    [
        ((process(1, "nginx: master process nginx"), process(2, WORKER, parent=1)), [1]),
        ((SHELL, SERVER, process(3, WORKER, parent=2)), [2]),
        ((process(1, "tini -- sh x.sh"), process(2, "sh x.sh", parent=1), process(3, "redis-server", parent=2)), [3]),
        ((SUPERVISOR, SERVER, process(3, WORKER, parent=2), process(4, "redis-server", parent=1)), [2, 4]),
        (
            (
                process(1, "runsvdir /etc/service"),
                process(2, "runsv web", parent=1),
                process(3, "svlogd /log", parent=2),
                process(4, "python3 -m http.server", parent=2),
            ),
            [4],
        ),
        ((process(1, "s6-svscan /s"), process(2, "s6-supervise a", parent=1), process(3, "a", parent=2)), [3]),
        ((process(1, "sh /loop.sh"), process(2, "sleep 1", parent=1)), [1]),
        ((SUPERVISOR,), [1]),
        ((process(1, "timeout 9 redis-server"), process(2, "redis-server", parent=1)), [2]),
        ((process(1, "timeout 9 redis-server"), process(2, "redis-server *:6379", parent=1)), [1]),
        (
            (
                process(1, "sudo -u app nginx"),
                process(2, "sudo -u app nginx", parent=1),
                process(3, "nginx", parent=2),
                process(4, WORKER, parent=3),
            ),
            [3],
        ),
        ((process(1, "gunicorn app"), process(2, "gunicorn app", parent=1)), [1]),
        (
            (
                process(1, "node /bin/yarn start"),
                process(2, "sh -c node server.js", parent=1),
                process(3, "node server.js", parent=2),
            ),
            [3],
        ),
    ],
)
def test_the_apps_stand_below_all_wrappers(tree: tuple[Process, ...], apps: list[int]) -> None:
    assert [app.pid - 1000 for app in apps_below_wrappers(tree)] == apps


def test_a_pattern_decides_otherwise() -> None:
    tree = (SUPERVISOR, SERVER, process(3, WORKER, parent=2))
    assert [app.command for app in apps_below_wrappers(tree, re.compile("worker"))] == [WORKER]


def test_a_supervisor_alone_has_yet_to_start_what_it_is_there_for() -> None:
    assert only_starts_others((SUPERVISOR,))
    assert not only_starts_others((SUPERVISOR, SERVER))
