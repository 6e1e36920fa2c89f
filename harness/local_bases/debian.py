"""A small Debian root file system, made by mmdebstrap: the essential packages, and what Node and the inits need."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from harness.core.errors import BaseUnavailable
from harness.local_bases import official
from harness.local_bases.command import run
from harness.local_bases.deb import MIRROR
from harness.local_bases.locking import exclusive

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.local_bases.arch import Architecture
    from harness.local_bases.download import Downloads
    from harness.local_bases.recipe import RecipeOs
    from harness.local_bases.rootfs import Rootfs

SUITES: Final[dict[RecipeOs, str]] = {"debian11": "bullseye", "debian12": "bookworm", "debian13": "trixie"}

_SECURITY: Final = "https://deb.debian.org/debian-security"
_SHELL: Final = "/bin/bash"
_PACKAGES: Final = ("ca-certificates", "dumb-init", "libatomic1", "libstdc++6", "passwd", "tini")
_OPTIONS: Final = (
    "--variant=essential",
    '--aptopt=Acquire::Retries "3"',
    # What Debian's own slim images leave out; licences stay.
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/groff/*",
    "--dpkgopt=path-exclude=/usr/share/lintian/*",
)
# State of the machine that ran mmdebstrap, and caches.
_LEFT_OUT: Final = ("etc/hostname", "etc/resolv.conf", "dev/", "var/cache/apt/", "var/lib/apt/lists/", "var/log/")

_INSTALL: Final = "apt-get update && apt-get install -y mmdebstrap"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bootstrap:
    """Makes root file systems and keeps the newest of each release in a cache.

    Args:
        downloads: asks the mirror how new it is.
        cache: a directory; several processes may share it.
        report: called with one line per lengthy step.
    """

    downloads: Downloads
    cache: Path
    report: Callable[[str], None]

    def open(self, os_name: RecipeOs, arch: Architecture) -> IO[bytes]:
        """Give a root file system as an open, uncompressed tar archive, which the caller closes.

        A cached one is as good as a new one as long as the mirror's release files are the same.

        Raises:
            BaseUnavailable: the mirror does not answer, or mmdebstrap cannot be had or fails.
        """
        suite = SUITES[os_name]
        state, epoch = self._mirror_state(suite)
        program = self._program()
        options = [*_OPTIONS, f"--architectures={arch.debian}", *_package_options(os_name, program)]
        name = hashlib.sha256("\n".join([state, *options]).encode()).hexdigest()[:16]
        stem = f"rootfs-{os_name}-{arch.debian}"
        path = self.cache / f"{stem}-{name}.tar"
        with exclusive(
            self.cache / f"{stem}.lock",
            waiting=lambda: self.report(f"waiting for another bootstrap of Debian {suite}"),
        ):
            if not path.is_file():
                self.report(f"bootstrapping Debian {suite} with mmdebstrap (about 20 s)")
                _make(path, [program, *options, suite, "-"], epoch)
                for old in self.cache.glob(f"{stem}-*.tar"):
                    if old != path:
                        old.unlink(missing_ok=True)
            return path.open("rb")

    def _mirror_state(self, suite: str) -> tuple[str, int]:
        """Give what changes when a package of the release does, and the time of the last change in Unix seconds."""
        releases = [
            self.downloads.text(f"{MIRROR}/dists/{suite}/InRelease"),
            self.downloads.text(f"{_SECURITY}/dists/{suite}-security/InRelease"),
        ]
        dates = [
            parsedate_to_datetime(line.removeprefix("Date: "))
            for release in releases
            for line in release.splitlines()
            if line.startswith("Date: ")
        ]
        if not dates:
            raise BaseUnavailable(
                f"the Debian mirror's release file for {suite} has no date",
                remedy="Something between here and deb.debian.org answers in its place; check proxies.",
            )
        return "\n".join(releases), int(max(dates).timestamp())

    def _program(self) -> str:
        """Find mmdebstrap, installing it where this is a Debian machine and we may."""
        found = shutil.which("mmdebstrap")
        if found is None and os.geteuid() == 0 and (apt := shutil.which("apt-get")):
            self.report(f"installing mmdebstrap: {_INSTALL}")
            environment = {"DEBIAN_FRONTEND": "noninteractive"}
            with exclusive(self.cache / "apt.lock", waiting=lambda: self.report("waiting for apt-get")):
                run([apt, "update", "-q"], sink=subprocess.DEVNULL, environment=environment)
                install = [apt, "install", "-y", "-q", "--no-install-recommends", "mmdebstrap"]
                run(install, sink=subprocess.DEVNULL, environment=environment)
            found = shutil.which("mmdebstrap")
        if found is None:
            raise BaseUnavailable(
                "a Debian base is made with mmdebstrap, which is not on this machine",
                remedy=f"As root on Debian or Ubuntu: {_INSTALL}\n"
                "Or use a base that needs no such tool: --base local:musl-node24",
            )
        return found


def _make(path: Path, command: list[str], epoch: int) -> None:
    """Let a command write an archive to its standard output, and put it in place when it is whole."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="bootstrap-") as scratch:
        part = Path(scratch, "rootfs.tar")
        with part.open("wb") as sink:
            run(command, sink=sink, environment={"SOURCE_DATE_EPOCH": str(epoch)})
        part.replace(path)


def _package_options(os_name: RecipeOs, program: str) -> list[str]:
    """Give the options that name packages.

    Left alone, Debian 12 takes the package ``usrmerge`` to merge /usr, which drags in all of Perl (45 MB); mmdebstrap
    has a hook that merges it beforehand, so that the empty package ``usr-is-merged`` does. Debian 13 is built merged,
    and Debian 11 is not merged.
    """
    hook = Path(program).resolve().parent.parent / "share/mmdebstrap/hooks/maybe-merged-usr"
    if os_name == "debian12" and hook.is_dir():
        return [f"--include={','.join([*_PACKAGES, 'usr-is-merged'])}", f"--hook-dir={hook}"]
    return [f"--include={','.join(_PACKAGES)}"]


def add_debian_system(rootfs: Rootfs, archive: IO[bytes]) -> None:
    """Copy a bootstrapped system, with the user ``node`` added and the bootstrapping machine's traces left out.

    Args:
        rootfs: where to.
        archive: an uncompressed tar archive from `Bootstrap.open`, at its start.
    """
    added = official.accounts(_SHELL)
    with tarfile.open(fileobj=archive, mode="r|") as system:
        for entry in system:
            path = entry.name.removeprefix("./")
            if path.startswith(_LEFT_OUT) and not entry.isdir():
                continue
            source = system.extractfile(entry) if entry.isreg() else None
            if path in added and source is not None:
                content = source.read() + added[path].encode()
                rootfs.file(path, content, mode=entry.mode, owner=entry.uid, group=entry.gid)
            else:
                rootfs.copy(entry, source)
