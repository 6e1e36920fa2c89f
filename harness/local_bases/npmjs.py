"""Packages on an npm registry."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

from harness.local_bases.download import Artifact, HashName

if TYPE_CHECKING:
    from harness.local_bases.download import Downloads

_DEFAULT_REGISTRY: Final = "https://registry.npmjs.org"
# The abbreviated form leaves out readmes and scripts: 3 MB instead of 30 MB for npm itself.
_ACCEPT: Final = "application/vnd.npm.install-v1+json"


def package_versions(downloads: Downloads, package: str) -> dict[str, Artifact]:
    """List the tarballs of a package by version, in no particular order.

    The registry is registry.npmjs.org, or what ``NPM_CONFIG_REGISTRY`` names.

    Args:
        downloads: does the look-up.
        package: an unscoped package name.

    Raises:
        BaseUnavailable: the registry does not answer.
    """
    registry = os.environ.get("NPM_CONFIG_REGISTRY", _DEFAULT_REGISTRY).rstrip("/")
    page = f"{registry}/{package}"
    versions = downloads.json(page, accept=_ACCEPT)["versions"]
    artifacts = {}
    for version, entry in versions.items():
        algorithm, digest = _hash(entry["dist"])
        artifacts[version] = Artifact(
            title=f"{package} {version}",
            url=urljoin(page, entry["dist"]["tarball"]),
            algorithm=algorithm,
            digest=digest,
        )
    return artifacts


def _hash(dist: dict[str, Any]) -> tuple[HashName, str]:
    """Take the strongest hash: the sha512 of ``integrity``, or the ``shasum`` that every version has."""
    for item in dist.get("integrity", "").split():
        name, _, value = item.partition("-")
        if name == "sha512":
            return "sha512", base64.b64decode(value).hex()
    return "sha1", dist["shasum"]
