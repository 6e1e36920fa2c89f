"""``engine down`` stops the engine that was started from this folder, whatever the file there says."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.local_bases import server

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are found in /proc")

NONE = "no engine of ours is running"
PID_FILE = Path(".signal-harness/engine/dockerd.pid")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    PID_FILE.parent.mkdir(parents=True)
    return tmp_path


@contextmanager
def process(folder: Path, name: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of a name, which waits; its PID is in the file."""
    command = [shutil.copy("/bin/sh", folder / name), "-c", "echo ready; read nothing", "sh", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        # As its program is only just being loaded, /proc has no command line of it yet.
        assert started.stdout is not None
        assert started.stdout.readline() == b"ready\n"
        PID_FILE.write_text(str(started.pid))
        try:
            yield started
        finally:
            started.kill()


def test_an_engine_of_ours_is_stopped(folder: Path) -> None:
    with process(folder, "dockerd", "--pidfile", str(PID_FILE.resolve())) as engine:
        # Somebody has to take in that it has ended, or it stays in the process table; that is no life.
        assert server.down() == f"stopped dockerd (pid {engine.pid})"
        assert engine.wait(10) != 0
    assert not PID_FILE.exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dockerd", ()),
        ("dockerd", ("--pidfile", "/var/run/docker.pid")),
        ("dockerd", ("--pidfile", "{folder}/elsewhere/.signal-harness/engine/dockerd.pid")),
        ("dockerd", ("--pidfile", "{file}.old")),
        ("postgres", ("--pidfile", "{file}")),
    ],
)
def test_what_a_file_names_that_we_did_not_start_is_left_alone(folder: Path, name: str, words: tuple[str, ...]) -> None:
    with process(folder, name, *(word.format(folder=folder, file=PID_FILE.resolve()) for word in words)) as other:
        assert server.down() == NONE
        assert other.poll() is None


def test_an_engine_of_another_user_is_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with process(folder, "dockerd", "--pidfile", str(PID_FILE.resolve())) as other:
        monkeypatch.setattr(os, "geteuid", lambda: 4711)
        assert server.down() == NONE
        assert other.poll() is None


@pytest.mark.parametrize("text", ["", "no number", "-1", "0", "99999999", "1"])
def test_a_file_that_names_nothing_stops_nothing(text: str) -> None:
    PID_FILE.write_text(text)
    assert server.down() == NONE


def test_without_a_file_there_is_nothing_to_stop() -> None:
    assert server.down() == NONE
