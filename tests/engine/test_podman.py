"""A real Podman, by its service: started on demand, seen as what it is, and stopping containers as Docker does."""

from __future__ import annotations

import re
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest

from harness.core.judge import judge
from harness.core.question import Probe, Question
from harness.core.signals import Signal
from harness.core.subject import App, Folder, LaunchOptions, LogPattern, StopSetting
from harness.core.verdict import Verdict
from harness.engine.builds import bounds
from harness.engine.client import connect
from harness.engine.podman_engine import installed
from harness.engine.registry import open_engine
from harness.run.asking import Asking
from harness.run.observation import Patience
from harness.run.probes import module_of
from harness.run.probes.stop import StopEvidence
from harness.run.protocol import Launch
from harness.run.turns import Turns
from tests.support.copied_out import copied_out
from tests.support.facts import start_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.engine.protocol import OpenEngine
    from harness.run.protocol import Engine

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not installed(), reason="podman is not installed: apt-get install -y podman catatonit"),
]

BASE: Final = "signal-harness/base:musl-node24"
MEMORY: Final = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null | head -n 1"
PAGE: Final = 1 << 16
TERM: Final = Signal(15)
APP: Final = App(
    ready=LogPattern(pattern=re.compile("^ready")),
    receipts=LogPattern(pattern=re.compile("Received signal: (?P<signal>SIG[A-Z]+)")),
    done=LogPattern(pattern=re.compile("^done")),
    stop=StopSetting(),
)
DRAINS: Final = "trap 'echo Received signal: SIGTERM; echo done; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
DEAF: Final = "echo ready; while :; do sleep 0.05; done"


@pytest.fixture(scope="module")
def podman(base: str) -> Iterator[OpenEngine]:
    """Podman, with the base that Docker has, unless it has it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CONTAINER_HOST", raising=False)
        with closing(open_engine("podman")) as engine:
            if not has(base):
                saved = subprocess.Popen(("docker", "save", base), stdout=subprocess.PIPE)
                subprocess.run(("podman", "load"), stdin=saved.stdout, check=True, capture_output=True)
                assert saved.wait() == 0
            yield engine


def has(image: str) -> bool:
    return subprocess.run(("podman", "image", "exists", image), check=False).returncode == 0


@pytest.fixture(scope="module", params=[False, True], ids=["without the record", "with the record"])
def running(request: pytest.FixtureRequest, podman: OpenEngine) -> Iterator[Engine]:
    if not request.param:
        with podman.containers() as engine:
            yield engine
        return
    with podman.record((TERM,)) as record, podman.containers(record) as engine:
        yield engine


def ask(engine: Engine, text: str, *, grace_s: int, init: bool = False) -> StopEvidence:
    options = LaunchOptions(entrypoint=("/bin/sh", "-c", text), init=init, network="none")
    evidence = module_of(Probe.STOP).ask(
        Asking(
            engine=engine,
            turns=Turns(1),
            launch=Launch(image=BASE, options=options),
            app=APP,
            patience=Patience(grace_s=grace_s),
            question=Question(signal=TERM),
            start=start_command(),
        )
    )
    assert isinstance(evidence, StopEvidence), evidence
    return evidence


def test_it_says_what_it_is(podman: OpenEngine) -> None:
    facts = podman.facts()
    assert (facts.name, podman.cli, facts.init, facts.builder) == ("Podman", "podman", "catatonit", "Buildah")
    assert re.fullmatch(r"(runc|crun) \d\S*", facts.runtime)
    assert podman.shares_kernel


def test_its_builder_gets_a_dockerfile_and_bounds_and_copies_nothing_of_ours(
    podman: OpenEngine, tmp_path: Path
) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "file").write_text(uuid4().hex)
    (folder / "secret").write_text("x")
    (folder / ".dockerignore").write_text("secret\n")
    (tmp_path / "Outside").write_text(f"FROM {BASE}\nCOPY . /copied/\nRUN {MEMORY} > /copied/memory\n")
    tag = podman.build_folder(Folder(path=str(folder), dockerfile="../Outside"))
    with closing(connect(podman.url)) as api:
        most = bounds(api.info())["memory"]
        try:
            with copied_out(api, tag, "/copied") as tar:
                names = {"copied", *(f"copied/{name}" for name in ("file", ".dockerignore", "memory"))}
                assert set(tar.getnames()) == names
                limit = tar.extractfile("copied/memory")
                assert limit is not None
                assert abs(int(limit.read()) - most) < PAGE
        finally:
            api.remove_image(tag)


def test_a_service_that_was_started_for_us_ends_with_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.engine.podman_engine.sockets", lambda *_, **__: ("unix:///nowhere/podman.sock",))
    monkeypatch.delenv("CONTAINER_HOST", raising=False)
    engine = open_engine("podman")
    socket = Path(engine.url.removeprefix("unix://"))
    assert socket.is_socket()
    engine.close()
    assert not socket.parent.exists()


@pytest.mark.parametrize("init", [False, True])
def test_an_app_that_ends_by_itself_is_not_forced(running: Engine, *, init: bool) -> None:
    evidence = ask(running, DRAINS, grace_s=10, init=init)
    assert (judge(evidence).verdict, evidence.forced, evidence.seen.exit_code) == (Verdict.GRACEFUL, False, 0)
    assert evidence.took_s < 10


def test_an_app_that_does_not_is(running: Engine) -> None:
    evidence = ask(running, DEAF, grace_s=1)
    assert (judge(evidence).verdict, evidence.forced, evidence.seen.exit_code) == (Verdict.FORCED, True, 137)
    assert evidence.took_s >= 1


def test_one_that_does_not_stop_is_removed_outright(podman: OpenEngine) -> None:
    """Not after its own grace, which is longer than we wait for an answer."""
    options = LaunchOptions(entrypoint=("/bin/sh", "-c", DEAF), stop_timeout=300, network="none")
    launch, notes = Launch(image=BASE, options=options), list[str]()
    with podman.containers(note=notes.append) as engine, engine.launch(launch) as container:
        container.start()
        assert container.tree()
        name, began_s = container.name, time.monotonic()
    assert time.monotonic() - began_s < 60
    assert notes == []
    assert subprocess.run(("podman", "container", "exists", name), check=False).returncode == 1
