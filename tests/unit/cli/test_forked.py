"""What tests run in place of a process of its own says and does the same, and nothing of it stays for the next."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support import command as support
from tests.support.command import command, forked, process_of_its_own

if TYPE_CHECKING:
    from pathlib import Path

_NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
NOWHERE = {**os.environ, "NO_COLOR": "1", **_NO_ENGINE}
DOCKERFILE = "FROM scratch\nCMD node server.js | cat\n"


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "--version",
        "list",
        "completion bash",
        "run --help",
        "run --signal FOO",
        "run --variant npm-strat",
        "report /nowhere/results.json --to json",
        "check /nowhere/",
        "doctor",
        "lint Dockerfile",
        "lab list",
        "rule SH001",
    ],
)
def test_it_says_the_same_and_ends_the_same(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    monkeypatch.chdir(tmp_path)
    ours, theirs = forked(*line.split(), environment=NOWHERE), process_of_its_own(*line.split(), environment=NOWHERE)
    assert (ours.returncode, ours.stdout, ours.stderr) == (theirs.returncode, theirs.stdout, theirs.stderr)
    assert ours.stdout or ours.stderr


def test_what_one_is_told_is_not_told_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("list",)
    wide = forked(*words, environment={**NOWHERE, "COLUMNS": "200"})
    narrow = forked(*words, environment={**NOWHERE, "COLUMNS": "60"})
    monkeypatch.chdir(tmp_path)
    assert wide.stdout != narrow.stdout
    assert forked(*words, environment={**NOWHERE, "COLUMNS": "200"}).stdout == wide.stdout
    assert "SIGNAL_HARNESS_RUN_GRACE" in command("run", SIGNAL_HARNESS_RUN_GRACE="soon", **_NO_ENGINE).stderr
    assert "SIGNAL_HARNESS_RUN_GRACE" not in command("run", **_NO_ENGINE).stderr


def test_several_at_once_get_each_its_own() -> None:
    signals = [f"NONE{number}" for number in range(12)]
    with ThreadPoolExecutor(len(signals)) as pool:
        told = list(pool.map(lambda name: command("run", "--signal", name, **_NO_ENGINE).stderr, signals))
    assert [name for name, text in zip(signals, told, strict=True) if f"{name!r} is not a signal" not in text] == []


def test_one_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(support, "_MOST_S", 0.5)
    os.mkfifo(tmp_path / "never.json")
    with pytest.raises(TimeoutError):
        command("report", str(tmp_path / "never.json"), "--to", "json")


def test_what_an_interpreter_reads_as_it_starts_is_given_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "forked", lambda *_, **__: pytest.fail("a fork has read its variables long ago"))
    assert command("--version", PYTHONWARNINGS="ignore").returncode == 0
    assert command("--version", before=("env",)).returncode == 0
