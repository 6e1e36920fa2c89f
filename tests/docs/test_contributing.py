"""The worked examples of CONTRIBUTING: applied to a copy of the program, they do what is said of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.cli

ROOT = Path(__file__).parents[2]
MUSL = "local:musl-node24"

_BLOCK = re.compile(r"`(harness/\S+\.py)`:\n\n```(python|diff)\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program, with every example applied."""
    folder = tmp_path_factory.mktemp("grown")
    for part in ("harness", "dockerfiles", "sample_app"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    blocks = _BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text())
    assert [kind for _, kind, _ in blocks] == ["python", "diff"] * 3
    for name, kind, text in blocks:
        path = folder / name
        if kind == "python":
            assert not path.exists()
            path.write_text(text)
        else:
            before, line = (part[1:] + "\n" for part in text.splitlines())
            code = path.read_text()
            assert code.count(before) == 1
            path.write_text(code.replace(before, before + line))
    return folder


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, *words),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_probe_finds_verdicts(grown: Path) -> None:
    variants = ("--variant", "node-exec-form", "--variant", "no-handlers")
    done = run(grown, "-m", "harness", "run", "--base", MUSL, *variants, "--probe", "stop-idle", "--json", "-")
    rows = {row["subject"]: row for row in json.loads(done.stdout)["results"]}
    assert {name: row["verdict"] for name, row in rows.items()} == {
        "node-exec-form": "graceful",
        "no-handlers": "forced",
    }, done.stderr
    assert {row["probe"] for row in rows.values()} == {"stop-idle"}
    assert {row["finding"]["facts"]["request"] for row in rows.values()} == {None}
    assert "stop-idle" in done.stderr


def test_a_probe_is_explained(grown: Path) -> None:
    done = run(grown, "-m", "harness", "explain", MUSL, "node-exec-form", "stop-idle")
    assert "the app received SIGTERM, and ended by itself" in done.stdout, done.stderr
    assert "docker stop -t 3 " in done.stdout


def test_a_format_is_written(grown: Path, tmp_path: Path) -> None:
    results, lines = tmp_path / "results.json", tmp_path / "results.csv"
    words = ("--base", MUSL, "--variant", "node-exec-form", "--signal", "TERM")
    done = run(grown, "-m", "harness", "run", *words, "--json", str(results), "--csv", str(lines))
    assert done.returncode == 0, done.stderr
    header, line = lines.read_text().splitlines()
    assert header == "cell,verdict,reason"
    assert line.startswith("musl-node24/node-exec-form/SIGTERM,forwarded,")
    assert run(grown, "-m", "harness", "report", str(results), "--to", "csv").stdout == lines.read_text()


def test_an_engine_is_opened_by_its_name(grown: Path) -> None:
    code = "from harness.engine.registry import open_engine; print(open_engine('desktop').facts().name)"
    opened = run(grown, "-c", code, DESKTOP_HOST="unix:///var/run/docker.sock")
    assert opened.stdout == "Docker Engine\n", opened.stderr
    closed = run(grown, "-c", code, DESKTOP_HOST="unix:///nowhere/docker.sock")
    assert "EngineUnavailable" in closed.stderr
