"""Which file of a build context is a file of the image, by the COPY and ADD instructions of a Dockerfile. Pure.

Sources: the Dockerfile reference, COPY; moby/buildkit, frontend/dockerfile/dockerfile2llb/convert.go (dispatchCopy).
"""

from __future__ import annotations

import posixpath
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from harness.core.dockerfile import GAP, strings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.core.dockerfile import Instruction, Stage

_UNKNOWN: Final = "?"
"""The working folder of an image that the Dockerfile does not tell about; no path begins so."""

_ON_PATH: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where a program is looked for that has no folder (the PATH of images that set none)."""


def origin(script: str, stage: Stage, files: Iterable[str]) -> str | None:
    """The file of the context that a program's file in the image is a copy of, the last that was copied there.

    Args:
        script: the file in the image, as it is started: a path, or a name.
        stage: what is built.
        files: the paths of all files in the context.

    Returns:
        ``None`` where no COPY or ADD, as far as it can be read, has put one there.
    """
    context, found, folder = tuple(files), None, _UNKNOWN
    copies: list[tuple[str, str]] = []
    for step in _steps(stage):
        if step.keyword == "WORKDIR":
            folder = posixpath.join(folder, step.value.strip("\"'"))
        elif step.keyword in ("COPY", "ADD") and not step.heredocs:
            copies += _copies(step, folder, context)
    for source, target in copies:
        if _is(posixpath.normpath(target), script, folder):
            found = source
    return found


def _steps(stage: Stage) -> Iterator[Instruction]:
    """The instructions of a stage and of those below it, the lowest first."""
    if stage.below:
        yield from _steps(stage.below)
    yield from stage.instructions


def _is(target: str, script: str, folder: str) -> bool:
    """Whether a path of the image is what a program's name means in a working folder."""
    if script.startswith("/"):
        return target == posixpath.normpath(script) or (
            target.startswith(_UNKNOWN) and posixpath.normpath(script).endswith(target.removeprefix(_UNKNOWN))
        )
    here = posixpath.normpath(posixpath.join(folder, script))
    named = "/" not in script and posixpath.basename(target) == script
    return target == here or (named and posixpath.dirname(target) in _ON_PATH)


def _copies(step: Instruction, folder: str, context: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Files of the context, and where an instruction may put each: a target may be a file or a folder."""
    words = strings(step.value) or tuple(GAP.split(step.value))
    if any(flag.startswith("--from=") for flag in step.flags) or any("$" in word for word in words):
        return
    *sources, named = words
    target = posixpath.join(folder, named)
    is_folder = named.endswith(("/", ".")) or len(sources) > 1
    for source in sources:
        pattern = [part for part in source.split("/") if part not in ("", ".")]
        for path in context:
            parts = path.split("/")
            if len(parts) < len(pattern) or not all(map(fnmatchcase, parts, pattern)):
                continue
            if below := parts[len(pattern) :]:
                yield path, posixpath.join(target, *below)
            else:
                yield from [(path, posixpath.join(target, parts[-1])), *([] if is_folder else [(path, target)])]
