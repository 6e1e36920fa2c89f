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
from harness.core.subject import Answering, Healthy, LaunchOptions, Listening, LogPattern, Quiescent, Succeeding

if TYPE_CHECKING:
    from pathlib import Path

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


def test_what_a_container_may_do_is_named_as_docker_run_names_it(asks: Any) -> None:
    words = ("--cap-add", "SYS_PTRACE", "--cap-add", "NET_ADMIN", "--read-only", "--tmpfs", "/run:size=1m")
    assert asks("x", *words, "--platform", "linux/arm64").options == LaunchOptions(
        cap_add=("SYS_PTRACE", "NET_ADMIN"), read_only=True, tmpfs=("/run:size=1m",), platform="linux/arm64"
    )


def test_variables_of_files_come_below_those_that_are_named(
    asks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", "here")
    (tmp_path / "one").write_text("A=1\nB=1\n")
    (tmp_path / "two").write_text("B=2\nC=2\nMINE\n")
    words = ("-e", "C=3", "--env-file", str(tmp_path / "one"), "--env-file", str(tmp_path / "two"), "-e", "NOT_SET")
    assert asks("x", *words).options.environment == {"A": "1", "B": "2", "C": "3", "MINE": "here"}


@pytest.mark.parametrize(
    ("way", "ready"),
    [
        ("healthy", Healthy()),
        ("rest", Quiescent()),
        ("port:8080", Listening(ports=(8080,))),
        ("http:/health?full=1", Answering(path="/health?full=1")),
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


def test_requests_in_flight(asks: Any) -> None:
    wanted = asks("x", "--request", "/slow?s=2", "--in-flight", "3", "--port", "8080", "--network", "mine")
    assert (wanted.request, wanted.in_flight, wanted.port) == ("/slow?s=2", 3, 8080)
    assert (asks("x").request, asks("x").in_flight, asks("x").port) == (None, 1, None)


@pytest.mark.parametrize(
    "words",
    [
        ("--request", "/", "--signal", "HUP", "--probe", "stop"),
        ("--request", "/", "--probe", "all"),
        ("--ready", "http:/", "--port", "80"),
    ],
)
def test_requests_where_they_can_be_sent(asks: Any, words: tuple[str, ...]) -> None:
    assert asks("x", *words)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "nothing is named to check"),
        (["x", "--ready", "port:0"], "'port:0' is none of healthy, port:N, http:/PATH, log:RE, exec:CMD, rest"),
        (["x", "--ready", "port:99999"], "is none of"),
        (["x", "--ready", "http:health"], "is none of"),
        (["x", "--ready", "http:/a b"], "is none of"),
        (["x", "--request", "slow"], "'slow' is not a path such as"),
        (["x", "--request", "/a\r\nHost: b"], "is not a path such as"),
        (["x", "--request", "/ä"], "is not a path such as"),
        (["x", "--request", "/", "--port", "0"], "not in the range"),
        (["x", "--request", "/", "--in-flight", "0"], "not in the range"),
        (["x", "--in-flight", "2"], "--in-flight is how many requests there are"),
        (["x", "--port", "80"], "--port is where requests are sent"),
        (["x", "--request", "/", "--signal", "HUP"], "requests are in flight as an image is stopped"),
        (["x", "--request", "/", "--probe", "reap"], "requests are in flight as an image is stopped"),
        (["x", "--request", "/", "--network", "none"], "with --network none no port of the container can be published"),
        (["x", "--ready", "http:/", "--network", "host"], "with --network host no port"),
        (["x", "--request", "/", "--network", "container:db"], "with --network container:db no port"),
        (["x", "--ready", "log:["], "'[' is not a regular expression"),
        (["x", "--ready", "exec:'"], "is none of"),
        (["x", "--ready", "rest:1"], "is none of"),
        (["x", "--app", "("], "'(' is not a regular expression"),
        (["x", "-e", "=b"], "'=b' has no name"),
        (["x", "--env-file", "/nowhere"], "/nowhere cannot be read: No such file or directory"),
        (["x", "--memory", "12 apples"], "'12 apples' is not a size, such as 512m or 2g"),
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


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["--env-file", "/nowhere"], "Name a file with a line NAME=VALUE for each variable, or"),
        (["--env", "=b"], "Write NAME=VALUE, or NAME for the value in your environment."),
        (["--volume", "here"], "For instance: --volume ./data:/data,"),
    ],
)
def test_what_is_refused_says_what_to_write(words: list[str], remedy: str) -> None:
    refused = CliRunner().invoke(check, ["x", *words]).exception
    assert isinstance(refused, UsageError)
    assert refused.remedy.startswith(remedy)


def test_a_mount_counts_from_the_working_folder(asks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert asks("x", "--volume", "./data:/data:ro").options.volumes == (f"{tmp_path}/data:/data:ro",)
