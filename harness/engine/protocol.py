"""What a session needs of an engine beside running containers (`harness.run.protocol`): images, bases and facts.

A module that satisfies `OpenEngine`, and a line in `harness.engine.registry`, make a new engine.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from pathlib import Path

    from harness.core.audit import Listed, Looked
    from harness.core.catalogue import Variant
    from harness.core.facts import BaseFacts, EngineFacts, ImageFacts, StartCommand
    from harness.core.signals import Signal
    from harness.core.subject import Folder, Subject
    from harness.engine.tracing import Tracer
    from harness.run.protocol import Engine


class ImageStore(Protocol):
    """The images on an engine, for code that makes images; it may raise `EngineFault` and `EngineUnavailable`."""

    def architecture(self) -> str:
        """The architecture that containers run on, as the engine names it."""

    def label(self, reference: str, name: str) -> str | None:
        """A label of an image; ``None`` if there is no such label, or no such image."""

    def import_rootfs(self, archive: IO[bytes], *, tag: str, changes: Sequence[str]) -> None:
        """Make an image of a root file system and Dockerfile instructions, in place of an earlier one of that tag."""


class BaseProvider(Protocol):
    """A source of bases other than registries: it makes images of references of its own form."""

    @property
    def defaults(self) -> tuple[str, ...]:
        """The bases to use if none is named and no registry answers."""

    @property
    def remedy(self) -> str:
        """How this provider helps with a base that cannot be pulled; one line."""

    def handles(self, reference: str) -> bool:
        """Whether a reference is of its form, well-formed or not."""

    def tag(self, reference: str) -> str:
        """The tag under which an engine keeps a base.

        Raises:
            UsageError: the reference is malformed.
        """

    def reference(self, tag: str) -> str | None:
        """The reference of the base that an engine keeps under a tag; ``None`` for tags of others."""

    def provide(self, reference: str, store: ImageStore, *, report: Callable[[str], None], rebuild: bool) -> None:
        """Make sure that a base is in a store; ``report`` is called with one line per lengthy step.

        Raises:
            UsageError: the reference is malformed.
            BaseUnavailable: it cannot be made.
        """


class BaseStore(Protocol):
    """The base images that an engine has, and those that it can get."""

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """The bases that may be used if none is named, by their source, in order of preference."""

    @property
    def examples(self) -> str:
        """A base of each kind, as a remedy names them."""

    def defaults(self) -> tuple[str, ...]:
        """The bases to use if none is named."""

    def tag(self, reference: str) -> str:
        """The tag under which the engine keeps a base."""

    def present(self, reference: str) -> bool:
        """Whether the engine has a base already."""

    def expand(self, references: Iterable[str]) -> tuple[str, ...]:
        """The references, with each glob replaced by the local tags that match."""

    def get(
        self,
        reference: str,
        *,
        rebuild: bool = False,
        pull: bool = True,
        again: bool = False,
        platform: str | None = None,
    ) -> None:
        """Make sure that the engine has a base."""

    def image(self, reference: str) -> tuple[str, str]:
        """The name of a base for ``FROM`` that can mean this very image only, and its id."""

    def facts(self, reference: str) -> BaseFacts:
        """What matters about a base, asked of the image itself."""

    def image_facts(self, reference: str) -> ImageFacts:
        """What an image says of itself, without a container of it."""


class VariantImages(Protocol):
    """The images of a catalogue's variants, built as they are needed."""

    def prepare(self, subjects: Iterable[Subject]) -> list[Future[str]]:
        """Start getting images, the first ones first."""

    def image_of(self, subject: Subject) -> str:
        """The image of a subject, waiting for its build.

        Raises:
            EngineFault: it does not build; the message ends with the builder's last lines.
        """

    def digest_of(self, variant: Variant) -> str:
        """The digest of what makes a variant what it is on any base."""

    def start_of(self, image: str) -> StartCommand:
        """What an image starts."""


class Swept(NamedTuple):
    """How many things of killed runs were removed."""

    containers: int
    records: int
    folders: int


