"""Given images put to the test: engine, images, containers and results, for as long as one check lasts."""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from harness import __version__
from harness.core.describe import describe_row
from harness.core.document import SCHEMA, Document, SubjectFacts, Tool
from harness.core.errors import UsageError
from harness.core.question import Probe
from harness.core.signals import parse_signal
from harness.core.subject import (
    App,
    Expectation,
    Given,
    Healthy,
    LaunchOptions,
    Listening,
    Quiescent,
    StopSetting,
    Subject,
)
from harness.core.verdict import Expected
from harness.engine.registry import DEFAULT as DEFAULT_ENGINE
from harness.engine.registry import open_engine
from harness.run.asking import STOP_SIGNAL
from harness.run.observation import Patience
from harness.run.plan import cells as plan_cells
from harness.run.plan import questions
from harness.run.runner import Prepared, Schedule
from harness.session import Hooks, Pull, TraceMode, open_bases, open_record
from harness.trying import row_runner

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable
    from concurrent.futures import Future

    from harness.core.document import Cut, Row
    from harness.core.facts import ImageFacts
    from harness.core.signals import Signal
    from harness.core.subject import Cell, Ready

DOCKER_GRACE_S: Final = 10
"""What docker stop waits before SIGKILL, unless told otherwise (docker-stop(1))."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """Which images to check, and how.

    ``probes`` without any are ``stop``, or ``signal`` if signals are named. ``ready`` that is ``None`` is the image's
    HEALTHCHECK, else the ports that it exposes, else rest. ``process`` tells the app by its command line. ``tries``
    says whether what may help a bad cell is run, too.
    """

    images: tuple[str, ...]
    options: LaunchOptions = field(default_factory=LaunchOptions)
    signals: tuple[Signal, ...] = ()
    probes: tuple[Probe, ...] = ()
    ready: Ready | None = None
    ready_s: float = 30.0
    process: re.Pattern[str] | None = None
    repeat: int | None = None
    jobs: int | None = None
    trace: TraceMode = TraceMode.AUTO
    pull: Pull = Pull.MISSING
    tries: bool = True
    settle_s: float | None = None
    engine: str = DEFAULT_ENGINE


class Checking:
    """A check under way. A context manager: on leaving, nothing of it is left on the engine.

    Raises:
        UsageError: on entering, if an image is named twice, or is not a reference.
        EngineUnavailable: on entering, if there is no engine, or no kernel record though it is asked for.
        BaseUnavailable: on entering, if an image cannot be had.
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
        self._started, self._began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), time.monotonic()
        with ExitStack() as stack:
            engine = stack.enter_context(closing(open_engine(check.engine)))
            bases = open_bases(engine, self._hooks.note)
            for image in check.images:
                bases.get(image, pull=check.pull is not Pull.NEVER, again=check.pull is Pull.ALWAYS)
            self._images = {image: bases.image_facts(image) for image in check.images}
            record = open_record(stack, engine, check.trace, self._signals(), self._hooks.note)
            self.engine_facts = engine.facts(trace=record is not None)
            containers = stack.enter_context(engine.containers(record))
            probes = check.probes or ((Probe.SIGNAL,) if check.signals else (Probe.STOP,))
            subjects = [self._subject(facts) for facts in self._images.values()]
            self.cells = plan_cells(self.engine_facts.name, subjects, questions(check.signals, probes))
            schedule = Schedule(
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
                containers, schedule, describe=describe_row, receive=self._hooks.result, tries=check.tries
            )
            stack.enter_context(self._runner)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop what is under way and clear up."""
        self._stack.close()

    def run(self) -> list[Future[Row]]:
        """Start running; a future for each cell, in order."""
        return self._runner.submit(self.cells)

    def document(self, rows: Iterable[Row], cut: Cut | None = None) -> Document:
        """The results document of some rows; ``cut`` says why there are no more."""
        return Document(
            schema=SCHEMA,
            tool=Tool(name="signal-harness", version=__version__),
            started=self._started,
            duration_s=round(time.monotonic() - self._began, 3),
            engines={self.engine_facts.name: self.engine_facts},
            bases={},
            subjects={name: self._described(facts) for name, facts in self._images.items()},
            judged=None,
            cut=cut,
            results=tuple(rows),
        )

    def _signals(self) -> tuple[Signal, ...]:
        """All signals that are sent, by name or as an image's stop signal."""
        asked = self._check.options.stop_signal
        stops = [asked or facts.start.stop_signal or STOP_SIGNAL for facts in self._images.values()]
        return tuple(dict.fromkeys([*self._check.signals, *map(parse_signal, stops)]))

    def _subject(self, facts: ImageFacts) -> Subject:
        return Subject(
            name=facts.reference,
            title=facts.reference,
            image=Given(reference=facts.reference),
            app=App(
                ready=self._check.ready or ready_of(facts),
                stop=StopSetting(),
                below_wrappers=True,
                process=self._check.process,
            ),
            launch=self._check.options,
            expect=Expectation(forwards=Expected.ALWAYS, probes=dict.fromkeys(Probe, Expected.ALWAYS)),
        )

    def _prepared(self, cell: Cell) -> Prepared:
        facts = self._images[cell.subject.name]
        return Prepared(cell=cell, image=facts.id, configured=facts.start)

    def _described(self, facts: ImageFacts) -> SubjectFacts:
        return SubjectFacts(
            title=facts.reference,
            dockerfile=None,
            target=None,
            init=self._check.options.init,
            digest=facts.id,
            starting=(),
            exchanged=(),
        )


def ready_of(facts: ImageFacts) -> Ready:
    """What tells that an image's app is ready, if nobody says: its own health check, its ports, else rest."""
    if facts.healthcheck:
        return Healthy()
    return Listening(ports=facts.ports) if facts.ports else Quiescent()
