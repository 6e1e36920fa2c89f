"""A user's own build folder to an image, as ``docker build`` makes it, tagged by all that goes into it."""

from __future__ import annotations

import hashlib
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.core.dockerfile import parse
from harness.core.errors import EngineFault
from harness.engine.buildkit.session import Offer
from harness.engine.builds import REPOSITORY, Builder, Builds, Recipe, build, builder_of
from harness.engine.contexts import AS_THEY_ARE, find, packed, paths
from harness.engine.images import APART, DOCKERFILE, rules_beside
from harness.engine.store import ImageStore

if TYPE_CHECKING:
    from collections.abc import Callable

    import docker

    from harness.core.subject import Folder

_PLACE: Final = f"{REPOSITORY}/folder"


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
    root, edited, builder = Path(folder.path), dict(folder.edited), builder_of(api)
    where = find(root, folder.dockerfile, thorough=builder is not Builder.CLASSIC)
    place = where.dockerfile or DOCKERFILE
    text = edited.pop(folder.dockerfile, None)
    text = (root / folder.dockerfile).read_bytes().decode(errors=AS_THEY_ARE) if text is None else text
    texts = {path: content.encode(errors=AS_THEY_ARE) for path, content in {**edited, place: text}.items()}
    more = {} if where.dockerfile else {DOCKERFILE: texts.pop(DOCKERFILE)}
    store = ImageStore(api)
    with packed(where, texts) as context:
        digest = hashlib.sha256()
        apart = more and (more, APART)
        for part in (context.digest, apart, place, folder.target, folder.arguments, platform, str(builder)):
            digest.update(repr(part).encode())
        for image in parse(text, dict(folder.arguments)).images:
            known = _inspected(store, image)
            digest.update(f"{image}={known}".encode())
        name = re.sub("[^a-z0-9]+", "-", root.resolve().name.lower()).strip("-")
        tag = f"{_PLACE}/{name or 'folder'}:{digest.hexdigest()[:16]}"
        if not pull and store.inspect(tag) is not None:
            return tag
        on_build(True)
        try:
            recipe = Recipe(
                archive=partial(context.archive, more and {**more, **rules_beside(builder, where)}),
                dockerfile=place,
                offer=Offer(context=context, text=more[DOCKERFILE]) if more else None,
                arguments=dict(folder.arguments),
                target=folder.target,
                platform=platform,
            )
            build(api, tag, recipe, name=name, pull=pull, under_way=under_way)
        except EngineFault as fault:
            raise EngineFault(f"{root / folder.dockerfile} does not build: {fault.message}") from fault
        finally:
            on_build(False)
    return tag


def context_files(folder: Folder) -> tuple[str, ...]:
    """The paths of the plain files in a folder's build context, from the folder."""
    root = Path(folder.path)
    where = find(root, folder.dockerfile, thorough=True)
    return tuple(path for path in paths(where) if (root / path).is_file())


def _inspected(store: ImageStore, reference: str) -> str | None:
    """The id of an image, if the engine has it; what is no reference, such as ``$NAME``, is for the builder to tell."""
    try:
        return (store.inspect(reference) or {}).get("Id")
    except EngineFault:
        return None
