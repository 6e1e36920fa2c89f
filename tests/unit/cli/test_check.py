"""The options of ``check``: what is refused before an engine is asked, and what stands behind ``--``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from harness import checking
from harness.cli.check import check
from harness.core.errors import ExitCode, HarnessError, UsageError
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.subject import Healthy, LaunchOptions, Listening, LogPattern, Quiescent, Succeeding

if TYPE_CHECKING:
    from harness.checking import Check


class _Asked(Exception):
    """What would be checked."""


@pytest.fixture
def asks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command up to where it asks an engine."""

    def refuse(wanted: Check, _hooks: object) -> None:
        raise _Asked(wanted)

    monkeypatch.setattr(checking, "Checking", refuse)

    def ask(*words: str) -> Check:
        error = CliRunner().invoke(check, list(words)).exception
        assert isinstance(error, _Asked), error
        wanted: Check = error.args[0]
        return wanted

    return ask


def test_an_image_is_stopped_as_it_is(asks: Any) -> None:
    wanted = asks("nginx:1.27")
    assert (wanted.images, wanted.options, wanted.signals, wanted.probes) == (("nginx:1.27",), LaunchOptions(), (), ())
    assert (wanted.ready, wanted.process, wanted.tries) == (None, None, True)


def test_all_probes_are_those_that_need_no_catalogue(asks: Any) -> None:
    assert asks("x", "--probe", "all").probes == (Probe.SIGNAL, Probe.STOP, Probe.REAP, Probe.TTY)
    assert "exit-code" not in CliRunner().invoke(check, ["--help"]).output


def test_what_stands_behind_two_dashes_is_the_containers(asks: Any) -> None:
    wanted = asks("one", "two", "--init", "--", "node", "--init", "-e", "a b", "--")
    assert wanted.images == ("one", "two")
    assert wanted.options == LaunchOptions(init=True, command=("node", "--init", "-e", "a b", "--"))


def test_options_are_those_of_docker_run(asks: Any) -> None:
    words = ("-e", "A=b=c", "-u", "1000", "-v", "/a:/b", "--network", "none", "--stop-signal", "int")
    more = ("--stop-timeout", "30", "--memory", "64m", "--pids-limit", "9", "--entrypoint", "/bin/sh")
    assert asks("x", *words, *more).options == LaunchOptions(
        environment={"A": "b=c"},
        user="1000",
        volumes=("/a:/b",),
        network="none",
        stop_signal="SIGINT",
        stop_timeout=30,
        memory="64m",
        pids_limit=9,
        entrypoint=("/bin/sh",),
    )


@pytest.mark.parametrize(
    ("way", "ready"),
    [
        ("healthy", Healthy()),
        ("rest", Quiescent()),
        ("port:8080", Listening(ports=(8080,))),
        ("exec:test -e '/a b'", Succeeding(command=("test", "-e", "/a b"))),
    ],
)
def test_ways_to_be_ready(asks: Any, way: str, ready: object) -> None:
    assert asks("x", "--ready", way).ready == ready


def test_a_line_of_the_log_tells_too(asks: Any) -> None:
    found = asks("x", "--ready", "log:up: \\d+")
    assert isinstance(found.ready, LogPattern)
    assert found.ready.pattern == re.compile("up: \\d+")


def test_signals_and_probes(asks: Any) -> None:
    wanted = asks("x", "--signal", "hup", "--signal", "1", "--probe", "stop", "--probe", "reap", "--no-try")
    assert (wanted.signals, wanted.probes, wanted.tries) == ((Signal(1),), (Probe.STOP, Probe.REAP), False)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "no image is named"),
        (["x", "--ready", "port:0"], "'port:0' is none of healthy, port:N, log:RE, exec:CMD, rest"),
        (["x", "--ready", "port:99999"], "is none of"),
        (["x", "--ready", "log:["], "'[' is not a regular expression"),
        (["x", "--ready", "exec:'"], "is none of"),
        (["x", "--ready", "rest:1"], "is none of"),
        (["x", "--app", "("], "'(' is not a regular expression"),
        (["x", "-e", "NAME"], "'NAME' is not NAME=VALUE"),
        (["x", "-e", "=b"], "'=b' is not NAME=VALUE"),
        (["x", "--stop-signal", "FOO"], "'FOO' is not a signal"),
        (["x", "--stop-timeout", "0"], "not in the range"),
        (["x", "--signal", "KILL"], "SIGKILL cannot be caught"),
    ],
)
def test_bad_input_is_refused(words: list[str], told: str) -> None:
    done = CliRunner().invoke(check, words)
    if isinstance(done.exception, HarnessError):
        assert isinstance(done.exception, UsageError)
        assert told in done.exception.message
    else:
        assert done.exit_code == ExitCode.USAGE
        assert told in " ".join(done.output.split())
