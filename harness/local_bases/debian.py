"""A small Debian root file system, made by mmdebstrap: the essential packages, and what Node and the inits need."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import tarfile
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from harness.core.errors import BaseUnavailable
from harness.local_bases import official
from harness.local_bases.deb import MIRROR
from harness.local_bases.download import arriving, exclusive
from harness.local_bases.release import read_release

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.local_bases.download import Downloads
    from harness.local_bases.recipe import Architecture, RecipeOs
    from harness.local_bases.rootfs import Rootfs

_SUITES: Final[dict[RecipeOs, str]] = {"debian11": "bullseye", "debian12": "bookworm", "debian13": "trixie"}

_PACKAGES: Final = ("ca-certificates", "dumb-init", "libatomic1", "libstdc++6", "passwd", "tini")
_OPTIONS: Final = (
    "--variant=essential",
    '--aptopt=Acquire::Retries "3"',
    # What Debian's own slim images leave out; licences stay.
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "info", "locale", "groff", "lintian")),
)
# State of the machine that ran mmdebstrap, and caches.
_LEFT_OUT: Final = ("etc/hostname", "etc/resolv.conf", "dev/", "var/cache/apt/", "var/lib/apt/lists/", "var/log/")

_LIMIT_S: Final = 1200  # far above what apt-get and mmdebstrap take, on a slow mirror too
_STOP_S: Final = 30
_LINES: Final = 3
_INSTALL: Final = "apt-get update && apt-get install -y mmdebstrap"


def open_debian_system(
    os_name: RecipeOs, arch: Architecture, downloads: Downloads, cache: Path, report: Callable[[str], None]
) -> IO[bytes]:
    """A root file system as an open, uncompressed tar archive, which the caller closes.

    The newest of each release stays in the cache, which several processes may share; it is as good as a new one as long
    as the mirror's release files are the same.

    Raises:
        BaseUnavailable: the mirror does not answer, a release file of it is not to be believed, or mmdebstrap is not
            available or fails.
    """
    suite = _SUITES[os_name]
    state, epoch = _mirror_state(downloads, suite)
    program = _mmdebstrap(cache, report)
    options = [*_OPTIONS, f"--architectures={arch.debian}", *_package_options(os_name, program)]
    name = hashlib.sha256("\n".join([state, *options]).encode()).hexdigest()[:16]
    stem = f"rootfs-{os_name}-{arch.debian}"
    path = cache / f"{stem}-{name}.tar"
    with exclusive(cache / f"{stem}.lock", report, f"waiting for another bootstrap of Debian {suite}"):
        if not path.is_file():
            report(f"bootstrapping Debian {suite} with mmdebstrap (about 20 s)")
            with arriving(path) as part, part.open("wb") as sink:
                _run([program, *options, suite, "-"], sink=sink, environment={"SOURCE_DATE_EPOCH": str(epoch)})
            for old in cache.glob(f"{stem}-*.tar"):
                if old != path:
                    old.unlink(missing_ok=True)
        return path.open("rb")


def _mirror_state(downloads: Downloads, suite: str) -> tuple[str, int]:
    """What changes when a package of the release does, and the time of the last change in Unix seconds."""
    suites = {suite: f"{MIRROR}/dists/{suite}", f"{suite}-security": f"{MIRROR}-security/dists/{suite}-security"}
    state = "\n".join(read_release(downloads, folder, name) for name, folder in suites.items())
    dates = re.findall(r"^Date: (.+)$", state, re.MULTILINE)
    if not dates:
        raise BaseUnavailable(
            f"the Debian mirror's release file for {suite} has no date",
            remedy="Something between here and deb.debian.org answers in its place; check proxies.",
        )
    return state, int(max(map(parsedate_to_datetime, dates)).timestamp())


def _mmdebstrap(cache: Path, report: Callable[[str], None]) -> str:
    """Find the program, installing it if this is a Debian machine and we may."""
    program = shutil.which("mmdebstrap")
    if program is None and os.geteuid() == 0 and (apt := shutil.which("apt-get")):
        report(f"installing mmdebstrap: {_INSTALL}")
        with exclusive(cache / "apt.lock", report, "waiting for apt-get"):
            for arguments in ("update -q", "install -y -q --no-install-recommends mmdebstrap"):
                environment = {"DEBIAN_FRONTEND": "noninteractive"}
                _run([apt, *arguments.split()], sink=subprocess.DEVNULL, environment=environment)
        program = shutil.which("mmdebstrap")
    if program is None:
        raise BaseUnavailable(
            "a Debian base is made with mmdebstrap, which is not on this machine",
            remedy=f"As root on Debian or Ubuntu: {_INSTALL}\n"
            "Or use a base that needs no such tool: --base local:musl-node24",
        )
    return program


def _run(command: Sequence[str], *, sink: IO[bytes] | int, environment: Mapping[str, str]) -> None:
    """Run a command to its end, its standard output into the sink; on any interruption let it clean up after itself.

    Raises:
        BaseUnavailable: it fails, or takes longer than 20 minutes.
    """
    name = Path(command[0]).name
    remedy = f"Run it by hand to see more: {shlex.join(command)}\nOr use a base that is ready faster: local:musl-node24"
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        # A group of its own, so that its children can be stopped with it: mmdebstrap ends only when they do.
        process_group=0,
    ) as process:
        try:
            _, messages = process.communicate(timeout=_LIMIT_S)
        except subprocess.TimeoutExpired as error:
            raise BaseUnavailable(f"{name} did not end within {_LIMIT_S} s", remedy=remedy) from error
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.communicate(timeout=_STOP_S)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        errors = [line for line in messages.decode(errors="replace").splitlines() if line.startswith("E:")]
        reason = " ".join(errors[-_LINES:]) or "it gives no reason"
        raise BaseUnavailable(f"{name} failed with status {process.returncode}: {reason}", remedy=remedy)


def _package_options(os_name: RecipeOs, program: str) -> list[str]:
    """The options that name packages.

    Left alone, Debian 12 takes the package ``usrmerge`` to merge /usr, which drags in all of Perl (45 MB); mmdebstrap
    has a hook that merges it beforehand, so that the empty package ``usr-is-merged`` does. Debian 13 is built merged,
    and Debian 11 is not merged.
    """
    hook = Path(program).resolve().parent.parent / "share/mmdebstrap/hooks/maybe-merged-usr"
    include = f"--include={','.join(_PACKAGES)}"
    if os_name == "debian12" and hook.is_dir():
        return [f"{include},usr-is-merged", f"--hook-dir={hook}"]
    return [include]


def add_debian_system(rootfs: Rootfs, archive: IO[bytes]) -> None:
    """Copy a system from `open_debian_system`, with the user ``node`` and without traces of the assembling machine."""
    added = official.accounts("/bin/bash")
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
