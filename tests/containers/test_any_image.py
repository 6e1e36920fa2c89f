"""Images of anybody, through the public test API: no log pattern, no change to the image, nothing left behind."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import pytest
from docker.utils import kwargs_from_env
from testcontainers.core.wait_strategies import (
    ExecWaitStrategy,
    HealthcheckWaitStrategy,
    HttpWaitStrategy,
    LogMessageWaitStrategy,
)

from harness.core.document import Became
from harness.core.errors import BaseUnavailable, EngineUnavailable, UsageError
from harness.engine.registry import open_engine
from harness.session import open_bases
from harness.testing import SignalContainer, assert_forwards, assert_graceful_stop
from tests.support.leftovers import left_behind

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engine
needs_record = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="the record needs root")
ROOT = Path(__file__).parents[2]
MUSL = "local:musl-node24"
STAYS = "require('net').createServer().listen(9000);"  # no timer, so that it is at rest at once
LEAVES = f"process.on('SIGTERM', () => setTimeout(process.exit, 50, 0)); {STAYS}"
COUNTS = "process.on('SIGHUP', () => console.log('got SIGHUP'));"
SERVES = "require('http').createServer((_, answer) => answer.end()).listen(8080, () => console.log('listening'));"
NODE = ["node", "-e", LEAVES]
WRAPPED = ["/bin/sh", "-c", f'node -e "{LEAVES}"; true']


@pytest.fixture(scope="module")
def base() -> str:
    """An image with nothing but Node, by the engine's tag."""
    with closing(open_engine()) as engine:
        bases = open_bases(engine, lambda _: None)
        bases.get(MUSL)
        return bases.tag(MUSL)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """What tests before in this process have is theirs."""
    before = left_behind(os.getpid())
    yield
    assert left_behind(os.getpid()) == before


@pytest.fixture
def no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise EngineUnavailable("the kernel's signal tracepoints need root")

    monkeypatch.setattr("harness.engine.tracefs._tracefs", refuse)


@needs_record
def test_the_kernel_tells_what_no_log_does(base: str) -> None:
    with SignalContainer(base, command=["node", "-e", LEAVES + COUNTS]).with_env("MODE", "test") as container:
        container.send("HUP")
        container.send("HUP")
        assert container.deliveries("SIGHUP") in (1, 2)  # the second may merge with the first
        assert container.deliveries("SIGTERM") == 0
        (app,) = container.process_tree()
        assert (app.number, "SIGHUP" in app.caught) == (1, True)
        container.send("TERM")
        container.assert_deliveries("SIGTERM", 1)
        assert container.wait_for_exit(10) == 0
        (call,) = container.roll_call()
        assert (call.app, call.told, call.by, call.became) == (True, True, "docker", Became.HANDLED)
        assert (call.end, call.inferred) == ("exited with 0", False)
        assert container.process_tree() == ()
    assert container.roll_call() == (call,)
    assert container.deliveries("SIGTERM") == 1


@needs_record
def test_who_loses_a_signal_is_named(base: str) -> None:
    with SignalContainer(base, command=WRAPPED) as container:
        container.send("SIGTERM")
        with pytest.raises(AssertionError, match="handled SIGTERM 0 times, not once") as caught:
            container.assert_deliveries("SIGTERM", 1)
        assert "the roll call\n  1 /bin/sh -c node" in str(caught.value)
        assert "[told by docker, +0.0 ms; dropped by the kernel; still there]" in str(caught.value)
        assert "[the app; never told; still there]" in str(caught.value)
        stopped = container.stop_gracefully(grace=1)
        assert (stopped.exit_code, stopped.forced) == (137, True)
        assert container.stop_gracefully() is stopped
        shell, app = container.roll_call()
        assert shell.end == "SIGKILL by docker, as the grace period ended"
        assert (app.told, app.end) == (False, "SIGKILL by the kernel, as PID 1 ended")


def test_a_stop_in_time_is_none_by_force(base: str) -> None:
    with SignalContainer(base, command=NODE) as container:
        assert not container.stop_gracefully(grace=10).forced
        assert container.wait_for_exit(1) == 0
        (call,) = container.roll_call()
        assert call.end == "exited with 0"


@pytest.mark.usefixtures("no_record")
def test_without_pattern_and_record_nothing_is_guessed(base: str) -> None:
    with SignalContainer(base, command=NODE) as container:
        container.send("SIGTERM")
        with pytest.raises(UsageError, match=r"no kernel's record \(the kernel's signal .* need root\).*received=…"):
            container.deliveries("SIGTERM")
        assert all(call.inferred for call in container.roll_call())


@pytest.mark.usefixtures("no_record")
def test_what_the_masks_prove_needs_no_record(base: str) -> None:
    with SignalContainer(base, command=WRAPPED) as container:
        container.send("SIGTERM")
        assert container.deliveries("SIGTERM") == 0


@pytest.mark.usefixtures("no_record")
def test_a_pattern_needs_no_record(base: str) -> None:
    received = r"got (?P<signal>SIG\w+)"
    with SignalContainer(base, command=["node", "-e", LEAVES + COUNTS], received=received) as container:
        container.send("HUP")
        assert container.deliveries("SIGHUP") == 1


