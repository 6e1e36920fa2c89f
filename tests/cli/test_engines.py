"""`run` and `diff` on more than one engine, as a user runs them."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from harness.engine.endpoint import engine_url
from harness.engine.podman_engine import installed
from tests.support.cases import MUSL
from tests.support.command import command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.cli]
IMAGE = "signal-harness/base:musl-node24"
CELLS = ("--base", MUSL, "--variant", "node-exec-form", "--variant", "node-shell-form", "--signal", "TERM")


def test_one_engine_under_two_names_is_bad_usage() -> None:
    url = engine_url()
    done = command("run", "--engine", "docker", "--engine", url, *CELLS)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"docker and {url} are one engine" in done.stderr


@pytest.mark.parametrize("words", [("--engine", "ftp://x"), ("--engine", "docker", "--engine", "rkt")])
def test_what_is_no_engine_is_bad_usage(words: tuple[str, ...]) -> None:
    done = command("run", *words, *CELLS)
    assert (done.returncode, done.stdout) == (2, "")


def test_an_engine_that_does_not_answer_keeps_the_others_from_running() -> None:
    done = command("run", "--engine", "docker", "--engine", "unix:///nowhere/docker.sock", *CELLS)
    assert (done.returncode, done.stdout) == (3, "")
    assert "no engine answers at unix:///nowhere/docker.sock" in done.stderr


@pytest.mark.skipif(not installed(), reason="podman is not installed: apt-get install -y podman catatonit")
def test_the_same_cells_run_on_docker_and_podman(tmp_path: Path) -> None:
    assert command("bases", "build", MUSL).returncode == 0
    with subprocess.Popen(("docker", "save", IMAGE), stdout=subprocess.PIPE) as saved:
        subprocess.run(("podman", "load"), stdin=saved.stdout, check=True, capture_output=True)
    file = tmp_path / "results.json"
    done = command("run", "--engine", "docker", "--engine", "podman", *CELLS, "--json", str(file))
    assert done.returncode == 0, done.stderr
    rows = json.loads(file.read_text())["results"]
    found = {(row["column"], row["subject"]): row["verdict"] for row in rows}
    assert {variant for _, variant in found} == {"node-exec-form", "node-shell-form"}
    assert all(found["docker", variant] == found["podman", variant] for _, variant in found)
    assert found["podman", "node-exec-form"] == "forwarded"
    assert {row["engine"] for row in rows} == {"Docker Engine", "Podman"}
    assert any(line.split()[:3] == ["variant", "docker", "podman"] for line in done.stdout.splitlines())
