"""Single packages from a Debian mirror, read without dpkg."""

from __future__ import annotations

import io
import lzma
import tarfile
from typing import TYPE_CHECKING, Final

from harness.core.errors import BaseUnavailable
from harness.local_bases.download import Artifact

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from harness.local_bases.download import Downloads

MIRROR: Final = "https://deb.debian.org/debian"

_AR_MAGIC: Final = b"!<arch>\n"
_AR_HEADER: Final = 60


def find_packages(downloads: Downloads, suite: str, architecture: str, names: Collection[str]) -> dict[str, Artifact]:
    """Look packages up in the index of a suite's main component.

    The chain of hashes starts at the suite's InRelease file, which TLS vouches for; it names the hash of the package
    index, and that the hash of each package.

    Args:
        downloads: does the look-up; the index (about 10 MB) stays in its cache.
        suite: a code name, such as ``trixie``.
        architecture: Debian's name for it.
        names: the packages wanted.

    Returns:
        Each package, titled ``<name> <version>``, by name.

    Raises:
        BaseUnavailable: the mirror does not answer, or lacks a package.
    """
    index_path = f"main/binary-{architecture}/Packages.xz"
    release = downloads.text(f"{MIRROR}/dists/{suite}/InRelease")
    digest, size = _index_entry(release, index_path)
    # By-hash URLs stay valid while the mirror is being updated.
    index = downloads.file(
        Artifact(
            title=f"Debian's package list for {suite}",
            url=f"{MIRROR}/dists/{suite}/main/binary-{architecture}/by-hash/SHA256/{digest}",
            algorithm="sha256",
            digest=digest,
            size=size,
        )
    )
    found = {}
    for stanza in lzma.decompress(index.read_bytes()).decode().split("\n\n"):
        if stanza.partition("\n")[0].removeprefix("Package: ") not in names:
            continue
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and line[0] != " ")
        found[fields["Package"]] = Artifact(
            title=f"{fields['Package']} {fields['Version']}",
            url=f"{MIRROR}/{fields['Filename']}",
            algorithm="sha256",
            digest=fields["SHA256"],
            size=int(fields["Size"]),
        )
    if missing := sorted(set(names) - set(found)):
        raise BaseUnavailable(
            f"Debian {suite} has no {' and no '.join(missing)} for {architecture}",
            remedy="Name an image from a registry with --base.",
        )
    return found


def read_files(package: Path, paths: Collection[str]) -> dict[str, bytes]:
    """Take regular files out of a package file (``.deb``).

    Args:
        package: the file, in the form Debian uses: an ``ar`` archive with a ``data.tar.xz`` in it.
        paths: as the package names them, without a leading ``./``.

    Raises:
        BaseUnavailable: a path is not in the package, or the file is no package.
    """
    found = {}
    with tarfile.open(fileobj=io.BytesIO(_ar_member(package.read_bytes(), "data.tar.xz")), mode="r:xz") as archive:
        for entry in archive:
            path = entry.name.removeprefix("./")
            if path in paths and (source := archive.extractfile(entry)) is not None:
                found[path] = source.read()
    if missing := sorted(set(paths) - set(found)):
        raise _unreadable(f"it holds no {missing[0]}")
    return found


def upstream_version(artifact: Artifact) -> str:
    """Give the version that upstream released, from a package found here: ``1.2.5`` of ``musl 1.2.5-3``."""
    version = artifact.title.rpartition(" ")[2].rpartition(":")[2]
    return version.rpartition("-")[0] or version


def _index_entry(release: str, index_path: str) -> tuple[str, int]:
    """Find hash and size of an index in the SHA256 section of an InRelease file."""
    section = release.partition("\nSHA256:")[2]
    for line in section.splitlines():
        match line.split():
            case [digest, size, path] if path == index_path:
                return digest, int(size)
    raise _unreadable(f"its InRelease names no {index_path}")


def _ar_member(archive: bytes, name: str) -> bytes:
    """Take one member out of an ar archive; layout as in deb(5)."""
    offset = len(_AR_MAGIC) if archive.startswith(_AR_MAGIC) else len(archive)
    while offset + _AR_HEADER <= len(archive):
        header = archive[offset : offset + _AR_HEADER]
        size = int(header[48:58])
        offset += _AR_HEADER
        if header[:16].decode("ascii").strip().rstrip("/") == name:
            return archive[offset : offset + size]
        offset += size + size % 2
    raise _unreadable(f"the package holds no {name}")


def _unreadable(reason: str) -> BaseUnavailable:
    return BaseUnavailable(
        f"the Debian mirror has a form that is not understood: {reason}",
        remedy="Name an image from a registry with --base, or update signal-harness.",
    )
