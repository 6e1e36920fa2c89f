"""One whole run: engine, bases, images and cells put together. What the command and the pytest plugin share."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

import harness
from harness.catalogues import load_catalogue
from harness.core.base_image import template
from harness.core.catalogue import FILE_NAME
from harness.core.describe import describe_row, describe_subject
from harness.core.dockerfile import starting, telling
from harness.core.document import SCHEMA, Document, Shard, Tool
from harness.core.errors import BaseUnavailable, EngineUnavailable, UsageError
from harness.core.ignoring import comments
from harness.core.journal import Head, image_of, option
from harness.core.program import PROGRAMS
from harness.core.question import Probe
from harness.core.sharding import Share, part_of
from harness.core.signals import DEFAULT_SIGNALS, Signal, catchable_signals, parse_signal
from harness.core.source import Source
from harness.core.subject import Built, place_label, unmet
from harness.engine.registry import DEFAULT as DEFAULT_ENGINE
from harness.engine.registry import open_engine
from harness.files import cache_folder, read_file, shown
from harness.local_bases.provider import LocalBases
from harness.run.asking import signal_of
from harness.run.observation import GRACE_S, Patience
from harness.run.plan import cells as plan_cells
from harness.run.plan import questions
from harness.run.runner import Prepared, Schedule
from harness.trying import row_runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from harness.core.base_image import Template
    from harness.core.catalogue import Variant
    from harness.core.columns import Column
    from harness.core.dockerfile import Instruction
    from harness.core.document import Cut, Row
    from harness.core.facts import BaseFacts
    from harness.core.ignoring import Ignore
    from harness.core.result import Result
    from harness.core.subject import Cell, Subject
    from harness.engine.protocol import BaseStore, OpenEngine
    from harness.engine.tracing import Tracer


_JOBS: Final = 6
_STARTS: Final = 2
"""How many containers of a catalogue run at once for each processor, and how many of these start, which keeps it busy:
the others only wait."""

_NEEDED: Final = "the sample app needs it"


_HELPED: Final = (
    "--trace helper: a privileged container (the PID namespace of the engine's machine, SYS_ADMIN, SYS_PTRACE, "
    "DAC_OVERRIDE, KILL) runs on the engine until this run ends, and reads the kernel's record and /proc there"
)
_NO_HELP: Final = "See what the engine allows and what its kernel has, or leave out --trace helper."


class TraceMode(StrEnum):
    """Whether the kernel's record of signals is used; ``HELPER`` has a privileged container read it."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"
    HELPER = "helper"


class Isolation(StrEnum):
    """What a container is fresh for: each run, or each variant, whose signals may then go to one, one after another."""

    RUN = "run"
    VARIANT = "variant"


class Pull(StrEnum):
    """When a registry is asked for a base."""

    MISSING = "missing"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """What to test, and how. Empty ``bases`` are the default ones, empty ``variants`` are all.

    A base that is a glob stands for all local tags that match it.

    ``probes`` that are ``None`` are those of a check of signals: ``signal``, and ``stop`` where the catalogue tells how
    its app shuts down. ``repeat`` that is ``None`` repeats where luck may have decided. ``tries`` says whether what may
    help a bad cell is run, too. ``share`` is the part of the cells to run, with all of an image's; ``None`` is all.
    ``isolation`` that is ``None`` is that of variants where the catalogue says that its app only logs.
    """

    bases: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = DEFAULT_SIGNALS
    probes: tuple[Probe, ...] | None = (Probe.SIGNAL,)
    repeat: int | None = None
    jobs: int | None = None
    catalogue: Path | None = None
    trace: TraceMode = TraceMode.AUTO
    pull: Pull = Pull.MISSING
    settle_s: float | None = None
    grace_s: int = GRACE_S
    tries: bool = False
    share: Share | None = None
    engine: str = DEFAULT_ENGINE
    isolation: Isolation | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Hooks:
    """What a session reports as it goes; called from several threads, one at a time each."""

    note: Callable[[str], None] = lambda _: None
    build: Callable[[Subject, bool], None] = lambda *_: None
    result: Callable[[Row], None] = lambda _: None


def select_signals(names: Iterable[str]) -> tuple[Signal, ...]:
    """Read names of signals, of which ``all`` is every catchable one; the default ones if there are none.

    Raises:
        UsageError: there is no such signal.
    """
    chosen: list[Signal] = []
    for name in names:
        chosen += catchable_signals() if name.lower() == "all" else [parse_signal(name)]
    return tuple(dict.fromkeys(chosen)) or DEFAULT_SIGNALS


