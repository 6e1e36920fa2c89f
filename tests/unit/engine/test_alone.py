"""One at a time: among threads and processes, and never stuck behind one that has gone or does not end."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harness.engine.alone import alone

HOLDS = """
import sys
from harness.engine.alone import alone
with alone(sys.argv[1], given_up=lambda: False):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def entered(name: str, *, given_up: bool = False) -> threading.Event:
    """Set once somebody has been alone with a name."""
    done = threading.Event()

    def enter() -> None:
        with alone(name, given_up=lambda: given_up):
            done.set()

    threading.Thread(target=enter, daemon=True).start()
    return done


def test_threads_wait_for_each_other() -> None:
    with alone("a", given_up=lambda: False):
        other = entered("a")
        assert not other.wait(0.1)
        assert entered("another").wait(5)
    assert other.wait(5)


def test_a_process_that_is_killed_holds_nobody_up() -> None:
    words = [sys.executable, "-c", HOLDS, "a"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        waiting = entered("a")
        assert not waiting.wait(0.1)
        holder.kill()
        assert waiting.wait(5)


def test_who_gives_up_does_not_wait() -> None:
    with alone("a", given_up=lambda: False):
        assert entered("a", given_up=True).wait(5)


def test_where_files_cannot_be_made_nobody_waits(cache: Path) -> None:
    (cache / "signal-harness").write_text("in the way")
    with alone("a", given_up=lambda: False), alone("a", given_up=lambda: False):
        pass
