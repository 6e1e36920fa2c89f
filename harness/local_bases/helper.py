"""The image of a helper, from packages: Debian's smallest Python, and mount(8). It has nothing of ours."""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.core.errors import BaseUnavailable, EngineFault, EngineUnavailable
from harness.local_bases import deb
from harness.local_bases.download import Downloads, exclusive, megabytes
from harness.local_bases.recipe import HELPER_TAG, architecture
from harness.local_bases.rootfs import PROGRAM_MODE, Rootfs

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.engine.protocol import ImageStore
    from harness.local_bases.recipe import Architecture

_LABEL: Final = "signal-harness.recipe"
_SUITE: Final = "trixie"
_PYTHON: Final = "python3.13"
_BUSYBOX: Final = "busybox-static"
# What of each package: the interpreter, its library, and the C libraries that it links to.
_WANTED: Final = {
    f"{_PYTHON}-minimal": rf"usr/bin/{re.escape(_PYTHON)}",
    f"lib{_PYTHON}-minimal": rf"usr/lib/{re.escape(_PYTHON)}/.*\.py",
    "libc6": r"usr/lib(64|/[^/]+)?/(ld-linux-[^/]+|libc\.so\.6|libm\.so\.6)",
    "libexpat1": r"usr/lib/[^/]+/libexpat\.so\..*",
    "zlib1g": r"usr/lib/[^/]+/libz\.so\..*",
}
_LINKS: Final = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "usr/bin/python3": _PYTHON}
# Without a folder for them Python says on its error output that it finds no modules of its own in C.
_FOLDERS: Final = ("dev", "proc", "sys", "usr/bin", "usr/lib64", f"usr/lib/{_PYTHON}/lib-dynload")


def build_helper(store: ImageStore, *, cache: Path, report: Callable[[str], None], rebuild: bool = False) -> str:
    """Make sure that the engine has the image of a helper, assembling it if necessary, and return its tag.

    Raises:
        BaseUnavailable: a package that it needs is not available, or the engine refuses the image.
    """
    try:
        arch = architecture(store.architecture())
        fingerprint = _fingerprint(arch)
        if not rebuild and store.label(HELPER_TAG, _LABEL) == fingerprint:
            return HELPER_TAG
        cache.mkdir(parents=True, exist_ok=True)
        with exclusive(cache / "helper.lock", report, f"waiting for another build of {HELPER_TAG}"):
            if rebuild or store.label(HELPER_TAG, _LABEL) != fingerprint:
                _assemble(store, arch, fingerprint=fingerprint, cache=cache, report=report)
    except (EngineFault, EngineUnavailable, OSError) as error:
        raise BaseUnavailable(
            f"the image of the helper cannot be assembled: {error}",
            remedy="Check the engine, its log and its disk, or leave out --trace helper.",
        ) from error
    return HELPER_TAG


def _assemble(
    store: ImageStore, arch: Architecture, *, fingerprint: str, cache: Path, report: Callable[[str], None]
) -> None:
    report("assembling the image of the helper")
    with tempfile.TemporaryFile(dir=cache) as archive, Downloads(cache, report) as downloads:
        packages = deb.find_packages(downloads, _SUITE, arch.debian, (*_WANTED, _BUSYBOX))
        with Rootfs(archive) as rootfs:
            for folder in _FOLDERS:
                rootfs.directory(folder)
            for path, target in _LINKS.items():
                rootfs.symlink(path, target)
            for name, wanted in _WANTED.items():
                deb.unpack(downloads.file(packages[name]), re.compile(wanted), rootfs)
            busybox = deb.read_file(downloads.file(packages[_BUSYBOX]), "usr/bin/busybox")
            rootfs.file("usr/bin/mount", busybox, mode=PROGRAM_MODE)
        report(f"importing {HELPER_TAG} ({megabytes(archive.tell())})")
        archive.seek(0)
        changes = ("ENV PATH=/usr/bin", f"LABEL {_LABEL}={fingerprint}")
        store.import_rootfs(archive, tag=HELPER_TAG, changes=changes)


def _fingerprint(arch: Architecture) -> str:
    """A hash of what determines the image, apart from the newest packages."""
    state = hashlib.sha256(f"{arch.debian}\n".encode())
    for source in (Path(__file__), Path(deb.__file__)):
        state.update(source.read_bytes())
    return state.hexdigest()
