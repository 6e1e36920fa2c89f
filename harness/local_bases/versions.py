"""Choosing among the versions that an index offers. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

_STABLE: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
_NEAREST: Final = 4


def key(version: str) -> tuple[int, ...]:
    """Order complete, stable versions: ``9.10.0`` is above ``9.9.0``."""
    return tuple(int(part) for part in version.split("."))


def is_stable(version: str) -> bool:
    """Tell whether a version is complete and no pre-release."""
    return _STABLE.fullmatch(version) is not None


def choose(wanted: str, available: Collection[str]) -> str | None:
    """Pick the version a user means.

    Args:
        wanted: a major, meaning its newest stable release, or a complete version, meaning itself.
        available: what the index offers, in any order.

    Returns:
        One of `available`, or ``None`` when none fits.
    """
    if "." in wanted:
        return wanted if wanted in available else None
    fitting = [version for version in available if is_stable(version) and key(version)[0] == int(wanted)]
    return max(fitting, key=key, default=None)


def nearest(wanted: str, available: Collection[str]) -> list[str]:
    """List the offered stable versions closest to one that is not there, lowest first.

    Args:
        wanted: a major or a complete version; of a pre-release only the numbers count.
        available: what the index offers, in any order.

    Returns:
        Up to four versions: for a complete version its neighbours within its major, else the newest of each
        neighbouring major.
    """
    stable = sorted((version for version in available if is_stable(version)), key=key)
    target = key(wanted.partition("-")[0])
    same_major = [version for version in stable if key(version)[0] == target[0]]
    if not same_major:
        newest = {key(version)[0]: version for version in stable}
        majors = sorted(newest, key=lambda major: abs(major - target[0]))[:_NEAREST]
        return [newest[major] for major in sorted(majors)]
    below = [version for version in same_major if key(version) < target]
    above = [version for version in same_major if key(version) > target]
    half = _NEAREST // 2
    return below[-max(half, _NEAREST - len(above)) :] + above[: max(half, _NEAREST - len(below))]
