"""What a person names as SUBJECT, to an image on an engine: pulled, built of a folder, or loaded from a file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import structs

from harness.core.dockerfile import parse
from harness.core.errors import BaseUnavailable, UsageError
from harness.core.ignoring import comments
from harness.core.references import same_platform
from harness.core.subject import Archive, Folder, Given
from harness.files import read_file, shown
from harness.session import Pull

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.core.facts import ImageFacts
    from harness.core.ignoring import Ignore
    from harness.core.subject import Image
    from harness.engine.protocol import BaseStore, OpenEngine

ARCHIVE: Final = "docker-archive:"
PATHS: Final = ("/", "./", "../")
_DOCKERFILE: Final = "Dockerfile"


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildOptions:
    """How a folder is built, named as ``docker build`` names it; ``file`` is a path from the working folder."""

    file: Path | None = None
    target: str | None = None
    arguments: tuple[tuple[str, str], ...] = ()


def read_subject(text: str, build: BuildOptions) -> Image:
    """What a SUBJECT names: an archive, a folder (what is one here, or looks like a path), else an image.

    Raises:
        UsageError: it is a path, but there is no folder, or no Dockerfile in it, or no such stage in that.
    """
    if text.startswith(ARCHIVE):
        return Archive(path=text.removeprefix(ARCHIVE))
    folder = Path(text)
    if folder.is_dir():
        return _folder(folder, build)
    if text.startswith(PATHS):
        wrong = "is not a folder" if folder.exists() else "is not there"
        raise UsageError(f"{text} {wrong}", remedy="An image has no ./ or / in front; a build folder is a path.")
    return Given(reference=text)


def _folder(folder: Path, build: BuildOptions) -> Folder:
    file = build.file or folder / _DOCKERFILE
    if build.file is None and not file.exists():
        raise UsageError(f"{folder} has no {_DOCKERFILE}", remedy="Name another file with --file.")
    dockerfile = parse(read_file(file).decode(errors="replace"), dict(build.arguments))
    if dockerfile.stages and dockerfile.stage(build.target) is None:
        names = ", ".join(stage.name for stage in dockerfile.stages if stage.name)
        raise UsageError(f"{file} has no stage {build.target!r}", remedy=f"Stages with a name: {names or 'none'}.")
    return Folder(
        path=str(folder),
        dockerfile=Path(os.path.relpath(file.absolute(), folder.absolute())).as_posix(),
        target=build.target,
        arguments=build.arguments,
    )


def text_of(folder: Folder, path: str) -> str:
    """The text of a file of a folder, by its path from there; what is not UTF-8 in it comes through as it is.

    Raises:
        UsageError: it cannot be read.
    """
    edited = dict(folder.edited)
    return edited[path] if path in edited else read_file(Path(folder.path) / path).decode(errors="surrogateescape")


def left_be(name: str, image: Image) -> tuple[Ignore, ...]:
    """What the Dockerfile of a subject says that is to be left be; nothing for one that is not built here.

    Raises:
        UsageError: a comment of it cannot be read; the message names its line.
    """
    if not isinstance(image, Folder):
        return ()
    place = shown(Path(image.path) / image.dockerfile)
    return comments(text_of(image, image.dockerfile), place=place, subject=name)


class Obtaining:
    """Gets images for one engine, each once.

    Args:
        engine: where they are to be.
        bases: of the engine.
        pull: when a registry is asked.
        platform: what for, if not for the engine's own.
        note: called with a line on what is out of the ordinary.
    """

    def __init__(
        self, engine: OpenEngine, bases: BaseStore, *, pull: Pull, platform: str | None, note: Callable[[str], None]
    ) -> None:
        self._engine = engine
        self._bases = bases
        self._pull = pull
        self._platform = platform
        self._note = note
        self._facts: dict[Image, ImageFacts] = {}

    def facts(self, name: str, image: Image, *, on_build: Callable[[bool], None] = lambda _: None) -> ImageFacts:
        """Get an image, and say what it is; ``name`` is what the user calls it.

        Raises:
            UsageError: it is not a reference, or its files are not what they should be.
            BaseUnavailable: it cannot be had, or is for another platform.
            EngineFault: it does not build.
        """
        if image not in self._facts:
            self._facts[image] = self._get(name, image, on_build)
        return self._facts[image]

    def _get(self, name: str, image: Image, on_build: Callable[[bool], None]) -> ImageFacts:
        always = self._pull is Pull.ALWAYS
        match image:
            case Folder():
                tag = self._engine.build_folder(image, platform=self._platform, pull=always, on_build=on_build)
                self._bases.get(tag, pull=False)
            case Archive(path=path):
                tag = self._engine.load_archive(path)
                self._bases.get(tag, pull=False)
            case _:
                tag = name
                self._bases.get(tag, pull=self._pull is not Pull.NEVER, again=always, platform=self._platform)
        facts = structs.replace(self._bases.image_facts(tag), reference=name)
        if self._platform and not same_platform(self._platform, facts.platform):
            remedy = "Leave out --platform, or name an image that is for it."
            raise BaseUnavailable(f"{name} is for {facts.platform}, and not for {self._platform}", remedy=remedy)
        return self._here(facts)

    def _here(self, facts: ImageFacts) -> ImageFacts:
        """Say if an image is for a machine of another kind than the engine's: then it may not start at all."""
        if not same_platform(self._engine.architecture(), facts.platform):
            own = self._engine.architecture()
            self._note(f"{facts.reference} is for {facts.platform}, and the engine runs on {own}: it needs an emulator")
        return facts
