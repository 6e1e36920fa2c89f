"""``audit`` on containers that run: what it foretells, that it touches nothing, and that what it advises works."""

from __future__ import annotations

import json
import os
import shlex
import signal as os_signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest

from harness.core.audit import chosen, ranked
from harness.engine.registry import open_engine
from tests.support.command import command
from tests.support.own_containers import TRAPS, own_containers
from tests.support.python_base import python_base

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

pytestmark = [pytest.mark.engine, pytest.mark.cli]

SHELL, FINE, BELOW, PAUSED, HOSTS, HALTED, KILLED = (
    f"audited-{name}" for name in ("shell", "fine", "below", "paused", "hosts", "halted", "killed")
)
SLEEP: Final = ("sleep", "1000")
EXPECTED: Final = {
    HALTED: ("forced", "certain"),
    KILLED: ("forced", "certain"),
    SHELL: ("forced", "certain"),
    PAUSED: ("forced", "likely"),
    HOSTS: ("abrupt", "certain"),
    BELOW: ("abrupt", "likely"),
    FINE: ("graceful", "likely"),
}
"""The worst first."""

NAMES: Final = (HOSTS, SHELL, FINE, BELOW, KILLED, PAUSED, HALTED)
Row = dict[str, Any]


@pytest.fixture(scope="module")
def api() -> Iterator[docker.APIClient]:
    image = python_base()
    wanted = {
        SHELL: {"image": image, "entrypoint": ["sh", "-c"], "command": ["sleep 1000; true"], "stop_timeout": 1},
        FINE: {"image": image, "command": TRAPS, "environment": {"SECRET": "s3cret"}},
        BELOW: {"image": image, "command": SLEEP, "host": {"init": True, "auto_remove": True}},
        PAUSED: {"image": image, "command": SLEEP},
        HOSTS: {"image": image, "command": SLEEP, "host": {"pid_mode": "host"}},
        HALTED: {"image": image, "command": TRAPS, "stop_signal": "SIGSTOP", "stop_timeout": 1},
        KILLED: {"image": image, "command": TRAPS, "stop_signal": "SIGKILL"},
    }
    with own_containers(wanted) as api:
        api.pause(PAUSED)
        yield api


def audit(*names: str) -> tuple[dict[str, Row], subprocess.CompletedProcess[str]]:
    done = command("audit", "--json", "-", *names)
    return {one["name"]: one for one in json.loads(done.stdout)["containers"]}, done


def events_since(api: docker.APIClient, began_ns: int, names: tuple[str, ...]) -> set[str]:
    """What the engine was told to do with containers, by its own word."""
    seconds = began_ns // 1_000_000_000
    events = api.events(
        since=seconds, until=int(time.time()) + 1, decode=True, filters={"type": "container", "container": list(names)}
    )
    return {event["Action"].partition(":")[0] for event in events if event["timeNano"] >= began_ns}


def test_a_stop_is_foretold_and_nothing_is_touched(api: docker.APIClient) -> None:
    before, began_ns = {name: api.inspect_container(name)["State"]["Pid"] for name in NAMES}, time.time_ns()
    found, done = audit(*NAMES)
    assert done.returncode == 1
    assert {name: (one["expected"], one["sure"]) for name, one in found.items()} == EXPECTED
    assert list(found) == list(EXPECTED)
    assert found[SHELL]["grace_s"] == 1
    assert [one["command"] for one in found[BELOW]["processes"] if one["app"]] == ["sleep 1000"]
    assert "--rm" in found[BELOW]["notes"][0]
    assert before == {name: api.inspect_container(name)["State"]["Pid"] for name in NAMES}
    assert events_since(api, began_ns, NAMES) <= ({"top"} if os.geteuid() else set())
    assert found[HOSTS]["check"] is None


def test_what_ps_shows_tells_the_same(api: docker.APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this machine's /proc does not show the containers, as with an engine elsewhere."""
    monkeypatch.setattr("harness.engine.running.seen_in_proc", lambda *_: False)
    with closing(open_engine()) as engine:
        looked = engine.look(chosen(engine.listed(), NAMES))
    assert {one.name: (one.expected, one.sure) for one in ranked(looked)} == EXPECTED
    assert api.inspect_container(PAUSED)["State"]["Paused"]


def test_whoever_touches_a_container_is_found_out(api: docker.APIClient) -> None:
    began_ns = time.time_ns()
    api.exec_start(api.exec_create(FINE, ["true"])["Id"])
    assert "exec_create" in events_since(api, began_ns, (FINE,))


def test_the_command_that_it_names_measures_the_same(api: docker.APIClient) -> None:
    found, _ = audit(SHELL, FINE)
    assert "s3cret" not in json.dumps(found)
    assert "--env SECRET" in found[FINE]["check"]
    program, *words = shlex.split(found[SHELL]["check"])
    assert program == "signal-harness"
    at = words.index("--")
    done = command(*words[:at], "--no-try", *words[at:])
    assert done.returncode == 1, done.stdout + done.stderr
    assert "stop: ✗ forced" in done.stdout


def test_a_container_is_named_by_the_beginning_of_its_id(api: docker.APIClient) -> None:
    found, done = audit(api.inspect_container(FINE)["Id"][:12])
    assert (list(found), done.returncode) == ([FINE], 0)


def test_an_unknown_name_is_told_with_what_it_may_mean(api: docker.APIClient) -> None:
    done = command("audit", "audited-fien")
    assert done.returncode == 2
    assert "there is no container 'audited-fien'" in done.stderr
    assert f"Did you mean {FINE}" in done.stderr


def test_a_watch_in_a_pipe_tells_what_changes_and_ends_by_ctrl_c(api: docker.APIClient) -> None:
    words = [sys.executable, "-m", "harness", "audit", "--watch", PAUSED, FINE]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watch:
        assert watch.stdout is not None
        assert watch.stderr is not None
        first, second = watch.stdout.readline(), watch.stdout.readline()
        api.unpause(PAUSED)
        third = watch.stdout.readline()
        watch.send_signal(os_signal.SIGINT)
        rest, errors = watch.stdout.read(), watch.stderr.read()
        assert watch.wait() == 130, errors
    assert f"{PAUSED}: forced (likely)" in first
    assert f"{FINE}: graceful (likely)" in second
    assert f"{PAUSED}: forced (certain)" in third
    assert (rest, "Traceback" in errors) == ("", False)


def test_without_an_engine_it_says_how_to_get_one() -> None:
    done = command("audit", DOCKER_HOST="unix:///nowhere/docker.sock")
    assert done.returncode == 3
    assert "no engine answers" in done.stderr


def test_what_is_certain_comes_true(api: docker.APIClient) -> None:
    """By settings that no image of the catalogue has; it is the last, as nothing runs afterwards."""

    def stop(name: str) -> tuple[int, bool]:
        began = time.monotonic()
        api.stop(name, timeout=api.inspect_container(name)["Config"].get("StopTimeout", 10))
        return api.inspect_container(name)["State"]["ExitCode"], time.monotonic() - began >= 1

    certain = [name for name, (_, sure) in EXPECTED.items() if sure == "certain"]
    with ThreadPoolExecutor() as pool:
        ended = dict(zip(certain, pool.map(stop, certain), strict=True))
    code = {name: ended[name][0] for name in certain}
    assert code == {HALTED: 137, KILLED: 137, SHELL: 137, HOSTS: 143}
    assert ended[HALTED][1]
    assert ended[SHELL][1]
