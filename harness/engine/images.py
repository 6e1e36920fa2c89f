"""Variants to images, tagged by content: by BuildKit through the Engine API, else by the classic builder."""

from __future__ import annotations

import hashlib
import os
import re
import tarfile
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from harness.core import base_image
from harness.core.baseline import BASELINES
from harness.core.catalogue import FILE_NAME
from harness.core.errors import Disturbed, EngineFault, EngineUnavailable
from harness.core.subject import Built, Given
from harness.engine.again import afresh
from harness.engine.alone import alone
from harness.engine.buildkit.session import Offer
from harness.engine.builds import REPOSITORY, Builder, Builds, Recipe, build, builder_of
from harness.engine.client import our_errors
from harness.engine.contexts import AS_THEY_ARE, Context, Where, find, hidden, hidden_from_buildah, packed, whole
from harness.engine.store import ImageStore, start_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import docker

    from harness.core.catalogue import Variant
    from harness.core.facts import StartCommand
    from harness.core.subject import Subject

DOCKERFILE: Final = ".signal-harness.Dockerfile"
"""The name of a Dockerfile in an archive that is not in its build context.

The classic builder and Buildah leave it out of ``COPY . .``, by the rules that are sent with it. BuildKit reads none of
a context that comes as an archive (moby/buildkit, frontend/dockerfile/builder/build.go), and would copy this one file,
too: it is offered one over a session, and gets an archive only where it does not take that.
"""

APART: Final = "the Dockerfile is apart"
"""What tells images from those of the same content that were made with a file of ours in them."""

_OURS: Final = re.compile(rf"({re.escape(FILE_NAME)}|{BASELINES}/[^/]*\.json)\Z")
"""What is in a catalogue's folder for the harness alone: no builder gets it."""

_OF_CATALOGUE: Final = re.compile(
    rf"({re.escape(FILE_NAME)}|{BASELINES}/[^/]*\.json|Dockerfile|[^/]*\.Dockerfile|Dockerfile\.[^/]*)\Z"
)


class Images:
    """A catalogue's images, each built once and reused by content; see `OpenEngine.images` and `VariantImages`."""

    def __init__(
        self,
        api: docker.APIClient,
        *,
        folder: Path,
        context: Path,
        base_image: Callable[[str], tuple[str, str]],
        on_build: Callable[[Subject, bool], None],
        jobs: int,
    ) -> None:
        self._api = api
        self._store = ImageStore(api)
        self._folder = folder
        self._root = context
        self._stack = ExitStack()
        self._contexts: dict[Where, tuple[Context, bytes]] = {}
        self._packing = Lock()
        self._base_image = base_image
        self._on_build = on_build
        self._pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="build")
        self._futures: dict[tuple[str | None, str], Future[str]] = {}
        self._starts: dict[str, StartCommand] = {}
        self._lock = Lock()
        self._builder = builder_of(api)
        self._builds = Builds(api)

    def __enter__(self) -> Images:
        return self

    def __exit__(self, *_: object) -> None:
        """Drop builds that have not begun, and give up those under way."""
        self._builds.abandon()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._stack.close()

    def prepare(self, subjects: Iterable[Subject]) -> list[Future[str]]:
        """Start getting images, the first ones first."""
        return [self._future(subject) for subject in subjects]

    def image_of(self, subject: Subject) -> str:
        """The image of a subject, waiting for its build; one that failed as the engine was away is begun anew.

        Raises:
            HarnessError: it cannot be had.
        """
        future = self._future(subject)
        try:
            return future.result()
        except (Disturbed, EngineUnavailable):
            with self._lock:
                if self._futures.get(key := (subject.base, subject.name)) is future:
                    del self._futures[key]
            raise

    def digest_of(self, variant: Variant) -> str:
        """The digest of what makes a variant what it is on any base: its Dockerfile, stage and options, and the app."""
        launch = variant.launch
        options: tuple[object, ...] = (variant.target, launch.init, launch.entrypoint, launch.command)
        more = (launch.environment, launch.user, launch.stop_signal, launch.stop_timeout, launch.volumes)
        options += more if any(more) else ()
        _, app = self._packed(variant.dockerfile)
        content = self._folder.joinpath(variant.dockerfile).read_bytes() + app
        return hashlib.sha256(repr(options).encode() + content).hexdigest()[:12]

    def start_of(self, image: str) -> StartCommand:
        """What an image starts."""
        if image not in self._starts:
            with our_errors():
                config = self._api.inspect_image(image).get("Config") or {}
            self._starts[image] = start_command(config)
        return self._starts[image]

    def _future(self, subject: Subject) -> Future[str]:
        key = (subject.base, subject.name)
        with self._lock:
            if key not in self._futures:
                self._futures[key] = self._pool.submit(afresh, partial(self._get, subject))
            return self._futures[key]

    def _get(self, subject: Subject) -> str:
        built = subject.image
        if isinstance(built, Given):
            return built.reference
        if not isinstance(built, Built):
            raise TypeError(f"{subject.name} is not an image of a catalogue")
        base, base_id = self._base_image(built.base)
        text = self._folder.joinpath(built.dockerfile).read_bytes().decode(errors=AS_THEY_ARE)
        template = base_image.template(text, place=built.dockerfile, target=built.target)
        dockerfile = template.on(base).encode(errors=AS_THEY_ARE)
        context, _ = self._packed(built.dockerfile)
        content = "\0".join((base_id, built.target or "", self._builder, context.digest, APART)).encode()
        digest = hashlib.sha256(content + dockerfile).hexdigest()
        tag = f"{REPOSITORY}/{subject.name}:{digest[:16]}"
        if self._store.inspect(tag) is None:
            with alone(tag, given_up=lambda: self._builds.abandoned):
                if self._store.inspect(tag) is None:  # whoever was alone before may have built it
                    recipe = Recipe(
                        archive=partial(context.archive, {DOCKERFILE: dockerfile, **self._hidden(built.dockerfile)}),
                        dockerfile=DOCKERFILE,
                        offer=Offer(context=context, text=dockerfile),
                        arguments=template.arguments(base),
                        target=built.target,
                    )
                    self._build(tag, subject, built, recipe)
        self._check(tag, built, base_id)
        return tag

    def _build(self, tag: str, subject: Subject, built: Built, recipe: Recipe) -> None:
        self._on_build(subject, True)
        try:
            build(self._api, tag, recipe, name=subject.name, under_way=self._builds)
        except EngineFault as fault:
            raise EngineFault(f"{built.dockerfile} does not build: {fault.message}") from fault
        finally:
            self._on_build(subject, False)

    def _where(self, dockerfile: str) -> Where:
        """The context of a variant, whose Dockerfile is sent beside it."""
        from_context = os.path.relpath((self._folder / dockerfile).absolute(), self._root.absolute())
        return replace(find(self._root, from_context, thorough=self._builder is not Builder.CLASSIC), dockerfile=None)

    def _packed(self, dockerfile: str) -> tuple[Context, bytes]:
        """The context of a variant, and the digest of the app in it; variants share one, but for rules of their own."""
        where = self._where(dockerfile)
        with self._packing:
            if where not in self._contexts:
                context = self._stack.enter_context(packed(where, {}, without=self._is_ours))
                self._contexts[where] = context, _app(context, self._root, self._folder)
            return self._contexts[where]

    def _is_ours(self, path: str) -> bool:
        return _OURS.match(os.path.relpath(self._root / path, self._folder)) is not None

    def _hidden(self, dockerfile: str) -> dict[str, bytes]:
        return rules_beside(self._builder, self._where(dockerfile))

    def _check(self, tag: str, built: Built, base_id: str) -> None:
        """Refuse an image whose layers are not put on its base's: its results would stand under another one's facts.

        An image is known by its layers, the lowest first (OCI image specification, ``rootfs.diff_ids``).
        """
        layers, below = (_layers(self._store.inspect(reference)) for reference in (tag, base_id))
        if layers[: len(below)] != below:
            raise EngineFault(f"{built.dockerfile} was built, but not on {built.base}")


