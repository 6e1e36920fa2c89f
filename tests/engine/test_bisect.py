"""Bisections played out for real: the change that is known in the field is found, and nothing is left behind.

By itself this tries four releases of npm; ``make bisect`` (SIGNAL_HARNESS_BISECT=all) searches all from 9 to 10.5.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import docker
import pytest
from docker.errors import DockerException
from docker.utils import kwargs_from_env

from harness.engine.removals import remove
from tests.support.command import command
from tests.support.leftovers import containers_of, wait_for_a_signal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.cli]

MUSL, MUSL_22, DEBIAN = "local:musl-node24", "local:musl-node22", "local:debian12-node24"
THREE = ("--base", MUSL, "--base", DEBIAN, "--base", MUSL_22)
MANY = f"harness-test/{os.getpid()}"  # short, so that no column of the table folds it
ALL = os.environ.get("SIGNAL_HARNESS_BISECT") == "all"
FIRST, LAST = ("9.0.0", "10.5.0") if ALL else ("9.6.6", "10.3.0")
FEW = [word for npm in ("9.6.6", "9.6.7", "10.2.5", "10.3.0") for word in ("--base", f"{MUSL_22}-npm{npm}")]
ENDS_S = 60
SOON_S = 20
ROW = re.compile(r"^ +\S (?P<verdict>[a-z-]+) +(?P<first>\S+) +(?P<last>\S+) +(?P<tried>\d+ of \d+) *$", re.MULTILINE)


@pytest.fixture(scope="module")
def api() -> Iterator[docker.APIClient]:
    """The engine that the environment names; without one these tests fail, they are not skipped."""
    try:
        client = docker.APIClient(**kwargs_from_env(), version="auto", timeout=600)
    except DockerException as error:
        pytest.fail(f"no engine answers: {error}")
    yield client
    client.close()


def stretches(text: str) -> list[tuple[str, ...]]:
    """The rows of the table: a verdict, the first and the last base of a stretch, and how many were tried."""
    return [match.group("verdict", "first", "last", "tried") for match in ROW.finditer(text)]


class TestNpm:
    """npm/cli#6547: npm 9.6.7 is the first that no longer forwards SIGTERM, 10.3.0 the first that does again."""

    @pytest.fixture(scope="module")
    @staticmethod
    def found() -> subprocess.CompletedProcess[str]:
        words = ("--npm", f"{FIRST}..{LAST}", "--on", MUSL_22) if ALL else FEW
        return command("bisect", "npm-start", "TERM", *words)

    def test_both_releases_are_found_between_ends_that_agree(self, found: subprocess.CompletedProcess[str]) -> None:
        assert found.returncode == 0, found.stdout + found.stderr
        many = r"\d\d bases: 2 changes, 1\d bases tried\n" if ALL else "4 bases: 2 changes, 4 bases tried\n"
        assert re.match(f"npm-start/SIGTERM on {many}", found.stdout)
        assert [row[:3] for row in stretches(found.stdout)] == [
            ("forwarded", f"{MUSL_22}-npm{FIRST}", f"{MUSL_22}-npm9.6.6"),
            ("swallowed", f"{MUSL_22}-npm9.6.7", f"{MUSL_22}-npm10.2.5"),
            ("forwarded", f"{MUSL_22}-npm10.3.0", f"{MUSL_22}-npm{LAST}"),
        ]

    def test_the_cause_is_npm(self, found: subprocess.CompletedProcess[str]) -> None:
        assert "1. ✓ forwarded → ○ swallowed" in found.stdout
        assert "likely: npm is now 9.6.7, was 9.6.6; the processes are the same" in found.stdout
        assert "2. ○ swallowed → ✓ forwarded" in found.stdout
        assert "likely: npm is now 10.3.0, was 10.2.5; the processes are the same" in found.stdout

    def test_both_sides_show_their_evidence(self, found: subprocess.CompletedProcess[str]) -> None:
        left, right = (column(found.stdout, number) for number in (0, 1))
        assert left.startswith(f"{MUSL_22}-npm9.6.6")
        assert right.startswith(f"{MUSL_22}-npm9.6.7")
        assert "Received signal: SIGTERM" in left
        assert "Received signal" not in right
        assert "npm start" in left
        assert "npm start" in right

    def test_what_is_piped_is_100_columns_at_most(self, found: subprocess.CompletedProcess[str]) -> None:
        assert max(map(len, found.stdout.splitlines())) <= 100


def column(text: str, number: int) -> str:
    """One side of the first table of evidence, as running text."""
    lines = text[text.index("\n1. ") :].partition("\n2. ")[0].splitlines()
    heading = next(line for line in lines if line.lstrip().startswith("local:"))
    middle = heading.index("local:", heading.index("local:") + 1)
    rows = lines[lines.index(heading) :]
    return " ".join(" ".join(line[:middle] if number == 0 else line[middle:] for line in rows).split())


