"""The action's own script, run as a runner does: reports, summary, outputs and exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ruamel.yaml import YAML

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.engine
ACTION = YAML(typ="safe").load((Path(__file__).parents[2] / "action.yml").read_text())
(SCRIPT,) = (step for step in ACTION["runs"]["steps"] if step.get("id") == "run")


@dataclass(frozen=True, slots=True)
class Ran:
    """What the script left."""

    code: int
    output: str
    summary: str
    folder: Path

    @property
    def reports(self) -> set[str]:
        return {path.name for path in (self.folder / "reports").iterdir()}


@pytest.fixture
def action(tmp_path: Path) -> Callable[..., Ran]:
    def run(**inputs: str) -> Ran:
        given = {name: value.get("default", "") for name, value in ACTION["inputs"].items()}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        environment = {
            name: given[expression.removeprefix("${{ inputs.").removesuffix(" }}")]
            for name, expression in SCRIPT["env"].items()
        }
        files = {"GITHUB_OUTPUT": tmp_path / "output", "GITHUB_STEP_SUMMARY": tmp_path / "summary"}
        for file in files.values():
            file.write_text("")
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", SCRIPT["run"]],
            env={**os.environ, **environment, **{name: str(file) for name, file in files.items()}, "PATH": programs},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert "Traceback" not in done.stderr
        return Ran(
            done.returncode, files["GITHUB_OUTPUT"].read_text(), files["GITHUB_STEP_SUMMARY"].read_text(), tmp_path
        )

    return run


def test_a_bump_that_loses_a_signal_fails_the_job_and_says_why(action: Callable[..., Ran]) -> None:
    ran = action(
        old_base="local:musl-node24",
        base="local:debian12-node24",
        variant="npm-start\nnode-exec-form\n",
        pull="missing",
        reports="reports",
    )
    assert (ran.code, ran.output) == (1, "exit-code=1\n")
    assert ran.reports == {"results.json", "junit.xml", "report.md", "report.html", "report.sarif"}
    assert ran.summary.startswith(
        "<!-- signal-harness -->\n## ✗ 2 cells worse"
    )  # the signal, and the stop that is recorded with it
    assert "dash" in ran.summary
    rows = json.loads((ran.folder / "reports" / "results.json").read_text())["results"]
    assert {(row["base"], row["subject"]) for row in rows} == {
        ("local:debian12-node24", "npm-start"),
        ("local:debian12-node24", "node-exec-form"),
    }


def test_a_bump_that_changes_nothing_passes(action: Callable[..., Ran]) -> None:
    ran = action(
        old_base="local:musl-node24",
        base="local:debian12-node24",
        variant="node-exec-form",
        signal="HUP\nTERM",
        pull="missing",
        reports="reports",
    )
    assert (ran.code, ran.output) == (0, "exit-code=0\n")
    assert ran.summary.startswith("<!-- signal-harness -->\n## ✓ all 2 cells as expected")


def test_whatever_changed_may_be_told_without_failing(action: Callable[..., Ran]) -> None:
    ran = action(
        old_base="local:musl-node24",
        base="local:debian12-node24",
        variant="npm-start",
        pull="missing",
        reports="reports",
        fail_on="never",
    )
    assert ran.code == 0
    assert "2 cells worse" in ran.summary


def test_bad_input_keeps_its_exit_code(action: Callable[..., Ran]) -> None:
    ran = action(base="local:musl-node24", variant="nope", pull="missing", reports="reports")
    assert (ran.code, ran.output, ran.reports) == (2, "exit-code=2\n", set())


def test_an_input_is_never_code(action: Callable[..., Ran]) -> None:
    ran = action(base="local:musl-node24", variant='$(touch pwned)"; touch pwned; "', pull="missing", reports="reports")
    assert ran.code == 2
    assert not (ran.folder / "pwned").exists()
