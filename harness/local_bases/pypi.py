"""Files on a Python package index, through its JSON form (PEP 691)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from harness.local_bases.download import Artifact

if TYPE_CHECKING:
    from harness.local_bases.download import Downloads

_DEFAULT_INDEX: Final = "https://pypi.org/simple/"
_ACCEPT: Final = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexFile:
    """A file of a project that was not withdrawn, and what its name says."""

    name: str
    version: str
    platforms: tuple[str, ...]
    """A wheel's platform tags, such as ``musllinux_1_2_x86_64``; empty for a source archive."""
    artifact: Artifact


def project_files(downloads: Downloads, project: str) -> list[IndexFile]:
    """List the wheels and source archives of a project, in the order of the index (oldest release first).

    The index is pypi.org, or what ``PIP_INDEX_URL`` names.

    Args:
        downloads: does the look-up.
        project: the normalised project name.

    Raises:
        BaseUnavailable: the index does not answer.
    """
    index = os.environ.get("PIP_INDEX_URL", _DEFAULT_INDEX).rstrip("/")
    page = f"{index}/{project}/"
    files = []
    for entry in downloads.json(page, accept=_ACCEPT)["files"]:
        sha256 = entry["hashes"].get("sha256")
        parsed = _split(entry["filename"])
        # A file without a hash cannot be checked, so it is as good as absent.
        if entry.get("yanked") or sha256 is None or parsed is None:
            continue
        version, platforms = parsed
        artifact = Artifact(
            title=f"{project} {version}",
            url=urljoin(page, entry["url"]),
            algorithm="sha256",
            digest=sha256,
            size=entry.get("size"),
        )
        files.append(IndexFile(name=entry["filename"], version=version, platforms=platforms, artifact=artifact))
    return files


def _split(filename: str) -> tuple[str, tuple[str, ...]] | None:
    """Take version and platform tags from a file name (the wheel and source archive naming rules)."""
    if filename.endswith(".whl"):
        head, _, _, platforms = filename.removesuffix(".whl").rsplit("-", 3)
        return head.split("-")[1], tuple(platforms.split("."))
    if filename.endswith(".tar.gz"):
        return filename.removesuffix(".tar.gz").rpartition("-")[2], ()
    return None
