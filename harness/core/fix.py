"""What would start the app so that signals get to it: the instruction that starts PID 1, edited. Pure.

The edit is made of what is configured (ENTRYPOINT and CMD as the engine has them), so that environment, arguments and
first steps stay. What a process shows as its command line is used only where a package manager hides the app's.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from harness.core.program import (
    INITS,
    PLUMBING,
    RUNNERS,
    SHELLS,
    Kind,
    kind_of,
    program,
    shell_text,
    started_by_path,
    text_at,
    titled,
)
from harness.core.shell import commands

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.core.facts import StartCommand
    from harness.core.process import Process, Tree
    from harness.core.shell import Command
    from harness.core.subject import LaunchOptions

Where = Literal["Dockerfile", "catalogue"]
Words = tuple[str, ...]
_LONGEST: Final = 399
"""What is as long may have been cut off."""

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Edit:
    """A line that takes the place of the one that holds now, or is added if there is none."""

    instruction: str
    value: str
    where: Where = "Dockerfile"

    @property
    def line(self) -> str:
        """The line as it stands in its file."""
        return f"{self.instruction}{' ' if self.where == 'Dockerfile' else ' = '}{self.value}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptEdit:
    """The line of a script that takes the place of what it runs last; ``None`` where the app's command is not known."""

    script: str
    line: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fix:
    """One way to start the app so that signals get to it.

    ``options`` are of ``docker run``; ``code`` goes into the app; ``notes`` say what is lost, or to be looked at.
    """

    edits: tuple[Edit, ...] = ()
    script: ScriptEdit | None = None
    options: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Start:
    """A command line that starts the app without what swallows signals, and what else belongs to it.

    ``solved`` says whether that is sure. What stands above the app then, and is no init, has to forward by itself.
    """

    words: Words
    solved: bool = True
    user: str | None = None
    script: ScriptEdit | None = None
    notes: tuple[str, ...] = ()


def started(
    start: StartCommand,
    launch: LaunchOptions,
    chain: Tree,
    *,
    drop: frozenset[str] = frozenset(),
    add: Mapping[str, str] = _NOTHING,
) -> Fix:
    """How to start the app itself.

    Args:
        start: what is configured.
        launch: the options of its container.
        chain: the processes from the main one down to the app.
        drop: options of inits that are at fault.
        add: options that inits lack, by the init.

    Returns:
        Without edits and script, if nothing can be said for sure.
    """
    if launch.init and len(chain) > 1:
        chain = chain[1:]
    words = _own(start)
    new = _Lead(drop, add).of(words, chain)
    if not new.solved:
        return Fix(notes=new.notes)
    edits = _edits(words, new.words, start, launch)
    if new.user is not None:
        edits = (Edit(instruction="USER", value=new.user), *edits)
    return Fix(edits=edits, script=new.script, notes=new.notes)


def with_init(start: StartCommand, launch: LaunchOptions, chain: Tree) -> Fix:
    """An init of the image put in front of what is configured; behind an entrypoint that makes way for CMD."""
    words = _own(start)
    behind = start.command and not shell_text(start.entrypoint) and not (chain and _runs(words, chain[0]))
    count = len(start.entrypoint) if behind else 0
    edits = _edits(words, (*words[:count], *INITS["tini"], *words[count:]), start, launch)
    return Fix(edits=edits, notes=("tini must be in the image: apk add tini, or apt-get install tini.",))


def _own(start: StartCommand) -> Words:
    """All words that are started; a CMD behind an ENTRYPOINT in shell form is only what its text calls ``$0``."""
    return start.entrypoint if shell_text(start.entrypoint) else (*start.entrypoint, *start.command)


def _edits(old: Words, new: Words, start: StartCommand, launch: LaunchOptions) -> tuple[Edit, ...]:
    """The instructions that differ."""
    if old == new:
        return ()
    if shell_text(start.entrypoint):
        if start.command and not shell_text(new):
            # In exec form the CMD that was never used would become the app's arguments.
            new = (*start.entrypoint[: text_at(start.entrypoint)], f"exec {shlex.join(new)}")
        return (_edit("ENTRYPOINT", new, launch),)
    count = len(start.entrypoint)
    if new[:count] == start.entrypoint:
        return (_edit("CMD", new[count:], launch),)
    if start.command and new[-len(start.command) :] == start.command:
        return (_edit("ENTRYPOINT", new[: -len(start.command)], launch),)
    left = (_edit("CMD", (), launch),) if start.command else ()
    return (_edit("ENTRYPOINT", new, launch), *left)


