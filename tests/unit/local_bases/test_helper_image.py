"""The image of a helper: what of the packages is in it, and what comes of a store or a package that fails."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import pytest

from harness.core.errors import BaseUnavailable, EngineFault, EngineUnavailable
from harness.local_bases import deb
from harness.local_bases.download import Artifact, Downloads
from harness.local_bases.helper.image import REFERENCE, TAG, HelperImage, _fingerprint
from harness.local_bases.recipe import architecture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.core.errors import HarnessError

LIBRARIES = "usr/lib/x86_64-linux-gnu"
PACKAGES = {
    "python3.13-minimal": ("usr/bin/python3.13", "usr/share/binfmts/python3.13"),
    "libpython3.13-minimal": ("usr/lib/python3.13/os.py", "usr/lib/python3.13/json/tool.py", "etc/python3.13/site.py"),
    "libc6": (f"{LIBRARIES}/libc.so.6", f"{LIBRARIES}/ld-linux-x86-64.so.2", f"{LIBRARIES}/libnsl.so.1"),
    "libexpat1": (f"{LIBRARIES}/libexpat.so.1", f"{LIBRARIES}/libexpatw.so.1"),
    "zlib1g": (f"{LIBRARIES}/libz.so.1",),
    "busybox-static": ("usr/bin/busybox",),
}
KEPT = {
    *("bin", "lib", "lib64", "usr/bin/python3", "usr/bin/mount", "usr/bin/python3.13"),
    *("usr/lib/python3.13/os.py", "usr/lib/python3.13/json/tool.py"),
    *(f"{LIBRARIES}/{name}" for name in ("libc.so.6", "ld-linux-x86-64.so.2", "libexpat.so.1", "libz.so.1")),
}


@dataclass
class ScriptedStore:
    """A store that has images with these labels, and keeps what is put into it; or that fails."""

    labels: dict[str, str] = field(default_factory=dict)
    arch: str = "amd64"
    fault: HarnessError | None = None
    files: dict[str, tarfile.TarInfo] = field(default_factory=dict)
    changes: Sequence[str] = ()

    def architecture(self) -> str:
        if self.fault:
            raise self.fault
        return self.arch

    def label(self, reference: str, name: str) -> str | None:
        return self.labels.get(reference)

    def import_rootfs(self, archive: IO[bytes], *, tag: str, changes: Sequence[str]) -> None:
        assert tag == TAG
        with tarfile.open(fileobj=archive) as tar:
            self.files = {entry.name: entry for entry in tar if not entry.isdir()}
        self.changes = changes


def provide(store: ScriptedStore, folder: Path) -> list[str]:
    reports: list[str] = []
    HelperImage(folder / "cache").provide(REFERENCE, store, report=reports.append, rebuild=False)
    return reports


def package(*paths: str) -> bytes:
    """A package file with these files, as deb(5) has it."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as tar:
        for path in paths:
            tar.addfile(tarfile.TarInfo(f"./{path}"), io.BytesIO())
    body = data.getvalue()
    return b"!<arch>\n" + f"{'data.tar.xz/':16}{0:<12}{0:<6}{0:<6}{0:<8}{len(body):<10}`\n".encode() + body


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, tuple[str, ...]]:
    packages = dict(PACKAGES)

    def find(_: Downloads, suite: str, arch: str, names: Sequence[str]) -> dict[str, Artifact]:
        assert (suite, arch, set(names)) == ("trixie", "amd64", set(packages))
        return {name: Artifact(title=name, url=name, digest=name) for name in names}

    def file(_: Downloads, artifact: Artifact) -> Path:
        path = tmp_path / artifact.title
        path.write_bytes(package(*packages[artifact.title]))
        return path

    monkeypatch.setattr(deb, "find_packages", find)
    monkeypatch.setattr(Downloads, "file", file)
    return packages


@pytest.mark.usefixtures("mirror")
def test_it_has_python_and_what_python_needs_and_mount_and_nothing_else(tmp_path: Path) -> None:
    store = ScriptedStore()
    told = provide(store, tmp_path)
    assert set(store.files) == KEPT
    assert store.files["usr/bin/python3"].linkname == "python3.13"
    assert store.files["usr/bin/mount"].mode & 0o111
    assert "ENV PATH=/usr/bin" in store.changes
    assert told[0] == "assembling the image of the helper"


def test_a_package_that_lacks_what_is_needed_is_said(mirror: dict[str, tuple[str, ...]], tmp_path: Path) -> None:
    mirror["zlib1g"] = ("usr/share/doc/zlib1g/copyright",)
    with pytest.raises(BaseUnavailable, match=r"has no .*libz") as refusal:
        provide(ScriptedStore(), tmp_path)
    assert refusal.value.remedy.endswith("or leave out --trace helper.")


def test_what_is_there_is_taken_without_a_word(tmp_path: Path) -> None:
    store = ScriptedStore({TAG: _fingerprint(architecture("amd64"))})
    assert provide(store, tmp_path) == []
    assert store.files == {}
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("fault", [EngineFault("the engine says: no space"), EngineUnavailable("no engine answers")])
def test_an_engine_that_fails_makes_it_unavailable(fault: HarnessError, tmp_path: Path) -> None:
    with pytest.raises(BaseUnavailable) as refusal:
        provide(ScriptedStore(fault=fault), tmp_path)
    assert refusal.value.message == f"the image of the helper cannot be assembled: {fault.message}"


def test_it_is_no_base_for_an_app(tmp_path: Path) -> None:
    image = HelperImage(tmp_path)
    assert (image.handles(REFERENCE), image.handles("local:musl-node24")) == (True, False)
    assert (image.tag(REFERENCE), image.reference(TAG), image.defaults) == (TAG, None, ())
