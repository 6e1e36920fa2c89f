"""Given images put to the test: engine, images, containers and results, for as long as one check lasts."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import structs

import harness
from harness.core.describe import describe_row
from harness.core.dockerfile import starting
from harness.core.document import SCHEMA, Document, Line, SubjectFacts, Tool
from harness.core.errors import UsageError
from harness.core.journal import Head, image_of
from harness.core.options import told
from harness.core.patch import Sources
from harness.core.question import Probe
from harness.core.signals import parse_signal
from harness.core.subject import (
    Answering,
    App,
    Expectation,
    Folder,
    Healthy,
    InFlight,
    LaunchOptions,
    Listening,
    Quiescent,
    StopSetting,
    Subject,
    cell_id,
)
from harness.core.verdict import Expected
from harness.engine.registry import DEFAULT as DEFAULT_ENGINE
from harness.engine.registry import open_engine
from harness.files import shown
from harness.obtaining import BuildOptions, Obtaining, left_be, read_subject, text_of
from harness.run.asking import STOP_SIGNAL
from harness.run.observation import Patience
from harness.run.plan import cells as plan_cells
from harness.run.plan import questions
from harness.run.runner import Prepared, Schedule
from harness.session import Hooks, Pull, TraceMode, open_bases, open_record
from harness.trying import row_runner

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Sequence
    from concurrent.futures import Future

    from harness.core.dockerfile import Instruction
    from harness.core.document import Cut, Row
    from harness.core.facts import ImageFacts
    from harness.core.question import Question
    from harness.core.result import Result
    from harness.core.signals import Signal
    from harness.core.subject import Cell, Image, Ready

DOCKER_GRACE_S: Final = 10
"""What docker stop waits before SIGKILL, unless told otherwise (docker-stop(1))."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """Which images to check, and how. ``images`` may be folders and archives, too: see `harness.obtaining`.

    ``probes`` without any are ``stop``, or ``signal`` if signals are named. ``ready`` that is ``None`` is the image's
    HEALTHCHECK, else the ports that it exposes, else rest. ``process`` tells the app by its command line. ``tries``
    says whether what may help a bad cell is run, too. ``request`` is the path that as many requests as ``in_flight``
    get as a stop comes; ``port`` is where, in the container: if ``None``, the only one that the image exposes.
    """

    images: tuple[str, ...]
    build: BuildOptions = field(default_factory=BuildOptions)
    options: LaunchOptions = field(default_factory=LaunchOptions)
    signals: tuple[Signal, ...] = ()
    probes: tuple[Probe, ...] = ()
    ready: Ready | None = None
    ready_s: float = 30.0
    process: re.Pattern[str] | None = None
    request: str | None = None
    port: int | None = None
    in_flight: int = 1
    repeat: int | None = None
    jobs: int | None = None
    trace: TraceMode = TraceMode.AUTO
    pull: Pull = Pull.MISSING
    tries: bool = True
    settle_s: float | None = None
    engine: str = DEFAULT_ENGINE

    @property
    def questions(self) -> tuple[Question, ...]:
        """What is asked of each image."""
        return questions(self.signals, self.probes or ((Probe.SIGNAL,) if self.signals else (Probe.STOP,)))

    @property
    def planned(self) -> tuple[str, ...]:
        """The ids of its cells."""
        return tuple(cell_id(None, image, question) for image in self.images for question in self.questions)

    @property
    def deciding(self) -> dict[str, str | None]:
        """What options decide about a row, by what one calls them; ``None`` for one that is not given."""
        return told(self.options) | told(self, leaving=_NOT_DECIDING)


_NOT_DECIDING: Final = ("images", "build", "options", "signals", "probes", "jobs", "trace", "pull", "engine")
"""What a row does not depend on, or what is seen elsewhere: in cells, ids of images, or facts of the engine."""


class Checking:
    """A check under way. A context manager: on leaving, nothing of it is left on the engine.

    Raises:
        UsageError: on entering, if an image is named twice, or is not a reference, or a folder or archive is not one,
            or an image does not tell which port to ask.
        EngineUnavailable: on entering, if there is no engine, or no kernel record though it is asked for.
        BaseUnavailable: on entering, if an image cannot be had.
        EngineFault: on entering, if a folder does not build.
    """

    def __init__(self, check: Check, hooks: Hooks | None = None) -> None:
        self._check = check
        self._hooks = hooks or Hooks()
        self._stack = ExitStack()

    def __enter__(self) -> Checking:
        """Find engine and images, and plan the cells."""
        check = self._check
        twice = next((image for image in check.images if check.images.count(image) > 1), None)
        if twice is not None:
            raise UsageError(f"{twice} is named twice")
        self._subjects = {image: read_subject(image, check.build) for image in check.images}
        if check.build != BuildOptions() and not any(isinstance(one, Folder) for one in self._subjects.values()):
            raise UsageError(
                "--file, --target and --build-arg are for a build folder, and none is named",
                remedy="For instance: signal-harness check ./my-app --file Dockerfile.production",
            )
        self.ignores = tuple(one for name, image in self._subjects.items() for one in left_be(name, image))
        self._started, self._began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), time.monotonic()
        with ExitStack() as stack:
            engine = stack.enter_context(closing(open_engine(check.engine, self._hooks.note)))
            self._engine = engine
            bases = open_bases(engine, self._hooks.note, defaults=())  # all images are named
            self._obtaining = Obtaining(
                engine, bases, pull=check.pull, platform=check.options.platform, note=self._hooks.note
            )
            with ThreadPoolExecutor(max_workers=1) as aside:
                facts = aside.submit(engine.facts)  # takes an engine about as long as an image that is there
                self._images = {name: self._facts(name, image) for name, image in self._subjects.items()}
                record = open_record(stack, engine, check.trace, self._signals(), self._hooks.note)
            self.engine_facts = structs.replace(facts.result(), trace=record is not None)
            self.engine = stack.enter_context(engine.containers(record, self._hooks.note))
            subjects = [self._subject(facts) for facts in self._images.values()]
            self.cells = plan_cells(self.engine_facts.name, subjects, check.questions)
            self.schedule = Schedule(
                prepare=self._prepared,
                jobs=check.jobs or 2 * engine.processors(),
                repeat=check.repeat,
                patience=Patience(
                    ready_s=check.ready_s,
                    settle_s=check.settle_s,
                    grace_s=check.options.stop_timeout or DOCKER_GRACE_S,
                ),
            )
            self._runner = row_runner(
                self.engine,
                self.schedule,
                describe=self._row,
                receive=self._hooks.result,
                tries=check.tries,
                sources=self._sources,
            )
            stack.enter_context(self._runner)
            stack.callback(engine.abandon_builds)  # first, as the runner waits for them
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop what is under way and clear up."""
        self._stack.close()

    def abandon(self) -> None:
        """Give up what is under way; called from another thread than the one that waits for it."""
        self._runner.abandon()

    def run(self, cells: Sequence[Cell] | None = None) -> list[Future[Row]]:
        """Start running; a future for each cell, in order."""
        return self._runner.submit(self.cells if cells is None else cells)

    def document(self, rows: Iterable[Row], cut: Cut | None = None) -> Document:
        """The results document of some rows; ``cut`` says why there are no more."""
        return Document(
            schema=SCHEMA,
            tool=Tool(name="signal-harness", version=harness.__version__),
            started=self._started,
            duration_s=round(time.monotonic() - self._began, 3),
            engines={self.engine_facts.name: self.engine_facts},
            bases={},
            subjects={name: self._described(facts) for name, facts in self._images.items()},
            judged=None,
            shard=None,
            cut=cut,
            results=tuple(rows),
        )

    def head(self) -> Head:
        """What is run, and on what: how a journal of it begins."""
        return Head(
            document=self.document(()),
            cells=tuple(cell.id for cell in self.cells),
            facts={
                **{image_of(name): facts.id for name, facts in self._images.items()},
                **self._check.deciding,
            },
        )

    def _signals(self) -> tuple[Signal, ...]:
        """All signals that are sent, by name or as an image's stop signal."""
        asked = self._check.options.stop_signal
        stops = [asked or facts.start.stop_signal or STOP_SIGNAL for facts in self._images.values()]
        return tuple(dict.fromkeys([*self._check.signals, *map(parse_signal, stops)]))

    def _subject(self, facts: ImageFacts) -> Subject:
        check, ready = self._check, self._check.ready or ready_of(facts)
        if isinstance(ready, Answering):
            ready = replace(ready, port=_port(check, facts))
        in_flight = None
        if check.request is not None:
            in_flight = InFlight(path=check.request, port=_port(check, facts), number=check.in_flight)
        return Subject(
            name=facts.reference,
            title=facts.reference,
            image=self._subjects[facts.reference],
            app=App(
                ready=ready,
                stop=StopSetting(in_flight=in_flight),
                below_wrappers=True,
                process=self._check.process,
                exposed=facts.ports,
            ),
            launch=self._check.options,
            expect=Expectation(forwards=Expected.ALWAYS, probes=dict.fromkeys(Probe, Expected.ALWAYS)),
        )

    def _prepared(self, cell: Cell) -> Prepared:
        facts = self._facts(cell.subject.name, cell.subject.image)
        return Prepared(cell=cell, image=facts.id, configured=facts.start)

    def _facts(self, name: str, image: Image) -> ImageFacts:
        """An image, built if need be, with progress."""
        told = Subject(name=name, title=name, image=image, app=App())
        return self._obtaining.facts(name, image, on_build=lambda begins: self._hooks.build(told, begins))

    def _described(self, facts: ImageFacts) -> SubjectFacts:
        image = self._subjects[facts.reference]
        folder = image if isinstance(image, Folder) else None
        place = Path(folder.path) / folder.dockerfile if folder else None
        return SubjectFacts(
            title=facts.reference,
            dockerfile=None if place is None else shown(place).encode(errors="replace").decode(),
            target=folder.target if folder else None,
            init=self._check.options.init,
            digest=facts.id,
            starting=tuple(Line(line=one.line, text=one.text) for one in self._starting(image)),
            exchanged=(),
        )

    def _row(self, result: Result) -> Row:
        return describe_row(result, self._starting(result.cell.subject.image))

    @staticmethod
    def _starting(image: Image) -> tuple[Instruction, ...]:
        """The instructions that start an image, where its Dockerfile is at hand."""
        return starting(text_of(image, image.dockerfile), image.target) if isinstance(image, Folder) else ()

    def _sources(self, result: Result) -> Sources | None:
        """What the image of a cell is built of, if it is built here."""
        image = result.cell.subject.image
        if not isinstance(image, Folder):
            return None
        return Sources(
            folder=image,
            files=self._engine.context_files(image),
            read=partial(text_of, image),
            start=self._images[result.cell.subject.name].start,
        )


def ready_of(facts: ImageFacts) -> Ready:
    """What tells that an image's app is ready, if nobody says: its own health check, its ports, else rest."""
    if facts.healthcheck:
        return Healthy()
    return Listening(ports=facts.ports) if facts.ports else Quiescent()


def _port(check: Check, facts: ImageFacts) -> int:
    """The port of a container that is sent requests."""
    if check.port is not None:
        return check.port
    if len(facts.ports) == 1:
        return facts.ports[0]
    exposes = f"exposes ports {', '.join(map(str, facts.ports))}" if facts.ports else "exposes no port"
    raise UsageError(f"{facts.reference} {exposes}", remedy="Say which port requests are sent to: --port N")
