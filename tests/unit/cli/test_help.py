"""Help: an example for every command, options and commands in groups, whole summaries, and lines that fit."""

from __future__ import annotations

import os
import re
import shlex
from typing import Any
from unittest.mock import patch

import click
import pytest
from click.testing import CliRunner

from harness.cli.entry import cli
from harness.cli.help import SUMMARY, WHAT, Command, Group, Option
from harness.core.question import Probe
from harness.core.verdict import Verdict
from tests.support.command_pages import below_of, commands

ALL = dict(commands())
EVERY = pytest.mark.parametrize("path", ALL, ids=" ".join)
WITH_EXIT_CODES = {
    (), ("check",), ("run",), ("explain",), ("baseline", "update"), ("baseline", "check"), ("diff",), ("bisect",),
    ("report",), ("merge",), ("demo",), ("lab",), ("lab", "check"), ("doctor",),
}  # fmt: skip


def text(*path: str, root: click.Command = cli, columns: int = 80) -> str:
    """The help on a terminal of that width; click's test runner has a width of its own."""
    command = root
    context = click.Context(root, info_name="signal-harness", **root.context_settings)
    for name in path:
        command = below_of(command)[name]
        context = click.Context(command, info_name=name, parent=context, **command.context_settings)
    with patch.dict(os.environ, COLUMNS=str(columns)):
        return f"{context.get_help()}\n"


def section(shown: str, title: str) -> list[str]:
    """The lines under a title."""
    _, found, rest = f"\n{shown}".partition(f"\n{title}:\n")
    return rest.partition("\n\n")[0].splitlines() if found else []


def calls(line: str) -> list[str]:
    """The words of the command in an example, without what the shell does with it."""
    (call,) = re.findall(r"signal-harness[^|)#]*", line)
    program, *words = shlex.split(call)
    assert program == "signal-harness"
    return words


def parse(words: list[str], command: click.Command = cli, parent: click.Context | None = None) -> None:
    """Parse a command line to its last word, and run nothing.

    Raises:
        click.UsageError: it does not parse.
    """
    name = (parent.info_name if parent else None) or "signal-harness"
    with command.make_context(name, list(words), parent=parent) as context:
        if isinstance(command, click.Group) and (rest := [*context._protected_args, *context.args]):
            _, below, rest = command.resolve_command(context, rest)
            assert below is not None
            parse(rest, below, context)


def faults(path: tuple[str, ...], root: click.Command = cli) -> list[str]:
    """What is wrong with the help of a command."""
    command = dict(commands(root))[path]
    shown = text(*path, root=root)
    wrong = [f"wide: {line}" for line in shown.splitlines() if len(line) > 80]
    wrong += [f"trailing: {line}" for line in shown.splitlines() if line != line.rstrip()]
    summary = command.get_short_help_str(1000)
    if path and not 0 < len(summary) <= SUMMARY:  # the command itself is never listed
        wrong.append(f"summary: {summary}")
    examples = section(shown, "Examples")
    if not examples:
        wrong.append("no example")
    for line in examples:
        if line.split("signal-harness ", 1)[-1].split()[: len(path)] != list(path):
            wrong.append(f"of another command: {line}")
        try:
            parse(calls(line), root)
        except click.UsageError as error:
            wrong.append(f"example: {line.strip()}: {error.format_message()}")
    for param in command.params:
        if isinstance(param, click.Option) and not isinstance(param, Option) and param.name != "version":
            wrong.append(f"in no group: {param.name}")
        if isinstance(param, Option) and not any(param.opts[0] in line for line in section(shown, param.group)):
            wrong.append(f"not in its group: {param.name}")
    if isinstance(command, click.Group):
        sections = command.sections if isinstance(command, Group) and command.sections else {"Commands": ()}
        lines = [line.split(maxsplit=1) for title in sections for line in section(shown, title)]
        if lines != [[name, below.get_short_help_str(1000)] for name, below in below_of(command).items()]:
            wrong.append(f"commands: {lines}")
    return wrong


def test_the_commands_are_all_there() -> None:
    assert len(ALL) == 32


@EVERY
def test_help_is_as_it_should_be(path: tuple[str, ...]) -> None:
    assert faults(path) == []


