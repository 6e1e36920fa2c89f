"""Single packages from a Debian mirror, read without dpkg."""

from __future__ import annotations

import io
import lzma
import re
import tarfile
from typing import TYPE_CHECKING, Final

from harness.core.errors import BaseUnavailable
from harness.local_bases.download import Artifact
from harness.local_bases.release import read_release

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from harness.local_bases.download import Downloads
    from harness.local_bases.rootfs import Rootfs

MIRROR: Final = "https://deb.debian.org/debian"

_AR_MAGIC: Final = b"!<arch>\n"
_AR_HEADER: Final = 60


def find_packages(downloads: Downloads, suite: str, architecture: str, names: Collection[str]) -> dict[str, Artifact]:
    """Packages by name, titled ``<name> <version>``, from the index of a suite's main component.

    The chain of hashes starts at the suite's InRelease file, which Debian's keys have signed; it names the hash of the
    package index, and that the hash of each package. The index (about 10 MB) stays in the cache of the downloads.

    Raises:
        BaseUnavailable: the mirror does not answer, its InRelease is not to be believed, or it lacks a package.
    """
    folder = f"main/binary-{architecture}"
    release = read_release(downloads, f"{MIRROR}/dists/{suite}", suite)
    entry = re.search(rf"^ ([0-9a-f]{{64}}) +([0-9]+) {folder}/Packages\.xz$", release, re.MULTILINE)
    if entry is None:
        raise _unreadable(f"its InRelease names no {folder}/Packages.xz")
    # By-hash URLs stay valid while the mirror is being updated.
    index = downloads.file(
        Artifact(
            title=f"Debian's package list for {suite}",
            url=f"{MIRROR}/dists/{suite}/{folder}/by-hash/SHA256/{entry[1]}",
            digest=entry[1],
            size=int(entry[2]),
        )
    )
    packages = {}
    for stanza in lzma.decompress(index.read_bytes()).decode().split("\n\n"):
        name = stanza.partition("\n")[0].removeprefix("Package: ")
        if name in names:
            fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and line[0] != " ")
            packages[name] = Artifact(
                title=f"{name} {fields['Version']}",
                url=f"{MIRROR}/{fields['Filename']}",
                digest=fields["SHA256"],
                size=int(fields["Size"]),
            )
    if missing := sorted(set(names) - set(packages)):
        raise BaseUnavailable(
            f"Debian {suite} has no {' and no '.join(missing)} for {architecture}",
            remedy="Name an image from a registry with --base.",
        )
    return packages


def read_file(package: Path, path: str) -> bytes:
    """Read one regular file of a package file (``.deb``: an ``ar`` archive with a ``data.tar.xz`` in it).

    Raises:
        BaseUnavailable: the path, without a leading ``./``, is not in the package, or the file is not a package.
    """
    with _files(package) as archive:
        for entry in archive:
            if entry.name.removeprefix("./") == path and (source := archive.extractfile(entry)) is not None:
                return source.read()
    raise _unreadable(f"the package has no {path}")


def unpack(package: Path, wanted: re.Pattern[str], rootfs: Rootfs) -> None:
    """Add to a root file system what of a package has a path, without a leading ``./``, that a pattern matches whole.

    Raises:
        BaseUnavailable: there is nothing like it, or the file is not a package.
    """
    found = False
    with _files(package) as archive:
        for entry in archive:
            path = entry.name.removeprefix("./")
            if wanted.fullmatch(path) and not entry.isdir():
                found = True
                rootfs.directory(path.rpartition("/")[0])
                rootfs.copy(entry, archive.extractfile(entry) if entry.isreg() else None)
    if not found:
        raise _unreadable(f"the package has no {wanted.pattern}")


def _files(package: Path) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(_ar_member(package.read_bytes(), "data.tar.xz")), mode="r:xz")


def upstream_version(artifact: Artifact) -> str:
    """The version that upstream released, of a package found here: ``1.2.5`` of ``musl 1.2.5-3``."""
    version = artifact.title.rpartition(" ")[2].rpartition(":")[2]
    return version.rpartition("-")[0] or version


def _ar_member(archive: bytes, name: str) -> bytes:
    """One member of an ar archive; layout as in deb(5)."""
    offset = len(_AR_MAGIC) if archive.startswith(_AR_MAGIC) else len(archive)
    while offset + _AR_HEADER <= len(archive):
        header = archive[offset : offset + _AR_HEADER]
        size = int(header[48:58])
        offset += _AR_HEADER
        if header[:16].decode("ascii").strip().rstrip("/") == name:
            return archive[offset : offset + size]
        offset += size + size % 2
    raise _unreadable(f"the package has no {name}")


def _unreadable(reason: str) -> BaseUnavailable:
    return BaseUnavailable(
        f"the Debian mirror has a form that is not understood: {reason}",
        remedy="Name an image from a registry with --base, or update signal-harness.",
    )
