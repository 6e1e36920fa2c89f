"""Events and ends of containers, on engines that follow a script: of a kind that tells all, and of Podman's."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
import requests

from harness.engine import containers
from harness.engine.container import EngineContainer
from harness.engine.containers import DockerEngine
from harness.engine.kinds import DOCKER, PODMAN, EngineKind
from harness.run.inbox import Inbox
from harness.run.waiting import until

if TYPE_CHECKING:
    import docker

VERSIONS: dict[str, dict[str, Any]] = {
    DOCKER.name: {"Components": [{"Name": "Engine"}]},
    PODMAN.name: {"Components": [{"Name": "Podman Engine"}]},
}


class Stream:
    """Events of containers of these names; it ends once they are read, or else as it is closed."""

    def __init__(self, names: list[str], *, ends: bool) -> None:
        self.names = iter(names)
        self.closed = threading.Event()
        if ends:
            self.closed.set()

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> dict[str, Any]:
        for name in self.names:
            return {"Actor": {"ID": name}, "Action": "kill", "timeNano": 1}
        assert self.closed.wait(10)
        raise StopIteration

    def close(self) -> None:
        self.closed.set()


@dataclass
class ScriptedApi:
    """An engine with streams of events, of which the last one lasts, and states of its container, of which it stays."""

    kind: EngineKind
    streams: list[list[str]] = field(default_factory=list)
    states: list[dict[str, Any]] = field(default_factory=list)
    gone: bool = False
    opened: int = 0

    def version(self) -> dict[str, Any]:
        return VERSIONS[self.kind.name]

    def containers(self, **_: Any) -> list[Any]:
        return []

    def events(self, **_: Any) -> Stream:
        self.opened += 1
        return Stream(self.streams[self.opened - 1], ends=self.opened < len(self.streams))

    def inspect_container(self, name: str) -> dict[str, Any]:
        if self.gone:
            raise requests.ConnectionError("gone")
        return {"State": self.states.pop(0) if len(self.states) > 1 else self.states[0]}

    def wait(self, name: str) -> dict[str, Any]:
        return {"StatusCode": 1}


def engine(api: ScriptedApi) -> DockerEngine:
    return DockerEngine(cast("docker.APIClient", api))


def test_a_stream_of_podmans_that_ends_is_opened_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "_LASTING_S", 0.0)
    api = ScriptedApi(PODMAN, streams=[["a"], ["a", "b"], []])
    running = engine(api)
    inboxes = {"a": Inbox(), "b": Inbox()}
    running._inboxes.update(inboxes)
    with running:
        assert until(lambda: api.opened == 3 or None, timeout_s=5, time=Inbox())
        assert not running.gone
    assert not running.gone
    assert {name: len(inbox.events) for name, inbox in inboxes.items()} == {"a": 2, "b": 1}


@pytest.mark.parametrize(("kind", "lasting_s"), [(DOCKER, 0.0), (PODMAN, 60.0)])
def test_one_of_dockers_or_one_that_ends_at_once_is_the_engines_end(
    kind: EngineKind, lasting_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "_LASTING_S", lasting_s)
    api = ScriptedApi(kind, streams=[["a"], []])
    running = engine(api)
    inbox = running._inboxes["a"] = Inbox()
    with running:
        assert until(lambda: running.gone or None, timeout_s=5, time=Inbox())
        assert inbox.closed
    assert api.opened == 1


def state(status: str, *, code: int = 0, memory: bool = False) -> dict[str, Any]:
    ended = "2026-01-01T00:00:01.5Z"
    return {"Status": status, "ExitCode": code, "OOMKilled": memory, "FinishedAt": ended}


def end_of(api: ScriptedApi) -> Inbox:
    inbox = Inbox()
    container = EngineContainer(engine(api), "id", "name", inbox)
    container._ask_for_end()
    return inbox


def test_the_end_of_a_container_is_what_its_state_says() -> None:
    inbox = end_of(ScriptedApi(PODMAN, states=[state("running"), state("stopping"), state("stopped", code=7)]))
    (died,) = inbox.events
    assert (died.action, died.exit_code, died.time_ns) == ("die", 7, 1_767_225_601_500_000_000)


def test_an_end_by_lack_of_memory_is_told_as_such() -> None:
    inbox = end_of(ScriptedApi(PODMAN, states=[state("exited", code=137, memory=True)]))
    assert [event.action for event in inbox.events] == ["oom", "die"]


def test_of_an_engine_that_is_gone_no_end_is_known() -> None:
    assert end_of(ScriptedApi(PODMAN, states=[state("exited")], gone=True)).events == ()


@pytest.mark.parametrize(
    ("status", "stopping"),
    [("created", False), ("running", False), ("stopping", True), ("stopped", True), ("exited", True)],
)
def test_a_stop_is_seen_in_the_state(status: str, *, stopping: bool) -> None:
    container = EngineContainer(engine(ScriptedApi(PODMAN, states=[state(status)])), "id", "name", Inbox())
    assert (container.tells, container.stopping()) == (False, stopping)