def open_bases(engine: OpenEngine, report: Callable[[str], None], defaults: tuple[str, ...] | None = None) -> BaseStore:
    """The bases of an engine: its own, a registry's, and where none answers those made from packages.

    ``report`` is called with one line per lengthy step; ``defaults`` are a registry's, those of our own catalogue
    if there are none.
    """
    if defaults is None:
        defaults = load_catalogue(None)[1].bases
    cache = cache_folder()
    return engine.bases(defaults=defaults, providers=(LocalBases(cache),), report=report, cache=cache)


def open_record(
    stack: ExitStack, engine: OpenEngine, mode: TraceMode, signals: Sequence[Signal], note: Callable[[str], None]
) -> Tracer | None:
    """The kernel's record of signals, if it is wanted and there is one; closed with the stack.

    Raises:
        EngineUnavailable: it is asked for, and there is none.
    """
    if mode is TraceMode.OFF:
        return None
    if mode is TraceMode.HELPER:
        return _helped(stack, engine, signals, note)
    try:
        return stack.enter_context(engine.record(signals))
    except EngineUnavailable as why:
        if mode is TraceMode.ON:
            why.remedy = "Run as root on the engine's own Linux host, or leave out --trace on."
            raise
        note(f"{why}; verdicts rest on log, process tree and events")
        return None


def _helped(stack: ExitStack, engine: OpenEngine, signals: Sequence[Signal], note: Callable[[str], None]) -> Tracer:
    """The record by a helper; what it is, is said before it runs."""
    # Imported late: it is seldom needed.
    from harness.local_bases.helper.image import REFERENCE, HelperImage

    note(_HELPED)
    bases = engine.bases(defaults=(), providers=(HelperImage(cache_folder()),), report=note)
    bases.get(REFERENCE)
    try:
        return stack.enter_context(engine.record_by_helper(signals, image=bases.tag(REFERENCE), note=note))
    except EngineUnavailable as why:
        why.remedy = why.remedy or _NO_HELP
        raise


def refuse_unmet(requires: Mapping[str, str], facts: BaseFacts, *, examples: str, needs: str = _NEEDED) -> None:
    """Refuse a base that cannot carry any variant; ``examples`` are bases to use instead, ``needs`` says who needs it.

    Raises:
        BaseUnavailable: a program that all variants need is missing, or of another version.
    """
    missing = next((program for program in requires if program not in facts.programs), None)
    if missing is not None:
        label = PROGRAMS[missing].label if missing in PROGRAMS else missing
        why = f"{facts.reference} has no {missing} on its PATH, and {needs}"
        raise BaseUnavailable(why, remedy=f"Choose a base with {label}, such as {examples}.")
    if (lack := unmet(requires, facts)) is not None:
        why = f"{facts.reference} cannot carry the variants: {lack}"
        raise BaseUnavailable(why, remedy=f"Choose another base, such as {examples}.")


