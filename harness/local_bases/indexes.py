"""What package indexes offer (PyPI through its JSON form, PEP 691, and an npm registry), and choosing from it."""

from __future__ import annotations

import base64
import os
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urljoin

from harness.local_bases.download import Artifact

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from harness.local_bases.download import Downloads

_PYPI: Final = "https://pypi.org/simple/"
_PYPI_ACCEPT: Final = "application/vnd.pypi.simple.v1+json"
_NPM: Final = "https://registry.npmjs.org"
# The abbreviated form leaves out readmes and scripts: 3 MB instead of 30 MB for npm itself.
_NPM_ACCEPT: Final = "application/vnd.npm.install-v1+json"

_STABLE: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
_NEAREST: Final = 4


class IndexFile(NamedTuple):
    """A file of a Python project that was not withdrawn, and what its name says."""

    version: str
    platforms: tuple[str, ...]
    """A wheel's platform tags, such as ``musllinux_1_2_x86_64``; empty for a source archive."""
    artifact: Artifact


def project_files(downloads: Downloads, project: str) -> list[IndexFile]:
    """The wheels and sdists of a project by its normalised name, oldest first, from pypi.org or ``PIP_INDEX_URL``."""
    page = f"{os.environ.get('PIP_INDEX_URL', _PYPI).rstrip('/')}/{project}/"
    files = []
    for entry in downloads.json(page, accept=_PYPI_ACCEPT)["files"]:
        sha256 = entry["hashes"].get("sha256")
        version, platforms = _split(entry["filename"])
        # A file without a hash cannot be checked, so it is as good as absent.
        if version and sha256 and not entry.get("yanked"):
            url, size = urljoin(page, entry["url"]), entry.get("size")
            artifact = Artifact(title=f"{project} {version}", url=url, digest=sha256, size=size)
            files.append(IndexFile(version, platforms, artifact))
    return files


def _split(filename: str) -> tuple[str, tuple[str, ...]]:
    """The version and platform tags in a file name (the wheel and source archive naming rules); empty for others."""
    if filename.endswith(".whl"):
        head, _, _, platforms = filename.removesuffix(".whl").rsplit("-", 3)
        return head.split("-")[1], tuple(platforms.split("."))
    return (filename.removesuffix(".tar.gz").rpartition("-")[2] if filename.endswith(".tar.gz") else ""), ()


def package_versions(downloads: Downloads, package: str) -> dict[str, Artifact]:
    """The tarballs of an npm package by version, unordered, from registry.npmjs.org or ``NPM_CONFIG_REGISTRY``.

    Versions without a hash that holds (``integrity``, SHA-512) are left out: npm itself has it for all its releases.
    """
    page = f"{os.environ.get('NPM_CONFIG_REGISTRY', _NPM).rstrip('/')}/{package}"
    artifacts = {}
    for version, entry in downloads.json(page, accept=_NPM_ACCEPT)["versions"].items():
        if digest := sha512(entry["dist"]):
            url = urljoin(page, entry["dist"]["tarball"])
            artifacts[version] = Artifact(title=f"{package} {version}", url=url, algorithm="sha512", digest=digest)
    return artifacts


def sha512(entry: Mapping[str, Any]) -> str:
    """The SHA-512 of ``integrity``, as registries and lock files of npm's have it, in hexadecimal; empty if none."""
    found = re.search(r"\bsha512-([A-Za-z0-9+/]{86}==)", entry.get("integrity", ""))
    return base64.b64decode(found[1]).hex() if found else ""


def key(version: str) -> tuple[int, ...]:
    """A key to sort complete, stable versions by: ``9.10.0`` is above ``9.9.0``."""
    return tuple(map(int, version.split(".")))


def is_stable(version: str) -> bool:
    """Whether a version is complete and not a pre-release."""
    return _STABLE.fullmatch(version) is not None


def choose(wanted: str, available: Collection[str]) -> str | None:
    """The available version that is wanted: of a major the newest stable release, or a complete version itself."""
    if "." in wanted:
        return wanted if wanted in available else None
    fitting = [version for version in available if is_stable(version) and key(version)[0] == int(wanted)]
    return max(fitting, key=key, default=None)


def nearest(wanted: str, available: Collection[str]) -> list[str]:
    """Up to four available stable versions closest to one that is not available, lowest first.

    For a complete version they are its neighbours within its major (of a pre-release only the numbers count), else the
    newest of each neighbouring major.
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
