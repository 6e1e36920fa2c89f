"""Image references: what their text alone says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_NUMBERED: Final = re.compile(r"(\D*)(\d*)")
_HUB: Final = ("docker.io/", "library/")


def is_glob(reference: str) -> bool:
    """Whether a reference stands for all local tags that match it, as in a shell."""
    return any(sign in reference for sign in "*?[")


def natural(reference: str) -> list[tuple[str, int]]:
    """A key that sorts numbers in a reference by their value: 9 before 10."""
    return [(rest, int(part or 0)) for rest, part in _NUMBERED.findall(reference)]


def name_and_tag(reference: str) -> tuple[str, str]:
    """Split a reference for the pull call, whose default is all tags."""
    if "@" in reference:
        return reference, ""
    head, _, last = reference.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{head}/{name}" if head else name, tag or "latest"


def own_digest(reference: str, digests: Iterable[str]) -> str | None:
    """The digest by which an image's own repository knows it, if it does; others may know the image, too."""
    repository, _ = name_and_tag(reference.partition("@")[0])
    for prefix in _HUB:
        repository = repository.removeprefix(prefix)
    return next((digest for digest in digests if digest.partition("@")[0] == repository), None)
