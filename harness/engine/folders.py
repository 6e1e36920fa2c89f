"""A user's own build folder to an image, as ``docker build`` makes it, tagged by all that goes into it."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Final

from docker.utils.build import exclude_paths

from harness.core.dockerfile import parse
from harness.core.errors import EngineFault, UsageError
from harness.engine.builds import REPOSITORY, Builds, build, builder_of
from harness.engine.images import DOCKERFILE, ignored
from harness.engine.store import ImageStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

    from harness.core.subject import Folder

_PLACE: Final = f"{REPOSITORY}/folder"
_AS_THEY_ARE: Final = "surrogateescape"
"""How bytes that are not UTF-8 come through."""


def build_folder(
    api: docker.APIClient,
    folder: Folder,
    *,
    platform: str | None = None,
    pull: bool = False,
    on_build: Callable[[bool], None] = lambda _: None,
    under_way: Builds | None = None,
) -> str:
    """Build an image of a folder, unless there is one of the same content already, and return its tag.

    The content is all that goes into the build: the context, without what ``.dockerignore`` leaves out, the Dockerfile,
    stage, arguments and platform, and the images that it is built on, as the engine has them.

    Args:
        api: the engine.
        folder: what to build.
        platform: for which platform, if not the engine's own.
        pull: whether a registry is asked for newer images to build it on; it is then built anyway, as far as the
            builder's cache does not have it.
        on_build: called as a build begins, and as it ends.
        under_way: the builds that are given up together.

    Raises:
        UsageError: a file of it cannot be read.
        EngineFault: it does not build; the message ends with the builder's last lines.
    """
    root, edited = Path(folder.path), dict(folder.edited)
    place = folder.dockerfile if folder.dockerfile in _inside(root, folder.dockerfile) else DOCKERFILE
    recipe = edited.pop(folder.dockerfile, None)
    recipe = (root / folder.dockerfile).read_bytes().decode(errors=_AS_THEY_ARE) if recipe is None else recipe
    texts = {path: text.encode(errors=_AS_THEY_ARE) for path, text in {**edited, place: recipe}.items()}
    store = ImageStore(api)
    with _packed(root, folder.dockerfile, texts) as (archive, digest):
        for part in (place, folder.target, folder.arguments, platform, builder_of(api)):
            digest.update(repr(part).encode())
        for image in parse(recipe, dict(folder.arguments)).images:
            known = _inspected(store, image)
            digest.update(f"{image}={known}".encode())
        name = re.sub("[^a-z0-9]+", "-", root.resolve().name.lower()).strip("-")
        tag = f"{_PLACE}/{name or 'folder'}:{digest.hexdigest()[:16]}"
        if not pull and store.inspect(tag) is not None:
            return tag
        on_build(True)
        try:
            build(
                api,
                tag,
                data=archive,
                dockerfile=place,
                name=name,
                arguments=dict(folder.arguments),
                target=folder.target,
                platform=platform,
                pull=pull,
                under_way=under_way,
            )
        except EngineFault as fault:
            raise EngineFault(f"{root / folder.dockerfile} does not build: {fault.message}") from fault
        finally:
            on_build(False)
    return tag


def context_files(folder: Folder) -> tuple[str, ...]:
    """The paths of the plain files in a folder's build context, from the folder."""
    root = Path(folder.path)
    return tuple(path for path in _paths(root, folder.dockerfile) if (root / path).is_file())


def _inside(root: Path, dockerfile: str) -> tuple[str, ...]:
    """A Dockerfile's path, if it lies in the folder."""
    return (dockerfile,) if (root / dockerfile).resolve().is_relative_to(root.resolve()) else ()


def _inspected(store: ImageStore, reference: str) -> str | None:
    """The id of an image, if the engine has it; what is no reference, such as ``$NAME``, is for the builder to tell."""
    try:
        return (store.inspect(reference) or {}).get("Id")
    except EngineFault:
        return None


def _paths(root: Path, dockerfile: str) -> list[str]:
    """What is in the build context, by paths from the folder, in order.

    A ``.dockerignore`` that has the Dockerfile's name in front goes before the folder's own (Dockerfile reference,
    "Filename and location"). The Dockerfile itself is sent in any case, as docker sends it.
    """
    own = root / f"{dockerfile}.dockerignore"
    patterns = ignored(own if own.is_file() else root / ".dockerignore")
    try:
        return sorted(exclude_paths(str(root), patterns, dockerfile=dockerfile))
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from error


@contextmanager
def _packed(root: Path, dockerfile: str, texts: dict[str, bytes]) -> Iterator[tuple[IO[bytes], hashlib._Hash]]:
    """A build context as a tar archive in a file that is gone afterwards, and a digest of it, but for its times.

    ``texts`` take the place of files, or are there beside them. Owners are root's, as docker sends them. In GNU's
    format: an archive that begins with a PAX header is taken for a lone Dockerfile by BuildKit.
    """
    digest = hashlib.sha256()
    with TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for path in (*_paths(root, dockerfile), *(name for name in texts if not (root / name).exists())):
                try:
                    _add(tar, root, path, texts.get(path), digest)
                except OSError as error:
                    raise UsageError(f"{root / path} cannot be read: {error.strerror}") from error
        file.seek(0)
        yield file, digest


def _add(tar: tarfile.TarFile, root: Path, path: str, text: bytes | None, digest: hashlib._Hash) -> None:
    """Add one path; what is no file, folder or link, such as a socket, is left out."""
    source = root / path
    if text is None or source.exists():
        entry = tar.gettarinfo(str(source), arcname=PurePosixPath(path).as_posix())
    else:
        entry = tarfile.TarInfo(path)
    if entry is None or not (entry.isfile() or entry.isdir() or entry.issym() or entry.islnk()):
        return
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    if entry.islnk():  # a second name of a file that is in the archive: sent as a file of its own
        entry.type = tarfile.REGTYPE
        entry.linkname = ""
    content = b""
    if entry.isfile():
        content = source.read_bytes() if text is None else text
        entry.size = len(content)
    digest.update(repr((entry.name, entry.type, entry.mode, entry.linkname, len(content))).encode(errors=_AS_THEY_ARE))
    digest.update(content)
    tar.addfile(entry, io.BytesIO(content))
