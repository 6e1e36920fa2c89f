"""A start script, edited so that what it runs last takes its place. Text in, text out; pure."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from harness.core.shell import commands

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.shell import Command

_AFTERWARDS: Final = re.compile(r"\s*(?:#.*|(?:wait|exit|trap)\b.*)?\r?", re.ASCII)
"""A line behind a command that makes no difference once that has taken the shell's place."""


def with_exec(text: str, wanted: str) -> str | None:
    """A script in which what it runs last takes its place, so that signals get to that.

    The command stays as the script has it, with its variables and redirections. What the script waits for, or ends
    with, afterwards goes: nothing runs behind a command that took the shell's place.

    Args:
        text: the script.
        wanted: what its last line is to be, as far as that is known from outside: ``exec "$@"``.

    Returns:
        ``None`` where the script's end is not a list of simple commands with the wanted one in it.
    """
    lines = text.removesuffix("\n").split("\n")
    at = len(lines) - 1
    while at and _AFTERWARDS.fullmatch(lines[at]):
        at -= 1
    line = lines[at].rstrip("\r")
    head = "\n".join(lines[:at])
    if head.rstrip("\r").endswith("\\") or re.search(rf"<<-?\s*['\"\\]?{re.escape(line.strip())}", head):
        return None  # a line that goes on, or the end of a here-document
    command = _wanted(commands(line), commands(wanted))
    if command is None or command.execs:
        return None
    if command.after == "&" and not re.search(r"\bwait\b", "\n".join([line[command.end :], *lines[at + 1 :]])):
        return None
    new = f"{line[: command.start]}exec {line[command.start : command.end]}"
    return "\n".join([*lines[:at], new + "\r" * lines[at].endswith("\r"), ""])


def _wanted(listed: Sequence[Command], wanted: Sequence[Command]) -> Command | None:
    """The last command of a list that starts the program of another; none where it is a part of a pipe."""
    if len(wanted) != 1 or not wanted[0].words:
        return None
    program = _program(wanted[0])
    same = [command for command in listed if command.words and _program(command) == program]
    found = same[-1] if same else None
    return found if found and "|" not in (found.before, found.after) else None


def _program(command: Command) -> str:
    """What a command starts: its first word, without quotes and folder; ``"$@"`` stays as it is."""
    word = command.words[0]
    return word if "$" in word else PurePosixPath(command.argv[0]).name
