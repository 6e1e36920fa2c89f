"""Rows of cells, and what may help the bad ones, tried by running it: for whatever runs cells on an engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

from msgspec import structs

from harness.core.advice import advice
from harness.core.describe import describe_tried
from harness.core.trying import candidates, fixes_by_options
from harness.run.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from harness.core.document import Row, Tried
    from harness.core.result import Result
    from harness.core.subject import Cell
    from harness.run.protocol import Engine
    from harness.run.runner import Schedule


def row_runner(
    engine: Engine,
    schedule: Schedule,
    *,
    describe: Callable[[Result], Row],
    receive: Callable[[Row], None],
    tries: bool,
) -> Trying | Runner[Row]:
    """What runs cells and makes rows of them; see `Trying`, which it is if something is to be tried."""

    def received(result: Result) -> Row:
        row = describe(result)
        receive(row)
        return row

    if not tries:
        return Runner(engine, schedule, received)
    return Trying(engine, schedule, describe=describe, receive=receive)


class Trying:
    """A runner whose rows say what was tried, where they are bad. A context manager, as `Runner` is.

    Cells, and what is tried for them, share the jobs of the schedule; all that is tried for a cell is run at once.

    Args:
        engine: where they run.
        schedule: how they are run.
        describe: makes the row of a result.
        receive: called with each row that is whole, in one thread at a time.
    """

    def __init__(
        self,
        engine: Engine,
        schedule: Schedule,
        *,
        describe: Callable[[Result], Row],
        receive: Callable[[Row], None],
    ) -> None:
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
        """Drop what waits, and wait for what is under way."""
        self._runner.__exit__()  # first: whoever waits then waits for nothing any more
        self._waiting.shutdown(wait=True, cancel_futures=True)

    def leave(self) -> None:
        """Let cells under way end with the run they are at."""
        self._runner.leave()

    def submit(self, cells: Sequence[Cell]) -> list[Future[Row]]:
        """Start running cells, the first ones first; a future for each, in the same order."""
        return [self._waiting.submit(self._row, future) for future in self._runner.submit(cells)]

    def _row(self, future: Future[Result]) -> Row:
        result = future.result()
        row = self._describe(result)
        if tried := tuple(self._tried(result)):
            row = structs.replace(row, tried=tried, advice=advice(result, tried=fixes_by_options(result)))
        with self._telling:
            self._receive(row)
        return row

    def _tried(self, result: Result) -> Iterator[Tried]:
        """What each change brings, all of them run at once."""
        chances = candidates(result, self._grace_s)
        cells = [
            replace(result.cell, subject=replace(result.cell.subject, launch=chance.options)) for chance in chances
        ]
        for chance, future in zip(chances, self._runner.submit(cells), strict=True):
            yield describe_tried(chance.change, future.result())
