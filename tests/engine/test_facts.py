"""What a base is asked runs within bounds: they change no fact, and an image that means harm gets no further."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from harness.core.subject import Folder
from harness.engine.folders import build_folder
from harness.engine.registry import open_engine
from harness.files import cache_folder
from harness.local_bases.provider import LocalBases
from tests.support.leftovers import counting_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker

    from harness.core.facts import BaseFacts

pytestmark = pytest.mark.engine

MUSL, DEBIAN = "local:musl-node24", "local:debian12-node24"
BOMB = "n=0; while [ $n -lt 400 ]; do sleep 100 & n=$((n+1)); echo libc=$n; done"
"""400 processes, and no more where nothing bounds them. Of a base, its os-release is run."""

HOG = "ID=$(dd if=/dev/zero of=/dev/null bs=1100M count=1 2>/dev/null && echo all of it)"
SHARE = (
    "VERSION_ID=$(cat /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null | head -n 1);"
    'VERSION_ID="$VERSION_ID, $(sed -n "s/^\\(CapBnd\\|NoNewPrivs\\)://p" /proc/self/status | xargs)"'
)


def facts_of(reference: str) -> BaseFacts:
    """What a base says now, whatever is kept."""
    with closing(open_engine()) as engine:
        bases = engine.bases(defaults=(), providers=(LocalBases(cache_folder()),), report=lambda _: None)
        bases.get(reference)
        return bases.facts(reference)


@pytest.fixture
def made(base: str, api: docker.APIClient, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Make a base whose os-release has this text; it is removed again."""
    tags: list[str] = []

    def make(text: str) -> str:
        (tmp_path / "Dockerfile").write_text(f"FROM {base}\nCOPY os-release /etc/\n")
        (tmp_path / "os-release").write_text(text)
        tags.append(build_folder(api, Folder(path=str(tmp_path))))
        return tags[-1]

    yield make
    for tag in tags:
        api.remove_image(tag, force=True)


@pytest.mark.parametrize("reference", [MUSL, DEBIAN])
def test_bounds_change_no_fact(reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    within = facts_of(reference)
    monkeypatch.setattr("harness.engine.bases.confined", lambda _: {})
    assert facts_of(reference) == within
    assert within.shell
    assert len(within.programs) > 1


def test_a_base_that_starts_processes_without_end_gets_so_many(made: Callable[[str], str]) -> None:
    libc = facts_of(made(BOMB)).libc
    assert libc is not None
    assert 100 < int(libc) < 256


def test_a_base_gets_a_part_of_the_memory_and_of_the_processors_and_no_rights(
    made: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = made(f"{HOG}\n{SHARE}")
    bounded = facts_of(reference).os or ""
    assert re.fullmatch(r"100000( 100000)?, 0{16} 1", bounded)
    options: dict[str, Any] = {"mem_limit": "1500m", "pids_limit": 16}
    monkeypatch.setattr("harness.engine.bases.confined", lambda _: options)
    free = facts_of(reference).os or ""
    assert free.startswith("all of it")
    assert not free.endswith(" 0000000000000000 1")


def run_with(cache: Path) -> tuple[Any, int]:
    """What a run of one cell tells of its base, and how many containers it has started to look at that."""
    told = cache / "told.json"
    words = ("run", "--base", MUSL, "--variant", "dumb-init", "--signal", "TERM", "--json", str(told))
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    with (
        counting_facts() as count,
        subprocess.Popen(
            [sys.executable, "-m", "harness", *words], env=environment, stdout=subprocess.DEVNULL
        ) as process,
    ):
        assert process.wait(100) == 0
        return json.loads(told.read_text())["bases"], count(process.pid)


def test_the_second_run_finds_what_the_first_one_asked(base: str, tmp_path: Path) -> None:
    first, asked = run_with(tmp_path)
    second, asked_again = run_with(tmp_path)
    assert (asked, asked_again) == (1, 0)
    assert second == first
    assert first[MUSL]["programs"]["node"]
