"""Ranges of releases as ordered lists of local recipes, for a bisection."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from harness.core.errors import UsageError
from harness.local_bases.download import Downloads
from harness.local_bases.indexes import is_stable, key, package_versions
from harness.local_bases.node import releases
from harness.local_bases.recipe import architecture, parse_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_RANGE: Final = re.compile(r"(?P<first>\d{1,9}(?:\.\d{1,9}){0,2})\.\.(?P<last>\d{1,9}(?:\.\d{1,9}){0,2})")
_REMEDY: Final = "Write FIRST..LAST, such as 9.0.0..10.5.0 or 20..24."


def npm_range(text: str, on: str, *, cache: Path, report: Callable[[str], None]) -> tuple[str, ...]:
    """A recipe for each published npm of a range, put on the recipe ``on``, in order; without pre-releases.

    A range is ``FIRST..LAST``, both included; a version may be short: ``9`` begins at 9.0.0 and ends with the last 9.x.

    Raises:
        UsageError: the range or the recipe is malformed, or there is no release in the range.
        BaseUnavailable: the package index does not answer.
    """
    recipe = parse_recipe(on)
    versions = _within(text, lambda downloads: package_versions(downloads, "npm"), cache, report)
    return tuple(replace(recipe, npm=version).reference for version in versions)


def node_range(
    text: str, on: str, *, arch_of: Callable[[], str], cache: Path, report: Callable[[str], None]
) -> tuple[str, ...]:
    """A recipe for each Node of a range that the package indexes carry, put on the system and npm of ``on``, in order.

    See `npm_range`; ``arch_of`` asks the engine for its architecture.

    Raises:
        EngineUnavailable: none answers.
    """
    recipe = parse_recipe(on)
    versions = _within(text, lambda downloads: releases(downloads, recipe, architecture(arch_of())), cache, report)
    return tuple(replace(recipe, node=version).reference for version in versions)


def _within(
    text: str, offered: Callable[[Downloads], Iterable[str]], cache: Path, report: Callable[[str], None]
) -> list[str]:
    """The stable versions in a range of those that an index offers; a malformed range is refused first."""
    match = _RANGE.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is not a range of versions", remedy=_REMEDY)
    first, last = key(match["first"]), key(match["last"])
    if first > last and first[: len(last)] != last:
        raise UsageError(f"{text!r} ends before it begins", remedy=_REMEDY)
    cache.mkdir(parents=True, exist_ok=True)
    with Downloads(cache, report) as downloads:
        stable = sorted(filter(is_stable, offered(downloads)), key=key)
    within = [version for version in stable if key(version) >= first and key(version)[: len(last)] <= last]
    if not within:
        raise UsageError(f"no release is in {text}", remedy=f"The newest one is {stable[-1]}." if stable else "")
    return within
