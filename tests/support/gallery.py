"""The commands of docs/gallery.md, run as a reader runs them, with images that are assembled here for published ones.

What is built in ``docs/gallery/`` names its base by a build argument, whose default is a published image. Here that
argument names an image that is made of the same program from a package index. ``python -m tests.support.gallery`` runs
all commands and pastes what they print anew.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.engine.builds import REPOSITORY
from harness.engine.client import connect
from harness.engine.registry import open_engine
from harness.engine.store import ImageStore
from harness.session import open_bases
from tests.support import index_programs, programs
from tests.support.pasted import ROOT, commands, likened, paste
from tests.support.program_images import images
from tests.support.python_base import DEBIAN

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Mapping

    from tests.support.pasted import Command, Ran
    from tests.support.program import Program

PAGE: Final = ROOT / "docs" / "gallery.md"
FOLDER: Final = ROOT / "docs" / "gallery"
VARIABLE: Final = "SIGNAL_HARNESS_GALLERY"
ALL_WANTED: Final = os.environ.get(VARIABLE) == "all"
"""Whether those cases are run, too, that take long."""

_SLOW: Final = re.compile(r"gallery/celery|npm9\.6\.7")
_BUILT: Final = re.compile(r"\./docs/gallery/([\w-]+)")
_AT_ONCE: Final = 4
_NEW_REQUESTS: Final = re.compile(r"; new requests: .*?(?=\n\n)", re.DOTALL)
"""How many are lost is luck."""
_MERGED: Final = re.compile(r",\s+which\s+merged\s+into\s+\d+")
"""So is whether the second of two signals comes when the first has been handled."""
_ENDING: Final = re.compile(r"exited(?! with)|SIGKILL by the kernel,|as PID \d+ ended")
"""So is whether a helper is still there as PID 1 ends."""
_RENEWED_POOL: Final = re.compile(r"(?<=^The roll call\n).*?celery.*?(?=\n\n)", re.DOTALL | re.MULTILINE)
"""And what Celery's processes, which it starts anew, have come to as they are looked at."""

UVICORN: Final = replace(
    index_programs.UVICORN,
    name="pypi-uvicorn-0-15",
    wheels=("uvicorn==0.15.0", "click==8.5.1", "asgiref==3.4.1", "h11==0.16.0"),
)
"""One of those whose server is forced to end by a second signal of any kind (encode/uvicorn#1160, #1165, #1269)."""

STAND_INS: Final[Mapping[str, tuple[str, Program | None]]] = {
    "celery": ("PYTHON", index_programs.CELERY),
    "nginx": ("NGINX", programs.ALL["nginx"]),
    "trailing-comma": ("DEBIAN", None),
    "uvicorn": ("PYTHON", UVICORN),
}
"""The build argument of each folder, and what is there for its default here; ``None`` for our Debian base."""


def wanted() -> list[Command]:
    """The commands that are run: those that are quick, or all."""
    return [one for one in commands(PAGE) if ALL_WANTED or not _SLOW.search(one.line)]


def run_all(wanted: Iterable[Command]) -> dict[str, Ran]:
    """Run commands, several at once and each once, by their lines."""
    once = {command.line: command for command in wanted}
    folders = sorted({found[1] for line in once if (found := _BUILT.search(line))})
    arguments = _arguments(folders)
    with (
        _no_images_left(folders),
        tempfile.TemporaryDirectory() as scratch,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        shutil.copytree(FOLDER, Path(scratch, "docs", "gallery"))

        def run(command: Command) -> Ran:
            built = _BUILT.search(command.line)
            return command.run(Path(scratch), f"--build-arg={arguments[built[1]]}" if built else None)

        return dict(zip(once, pool.map(run, once.values()), strict=True))


def alike(output: str) -> Counter[str]:
    """What does not differ from run to run."""
    for luck in (_NEW_REQUESTS, _MERGED, _ENDING, _RENEWED_POOL):
        output = luck.sub("", output)
    return likened(output)


def _arguments(folders: Iterable[str]) -> dict[str, str]:
    """The build argument that each folder is built with."""
    made = {name: STAND_INS[name][1] for name in folders}
    programs = [program for program in made.values() if program is not None]
    references = dict(zip((program.name for program in programs), images(programs), strict=True))
    with closing(open_engine()) as engine:
        bases = open_bases(engine, lambda _: None)
        bases.get(DEBIAN)
        base = bases.tag(DEBIAN)
    return {
        name: f"{STAND_INS[name][0]}={references[program.name] if program else base}" for name, program in made.items()
    }


@contextmanager
def _no_images_left(folders: Iterable[str]) -> Iterator[None]:
    """Remove the images that are built of folders meanwhile."""
    places = tuple(f"{REPOSITORY}/folder/{name}:" for name in folders)
    with closing(connect()) as api:
        store = ImageStore(api)
        before = set(store.tags())
        try:
            yield
        finally:
            for tag in set(store.tags()) - before:
                if tag.startswith(places):
                    api.remove_image(tag)


def main() -> None:
    """Run all commands of the page, and paste what they print."""
    paste(PAGE, run_all(commands(PAGE)))


if __name__ == "__main__":
    main()
