"""Who made a container or a record, and whether that very process has ended."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from harness.engine import owner
from harness.engine.containers import _orphaned, labels
from harness.engine.owner import ended, lives, mark_of

HERE = os.getpid()


def test_a_mark_is_a_namespace_and_a_start() -> None:
    namespace, started = mark_of(HERE).split("-")
    assert namespace == str(Path("/proc/self/ns/pid").stat().st_ino)
    assert started.isdecimal()
    assert mark_of(HERE) == mark_of(HERE)


def test_a_process_has_ended_once_another_has_its_number() -> None:
    namespace, started = mark_of(HERE).split("-")
    assert not ended(HERE, mark_of(HERE))
    assert ended(HERE, f"{namespace}-{int(started) - 1}")


def test_one_of_another_namespace_may_live_whoever_has_its_number_here() -> None:
    assert not ended(HERE, "1-1")
    assert not ended(1 << 30, "1-1")


def test_nothing_has_ended_where_proc_is_that_of_another_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    mark = mark_of(HERE)
    monkeypatch.setattr(os, "readlink", lambda _: "1")
    assert mark_of(HERE) == ""
    assert not ended(child.pid, mark)


def test_without_a_proc_the_number_is_all_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    assert not ended(child.pid, "")  # here is one, so it was made elsewhere
    monkeypatch.setattr(owner, "_namespace", lambda: "")
    assert (ended(child.pid, ""), ended(HERE, ""), ended(1, "")) == (True, False, False)


@pytest.mark.parametrize("fault", [FileNotFoundError(), PermissionError(), OSError(errno.EMFILE, "")], ids=repr)
def test_what_is_hidden_or_cannot_be_read_may_live(fault: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: object, **__: object) -> str:
        raise fault

    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    mark = mark_of(HERE)
    monkeypatch.setattr(Path, "read_text", unreadable)
    assert not ended(HERE, mark)
    assert not ended(1, mark)
    assert ended(child.pid, mark) is isinstance(fault, FileNotFoundError)
    assert ended(1 << 70, mark) is ended(child.pid, mark)


def test_a_process_lives_until_it_ends_and_a_zombie_does_not() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert lives(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not lives(child.pid)
    child.communicate()
    assert not lives(child.pid)


def test_containers_are_orphans_once_their_process_has_ended() -> None:
    ours = labels("run")
    assert not _orphaned(ours)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        theirs = {
            **ours,
            "signal-harness.owner": f"{socket.gethostname()}:{child.pid}",
            "signal-harness.process": mark_of(child.pid),
        }
        assert not _orphaned(theirs)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a killed run whose parent does not wait for it
        assert _orphaned(theirs)
    assert _orphaned(theirs)
    assert not _orphaned({**theirs, "signal-harness.owner": f"elsewhere:{child.pid}"})
    assert not _orphaned({**theirs, "signal-harness.process": ""})
    assert not _orphaned({})
