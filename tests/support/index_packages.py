"""Packages of PyPI and npm as a machine has them that has installed them, each at the one version that is asked for.

No installer is run, and no code of the packages: wheels are unpacked where Python looks for them, with the scripts for
their commands (PyPA's "Entry points specification"), and a lock file's packages where it says that they are.
"""

from __future__ import annotations

import configparser
import io
import json
import os
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any, Final

from harness.local_bases.download import Artifact
from harness.local_bases.indexes import project_files, sha512
from harness.local_bases.rootfs import PROGRAM_MODE, Rootfs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.local_bases.download import Downloads

SITE: Final = "usr/local/lib/python3.11/dist-packages"
"""Where Debian's Python looks for what pip installs (dist-packages, Debian's Python policy)."""

_SCRIPT: Final = """#!/usr/bin/python3
import sys
from {module} import {name}
if __name__ == "__main__":
    sys.exit({name}())
"""


def wheels(downloads: Downloads, pins: Sequence[str]) -> bytes:
    """The files of projects, each given as ``name==version``, as one archive.

    Raises:
        BaseUnavailable: the index does not answer.
        LookupError: it has no wheel of a version that runs everywhere.
    """
    sink = io.BytesIO()
    with Rootfs(sink) as rootfs:
        for pin in pins:
            project, _, version = pin.partition("==")
            offered = project_files(downloads, project)
            found = [one for one in offered if one.version == version and one.platforms == ("any",)]
            if not found:
                raise LookupError(f"the index has no wheel of {pin} that runs everywhere")
            with zipfile.ZipFile(downloads.file(found[0].artifact)) as wheel:
                _unpack(rootfs, wheel)
    return sink.getvalue()


def _unpack(rootfs: Rootfs, wheel: zipfile.ZipFile) -> None:
    for entry in wheel.infolist():
        if not entry.is_dir():
            rootfs.file(f"{SITE}/{entry.filename}", wheel.read(entry))
        if entry.filename.endswith(".dist-info/entry_points.txt"):
            commands = configparser.ConfigParser(delimiters=("=",))
            commands.read_string(wheel.read(entry).decode())
            for command, target in commands.items("console_scripts") if "console_scripts" in commands else ():
                module, _, name = target.partition(":")
                script = _SCRIPT.format(module=module, name=name)
                rootfs.file(f"usr/local/bin/{command}", script.encode(), mode=PROGRAM_MODE)


def node_modules(downloads: Downloads, lock: Path, folder: str) -> bytes:
    """The packages of a lock file, as ``npm ci`` puts them below a folder, as one archive.

    Those for other systems alone are left out (package-lock.json, npm's documentation).

    Raises:
        BaseUnavailable: the registry does not answer.
    """
    registry = os.environ.get("NPM_CONFIG_REGISTRY", "https://registry.npmjs.org").rstrip("/")
    sink = io.BytesIO()
    with Rootfs(sink) as rootfs:
        for path, entry in json.loads(lock.read_bytes())["packages"].items():
            if path and "os" not in entry:
                _install(rootfs, downloads, entry, folder=f"{folder}/{path}", registry=registry)
    return sink.getvalue()


def _install(rootfs: Rootfs, downloads: Downloads, entry: dict[str, Any], *, folder: str, registry: str) -> None:
    name = entry.get("name") or folder.rpartition("node_modules/")[2]
    tarball = f"{registry}/{name}/-/{name.rpartition('/')[2]}-{entry['version']}.tgz"
    package = Artifact(title=f"{name} {entry['version']}", url=tarball, algorithm="sha512", digest=sha512(entry))
    commands = {path.removeprefix("./") for path in entry.get("bin", {}).values()}
    with tarfile.open(downloads.file(package), mode="r:gz") as archive:
        for file in archive:
            if (source := archive.extractfile(file)) is not None:
                path = file.name.partition("/")[2]  # whatever the folder is called
                rootfs.stream_file(
                    f"{folder}/{path}", source, size=file.size, mode=PROGRAM_MODE if path in commands else 0o644
                )
    if "node_modules/" not in folder.partition("node_modules/")[2]:
        for command, path in entry.get("bin", {}).items():
            rootfs.symlink(f"{folder.partition('node_modules/')[0]}node_modules/.bin/{command}", f"../{name}/{path}")
