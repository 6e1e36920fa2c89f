"""Options of ``check`` by where they are said: typed, in the environment, in the config, or by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import pytest

from harness.cli.check import check, groups_of
from harness.cli.entry import cli
from harness.cli.help import Option, long_name, variable
from harness.core.config import CheckOptions
from harness.core.errors import UsageError
from harness.core.subject import Listening, Quiescent
from harness.core.verdict import Verdict
from harness.report.formats import Format
from tests.support.command_pages import below_of

if TYPE_CHECKING:
    from pathlib import Path

    from harness.checking import Check

WITHOUT = {"config", "no-config", "format", "output", "resume", *Format}
"""Options that say where the config is or take up a run, and those of outputs, which have a table of their own."""
CONFIG = """
[check]
stop-timeout = 3
max-stop = "2s"

[[subject]]
image = "my/app"
ready = "port:8080"
no-try = true
require = ["abrupt"]
env = { LEVEL = "debug" }
command = ["node", "server.js"]

[[subject]]
image = "my/other"
stop-timeout = 7

[[subject]]
image = "my/third"

[output]
json = "out.json"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a config."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "signal-harness.toml").write_text(CONFIG)
    return tmp_path


def context(*words: str) -> click.Context:
    return check.make_context("check", list(words), parent=click.Context(cli, info_name="signal-harness"))


def params(*words: str) -> dict[str, Any]:
    return context(*words).params


def groups(*words: str) -> list[tuple[Check, float | None]]:
    made = context(*words)
    return groups_of(made, made.params["images"], made.params, {})


