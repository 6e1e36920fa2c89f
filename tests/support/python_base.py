"""A base with Node and Python, for apps that are no Node programs: our Debian base, and Debian's own Python on top."""

from __future__ import annotations

import io
import tarfile
from contextlib import closing
from typing import TYPE_CHECKING, Final

import docker
from docker.utils import kwargs_from_env

from harness.engine.registry import open_engine
from harness.files import cache_folder
from harness.local_bases import deb
from harness.local_bases.download import Downloads
from harness.local_bases.recipe import architecture
from harness.session import open_bases

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DEBIAN: Final = "local:debian12-node24"
PYTHON_BASE: Final = "signal-harness-test/python:debian12"
PYTHON_PACKAGES: Final = ("libexpat1", "libpython3.11-minimal", "libpython3.11-stdlib", "python3.11-minimal")
_LEFT_OUT: Final = ("usr/share/", "usr/lib/python3.11/test/", "usr/lib/python3.11/lib2to3/")
_FROM: Final = "signal-harness-test.from"
_DOCKERFILE: Final = """FROM {base}
ADD python.tar /
RUN ln -s python3.11 /usr/bin/python3 && python3 -c 'import select, subprocess'
LABEL {label}={base}
"""


def python_base() -> str:
    """The reference of the base, which is made if the engine does not have it, or has one on an older base of ours."""
    with closing(open_engine()) as engine:
        bases = open_bases(engine, lambda _: None)
        bases.get(DEBIAN)
        below = bases.image(DEBIAN)[1]
        arch = architecture(engine.architecture()).debian
    api = docker.APIClient(**kwargs_from_env(), version="auto")
    with closing(api):
        if not any(image["Labels"].get(_FROM) == below for image in api.images(PYTHON_BASE)):
            for step in api.build(
                fileobj=_context(below, arch), custom_context=True, tag=PYTHON_BASE, rm=True, decode=True
            ):
                if "error" in step:
                    raise RuntimeError(f"{PYTHON_BASE} cannot be built: {step['error']}")
    return PYTHON_BASE


def _context(base: str, arch: str) -> io.BytesIO:
    """The build context: a Dockerfile, and Python as one archive."""
    with Downloads(cache_folder(), lambda _: None) as downloads:
        found = deb.find_packages(downloads, "bookworm", arch, PYTHON_PACKAGES)
        python = merged(downloads.file(found[name]) for name in PYTHON_PACKAGES)
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        for name, content in (
            ("Dockerfile", _DOCKERFILE.format(base=base, label=_FROM).encode()),
            ("python.tar", python),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    context.seek(0)
    return context


def merged(packages: Iterable[Path], *, left_out: tuple[str, ...] = _LEFT_OUT) -> bytes:
    """The files and links of packages as one archive, without those below some folders; folders come with their files.

    Their ``bin/``, ``sbin/`` and ``lib/`` go below ``usr/``: the base has merged the two, and a folder would take the
    place of its link.
    """
    merged = io.BytesIO()
    with tarfile.open(fileobj=merged, mode="w") as archive:
        for package in packages:
            with tarfile.open(fileobj=io.BytesIO(deb._ar_member(package.read_bytes(), "data.tar.xz"))) as data:
                for entry in data:
                    entry.name = entry.name.removeprefix("./")
                    if entry.name.startswith(("bin/", "sbin/", "lib/")):
                        entry.name = f"usr/{entry.name}"
                    if not entry.isdir() and not entry.name.startswith(left_out):
                        archive.addfile(entry, data.extractfile(entry) if entry.isreg() else None)
    return merged.getvalue()