class TestBases:
    def test_a_change_that_is_undone_is_found(self) -> None:
        done = command("bisect", "node-shell-form", "HUP", *THREE)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[0] == "node-shell-form/SIGHUP on 3 bases: 2 changes, 3 bases tried"
        assert stretches(done.stdout) == [
            ("forwarded", MUSL, MUSL, "1 of 1"),
            ("swallowed", DEBIAN, DEBIAN, "1 of 1"),
            ("forwarded", MUSL_22, MUSL_22, "1 of 1"),
        ]
        text = " ".join(done.stdout.split())
        assert re.search(r"likely: /bin/sh is now dash \S+, was BusyBox \S+ ash: it stays the parent", text)
        assert re.search(r"likely: /bin/sh is now BusyBox \S+ ash, was dash \S+: it becomes what it starts", text)

    def test_a_probe_can_be_bisected(self) -> None:
        done = command("bisect", "node-shell-form", "reap", "--base", MUSL, "--base", DEBIAN)
        assert done.returncode == 0, done.stderr
        assert [row[0] for row in stretches(done.stdout)] == ["zombie", "reaped"]

    def test_no_change_is_said(self) -> None:
        done = command("bisect", "node-exec-form", "TERM", *THREE)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[0] == "node-exec-form/SIGTERM on 3 bases: no changes, 3 bases tried"
        assert stretches(done.stdout) == [("forwarded", MUSL, MUSL_22, "3 of 3")]

    def test_a_base_that_cannot_be_had_is_no_end_of_the_search(self) -> None:
        words = ("--base", MUSL, "--base", "127.0.0.1:1/no/such:0", "--base", MUSL_22)
        done = command("bisect", "node-exec-form", "TERM", *words)
        assert done.returncode == 4
        assert [row[0] for row in stretches(done.stdout)] == ["forwarded", "untested", "forwarded"]
        assert "cannot be pulled" in done.stdout


@pytest.fixture
def many(api: docker.APIClient) -> Iterator[list[str]]:
    """Sixteen bases in order, of which the last five are a different system."""
    assert command("bases", "build", MUSL, DEBIAN).returncode == 0
    names = {f"{number:02}": MUSL if number < 11 else DEBIAN for number in range(16)}
    for tag, base in names.items():
        assert api.tag(base.replace("local:", "signal-harness/base:"), MANY, tag)
    yield [f"{MANY}:{tag}" for tag in names]
    for tag in names:
        api.remove_image(f"{MANY}:{tag}")


class TestLongLists:
    def test_halving_takes_few_bases(self, many: list[str], tmp_path: Path) -> None:
        listed = tmp_path / "bases.txt"
        listed.write_text("# oldest first\n\n" + "".join(f"{name}  # one of many\n" for name in many))
        done = command("bisect", "node-shell-form", "HUP", "--base-file", str(listed), "--gap", "16")
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[0] == "node-shell-form/SIGHUP on 16 bases: 1 change, 6 bases tried"
        assert stretches(done.stdout) == [
            ("forwarded", many[0], many[10], "4 of 11"),
            ("swallowed", many[11], many[15], "2 of 5"),
        ]
        assert "may have gone unseen; --gap 1 tries each" in done.stdout

    def test_a_glob_stands_for_all_it_matches(self, many: list[str]) -> None:
        done = command("bisect", "node-shell-form", "HUP", "--base", f"{MANY}:1[01]", "--base", MUSL)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[0] == "node-shell-form/SIGHUP on 3 bases: 2 changes, 3 bases tried"
        assert stretches(done.stdout) == [
            ("forwarded", many[10], many[10], "1 of 1"),
            ("swallowed", many[11], many[11], "1 of 1"),
            ("forwarded", MUSL, MUSL, "1 of 1"),
        ]


class TestInterrupt:
    """The whole group gets it, as Ctrl-C on a terminal does, in the middle of the first bases."""

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_it_ends_soon_and_nothing_is_left_behind(self, api: docker.APIClient, number: signal.Signals) -> None:
        with interrupted(api, number, "--repeat", "500") as process:
            out, err = process.communicate(timeout=SOON_S)
            assert process.returncode == 130
            assert "interrupted; what was under way has been cleared up" in err
            assert "Traceback" not in err
            assert out == ""
            assert containers_of(process.pid) == []


@contextmanager
def interrupted(api: docker.APIClient, number: signal.Signals, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A bisection that has been sent a signal while it was sending its own; in the end it is gone, come what may."""
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "bisect", "node-exec-form", "HUP", *THREE, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for_a_signal(process.pid)
        assert containers_of(process.pid) != []
        os.killpg(process.pid, number)
        yield process
    finally:
        process.kill()
        process.communicate()
        for container in containers_of(process.pid):
            remove(api, container)
