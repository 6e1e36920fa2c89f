"""The subjects of a config as tests: which there are, by their names, and what is told where they cannot be run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.subjects import subjects_of
from harness.core.errors import UsageError

CONFIG = """
[check]
max-stop = "2s"

[[subject]]
image = "my/app"
signal = ["HUP"]
probe = ["signal", "stop"]
jobs = 3

[[subject]]
build = "worker"
file = "worker/Other.Dockerfile"
max-stop = "1s"
"""
IN_PYPROJECT = '[tool.signal-harness]\nsubject = [{ image = "my/other" }]\n'
NOT_OURS = '[project]\nname = "mine"\ndependencies = ["signal-harness"]\n'


def run_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), *words]
    nowhere = {"DOCKER_HOST": "unix:///nowhere/docker.sock", "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **nowhere}, capture_output=True, text=True, check=False, timeout=60
    )


def names(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stdout.splitlines() if "::" in line]


def test_subjects_are_checked_as_the_command_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "signal-harness.toml"
    file.write_text(CONFIG)
    below = tmp_path / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    monkeypatch.setenv("SIGNAL_HARNESS_CHECK_USER", "nobody")
    app, worker = subjects_of(file)
    assert (app.name, app.typed, app.check.images, app.limits.max_stop_s) == ("my/app", "my/app", ("my/app",), 2)
    assert [question.name for question in app.check.questions] == ["SIGHUP", "stop"]
    assert (app.check.jobs, app.check.options.user) == (3, "nobody")
    assert (worker.name, worker.typed, worker.limits.max_stop_s) == ("worker", "../worker", 1)
    (image,), dockerfile = worker.check.images, worker.check.build.file
    assert dockerfile is not None
    assert Path(image).is_absolute()
    assert Path(image).resolve() == tmp_path / "worker"
    assert dockerfile.resolve() == tmp_path / "worker" / "Other.Dockerfile"


def test_a_wrong_option_of_a_subject_is_told_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "signal-harness.toml"
    file.write_text('[[subject]]\nimage = "my/app"\nready = "soon"\n')
    with pytest.raises(UsageError, match=r"subject 1 \(my/app\), ready: 'soon' is none of healthy"):
        subjects_of(file)


def test_each_question_about_each_subject_is_a_test(tmp_path: Path) -> None:
    (tmp_path / "signal-harness.toml").write_text(CONFIG)
    (tmp_path / "pyproject.toml").write_text(IN_PYPROJECT)  # beside the other it does not count
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "pyproject.toml").write_text(IN_PYPROJECT)
    done = run_in(tmp_path, "-m", "signals", "--collect-only", "-q")
    assert names(done) == [
        "other/pyproject.toml::my/other/stop",
        "signal-harness.toml::my/app/SIGHUP",
        "signal-harness.toml::my/app/stop",
        "signal-harness.toml::worker/stop",
    ], done.stdout


def test_nothing_is_collected_where_nothing_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(NOT_OURS)
    assert "no tests collected" in run_in(tmp_path, "-m", "signals", "--collect-only", "-q").stdout
    (tmp_path / "signal-harness.toml").write_text("this is no TOML, and is not read")
    assert "no tests collected" in run_in(tmp_path, "-m", "not signals", "--collect-only", "-q").stdout


def test_a_config_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "signal-harness.toml").write_text('[[subject]]\nimage = "my/app"\nreadi = "rest"\n')
    done = run_in(tmp_path, "-m", "signals")
    assert done.returncode == pytest.ExitCode.INTERRUPTED
    assert "'readi'" in done.stdout
    assert "ready" in done.stdout
    assert "Traceback" not in done.stdout


def test_without_an_engine_each_test_fails_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "signal-harness.toml").write_text(CONFIG)
    (tmp_path / "worker").mkdir()
    (tmp_path / "worker" / "Other.Dockerfile").write_text("FROM scratch\n")
    done = run_in(tmp_path, "-m", "signals")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "3 failed" in done.stdout
    assert "/nowhere/docker.sock" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
