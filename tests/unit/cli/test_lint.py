"""``lint``: what it prints of Dockerfiles, and with which exit code; no engine is asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from harness.cli.entry import cli
from harness.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

BAD = 'FROM node:24\nCOPY start.sh /\nSTOPSIGNAL SIGKILL\nENTRYPOINT ["/start.sh"]\n'
START = '#!/bin/sh\n"$@"\n'
WHY_KILL = "no program can handle SIGKILL: the app is not asked to stop"
WHY_START = '`start.sh` ends with `"$@"` without exec, so that its shell stays as PID 1, and forwards no signal'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "Dockerfile").write_text(BAD)
    (tmp_path / "start.sh").write_text(START)
    return tmp_path


def lint(*words: str) -> Result:
    return CliRunner().invoke(cli, ["lint", *words])


def test_a_file_with_findings(here: Path) -> None:
    done = lint()
    assert done.exit_code == 1
    assert done.output == (
        f"Dockerfile:3: SH018 {WHY_KILL}\n"
        f"Dockerfile:4: SH001 {WHY_START}\n"
        "\n2 findings. What each means: signal-harness rule SH018\n"
    )
    assert lint(str(here)).output == done.output, "a folder is its Dockerfile"


def test_a_file_without(here: Path) -> None:
    (here / "start.sh").write_text(START.replace('"$@"', 'exec "$@"'))
    (here / "Dockerfile").write_text(BAD.replace("SIGKILL", "SIGQUIT"))
    done = lint("Dockerfile", "Dockerfile")
    assert done.exit_code == 0
    assert done.output == "2 files: nothing is certainly wrong. What really happens: signal-harness check\n"


def test_what_is_left_be_is_told_and_does_not_fail(here: Path) -> None:
    (here / "Dockerfile").write_text(f"# signal-harness ignore=SH018 it holds no state\n{BAD}")
    (here / "signal-harness.toml").write_text('[[ignore]]\nrule = "SH001"\nsubject = "Docker*"\nreason = "for now"\n')
    done = lint()
    assert done.exit_code == 0, done.output
    assert done.output == (
        f"Dockerfile:4: SH018 {WHY_KILL}\n"
        "  Ignored: it holds no state (Dockerfile:1)\n"
        f"Dockerfile:5: SH001 {WHY_START}\n"
        "  Ignored: for now (signal-harness.toml, ignore 1)\n"
        "1 file: nothing is certainly wrong. What really happens: signal-harness check\n"
    )
    assert lint("--no-config").exit_code == 1


def test_annotations(here: Path) -> None:
    done = lint("--github")
    assert done.exit_code == 1
    first, second = done.output.splitlines()
    assert first.startswith(
        "::error file=Dockerfile,line=3,endLine=3,title=SH018 The stop signal is one that nobody can handle::no program"
    )
    assert second.startswith("::error file=Dockerfile,line=4,")


def test_json(here: Path) -> None:
    done = lint("--json")
    assert done.exit_code == 1
    kill, start = json.loads(done.output)
    assert (kill["path"], kill["line"], kill["last"], kill["rule"], kill["ignored"]) == (
        "Dockerfile",
        3,
        3,
        "SH018",
        None,
    )
    assert (start["rule"], start["why"]) == ("SH001", WHY_START)


def test_another_context_and_stage(here: Path) -> None:
    (here / "docker").mkdir()
    (here / "Dockerfile").rename(here / "docker" / "Dockerfile")
    assert "SH001" not in lint("docker/Dockerfile").output
    assert "docker/Dockerfile:4: SH001" in lint("docker/Dockerfile", "--context", ".").output
    (here / "Dockerfile").write_text('FROM a AS one\nCMD a; true\nFROM b\nCMD ["b"]\n')
    assert (lint().exit_code, lint("--target", "one").exit_code) == (0, 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none"], "none"),
        (["--target", "two"], "Dockerfile: there is no stage 'two'"),
        (["empty"], "empty: no line of it is a FROM"),
        (["binary"], "binary: no line of it is a FROM"),
        (["README.md"], "README.md: no line of it is a FROM"),
    ],
)
def test_bad_input(here: Path, words: list[str], message: str) -> None:
    for name, content in (("empty", b""), ("binary", bytes(range(256)) * 9), ("README.md", b"# My app\n\nFROM: me\n")):
        (here / name).write_bytes(content)
    error = lint(*words).exception
    assert isinstance(error, UsageError)
    assert message in error.message
