"""Programs that are not ours, as images: packages of Debian on our Debian base, and a command that starts one."""

from __future__ import annotations

import hashlib
import io
import tarfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

import docker
from docker.utils import kwargs_from_env

from harness.engine.builds import Recipe, build
from harness.engine.registry import open_engine
from harness.engine.store import ImageStore
from harness.files import cache_folder
from harness.local_bases import deb
from harness.local_bases.download import Downloads, exclusive
from harness.local_bases.recipe import architecture
from harness.session import open_bases
from tests.support.index_packages import node_modules, wheels
from tests.support.python_base import DEBIAN, merged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.support.program import Program

REPOSITORY: Final = "signal-harness-test/program"
_SUITE: Final = "bookworm"
_BUILDS: Final = 3
_LEFT_OUT: Final = tuple(f"usr/share/{name}/" for name in ("doc", "man", "locale", "lintian", "bash-completion"))


def images(programs: Sequence[Program]) -> list[str]:
    """The references of their images, which are made where the engine does not have them; known by their content."""
    with closing(open_engine()) as engine:
        bases = open_bases(engine, lambda _: None)
        bases.get(DEBIAN)
        base, below = bases.image(DEBIAN)
        arch = architecture(engine.architecture()).debian
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with (
        closing(docker.APIClient(**kwargs_from_env(), version="auto")) as api,
        Downloads(cache, lambda _: None) as downloads,
        exclusive(cache / "programs.lock", lambda _: None, ""),
        ThreadPoolExecutor(max_workers=_BUILDS) as pool,
    ):
        store = ImageStore(api)
        left = {one.name: one for program in programs for one in _line(program)}
        missing = {name: one for name, one in left.items() if store.inspect(_reference(one, below)) is None}
        names = {name for program in missing.values() for name in program.packages}
        found = deb.find_packages(downloads, _SUITE, arch, names) if names else {}

        def make(program: Program) -> None:
            text = program.on(base, _reference(program.parent, below) if program.parent else base)
            packages = [downloads.file(found[name]) for name in program.packages]
            context = {
                "Dockerfile": text.encode(),
                "packages.tar": merged(packages, left_out=_LEFT_OUT),
                "files.tar": _archive({path: text.encode() for path, text in program.files.items()}),
                **({"wheels.tar": wheels(downloads, program.wheels)} if program.wheels else {}),
                **({"modules.tar": node_modules(downloads, program.lock, "srv")} if program.lock else {}),
            }
            recipe = Recipe(archive=partial(_archive, context), dockerfile="Dockerfile")
            build(api, _reference(program, below), recipe, name=program.name)

        for depth in sorted({len(_line(program)) for program in missing.values()}):
            list(pool.map(make, [program for program in missing.values() if len(_line(program)) == depth]))
    return [_reference(program, below) for program in programs]


def _line(program: Program) -> tuple[Program, ...]:
    """A program, and those whose images it is made from."""
    return (program, *(_line(program.parent) if program.parent else ()))


def _reference(program: Program, below: str) -> str:
    """What its image is called, by all that makes it; ``below`` is the id of the base."""
    parent = _reference(program.parent, below) if program.parent else below
    lock = (program.lock.read_bytes(),) if program.lock else ()
    made_of = (program.packages, sorted(program.files.items()), *program.wheels, *lock)
    content = repr((program.on(below, parent), *made_of))
    return f"{REPOSITORY}-{program.name}:{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def _archive(files: Mapping[str, bytes]) -> bytes:
    """Files by their paths as one archive; those that begin with ``#!`` can be executed."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o755 if content.startswith(b"#!") else 0o644
            archive.addfile(entry, io.BytesIO(content))
    return sink.getvalue()
