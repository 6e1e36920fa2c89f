"""dumb-init as a program that needs no C library.

Debian's package links to glibc. The project's own wheels for x86_64 are static where they carry the oldest platform tag
(``manylinux1``) and are not where they carry a newer one; for other machines there is none, and the source is compiled.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.core.errors import BaseUnavailable
from harness.local_bases.indexes import project_files

if TYPE_CHECKING:
    from harness.local_bases.arch import Architecture
    from harness.local_bases.download import Downloads

_COMPILE_S: Final = 120
_INSTALL_COMPILER: Final = "apt-get install -y gcc libc6-dev"


def static_program(downloads: Downloads, arch: Architecture) -> bytes:
    """The program, from the newest release that has it for this architecture.

    Raises:
        BaseUnavailable: it can neither be fetched nor compiled here.
    """
    files = project_files(downloads, "dumb-init")
    wheels = [file for file in files if file.platforms == (f"manylinux1_{arch.machine}",)]
    if wheels:
        with zipfile.ZipFile(downloads.file(wheels[-1].artifact)) as wheel:
            member = next(name for name in wheel.namelist() if name.endswith("/scripts/dumb-init"))
            return wheel.read(member)
    sources = [file for file in files if not file.platforms]
    return _compile_static(downloads.file(sources[-1].artifact), arch)


def _compile_static(source: Path, arch: Architecture) -> bytes:
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
