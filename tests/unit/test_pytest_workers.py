"""What workers of pytest-xdist find out beside their tests is told as one process tells it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.core.verdict import Verdict
from harness.report.baseline import write
from tests.support.evidence import changed
from tests.support.reports import FACTS, finding, recording

ROOT = Path(__file__).parents[2]
CATALOGUE = """
schema = 1
context = "."

[app]
ready = "^ready"
received = "^got (?P<signal>SIG\\\\w+)"

[[variant]]
name = "one"
title = "one"
dockerfile = "one.Dockerfile"

[[variant]]
name = "two"
title = "two"
dockerfile = "one.Dockerfile"
"""
ENGINE = """
from harness.engine.registry import ENGINES
from tests.support import engines
from tests.support.scripted import Happening, Script
from tests.support.seeing import INIT_1, NODE

START = Happening(output=b"ready\\n", tree=(INIT_1, NODE))
RECEIVED = Happening(after_s=0.01, output=b"got SIGTERM\\n")
SCRIPT = Script(at_start=(START,), at_signal=(RECEIVED,))
engines.installed = engines.ScriptedOpenEngine(script_of=lambda _: SCRIPT)
ENGINES["docker"] = "tests.support.engines:installed"
"""
"""An engine by script, where each worker has one."""

WATCHED = """
import pytest
from tests.support.scripted import ScriptedEngine

PRESENT = []


class Watched(ScriptedEngine):
    def __init__(self, script_of):
        super().__init__(script_of)
        PRESENT.append(self.present)


engines.installed.made_of = Watched


def pytest_collection_modifyitems(items):
    for item in items:
        if item.name.endswith("two/SIGTERM"):
            item.add_marker(pytest.mark.skip)
"""
"""Which containers of the engine by script there are; nobody waits for the second cell."""
OTHERS = """
import sys
import threading
import time

import pytest

conftest = sys.modules["conftest"]


@pytest.fixture(autouse=True)
def broken_clock(monkeypatch):
    def monotonic():
        raise RuntimeError("a clock that others have replaced")

    monkeypatch.setattr(time, "monotonic", monotonic)


def test_nothing_is_under_way():
    assert not any(conftest.PRESENT)
    assert not FIRST or threading.active_count() == 1
"""

NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


def catalogue(folder: Path) -> Path:
    (folder / "catalogue.toml").write_text(CATALOGUE)
    (folder / "one.Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCMD node app.js\n")
    return folder


def run_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    options = ["-p", "no:cacheprovider", "--rootdir", str(folder), "--signal-base", "b:1", "--signal", "TERM"]
    environment = {**os.environ, **NO_ENGINE, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


IN_WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["in one process", "in two workers"])


@IN_WORKERS
def test_an_absent_engine_ends_the_run(workers: tuple[str, ...], tmp_path: Path) -> None:
    done = run_in(catalogue(tmp_path), *workers)
    assert done.returncode == 3, done.stdout + done.stderr
    told = done.stdout + done.stderr
    assert len(re.findall("signal-harness: .*nowhere", told)) == 1, told
    assert "INTERNALERROR" not in told


@IN_WORKERS
def test_what_nobody_asserts_or_runs_is_told_once(workers: tuple[str, ...], tmp_path: Path) -> None:
    folder = catalogue(tmp_path)
    (folder / "conftest.py").write_text(ENGINE)
    (folder / "baselines").mkdir()
    forwarded = finding(Verdict.FORWARDED, "node", "server.js")
    known = recording(
        {("one", "SIGTERM"): forwarded, ("gone", "SIGTERM"): forwarded}, base=changed(FACTS, reference="b:1")
    )
    (folder / "baselines" / "b.json").write_text(write(known))
    done = run_in(folder, *workers)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert done.stdout.count("b:1/gone/SIGTERM") == 1
    assert done.stdout.count("b:1/two/SIGTERM: forwarded") == 1
    assert "b:1/one/SIGTERM: forwarded" not in done.stdout
    assert done.stdout.count("there is no record; verdicts rest on") == 1


def test_no_cell_is_under_way_while_tests_of_others_run(tmp_path: Path) -> None:
    folder = catalogue(tmp_path)
    (folder / "conftest.py").write_text(ENGINE + WATCHED)
    (folder / "a").mkdir()
    (folder / "a" / "test_before.py").write_text(f"{OTHERS}\n\nFIRST = True\n")
    (folder / "test_behind.py").write_text(f"{OTHERS}\n\nFIRST = False\n")
    done = run_in(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed, 1 skipped" in done.stdout
