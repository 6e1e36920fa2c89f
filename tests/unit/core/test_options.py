"""Options as a journal tells them: each by its name, and nothing of what a variable holds."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any, Final

import pytest

from harness.checking import Check
from harness.cli.check import check
from harness.cli.help import long_name
from harness.core.journal import option
from harness.core.options import told
from harness.core.subject import Answering, Healthy, LaunchOptions, Listening, LogPattern, Quiescent, Succeeding

CHECK = Check(images=("x",))
NOT_DECIDING = {"images", "build", "options", "signals", "probes", "jobs", "trace", "pull", "engine"}
OTHERS: Final[dict[str, Any]] = {
    "environment": {"A": "1"},
    "extra_hosts": {"a": "10.0.0.1"},
    "ready": Healthy(),
    "process": re.compile("node"),
}
OF_DOCKER_ALONE = {"--cpus", "--extra-hosts", "--cap-drop", "--security-opt"}


def other(name: str, value: object) -> Any:
    """Another value of a field than the one it has."""
    if name in OTHERS:
        return OTHERS[name]
    return not value if isinstance(value, bool) else 3 if isinstance(value, int | float) else ("other",)


@pytest.mark.parametrize("name", [one.name for one in fields(LaunchOptions)])
def test_each_launch_option_decides(name: str) -> None:
    options = replace(LaunchOptions(), **{name: other(name, getattr(LaunchOptions(), name))})
    assert differing(replace(CHECK, options=options)) == 1


@pytest.mark.parametrize("name", [one.name for one in fields(Check) if one.name not in NOT_DECIDING])
def test_each_field_of_a_check_decides_or_is_known_not_to(name: str) -> None:
    assert differing(replace(CHECK, **{name: other(name, getattr(CHECK, name))})) == 1


def differing(changed: Check) -> int:
    before, now = CHECK.deciding, changed.deciding
    assert list(before) == list(now)
    return sum(before[name] != now[name] for name in before)


def test_they_go_by_the_names_of_options() -> None:
    known = {option(f"--{long_name(param)}") for param in check.params} | {option(name) for name in OF_DOCKER_ALONE}
    assert set(CHECK.deciding) - known == {"the command", "whether fixes are tried"}


@pytest.mark.parametrize(
    ("ready", "text"),
    [
        (Healthy(), "healthy"),
        (Quiescent(), "rest"),
        (Listening(ports=(8080, 9090)), "port:8080,9090"),
        (Answering(path="/health"), "http:/health"),
        (LogPattern(pattern=re.compile("up: .*")), "log:up: .*"),
        (Succeeding(command=("test", "-e", "/a b")), "exec:test -e '/a b'"),
        (None, None),
    ],
)
def test_ways_to_be_ready_are_told_as_they_are_spelled(ready: Any, text: str | None) -> None:
    assert replace(CHECK, ready=ready).deciding[option("--ready")] == text


def test_what_is_told() -> None:
    options = LaunchOptions(command=("node", "a b.js"), init=True, memory="64m", volumes=(), cap_add=("SYS_PTRACE",))
    found = {name: value for name, value in told(options).items() if value is not None}
    assert found == {
        "the option --init": "yes",
        "the command": "node 'a b.js'",
        "the option --memory": "64m",
        "the option --cap-add": "SYS_PTRACE",
        "the option --read-only": "no",
    }


def test_what_a_variable_holds_is_not_told() -> None:
    first, second = (told(LaunchOptions(environment={"TOKEN": held, "B": "2"})) for held in ("secret", "\udcff"))
    named = first[option("--env")]
    assert named is not None
    assert re.fullmatch(r"TOKEN=sha256:[0-9a-f]{12}, B=sha256:[0-9a-f]{12}", named)
    assert named != second[option("--env")]
