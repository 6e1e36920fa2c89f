"""Image references: what their text alone says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_NUMBERED: Final = re.compile(r"(\D*)(\d*)")
_MACHINES: Final = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armhf": "arm", "i386": "386"}
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
    repository, _, _ = _parts(reference)
    return next((digest for digest in digests if digest.partition("@")[0] == repository), None)


def same_image(one: str, other: str) -> bool:
    """Whether two references name the same image: by digest where both have one, else by tag."""
    repositories, tags, digests = zip(_parts(one), _parts(other), strict=True)
    return len({*repositories}) == 1 and len({*(digests if all(digests) else tags)}) == 1


def same_platform(wanted: str, other: str) -> bool:
    """Whether a platform is the wanted one, which may leave out the operating system or the variant.

    Source: containerd/platforms, Parse and normalizeArch.
    """
    (system, machine, variant), (other_system, other_machine, other_variant) = _platform(wanted), _platform(other)
    same = machine == other_machine and system in ("", other_system)
    return same and (variant == other_variant or not variant or not other_variant)


def _platform(text: str) -> tuple[str, str, str]:
    """Operating system, architecture and variant, each empty if it is not named."""
    parts = text.lower().split("/")
    system, machine, variant = (*parts, "", "")[:3] if len(parts) > 1 else ("", parts[0], "")
    return system, _MACHINES.get(machine, machine), variant


def _parts(reference: str) -> tuple[str, str, str]:
    """The repository as people write it, the tag, and the digest if there is one."""
    name, _, digest = reference.partition("@")
    repository, tag = name_and_tag(name)
    for prefix in _HUB:
        repository = repository.removeprefix(prefix)
    return repository, tag, digest
