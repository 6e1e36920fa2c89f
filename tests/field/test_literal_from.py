"""The subject is what the header says: a Dockerfile that names its base runs on the base that is asked for."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from harness.core.verdict import Verdict
from tests.support.cases import MUSL, READY_ONLY
from tests.support.command import command
from tests.support.field import APPS, Row, ask, write_catalogue
from tests.support.python_base import DEBIAN

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine
DOCKERFILES = APPS / "dockerfiles"
NAMES = ("literal-from", "stages", "argument")
# busybox's sh puts the app in its own place; dash does not, and forwards nothing.
RIGHT = {MUSL: Verdict.FORWARDED, DEBIAN: Verdict.SWALLOWED}


def catalogue(folder: Path, *names: str) -> Path:
    """These Dockerfiles as they are, one variant each."""
    rows = [Row(name=name, command=("true",)) for name in names]
    written = write_catalogue(folder, READY_ONLY, rows)
    for row in rows:
        shutil.copyfile(DOCKERFILES / f"{row.name}.Dockerfile", written / f"{row.variant}.Dockerfile")
    return written


@pytest.mark.parametrize("base", RIGHT)
def test_a_dockerfile_that_names_its_base_runs_on_another(base: str, tmp_path: Path) -> None:
    answers = ask(catalogue(tmp_path / "catalogue", *NAMES), base, "--signal", "TERM")
    assert {variant: said.verdict for (variant, _), said in answers.items()} == {
        f"{name}.exec": RIGHT[base] for name in NAMES
    }, [said.reason for said in answers.values()]


def test_a_difference_between_two_bases_is_seen(tmp_path: Path) -> None:
    folder = catalogue(tmp_path / "catalogue", "literal-from")
    done = command("diff", MUSL, DEBIAN, "--catalogue", str(folder), "--signal", "TERM")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "forwarded" in done.stdout
    assert "swallowed" in done.stdout


def test_a_dockerfile_without_a_base_is_refused(tmp_path: Path) -> None:
    folder = catalogue(tmp_path / "catalogue", "scratch")
    done = command("run", "--catalogue", str(folder), "--base", DEBIAN, "--signal", "TERM")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "scratch" in done.stderr
