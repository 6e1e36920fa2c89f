"""Runs compared with a baseline: what was skipped is said, and is no success; a report says what the run said."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from harness.report.formats import Format
from tests.cli.test_own_catalogue import catalogue
from tests.support.command import command
from tests.support.leftovers import left_behind, wait_for_a_signal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.cli]
BASE = ("--base", "local:musl-node24")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue with a variant of which nothing is expected, and a baseline of it with a signal and a probe."""
    made = catalogue(tmp_path_factory.mktemp("mine"), good="depends")
    words = ("baseline", "update", "--catalogue", str(made), "--dir", str(made / "recorded"), *BASE)
    done = command(*words, "--signal", "TERM", "--probe", "signal", "--probe", "reap")
    assert done.returncode == 0, done.stderr
    return made


def test_a_run_asks_what_is_recorded(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    words = ("--catalogue", str(folder), *BASE, "--baseline", str(folder / "recorded"), "--json", str(file))
    done = command("run", *words)
    assert done.returncode == 0, done.stdout
    rows = json.loads(file.read_text())["results"]
    assert {row["probe"] if row["signal"] is None else row["signal"] for row in rows} == {"SIGTERM", "reap"}
    assert command("report", str(file), "--to", "markdown").returncode == 0


def test_what_the_options_leave_out_is_said(folder: Path) -> None:
    words = ("--catalogue", str(folder), *BASE, "--baseline", str(folder / "recorded"), "--signal", "TERM")
    done = command("run", *words)
    assert done.returncode == 0, done.stdout
    assert "The options leave out 1 recorded cell." in done.stdout


@pytest.mark.parametrize("more", [("--variant", "node-exec-form"), ("--variant", "node-exec-form", "--signal", "TERM")])
def test_a_forgotten_catalogue_is_no_success_then_or_later(folder: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    file = tmp_path / "results.json"
    done = command("run", *BASE, "--baseline", str(folder / "recorded"), "--json", str(file), *more)
    assert done.returncode == 4, done.stdout
    assert "Nothing was compared" in done.stdout
    later = command("report", str(file), "--to", "markdown")
    assert later.returncode == 4
    assert "Nothing was compared" in later.stdout


def test_a_cell_that_nothing_covers_is_no_success(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    words = ("--catalogue", str(folder), *BASE, "--baseline", str(folder / "recorded"), "--json", str(file))
    done = command("run", *words, "--signal", "TERM", "--signal", "USR2")
    assert done.returncode == 4, done.stdout
    assert "1 cell is covered by nothing" in " ".join(done.stdout.split())
    assert command("report", str(file), "--to", "json=/dev/null").returncode == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_says_so_in_every_format(
    folder: Path, tmp_path: Path, number: signal.Signals
) -> None:
    files = {wanted: tmp_path / wanted.value for wanted in Format}
    outputs = [word for wanted, file in files.items() for word in (f"--{wanted}", str(file))]
    words = ["run", "--catalogue", str(folder), *BASE, "--signal", "TERM", "--repeat", "500", *outputs]
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    wait_for_a_signal(process.pid)
    process.send_signal(number)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 130, err
    assert re.search(r"cut short after [\d.]+ s: 0 of 1 cell ran; interrupted", " ".join(out.split()))
    for wanted in (Format.JUNIT, Format.MARKDOWN, Format.HTML, Format.SARIF):
        assert "cut short: 0 of 1 cell ran; interrupted" in files[wanted].read_text()
        assert "cell as expected" not in files[wanted].read_text()
    (invocation,) = json.loads(files[Format.SARIF].read_text())["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False
    assert json.loads(files[Format.JSON].read_text())["cut"]["planned"] == 1
    assert command("report", str(files[Format.JSON]), "--to", "markdown").returncode == 130
    assert left_behind(process.pid) == []
    assert {file.name for file in tmp_path.iterdir()} == {file.name for file in files.values()}


def test_a_report_that_cannot_be_written_takes_neither_the_table_nor_the_others_with_it(
    folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "results.json"
    words = ("--catalogue", str(folder), *BASE, "--signal", "TERM", "--junit", "/dev/full", "--json", str(file))
    done = command("run", *words)
    assert done.returncode == 2
    assert "/dev/full cannot be written: No space left on device" in done.stderr
    assert "✓ forwarded" in done.stdout
    assert len(json.loads(file.read_text())["results"]) == 1
