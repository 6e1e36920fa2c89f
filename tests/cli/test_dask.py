"""A run on two dask workers with an engine each: one journal and one table, whatever becomes of a worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import docker
import pytest

from harness.run.inbox import Inbox
from harness.run.waiting import until
from tests.support.command import command
from tests.support.dask_workers import dask_scheduler, dask_worker
from tests.support.offline import offline
from tests.support.pasted import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.offline import Offline

pytestmark = [pytest.mark.engine, pytest.mark.cli]
BASE = "signal-harness/base:musl-node24"
VARIANTS = ("node-exec-form", "tini")
SIGNALS = ("HUP", "INT", "USR2", "TERM")
CELLS = len(VARIANTS) * len(SIGNALS)
WORDS = [
    *("--base", BASE, "--repeat", "1"),
    *(word for name in VARIANTS for word in ("--variant", name)),
    *(word for name in SIGNALS for word in ("--signal", name)),
]
_SOON_S = 60


@pytest.fixture(scope="module")
def other_engine() -> Iterator[Offline]:
    """A second engine, with the base in its store."""
    with offline() as engine:
        saved = subprocess.Popen(("docker", "save", BASE), stdout=subprocess.PIPE)
        subprocess.run(("docker", "load"), stdin=saved.stdout, env=engine.environment, check=True, capture_output=True)
        assert saved.wait() == 0
        yield engine


class Cluster(NamedTuple):
    """Where the scheduler answers, and the worker beside the second engine with its folder."""

    scheduler: str
    other: subprocess.Popen[bytes]
    folder: Path

    def catalogues(self) -> list[Path]:
        """Where that worker has catalogues."""
        return list(self.folder.rglob("catalogue.toml"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, other_engine: Offline) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("dask")
    own = {"DOCKER_HOST": os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")}
    with (
        dask_scheduler(folder) as scheduler,
        dask_worker(scheduler, folder / "own", own),
        dask_worker(scheduler, folder / "other", {"DOCKER_HOST": other_engine.url}) as other,
    ):
        yield Cluster(scheduler, other, folder / "other")


def started(cluster: Cluster, results: Path, *words: str) -> subprocess.Popen[str]:
    run = [sys.executable, "-m", "harness", "run", "--dask", cluster.scheduler, *WORDS, "--json", str(results), *words]
    # Nothing here answers: the client needs no engine.
    nowhere = {**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock"}
    return subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=nowhere)


def cells(url: str) -> list[str]:
    """The containers of runs on an engine, but for those that ask what a base has."""
    api = docker.APIClient(base_url=url)
    try:
        there = api.containers(all=True, filters={"label": "signal-harness.run"})
        return [one["Id"] for one in there if one["Labels"]["signal-harness.run"] != "facts"]
    finally:
        api.close()


def wait_for_cells(url: str) -> None:
    assert until(lambda: cells(url) or None, timeout_s=_SOON_S, time=Inbox())


def test_an_interrupted_run_leaves_nothing_on_any_engine(
    cluster: Cluster, other_engine: Offline, tmp_path: Path
) -> None:
    results = tmp_path / "cut.json"
    run = started(cluster, results)
    wait_for_cells(other_engine.url)
    run.send_signal(signal.SIGINT)
    out, told = run.communicate(timeout=60)
    assert run.returncode == 130, out + told
    assert "what was under way has been cleared up" in told
    assert cells(other_engine.url) == []
    assert json.loads(results.read_text())["cut"]["reason"] == "interrupted"
    assert cluster.catalogues() == []


def test_a_worker_that_dies_has_its_cells_moved(cluster: Cluster, other_engine: Offline, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    run = started(cluster, results, "--baseline", str(ROOT / "baselines" / "musl-node24.json"))
    wait_for_cells(other_engine.url)
    cluster.other.kill()
    out, told = run.communicate(timeout=180)
    assert "Traceback" not in told
    assert run.returncode == 0, out + told
    document = json.loads(results.read_text())
    found = {f"{row['subject']}/{row['signal']}": row["verdict"] for row in document["results"]}
    assert len(found) == len(document["results"]) == CELLS
    assert set(found.values()) == {"forwarded"}
    assert document["cut"] is None
    (recorded,) = document["judged"]["recorded"]
    known = {name: cell["verdict"] for name, cell in recorded["cells"].items()}
    assert known
    assert known.items() <= found.items()
    (engine,) = document["engines"].values()
    if engine["trace"]:
        assert all(row["evidence"]["trace"] for row in document["results"])
    assert [file.name for file in tmp_path.glob("*.journal")] == []
    # What the dead worker left goes as what any dead process left does.
    command("clean", DOCKER_HOST=other_engine.url)
    assert cells(other_engine.url) == []
    assert len(cluster.catalogues()) == 1
    with dask_worker(cluster.scheduler, cluster.folder, {"DOCKER_HOST": other_engine.url}):
        assert until(lambda: not cluster.catalogues() or None, timeout_s=_SOON_S, time=Inbox())
