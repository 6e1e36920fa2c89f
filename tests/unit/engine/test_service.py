"""A process of ours that makes a socket."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.engine.service import awaited

LISTENS = """
import socket, sys, time
one = socket.socket(socket.AF_UNIX)
one.bind(sys.argv[1])
time.sleep(float(sys.argv[2]))
open(sys.argv[1] + ".later", "w").close()
one.listen()
sys.stdin.read()
"""


def started(path: Path, source: str, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", source, str(path), *words], stdin=subprocess.PIPE)


def test_a_socket_that_is_bound_is_waited_for_until_it_listens(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    process = started(path, LISTENS, "0.5")
    with awaited(process, path, within_s=30, ends_s=5):
        assert Path(f"{path}.later").exists()
        assert process.poll() is None
    assert process.poll() is not None


@pytest.mark.parametrize("source", ["", "open(__import__('sys').argv[1], 'w')"], ids=["no file", "no socket"])
def test_one_that_has_ended_is_not_waited_for(source: str, tmp_path: Path) -> None:
    process = started(tmp_path / "a.sock", source)
    with awaited(process, tmp_path / "a.sock", within_s=300, ends_s=5):
        assert process.poll() is not None
