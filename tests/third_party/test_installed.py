"""What others get: the packages are whole, the command runs from the wheel, and so do tests of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.installed import installed, run
from tests.support.python_base import python_base

pytestmark = [pytest.mark.engine, pytest.mark.cli]
IMAGE = "local:musl-node24"
TAG = "signal-harness/base:musl-node24"
PROJECT = Path(__file__).parent / "project"
GOOD = "process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000)"


TOOL = "signal-harness-test/tool"
WRAPPED = 'node -e "setInterval(() => {}, 1000)"; true'


@dataclass(frozen=True, slots=True)
class Packages:
    """Both packages, and where the wheel's programs are."""

    source: Path
    wheel: Path
    programs: Path


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    folder = tmp_path_factory.mktemp("packages")
    run("make", "-s", "packages", f"DIST={folder}")  # checked by twine, too
    (source,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    more = ("pytest-xdist>=3.6", "pytest-html>=4.1")
    return Packages(source, wheel, installed(wheel, folder / "venv", *more, extras="[pytest,testcontainers]"))


def in_venv(packages: Packages, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTEST_ADDOPTS")}
    return subprocess.run(
        [packages.programs / words[0], *words[1:]],
        cwd=cwd,
        env={**environment, "IMAGE": TAG, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_bill_of_materials_names_what_a_plain_install_brings(packages: Packages) -> None:
    (bill,) = packages.wheel.parent.glob("*.cdx.json")
    names = {part["name"] for part in json.loads(bill.read_text())["components"]}
    assert {"signal-harness", "docker", "click", "msgspec"} <= names
    assert not names & {"pytest", "testcontainers"}


def test_the_packages_hold_what_the_command_needs(packages: Packages) -> None:
    with zipfile.ZipFile(packages.wheel) as wheel:
        names = wheel.namelist()
    assert {"harness/py.typed", "harness/_data/dockerfiles/catalogue.toml", "harness/_data/sample_app/server.js"} <= {
        *names
    }
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]
    with tarfile.open(packages.source) as source:
        assert any(name.endswith("/tests/unit/test_packaging.py") for name in source.getnames())


def test_the_command_checks_an_image(packages: Packages, tmp_path: Path) -> None:
    done = in_venv(packages, "signal-harness", "check", IMAGE, "--", "node", "-e", GOOD, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "✓ graceful" in done.stdout


def test_the_version_is_that_of_the_package(packages: Packages, tmp_path: Path) -> None:
    version = packages.wheel.name.split("-")[1]
    assert in_venv(packages, "signal-harness", "--version", cwd=tmp_path).stdout == f"signal-harness {version}\n"


def test_the_tool_runs_in_an_image_of_its_own(packages: Packages) -> None:
    run("make", "-s", "image", f"DIST={packages.wheel.parent}", f"PYTHON_IMAGE={python_base()}", f"IMAGE={TOOL}")
    socket = "/var/run/docker.sock:/var/run/docker.sock"
    asked = ("check", IMAGE, "--no-try", "--stop-timeout", "1", "--", "sh", "-c", WRAPPED)
    try:
        words = ["docker", "run", "--rm", "-v", socket, TOOL, *asked]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 1, done.stderr
        assert f"{IMAGE}, stop: ✗ forced" in done.stdout
        assert "Traceback" not in done.stderr
    finally:
        subprocess.run(["docker", "image", "rm", TOOL], capture_output=True, check=True)


def test_a_project_tests_its_image_in_two_workers(packages: Packages, tmp_path: Path) -> None:
    project = shutil.copytree(PROJECT, tmp_path / "project")
    options = ("--signal-base", IMAGE, "--html", "report.html", "--self-contained-html", "-p", "no:cacheprovider")
    done = in_venv(packages, "pytest", "-n", "2", *options, cwd=project)
    assert re.search(r"1 failed, 9 passed, 1 xfailed", done.stdout), done.stdout
    failure = done.stdout.partition("FAILURES")[2]
    assert "test_a_shell_in_front_is_caught" in failure
    assert "the roll call" in failure
    assert "never told" in failure
    report = (project / "report.html").read_text()
    assert report.count("told by docker") >= 6, "the roll call of each cell and subject"
    assert "signal-harness.toml::batch/stop" in report
    assert "SH003 is ignored: holds no state: it may be killed" in report
