"""``bisect`` and ``diff`` over published images as they are: four tags of one app, of which the third breaks."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.command import command
from tests.support.leftovers import left_behind, wait_for_a_signal
from tests.support.tagged_images import tagged_images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.cli]

NAME = f"signal-harness-test/as-is-{os.getpid()}"
APP = "process.on('SIGTERM', () => setTimeout(process.exit, 20, 0)); setInterval(() => {}, 1000); console.log('up')"
EXEC = f"ENTRYPOINT []\nCMD {json.dumps(['node', '-e', APP])}"
IN_SHELL = f"{shlex.join(['node', '-e', APP])}; true"
SHELL = f"ENTRYPOINT []\nCMD {json.dumps(['/bin/sh', '-c', IN_SHELL])}"

QUICKLY = ("--stop-timeout", "1", "--ready", "log:up")


@pytest.fixture(scope="module", autouse=True)
def tags() -> Iterator[None]:
    """The images, each different from the one before."""
    lines = {f"{NAME}:{number}": f"ENV N={number}\n{EXEC if number < 3 else SHELL}" for number in (1, 2, 3, 4)}
    with tagged_images(lines):
        yield


def test_the_tag_is_found_since_which_the_image_does_not_stop() -> None:
    done = command("bisect", "stop", "--as-is", "--image", f"{NAME}:*", "--gap", "4", *QUICKLY)
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert text.startswith("stop on 4 images: 1 change, 4 images tried"), done.stdout
    assert f"✓ graceful {NAME}:1 {NAME}:2 2 of 2 ✗ forced {NAME}:3 {NAME}:4 2 of 2" in text
    assert "likely: a shell now stays the parent of what it starts (CMD is now /bin/sh -c node -e" in text
    assert "dropped by the kernel" in done.stdout
    assert "its handler ran" in done.stdout


def test_two_tags_are_compared_verdict_for_verdict(tmp_path: Path) -> None:
    file = tmp_path / "changes.json"
    done = command("diff", f"{NAME}:2", f"{NAME}:3", "--as-is", *QUICKLY, "--json", str(file))
    assert done.returncode == 1, done.stderr
    assert "1 cell: 1 worse" in done.stdout
    (comparison,) = json.loads(file.read_text())["comparisons"]
    assert (comparison["old"], comparison["new"]) == (f"{NAME}:2", f"{NAME}:3")
    assert [shift["name"] for shift in comparison["base"]] == ["CMD"]
    found = {one["question"]: (one["old"]["verdict"], one["new"]["verdict"]) for one in comparison["changed"]}
    assert found == {"stop": ("graceful", "forced")}


def test_an_interrupt_does_not_wait_for_the_stops_under_way() -> None:
    words = ("bisect", "stop", "--as-is", "--image", f"{NAME}:3", "--image", f"{NAME}:4", "--ready", "log:up")
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *words, "--stop-timeout", "3600"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_a_signal(process.pid)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, ""), err
    assert "interrupted; what was under way has been cleared up" in err
    assert left_behind(process.pid) == []
