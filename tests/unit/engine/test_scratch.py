"""Temporary folders of a killed run are removed, and no others: whoever has its PID now, whatever is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine import scratch as scratches
from harness.engine.owner import mark_of
from harness.engine.scratch import scratch, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator

OPENED = "from harness.engine.scratch import scratch\nwith scratch('ssh') as folder: print(folder, flush=True); input()"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def other(place: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process that has a folder, and that folder."""
    with subprocess.Popen(
        [sys.executable, "-c", OPENED],
        env={**os.environ, "TMPDIR": str(place)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def made(place: Path, owner: str | None, name: str = "signal-harness-ssh-12345678") -> Path:
    folder = place / name
    folder.mkdir()
    if owner is not None:
        (folder / "owner").write_text(owner)
        (folder / "said").write_text("x")
    return folder


def test_a_folder_is_there_until_it_is_left(place: Path) -> None:
    with scratch("podman") as folder:
        assert folder.parent == place
        assert (folder.stat().st_mode & 0o777, folder.joinpath("owner").exists()) == (0o700, True)
        assert sweep() == 0
    assert list(place.iterdir()) == []


def test_that_of_a_run_that_lives_is_left_and_that_of_a_killed_one_is_removed(
    place: Path, other: tuple[subprocess.Popen[str], Path]
) -> None:
    process, folder = other
    assert (sweep(), folder.is_dir()) == (0, True)
    process.kill()
    process.wait()
    assert folder.is_dir()
    assert (sweep(), list(place.iterdir())) == (1, [])


def test_a_dead_run_is_told_from_who_has_its_pid_and_one_of_another_namespace_may_live(place: Path) -> None:
    namespace, started = mark_of(os.getpid()).split("-")
    live = made(place, f"{os.getpid()} {namespace}-{started}", "signal-harness-ssh-a")
    dead = made(place, f"{os.getpid()} {namespace}-{int(started) - 1}", "signal-harness-ssh-b")
    elsewhere = made(place, f"{os.getpid()} 1-1", "signal-harness-ssh-c")
    assert sweep() == 1
    assert [folder.is_dir() for folder in (live, dead, elsewhere)] == [True, False, True]


def test_one_that_says_of_nobody_goes_only_if_nothing_is_in_it_and_it_is_not_just_being_made(place: Path) -> None:
    new, old, full = (made(place, None, f"signal-harness-ssh-{number}") for number in range(3))
    (full / "said").write_text("x")
    for folder in (old, full):
        os.utime(folder, (0, 0))
    assert sweep() == 1
    assert [folder.is_dir() for folder in (new, old, full)] == [True, False, True]


def test_what_is_no_folder_of_this_user_stays(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = made(place, f"{1 << 21} ", "elsewhere")
    (place / "signal-harness-ssh-link").symlink_to(outside)
    (place / "signal-harness-ssh-file").write_text("x")
    namespace = mark_of(os.getpid()).split("-")[0]
    dead = made(place, f"{os.getpid()} {namespace}-1")
    monkeypatch.setattr(scratches.os, "geteuid", lambda: os.getuid() + 1)
    assert sweep() == 0
    monkeypatch.undo()
    assert sweep(place) == 1
    assert not dead.exists()
    assert (outside / "owner").exists()
    assert len(list(place.iterdir())) == 3


@given(st.one_of(st.text(max_size=30), st.from_regex(r"[0-9]{1,12} ?[0-9-]{0,20}", fullmatch=True)))
def test_whatever_stands_there_is_read(text: str) -> None:
    found = scratches._MARKED.fullmatch(text)
    assert found is None or found[0] == text
