"""A helper on a real engine: what it sees is what we see as root, and nothing is left of it. Needs tracefs."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from harness.core.errors import EngineFault, EngineUnavailable
from harness.core.signals import Signal
from harness.core.subject import LaunchOptions
from harness.core.trace import Fate, Sent
from harness.engine import tracefs
from harness.engine.containers import HELPER, LABEL, DockerEngine, sweep
from harness.engine.helper import running
from harness.engine.helper.running import helped
from harness.engine.machine import THIS_MACHINE
from harness.engine.store import ImageStore
from harness.files import cache_folder
from harness.local_bases.helper.image import REFERENCE, HelperImage
from harness.run.inbox import Inbox
from harness.run.protocol import Launch
from harness.run.waiting import until
from tests.support.leftovers import owner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

    from harness.engine.container import EngineContainer
    from harness.engine.tracing import Tracer

pytestmark = [pytest.mark.engine, pytest.mark.skipif(os.geteuid() != 0, reason="it is held against the record of root")]
LONG_S = 30.0
TERM = Signal(15)
SHELL = ("trap 'echo told' TERM; echo up; while :; do sleep 0.1; done",)


@pytest.fixture(scope="module")
def instances() -> Path:
    try:
        return tracefs._tracefs() / "instances"
    except EngineUnavailable as why:
        pytest.skip(str(why))


@pytest.fixture
def image(api: docker.APIClient, instances: Path) -> str:
    provider = HelperImage(cache_folder())
    provider.provide(REFERENCE, ImageStore(api), report=lambda _: None, rebuild=False)
    return provider.tag(REFERENCE)


def instance_of(helper: int, instances: Path) -> list[str]:
    """The instance of tracefs that a helper has; others on this machine have theirs."""
    return [path.name for path in instances.glob(f"signal-harness-{helper}-*")]


def helpers(api: docker.APIClient) -> list[dict[str, Any]]:
    """Those of this process."""
    return list(api.containers(all=True, filters={"label": [HELPER, owner(os.getpid())]}))


@contextmanager
def launched(api: docker.APIClient, base: str, tracer: Tracer) -> Iterator[EngineContainer]:
    options = LaunchOptions(entrypoint=("/bin/sh", "-c"), command=SHELL, network="none")
    with DockerEngine(api, tracer) as engine, engine.launch(Launch(image=base, options=options)) as container:
        container.start()
        assert until(lambda: container.inbox.lines or None, timeout_s=LONG_S, time=container.inbox)
        yield container


def test_it_sees_what_root_sees_and_nothing_is_left_of_it(
    api: docker.APIClient, base: str, image: str, instances: Path
) -> None:
    notes: list[str] = []
    with helped(api, image, [TERM], notes.append) as tracer:
        (helper,) = [pid_of(api, one["Id"]) for one in helpers(api)]
        assert len(instance_of(helper, instances)) == 1
        with launched(api, base, tracer) as container:
            pid = container._pid1
            assert pid is not None
            far, near = container.tree(), THIS_MACHINE.tree(pid)
            assert (far[0].pid, far[0].caught, far[0].argv) == (near[0].pid, near[0].caught, near[0].argv)
            container.kill(TERM)
            assert until(lambda: len(container.inbox.lines) > 1 or None, timeout_s=LONG_S, time=container.inbox)
            sent = [one for one in container.trace() or () if isinstance(one, Sent) and one.number == TERM.number]
            assert [(one.target_pid, one.fate, one.from_outside) for one in sent] == [(pid, Fate.DELIVERED, True)]
            assert container._started_s < sent[0].time_s < time.monotonic()
            assert container.write_marker() == 2
            assert until(lambda: container.inbox.markers == 2 or None, timeout_s=LONG_S, time=container.inbox)
            # What is in no container that it was told of is none of its business, however much it may.
            assert tracer.machine.tree(os.getpid()) == ()
            with pytest.raises(ProcessLookupError):
                tracer.machine.tell(os.getpid(), 10)
    assert (helpers(api), instance_of(helper, instances), notes) == ([], [], [])


def test_it_may_do_what_it_needs_and_no_more(api: docker.APIClient, image: str) -> None:
    with helped(api, image, [TERM], lambda _: None):
        (one,) = helpers(api)
        config = api.inspect_container(one["Id"])["HostConfig"]
    assert not config["Privileged"]
    assert (config["PidMode"], config["NetworkMode"], config["ReadonlyRootfs"]) == ("host", "none", True)
    assert [name.removeprefix("CAP_") for name in config["CapAdd"]] == list(running.CAPABILITIES)
    assert config["CapDrop"] == ["ALL"]
    assert config["Binds"] == ["/sys/fs/cgroup:/sys/fs/cgroup:ro"]
    assert config["LogConfig"]["Type"] == "none"


def test_one_that_is_killed_says_so_and_the_next_one_clears_up(
    api: docker.APIClient, base: str, image: str, instances: Path
) -> None:
    notes: list[str] = []
    with helped(api, image, [TERM], notes.append) as tracer, launched(api, base, tracer) as container:
        (one,) = helpers(api)
        helper = pid_of(api, one["Id"])
        assert len(instance_of(helper, instances)) == 1
        api.kill(one["Id"], "SIGKILL")
        assert until(lambda: _fails(container), timeout_s=LONG_S, time=container.inbox)
        with pytest.raises(EngineFault, match="has ended"):
            container.trace()
    # Another run on this machine may clear up first.
    assert [note for note in notes if "the next one removes" in note] == notes != []
    with helped(api, image, [TERM], notes.append):
        assert instance_of(helper, instances) == []


def pid_of(api: docker.APIClient, container_id: str) -> int:
    return int(api.inspect_container(container_id)["State"]["Pid"])


def _fails(container: EngineContainer) -> bool | None:
    try:
        container.tree()
    except EngineFault:
        return True
    return None


def test_an_orphan_is_ended_so_that_nothing_is_left_in_the_kernel(
    api: docker.APIClient, image: str, instances: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where its harness was killed, and the engine has not heard of that."""
    with helped(api, image, [TERM], lambda _: None):
        (one,) = helpers(api)
        helper = pid_of(api, one["Id"])
        assert len(instance_of(helper, instances)) == 1
        run = one["Labels"][f"{LABEL}.run"]
        monkeypatch.setattr("harness.engine.containers._orphaned", lambda labels: labels[f"{LABEL}.run"] == run)
        assert sweep(api) == 1
        assert instance_of(helper, instances) == []
        assert until(lambda: not helpers(api) or None, timeout_s=LONG_S, time=Inbox())  # the engine removes it


def test_an_image_without_python_is_none_for_it(api: docker.APIClient, base: str) -> None:
    with (
        pytest.raises(EngineUnavailable, match=r"no helper runs on the engine: .*python3"),
        helped(api, base, [TERM], lambda _: None),
    ):
        pass
    assert helpers(api) == []
