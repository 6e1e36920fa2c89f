"""The command as a user runs it: what is wrong is told in plain words, with the exit code that the README promises."""

from __future__ import annotations

import os
import shutil
import signal as os_signal
import subprocess
import sys
from typing import TYPE_CHECKING

import docker
import pytest

from harness.catalogues import load_catalogue
from tests.support.command import command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cli
NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["run", "--variant", "nope"], 2, "no variant matches 'nope'"),
        (["run", "--signal", "FOO"], 2, "'FOO' is not a signal"),
        (["run", "--signal", "KILL"], 2, "cannot be caught"),
        (["run", "--catalogue", "/nowhere"], 2, "/nowhere/catalogue.toml cannot be read"),
        (["run", "--json", "/proc/nowhere/results.json"], 2, "cannot be written"),
        (["run", "--baseline", "/nowhere.json"], 2, "/nowhere.json cannot be read"),
        (["run", "--repeat", "0"], 2, "0 is not in the range"),
        (["run", "--grace", "999999999999"], 2, "999999999999 is not in the range"),
        (["run", "--repeat", "999999999999"], 2, "999999999999 is not in the range"),
        (["run", "--jobs", "999999999999"], 2, "999999999999 is not in the range"),
        (["run", "--settle", "1e300"], 2, "is not in the range"),
        (["run", "--json", "/new/dir/x.json"], 2, "mkdir -p /new/dir"),
        (["run", "--json", "/tmp/one.json", "--html", "/tmp/../tmp/one.json"], 2, "cannot share one file"),
        (["run", "--variant", "npm"], 2, "Did you mean npm-start"),
        (["run", "--variant", "npm-strat"], 2, "Did you mean npm-start"),
        (["run", "--settle", "nan"], 2, "nan is not a number of seconds"),
        (["run", "--settle", "inf"], 2, "inf is not a number of seconds"),
        (["demo", "--auto", "--pause", "nan"], 2, "nan is not a number of seconds"),
        (["run"], 3, "signal-harness engine up"),
        (["bases", "build", "local:plan9-node24"], 3, "no engine answers"),
        (["doctor"], 3, "no engine answers"),
    ],
)
def test_is_told_before_an_engine_is_asked(words: list[str], code: int, told: str) -> None:
    done = command(*words, **NO_ENGINE)
    assert done.returncode == code
    assert told in done.stderr + done.stdout


def test_a_faulty_catalogue_names_the_place(tmp_path: Path) -> None:
    folder = tmp_path / "dockerfiles"
    shutil.copytree(load_catalogue(None)[0], folder)
    shutil.copytree(load_catalogue(None)[0].parent / "sample_app", tmp_path / "sample_app")
    path = folder / "catalogue.toml"
    path.write_text(path.read_text() + '\n[[variant]]\nname = "extra"\ntitle = "t"\ndockerfile = "none.Dockerfile"\n')
    done = command("run", "--catalogue", str(folder), **NO_ENGINE)
    assert done.returncode == 2
    assert "none.Dockerfile is not there" in done.stderr


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("dockerfile", "a-folder", "a-folder cannot be read: Is a directory"),
        ("dockerfile", "./a-folder/", "a-folder cannot be read: Is a directory"),
        ("context", "here.Dockerfile", "here.Dockerfile is not a folder"),
    ],
)
@pytest.mark.parametrize("words", [("run",), ("explain", "node:24", "v", "TERM")])
def test_a_folder_for_a_file_and_a_file_for_a_folder_are_told(
    tmp_path: Path, key: str, value: str, told: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "a-folder").mkdir()
    (tmp_path / "here.Dockerfile").write_text("FROM node:24\n")
    named = {"context": ".", "dockerfile": "here.Dockerfile"} | {key: value}
    (tmp_path / "catalogue.toml").write_text(
        f'schema = 1\ncontext = "{named["context"]}"\n[app]\nready = "x"\n'
        f'received = "(?P<signal>SIG[A-Z]+)"\n'
        f'[[variant]]\nname = "v"\ntitle = "t"\ndockerfile = "{named["dockerfile"]}"\n'
    )
    done = command(*words, "--catalogue", str(tmp_path), **NO_ENGINE)
    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.parametrize("words", [("list",), ("--help",), ("run", "--help"), ("doctor",)])
def test_who_has_read_enough_ends_it_quietly_as_every_tool_does(words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "harness", *words],
            env={**os.environ, **NO_ENGINE},
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == -os_signal.SIGPIPE
    assert done.stderr == ""


@pytest.mark.parametrize("words", [("list",), ("--help",), ("--version",), ("completion", "bash")])
def test_a_full_disk_is_told(words: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123  it is no path of ours
        done = subprocess.run(
            [sys.executable, "-m", "harness", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 2
    assert done.stderr == "signal-harness: the output cannot be written: No space left on device\n"


def test_pytest_without_an_engine_fails_and_never_skips(tmp_path: Path) -> None:
    folder = load_catalogue(None)[0]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "signals", str(folder), "-p", "no:cacheprovider"],
        env={**os.environ, **NO_ENGINE},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 3
    assert "no engine answers" in done.stdout + done.stderr


def test_completion_is_a_script() -> None:
    assert "_SIGNAL_HARNESS_COMPLETE" in command("completion", "bash").stdout


@pytest.mark.engine
class TestBases:
    """Bases that cannot carry the variants."""

    @pytest.fixture
    def without(self) -> str:
        """An image with nothing in it but one file."""
        api = docker.APIClient()
        answer = api.import_image_from_data(_empty_tar(), repository="signal-harness/test-empty")
        assert "sha256:" in answer
        return "signal-harness/test-empty:latest"

    @pytest.mark.parametrize("reference", ["", "UPPER/case::x"])
    def test_no_reference(self, reference: str) -> None:
        done = command("run", "--base", reference, "--variant", "pid-1")
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert "a base is empty" in done.stderr or "is not an image reference" in done.stderr

    def test_no_such_image(self) -> None:
        done = command("run", "--base", "localhost:1/nothing/here:0", "--variant", "pid-1")
        assert done.returncode == 3
        assert "cannot be pulled" in done.stderr

    def test_no_shell(self, without: str) -> None:
        done = command("run", "--base", without, "--variant", "pid-1")
        assert done.returncode == 3
        assert "has no shell that runs" in done.stderr

    def test_no_node(self, tmp_path: Path) -> None:
        api = docker.APIClient()
        dockerfile = "FROM signal-harness/base:musl-node24\nRUN rm /usr/local/bin/node\n"
        (tmp_path / "Dockerfile").write_text(dockerfile)
        list(api.build(path=str(tmp_path), tag="signal-harness/test-no-node", rm=True, decode=True))
        done = command("run", "--base", "signal-harness/test-no-node", "--variant", "pid-1")
        assert done.returncode == 3
        assert "has no node on its PATH" in done.stderr


def _empty_tar() -> bytes:
    import io
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        info = tarfile.TarInfo("nothing")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"\n"))
    return buffer.getvalue()
