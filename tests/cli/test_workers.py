"""The plugin in workers of pytest-xdist: images built once, each cell run once, and the results of one process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from junitparser import JUnitXml, Properties, TestCase

from tests.support.harm import Asked, proxy
from tests.support.leftovers import swept

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.engine, pytest.mark.cli]
ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "tests" / "third_party" / "project" / "signals"
SOCKET = Path("/var/run/docker.sock")
BUILD = re.compile(r"/v[\d.]+/build\?")
CREATE = re.compile(r"/v[\d.]+/containers/create\?name=signal-harness-(?!facts)(\w+)-\d+")
BASE = "signal-harness/base:musl-node24"
SHOWN = BASE.replace("/", "_")
VERDICTS = {"exec": "forwarded", "shell": "swallowed"}
CELLS = 2 * len(VERDICTS)

DIES = """
import os, pathlib

from tests.support.leftovers import wait_for_a_signal


def pytest_runtest_call(item):
    if os.environ["PYTEST_XDIST_WORKER"] == "gw0":
        pathlib.Path(__file__).with_name("died").write_text(f"{os.getpid()} {item.nodeid}")
        wait_for_a_signal(os.getpid())
        os.kill(os.getpid(), 9)
"""
"""A worker that is killed while its first cell, and maybe the next one, has a container."""


def catalogue(folder: Path) -> Path:
    """A catalogue of two variants whose images nobody has built before."""
    shutil.copytree(CATALOGUE, folder)
    with (folder / "app" / "app.js").open("a") as app:
        app.write(f"// {uuid4()}\n")
    return folder


def run_in(folder: Path, *words: str, socket: Path = SOCKET) -> subprocess.CompletedProcess[str]:
    options = ["-p", "no:cacheprovider", "--rootdir", str(folder), "--junitxml", str(folder / "junit.xml")]
    more = ["--signal-base", BASE, "--signal-repeat", "1"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *more, *words],
        cwd=folder,
        env={**os.environ, "DOCKER_HOST": f"unix://{socket}", "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def verdicts(folder: Path) -> dict[str, str]:
    """The verdict of each test, by variant and signal."""
    cases = [case for suite in JUnitXml.fromfile(str(folder / "junit.xml")) for case in suite]
    found = {case.name.removeprefix(f"{SHOWN}/"): _property(case, "verdict") for case in cases}
    assert len(found) == len(cases)
    return found


def _property(case: TestCase, name: str) -> str:
    (told,) = (one.value for group in case.iterchildren(Properties) for one in group if one.name == name)
    return str(told)


@contextmanager
def watched(folder: Path) -> Iterator[tuple[Path, list[Asked]]]:
    """A way to the engine, and what is asked of it on that."""
    asked: list[Asked] = []
    socket = folder / "docker.sock"
    with proxy(socket, SOCKET, asked.append):
        yield socket, asked


def test_workers_build_once_and_run_each_cell_once(tmp_path: Path) -> None:
    folder = catalogue(tmp_path / "signals")
    with watched(tmp_path) as (socket, asked):
        done = run_in(folder, "-n", "2", socket=socket)
    assert done.returncode == 0, done.stdout + done.stderr
    posted = [one.path for one in asked if one.method == "POST"]
    runs = Counter(made[1] for path in posted if (made := CREATE.match(path)))
    assert len([path for path in posted if BUILD.match(path)]) == len(VERDICTS), "each image once"
    assert runs.total() == CELLS, "each cell once"
    assert len(runs) == 2, "each worker has some"
    found = verdicts(folder)
    assert len(found) == CELLS
    assert all(found[f"{name}/{signal}"] == told for name, told in VERDICTS.items() for signal in ("SIGHUP", "SIGTERM"))


def test_what_a_killed_worker_was_at_is_told_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    folder = catalogue(tmp_path / "signals")
    (folder / "conftest.py").write_text(DIES)
    done = run_in(folder, "-n", "2", "-v")
    pid, cell = (folder / "died").read_text().split()
    assert f"worker 'gw0' crashed while running '{cell}'" in done.stdout, done.stdout + done.stderr
    ended = re.findall(r"^\[gw\d+\] .*?(?:PASSED|FAILED) (\S+)", done.stdout, re.MULTILINE)
    assert (len(ended), len({*ended})) == (CELLS, CELLS), "the others, and what it was at"
    assert swept(int(pid))
