"""The reference of all commands, by their help: ``python -m tests.support.command_pages`` writes it anew."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import click

from harness.cli.entry import cli
from harness.cli.help import Group
from tests.support.pasted import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE: Final = ROOT / "docs" / "commands.md"
_COLUMNS: Final = "100"


def commands(command: click.Command = cli, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """A command and all below it, with the words that name each."""
    yield path, command
    for name, below in below_of(command).items():
        yield from commands(below, *path, name)


def below_of(command: click.Command) -> dict[str, click.Command]:
    """The commands of a group by their names, those included that are imported once they are asked for."""
    if isinstance(command, Group):
        return command.all_commands(click.Context(command))
    return dict(command.commands) if isinstance(command, click.Group) else {}


def help_of(*path: str) -> str:
    """What ``--help`` prints of a command, at 100 columns."""
    command: click.Command = cli
    context = click.Context(command, info_name="signal-harness", **cli.context_settings)
    for name in path:
        command = below_of(command)[name]
        context = click.Context(command, info_name=name, parent=context, **command.context_settings)
    # click keeps the help option of a command that was once run without its parent, which has no -h (get_help_option).
    with patch.dict(os.environ, COLUMNS=_COLUMNS), patch.object(command, "_help_option", None):
        return context.get_help()


def page() -> str:
    """The whole page."""
    parts = [
        "<!-- Written by `make reference` from the commands themselves. -->",
        "# Commands",
        "As `signal-harness COMMAND --help` prints them.",
    ]
    for path, _ in commands():
        parts += [f"## {' '.join(('signal-harness', *path))}", f"```text\n{help_of(*path)}\n```"]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
