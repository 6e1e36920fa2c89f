"""``--as-is`` of bisect and diff: what is checked, and what is refused before an engine is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from harness import bisect as bisecting
from harness import checking
from harness.cli.bisect import bisect
from harness.cli.diff import diff
from harness.core.errors import HarnessError
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.subject import LaunchOptions, Listening
from tests.support.evidence import changed
from tests.support.reports import FORCED, GRACEFUL, UNTESTED, report, result

if TYPE_CHECKING:
    from pathlib import Path

    from harness.checking import Check
    from harness.core.evidence import Evidence, Untested

TWO = ("--image", "a:1", "--image", "a:2")


class _Asked(Exception):
    """What would be checked."""


def asked(monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[Check, tuple[str, ...]]:
    """The check that a command asks for, and the images that are searched."""

    def checked(wanted: Check, _hooks: object) -> None:
        raise _Asked(wanted, wanted.images)

    def bisected(wanted: Check, references: tuple[str, ...], **_: object) -> None:
        raise _Asked(wanted, references)

    monkeypatch.setattr(checking, "Checking", checked)
    monkeypatch.setattr(bisecting, "Bisection", bisected)
    name, *rest = words
    error = CliRunner().invoke({"bisect": bisect, "diff": diff}[name], rest).exception
    assert isinstance(error, _Asked), error
    wanted, references = error.args
    return wanted, references


def test_bisect_asks_each_image_one_question_and_tries_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, references = asked(monkeypatch, "bisect", "stop", "--as-is", *TWO)
    assert references == ("a:1", "a:2")
    assert (wanted.images, wanted.probes, wanted.signals) == ((), (Probe.STOP,), ())
    assert (wanted.tries, wanted.jobs, wanted.options) == (False, 1, LaunchOptions())


def test_bisect_asks_a_signal_wherever_the_flag_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (("--as-is", "HUP", *TWO), (*TWO, "HUP", "--as-is")):
        wanted, _ = asked(monkeypatch, "bisect", *words)
        assert (wanted.probes, wanted.signals) == ((), (Signal(1),))


def test_bisect_takes_images_of_a_file_behind_those_that_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "tags"
    file.write_text("a:3  # the last\n\na:4\n")
    _, references = asked(monkeypatch, "bisect", "stop", "--as-is", *TWO, "--image-file", str(file))
    assert references == ("a:1", "a:2", "a:3", "a:4")


@pytest.mark.parametrize("words", [("bisect", "stop", "--as-is", *TWO), ("diff", "a:1", "a:2", "--as-is")])
def test_an_image_is_run_as_check_runs_it(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    more = ("--stop-timeout", "3", "--ready", "port:80", "--ready-timeout", "5", "--env", "A=b", "--init")
    wanted, _ = asked(monkeypatch, *words, *more, "--stop-signal", "quit", "--app", "^node")
    assert wanted.options == LaunchOptions(init=True, environment={"A": "b"}, stop_timeout=3, stop_signal="SIGQUIT")
    assert (wanted.ready, wanted.ready_s) == (Listening(ports=(80,)), 5)
    assert wanted.process is not None


def test_diff_checks_both_and_asks_what_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, images = asked(monkeypatch, "diff", "a:1", "a:2", "--as-is", "--probe", "all", "--signal", "TERM")
    assert images == ("a:1", "a:2")
    assert (wanted.signals, wanted.tries) == ((Signal(15),), False)
    assert wanted.probes == (Probe.SIGNAL, Probe.STOP, Probe.REAP, Probe.TTY)
    assert asked(monkeypatch, "diff", "a:1", "a:2", "--as-is")[0].probes == ()


@pytest.mark.parametrize(
    ("words", "message", "remedy"),
    [
        (("stop", "--as-is"), "no image is named", "--image-file F"),
        (("stop", "--as-is", "--image", "a"), "give at least two images", "Repeat --image"),
        (("stop", "--as-is", "--image", "a", "--image", "a"), "a is named twice", "different images"),
        (("stop", "--as-is", *TWO, "--image-file", "/dev/null"), "/dev/null names no image", "One image per line"),
        (("npm-start", "stop", "--as-is", *TWO), "with --as-is there is no variant: 'npm-start'", "Name 'stop' alone."),
        (("stop", "--as-is", *TWO, "--base", "b"), "--base is not for images as they are", "Name images"),
        (("stop", "--as-is", *TWO, "--base-file", "b"), "--base-file is not for images as they are", "--image-file"),
        (("stop", "--as-is", *TWO, "--npm", "9..10"), "--npm is not for images as they are", "leave out --as-is"),
        (("stop", "--as-is", *TWO, "--catalogue", "."), "--catalogue is not for images as they are", "Leave it out"),
        (("stop", "--as-is", *TWO, "--grace", "3"), "--grace is not for images as they are", "--stop-timeout"),
        (("exit-code", "--as-is", *TWO), "exit-code cannot be asked of an image as it is", "stop, reap, tty"),
        (("all", "--as-is", *TWO), "'all' is more than one signal", "a single signal"),
        (("FOO", "--as-is", *TWO), "'FOO' is not a signal", "kill(1)"),
        (("HUP", "--as-is", *TWO, "--request", "/x"), "requests are in flight as an image is stopped", "--probe stop"),
        (("npm-start", "TERM", *TWO), "--image is for images as they are", "Add --as-is"),
        (("npm-start", "TERM", "--base", "a", "--base", "b", "--init"), "--init is for images", "Add --as-is"),
    ],
)
def test_bisect_is_told_what_is_wrong(words: tuple[str, ...], message: str, remedy: str) -> None:
    refused(bisect, words, message, remedy)


@pytest.mark.parametrize(
    ("words", "message", "remedy"),
    [
        (("a", "a", "--as-is"), "a is named twice", "different images"),
        (("a", "b", "--as-is", "--variant", "x"), "--variant is not for images as they are", "leave out --as-is"),
        (("a", "b", "--as-is", "--catalogue", "."), "--catalogue is not for images as they are", "Leave it out"),
        (("a", "b", "--as-is", "--base", "x"), "--base is not for images as they are", "Name images"),
        (("a", "b.json", "--as-is"), "'b.json' is not an image", "without --as-is"),
        (("a", "b:*", "--as-is"), "'b:*' is not an image", "two images"),
        (("a", "b", "--as-is", "--probe", "exit-code"), "exit-code cannot be asked", "stop, reap, tty"),
        (("a", "b", "--ready", "rest"), "--ready is for images as they are", "Add --as-is"),
    ],
)
def test_diff_is_told_what_is_wrong(words: tuple[str, ...], message: str, remedy: str) -> None:
    refused(diff, words, message, remedy)


def refused(command: Any, words: tuple[str, ...], message: str, remedy: str) -> None:
    error = CliRunner().invoke(command, list(words)).exception
    assert isinstance(error, HarnessError), error
    assert message in error.message
    assert remedy in error.remedy
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("words", "missing"),
    [((), "VARIANT"), (("npm-start",), "SIGNAL|PROBE"), (("--as-is", *TWO), "SIGNAL|PROBE")],
)
def test_an_argument_that_is_missing_is_named(words: tuple[str, ...], missing: str) -> None:
    done = CliRunner().invoke(bisect, list(words))
    assert done.exit_code == 2
    assert f"Missing argument '{missing}'" in done.stderr


def completed(*words: str) -> set[str]:
    """What a shell offers behind some words."""
    found = BashComplete(bisect, {}, "bisect", "_").get_completions(list(words), "")
    return {item.value for item in found}


def test_the_first_argument_completes_to_a_variant_or_with_as_is_to_a_question() -> None:
    assert "npm-start" in completed()
    assert {"SIGTERM", "stop"} <= completed("--as-is")
    assert "npm-start" not in completed("--as-is")


@pytest.mark.parametrize(
    ("old", "new", "fail_on", "code", "told"),
    [
        (GRACEFUL, FORCED, "worse", 1, "1 cell: 1 worse"),
        (GRACEFUL, FORCED, "never", 0, "1 cell: 1 worse"),
        (FORCED, GRACEFUL, "worse", 0, "1 cell: 1 better"),
        (FORCED, GRACEFUL, "any", 1, "1 cell: 1 better"),
        (GRACEFUL, GRACEFUL, "any", 0, "1 cell: 1 same"),
        (GRACEFUL, UNTESTED, "worse", 4, "a:2, stop: no ready line within 30 s"),
    ],
)
def test_diff_ends_as_its_verdicts_say(
    *,
    monkeypatch: pytest.MonkeyPatch,
    old: Evidence | Untested,
    new: Evidence | Untested,
    fail_on: str,
    code: int,
    told: str,
) -> None:
    rows = [changed(result(name, seen, probe=Probe.STOP), base=None) for name, seen in (("a:1", old), ("a:2", new))]
    monkeypatch.setattr("harness.cli.diff.measure_all", lambda _: changed(report(*rows), bases={}))
    done = CliRunner().invoke(diff, ["a:1", "a:2", "--as-is", "--fail-on", fail_on])
    assert done.exit_code == code, done.output
    assert told in done.stdout