@EVERY
def test_help_is_no_failure(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli, [*path, "--help"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: ")


@EVERY
@pytest.mark.parametrize("columns", [40, 80, 100, 300])
def test_help_is_100_columns_at_most_and_has_no_colours(path: tuple[str, ...], columns: int) -> None:
    shown = text(*path, columns=columns)
    assert max(map(len, shown.splitlines())) <= 100
    assert "\x1b" not in shown
    assert "..." not in shown.partition("\n\n")[2]  # behind the usage


def test_help_wraps_at_the_width_of_the_terminal() -> None:
    def longest(columns: int) -> int:
        rows = section(text("run", columns=columns), "What to run")
        return max(map(len, rows))

    assert 50 < longest(80) <= 80 < longest(100) <= 100
    assert longest(300) == longest(100)


@EVERY
def test_help_tells_the_exit_codes_where_they_matter(path: tuple[str, ...]) -> None:
    listed = [line.split()[0] for line in section(text(*path), "Exit codes")]
    every = ["0", "1", "2", "3", "4", "130"]
    wanted = {("audit",): [code for code in every if code != "4"], ("lint",): every[:3]}  # which test nothing
    assert listed == wanted.get(path, every if path in WITH_EXIT_CODES else [])


@pytest.mark.parametrize("path", [("run",), ("baseline", "update"), ("diff",), ("explain",)], ids=" ".join)
def test_the_probes_are_those_that_there_are(path: tuple[str, ...]) -> None:
    told = " ".join(" ".join(section(text(*path), "Probes")).split())
    assert told == " ".join(f"{probe} {probe.about}" for probe in Probe)


def test_diff_tells_the_rank_of_every_verdict() -> None:
    lines = section(text("diff"), "Ranks of verdicts (a change to a higher rank is worse)")
    rows = re.split(r"^  (?=\S)", "\n".join(lines), flags=re.MULTILINE)[1:]
    assert [row.split()[0] for row in rows] == ["0", "1", "2", "3", "unstable", "untested"]
    for verdict in Verdict:
        (row,) = (row for row in rows if re.search(rf"\b{verdict}\b", row))
        assert row.split()[0] == (verdict if verdict.rank is None else str(verdict.rank))


def test_options_stand_in_groups_and_what_every_command_has_comes_last() -> None:
    titles = re.findall(r"^([A-Z].*):$", text("run"), re.MULTILINE)
    assert titles == [
        "What to run", "How to run it", "Judging", "Output", "Other options", "Examples", "Probes", "Exit codes",
    ]  # fmt: skip
    assert section(text("run"), "Other options") == ["  -h, --help                      Show this message and exit."]


def test_the_commands_stand_in_groups() -> None:
    titles = re.findall(r"^([A-Z].*):$", text(), re.MULTILINE)
    assert titles == [
        "Any image", "Matrix", "Compare and record", "Workshop", "Machine", "Options", "Examples", "Exit codes",
    ]  # fmt: skip


# Negative controls: a help with each of the faults.


def broken(**changes: Any) -> list[str]:
    """The faults that are found in the help of a command of ours with something changed."""
    attributes: dict[str, Any] = {"examples": ["signal-harness x --many 2"], "help": "Do it."} | changes

    @click.group(cls=Group, examples=["signal-harness x"])
    def root() -> None:
        """Be a group."""

    @root.command("x", **attributes)
    @WHAT.option("--many", type=int, help="How many.")
    def x(many: int) -> None:
        raise AssertionError(many)

    return faults(("x",), root)


def test_a_help_that_is_as_it_should_be_has_no_faults() -> None:
    assert broken() == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"examples": []}, "no example"),
        ({"examples": ["signal-harness x --few 2"]}, "example: signal-harness x --few 2: No such option"),
        ({"examples": ["signal-harness x --many two"]}, "example: signal-harness x --many two: Invalid value"),
        ({"examples": ["signal-harness x 2"]}, "example: signal-harness x 2: Got unexpected extra argument"),
        ({"examples": ["signal-harness y"]}, "of another command:"),
        ({"examples": [f"signal-harness x --many {'2' * 60}"]}, "wide:"),
        ({"help": "Do it, and then do it again and again, until it is done."}, "summary:"),
        ({"help": ""}, "summary:"),
    ],
)
def test_a_fault_is_found(changes: dict[str, Any], fault: str) -> None:
    assert any(found.startswith(fault) for found in broken(**changes)), broken(**changes)


def test_an_option_in_no_group_is_found() -> None:
    command = Command("x", examples=["signal-harness"], help="Do it.", params=[click.Option(["--many"])])
    assert faults((), command) == ["in no group: many"]


def test_a_summary_that_is_cut_in_the_list_is_found() -> None:
    @click.group(cls=Group, examples=["signal-harness x"])
    def root() -> None:
        """Be a group."""

    @root.command("x", examples=["signal-harness x"])
    def x() -> None:
        """Do it, and then do it again and again, until it is done."""

    assert any(fault.startswith("commands:") for fault in faults((), root))
