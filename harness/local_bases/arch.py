"""The processor architectures that bases can be assembled for."""

from __future__ import annotations

from typing import Final, NamedTuple

from harness.core.errors import BaseUnavailable


class Architecture(NamedTuple):
    """One architecture under the names it goes by."""

    debian: str
    """In Debian and in container engines: ``amd64``."""
    machine: str
    """In the kernel, wheel tags and musl's file names: ``x86_64``."""
    node: str
    """In Node's own file names: ``x64``."""


_KNOWN: Final = (Architecture("amd64", "x86_64", "x64"), Architecture("arm64", "aarch64", "arm64"))


def architecture(engine_name: str) -> Architecture:
    """The architecture that an engine reports as that of its containers (``Arch`` of its version answer).

    Raises:
        BaseUnavailable: no packages are known for it.
    """
    for known in _KNOWN:
        if engine_name in (known.debian, known.machine):
            return known
    names = " and ".join(known.debian for known in _KNOWN)
    raise BaseUnavailable(
        f"no local base can be assembled for the engine's architecture {engine_name!r}",
        remedy=f"Local bases exist for {names}; name an image from a registry with --base.",
    )
