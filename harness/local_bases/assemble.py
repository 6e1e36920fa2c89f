"""From a recipe to an image on the engine."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import requests
from docker.errors import APIError, DockerException, ImageNotFound

from harness.core.errors import BaseUnavailable
from harness.local_bases import official
from harness.local_bases.arch import Architecture, architecture
from harness.local_bases.debian import Bootstrap, add_debian_system
from harness.local_bases.download import Downloads, megabytes
from harness.local_bases.locking import exclusive
from harness.local_bases.musl import add_musl_system
from harness.local_bases.node import Installed, add_node
from harness.local_bases.rootfs import Rootfs

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import APIClient

    from harness.local_bases.recipe import Recipe

REPOSITORY: Final = "signal-harness/base"
LABEL: Final = "signal-harness"


def build_recipe(
    api: APIClient, recipe: Recipe, *, cache: Path, report: Callable[[str], None], rebuild: bool = False
) -> str:
    """Make sure that the engine has the image of a recipe, assembling it from packages where it has not.

    An image that this code assembled from this recipe for this architecture is taken as it is, and then no network is
    touched; a recipe that names a major therefore stays at the release it got first.

    Args:
        api: the engine.
        recipe: what to assemble.
        cache: a directory for downloads; made when it is not there. Builds at the same time may share it.
        report: called with one line per lengthy step.
        rebuild: assemble in any case, to get newer releases.

    Returns:
        The tag of the image.

    Raises:
        BaseUnavailable: a package or tool that it takes cannot be had, or the engine does not take the image.
    """
    tag = f"{REPOSITORY}:{recipe.name}"
    try:
        arch = architecture(api.version()["Arch"])
        fingerprint = _fingerprint(recipe, arch)
        if not rebuild and _recipe_label(api, tag) == fingerprint:
            return tag
        cache.mkdir(parents=True, exist_ok=True)
        with exclusive(cache / f"{recipe.name}.lock", waiting=lambda: report(f"waiting for another build of {tag}")):
            # Whoever held the lock may have built it.
            if rebuild or _recipe_label(api, tag) != fingerprint:
                _assemble(api, recipe, arch, tag=tag, fingerprint=fingerprint, cache=cache, report=report)
    except (DockerException, requests.RequestException) as error:
        raise _unassembled(recipe, f"the engine failed: {error}", "Check the engine, its log and its disk.") from error
    except OSError as error:
        raise _unassembled(recipe, str(error), f"Make room in, or access to, {cache}") from error
    return tag


def _unassembled(recipe: Recipe, reason: str, remedy: str) -> BaseUnavailable:
    return BaseUnavailable(f"{recipe.reference} cannot be assembled: {reason}", remedy=remedy)


def _assemble(
    api: APIClient,
    recipe: Recipe,
    arch: Architecture,
    *,
    tag: str,
    fingerprint: str,
    cache: Path,
    report: Callable[[str], None],
) -> None:
    report(f"assembling {recipe.reference}")
    # A file without a name cannot be left behind, however this process ends.
    with tempfile.TemporaryFile(dir=cache) as archive, Downloads(cache, report) as downloads:
        with Rootfs(archive) as rootfs:
            if recipe.os == "musl":
                add_musl_system(rootfs, downloads, arch)
            else:
                with Bootstrap(downloads=downloads, cache=cache, report=report).open(recipe.os, arch) as system:
                    add_debian_system(rootfs, system)
            official.add_surroundings(rootfs)
            installed = add_node(rootfs, downloads, recipe, arch)
        report(f"importing {tag} ({megabytes(archive.tell())})")
        archive.seek(0)
        changes = official.settings(node=installed.node, labels=_labels(recipe, fingerprint, installed))
        _import(api, archive, recipe, tag=tag, changes=changes)


def _labels(recipe: Recipe, fingerprint: str, installed: Installed) -> dict[str, str]:
    return {
        f"{LABEL}.recipe": fingerprint,
        f"{LABEL}.base": recipe.reference,
        f"{LABEL}.node": installed.node,
        f"{LABEL}.npm": installed.npm,
    }


def _import(api: APIClient, archive: IO[bytes], recipe: Recipe, *, tag: str, changes: list[str]) -> None:
    """Make the image from one tar archive, in place of an earlier one of that tag."""
    earlier = _image_id(api, tag)
    # The tag goes in as part of the name: Podman's form of this call knows no other place for it.
    answer = api.import_image_from_data(archive, repository=tag, changes=changes)
    messages = [json.loads(line) for line in answer.splitlines() if line.strip()]
    if errors := [message["error"] for message in messages if "error" in message]:
        raise _unassembled(recipe, f"the engine does not take it: {errors[0]}", "Check the engine's log and its disk.")
    if earlier is not None and earlier != _image_id(api, tag):
        _forget(api, earlier)


def _forget(api: APIClient, image_id: str) -> None:
    """Remove an image that lost its tag, unless a container or another tag still needs it."""
    try:
        api.remove_image(image_id)
    except APIError as error:
        if error.status_code not in (404, 409):
            raise


def _image_id(api: APIClient, tag: str) -> str | None:
    image = _inspect(api, tag)
    return None if image is None else str(image["Id"])


def _recipe_label(api: APIClient, tag: str) -> str | None:
    image = _inspect(api, tag)
    label = None if image is None else (image["Config"]["Labels"] or {}).get(f"{LABEL}.recipe")
    return None if label is None else str(label)


def _inspect(api: APIClient, tag: str) -> dict[str, Any] | None:
    try:
        return dict(api.inspect_image(tag))
    except ImageNotFound:
        return None


def _fingerprint(recipe: Recipe, arch: Architecture) -> str:
    """Hash what decides over an image, apart from the newest releases on the indexes."""
    state = hashlib.sha256(f"{recipe.reference}\n{arch.debian}\n".encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        state.update(source.read_bytes())
    return state.hexdigest()