def refusal(*words: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        groups(*words)
    assert caught.value.exit_code == 2
    return caught.value


def options() -> list[click.Option]:
    return [param for param in check.params if isinstance(param, click.Option)]


def test_the_config_has_every_option_of_check_by_its_long_name() -> None:
    keys = {name.replace("_", "-") for name in CheckOptions.__struct_fields__}
    assert keys == {long_name(option) for option in options()} - WITHOUT


def test_what_is_typed_goes_before_the_environment_before_the_config_before_the_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert params("x")["stop_timeout"] == 3
    monkeypatch.setenv("SIGNAL_HARNESS_CHECK_STOP_TIMEOUT", "4")
    assert params("x")["stop_timeout"] == 4
    assert params("x", "--stop-timeout", "5")["stop_timeout"] == 5
    monkeypatch.setenv("SIGNAL_HARNESS_CHECK_STOP_TIMEOUT", "")
    assert params("x")["stop_timeout"] == 3
    (folder / "signal-harness.toml").unlink()
    assert params("x")["stop_timeout"] is None


def test_that_holds_for_subjects_of_the_config_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [one.options.stop_timeout for one, _ in groups()] == [3, 7, 3]
    monkeypatch.setenv("SIGNAL_HARNESS_CHECK_STOP_TIMEOUT", "4")
    assert {one.options.stop_timeout for one, _ in groups()} == {4}
    assert {one.options.stop_timeout for one, _ in groups("--stop-timeout", "5")} == {5}


def test_without_a_subject_those_of_the_config_are_checked_each_with_its_options() -> None:
    (app, limits), (other, its), (third, _) = groups()
    assert (app.images, other.images, third.images) == (("my/app",), ("my/other",), ("my/third",))
    assert app.ready == Listening(ports=(8080,))
    assert app.options.command == ("node", "server.js")
    assert app.options.environment == {"LEVEL": "debug"}
    assert (app.tries, other.tries) == (False, True)
    assert (limits.max_stop_s, its.max_stop_s, its.required) == (2.0, 2.0, ())
    assert limits.required[-1] is Verdict.ABRUPT


def test_subjects_that_are_alike_are_checked_together() -> None:
    assert [one.images for one, _ in groups("--stop-timeout", "5")] == [("my/app",), ("my/other", "my/third")]


def test_a_subject_that_is_named_has_the_options_that_the_config_gives_it() -> None:
    (one, _), (stranger, _) = groups("my/app", "stranger", "--ready", "rest")
    assert (one.images, one.options.command, one.ready) == (("my/app",), ("node", "server.js"), Quiescent())
    assert (stranger.images, stranger.options.command, stranger.options.stop_timeout) == (("stranger",), None, 3)


def test_a_command_that_is_typed_goes_before_that_of_the_config() -> None:
    ((one, _),) = groups("my/app", "--", "sleep", "1")
    assert one.options.command == ("sleep", "1")


def test_no_config_reads_none() -> None:
    assert params("x", "--no-config")["stop_timeout"] is None
    assert refusal("--no-config").message == "nothing is named to check"


def test_a_config_by_its_name_is_read_in_place_of_the_nearest(folder: Path) -> None:
    (folder / "other.toml").write_text("[check]\nstop-timeout = 9\n")
    assert params("x", "--config", "other.toml")["stop_timeout"] == 9
    assert params("--config", "other.toml", "x")["json"] is None


@pytest.mark.parametrize("words", [("--config", "x", "--no-config"), ("--no-config", "--config", "x")])
def test_config_and_no_config_exclude_each_other(folder: Path, words: tuple[str, ...]) -> None:
    (folder / "x").write_text("")
    assert refusal(*words).message == "--config and --no-config exclude each other"


def test_outputs_are_those_of_the_config_unless_they_are_typed() -> None:
    assert params("x")["json"] == "out.json"
    assert params("x", "--json", "-")["json"] == "-"


def test_repeated_options_are_separated_by_blanks_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNAL_HARNESS_CHECK_SIGNAL", "TERM HUP")
    assert params("x")["signals"] == ("TERM", "HUP")


@pytest.mark.parametrize(("value", "set_"), [("1", True), ("true", True), ("0", False), ("false", False)])
def test_flags_are_set_by_the_environment(value: str, set_: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNAL_HARNESS_CHECK_INIT", value)
    monkeypatch.setenv("SIGNAL_HARNESS_CHECK_NO_CONFIG", value)
    assert params("x")["init"] is set_
    assert params("x")["stop_timeout"] == (None if set_ else 3)


def test_every_option_of_every_command_has_a_variable_of_its_own() -> None:
    seen: list[str] = []

    def look(command: click.Command, at: click.Context) -> None:
        seen.extend(variable(at, param) for param in command.params if isinstance(param, Option))
        for name, below in below_of(command).items():
            look(below, click.Context(below, info_name=name, parent=at))

    look(cli, click.Context(cli, info_name="signal-harness"))
    assert "SIGNAL_HARNESS_CHECK_READY_TIMEOUT" in seen
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[check]\nready = 'prt:1'", "signal-harness.toml, check, ready: 'prt:1' is none of healthy, port:N, "),
        ("[check]\nrequire = ['gracefull']", "signal-harness.toml, check, require: 'gracefull' is not one of 'good', "),
        ("[check]\nmax-stop = 'soon'", "signal-harness.toml, check, max-stop: 'soon' is not a span of time, "),
        ("[check]\nmax-stop = 0", "signal-harness.toml, check, max-stop: 0.0 is not a span of time, "),
        ("[check]\npull = 'now'", "signal-harness.toml, check, pull: 'now' is not one of 'missing', 'always', "),
        ("[check]\nprobe = ['stpo']", "signal-harness.toml, check, probe: 'stpo' is not one of "),
        ("[check]\nport = 0", "signal-harness.toml, check, port: 0 is not in the range 1<=x<=65535"),
        ("[check]\nrepeat = 0", "signal-harness.toml, check, repeat: 0 is not in the range "),
        ("[check]\nmemory = 'big'", "signal-harness.toml, check, memory: 'big' is not a size, "),
        ("[[subject]]\nimage = 'a'\nready = 'x'", "signal-harness.toml, subject 1 (a), ready: 'x' is none of "),
    ],
)
def test_a_value_that_an_option_does_not_take_is_told_with_its_place(folder: Path, text: str, message: str) -> None:
    (folder / "signal-harness.toml").write_text(text)
    words = () if "subject" in text else ("x",)
    assert refusal(*words).message.startswith(message)


def test_a_variable_that_an_option_does_not_take_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNAL_HARNESS_CHECK_PORT", "many")
    assert refusal("x").message == "SIGNAL_HARNESS_CHECK_PORT: 'many' is not a valid integer range."


def test_what_is_typed_wrong_is_told_as_ever() -> None:
    with pytest.raises(click.BadParameter):
        groups("x", "--port", "many")


@pytest.mark.parametrize(
    ("text", "seconds"), [("5s", 5), ("500ms", 0.5), ("2m", 120), ("5", 5), ("0.5 s", 0.5), (" 1s ", 1)]
)
def test_a_span_of_time_is_read(text: str, seconds: float) -> None:
    assert params("x", "--max-stop", text)["max_stop_s"] == seconds


@pytest.mark.parametrize("text", ["", "s", "-1", "0", "5h", "1e3", "nan", "inf", "5 s s", "99999999"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a span of time, such as 5s, 500ms or 2m"):
        params("x", "--max-stop", text)
