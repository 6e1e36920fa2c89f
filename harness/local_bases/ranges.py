"""Ranges of releases as ordered lists of local recipes: what a bisection goes through."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Final

from harness.core.errors import UsageError
from harness.local_bases.arch import architecture
from harness.local_bases.download import Downloads
from harness.local_bases.node import releases
from harness.local_bases.npmjs import package_versions
from harness.local_bases.recipe import Recipe, parse_recipe
from harness.local_bases.versions import is_stable, key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import docker

_RANGE: Final = re.compile(r"(?P<first>\d{1,9}(?:\.\d{1,9}){0,2})\.\.(?P<last>\d{1,9}(?:\.\d{1,9}){0,2})")
_REMEDY: Final = "Write FIRST..LAST, such as 9.0.0..10.5.0 or 20..24."


def npm_range(text: str, on: str, *, cache: Path, report: Callable[[str], None]) -> tuple[str, ...]:
    """Give a recipe for each published npm of a range, in order; pre-releases are left out.

    Args:
        text: ``FIRST..LAST``, both included; a version may be short: ``9`` begins at 9.0.0, and ends with the last 9.x.
        on: the recipe that the npm is put on.
        cache: where downloads are kept.
        report: called with one line per lengthy step.

    Raises:
        UsageError: the range or the recipe is malformed, or there is no release in the range.
        BaseUnavailable: the package index does not answer.
    """
    recipe = parse_recipe(on)
    ends = _ends(text)
    with _downloads(cache, report) as downloads:
        found = _within(package_versions(downloads, "npm"), *ends, text)
    return tuple(Recipe(os=recipe.os, node=recipe.node, npm=version).reference for version in found)


def node_range(
    text: str, on: str, *, api_of: Callable[[], docker.APIClient], cache: Path, report: Callable[[str], None]
) -> tuple[str, ...]:
    """Give a recipe for each Node of a range that the package indexes carry, in order.

    Args and errors are those of `npm_range`, but ``on`` names the system (and npm) that the Node is put on, and
    ``api_of`` connects to the engine, whose architecture counts.

    Raises:
        EngineUnavailable: none answers.
    """
    recipe = parse_recipe(on)
    ends = _ends(text)
    with closing(api_of()) as api:
        arch = architecture(api.version()["Arch"])
    with _downloads(cache, report) as downloads:
        found = _within(releases(downloads, recipe, arch), *ends, text)
    return tuple(Recipe(os=recipe.os, node=version, npm=recipe.npm).reference for version in found)


def _downloads(cache: Path, report: Callable[[str], None]) -> Downloads:
    cache.mkdir(parents=True, exist_ok=True)
    return Downloads(cache, report)


def _ends(text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise UsageError(f"{text!r} is no range of versions", remedy=_REMEDY)
    first, last = key(match["first"]), key(match["last"])
    if first > last and first[: len(last)] != last:
        raise UsageError(f"{text!r} ends before it begins", remedy=_REMEDY)
    return first, last


def _within(versions: Iterable[str], first: tuple[int, ...], last: tuple[int, ...], text: str) -> list[str]:
    stable = sorted((version for version in versions if is_stable(version)), key=key)
    found = [version for version in stable if key(version) >= first and key(version)[: len(last)] <= last]
    if not found:
        raise UsageError(f"no release lies in {text}", remedy=f"The newest one is {stable[-1]}." if stable else "")
    return found