class OpenEngine(Protocol):
    """An engine that answers; each method raises `EngineUnavailable` if it went away."""

    @property
    def cli(self) -> str:
        """The command with which a person talks to it: ``docker``."""

    @property
    def url(self) -> str:
        """Where it answers."""

    @property
    def shares_kernel(self) -> bool:
        """Whether its containers run on this machine's kernel."""

    def identity(self) -> str:
        """What tells it from all other engines, wherever it is reached."""

    def architecture(self) -> str:
        """The architecture that containers run on, as the engine names it."""

    def processors(self) -> int:
        """How many processors containers run on."""

    def storage(self) -> Path:
        """The folder that images and containers are in, on the engine's machine."""

    def facts(self, *, trace: bool = False) -> EngineFacts:
        """The facts for a result; ``trace`` if the kernel's signal record was used."""

    def bases(
        self,
        *,
        defaults: tuple[str, ...],
        providers: Sequence[BaseProvider],
        report: Callable[[str], None],
        cache: Path | None = None,
    ) -> BaseStore:
        """Its base images, from a registry (``defaults`` if none is named) or from providers in order of preference.

        What they answer is kept below the folder ``cache``, so that each is asked once; without one, it is not kept.
        """

    def images(
        self,
        *,
        folder: Path,
        context: Path,
        base_image: Callable[[str], tuple[str, str]],
        on_build: Callable[[Subject, bool], None],
        jobs: int,
    ) -> AbstractContextManager[VariantImages]:
        """The images of the variants of a catalogue in a folder, built ``jobs`` at once; on leaving, none is under way.

        ``base_image`` is `BaseStore.image`; ``on_build`` takes a subject, and whether its build begins or ends.
        """

    def build_folder(
        self, folder: Folder, *, platform: str | None, pull: bool, on_build: Callable[[bool], None]
    ) -> str:
        """Build an image of a folder, unless there is one of the same content already, and return its tag.

        With ``pull``, a registry is asked for newer images to build it on; ``on_build`` is called as a build begins,
        and as it ends.

        Raises:
            UsageError: a file of it cannot be read.
            EngineFault: it does not build; the message ends with the builder's last lines.
        """

    def abandon_builds(self) -> None:
        """Give up the builds of folders that are under way, and all that come; who waits for one gets `Abandoned`."""

    def context_files(self, folder: Folder) -> tuple[str, ...]:
        """The paths of the plain files in a folder's build context, from the folder."""

    def load_archive(self, path: str) -> str:
        """Load the image of an archive of ``docker save``, unless it is there already, and return a tag for it.

        Raises:
            UsageError: the file cannot be read, or is not an archive of one image.
            EngineFault: the engine does not take it.
        """

    def record(self, signals: Iterable[Signal]) -> AbstractContextManager[Tracer]:
        """The kernel's record of signals.

        Raises:
            EngineUnavailable: here or on entering, if there is none; the message says why.
        """

    def record_by_helper(
        self, signals: Iterable[Signal], *, image: str, note: Callable[[str], None]
    ) -> AbstractContextManager[Tracer]:
        """The same by a helper: one privileged container of an image, which runs for as long as this is open.

        ``note`` is told how exactly the times of another machine are known, and of a helper that ends too early.

        Raises:
            EngineUnavailable: on entering, if it does not run or finds no record; the message says why.
        """

    def containers(
        self, record: Tracer | None = None, note: Callable[[str], None] = ...
    ) -> AbstractContextManager[Engine]:
        """The engine of one run; on leaving, none of its containers is left, or ``note`` is told which and why."""

    def try_build(self, base: str) -> None:
        """Build an image on a base and remove it.

        Raises:
            HarnessError: it does not build, or not in time.
        """

    def try_container(self, image: str, *, network: bool) -> None:
        """Run a container and remove it; with a ``network``, it has a port of this machine.

        Raises:
            HarnessError: it does not run, or not in time.
        """

    def listed(self) -> tuple[Listed, ...]:
        """All its containers, those that have ended too, by name."""

    def look(self, wanted: Sequence[Listed]) -> tuple[Looked, ...]:
        """Look at containers without touching them; those that have ended meanwhile are left out."""

    def leftovers(self) -> Sequence[str]:
        """The containers of killed runs."""

    def sweep(self) -> Swept:
        """Remove what killed runs left behind."""

    def remove_images(self) -> int:
        """Remove all images of ours that no container uses, and return their number."""

    def close(self) -> None:
        """Close the connection."""
