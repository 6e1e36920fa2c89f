"""A change that helps as a patch of the files that an image is built of: its Dockerfile, its start script. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from difflib import unified_diff
from typing import TYPE_CHECKING, Final

from harness.core.copied import origin
from harness.core.dockerfile import parse
from harness.core.fix import Edit
from harness.core.script import with_exec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from harness.core.dockerfile import Dockerfile, Instruction, Stage
    from harness.core.facts import StartCommand
    from harness.core.fix import Fix
    from harness.core.subject import Folder, LaunchOptions

_LINES: Final = re.compile(r"[^\n]*\n|[^\n]+")
_NO_END: Final = "\n\\ No newline at end of file\n"
_ANYWHERE: Final = ("ENTRYPOINT", "CMD", "STOPSIGNAL")
"""Instructions that hold for a whole stage, wherever in it they stand; USER is for those behind it."""

_SAID: Final = ("entrypoint", "command", "user", "stop_signal")
"""Options that a Dockerfile can say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """What an image is built of: a folder, the paths of the files in its context, and their texts by path.

    ``start`` is what the image starts by itself.
    """

    folder: Folder
    files: tuple[str, ...]
    read: Callable[[str], str]
    start: StartCommand

    @property
    def dockerfile(self) -> Dockerfile:
        """Its Dockerfile."""
        return parse(self.read(self.folder.dockerfile), dict(self.folder.arguments))


@dataclass(frozen=True, kw_only=True, slots=True)
class Patch:
    """A change of files: what it does in a line, the new texts by path, and all of it as a unified diff."""

    change: str
    edited: tuple[tuple[str, str], ...]
    text: str


def of_options(options: LaunchOptions, launch: LaunchOptions, sources: Sources) -> Patch | None:
    """The patch of a Dockerfile that does what options of ``docker run`` do.

    Args:
        options: which ones.
        launch: those that the container was run with.
        sources: what its image is built of.

    Returns:
        ``None`` where no Dockerfile can do it, as with ``--init``, or where options of the run go before it.
    """
    others = [one.name for one in fields(options) if one.name not in _SAID]
    if any(getattr(options, name) != getattr(launch, name) for name in others):
        return None
    before = _said(launch, sources.start)
    edits = [
        Edit(instruction=instruction, value=value)
        for instruction, value in _said(options, sources.start).items()
        if value != before[instruction]
    ]
    return _patched(edits, sources) if all(_holds(edit.instruction, launch) for edit in edits) else None


def of_script(fix: Fix, launch: LaunchOptions, sources: Sources) -> Patch | None:
    """The patch of a start script that a fix asks for, with its lines of the Dockerfile.

    Returns:
        ``None`` where it asks for none, or the script cannot be found in the build context, or not be edited for sure.
    """
    stage = sources.dockerfile.stage(sources.folder.target)
    if fix.script is None or fix.script.line is None or stage is None:
        return None
    if any(edit.where != "Dockerfile" or not _holds(edit.instruction, launch) for edit in fix.edits):
        return None
    path = origin(fix.script.script, stage, sources.files)
    new = with_exec(sources.read(path), fix.script.line) if path else None
    return _patched(fix.edits, sources, ((path, new),)) if path and new else None


def _holds(instruction: str, launch: LaunchOptions) -> bool:
    """Whether an instruction of a Dockerfile holds for a container with these options."""
    match instruction:
        case "ENTRYPOINT":
            return launch.entrypoint is None
        case "CMD":
            return launch.entrypoint is None and launch.command is None
        case "USER":
            return launch.user is None
        case "STOPSIGNAL":
            return launch.stop_signal is None
        case _:
            return False


def _said(options: LaunchOptions, start: StartCommand) -> dict[str, str]:
    """What an image would say itself to be run as with these options, by instruction; empty for nothing."""
    entrypoint = start.entrypoint if options.entrypoint is None else options.entrypoint
    inherited = start.command if options.entrypoint is None else ()
    return {
        "ENTRYPOINT": _json(entrypoint),
        "CMD": _json(inherited if options.command is None else options.command),
        "USER": options.user or "",
        "STOPSIGNAL": options.stop_signal or "",
    }


def _json(words: Sequence[str]) -> str:
    return json.dumps(list(words), ensure_ascii=False)


def _patched(edits: Sequence[Edit], sources: Sources, scripts: Iterable[tuple[str, str]] = ()) -> Patch | None:
    """A patch of edits of the Dockerfile, and of scripts; nothing if there is nothing to change."""
    place = sources.folder.dockerfile
    texts = dict(scripts)
    words = [f"{path}: exec" for path in texts]
    if edits:
        texts[place] = edited(sources.read(place), edits, target=sources.folder.target, start=sources.start)
        words = [*(f"{place}: {edit.line}" for edit in edits), *words]
    diff = "".join(_diff(path, sources.read(path), text) for path, text in texts.items())
    if not diff:
        return None
    return Patch(change="; ".join(words), edited=tuple(texts.items()), text=diff)


def edited(text: str, edits: Iterable[Edit], *, target: str | None, start: StartCommand) -> str:
    """A Dockerfile in which each edit takes the place of the instruction that holds in a stage, else stands at its end.

    An ENTRYPOINT that is new in a stage takes away a CMD of what it is built on (Dockerfile reference, "Understand how
    CMD and ENTRYPOINT interact"): the CMD is then said again.

    Args:
        text: the Dockerfile.
        edits: the lines that are to hold.
        target: the stage that is built; the last one if there is none.
        start: what it starts so far.
    """
    wanted = {edit.instruction: edit for edit in edits}
    stage = parse(text).stage(target)
    if stage is None:
        return text
    own = _own(parse(text), stage)
    there = {one.keyword for one in own}
    if "ENTRYPOINT" in wanted and not {"ENTRYPOINT", "CMD"} & there and "CMD" not in wanted and start.command:
        wanted["CMD"] = Edit(instruction="CMD", value=_json(start.command))
    end = "\r" if "\r\n" in text else ""
    lines = text.split("\n")
    added = [f"{edit.line}{end}" for name, edit in wanted.items() if name not in _ANYWHERE or name not in there]
    if added and lines[-1]:
        lines[-1] += end
        lines.append("")
    last = own[-1].last if own else stage.instructions[0].last
    lines[last:last] = added
    for one in reversed(own):
        if one.keyword in wanted and one.keyword in _ANYWHERE and one is _last(own, one.keyword):
            rest = end if lines[one.last - 1].endswith("\r") else ""
            lines[one.line - 1 : one.last] = [f"{wanted[one.keyword].line}{rest}"]
    return "\n".join(lines)


def _own(file: Dockerfile, stage: Stage) -> list[Instruction]:
    """The instructions that stand in a stage itself."""
    begin = stage.instructions[0].line
    ends = [one.line for one in file.instructions if one.keyword == "FROM" and one.line > begin]
    return [one for one in file.instructions if begin < one.line < min(ends, default=one.line + 1)]


def _last(own: Sequence[Instruction], keyword: str) -> Instruction:
    return [one for one in own if one.keyword == keyword][-1]


def _diff(path: str, old: str, new: str) -> str:
    """A unified diff of one file, as ``git apply`` and ``patch -p1`` take it in the file's build folder."""
    lines = unified_diff(_LINES.findall(old), _LINES.findall(new), f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}{_NO_END}" for line in lines)
