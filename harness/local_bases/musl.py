"""A root file system of musl and BusyBox: what Alpine is made of, without being Alpine.

Sources: ``busybox-static``, ``tini`` and ``musl`` of Debian 13 (musl 1.2.3 of Debian 12 makes current Node crash), and
dumb-init as a static program. All of them are static, so that only Node uses the C library, as intended: musl.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.core.errors import BaseUnavailable
from harness.local_bases import deb, dumbinit, official
from harness.local_bases.elf import is_static
from harness.local_bases.rootfs import PROGRAM_MODE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.local_bases.arch import Architecture
    from harness.local_bases.download import Downloads
    from harness.local_bases.rootfs import Rootfs

_SUITE: Final = "trixie"
_SHELL: Final = "/bin/sh"

# One directory of programs and one of libraries under all their usual names: an applet is at /bin, /sbin, /usr/bin and
# /usr/sbin, wherever a script looks for it.
_MERGED: Final = {"bin": "usr/bin", "sbin": "usr/bin", "usr/sbin": "bin", "lib": "usr/lib"}
_DIRECTORIES: Final = ("dev", "proc", "sys", "run", "mnt", "opt", "srv", "var/cache", "var/log", "usr/local/bin")
_STICKY: Final = ("tmp", "var/tmp")

_ETC: Final = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n",
    "etc/group": "root:x:0:root\ntty:x:5:\nnogroup:x:65533:\nnobody:x:65534:\n",
    "etc/shadow": "root:*:::::::\nnobody:!:::::::\n",
    "etc/shells": "/bin/sh\n/bin/ash\n",
}
_SECRET: Final = ("etc/shadow", "etc/gshadow")


def add_musl_system(rootfs: Rootfs, downloads: Downloads, arch: Architecture) -> None:
    """Add everything but Node: loader and C library, BusyBox with a link for each applet, tini, dumb-init, accounts.

    Raises:
        BaseUnavailable: a package cannot be had.
    """
    packages = deb.find_packages(downloads, _SUITE, arch.debian, ("busybox-static", "musl", "tini"))
    libc_path = f"usr/lib/{arch.machine}-linux-musl/libc.so"
    libc = deb.read_files(downloads.file(packages["musl"]), [libc_path])[libc_path]
    busybox_path, tini_path = "usr/bin/busybox", "usr/bin/tini-static"
    busybox = deb.read_files(downloads.file(packages["busybox-static"]), [busybox_path])[busybox_path]
    tini = deb.read_files(downloads.file(packages["tini"]), [tini_path])[tini_path]
    programs = {"busybox": busybox, "tini": tini, "dumb-init": dumbinit.static_program(downloads, arch)}

    _add_skeleton(rootfs)
    for name, program in programs.items():
        if not is_static(program):
            raise BaseUnavailable(
                f"the {name} that was found needs another C library than musl",
                remedy="Name a Debian base (local:debian12-node24), or an image from a registry, with --base.",
            )
        rootfs.file(f"usr/bin/{name}", program, mode=PROGRAM_MODE)
    for applet in applets(busybox):
        if applet not in programs:
            rootfs.symlink(f"usr/bin/{applet}", "busybox")
    loader = f"ld-musl-{arch.machine}.so.1"
    rootfs.file(f"usr/lib/{loader}", libc, mode=PROGRAM_MODE)
    rootfs.symlink(f"usr/lib/libc.musl-{arch.machine}.so.1", loader)
    _add_etc(rootfs, {name: deb.upstream_version(package) for name, package in packages.items()})


def applets(busybox: bytes) -> list[str]:
    """Read the names of the applets out of the BusyBox program, without running it: it may be another machine's.

    BusyBox keeps them as one sorted table of zero-terminated names, ``[`` and ``[[`` first, that an empty name ends.

    Args:
        busybox: the whole program.

    Raises:
        BaseUnavailable: there is no such table, or no shell in it.
    """
    start = busybox.find(b"[\0[[\0")
    end = busybox.find(b"\0\0", start)
    names = busybox[start:end].decode("ascii", errors="replace").split("\0") if 0 <= start < end else []
    if not {"sh", "ash", "env"} <= set(names):
        raise BaseUnavailable(
            "Debian's busybox-static has a form that is not understood",
            remedy="Name a Debian base (local:debian12-node24), or update signal-harness.",
        )
    return names


def _add_skeleton(rootfs: Rootfs) -> None:
    rootfs.directory("usr/bin")
    rootfs.directory("usr/lib")
    for path, target in _MERGED.items():
        rootfs.symlink(path, target)
    for path in _DIRECTORIES:
        rootfs.directory(path)
    for path in _STICKY:
        rootfs.directory(path, mode=0o1777)
    rootfs.directory("root", mode=0o700)


def _add_etc(rootfs: Rootfs, versions: Mapping[str, str]) -> None:
    musl, busybox = versions["musl"], versions["busybox-static"]
    added = official.accounts(_SHELL)
    for path in sorted(_ETC | added):
        content = _ETC.get(path, "") + added.get(path, "")
        rootfs.file(path, content.encode(), mode=0o600 if path in _SECRET else 0o644)
    rootfs.file(
        "etc/os-release",
        (
            'NAME="musl and BusyBox"\n'
            "ID=musl-busybox\n"
            f"VERSION_ID={musl}\n"
            f'PRETTY_NAME="musl {musl} and BusyBox {busybox}, assembled by signal-harness"\n'
        ).encode(),
    )
