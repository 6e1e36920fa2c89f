"""What a process is, as far as its command line tells."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

SHELLS: Final = frozenset({"sh", "ash", "dash", "bash", "zsh", "busybox"})
"""What ``/bin/sh`` is on one base or another."""


def program(words: Sequence[str]) -> str:
    """The name of the program that a command line starts, without its folder; empty if there is none."""
    return PurePosixPath(words[0]).name if words else ""


def shell_text(words: Sequence[str]) -> bool:
    """Whether a command line is a shell that runs the text behind ``-c``, as the shell form of a CMD does."""
    return program(words) in SHELLS and "-c" in words[1:3]
