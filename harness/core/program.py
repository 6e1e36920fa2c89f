"""What a process is, as far as its command line tells."""

from __future__ import annotations

from enum import Enum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

SHELLS: Final = frozenset({"sh", "ash", "dash", "bash", "zsh", "busybox"})
"""What ``/bin/sh`` is on one base or another."""

INITS: Final = {"tini": ("tini", "--"), "tini-static": ("tini", "--"), "dumb-init": ("dumb-init",)}
"""The inits that an image may hold, and how each is put in front of a command."""

_ENGINE_INITS: Final = frozenset({"docker-init", "catatonit"})


class Kind(Enum):
    """What a process above the app is."""

    SHELL_FORM = "shell form"
    SCRIPT = "script"
    NPM = "npm"
    NODE_RUN = "node --run"
    NODE_WATCH = "node --watch"
    SU = "su"
    INIT = "init"
    OTHER = "other"


def program(words: Sequence[str]) -> str:
    """The name of the program that a command line starts, without its folder; empty if there is none."""
    return PurePosixPath(words[0]).name if words else ""


def shell_text(words: Sequence[str]) -> bool:
    """Whether a command line is a shell that runs the text behind ``-c``, as the shell form of a CMD does."""
    return program(words) in SHELLS and "-c" in words[1:3]


def script(words: Sequence[str]) -> str:
    """The name of the script that a shell's command line runs, without its folder; empty if there is none."""
    return next((PurePosixPath(word).name for word in words[1:] if not word.startswith("-")), "")


def kind_of(args: str) -> Kind:
    """Tell what a process is by its command line."""
    words = args.split()
    name = program(words)
    if name in SHELLS:
        return Kind.SHELL_FORM if shell_text(words) else Kind.SCRIPT
    if name in INITS or name in _ENGINE_INITS:
        return Kind.INIT
    if name == "npm":
        return Kind.NPM
    if name == "node" and len(words) > 1:
        if words[1].startswith("--run"):
            return Kind.NODE_RUN
        if words[1].startswith("--watch"):
            return Kind.NODE_WATCH
        return Kind.NPM if program(words[1:]) in ("npm", "npm-cli.js") else Kind.OTHER
    return Kind.SU if name == "su" else Kind.OTHER
