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
        UsageError: it is not there, not well-formed, or reaches out of its folder and of the one above.
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
    _hold_inside(path, catalogue)
    return path.parent, catalogue


def _hold_inside(path: Path, catalogue: Catalogue) -> None:
    """Refuse a catalogue that reaches out for files of the machine, by its paths or by where links of them lead.

    Its context may lie beside its folder, as that of our own does, or be the folder above; a Dockerfile lies in its
    folder or in the context.
    """
    folder = path.parent.resolve()
    context = (folder / catalogue.context).resolve()
    if not context.is_relative_to(folder.parent):
        raise UsageError(
            f"{path}: the context {catalogue.context} leads to {context}",
            remedy=f"Give a folder in {folder.parent}: nothing else of this machine is sent to an engine.",
        )
    for name in dict.fromkeys(variant.dockerfile for variant in catalogue.variants):
        file = (folder / name).resolve()
        if not any(file.is_relative_to(place) for place in (folder, context)):
            raise UsageError(
                f"{path}: the Dockerfile {name} leads to {file}", remedy=f"Keep it in {folder}, or in the context."
            )
