"""A demo that cannot begin: told in plain words, with the next step and the exit code that is promised."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

import pytest

from harness.catalogues import load_catalogue
from tests.support.command import command
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.demo.conftest import Opens

pytestmark = pytest.mark.cli
NO_ENGINE: Final = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
CHAPTERS: Final = "1 npm-start, 2 shell-form, 3 exec-form, 4 no-handlers, 5 inits, 6 twice, 7 docker-stop, 8 zombies"


@pytest.mark.parametrize("chapter", ["nope", "0", "3-99", "4-2", "-", "²"])
def test_no_such_chapter(chapter: str) -> None:
    done = command("demo", "--chapter", chapter, **NO_ENGINE)
    assert done.returncode == 2
    assert f"there is no chapter {chapter!r}" in done.stderr
    assert f"Chapters: {CHAPTERS}, 9 claims" in done.stderr


@pytest.mark.parametrize("html", ["/proc/nowhere/demo.html", "/"])
def test_a_report_that_cannot_be_written(html: str) -> None:
    done = command("demo", "--auto", "--html", html, **NO_ENGINE)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert done.stdout == ""


def test_a_catalogue_without_a_story(tmp_path: Path) -> None:
    shutil.copytree(load_catalogue(None)[0], tmp_path / "dockerfiles")
    shutil.copytree(load_catalogue(None)[0].parent / "sample_app", tmp_path / "sample_app")
    (tmp_path / "dockerfiles" / "demo.toml").unlink()
    done = command("demo", "--catalogue", str(tmp_path / "dockerfiles"), **NO_ENGINE)
    assert done.returncode == 2
    assert "demo.toml cannot be read" in done.stderr
    assert "A demo needs a demo.toml there." in done.stderr


@pytest.mark.parametrize("words", [["--auto", "--plain"], ["--prepare"], []])
def test_no_engine(words: list[str], tmp_path: Path) -> None:
    done = command("demo", *words, "--html", str(tmp_path / "demo.html"), **NO_ENGINE)
    assert done.returncode == 3
    assert "no engine answers" in done.stderr
    assert "signal-harness engine up" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_engine_leaves_the_terminal_alone(opens: Opens) -> None:
    terminal = opens("--chapter", "twice", **NO_ENGINE)
    assert terminal.exit_code() == 3
    terminal.wait_for("signal-harness engine up")
    assert terminal.ask("#{alternate_on} #{cursor_flag}") == "0 1"
    assert "Traceback" not in terminal.history()


def test_without_tmux_tests_fail_and_tell_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.fail.Exception, match="tmux is missing: apt-get install tmux"):
        Terminal(tmp_path)
