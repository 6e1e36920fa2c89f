"""Files of the user: read, listed, and replaced as a whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from harness.core.baseline import recordings
from harness.core.errors import UsageError
from harness.report import decoding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.core.baseline import Recording
    from harness.core.document import Document


def read_file(path: Path) -> bytes:
    """The content of a file that the user named.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def replace_file(file: Path, text: str) -> None:
    """Write a file whole, or leave what is there.

    Raises:
        OSError: it cannot be written.
    """
    beside = file.with_name(f".signal-harness-{os.getpid()}.new")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def read_list(file: Path, what: str = "base") -> list[str]:
    """The bases of a list, or whatever else it is of: one per line; blank lines and what follows a # do not count.

    Raises:
        UsageError: it cannot be read, or holds none.
    """
    lines = read_file(file).decode("utf-8-sig", "replace").splitlines()
    references = [reference for line in lines if (reference := line.partition("#")[0].strip())]
    if not references:
        raise UsageError(f"{file} names no {what}", remedy=f"One {what} per line, such as node:24-alpine.")
    return references


def listed(named: Iterable[str], lists: Iterable[Path]) -> tuple[str, ...]:
    """The bases that are named, and those of lists; each once.

    Raises:
        UsageError: a list cannot be read, or is empty.
    """
    return tuple(dict.fromkeys([*named, *(reference for file in lists for reference in read_list(file))]))


def read_results(path: Path) -> tuple[Document, tuple[Recording, ...]]:
    """A results file, and what it has recorded.

    Raises:
        UsageError: it cannot be read, or is not a results file.
    """
    document = decoding.read_document(read_file(path), place=str(path))
    return document, recordings(document, place=str(path))


def no_result(path: Path | str) -> UsageError:
    """The refusal of results that nothing can be taken from."""
    return UsageError(f"{path} holds no result", remedy="Use the results of a run that has finished.")


def read_recordings(path: Path | None) -> tuple[Recording, ...]:
    """What was recorded: a baseline, a results file, or all baselines of a folder; none if there is no path.

    Raises:
        UsageError: a file cannot be read or is none of ours, or the folder holds none.
    """
    if path is None:
        return ()
    # os.path, unlike pathlib, takes a path that cannot be for one that is not there.
    if os.path.isdir(path):  # noqa: PTH112
        files = sorted(path.glob("*.json"))
        if not files:
            raise UsageError(f"{path} holds no baseline", remedy="Record one: signal-harness baseline update")
        return tuple(decoding.read_baseline(read_file(file), place=str(file)) for file in files)
    return decoding.read_recordings(read_file(path), place=str(path))


def shown(file: Path) -> str:
    """A path as results carry it: from the working directory, or (elsewhere) with its folder's name alone."""
    resolved = file.resolve()
    if resolved.is_relative_to(Path.cwd()):
        return resolved.relative_to(Path.cwd()).as_posix()
    return f"{resolved.parent.name}/{resolved.name}"


def cache_folder() -> Path:
    """Where downloads are kept, and what bases have answered."""
    return platformdirs.user_cache_path("signal-harness")
