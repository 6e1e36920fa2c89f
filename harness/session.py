"""One whole run: engine, bases, images and cells put together. What the command and the pytest plugin share."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from harness.core.catalogue import FILE_NAME, Catalogue, parse_catalogue
from harness.core.dockerfile import Source, starting
from harness.core.errors import EngineUnavailable, UsageError
from harness.core.question import Probe
from harness.core.result import Report
from harness.core.signals import DEFAULT_SIGNALS, Signal, catchable_signals, parse_signal
from harness.run.observation import GRACE_S, Patience
from harness.run.plan import cells as plan_cells
from harness.run.runner import Runner, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from harness.core.baseline import Recording
    from harness.core.facts import BaseFacts, EngineFacts
    from harness.core.result import Result
    from harness.core.subject import Cell, Variant
    from harness.run.protocol import Engine


class TraceMode(StrEnum):
    """Whether the kernel's record of signals is used."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


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
    its app shuts down. ``repeat`` that is ``None`` repeats where luck may have decided.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Hooks:
    """What a session tells as it goes; called from several threads, one at a time each."""

    note: Callable[[str], None] = lambda _: None
    build: Callable[[str, Variant, str], None] = lambda *_: None
    result: Callable[[Result], None] = lambda _: None


def select_signals(names: Iterable[str]) -> tuple[Signal, ...]:
    """Read names of signals, of which ``all`` is every catchable one; the default ones if there are none.

    Raises:
        UsageError: there is no such signal.
    """
    chosen: list[Signal] = []
    for name in names:
        chosen += catchable_signals() if name.lower() == "all" else [parse_signal(name)]
    return tuple(dict.fromkeys(chosen)) or DEFAULT_SIGNALS


def built_in_catalogue() -> Path:
    """The folder of our own catalogue: inside the installed package, or beside it in a checkout."""
    package = Path(str(files("harness")))
    inside = package / "_data" / "dockerfiles"
    return inside if inside.is_dir() else package.parent / "dockerfiles"


def load_catalogue(folder: Path | None) -> tuple[Path, Catalogue]:
    """Read the catalogue of a folder, or our own.

    Raises:
        UsageError: it is not there or not well-formed.
    """
    folder = folder or built_in_catalogue()
    path = folder if folder.name == FILE_NAME else folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read: {error}", remedy="Give a folder that holds a catalogue.toml."
        ) from error
    return path.parent, parse_catalogue(text, place=str(path), has_file=lambda name: (path.parent / name).exists())


def read_recordings(path: Path | None) -> tuple[Recording, ...]:
    """Read what was recorded: a baseline, a results file, or all baselines of a folder; none if there is no path.

    Raises:
        UsageError: a file cannot be read or is none of ours, or the folder holds none.
    """
    if path is None:
        return ()
    from harness.report.baseline import read, read_baseline

    # os.path, unlike pathlib, takes a path that cannot be for one that is not there.
    if os.path.isdir(path):  # noqa: PTH112
        files = sorted(path.glob("*.json"))
        if not files:
            raise UsageError(f"{path} holds no baseline", remedy="Record one: signal-harness baseline update")
        return tuple(read_baseline(read_file(file), place=str(file)) for file in files)
    return read(read_file(path), place=str(path))