def now() -> str:
    """The time as results have it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def read_ignores(folder: Path, variants: Iterable[Variant]) -> tuple[Ignore, ...]:
    """What the Dockerfiles of variants say that is to be left be.

    Raises:
        UsageError: a comment cannot be read; the message names its line.
    """
    files = [(variant.name, folder / variant.dockerfile) for variant in variants]
    return tuple(one for name, file in files for one in comments(_text(file), place=shown(file), subject=name))


def _text(dockerfile: Path) -> str:
    return read_file(dockerfile).decode(errors="replace")


def _share_of(subjects: Sequence[Subject], share: Share | None) -> Sequence[Subject]:
    """The subjects of a part of the run; variants that are one and the same image are in one part."""
    return subjects if share is None else part_of(subjects, share, together=lambda subject: subject.image)


class On(NamedTuple):
    """An engine that is open, one of several that a run has, and what it is called in the results and in ids."""

    engine: OpenEngine
    column: Column


class Session:
    """A run under way. A context manager: on leaving, nothing of it is left on the engine.

    It is ``on`` an engine that is open, or opens the one that the selection names.

    Raises:
        UsageError: on entering, if the selection names what does not exist.
        EngineUnavailable: on entering, if there is no engine, or no kernel record though it is asked for.
        BaseUnavailable: on entering, if a base cannot be had or cannot carry the variants.
    """

    def __init__(self, selection: Selection, hooks: Hooks | None = None, *, on: On | None = None) -> None:
        self._selection = selection
        self._hooks = hooks or Hooks()
        self._on = on
        self.column = on.column.label if on else None
        self.sessions = (self,)
        self._stack = ExitStack()

    def __enter__(self) -> Session:
        """Check the selection first, then find engine and bases, and plan the cells."""
        selection = self._selection
        self._folder, self.catalogue = load_catalogue(selection.catalogue)
        variants = self.catalogue.select(selection.variants)
        for variant in variants:
            self._template(variant)
        shares = self._shares()
        self.ignores = read_ignores(self._folder, variants)
        self._started, self._began = now(), time.monotonic()
        with ExitStack() as stack:
            engine = self._on.engine if self._on else open_engine(selection.engine, self._hooks.note)
            stack.enter_context(closing(engine))
            bases = open_bases(engine, self._hooks.note, self.catalogue.bases or None)
            named = bases.expand(selection.bases) if selection.bases else bases.defaults()
            self.references = tuple(dict.fromkeys(named))
            subjects = [self.catalogue.subject(variant, base) for base in self.references for variant in variants]
            mine = _share_of(subjects, selection.share)
            self.base_facts = self._get(bases, [subject.base for subject in mine if subject.base is not None])
            starts = _STARTS * engine.processors()
            jobs = selection.jobs or _JOBS * engine.processors()
            images = engine.images(
                folder=self._folder,
                context=self._folder / self.catalogue.context,
                base_image=bases.image,
                on_build=self._hooks.build,
                jobs=min(jobs, starts),
            )
            self._images = stack.enter_context(images)
            record = open_record(stack, engine, selection.trace, selection.signals, self._hooks.note)
            self.engine_facts = engine.facts(trace=record is not None)
            self.engines = (self.engine_facts,)
            self.engine = stack.enter_context(engine.containers(record, self._hooks.note))
            asked = questions(selection.signals, selection.probes or self.catalogue.app.probes)
            self._key = self._on.column.key if self._on else self.engine_facts.name
            self.planned = tuple(cell.id for cell in plan_cells(self._key, subjects, asked, column=self.column))
            self.cells = plan_cells(self._key, mine, asked, column=self.column)
            self.schedule = Schedule(
                prepare=self._prepared,
                jobs=jobs,
                starts=starts,
                repeat=selection.repeat,
                patience=Patience(settle_s=selection.settle_s, grace_s=selection.grace_s),
                shares=shares,
            )
            self._runner = row_runner(
                self.engine, self.schedule, describe=self._described, receive=self._hooks.result, tries=selection.tries
            )
            stack.enter_context(self._runner)
            self._stack = stack.pop_all()
        return self

    def _shares(self) -> bool:
        """Whether several signals may go to one container.

        Raises:
            UsageError: that is wanted, and nobody has said that the app only logs.
        """
        only_logs, wanted = self.catalogue.app.only_logs, self._selection.isolation
        if wanted is Isolation.VARIANT and not only_logs:
            raise UsageError(
                "--isolation variant needs an app that a signal leaves as it was",
                remedy="If yours does no more than write a line, say `only-logs = true` in [app] of the catalogue.",
            )
        return only_logs and wanted is not Isolation.RUN

    def __exit__(self, *_: object) -> None:
        """Stop what is under way and clear up."""
        self._stack.close()

    def abandon(self) -> None:
        """Give up what is under way; called from another thread than the one that waits for it."""
        self._runner.abandon()

    def run(self, cells: Sequence[Cell] | None = None) -> list[Future[Row]]:
        """Start building and running; a future for each cell, in order."""
        wanted = self.cells if cells is None else cells
        self.prepare(wanted)
        return self._runner.submit(wanted)

    def prepare(self, cells: Iterable[Cell]) -> list[Future[str]]:
        """Start building the images of cells, the first ones first; a future for each that its base can carry."""
        return self._images.prepare(cell.subject for cell in cells if self._unmet(cell.subject) is None)

    def _prepared(self, cell: Cell) -> Prepared:
        """Make a cell ready to run.

        Raises:
            HarnessError: its base does not meet its requirements, or its image cannot be had.
        """
        if reason := self._unmet(cell.subject):
            raise BaseUnavailable(reason)
        image = self._images.image_of(cell.subject)
        return Prepared(cell=cell, image=image, configured=self._images.start_of(image))

    def _unmet(self, subject: Subject) -> str | None:
        return unmet(subject.requires, self.base_facts[subject.base]) if subject.base else None

    def image_of(self, cell: Cell) -> str:
        """The image a cell runs, built if need be."""
        return self._images.image_of(cell.subject)

    def _read(self, dockerfile: str) -> str:
        return _text(self._folder / dockerfile)

    def _template(self, variant: Variant) -> Template:
        """A variant's Dockerfile, to be put on a base.

        Raises:
            UsageError: it cannot be, or cannot be read.
        """
        place = shown(self._folder / variant.dockerfile)
        return template(self._read(variant.dockerfile), place=place, target=variant.target)

    def excerpt_of(self, cell: Cell) -> str:
        """The lines of a cell's Dockerfile that matter for signals, with its base in place of the argument."""
        match cell.subject.image:
            case Built(base=base, dockerfile=dockerfile, target=target):
                return telling(self._read(dockerfile), base, target)
            case _:
                return cell.subject.name

    def signal_of(self, cell: Cell) -> Signal | None:
        """The signal that a cell is about: the one to send, or the one that a stop sends; ``None`` for other probes.

        Raises:
            HarnessError: its image cannot be had.
        """
        if cell.question.probe is Probe.STOP:
            return signal_of(cell.question, self._prepared(cell).start)
        return cell.question.signal

    def source_of(self, variant: Variant) -> Source:
        """Where a variant comes from."""
        return Source(
            path=shown(self._folder / variant.dockerfile),
            digest=self._images.digest_of(variant),
            starting=starting(self._read(variant.dockerfile), variant.target),
            exchanges=self._template(variant).exchanges,
        )

    def document(self, rows: Iterable[Row], cut: Cut | None = None) -> Document:
        """The results document of some rows; ``cut`` says why there are no more."""
        results = tuple(rows)
        return self._document(results, subjects=(row.subject for row in results), cut=cut)

    def head(self) -> Head:
        """What is run, and on what: how a journal of it begins."""
        selection = self._selection
        document = self._document((), subjects=(cell.subject.name for cell in self.cells), cut=None)
        images = {place_label(name, self.column): facts.id for name, facts in self.base_facts.items()}
        return Head(
            document=document,
            cells=tuple(cell.id for cell in self.cells),
            facts={
                **{image_of(place): image for place, image in images.items()},
                **{f"the variant {name}": facts.digest for name, facts in document.subjects.items()},
                # Its file holds what no variant's digest does: the words of the app, and what is expected.
                "the catalogue's file": f"sha256:{hashlib.sha256(read_file(self._folder / FILE_NAME)).hexdigest()}",
                option("--repeat"): None if selection.repeat is None else str(selection.repeat),
                option("--settle"): None if selection.settle_s is None else str(selection.settle_s),
                option("--grace"): str(selection.grace_s),
            },
        )

    def _document(self, results: tuple[Row, ...], *, subjects: Iterable[str], cut: Cut | None) -> Document:
        variants, names = {variant.name: variant for variant in self.catalogue.variants}, dict.fromkeys(subjects)
        share = self._selection.share
        return Document(
            schema=SCHEMA,
            tool=Tool(name="signal-harness", version=harness.__version__),
            started=self._started,
            duration_s=round(time.monotonic() - self._began, 3),
            engines={self._key: self.engine_facts},
            bases=dict(self.base_facts),
            subjects={name: describe_subject(variants[name], self.source_of(variants[name])) for name in names},
            judged=None,
            shard=None if share is None else Shard(parts=(share.number,), of=share.of, planned=self.planned),
            cut=cut,
            results=results,
        )

    def _described(self, result: Result) -> Row:
        return describe_row(result, self._starting(result.cell.subject))

    def _starting(self, subject: Subject) -> tuple[Instruction, ...]:
        """The instructions that start a subject; none for an image that is not built here."""
        match subject.image:
            case Built(dockerfile=dockerfile, target=target):
                return starting(self._read(dockerfile), target)
            case _:
                return ()

    def _get(self, bases: BaseStore, wanted: Iterable[str]) -> dict[str, BaseFacts]:
        """Make sure that bases are there and can carry the variants."""
        pull, references = self._selection.pull, tuple(dict.fromkeys(wanted))
        for reference in references:
            bases.get(reference, pull=pull is not Pull.NEVER, again=pull is Pull.ALWAYS)
        with ThreadPoolExecutor(max_workers=8) as pool:
            facts = dict(zip(references, pool.map(bases.facts, references), strict=True))
        for reference in references:
            needs = _NEEDED if self._selection.catalogue is None else "the catalogue requires it"
            refuse_unmet(self.catalogue.requires, facts[reference], examples=bases.examples, needs=needs)
        return facts
