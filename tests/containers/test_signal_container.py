"""Single containers, through the testcontainers API that users get."""

from __future__ import annotations

from typing import TYPE_CHECKING

import docker
import pytest

from harness.core.errors import EngineFault, UsageError
from harness.testing import SignalContainer

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.engine
MUSL, DEBIAN = "local:musl-node24", "local:debian12-node24"


def test_counts_what_arrives(image: Callable[[str, str], str]) -> None:
    with SignalContainer(image(DEBIAN, "node-exec-form")) as container:
        container.send("HUP")
        assert container.deliveries("SIGHUP") == 1
        container.send("HUP")
        assert container.deliveries("SIGHUP") == 2
        assert container.deliveries("SIGTERM") == 0


def test_sees_what_does_not_arrive(image: Callable[[str, str], str]) -> None:
    with SignalContainer(image(DEBIAN, "node-shell-form")) as container:
        container.send("SIGTERM")
        assert container.deliveries("SIGTERM") == 0


def test_a_graceful_app_exits_by_itself(image: Callable[[str, str], str]) -> None:
    env = {"SHUTDOWN_AFTER_MS": "50", "EXIT_CODE": "42"}
    with SignalContainer(image(MUSL, "dumb-init"), env=env) as container:
        container.send("SIGTERM")
        assert container.wait_for_exit(10) == 42
        assert container.deliveries("SIGTERM") == 1
        with pytest.raises(EngineFault):
            container.send("SIGTERM")


def test_stop_really_stops(image: Callable[[str, str], str]) -> None:
    with SignalContainer(image(MUSL, "node-exec-form"), env={"SHUTDOWN_AFTER_MS": "10"}) as container:
        container.stop()
        assert container.stopped is not None
        assert (container.stopped.exit_code, container.stopped.forced) == (0, False)
        assert b"Shutdown complete" in container.get_logs()[0]


def test_stop_tells_that_it_took_sigkill(image: Callable[[str, str], str]) -> None:
    with SignalContainer(image(DEBIAN, "node-shell-form"), env={"SHUTDOWN_AFTER_MS": "10"}) as container:
        container.stop(grace_s=1)
        assert container.stopped is not None
        assert (container.stopped.exit_code, container.stopped.forced) == (137, True)


def test_an_app_that_is_still_there_is_a_timeout(image: Callable[[str, str], str]) -> None:
    with SignalContainer(image(MUSL, "node-exec-form")) as container, pytest.raises(TimeoutError, match="still runs"):
        container.wait_for_exit(0.2)


def test_an_app_that_ends_at_once_leaves_nothing(image: Callable[[str, str], str]) -> None:
    container = SignalContainer(image(MUSL, "node-exec-form"), env={"SHUTDOWN_AFTER_MS": "nonsense"})
    with pytest.raises(RuntimeError, match="ended before the app was ready"), container:
        pytest.fail("it cannot have started")
    with pytest.raises(docker.errors.NotFound):
        docker.APIClient().inspect_container(container.get_container_id())


def test_counts_what_arrives_twice_in_one_line(image: Callable[[str, str], str]) -> None:
    code = (
        "process.on('SIGHUP', () => process.stdout.write('Received signal: SIGHUP '.repeat(2) + '\\n'));"
        "console.log('Listening on port 0'); setInterval(() => {}, 1e6);"
    )
    with SignalContainer(
        image(MUSL, "node-exec-form"), command=["node", "-e", code], received="signal: (?P<signal>SIG[A-Z]+)"
    ) as container:
        container.send("HUP")
        assert container.deliveries("SIGHUP") == 2


def test_refuses_a_signal_that_no_app_can_catch(image: Callable[[str, str], str]) -> None:
    with (
        SignalContainer(image(MUSL, "node-exec-form")) as container,
        pytest.raises(UsageError, match="cannot be caught"),
    ):
        container.send("SIGKILL")
