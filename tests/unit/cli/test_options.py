"""What several commands share: the selection that options make, and the exit code that results come to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.options import (
    OTHER_PROBES,
    code_of,
    complete_questions,
    complete_signals,
    complete_variants,
    matrix_options,
    select_probes,
    selection_of,
)
from harness.core.errors import ExitCode, UsageError
from harness.core.question import Probe
from harness.core.signals import DEFAULT_SIGNALS, Signal, catchable_signals
from harness.core.verdict import Expected, Verdict
from harness.run.observation import GRACE_S
from harness.session import Pull, Selection, TraceMode
from tests.support.reports import FORWARDED, KILLED, SWALLOWED, UNTESTED, result


def made(**options: Any) -> Selection:
    return selection_of(**{"trace": "auto", "pull": "missing", **options})


def test_without_options_a_selection_is_the_default_one() -> None:
    assert made() == Selection()


def test_options_are_what_they_say() -> None:
    selection = made(
        trace="off",
        pull="always",
        bases=["b", "a"],
        variants=("npm-*", "node"),
        signals=["term", "SIGHUP", "15"],
        probes=["stop", "signal"],
        repeat=3,
        jobs=2,
        catalogue=Path("mine"),
        settle_s=0.5,
        grace_s=7,
    )
    assert selection == Selection(
        bases=("b", "a"),
        variants=("npm-*", "node"),
        signals=(Signal(15), Signal(1)),
        probes=(Probe.STOP, Probe.SIGNAL),
        repeat=3,
        jobs=2,
        catalogue=Path("mine"),
        trace=TraceMode.OFF,
        pull=Pull.ALWAYS,
        settle_s=0.5,
        grace_s=7,
    )


def test_lists_of_bases_come_behind_the_bases_that_are_named_and_none_comes_twice(tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("node:24\n# not: node:18\nnode:22\n")
    second.write_text("node:20\nnode:24\n")
    selection = made(bases=("node:22", "node:2*"), base_files=(first, second))
    assert selection.bases == ("node:22", "node:2*", "node:24", "node:20")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"signals": ["FOO"]}, "'FOO' is not a signal"),
        ({"signals": ["TERM", "KILL"]}, "SIGKILL cannot be caught"),
        ({"base_files": [Path("/nowhere/bases.txt")]}, "/nowhere/bases.txt cannot be read: No such file or directory"),
        ({"base_files": [Path("/dev/null")]}, "/dev/null names no base"),
    ],
)
def test_what_cannot_be_selected_is_told(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        made(**options)
    assert refusal.value.message.startswith(message)
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize("name", ["trace", "pull"])
def test_a_way_that_there_is_not_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="sometimes"):
        made(**{name: "sometimes"})


def test_an_option_that_there_is_not_is_an_error() -> None:
    with pytest.raises(TypeError, match="colour"):
        made(colour="red")


@pytest.mark.parametrize(
    ("names", "signals"),
    [
        ([], DEFAULT_SIGNALS),
        (["all"], catchable_signals()),
        (["ALL", "RTMIN+3"], (*catchable_signals(), Signal(37))),
        (["TERM", "all"], (Signal(15), *[one for one in catchable_signals() if one.number != 15])),
    ],
)
def test_signals_are_chosen_once_each_in_order(names: list[str], signals: tuple[Signal, ...]) -> None:
    assert made(signals=names).signals == signals


@pytest.mark.parametrize(
    ("names", "probes"),
    [
        ([], (Probe.SIGNAL,)),
        (["stop"], (Probe.STOP,)),
        (["tty", "reap", "tty"], (Probe.TTY, Probe.REAP)),
        (["all"], tuple(Probe)),
        (["stop", "all", "stop"], tuple(Probe)),
    ],
)
def test_probes_are_chosen_once_each_in_order(names: list[str], probes: tuple[Probe, ...]) -> None:
    assert select_probes(names) == probes
    assert made(probes=names).probes == probes


def test_the_other_probes_are_all_but_the_signal() -> None:
    assert {*OTHER_PROBES, "signal"} == {*Probe}


# As click calls it.


def run(*words: str) -> Selection:
    """What the options of a matrix make of a command line."""
    found: list[Selection] = []

    @click.command()
    @matrix_options
    def command(**chosen: Any) -> None:
        found.append(selection_of(**chosen))

    done = CliRunner().invoke(command, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    (selection,) = found
    return selection


def test_a_command_line_without_options_is_the_default_selection() -> None:
    assert run() == Selection(grace_s=GRACE_S)


def test_a_command_line_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "bases.txt"
    file.write_text("a\n")
    words = "--base b --variant npm-* --signal TERM --probe all --jobs 3 --repeat 2 --trace on --settle 0.25 --grace 5"
    selection = run(*words.split(), "--pull", "never", "--catalogue", "mine", "--base-file", str(file))
    assert selection == Selection(
        bases=("b", "a"),
        variants=("npm-*",),
        signals=(Signal(15),),
        probes=tuple(Probe),
        jobs=3,
        repeat=2,
        trace=TraceMode.ON,
        settle_s=0.25,
        grace_s=5,
        pull=Pull.NEVER,
        catalogue=Path("mine"),
    )


@pytest.mark.parametrize(
    "words",
    [
        ["--repeat", "0"],
        ["--jobs", "0"],
        ["--settle", "0"],
        ["--grace", "0"],
        ["--probe", "look"],
        ["--trace", "maybe"],
        ["--pull", "sometimes"],
    ],
)
def test_a_command_line_that_makes_no_sense_is_a_usage_error(words: list[str]) -> None:
    @click.command()
    @matrix_options
    def command(**_: Any) -> None:
        raise AssertionError

    done = CliRunner().invoke(command, words)
    assert done.exit_code == ExitCode.USAGE
    assert words[0] in done.output


@pytest.mark.parametrize(
    ("complete", "start", "found"),
    [
        (complete_signals, "te", []),
        (complete_signals, "sigt", ["SIGTRAP", "SIGTERM", "SIGTSTP", "SIGTTIN", "SIGTTOU"]),
        (complete_signals, "SIGKILL", []),
        (complete_questions, "st", ["stop"]),
        (complete_questions, "SIGHUP", ["SIGHUP"]),
        (complete_variants, "npm-start-t", ["npm-start-tini", "npm-start-tini-g"]),
        (complete_variants, "nothing", []),
    ],
)
def test_what_begins_so_is_completed(complete: Any, start: str, found: list[str]) -> None:
    command = click.Command("x")
    assert complete(click.Context(command), click.Option(["--x"]), start) == found


# Exit codes.


@pytest.mark.parametrize(
    ("results", "recorded", "code"),
    [
        ([], {}, ExitCode.OK),
        ([result("v", KILLED)], {}, ExitCode.OK),
        ([result("v", FORWARDED, expected=Expected.ALWAYS)], {}, ExitCode.OK),
        ([result("v", KILLED, expected=Expected.ALWAYS)], {}, ExitCode.DIFFERS),
        ([result("v", KILLED)], {"musl-node24/v/SIGTERM": Verdict.KILLED}, ExitCode.OK),
        ([result("v", KILLED)], {"musl-node24/v/SIGTERM": Verdict.FORWARDED}, ExitCode.DIFFERS),
        ([result("v", KILLED)], {"musl-node24/w/SIGTERM": Verdict.FORWARDED}, ExitCode.OK),
        ([result("v", KILLED)], {"musl-node24/v/SIGTERM": Verdict.UNTESTED}, ExitCode.OK),
        ([result("v", UNTESTED)], {"musl-node24/v/SIGTERM": Verdict.FORWARDED}, ExitCode.UNTESTED),
        ([result("v", UNTESTED, expected=Expected.ALWAYS), result("w", SWALLOWED)], {}, ExitCode.UNTESTED),
        ([result("v", UNTESTED), result("w", SWALLOWED, expected=Expected.ALWAYS)], {}, ExitCode.DIFFERS),
    ],
)
def test_the_exit_code_is_that_of_the_worst_of_the_results(
    results: list[Any], recorded: dict[str, Verdict], code: ExitCode
) -> None:
    assert code_of(results, recorded) is code


@given(st.lists(st.sampled_from([*Probe, "all"])))
def test_any_choice_of_probes_is_a_choice(names: list[str]) -> None:
    chosen = select_probes(names)
    assert chosen
    assert len(chosen) == len(set(chosen))
