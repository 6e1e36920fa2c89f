"""Single containers, through the testcontainers API that users get."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import docker
import pytest

from harness.core.errors import EngineFault, UsageError
from harness.testing import SignalContainer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.engine
MUSL, DEBIAN = "local:musl-node24", "local:debian12-node24"
READY = r"Listening on port( \d+ pid=(?P<pid>\d+))?"
RECEIVED = r"Received signal: (?P<signal>SIG[A-Z0-9+-]+)( pid=(?P<pid>\d+))?"


def sample(image: str, *, received: str = RECEIVED, **rest: Any) -> SignalContainer:
    """A container of the sample app."""
    return SignalContainer(image, ready=READY, received=received, **rest)


def test_counts_what_arrives(image: Callable[[str, str], str]) -> None:
    with sample(image(DEBIAN, "node-exec-form")) as container:
        container.send("HUP")
        assert container.deliveries("SIGHUP") == 1
        container.send("HUP")
        assert container.deliveries("SIGHUP") == 2
        assert container.deliveries("SIGTERM") == 0


def test_sees_what_does_not_arrive(image: Callable[[str, str], str]) -> None:
    with sample(image(DEBIAN, "node-shell-form")) as container:
        container.send("SIGTERM")
        assert container.deliveries("SIGTERM") == 0


def test_a_graceful_app_exits_by_itself(image: Callable[[str, str], str]) -> None:
    env = {"SHUTDOWN_AFTER_MS": "50", "EXIT_CODE": "42"}
    with sample(image(MUSL, "dumb-init"), env=env) as container:
        container.send("SIGTERM")
        assert container.wait_for_exit(10) == 42
        assert container.deliveries("SIGTERM") == 1
        with pytest.raises(EngineFault):
            container.send("SIGTERM")


def test_stop_really_stops(image: Callable[[str, str], str]) -> None:
    with sample(image(MUSL, "node-exec-form"), env={"SHUTDOWN_AFTER_MS": "10"}) as container:
        container.stop()
        assert container.stopped is not None
        assert (container.stopped.exit_code, container.stopped.forced) == (0, False)
        assert b"Shutdown complete" in container.get_logs()[0]


def test_stop_tells_that_it_took_sigkill(image: Callable[[str, str], str]) -> None:
    with sample(image(DEBIAN, "node-shell-form"), env={"SHUTDOWN_AFTER_MS": "10"}) as container:
        container.stop(grace_s=1)
        assert container.stopped is not None
        assert (container.stopped.exit_code, container.stopped.forced) == (137, True)


def test_an_app_that_is_still_there_is_a_timeout(image: Callable[[str, str], str]) -> None:
    with sample(image(MUSL, "node-exec-form")) as container, pytest.raises(TimeoutError, match="still runs"):
        container.wait_for_exit(0.2)


def test_an_app_that_ends_at_once_leaves_nothing(image: Callable[[str, str], str]) -> None:
    container = sample(image(MUSL, "node-exec-form"), env={"SHUTDOWN_AFTER_MS": "nonsense"})
    with pytest.raises(RuntimeError, match="ended before the app was ready"), container:
        pytest.fail("it cannot have started")
    with pytest.raises(docker.errors.NotFound):
        docker.APIClient().inspect_container(container.get_container_id())


def test_counts_what_arrives_twice_in_one_line(image: Callable[[str, str], str]) -> None:
    code = (
        "process.on('SIGHUP', () => process.stdout.write('Received signal: SIGHUP '.repeat(2) + '\\n'));"
        "console.log('Listening on port 0'); setInterval(() => {}, 1e6);"
    )
    with sample(
        image(MUSL, "node-exec-form"), command=["node", "-e", code], received="signal: (?P<signal>SIG[A-Z]+)"
    ) as container:
        container.send("HUP")
        assert container.deliveries("SIGHUP") == 2


def test_refuses_a_signal_that_no_app_can_catch(image: Callable[[str, str], str]) -> None:
    with (
        sample(image(MUSL, "node-exec-form")) as container,
        pytest.raises(UsageError, match="cannot be caught"),
    ):
        container.send("SIGKILL")


def test_a_wrong_number_is_told_with_the_evidence(image: Callable[[str, str], str]) -> None:
    with sample(image(DEBIAN, "node-shell-form")) as container:
        container.send("SIGTERM")
        with pytest.raises(AssertionError) as caught:
            container.assert_deliveries("SIGTERM", 1)
        first, *rest = str(caught.value).splitlines()
        assert first == "the app handled SIGTERM 0 times, not once"
        assert {"the roll call", "processes before", "processes after", "end of the log"} <= set(rest)
        assert sum("1 /bin/sh -c " in line for line in rest) == 3
        assert rest[-1].startswith("  Listening on port 3000")
        container.assert_deliveries("SIGTERM", 0)


def test_a_right_number_is_told_if_another_is_asserted(image: Callable[[str, str], str]) -> None:
    with sample(image(MUSL, "node-exec-form"), env={"SHUTDOWN_AFTER_MS": "10"}) as container:
        container.send("SIGTERM")
        container.assert_deliveries("SIGTERM", 1)
        container.wait_for_exit(10)
        with pytest.raises(AssertionError, match="handled SIGTERM once, not 2 times") as caught:
            container.assert_deliveries("SIGTERM", 2)
        assert "processes after\n  none: the container has ended" in str(caught.value)
        assert "Shutdown complete" in str(caught.value)


@pytest.mark.parametrize("compared", ["container.deliveries('SIGTERM') == 1", "1 == container.deliveries('SIGTERM')"])
def test_pytest_shows_the_evidence_of_a_plain_assert(
    compared: str, image: Callable[[str, str], str], tmp_path: Path
) -> None:
    tmp_path.joinpath("test_it.py").write_text(
        "from harness.testing import SignalContainer\n"
        "def test_it():\n"
        f"    words = {{'ready': {READY!r}, 'received': {RECEIVED!r}}}\n"
        f"    with SignalContainer({image(DEBIAN, 'node-shell-form')!r}, **words) as container:\n"
        "        container.send('SIGTERM')\n"
        f"        assert {compared}\n"
    )
    words = [sys.executable, "-m", "pytest", "-vv", "-p", "no:cacheprovider", "test_it.py"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    shown = [line for line in done.stdout.splitlines() if line.startswith("E  ")]
    assert done.returncode == 1
    assert "the app handled SIGTERM 0 times" in done.stdout
    for part in ("processes before", "1 /bin/sh -c ", "end of the log", "Listening on port 3000"):
        assert any(part in line for line in shown)


def test_an_image_that_is_missing_is_one_clear_error() -> None:
    container = SignalContainer("signal-harness-test-no-such-image:1")
    with pytest.raises(
        UsageError, match=r"there is no image 'signal-harness-test-no-such-image:1': build it"
    ) as caught:
        container.start()
    assert "docker build -t signal-harness-test-no-such-image:1 ." in str(caught.value)
    assert caught.value.__suppress_context__


def test_errors_have_no_chain_of_tracebacks(image: Callable[[str, str], str]) -> None:
    with sample(image(MUSL, "node-exec-form"), env={"SHUTDOWN_AFTER_MS": "10"}) as container:
        with pytest.raises(TimeoutError, match=r"still runs after 0\.2 s\nprocesses before") as late:
            container.wait_for_exit(0.2)
        container.send("SIGTERM")
        container.wait_for_exit(10)
        with pytest.raises(EngineFault) as ended:
            container.send("SIGTERM")
    assert all(error.value.__suppress_context__ for error in (late, ended))
