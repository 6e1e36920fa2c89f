"""Ends and stops of containers whose engine does not tell of them, as Podman does not."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
import requests

from harness.core.errors import Disturbed, EngineFault
from harness.core.evidence import EngineEvent
from harness.core.process import Process
from harness.core.signals import Signal
from harness.core.trace import Life
from harness.engine.container import EngineContainer
from harness.engine.containers import DockerEngine
from harness.engine.kinds import DOCKER, PODMAN, EngineKind
from harness.run.inbox import Inbox

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

    from harness.engine.tracing import Tracer

VERSIONS: dict[str, dict[str, Any]] = {
    DOCKER.name: {"Components": [{"Name": "Engine"}]},
    PODMAN.name: {"Components": [{"Name": "Podman Engine"}]},
}


@dataclass
class ScriptedApi:
    """An engine, and states of its container, of which the last one stays."""

    kind: EngineKind
    states: list[dict[str, Any]] = field(default_factory=list)
    gone: bool = False

    def version(self) -> dict[str, Any]:
        return VERSIONS[self.kind.name]

    def inspect_container(self, name: str) -> dict[str, Any]:
        if self.gone:
            raise requests.ConnectionError("gone")
        return {"State": self.states.pop(0) if len(self.states) > 1 else self.states[0]}

    def wait(self, name: str) -> dict[str, Any]:
        return {"StatusCode": 1}

    def ping(self) -> bool:
        return True


def engine(api: ScriptedApi) -> DockerEngine:
    return DockerEngine(cast("docker.APIClient", api))


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


@pytest.mark.parametrize("status", ["created", "running", "stopping"])
def test_where_nothing_shows_the_processes_of_what_runs_that_is_said(status: str) -> None:
    container = EngineContainer(engine(ScriptedApi(PODMAN, states=[state(status)])), "id", "name", Inbox())
    with pytest.raises(EngineFault, match="Podman shows no signal masks, and this machine's /proc neither"):
        container.tree()


@pytest.mark.parametrize("status", ["stopped", "exited"])
def test_what_ended_before_it_was_found_has_no_processes(status: str) -> None:
    container = EngineContainer(engine(ScriptedApi(PODMAN, states=[state(status)])), "id", "name", Inbox())
    assert container.tree() == ()


@dataclass
class FarMachine:
    """A machine whose record may be a day old."""

    sees_all = True
    lag_s: float = 86_400.0
    told: int = 0
    ended: bool = False
    processes: tuple[Process, ...] = ()

    def tree(self, pid: int) -> tuple[Process, ...]:
        return self.processes

    def tell(self, pid: int, number: int) -> None:
        self.told += 1


@dataclass
class AskedTracer:
    """A record that notes as of when it is asked for."""

    machine: FarMachine
    as_of: list[float] = field(default_factory=list)
    known: tuple[Life, ...] = ()

    def records(self, _: object, *, since_s: float, as_of_s: float) -> tuple[()]:
        self.as_of.append(as_of_s)
        return ()

    def lives(self, _: object, *, since_s: float, as_of_s: float) -> tuple[Life, ...]:
        self.as_of.append(as_of_s)
        return self.known


def test_a_run_is_made_again_once_what_reads_the_record_has_broken_off() -> None:
    """Whatever it has learnt until then: what came of the signal may be in the gap."""
    tracer = AskedTracer(FarMachine())
    made = DockerEngine(cast("docker.APIClient", ScriptedApi(DOCKER)), cast("Tracer", tracer))
    container = EngineContainer(made, "id", "name", Inbox())
    container.verify()
    tracer.machine.ended = True
    with pytest.raises(Disturbed, match="broke off"):
        container.verify()
    tracer.machine = FarMachine()
    with pytest.raises(Disturbed, match="broke off"):
        container.verify()
    EngineContainer(made, "id", "name", Inbox()).verify()


@pytest.mark.parametrize(
    ("samples", "command"),
    [
        ([("S", "/bin/kill -TERM 7"), ("R", "[kill]")], "/bin/kill -TERM 7"),
        ([("S", "/bin/kill -TERM 7"), ("Z", "[kill]")], "/bin/kill -TERM 7"),
        ([("R", "[kill]")], "kill"),
        ([("Z", "[kill]")], "kill"),
        ([("R", "[kill] -TERM 7")], "[kill] -TERM 7"),
    ],
    ids=["ending", "zombie", "only seen ending", "only seen as a zombie", "in brackets by its own will"],
)
def test_what_ends_keeps_the_command_line_that_it_had(samples: list[tuple[str, str]], command: str) -> None:
    """As it ends, its memory goes first, with its words; then it is a zombie."""
    far = FarMachine()
    tracer = AskedTracer(far, known=(Life(pid=70, parent=60, name="kill", began_s=1.0),))
    made = DockerEngine(cast("docker.APIClient", ScriptedApi(DOCKER)), cast("Tracer", tracer))
    container = EngineContainer(made, "id", "name", Inbox())
    container._pid1 = 60
    masks = {"caught": 0, "ignored": 0, "blocked": 0, "pending": 0}
    for state, words in samples:
        argv = tuple(words.split())
        far.processes = (Process(pid=70, ppid=60, pgid=60, state=state, argv=argv, inner_pid=9, **masks),)
        container.tree()
    (life,) = container.lives()
    assert (life.command, life.inner_pid) == (command, 9)


def test_a_record_is_never_older_than_what_is_known_otherwise() -> None:
    tracer = AskedTracer(FarMachine())
    made = DockerEngine(cast("docker.APIClient", ScriptedApi(DOCKER)), cast("Tracer", tracer))
    container = EngineContainer(made, "id", "name", Inbox())
    container._pid1 = 7

    def told(what: Callable[[], object]) -> bool:
        """Whether the record is asked for as of after something."""
        before = time.monotonic()
        what()
        container.trace()
        first = tracer.as_of[-1] >= before
        container.lives()
        assert tracer.as_of[-1] == tracer.as_of[-2] or not first
        return first

    process = Process(pid=7, ppid=1, pgid=7, state="S", caught=0, ignored=0, blocked=0, pending=0, argv=("a",))
    told(lambda: None)
    assert told(container.tree)
    assert told(lambda: container.tell(process, Signal(15)))
    assert told(lambda: container.inbox.write(b"one\n"))
    assert told(lambda: container.inbox.event(EngineEvent(action="die", time_ns=1)))
    assert told(container.inbox.close)
    assert not told(lambda: None)
    tracer.machine.lag_s = 0.0
    assert tracer.as_of[-1] < time.monotonic()
    container.trace()
    assert tracer.as_of[-1] > tracer.as_of[-2]