def rules_beside(builder: Builder, where: Where) -> dict[str, bytes]:
    """The rules that have a builder leave a Dockerfile out that is in an archive and not in its context."""
    if builder is Builder.CLASSIC:
        return hidden(where, DOCKERFILE)
    return hidden_from_buildah(DOCKERFILE) if builder is Builder.BUILDAH else {}


def remove_images(api: docker.APIClient) -> int:
    """Remove all images of ours that no container uses, and return their number."""
    tags = [tag for tag in ImageStore(api).tags() if tag.startswith(f"{REPOSITORY}/")]
    with our_errors():
        for tag in tags:
            api.remove_image(tag, force=False)
    return len(tags)


def _layers(image: dict[str, Any] | None) -> list[str]:
    return list(((image or {}).get("RootFS") or {}).get("Layers") or ())


def _app(context: Context, root: Path, folder: Path) -> bytes:
    """A digest of the plain files of a context by name, run bit and content: what its apps are.

    What makes ``folder`` a catalogue is no part of the apps there, which do not change with it: the file itself, its
    baselines, the Dockerfiles. Recorded baselines hold it, so that it stays as it was first made: of a tar archive.
    """
    digest, size = hashlib.sha256(), 0
    with context.entries() as tar:
        for entry in tar:
            if not (entry.isreg() or entry.islnk() or entry.issym()):
                continue
            if _OF_CATALOGUE.match(os.path.relpath(root / entry.name, folder)):
                continue
            head = tarfile.TarInfo(entry.name)
            if entry.issym():
                head.type, head.linkname = entry.type, entry.linkname
            else:
                head.size = tar.getmember(entry.linkname).size if entry.islnk() else entry.size
                head.mode = 0o755 if entry.mode & 0o100 else 0o644
            for piece in whole(head, None if entry.issym() else tar.extractfile(entry)):
                digest.update(piece)
                size += len(piece)
    end = 2 * tarfile.BLOCKSIZE
    digest.update(bytes(end + -(size + end) % tarfile.RECORDSIZE))
    return digest.digest()
