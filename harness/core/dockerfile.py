"""The lines of a Dockerfile that decide what is started. Text in, records out."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

from dockerfile_parse.parser import DockerfileParser

_STARTING: Final = ("ENTRYPOINT", "CMD")


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """One instruction: its first line, counted from 1, and its text."""

    line: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a variant comes from: its Dockerfile, and the lines in it that decide what is started.

    ``path`` is the file's as people are shown it. ``digest`` changes with all that makes the variant what it is on any
    base: the Dockerfile, its stage and options, the app.
    """

    path: str
    digest: str
    starting: tuple[Instruction, ...] = ()


def telling(dockerfile: str, base: str, target: str | None = None) -> str:
    """The lines of a Dockerfile that matter for signals, as a text: what it is built on, and what it starts.

    Args:
        dockerfile: the whole text.
        base: the base to show in the place of the build argument.
        target: the stage; the last one if there is none.
    """
    return "\n".join([f"FROM {base}", "…", *(instruction.text for instruction in starting(dockerfile, target))])


def starting(dockerfile: str, target: str | None = None) -> tuple[Instruction, ...]:
    """The ENTRYPOINT and the CMD that hold for a stage, in the order of the file.

    Args:
        dockerfile: the whole text.
        target: the stage; the last one if there is none.

    Returns:
        Those that this file sets; what the base image sets is not in it. Empty if there is no such stage.
    """
    parser = DockerfileParser(fileobj=io.BytesIO(dockerfile.encode()))
    stages: dict[str, dict[str, Instruction]] = {}
    current: dict[str, Instruction] = {}
    own: set[str] = set()
    for part in parser.structure:
        if part["instruction"] == "FROM":
            words = [word for word in part["value"].split() if not word.startswith("--")]
            # A stage built on an earlier one starts what that one starts, until it says otherwise.
            own.clear()
            current = dict(stages.get(words[0].lower(), {}))
            name = words[2] if len(words) > 2 and words[1].upper() == "AS" else str(len(stages))  # noqa: PLR2004
            stages[name.lower()] = current
        elif part["instruction"] in _STARTING:
            if part["instruction"] == "ENTRYPOINT" and "CMD" not in own:
                current.pop("CMD", None)  # what is inherited was meant for another entrypoint (Dockerfile reference)
            current[part["instruction"]] = Instruction(line=part["startline"] + 1, text=part["content"].strip())
            own.add(part["instruction"])
    found = stages.get(target.lower(), {}) if target else current
    return tuple(sorted(found.values(), key=lambda instruction: instruction.line))
