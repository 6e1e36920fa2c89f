"""The action's own script, run as a runner does: reports, summary, outputs and exit code."""

from __future__ import annotations

import json
import os
import re
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
    printed: str
    output: str
    summary: str
    folder: Path

    @property
    def reports(self) -> set[str]:
        return {path.name for path in (self.folder / "reports").iterdir()}


def stand_in(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


@pytest.fixture
def action(tmp_path: Path) -> Callable[..., Ran]:
    def run(path: Path | None = None, **inputs: str) -> Ran:
        given = {name: value.get("default", "") for name, value in ACTION["inputs"].items()}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        environment = {
            name: given[expression.removeprefix("${{ inputs.").removesuffix(" }}")]
            for name, expression in SCRIPT["env"].items()
        }
        files = {"GITHUB_OUTPUT": tmp_path / "output", "GITHUB_STEP_SUMMARY": tmp_path / "summary"}
        for file in files.values():
            file.write_text("")
        programs = ":".join([*([str(path)] if path else []), str(Path(sys.executable).parent), os.environ["PATH"]])
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
            done.returncode,
            done.stdout,
            files["GITHUB_OUTPUT"].read_text(),
            files["GITHUB_STEP_SUMMARY"].read_text(),
            tmp_path,
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


IMAGE = "local:musl-node24"
TAG = "signal-harness/base:musl-node24"
GOOD = "process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000)"


def test_an_image_is_checked_and_a_loss_fails_the_job(action: Callable[..., Ran]) -> None:
    options = "--stop-timeout\n1\n--no-try\n--\nsleep\n600\n"
    ran = action(image=IMAGE, options=options, pull="missing", reports="reports")
    assert (ran.code, ran.output) == (1, "exit-code=1\n")
    assert ran.reports == {"results.json", "junit.xml", "report.md", "report.html", "report.sarif"}
    assert "forced" in ran.summary


def test_a_dockerfile_is_built_and_checked(action: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "server.js").write_text(GOOD)
    lines = [f"FROM {TAG}", "COPY server.js /server.js", 'CMD ["node", "/server.js"]']
    (tmp_path / "app" / "Dockerfile.production").write_text("\n".join(lines))
    ran = action(file="app/Dockerfile.production", context="app", pull="missing", reports="reports")
    assert (ran.code, ran.output) == (0, "exit-code=0\n")
    (row,) = json.loads((ran.folder / "reports" / "results.json").read_text())["results"]
    assert row["verdict"] == "graceful"
    assert "graceful" in ran.summary


def test_findings_are_annotated(action: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "server.js").write_text(GOOD)
    (tmp_path / "Dockerfile").write_text(f"FROM {TAG}\nCOPY server.js /server.js\nCMD node /server.js | cat\n")
    ran = action(file="Dockerfile", options="--stop-timeout\n1\n--no-try\n", pull="missing", reports="reports")
    assert ran.code == 1
    assert "::error file=Dockerfile,line=3,endLine=3,title=SH001 " in ran.printed


def test_the_record_is_had_with_sudo_where_the_runner_has_it(action: Callable[..., Ran], tmp_path: Path) -> None:
    """A runner's user is not root; the stand-ins say so, and tell what was run as root."""
    programs, told = tmp_path / "programs", tmp_path / "sudo-ran"
    programs.mkdir()
    stand_in(programs / "id", "echo 1001")
    # It is left out where it would change owners: there is no such user here.
    stand_in(
        programs / "sudo",
        f'while [ "${{1#-}}" != "$1" ]; do shift; done; echo "$*" >> {told}; [ "$1" = chown ] || exec "$@"',
    )
    ran = action(image=IMAGE, options="--trace\non\n--\nsleep\n1", pull="missing", reports="reports", path=programs)
    assert ran.code == 4, "what ends by itself cannot be stopped"
    lines = told.read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["true", "env", "chown"]
    assert "signal-harness check" in lines[1]


def test_the_job_for_gitlab_runs_as_a_runner_runs_it(tmp_path: Path) -> None:
    """Its script, line by line in one shell that ends with the first that fails; the image's packages are there."""
    guide = (Path(__file__).parents[2] / "docs" / "ci.md").read_text()
    texts = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    job = next(made["signals"] for text in texts if "signals" in (made := YAML(typ="safe").load(text)))
    (tmp_path / "server.js").write_text(GOOD)
    (tmp_path / "Dockerfile").write_text(f"FROM {TAG}\nCOPY server.js /server.js\nCMD node /server.js | cat\n")
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-e"],
        input="\n".join(job["script"]).replace("--stop-timeout 10", "--stop-timeout 1 --no-try"),
        env={**os.environ, "PATH": programs},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    reports = job["artifacts"]["reports"]
    (finding,) = json.loads((tmp_path / reports["codequality"]).read_text())
    assert (finding["check_name"], finding["location"]["path"]) == ("SH001", "Dockerfile")
    assert (tmp_path / reports["junit"]).is_file()


@pytest.mark.parametrize("inputs", [{}, {"image": IMAGE, "base": IMAGE}])
def test_nothing_to_test_or_two_things_are_bad_input(action: Callable[..., Ran], inputs: dict[str, str]) -> None:
    ran = action(**inputs, reports="reports")
    assert (ran.code, ran.output) == (2, "exit-code=2\n")


def test_bad_input_keeps_its_exit_code(action: Callable[..., Ran]) -> None:
    ran = action(base="local:musl-node24", variant="nope", pull="missing", reports="reports")
    assert (ran.code, ran.output, ran.reports) == (2, "exit-code=2\n", set())


def test_an_input_is_never_code(action: Callable[..., Ran]) -> None:
    ran = action(base="local:musl-node24", variant='$(touch pwned)"; touch pwned; "', pull="missing", reports="reports")
    assert ran.code == 2
    assert not (ran.folder / "pwned").exists()
