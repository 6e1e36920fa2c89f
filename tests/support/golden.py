"""Golden files: whole outputs, each in a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parents[1] / "golden"


def golden(name: str) -> str:
    """The content of a golden file, such as ``workshop/title-100x30``."""
    file = _FOLDER / f"{name}.txt"
    assert file.is_file(), f"there is no golden file {name}"
    return file.read_text(encoding="utf-8")
