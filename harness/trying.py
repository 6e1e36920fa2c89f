"""Rows of cells, and what may help the bad ones, tried by running it: for whatever runs cells on an engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

from msgspec import structs

from harness.core.advice import advice, fixes
from harness.core.describe import describe_tried
from harness.core.patch import of_options, of_script
from harness.core.subject import Folder
from harness.core.trying import candidates, fixes_by_options, further
from harness.core.unhelped import in_the_app, nothing_helps
from harness.run.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from harness.core.document import Row, Tried
    from harness.core.fix import Fix
    from harness.core.patch import Patch, Sources
    from harness.core.result import Result
    from harness.core.subject import Cell, LaunchOptions, Subject
    from harness.core.trying import Candidate
    from harness.run.protocol import Engine
    from harness.run.runner import Schedule


def nothing_built(_result: Result) -> None:
    """What cells are built of, where their images are not built here."""


def row_runner(
    engine: Engine,
    schedule: Schedule,
    *,
    describe: Callable[[Result], Row],
    receive: Callable[[Row], None],
    tries: bool,
    sources: Callable[[Result], Sources | None] = nothing_built,
) -> Trying | Runner[Row]:
    """What runs cells and makes rows of them; see `Trying`, which it is if something is to be tried."""

    def received(result: Result) -> Row:
        row = describe(result)
        receive(row)
        return row

    if not tries:
        return Runner(engine, schedule, received)
    return Trying(engine, schedule, describe=describe, receive=receive, sources=sources)


class Trying:
    """A runner whose rows say what was tried, where they are bad. A context manager, as `Runner` is.

    Cells, and what is tried for them, share the jobs of the schedule; all that is tried for a cell is run at once.

    Args:
        engine: where they run.
        schedule: how they are run.
        describe: makes the row of a result.
        receive: called with each row that is whole, in one thread at a time.
        sources: tells what the image of a cell is built of, if it is built here: then fixes are patches, too.
    """

    def __init__(
        self,
        engine: Engine,
        schedule: Schedule,
        *,
        describe: Callable[[Result], Row],
        receive: Callable[[Row], None],
        sources: Callable[[Result], Sources | None] = nothing_built,
    ) -> None:
        self._sources = sources
        self._runner: Runner[Result] = Runner(engine, schedule, lambda result: result)
        self._grace_s = schedule.patience.grace_s
        self._describe = describe
        self._receive = receive
        self._telling = Lock()
        self._waiting = ThreadPoolExecutor(max_workers=schedule.jobs, thread_name_prefix="row")

    def __enter__(self) -> Trying:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Drop what waits, give up what is under way, and wait until nothing is left of it."""
        self._runner.__exit__()  # first: whoever waits then waits for nothing any more
        self._waiting.shutdown(wait=True, cancel_futures=True)

    def abandon(self) -> None:
        """Give up what is under way; what waits for it is told so (`Abandoned`)."""
        self._runner.abandon()

    def submit(self, cells: Sequence[Cell]) -> list[Future[Row]]:
        """Start running cells, the first ones first; a future for each, in the same order."""
        return [self._waiting.submit(self._row, future) for future in self._runner.submit(cells)]

    def _row(self, future: Future[Result]) -> Row:
        result = future.result()
        row = self._describe(result)
        sources = None if result.verdict.good else self._sources(result)
        scripts = _script_patches(result, sources)
        if tried := list(self._tried(result, sources, [patch for _, patch in scripts])):
            known = (*fixes_by_options(result), *(fix for fix, _ in scripts))
            brought = [each for _, each in tried]
            in_vain = nothing_helps(brought)
            lines = advice(result, tried=known, beyond=in_the_app(result, brought))
            row = structs.replace(
                row, tried=tuple(told for told, _ in tried), advice=(*([in_vain] if in_vain else []), *lines)
            )
        with self._telling:
            self._receive(row)
        return row

    def _tried(
        self, result: Result, sources: Sources | None, scripts: Sequence[Patch]
    ) -> Iterator[tuple[Tried, Result]]:
        """What may help is run, all of it at once; where nothing does, what may help each of these.

        Then what helped is, as a patch, where the image is built here.
        """
        built = self._run_patched(result, scripts)
        pairs = list(self._run_changed(result, candidates(result, self._grace_s)))
        if not any(brought.verdict.good for _, brought in pairs):
            pairs += self._run_changed(result, further(pairs, result, self._grace_s))
        for chance, brought in pairs:
            yield describe_tried(chance.change, brought), brought
        helped = [chance.options for chance, brought in pairs if brought.verdict.good]
        patches = _option_patches(helped, result, sources)
        for patch, future in zip([*scripts, *patches], [*built, *self._run_patched(result, patches)], strict=True):
            yield describe_tried(patch.change, future.result(), patch.text), future.result()

    def _run_changed(self, result: Result, chances: Sequence[Candidate]) -> Iterator[tuple[Candidate, Result]]:
        """What the cell of a result brings with each of some changes; all at once."""
        subject = result.cell.subject
        futures = self._run_all(result, [replace(subject, launch=chance.options) for chance in chances])
        return ((chance, future.result()) for chance, future in zip(chances, futures, strict=True))

    def _run_patched(self, result: Result, patches: Iterable[Patch]) -> list[Future[Result]]:
        """What the cell of a result brings with its image built with each of some patches."""
        subject, image = result.cell.subject, result.cell.subject.image
        edited = [replace(image, edited=patch.edited) for patch in patches if isinstance(image, Folder)]
        return self._run_all(result, [replace(subject, image=one) for one in edited])

    def _run_all(self, result: Result, subjects: Iterable[Subject]) -> list[Future[Result]]:
        """What the cell of a result brings with each of some subjects; all at once."""
        return self._runner.submit([replace(result.cell, subject=subject) for subject in subjects])


def _script_patches(result: Result, sources: Sources | None) -> list[tuple[Fix, Patch]]:
    """The fixes that are to be made in a start script of a build folder, each as a patch of it."""
    if sources is None:
        return []
    found = ((fix, of_script(fix, result.cell.subject.launch, sources)) for fix in fixes(result))
    return [(fix, patch) for fix, patch in found if patch is not None]


def _option_patches(helped: Iterable[LaunchOptions], result: Result, sources: Sources | None) -> list[Patch]:
    """Options that helped, each as a patch of the Dockerfile, where it is one."""
    if sources is None:
        return []
    found = (of_options(options, result.cell.subject.launch, sources) for options in helped)
    return [patch for patch in found if patch is not None]