def test_what_is_asked_wrongly_is_told(base: str) -> None:
    with pytest.raises(UsageError, match="has no group `signal`"):
        SignalContainer(base, received="got SIG")
    with pytest.raises(UsageError, match="is not a regular expression"):
        SignalContainer(base, ready="(")
    with SignalContainer(base, command=NODE) as container:
        with pytest.raises(RuntimeError, match="no signal has been sent yet"):
            container.roll_call()
        with pytest.raises(UsageError, match="the kernel's record leaves it out"):
            container.deliveries("SIGCHLD")


@pytest.mark.parametrize(
    "strategy",
    [
        LogMessageWaitStrategy("listening"),
        HttpWaitStrategy(8080),
        ExecWaitStrategy(["node", "-e", "require('net').connect(8080).on('connect', () => process.exit(0))"]),
    ],
    ids=["log", "http", "exec"],
)
def test_wait_strategies_tell_when_it_is_ready(strategy: LogMessageWaitStrategy, base: str) -> None:
    container = SignalContainer(base, command=["node", "-e", LEAVES + SERVES]).with_exposed_ports(8080)
    with container.waiting_for(strategy):
        assert b"listening" in container.get_logs()[0]
        container.send("SIGTERM")
        assert container.wait_for_exit(10) == 0


def test_a_health_check_tells_when_it_is_ready(base: str) -> None:
    check = {"test": ["CMD", "test", "-e", "/tmp/up"], "interval": 200_000_000}
    script = f"setTimeout(() => {{ require('fs').writeFileSync('/tmp/up', ''); {LEAVES} }}, 500);"
    with SignalContainer(base, command=["node", "-e", script], healthcheck=check) as container:
        app, *_ = container.process_tree()  # a check may be under way
        assert "SIGTERM" in app.caught
        HealthcheckWaitStrategy().wait_until_ready(container)


def test_a_strategy_that_is_never_met_leaves_nothing(base: str) -> None:
    never = LogMessageWaitStrategy("never").with_startup_timeout(1)
    container = SignalContainer(base, command=NODE).waiting_for(never)
    with pytest.raises(TimeoutError):
        container.start()


def test_what_the_constructor_was_given_outlives_with_kwargs(base: str) -> None:
    with SignalContainer(base, command=NODE, init=True).with_kwargs(labels={"mine": "1"}) as container:
        first, _ = container.process_tree()
        assert "init" in first.command
        assert left_behind(os.getpid())


# Assertions.


def test_an_image_that_stops_well_passes() -> None:
    assert_graceful_stop(MUSL, within=5, command=NODE, env={"MODE": "test"})


@needs_record
def test_an_image_that_does_not_fails_with_the_roll_call() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_graceful_stop(MUSL, within=1, command=WRAPPED)
    first, app, second, *rest = str(caught.value).splitlines()
    assert app.startswith("app: node -e ")
    assert re.match(r"local:musl-node24, stop: forced: PID 1 is `/bin/sh -c .*`: the app never saw SIGTERM", first)
    assert second == "the roll call"
    assert any("[the app; never told; SIGKILL by the kernel, as PID 1 ended]" in line for line in rest)
    assert rest[-1].startswith("to see what helps: signal-harness check local:musl-node24 -- /bin/sh -c ")


@needs_record
def test_an_app_that_gets_a_signal_passes_and_one_that_does_not_fails() -> None:
    assert_forwards(MUSL, "HUP", command=["node", "-e", LEAVES + COUNTS])
    with pytest.raises(AssertionError, match="SIGTERM: swallowed: "):
        assert_forwards(MUSL, command=["node", "-e", STAYS])


def test_what_could_not_be_tested_fails_and_says_why() -> None:
    with pytest.raises(AssertionError, match=r"stop: untested: .*no-such-command"):
        assert_graceful_stop(MUSL, entrypoint="no-such-command")


def test_an_image_that_is_missing_is_no_failed_assertion() -> None:
    with pytest.raises(BaseUnavailable):
        assert_graceful_stop("localhost:1/no/such:1")


# The documentation.


@pytest.fixture(scope="module")
def app(base: str) -> Iterator[str]:
    """The image that the documentation calls my/app."""
    tag = f"signal-harness-test/app:{os.getpid()}"
    script = LEAVES + COUNTS + SERVES + "process.on('SIGTERM', () => console.log('got SIGTERM'));"
    dockerfile = f'FROM {base}\nENTRYPOINT []\nCMD ["node", "-e", "{script}"]\n'.encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        archive.addfile(entry, io.BytesIO(dockerfile))
    with closing(docker.APIClient(**kwargs_from_env(), version="auto")) as api:
        list(api.build(fileobj=io.BytesIO(packed.getvalue()), custom_context=True, tag=tag, rm=True))
        yield tag
        api.remove_image(tag, force=True)


@needs_record
@pytest.mark.parametrize("page", ["README.md", "docs/in-tests.md"])
def test_what_the_documentation_shows_passes(page: str, app: str, tmp_path: Path) -> None:
    text = ROOT.joinpath(page).read_text(encoding="utf-8")
    snippets = [part for part in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S) if "harness.testing" in part]
    assert snippets
    for number, snippet in enumerate(snippets):
        tmp_path.joinpath(f"test_{number}.py").write_text(snippet.replace("my/app", app), encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout
