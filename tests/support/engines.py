"""An open engine by script, for what stands on `harness.engine.registry`; nothing is built."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from harness.core.errors import EngineFault, EngineUnavailable
from harness.core.facts import BaseFacts, EngineFacts, ImageFacts, StartCommand
from harness.engine.protocol import Swept
from tests.support.facts import base_facts, start_command
from tests.support.scripted import Script, ScriptedEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from harness.core.audit import Listed, Looked
    from harness.core.catalogue import Variant
    from harness.core.signals import Signal
    from harness.core.subject import Folder, Subject
    from harness.engine.protocol import BaseProvider
    from harness.engine.tracing import Tracer
    from harness.run.protocol import Launch


@dataclass(kw_only=True)
class ScriptedBases:
    """Bases that have these programs, all of them present; what is gotten is noted."""

    choices: tuple[tuple[str, ...], ...]
    programs: Mapping[str, str]
    present_ones: frozenset[str]
    gotten: list[str] = field(default_factory=list)
    made_for: str = "linux/amd64"
    digest: str | None = None
    made_by: str = ""

    @property
    def examples(self) -> str:
        return " or ".join(references[0] for references in self.choices)

    def defaults(self) -> tuple[str, ...]:
        return self.choices[0]

    def tag(self, reference: str) -> str:
        return f"kept/{reference}"

    def present(self, reference: str) -> bool:
        return reference in self.present_ones

    def expand(self, references: Iterable[str]) -> tuple[str, ...]:
        return tuple(references)

    def get(
        self,
        reference: str,
        *,
        rebuild: bool = False,
        pull: bool = True,
        again: bool = False,
        platform: str | None = None,
    ) -> None:
        self.gotten.append(reference)

    def image(self, reference: str) -> tuple[str, str]:
        return reference, f"sha256:{reference}"

    def facts(self, reference: str) -> BaseFacts:
        return base_facts(
            reference=reference,
            id=f"sha256:{reference}{self.made_by}",
            digest=self.digest,
            programs=dict(self.programs),
        )

    def image_facts(self, reference: str) -> ImageFacts:
        return ImageFacts(
            reference=reference,
            id=f"id of {reference}",
            start=start_command(command=("node", "server.js")),
            ports=(),
            healthcheck=False,
            platform=self.made_for,
        )


@dataclass(kw_only=True)
class ScriptedImages:
    """Images that are there without being built, but for the broken ones."""

    broken: frozenset[str] = frozenset()

    def prepare(self, subjects: Iterable[Subject]) -> list[Future[str]]:
        futures: list[Future[str]] = []
        for subject in subjects:
            futures.append(Future())
            if subject.name in self.broken:
                futures[-1].set_exception(EngineFault(f"{subject.name}.Dockerfile does not build: no\n  line"))
            else:
                futures[-1].set_result(self.image_of(subject))
        return futures

    def image_of(self, subject: Subject) -> str:
        return f"{subject.base}/{subject.name}"

    def digest_of(self, variant: Variant) -> str:
        return "0" * 12

    def start_of(self, image: str) -> StartCommand:
        return start_command(command=("node", "server.js"))


@dataclass(kw_only=True)
class ScriptedOpenEngine:
    """An engine that answers; it satisfies `harness.engine.protocol.OpenEngine`."""

    script_of: Callable[[Launch], Script] = lambda _: Script()
    made_of: type[ScriptedEngine] = ScriptedEngine
    programs: Mapping[str, str] = field(default_factory=lambda: {"node": "24.1.0"})
    present: frozenset[str] = frozenset()
    recorded: bool = False
    helps: bool = False
    helped_by: list[str] = field(default_factory=list)
    shares_kernel: bool = False
    cli: str = "scripted"
    name: str = "Scripted"
    version: str = "1"
    digest: str | None = None
    url: str = "nowhere"
    standing: tuple[Looked, ...] = ()
    left: list[str] = field(default_factory=list)
    refused: frozenset[str] = frozenset()
    broken: frozenset[str] = frozenset()
    closed: bool = False
    made: list[ScriptedBases] = field(default_factory=list)

    def __call__(self) -> ScriptedOpenEngine:
        """The engine as its own factory."""
        return self

    def identity(self) -> str:
        return f"{id(self)}"

    def architecture(self) -> str:
        return "amd64"

    def processors(self) -> int:
        return 1

    def storage(self) -> Path:
        return Path("/")

    def facts(self, *, trace: bool = False) -> EngineFacts:
        return EngineFacts(
            name=self.name,
            version=self.version,
            api="2",
            runtime="none",
            init="no init",
            kernel="6.1",
            builder="classic",
            trace=trace,
        )

    def bases(
        self,
        *,
        defaults: tuple[str, ...],
        providers: Sequence[BaseProvider],
        report: Callable[[str], None],
        cache: Path | None = None,
    ) -> ScriptedBases:
        choices = (defaults, *(provider.defaults for provider in providers))
        self.made.append(
            ScriptedBases(
                choices=choices,
                programs=self.programs,
                present_ones=self.present,
                digest=self.digest,
                made_by=f" of {self.name}",
            )
        )
        return self.made[-1]

    def images(
        self,
        *,
        folder: Path,
        context: Path,
        base_image: Callable[[str], tuple[str, str]],
        on_build: Callable[[Subject, bool], None],
        jobs: int,
    ) -> AbstractContextManager[ScriptedImages]:
        return nullcontext(ScriptedImages(broken=self.broken))

    def build_folder(
        self, folder: Folder, *, platform: str | None, pull: bool, on_build: Callable[[bool], None]
    ) -> str:
        return f"built/{folder.path}"

    def abandon_builds(self) -> None: ...

    def context_files(self, folder: Folder) -> tuple[str, ...]:
        return ()

    def load_archive(self, path: str) -> str:
        return f"loaded/{path}"

    @contextmanager
    def record(self, signals: Iterable[Signal]) -> Iterator[Tracer]:
        if not self.recorded:
            raise EngineUnavailable("there is no record")
        yield cast("Tracer", object())

    @contextmanager
    def record_by_helper(
        self, signals: Iterable[Signal], *, image: str, note: Callable[[str], None]
    ) -> Iterator[Tracer]:
        if not self.helps:
            raise EngineUnavailable("no helper runs on the engine: no privileged container")
        self.helped_by.append(image)
        yield cast("Tracer", object())
        self.helped_by.remove(image)

    @contextmanager
    def containers(
        self, record: Tracer | None = None, note: Callable[[str], None] = lambda _: None
    ) -> Iterator[ScriptedEngine]:
        engine = self.made_of(self.script_of)
        yield engine
        assert not engine.present

    def try_build(self, base: str) -> None:
        self._try("build")

    def try_container(self, image: str, *, network: bool) -> None:
        self._try("network" if network else "container")

    def _try(self, deed: str) -> None:
        if deed in self.refused:
            raise EngineFault(f"the engine says: no {deed}")

    def listed(self) -> tuple[Listed, ...]:
        return tuple(one.listed for one in self.standing)

    def look(self, wanted: Sequence[Listed]) -> tuple[Looked, ...]:
        return tuple(one for one in self.standing if one.listed in wanted)

    def leftovers(self) -> list[str]:
        return self.left

    def sweep(self) -> Swept:
        return Swept(containers=len(self.left), records=2, folders=1)

    def remove_images(self) -> int:
        return 3

    def close(self) -> None:
        self.closed = True
