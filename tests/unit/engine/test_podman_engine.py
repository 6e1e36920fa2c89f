"""Where Podman is looked for, and what takes the place of a Docker that is not there."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import EngineUnavailable
from harness.engine import podman_engine
from harness.engine.client import DENIED
from harness.engine.endpoint import DEFAULT_SOCKET
from harness.engine.registry import ENGINES, open_engine
from tests.support.engines import ScriptedOpenEngine

if TYPE_CHECKING:
    from collections.abc import Callable

SYSTEM = "unix:///run/podman/podman.sock"


@pytest.mark.parametrize(
    ("environment", "root", "urls"),
    [
        ({}, True, (SYSTEM,)),
        ({"XDG_RUNTIME_DIR": "/run/user/7"}, False, ("unix:///run/user/7/podman/podman.sock", SYSTEM)),
        ({"CONTAINER_HOST": "tcp://127.0.0.1:1"}, True, ("tcp://127.0.0.1:1",)),
    ],
)
def test_its_sockets_are_those_of_the_user(environment: dict[str, str], urls: tuple[str, ...], *, root: bool) -> None:
    assert podman_engine.sockets(environment, root=root) == urls


def test_a_user_without_a_runtime_folder_has_the_usual_one() -> None:
    own = f"unix:///run/user/{os.getuid()}/podman/podman.sock"
    assert podman_engine.sockets({}, root=False) == (own, SYSTEM)


def test_where_it_is_named_no_service_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINER_HOST", "unix:///nowhere/podman.sock")
    with pytest.raises(EngineUnavailable, match=r"no Podman answers at unix:///nowhere/podman\.sock"):
        podman_engine.open_podman()


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with no program on its PATH but what is put there, on which nothing answers."""
    monkeypatch.setattr(podman_engine, "sockets", lambda *_, **__: ("unix:///nowhere/podman.sock",))
    monkeypatch.delenv("CONTAINER_HOST", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(folder: Path, text: str) -> None:
    file = folder / "podman"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def test_where_it_is_not_installed_it_is_not_there(alone: Path) -> None:
    with pytest.raises(EngineUnavailable) as absent:
        podman_engine.open_podman()
    assert "podman system service" in absent.value.remedy


def test_a_service_that_does_not_come_up_says_why(alone: Path) -> None:
    program(alone, "echo no cgroups here >&2; exit 125")
    with pytest.raises(EngineUnavailable, match="Podman's service does not come up: no cgroups here"):
        podman_engine.open_podman()


def test_a_service_that_answers_nothing_is_ended(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes the file, but nobody listens there."""
    monkeypatch.setattr(podman_engine, "_START_S", 0.5)
    program(alone, f'echo $$ > {alone}/pid; for at; do :; done; : > "${{at#unix://}}"; exec /bin/sleep 60')
    with pytest.raises(EngineUnavailable, match="no engine answers at unix://"):
        podman_engine.open_podman()
    assert not Path(f"/proc/{(alone / 'pid').read_text().strip()}").exists()


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Docker, on which Podman is."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(podman_engine, "engine_url", lambda: DEFAULT_SOCKET)
    monkeypatch.setattr(podman_engine, "open_podman", lambda: ScriptedOpenEngine(url="unix:///podman.sock"))
    monkeypatch.setitem(ENGINES, "docker", f"{__name__}:refuse")


def refuse(at: str | None = None) -> ScriptedOpenEngine:
    raise EngineUnavailable("no engine answers")


def notes() -> tuple[list[str], Callable[[str], None]]:
    said: list[str] = []
    return said, said.append


@pytest.mark.usefixtures("absent")
def test_podman_takes_the_place_of_an_absent_docker_and_that_is_said() -> None:
    said, note = notes()
    assert open_engine(note=note).url == "unix:///podman.sock"
    assert said == ["no engine answers; Podman is used, at unix:///podman.sock"]


@pytest.mark.usefixtures("absent")
def test_a_docker_that_is_asked_for_by_name_has_no_substitute() -> None:
    with pytest.raises(EngineUnavailable, match="no engine answers"):
        open_engine("docker")


@pytest.mark.usefixtures("absent")
def test_nor_has_one_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(podman_engine, "engine_url", lambda: "tcp://127.0.0.1:1")
    with pytest.raises(EngineUnavailable, match="no engine answers"):
        open_engine()


@pytest.mark.usefixtures("absent")
def test_nor_has_one_that_may_not_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    said, note = notes()
    with pytest.raises(EngineUnavailable, match="you may not"):
        podman_engine.open_instead(EngineUnavailable("you may not", remedy=DENIED), note)
    assert said == []


@pytest.mark.usefixtures("absent")
def test_where_there_is_no_podman_either_docker_is_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(podman_engine, "open_podman", refuse)
    with pytest.raises(EngineUnavailable) as missing:
        podman_engine.open_instead(EngineUnavailable("no Docker", remedy="start it"), lambda _: None)
    assert (missing.value.message, missing.value.remedy) == ("no Docker", "start it")