def read_file(path: Path) -> bytes:
    """Read a file that the user named.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def replace_file(file: Path, text: str) -> None:
    """Write a file whole, or leave what is there.

    Raises:
        OSError: it cannot be written.
    """
    beside = file.with_name(f".signal-harness-{os.getpid()}.new")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def read_list(file: Path) -> list[str]:
    """Read a list of bases: one per line; blank lines and what follows a # do not count.

    Raises:
        UsageError: it cannot be read, or holds none.
    """
    lines = read_file(file).decode("utf-8-sig", "replace").splitlines()
    found = [reference for line in lines if (reference := line.partition("#")[0].strip())]
    if not found:
        raise UsageError(f"{file} names no base", remedy="One base per line, such as node:24-alpine.")
    return found


def cache_folder() -> Path:
    """Where downloads are kept."""
    return platformdirs.user_cache_path("signal-harness")


class Session:
    """A run under way. A context manager: on leaving, nothing of it is left on the engine.

    Raises:
        UsageError: on entering, if the selection names what does not exist.
        EngineUnavailable: on entering, if there is no engine, or no kernel record though it is asked for.
        BaseUnavailable: on entering, if a base cannot be had or cannot carry the variants.
    """

    def __init__(self, selection: Selection, hooks: Hooks | None = None) -> None:
        self._selection = selection
        self._hooks = hooks or Hooks()
        self._stack = ExitStack()
        self._started = ""
        self._began = 0.0

    def __enter__(self) -> Session:
        """Check the selection first, then find engine and bases."""
        folder, catalogue = load_catalogue(self._selection.catalogue)
        self._folder = folder
        self.catalogue = catalogue
        variants = catalogue.select(self._selection.variants)
        # docker takes a while to import; a wrong name is told before that.
        from harness.engine.bases import Bases
        from harness.engine.client import connect, engine_facts, now_text
        from harness.engine.containers import DockerEngine
        from harness.engine.images import Images

        self._started, self._began = now_text(), time.monotonic()
        api = connect()
        with ExitStack() as stack:
            stack.callback(api.close)
            bases = Bases(api, cache=cache_folder(), report=self._hooks.note)
            references = bases.expand(self._selection.bases) if self._selection.bases else bases.defaults()
            pull = self._selection.pull
            for reference in references:
                bases.get(reference, pull=pull is not Pull.NEVER, again=pull is Pull.ALWAYS)
            self.base_facts: Mapping[str, BaseFacts] = _gather(bases.facts, references)
            jobs = self._selection.jobs or 2 * int(api.info()["NCPU"])
            images = stack.enter_context(
                Images(
                    api,
                    folder=folder,
                    context=folder / catalogue.context,
                    base_image=bases.image,
                    on_build=self._hooks.build,
                    jobs=jobs,
                )
            )
            tracer = self._tracer(stack, api)
            self.engine_facts: EngineFacts = engine_facts(api, builder=images.builder, trace=tracer is not None)
            self.engine: Engine = stack.enter_context(DockerEngine(api, tracer))
            self.cells: tuple[Cell, ...] = plan_cells(
                references, variants, self._selection.signals, self._selection.probes or catalogue.app.probes
            )
            self.schedule = Schedule(
                app=catalogue.app,
                image_of=images.image_of,
                start_of=images.start_of,
                facts_of=self.base_facts.__getitem__,
                jobs=jobs,
                repeat=self._selection.repeat,
                patience=Patience(settle_s=self._selection.settle_s, grace_s=self._selection.grace_s),
                on_result=self._hooks.result,
            )
            self._images = images
            self._runner = stack.enter_context(Runner(self.engine, self.schedule))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop what is under way and clear up."""
        self._stack.close()

    def leave(self) -> None:
        """Let what is under way end soon; called from another thread than the one that waits for it."""
        self._runner.leave()

    def run(self, cells: Sequence[Cell] | None = None) -> list[Future[Result]]:
        """Start building and running; a future for each cell, in order."""
        wanted = self.cells if cells is None else cells
        self.prepare(wanted)
        return self._runner.submit(wanted)

    def prepare(self, cells: Iterable[Cell]) -> list[Future[str]]:
        """Start building the images of cells, the first ones first; a future for each that its base can carry."""
        return self._images.prepare(
            (cell.base, cell.variant) for cell in cells if cell.variant.unmet(self.base_facts[cell.base]) is None
        )

    def image_of(self, cell: Cell) -> str:
        """The image a cell runs, built if need be."""
        return self._images.image_of(cell.base, cell.variant)

    def dockerfile_of(self, variant: Variant) -> str:
        """The text of a variant's Dockerfile."""
        return (self._folder / variant.dockerfile).read_text(encoding="utf-8", errors="replace")

    def source_of(self, variant: Variant) -> Source:
        """Where a variant comes from."""
        return Source(
            path=_shown(self._folder / variant.dockerfile),
            digest=self._images.digest_of(variant),
            starting=starting(self.dockerfile_of(variant), variant.target),
        )

    def report(self, results: Iterable[Result]) -> Report:
        """The report of the results so far."""
        told = tuple(results)
        variants = {result.cell.variant.name: result.cell.variant for result in told}
        return Report(
            started=self._started,
            duration_s=round(time.monotonic() - self._began, 3),
            engine=self.engine_facts,
            bases=self.base_facts,
            sources={name: self.source_of(variant) for name, variant in variants.items()},
            results=told,
        )

    def _tracer(self, stack: ExitStack, api: Any) -> Any:
        from harness.engine.client import shares_kernel
        from harness.engine.tracing import Tracer

        mode = self._selection.trace
        if mode is TraceMode.OFF:
            return None
        try:
            if not shares_kernel(api):
                raise EngineUnavailable("the kernel's signal tracepoints need an engine on this machine's own Linux")
            return stack.enter_context(Tracer(self._selection.signals))
        except EngineUnavailable as why:
            if mode is TraceMode.ON:
                why.remedy = "Run as root on the engine's own Linux host, or leave out --trace on."
                raise
            self._hooks.note(f"{why}; verdicts rest on log, process tree and events")
            return None


def _shown(file: Path) -> str:
    """A path as results carry it: from the working directory, or (elsewhere) with its folder's name alone."""
    resolved = file.resolve()
    if resolved.is_relative_to(Path.cwd()):
        return resolved.relative_to(Path.cwd()).as_posix()
    return f"{resolved.parent.name}/{resolved.name}"


def _gather(ask: Callable[[str], BaseFacts], references: Sequence[str]) -> dict[str, BaseFacts]:
    """Ask about all bases at once."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=8) as pool:
        return dict(zip(references, pool.map(ask, references), strict=True))
