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
from tests.support.leftovers import left_behind

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.engine, pytest.mark.cli]
ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "tests" / "third_party" / "project" / "signals"
SOCKET = Path("/var/run/docker.sock")
BUILD = re.compile(r"/v[\d.]+/build\?")
CREATE = re.compile(r"/v[\d.]+/containers/create\?name=signal-harness-(?!facts)(\w+)-\d+")
BASE = "signal-harness/base:musl-node24"
CELLS = 8

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
    signals = [f"--signal={name}" for name in ("HUP", "INT", "USR2", "TERM")]
    options = ["-p", "no:cacheprovider", "--rootdir", str(folder), "--junitxml", str(folder / "junit.xml")]
    more = ["--signal-base", BASE, "--signal-repeat", "1", *signals]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *more, *words],
        cwd=folder,
        env={**os.environ, "DOCKER_HOST": f"unix://{socket}", "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def verdicts(folder: Path) -> dict[str, tuple[str, str]]:
    """What became of each test: its verdict, and whether it passed."""
    suites = JUnitXml.fromfile(str(folder / "junit.xml"))
    cases = [case for suite in suites for case in suite]
    assert len({case.name for case in cases}) == len(cases)
    return {case.name: (_property(case, "verdict"), "passed" if case.is_passed else "failed") for case in cases}


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
    found = []
    for name, words in (("one", ()), ("two", ("-n", "2"))):
        folder = catalogue(tmp_path / name)
        with watched(tmp_path) as (socket, asked):
            done = run_in(folder, *words, socket=socket)
        assert done.returncode == 1, done.stdout + done.stderr
        builds = [one for one in asked if one.method == "POST" and BUILD.match(one.path)]
        runs = Counter(made[1] for one in asked if one.method == "POST" and (made := CREATE.match(one.path)))
        assert len(builds) == 2, f"each image once\n{done.stdout}"
        assert runs.total() == CELLS, "each cell once"
        assert len(runs) == len(found) + 1, "each worker has some"
        found.append((verdicts(folder), re.findall(r"\d+ failed, \d+ passed", done.stdout)))
    assert found[0] == found[1]
    assert len(found[0][0]) == CELLS


def test_what_a_killed_worker_was_at_is_told_and_nothing_of_it_is_left(tmp_path: Path) -> None:
    folder = catalogue(tmp_path / "signals")
    (folder / "conftest.py").write_text(DIES)
    done = run_in(folder, "-n", "2", "-v")
    pid, cell = (folder / "died").read_text().split()
    assert f"worker 'gw0' crashed while running '{cell}'" in done.stdout, done.stdout + done.stderr
    ended = re.findall(r"^\[gw\d+\] .*?(?:PASSED|FAILED) (\S+)", done.stdout, re.MULTILINE)
    assert (len(ended), len({*ended})) == (CELLS, CELLS), "the others, and what it was at"
    assert left_behind(int(pid)) == []
