"""An image in a file, as ``docker save`` writes it, brought to an engine without touching the names it has there."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, Final

from harness.core.errors import EngineFault, UsageError
from harness.engine.builds import REPOSITORY
from harness.engine.client import our_errors, stream
from harness.engine.store import ImageStore

if TYPE_CHECKING:
    import docker

_PLACE: Final = f"{REPOSITORY}/archive"
_MANIFEST: Final = "manifest.json"
_DIGEST: Final = re.compile(r"(?:.*/)?([0-9a-f]{64})(?:\.json)?")
_LOADED: Final = re.compile(r"Loaded image(?: ID)?: (\S+)")
_REMEDY: Final = "Save one image: docker save --output FILE.tar IMAGE"


def load_archive(api: docker.APIClient, path: str) -> str:
    """Load the image of an archive, unless the engine has it, and return a tag of ours for it.

    ``docker load`` would give the image the names that the archive holds, in place of what the user calls so here. So
    it is loaded without names. Source: moby/moby, image/tarexport/load.go; the file ``manifest.json``.

    Raises:
        UsageError: the file cannot be read, or is not an archive of one image.
        EngineFault: the engine does not take it.
    """
    try:
        with tarfile.open(path) as archive:
            manifest = _manifest(archive, path)
            found = _DIGEST.fullmatch(str(manifest.get("Config")))
            if found is None:
                raise UsageError(f"{path} is not an archive of docker save: its image has no id", remedy=_REMEDY)
            repository = f"{_PLACE}/{_name(path)}"
            tag = f"{repository}:{found[1][:16]}"
            if ImageStore(api).inspect(tag) is None:
                with TemporaryFile() as file:
                    _without_names(archive, manifest, file)
                    image = _load(api, file) or f"sha256:{found[1]}"
                with our_errors():
                    api.tag(image, repository, tag=found[1][:16])
    except tarfile.TarError as error:
        raise UsageError(f"{path} is not a tar archive, or not a whole one", remedy=_REMEDY) from error
    except (EOFError, OSError) as error:
        raise UsageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return tag


def _name(path: str) -> str:
    """The name of a file as a part of a repository's name."""
    return re.sub("[^a-z0-9]+", "-", Path(path).name.partition(".")[0].lower()).strip("-") or "image"


def _manifest(archive: tarfile.TarFile, path: str) -> dict[str, Any]:
    """What an archive says of its one image."""
    try:
        member = archive.extractfile(_MANIFEST)
        images = json.loads(member.read()) if member else None
    except (KeyError, ValueError):
        images = None
    if not isinstance(images, list) or not images or not all(isinstance(image, dict) for image in images):
        raise UsageError(f"{path} is not an archive of docker save: it has no {_MANIFEST}", remedy=_REMEDY)
    if len(images) > 1:
        names = ", ".join(str(name) for image in images for name in image.get("RepoTags") or ())
        raise UsageError(f"{path} holds {len(images)} images{names and f': {names}'}", remedy=_REMEDY)
    manifest: dict[str, Any] = images[0]
    return manifest


def _without_names(archive: tarfile.TarFile, manifest: dict[str, Any], file: IO[bytes]) -> None:
    """Write an archive anew, with no names in it."""
    with tarfile.open(fileobj=file, mode="w") as copy:
        for member in archive:
            if member.name == _MANIFEST:
                text = json.dumps([{**manifest, "RepoTags": None}]).encode()
                member.size = len(text)
                copy.addfile(member, io.BytesIO(text))
            elif member.name not in ("repositories", "index.json", "oci-layout"):
                copy.addfile(member, archive.extractfile(member) if member.isfile() else None)
    file.seek(0)


def _load(api: docker.APIClient, file: IO[bytes]) -> str | None:
    """Load an archive; the image's id, where the engine tells it."""
    loaded = None
    with our_errors():
        for message in stream(api, "images/load", data=file, headers={"Content-Type": "application/x-tar"}):
            if match := _LOADED.search(str(message.get("stream", ""))):
                loaded = match[1]
    if loaded is not None and not loaded.startswith("sha256:"):
        raise EngineFault(f"the engine loaded {loaded}, which is not what the archive names")
    return loaded
