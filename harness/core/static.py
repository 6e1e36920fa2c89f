"""What is certain of a Dockerfile without running it: findings by the rules that need no container. Pure.

Little is. Whether a shell stays as the parent of the one command that it runs, for instance, depends on the shell. What
is said here holds for dash, bash and BusyBox, and for every base image but one whose ENTRYPOINT signals a whole group.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.core.almost_json import why_not_json
from harness.core.copied import origin
from harness.core.dockerfile import parse
from harness.core.errors import UsageError
from harness.core.facts import StartCommand
from harness.core.program import program
from harness.core.rules import Rule
from harness.core.shell import commands
from harness.core.signals import known_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from harness.core.dockerfile import Instruction, Stage
    from harness.core.shell import Command

_SHELLS: Final = frozenset({"sh", "bash", "dash", "ash"})
_UNCATCHABLE: Final = (9, 19)
_SHEBANG: Final = re.compile(r"#!\s*(?:/usr)?/bin/(?:env +)?(?:sh|bash|dash|ash)\b")
_TRAP: Final = re.compile(r"\btrap\b")
_EXECS: Final = re.compile(r"(?:^|[;&|{(]|\bthen\b|\belse\b|\bdo\b)\s*exec\b(?!\s*[\d<>&])", re.MULTILINE)
_COMMENT: Final = re.compile(r"\s*(?:#.*)?")
_WAITS: Final = re.compile(r"\s*wait\b.*")
_SHORT: Final = frozenset(
    {":", "cd", "chmod", "chown", "cp", "echo", "exit", "export", "false", "ln", "mkdir", "mv", "printf", "rm", "set"}
    | {"shift", "true", "umask", "unset", "wait", "."}
)
"""Commands that no container is there for: what stands beside them is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Certain:
    """A finding: its rule, the instruction that it is about, and one sentence of why, without its full stop."""

    rule: Rule
    instruction: Instruction
    why: str


def certain(
    dockerfile: str, *, target: str | None = None, files: Iterable[str] = (), read: Callable[[str], str] | None = None
) -> tuple[Certain, ...]:
    """What is certain of the image of a stage, in the order of the file.

    Args:
        dockerfile: the whole text.
        target: the stage; the last one if there is none.
        files: the paths of the files in the build context, for start scripts.
        read: the text of one of them.

    Raises:
        UsageError: there is no such stage, or no stage at all.
    """
    parsed = parse(dockerfile)
    if not parsed.stages:
        raise UsageError("no line of it is a FROM, with which a Dockerfile begins")
    stage = parsed.stage(target)
    if stage is None:
        raise UsageError(f"there is no stage {target!r}", remedy="Name one of those behind AS in a FROM line.")
    found = [*_of_stop_signal(stage), *_of_start(stage, tuple(files), read)]
    return tuple(sorted(found, key=lambda one: one.instruction.line))


def _of_stop_signal(stage: Stage) -> list[Certain]:
    named = [one for one in _all(stage) if one.keyword == "STOPSIGNAL"]
    signal = known_signal(named[-1].value) if named else None
    if signal is None or signal.number not in _UNCATCHABLE:
        return []
    why = f"no program can handle {signal}: the app is not asked to stop"
    return [Certain(rule=Rule.STOP_SIGNAL, instruction=named[-1], why=why)]


def _of_start(stage: Stage, files: Sequence[str], read: Callable[[str], str] | None) -> list[Certain]:
    starting = stage.starting
    entrypoint, command = starting.get("ENTRYPOINT"), starting.get("CMD")
    found = []
    for instruction in starting.values():
        start = StartCommand(
            entrypoint=(instruction.command or ()) if instruction is entrypoint else (),
            command=(instruction.command or ()) if instruction is command else (),
            stop_signal=None,
        )
        if instruction.almost_json and (why := why_not_json(start)):
            found.append(Certain(rule=Rule.NOT_JSON, instruction=instruction, why=why))
    first = entrypoint or command
    if found or first is None:
        return found
    words = list(first.command or ())
    if entrypoint is not None and entrypoint.form == "exec" and command is not None:
        words += command.command or ()
    why = _why_a_shell_stays(words, stage, files, read)
    return [Certain(rule=Rule.WRAPPER_DROPS, instruction=first, why=why)] if why else []


def _why_a_shell_stays(
    words: Sequence[str], stage: Stage, files: Sequence[str], read: Callable[[str], str] | None
) -> str | None:
    """Why PID 1 is a shell without a trap for as long as the app runs; ``None`` where that is not certain."""
    by_shell = program(words) in _SHELLS
    if by_shell and re.fullmatch("-[a-z]*c", "".join(words[1:2])):
        return _of_text("".join(words[2:3]))
    path = next((word for word in words[by_shell:] if not word.startswith("-")), None)
    file = origin(path, stage, files) if path else None
    if file is None or read is None:
        return None
    text = read(file)
    return _of_script(text, file) if by_shell or _SHEBANG.match(text) else None


def _of_text(text: str) -> str | None:
    listed = commands(text)
    if _TRAP.search(text) or any(one.execs for one in listed):
        return None
    piped = [one for one in listed if "|" in (one.before, one.after)]
    if piped and listed[-1] in piped:
        return f"`{_shown(piped[0])}` is piped, so that the shell stays as PID 1, and forwards no signal"
    app, behind = _app_and_behind(listed)
    if app is None or not behind:
        return None
    return (
        f"`{_shown(behind[0])}` comes after `{_shown(app)}`, so that the shell stays as PID 1, and forwards no signal"
    )


def _app_and_behind(listed: Sequence[Command]) -> tuple[Command | None, Sequence[Command]]:
    """The one command of a list that is not short, and the short ones behind it."""
    long = [number for number, one in enumerate(listed) if not _is_short(one)]
    if len(long) != 1:
        return None, ()
    return listed[long[0]], listed[long[0] + 1 :]


def _of_script(text: str, file: str) -> str | None:
    """Of a script that no shell runs with ``-c``: then the last command is not put in the shell's place either."""
    if _TRAP.search(text) or _EXECS.search(text):
        return None
    lines = [line.rstrip("\r") for line in text.split("\n")]
    while lines and (_COMMENT.fullmatch(lines[-1]) or _WAITS.fullmatch(lines[-1])):
        lines.pop()
    if not lines or (len(lines) > 1 and lines[-2].endswith("\\")):
        return None
    listed = commands(lines[-1])
    last = next((one for one in reversed(listed) if not _is_short(one)), None)
    if last is None:
        return None
    return f"`{file}` ends with `{_shown(last)}` without exec, so that its shell stays as PID 1, and forwards no signal"


def _is_short(command: Command) -> bool:
    return not command.words or command.words[0] in _SHORT


def _shown(command: Command) -> str:
    return " ".join(command.words)


def _all(stage: Stage) -> list[Instruction]:
    """The instructions of a stage and of those below it in the file, the lowest first."""
    return [*(_all(stage.below) if stage.below else ()), *stage.instructions]
