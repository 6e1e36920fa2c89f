"""A root file system of musl and BusyBox: what Alpine is made of, without being Alpine.

Sources: ``busybox-static``, ``tini`` and ``musl`` of Debian 13 (musl 1.2.3 of Debian 12 makes current Node crash), and
dumb-init as a static program. All of them are static, so that only Node uses the C library, as intended: musl.
"""

from __future__ import annotations

import platform
import shutil
import struct
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.core.errors import BaseUnavailable
from harness.local_bases import deb, official
from harness.local_bases.indexes import project_files
from harness.local_bases.rootfs import PROGRAM_MODE

if TYPE_CHECKING:
    from harness.local_bases.download import Downloads
    from harness.local_bases.recipe import Architecture
    from harness.local_bases.rootfs import Rootfs

_ELF: Final = b"\x7fELF\x02\x01"  # 64 bit, little-endian, as every supported architecture is
_PT_INTERP: Final = 3
_COMPILE_S: Final = 120
_INSTALL_COMPILER: Final = "apt-get install -y gcc libc6-dev"

# One directory of programs and one of libraries under all their usual names: an applet is at /bin, /sbin, /usr/bin and
# /usr/sbin, wherever a script looks for it.
_MERGED: Final = {"bin": "usr/bin", "sbin": "usr/bin", "usr/sbin": "bin", "lib": "usr/lib"}
_DIRECTORIES: Final = {
    **dict.fromkeys(("usr/bin", "usr/lib", "usr/local/bin", "var/cache", "var/log"), 0o755),
    **dict.fromkeys(("dev", "proc", "sys", "run", "mnt", "opt", "srv"), 0o755),
    **dict.fromkeys(("tmp", "var/tmp"), 0o1777),
    "root": 0o700,
}

_ETC: Final = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n",
    "etc/group": "root:x:0:root\ntty:x:5:\nnogroup:x:65533:\nnobody:x:65534:\n",
    "etc/shadow": "root:*:::::::\nnobody:!:::::::\n",
    "etc/shells": "/bin/sh\n/bin/ash\n",
}
_SECRET: Final = ("etc/shadow", "etc/gshadow")


def add_musl_system(rootfs: Rootfs, downloads: Downloads, arch: Architecture) -> None:
    """Add everything but Node: loader and C library, BusyBox with a link for each applet, tini, dumb-init, accounts."""
    packages = deb.find_packages(downloads, "trixie", arch.debian, ("busybox-static", "musl", "tini"))
    libc = deb.read_file(downloads.file(packages["musl"]), f"usr/lib/{arch.machine}-linux-musl/libc.so")
    busybox = deb.read_file(downloads.file(packages["busybox-static"]), "usr/bin/busybox")
    tini = deb.read_file(downloads.file(packages["tini"]), "usr/bin/tini-static")
    programs = {"busybox": busybox, "tini": tini, "dumb-init": _dumb_init(downloads, arch)}
    for path, mode in _DIRECTORIES.items():
        rootfs.directory(path, mode=mode)
    for path, target in _MERGED.items():
        rootfs.symlink(path, target)
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
    versions = {name: deb.upstream_version(package) for name, package in packages.items()}
    _add_etc(rootfs, musl=versions["musl"], busybox=versions["busybox-static"])


def _dumb_init(downloads: Downloads, arch: Architecture) -> bytes:
    """dumb-init as a program that needs no C library, from the newest release that has it for this architecture.

    Debian's package links to glibc. The project's own wheels for x86_64 are static where they carry the oldest platform
    tag (``manylinux1``) and are not where they carry a newer one; for other machines there is none, and the source is
    compiled.
    """
    files = project_files(downloads, "dumb-init")
    if wheels := [file for file in files if file.platforms == (f"manylinux1_{arch.machine}",)]:
        with zipfile.ZipFile(downloads.file(wheels[-1].artifact)) as wheel:
            member = next(name for name in wheel.namelist() if name.endswith("/scripts/dumb-init"))
            return wheel.read(member)
    sources = [file for file in files if not file.platforms]
    return _compile_dumb_init(downloads.file(sources[-1].artifact), arch)


def _compile_dumb_init(source: Path, arch: Architecture) -> bytes:
    """Compile the program from its source archive with this machine's C compiler, for this machine's architecture."""
    compiler = shutil.which("cc")
    if compiler is None or platform.system() != "Linux" or platform.machine() != arch.machine:
        raise BaseUnavailable(
            f"no static dumb-init for {arch.machine}: there is no package and no C compiler for it here",
            remedy=f"On a {arch.machine} Linux machine: {_INSTALL_COMPILER}\nOr name a Debian base with --base.",
        )
    with tempfile.TemporaryDirectory(prefix="signal-harness-dumb-init-") as scratch:
        with tarfile.open(source) as archive:
            for entry in archive:
                name = Path(entry.name).name
                if name.endswith((".c", ".h")) and (content := archive.extractfile(entry)) is not None:
                    Path(scratch, name).write_bytes(content.read())
        command = [compiler, "-static", "-std=gnu99", "-O2", "-s", "-o", "dumb-init", "dumb-init.c"]
        done = subprocess.run(
            command, cwd=scratch, capture_output=True, text=True, errors="replace", timeout=_COMPILE_S, check=False
        )
        if done.returncode:
            raise BaseUnavailable(
                f"dumb-init does not compile here: {done.stderr.strip().splitlines()[-1:]}",
                remedy=f"{_INSTALL_COMPILER}\nOr name a Debian base with --base.",
            )
        return Path(scratch, "dumb-init").read_bytes()


def applets(busybox: bytes) -> list[str]:
    """The names of the applets in a BusyBox program, read without running it: it may be another machine's.

    BusyBox keeps them as one sorted table of zero-terminated names, ``[`` and ``[[`` first, that an empty name ends.

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


def is_static(program: bytes) -> bool:
    """Whether a program is a 64-bit little-endian ELF file that needs no dynamic loader, so runs on any C library."""
    if not program.startswith(_ELF):
        return False
    # Offsets of e_phoff, e_phentsize and e_phnum in the ELF-64 header: see elf(5).
    (table,) = struct.unpack_from("<Q", program, 32)
    size, count = struct.unpack_from("<HH", program, 54)
    kinds = (struct.unpack_from("<I", program, table + index * size)[0] for index in range(count))
    return _PT_INTERP not in kinds


def _add_etc(rootfs: Rootfs, *, musl: str, busybox: str) -> None:
    added = official.accounts("/bin/sh")
    for path in sorted(_ETC | added):
        content = _ETC.get(path, "") + added.get(path, "")
        rootfs.file(path, content.encode(), mode=0o600 if path in _SECRET else 0o644)
    release = (
        'NAME="musl and BusyBox"\n'
        "ID=musl-busybox\n"
        f"VERSION_ID={musl}\n"
        f'PRETTY_NAME="musl {musl} and BusyBox {busybox}, assembled by signal-harness"\n'
    )
    rootfs.file("etc/os-release", release.encode())
