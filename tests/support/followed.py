"""Advice followed to the letter: read from its text, applied to a copy of a catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_DOCKERFILE = "In the Dockerfile:"
_OPTION = "As an option of docker run:"
_APP = "In the app:"
_SCRIPT = re.compile(r"In the script `(?P<script>.+)`, in place of what it runs last:")


@dataclass(slots=True)
class Change:
    """One way that advice names: lines of the Dockerfile, options, code of the app, the last line of a script."""

    dockerfile: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    app: list[str] = field(default_factory=list)
    scripts: dict[str, list[str]] = field(default_factory=dict)


def changes(advice: Iterable[str]) -> list[Change]:
    """The ways that advice names: what is indented belongs to the heading above it, and ``or`` begins another way."""
    found, into = [Change()], None
    for line in advice:
        change = found[-1]
        if line.startswith("  ") and into is not None:
            into.append(line[2:])
        elif line == "or":
            found.append(Change())
        elif script := _SCRIPT.fullmatch(line):
            into = change.scripts.setdefault(script["script"], [])
        else:
            into = {_DOCKERFILE: change.dockerfile, _OPTION: change.options, _APP: change.app}.get(line)
    return [change for change in found if change != Change()]


def edited(dockerfile: str, lines: Iterable[str]) -> str:
    """A Dockerfile in which each line stands in the place of the instruction of its kind, or at the end."""
    for line in lines:
        keyword = line.split()[0]
        escaped = line.replace("\\", r"\\")
        dockerfile, count = re.subn(rf"^{keyword} .*$", escaped, dockerfile, flags=re.MULTILINE)
        if not count:
            dockerfile += f"{line}\n"
    return dockerfile


def rewrite(script: Path, line: str) -> None:
    """Put a line in the place of what a script runs last: of ``"$@"`` and what waits for it, else of its last line."""
    text = script.read_text(encoding="utf-8").rstrip("\n")
    kept = re.split(r'^"\$@".*$' if '"$@"' in line else r"^.+\Z", text, maxsplit=1, flags=re.MULTILINE)[0]
    script.write_text(f"{kept}{line}\n", encoding="utf-8")
