"""Assertions about images: a wrong option is told before an engine is asked, and a failure holds the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.asserting import assert_forwards, assert_graceful_stop, failure
from harness.checking import Check
from harness.core.document import Chosen
from harness.core.errors import EngineUnavailable, UsageError
from harness.core.question import Probe
from harness.core.subject import LaunchOptions
from tests.support.evidence import changed
from tests.support.reports import FORCED, UNTESTED, result

if TYPE_CHECKING:
    from harness.core.document import Row
    from harness.core.evidence import Evidence, Untested


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"within": 0}, "within=0 is not a number of whole seconds"),
        ({"within": 1.5}, "within=1.5 is not a number of whole seconds"),
        ({"within": True}, "within=True is not"),
        ({"command": "node server.js"}, "command='node server.js' is one text"),
        ({"envs": {}}, "envs= is not an option"),
        ({"ready": "("}, "is not a regular expression"),
        ({"app": "["}, "is not a regular expression"),
        ({"stop_signal": "FOO"}, "'FOO' is not a signal"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_wrong_option_is_told(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        assert_graceful_stop("my/app", **options)
    assert told in str(refused.value)


def test_a_wrong_signal_is_told() -> None:
    with pytest.raises(UsageError, match="'FOO' is not a signal"):
        assert_forwards("my/app", "FOO")


def test_without_an_engine_nothing_is_asserted() -> None:
    with pytest.raises(EngineUnavailable):
        assert_graceful_stop("my/app", within=5, command=["node"], env={"A": "1"}, init=True)


def told(evidence: Evidence | Untested, **options: Any) -> list[str]:
    row: Row = changed(result("my/app", evidence, probe=Probe.STOP), base=None)
    return failure(row, Check(images=("my/app",), options=LaunchOptions(**options))).splitlines()


def test_a_failure_has_verdict_reason_roll_call_and_what_to_do() -> None:
    lines = told(changed(FORCED, trace=None), command=("sh", "-c", "a; b"))
    assert lines[0].startswith("my/app, stop: forced: PID 1 is `/bin/sh -c node server.js`: the app never saw SIGTERM")
    assert lines[1:3] == [
        "the roll call",
        "  1 /bin/sh -c node server.js  [~ told by docker; not known what it did; exited with 137]",
    ]
    assert lines[-1] == "to see what helps: signal-harness check my/app -- sh -c 'a; b'"


def test_a_failure_says_what_was_taken_for_the_app() -> None:
    row = result("my/app", changed(FORCED, trace=None), probe=Probe.STOP)
    chosen = Chosen(pid=7, command="node server.js", why="first process below sh that does more than start another")
    row = changed(row, base=None, evidence=changed(row.evidence, apps=(chosen,)))
    lines = failure(row, Check(images=("my/app",))).splitlines()
    assert lines[1] == "app: node server.js (PID 7): first process below sh that does more than start another"
    assert lines[2] == "the roll call"


def test_what_could_not_be_tested_has_its_reason_and_its_log() -> None:
    lines = told(UNTESTED)
    assert lines == [
        "my/app, stop: untested: no ready line within 30 s",
        "end of the log",
        "  starting",
        "to see what helps: signal-harness check my/app",
    ]


def test_a_hostile_command_makes_no_lines_of_ours() -> None:
    lines = told(UNTESTED, command=("sh", "-c", "a\n\x1b[2Jb"))
    assert lines[-1] == "to see what helps: signal-harness check my/app -- sh -c 'a\\n\\x1b[2Jb'"