def _edit(instruction: str, words: Words, launch: LaunchOptions) -> Edit:
    """An edit where the words come from: the Dockerfile, or the row of a catalogue that overrides it."""
    value = json.dumps(list(words), ensure_ascii=False)
    overridden = launch.command is not None if instruction == "CMD" else launch.entrypoint is not None
    if overridden:
        return Edit(instruction={"CMD": "command"}.get(instruction, "entrypoint"), value=value, where="catalogue")
    return Edit(instruction=instruction, value=value)


class _Lead:
    """Follows a command line down the processes that it became."""

    def __init__(self, drop: frozenset[str], add: Mapping[str, str]) -> None:
        self._drop = drop
        self._add = add

    def of(self, words: Words, chain: Tree) -> _Start:
        """The same command line, without what stands between."""
        if not chain:
            return _Start(words=words)
        kind, here = kind_of(words), _runs(words, chain[0])
        if kind is Kind.INIT and here:
            return self._behind_init(words, chain[1:])
        if kind is Kind.SHELL_FORM:
            return self._of_text(words, chain[1:] if here and len(chain) > 1 else chain)
        if kind is Kind.SU:
            return self._of_su(words, chain[1:] if here and len(chain) > 1 else chain)
        if not here:
            return self._made_way(words, chain)
        if len(chain) == 1:
            return _Start(words=words)
        if kind in RUNNERS:
            return self._of_runner(chain)
        if kind is Kind.NODE_WATCH:
            return _Start(words=tuple(word for word in words if not word.startswith("--watch")))
        return self._of_script(words, chain)

    def _made_way(self, words: Words, chain: Tree) -> _Start:
        """What has made way for another program stays: a script that ends in exec, env, gosu."""
        for at in range(1, len(words)):
            # A shell and su make way on some bases, and not on others.
            if _runs(words[at:], chain[0]) or kind_of(words[at:]) in (Kind.SHELL_FORM, Kind.SU):
                new = self.of(words[at:], chain)
                return replace(new, words=(*words[:at], *new.words))
        if len(chain) == 1:
            return _Start(words=words)  # the app under a title of its own, or a program that became another
        return _Start(words=words, solved=False)

    def _behind_init(self, words: Words, chain: Tree) -> _Start:
        added = self._add.get(program(words))
        kept, at = [words[0], *([added] if added else [])], 1
        while at < len(words) and words[at].startswith("-") and words[at] != "--":
            takes = words[at] in _INIT_VALUES
            if words[at] not in self._drop:
                kept += words[at : at + 1 + takes]
            at += 1 + takes
        if words[at : at + 1] == ("--",):
            kept.append("--")
            at += 1
        new = self.of(words[at:], chain)
        return replace(new, words=(*kept, *new.words))

    def _of_text(self, words: Words, chain: Tree) -> _Start:
        """A shell's text: in exec form if its words are plain, else with ``exec`` in front of what stays."""
        at = text_at(words)
        text = words[at]
        command, lost = _running(text, chain)
        if command is None:
            note = (
                f"In `{text}`, `{chain[0].command}` must be started last, with `exec` in front, and outside of loops, "
                "pipes and functions."
            )
            return _Start(words=words, solved=False, notes=(note,))
        new = self.of(command.argv, chain)
        same = new.words == command.argv
        if not new.solved or (command.redirects and not same):
            return replace(new, words=words, solved=False)
        new = replace(new, notes=(*new.notes, *_of_loss(command, lost)))
        lead = text[: command.start]
        bare = not lead.removeprefix("exec").strip() and not command.redirects and not _reads_profile(words[1:at])
        if bare and (command.plain or not same):
            return new
        tail = text[command.start : command.end] if same else shlex.join(new.words)
        return replace(new, words=(*words[:at], f"{lead}{'' if command.execs else 'exec '}{tail}", *words[at + 1 :]))

    def _of_su(self, words: Words, chain: Tree) -> _Start:
        """Su drops root, and stays on some bases; USER drops it with nothing that could stay."""
        user, command, shell = _su(words)
        if user is None or command is None:
            return _Start(words=words, solved=False)
        new = self.of((shell, "-c", command), chain)
        note = "su sets HOME, USER does not: add ENV HOME if the app reads it."
        return replace(new, user=user, notes=(*new.notes, note))

    def _of_runner(self, chain: Tree) -> _Start:
        """A package manager: what its script says, where its shell shows it, else what it became."""
        below, runner = chain[1:], chain[0]
        name = started_by_path(runner.argv) or program(runner.argv)
        note = f"`{name}` sets variables and a folder, too: add ENV and WORKDIR if the app needs them."
        if len(below) > 1 and shell_text(below[0].argv) and below[0].inner_pid is not None:
            new = self._of_text(below[0].argv, below[1:])
            return replace(new, notes=(*new.notes, note))
        words = own_command(below[-1])
        if words is None or len(below) > 1:
            said = f"The app's own command stands in the script that `{runner.command}` runs; "
            return _Start(words=(), solved=False, notes=(f"{said}start that in place of it.",))
        return _Start(words=words, notes=(note,))

    def _of_script(self, words: Words, chain: Tree) -> _Start:
        """A script that stays: its last line makes way, and what it is given is kept."""
        name = _script(words, chain[0])
        if name is None:
            return _Start(words=words)
        behind = words[words.index(name) + 1 :]
        if behind and _runs(behind, chain[1]):
            new = self.of(behind, chain[1:])
            edit = ScriptEdit(script=name, line='exec "$@"')
            kept = words[: words.index(name) + 1]
            return replace(new, words=(*kept, *new.words), script=edit)
        app = own_command(chain[-1])
        line = f"exec {shlex.join(app)}" if app else None
        return _Start(words=words, script=ScriptEdit(script=name, line=line))


