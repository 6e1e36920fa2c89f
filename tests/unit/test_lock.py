"""The lock file: it holds all that pyproject.toml asks for, with hashes, and what CI installs is what it names."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = ROOT / ".ci" / "requirements.lock"
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def locked(text: str) -> dict[str, list[Requirement]]:
    """The entries of a lock file by name: one, or one for each platform or Python."""
    entries: dict[str, list[Requirement]] = {}
    for entry in re.split(r"\n(?=[\w-])", text.replace("\\\n", " ")):
        lines = [line for line in entry.splitlines() if not line.lstrip().startswith("#")]
        words = " ".join(lines).split("--hash=")
        found = Requirement(words[0])
        assert words[1:], f"{found.name} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", word.strip()) for word in words[1:]), found.name
        entries.setdefault(canonicalize_name(found.name), []).append(found)
    return entries


def wanted(text: str) -> list[Requirement]:
    """All that a pyproject.toml asks for, but for itself."""
    file = tomllib.loads(text)
    lists = [
        file["build-system"]["requires"],
        file["project"]["dependencies"],
        *file["project"]["optional-dependencies"].values(),
        *file["dependency-groups"].values(),
    ]
    found = [Requirement(line) for line in chain(*lists)]
    return [one for one in found if one.name != file["project"]["name"]]


def missing(project: str, lock: str) -> list[str]:
    """What a project asks for and its lock file does not hold, or in a version that will not do."""
    held = locked(lock)

    def fits(one: Requirement) -> bool:
        entries = held.get(canonicalize_name(one.name), [])
        versions = [next(iter(entry.specifier)).version for entry in entries]
        return bool(versions) and all(one.specifier.contains(version, prereleases=True) for version in versions)

    return [str(one) for one in wanted(project) if not fits(one)]


def test_the_lock_file_holds_what_the_project_asks_for() -> None:
    assert missing((ROOT / "pyproject.toml").read_text(encoding="utf-8"), LOCK.read_text(encoding="utf-8")) == []


def test_what_the_lock_file_lacks_is_found() -> None:
    project, lock = (ROOT / "pyproject.toml").read_text(encoding="utf-8"), LOCK.read_text(encoding="utf-8")
    assert missing(project.replace('"click>=8.1.8"', '"click>=99"'), lock) == ["click>=99"]
    assert missing(project.replace('"build>=1.2"', '"no-such-project>=1"'), lock) == ["no-such-project>=1"]


def test_every_entry_names_one_version() -> None:
    for name, entries in locked(LOCK.read_text(encoding="utf-8")).items():
        for entry in entries:
            assert [one.operator for one in entry.specifier] == ["=="], name
            assert entry.url is None, name


def test_setup_installs_what_the_lock_file_names_and_nothing_else() -> None:
    rule = MAKEFILE.partition("$(VENV)/.made: pyproject.toml $(LOCK)\n")[2].partition("\n\n")[0]
    installs = [line.strip().removeprefix("@") for line in rule.splitlines() if "(PIP) install" in line]
    assert installs == [
        "$(PIP) install --no-compile --require-hashes --requirement $(LOCK)",
        "$(PIP) install --no-deps --no-build-isolation --editable .",
    ]
    assert f"LOCK   := {LOCK.relative_to(ROOT)}\n" in MAKEFILE
    assert "make test\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def audit(lock: Path) -> subprocess.CompletedProcess[str]:
    """The command of ``make audit-dependencies``, on another lock file."""
    line = next(line for line in MAKEFILE.splitlines() if "pip_audit" in line)
    words = line.strip().removeprefix("@$(BIN)/python").replace("$(LOCK)", str(lock))
    return subprocess.run(
        [sys.executable, *shlex.split(words)], capture_output=True, text=True, check=False, timeout=60
    )


def test_a_project_that_cannot_be_looked_up_fails_the_audit(tmp_path: Path) -> None:
    """Nobody has such a project, and where no index answers there is none at all."""
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"signal-harness-has-no-such-project==0.0.1 --hash=sha256:{'0' * 64}\n")
    done = audit(lock)
    assert done.returncode != 0
    assert "No known vulnerabilities found" not in done.stdout + done.stderr
    assert "could not be audited" in done.stderr or "Error" in done.stderr, done.stderr


def test_the_audit_is_part_of_ci() -> None:
    workflows = "".join(file.read_text(encoding="utf-8") for file in (ROOT / ".github" / "workflows").glob("*.yml"))
    assert "run: make audit-dependencies\n" in workflows
    assert "schedule:" in workflows


def test_the_lock_file_is_written_by_the_groups_and_extras_that_setup_installs() -> None:
    done = subprocess.run(["make", "--dry-run", "lock"], cwd=ROOT, capture_output=True, text=True, check=True)
    command = done.stdout.partition("uv pip compile")[2]
    for word in ("--universal", "--generate-hashes", "--all-extras", "--group dev", "--group build", "--output-file"):
        assert word in command
