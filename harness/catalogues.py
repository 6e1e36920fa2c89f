"""Where catalogues lie, and how one is loaded."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from harness.core.catalogue import FILE_NAME, Catalogue, parse_catalogue
from harness.core.errors import UsageError


def built_in_catalogue() -> Path:
    """The folder of our own catalogue: inside the installed package, or beside it in a checkout."""
    package = Path(str(files("harness")))
    inside = package / "_data" / "dockerfiles"
    return inside if inside.is_dir() else package.parent / "dockerfiles"


def load_catalogue(folder: Path | None) -> tuple[Path, Catalogue]:
    """The catalogue of a folder, or our own, and where it lies.

    Raises:
        UsageError: it is not there or not well-formed.
    """
    folder = folder or built_in_catalogue()
    path = folder if folder.name == FILE_NAME else folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        remedy = "Give a folder that holds a catalogue.toml."
        raise UsageError(f"{path} cannot be read: {error}", remedy=remedy) from error
    catalogue = parse_catalogue(text, place=str(path), has_file=lambda name: (path.parent / name).exists())
    if not (path.parent / catalogue.context).is_dir():
        raise UsageError(f"{path}: {catalogue.context} is not a folder", remedy="A build context is one.")
    return path.parent, catalogue