def _running(text: str, chain: Tree) -> tuple[Command | None, str]:
    """The command of a text that starts what stays, and what stands behind it; no command if that is not clear."""
    listed = [command for command in commands(text) if command.words]
    running = [command for command in listed if _runs(command.argv, chain[0])]
    if not listed or (len(listed) > 1 and not running and len(chain) > 1):
        return None, ""
    staying = [command for command in listed if program(command.argv) not in PLUMBING | _PASSING]
    command = (running or staying or listed)[-1]
    behind = listed[listed.index(command) + 1 :]
    lost = text[behind[0].start : behind[-1].end] if behind else ""
    if command.before == "|" or (command.after == "&" and not lost.startswith("wait")):
        return None, ""
    return command, lost


def _reads_profile(options: Words) -> bool:
    """Whether a shell with these options first reads files that may set variables (bash(1), INVOCATION)."""
    return any("l" in word or "i" in word for word in options if word.startswith("-") and word != "pipefail")


def _of_loss(command: Command, lost: str) -> tuple[str, ...]:
    if not lost or lost.startswith("wait"):
        return ()
    if command.after == "|":
        return (f"`{lost}` goes with the pipe: what the app writes goes to the engine's log.",)
    return (f"`{lost}` goes: nothing runs behind a command that took the shell's place.",)


def _runs(words: Words, process: Process) -> bool:
    """Whether a process is what a command line starts, as far as names tell."""
    if not words:
        return False
    kind = kind_of(words)
    if kind is not Kind.OTHER or kind_of(process.argv) in (Kind.NPM, Kind.INIT, Kind.SU):
        return kind is kind_of(process.argv)
    names = (program(process.argv), started_by_path(process.argv))
    return program(words) in names or _script(words, process) is not None


def _script(words: Words, process: Process) -> str | None:
    """The script that a process is, by the word that names it; the program that reads it may be in its first line."""
    files = [word for word in words[:3] if not word.startswith("-") and program((word,)) not in SHELLS]
    read = {PurePosixPath(word).name for word in process.argv[1:4]}
    if kind_of(process.argv) is not Kind.SCRIPT:
        return None
    return next((word for word in files if PurePosixPath(word).name in read), None)


def own_command(process: Process) -> Words | None:
    """The command line of a process, where it is one that can be started again; ``None`` for a title."""
    argv = process.argv
    short = len(argv) == 1 and not argv[0].startswith(("/", "./"))
    if process.inner_pid is None or titled(argv) or short or len("\0".join(argv)) >= _LONGEST:
        return None
    return argv


def _su(words: Words) -> tuple[str | None, str | None, str]:
    """The user, the command and the shell that su is given (su(1))."""
    user = command = None
    shell = "/bin/sh"
    left: Iterator[str] = iter(words[1:])
    for word in left:
        if word in ("-c", "--command"):
            command = next(left, None)
        elif word in ("-s", "--shell"):
            shell = next(left, shell)
        elif not word.startswith("-") and user is None:
            user = word
    return user, command, shell


_PASSING: Final = frozenset({":", "cd", "echo", "exit", "export", "false", "printf", "set", "true", "wait"})
"""Commands of a shell's text that are no app: they are over at once, or wait for another (POSIX.1-2024, utilities)."""

_INIT_VALUES: Final = frozenset({"-e", "-p", "-r", "--rewrite"})
"""Options of inits that take another word (tini(1), dumb-init(1))."""
