"""A run that is killed outright loses no cell that had ended: the next one takes them over, and runs the others."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.leftovers import counting_cells, left_behind, swept, wait_for_cells

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.cli]
VARIANTS = ("--variant", "node-exec-form", "--variant", "tini")
SIGNALS = tuple(word for name in ("HUP", "INT", "USR2", "TERM") for word in ("--signal", name))
CELLS = 8
_KILLED_AT = 4


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    """A run of so many cells, each once and in a container of its own, that writes to a file."""
    run = [sys.executable, "-m", "harness", "run", "--base", "local:musl-node24", *VARIANTS, *SIGNALS]
    more = ["--repeat", "1", "--isolation", "run", "--json", str(folder / "r.json"), *words]
    return subprocess.Popen(run + more, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


APP = "none = () => {}; for (name of ['SIGHUP', 'SIGINT', 'SIGTERM']) process.on(name, none); setInterval(none, 1e9)"
IMAGES = ("local:musl-node24", "signal-harness/base:musl-node24")
CONFIG = f"""
    [check]
    signal = ["HUP", "INT", "TERM"]
    repeat = 1
    jobs = 1
    [[subject]]
    image = "{IMAGES[0]}"
    command = ["node", "-e", "{APP}"]
    [[subject]]
    image = "{IMAGES[1]}"
    env = {{ PART = "2" }}
    command = ["node", "-e", "{APP}"]
"""
"""Six cells in two parts, as the subjects are not run alike."""


def check_started(folder: Path, *words: str) -> subprocess.Popen[str]:
    file = folder / "signal-harness.toml"
    file.write_text(CONFIG)
    run = [sys.executable, "-m", "harness", "check", "--config", str(file), "--json", str(folder / "r.json"), *words]
    return subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_what_a_killed_check_had_found_is_taken_over(tmp_path: Path) -> None:
    killed = check_started(tmp_path)
    wait_for_cells(killed.pid, 5)
    killed.kill()
    killed.communicate(timeout=60)
    lines = [json.loads(line) for line in (tmp_path / "r.json.journal").read_text().splitlines()]
    kept = [line["row"] for line in lines if "row" in line]
    assert [[*line["document"]["subjects"]] for line in lines if "journal" in line] == [[name] for name in IMAGES]
    assert 4 <= len(kept) < 6
    with counting_cells() as started_by:
        resumed = check_started(tmp_path, "--resume")
        out, told = resumed.communicate(timeout=120)
        newly_run = started_by(resumed.pid)
    assert resumed.returncode == 0, out + told
    assert newly_run == 6 - len(kept)
    assert left_behind(resumed.pid) == []
    assert swept(killed.pid)
    rows = json.loads((tmp_path / "r.json").read_text())["results"]
    assert rows[: len(kept)] == kept
    signals = ("SIGHUP", "SIGINT", "SIGTERM")
    wanted = [(name, signal, "forwarded") for name in IMAGES for signal in signals]
    assert [(row["subject"], row["signal"], row["verdict"]) for row in rows] == wanted
    assert not (tmp_path / "r.json.journal").exists()


def without_times(document: dict[str, Any]) -> dict[str, Any]:
    """A document without what two runs of the same differ in: times, PIDs, and what is measured."""
    kept = {key: value for key, value in document.items() if key not in ("started", "duration_s")}
    measured = ("latency_ms", "runs", "evidence", "reason")
    return kept | {
        "results": [{key: value for key, value in row.items() if key not in measured} for row in document["results"]]
    }


def test_what_a_killed_run_had_found_is_taken_over(tmp_path: Path) -> None:
    cut, whole = tmp_path / "cut", tmp_path / "whole"
    for folder in (cut, whole):
        folder.mkdir()
    killed = started(cut, "--jobs", "1")
    wait_for_cells(killed.pid, _KILLED_AT)
    killed.kill()
    killed.communicate(timeout=60)
    assert [file.name for file in cut.iterdir()] == ["r.json.journal"]
    rows = [json.loads(line)["row"] for line in (cut / "r.json.journal").read_text().splitlines()[1:]]
    # One was under way; it may have ended before the run was killed.
    assert _KILLED_AT - 1 <= len(rows) < CELLS

    with counting_cells() as started_by:
        runs = resumed, at_once = started(cut, "--resume"), started(whole)
        (out, told), (whole_out, whole_told) = (run.communicate(timeout=120) for run in runs)
        newly_run = started_by(resumed.pid)
    assert resumed.returncode == 0, out + told
    assert at_once.returncode == 0, whole_out + whole_told
    assert f"{len(rows)} of {CELLS} cells have run already" in told
    assert newly_run == CELLS - len(rows)
    assert left_behind(resumed.pid) == []
    assert swept(killed.pid)
    document, other = (json.loads((folder / "r.json").read_text()) for folder in (cut, whole))
    assert without_times(document) == without_times(other)
    assert len(document["results"]) == CELLS
    assert all(row in document["results"] for row in rows)
    for folder in (cut, whole):
        assert [file.name for file in folder.iterdir()] == ["r.json"]
