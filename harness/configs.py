"""The config of a team on the disk: found upwards from where we are, or named; and its paths, from there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.core.config import FILE_NAME, PYPROJECT, Config, has_table, parse_config
from harness.core.errors import UsageError
from harness.files import read_file
from harness.report.formats import Format

if TYPE_CHECKING:
    from harness.core.config import ConfigSubject

_PATHS: Final = ("/", "./", "../")


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A config, and the folder that its paths start from."""

    config: Config
    folder: Path

    def path(self, text: str) -> str:
        """A path of the config, from the working directory."""
        return text if Path(text).is_absolute() or text == "-" else os.path.relpath(self.folder / text)

    def subject(self, subject: ConfigSubject) -> str:
        """What a subject of the config is on the command line of ``check``."""
        match subject.kind:
            case "build":
                path = self.path(subject.name)
                return path if path.startswith(_PATHS) else f"./{path}"
            case "archive":
                return f"docker-archive:{self.path(subject.name)}"
            case _:
                return subject.name


def read_config(named: Path | None) -> Found | None:
    """The config that is named, or else the nearest one upwards from the working directory; ``None`` if there is none.

    In a folder that has both, ``signal-harness.toml`` goes before the table of a ``pyproject.toml``.

    Raises:
        UsageError: the one that is named cannot be read, or has no table of ours; or what is found is not as it
            should be.
    """
    if named is not None:
        found = config_in(named)
        if found is None:
            raise UsageError(f"{named} has no [tool.signal-harness]", remedy=f"Add that table, or name a {FILE_NAME}.")
        return found
    here = Path.cwd()
    for folder in (here, *here.parents):
        for name in (FILE_NAME, PYPROJECT):
            file = folder / name
            if file.is_file() and (found := config_in(file)) is not None:
                return found
    return None


def config_in(file: Path) -> Found | None:
    """The config in a file; ``None`` for a pyproject.toml that has no table of ours.

    Raises:
        UsageError: it cannot be read, or is not as it should be.
    """
    place = os.path.relpath(file) if file.is_absolute() else str(file)
    try:
        text = read_file(file).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{place} is not UTF-8, as TOML is: {error.reason}") from error
    pyproject = file.name == PYPROJECT
    if pyproject and not has_table(text, place=place):
        return None
    config = parse_config(text, place=place, formats=tuple(Format), pyproject=pyproject)
    return Found(config=config, folder=file.absolute().parent)
