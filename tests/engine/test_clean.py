"""``clean`` removes what dead runs left, and nothing else: whoever has their PID now, and wherever it is called."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from harness.engine.containers import labels
from harness.engine.owner import mark_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

pytestmark = pytest.mark.engine

APART = ["unshare", "--pid", "--fork", "--mount-proc"]


@pytest.fixture
def run() -> Iterator[subprocess.Popen[str]]:
    """What stands for a run under way; it ends where a test ends it."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.fixture
def made(base: str, api: docker.APIClient) -> Iterator[Callable[[int, str], Callable[[], bool]]]:
    """Have a container that a process made, by its PID and mark; what comes back tells whether it is there."""
    ids: list[str] = []

    def there(container_id: str) -> bool:
        return any(entry["Id"] == container_id for entry in api.containers(all=True))

    def make(pid: int, mark: str) -> Callable[[], bool]:
        marks = {"signal-harness.owner": f"{socket.gethostname()}:{pid}", "signal-harness.process": mark}
        ids.append(api.create_container(base, labels=labels("test") | marks)["Id"])
        return partial(there, ids[-1])

    yield make
    for container_id in filter(there, ids):
        api.remove_container(container_id, force=True)


def clean(*enter: str) -> None:
    done = subprocess.run(
        [*enter, sys.executable, "-m", "harness", "clean"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_what_a_live_run_has_is_left_and_what_a_dead_one_had_is_removed(
    run: subprocess.Popen[str], made: Callable[[int, str], Callable[[], bool]]
) -> None:
    pid, mark = run.pid, mark_of(run.pid)
    namespace, _, started = mark.partition("-")
    live, before = made(pid, mark), made(pid, f"{namespace}-{int(started) - 1}")
    clean()
    assert live()
    assert not before(), "its number has passed to another process"
    run.kill()
    run.wait()
    clean()
    assert not live()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root, and unshare"
)
def test_in_another_pid_namespace_of_this_host_nothing_is_taken_for_dead(
    run: subprocess.Popen[str], made: Callable[[int, str], Callable[[], bool]]
) -> None:
    live = made(run.pid, mark_of(run.pid))
    clean(*APART)
    assert live()
