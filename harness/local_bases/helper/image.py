"""The image of a helper (`harness.engine.helper`): Debian's smallest Python, and mount(8). It has nothing of ours."""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.core.errors import BaseUnavailable, EngineFault, EngineUnavailable
from harness.local_bases import deb
from harness.local_bases.download import Downloads, exclusive, megabytes
from harness.local_bases.recipe import architecture
from harness.local_bases.rootfs import PROGRAM_MODE, Rootfs

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.engine.protocol import ImageStore
    from harness.local_bases.recipe import Architecture

REFERENCE: Final = "local:helper"
TAG: Final = "signal-harness/helper:python3"
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


class HelperImage:
    """The image as a `harness.engine.protocol.BaseProvider` of one reference; ``cache`` is where downloads are kept."""

    defaults: Final[tuple[str, ...]] = ()
    remedy: Final = "See what keeps Debian's packages from being fetched, or leave out --trace helper."

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def handles(self, reference: str) -> bool:
        """Whether it is this one."""
        return reference == REFERENCE

    def tag(self, _: str) -> str:
        """The tag under which an engine keeps it."""
        return TAG

    def reference(self, tag: str) -> None:
        """No tag is one of a base."""

    def provide(self, _: str, store: ImageStore, *, report: Callable[[str], None], rebuild: bool) -> None:
        """Make sure that the image is in a store, assembling it from packages if necessary."""
        try:
            arch = architecture(store.architecture())
            fingerprint = _fingerprint(arch)

            def wanted() -> bool:
                return rebuild or store.label(TAG, _LABEL) != fingerprint

            if wanted():
                self._cache.mkdir(parents=True, exist_ok=True)
                with exclusive(self._cache / "helper.lock", report, f"waiting for another build of {TAG}"):
                    if wanted():  # whoever held the lock may have built it
                        self._assemble(store, arch, fingerprint=fingerprint, report=report)
        except BaseUnavailable as why:
            why.remedy = self.remedy  # theirs is to name another base
            raise
        except (EngineFault, EngineUnavailable, OSError) as error:
            message = f"the image of the helper cannot be assembled: {error}"
            raise BaseUnavailable(message, remedy="Check the engine, its log and its disk.") from error

    def _assemble(
        self, store: ImageStore, arch: Architecture, *, fingerprint: str, report: Callable[[str], None]
    ) -> None:
        report("assembling the image of the helper")
        with tempfile.TemporaryFile(dir=self._cache) as archive, Downloads(self._cache, report) as downloads:
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
            report(f"importing {TAG} ({megabytes(archive.tell())})")
            archive.seek(0)
            changes = ("ENV PATH=/usr/bin", f"LABEL {_LABEL}={fingerprint}")
            store.import_rootfs(archive, tag=TAG, changes=changes)


def _fingerprint(arch: Architecture) -> str:
    """A hash of what determines the image, apart from the newest packages."""
    state = hashlib.sha256(f"{arch.debian}\n".encode())
    state.update(Path(__file__).read_bytes())
    return state.hexdigest()
