"""Running a selection with progress, for every command that does."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from msgspec import structs

from harness.core.document import Cut
from harness.core.errors import ExitCode, HarnessError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from harness.checking import Check, Checking
    from harness.columns import Columns
    from harness.core.document import Document, Row
    from harness.core.journal import Head
    from harness.core.subject import Cell
    from harness.distributed import Distributed
    from harness.journals import OpenJournal
    from harness.session import Hooks, Selection, Session

    Matrix = Session | Columns | Distributed

S = TypeVar("S", bound="Measured")


class Measured(Protocol):
    """A run under way, of whatever kind: `harness.session.Session`, `harness.checking.Checking`."""

    cells: tuple[Cell, ...]

    def run(self, cells: Sequence[Cell] | None = None) -> Iterable[Future[Row]]:
        """Start building and running cells, all if none are given; a future for each, in order.

        Some of them may be started only once those before them have been waited for.
        """
        ...

    def document(self, rows: Iterable[Row], cut: Cut | None = None) -> Document:
        """The results document of some rows; ``cut`` says why there are no more."""
        ...


class Headed(Measured, Protocol):
    """A run that a journal can be kept of."""

    def head(self) -> Head:
        """What is run, and on what."""
        ...


J = TypeVar("J", bound=Headed)


def measure(
    selection: Selection,
    *,
    begin: Callable[[Session], None] = lambda _: None,
    end: Callable[[Document], None] = lambda _: None,
    journal: OpenJournal | None = None,
) -> Document:
    """Run all cells of a selection, but for those of which a ``journal`` has the rows; see `measure_all`."""
    from harness.session import Session

    return _journaled(lambda hooks: Session(selection, hooks), begin=begin, end=end, journal=journal)


def measure_on(
    engines: Sequence[str],
    selection: Selection,
    *,
    begin: Callable[[Session | Columns], None] = lambda _: None,
    end: Callable[[Document], None] = lambda _: None,
    journal: OpenJournal | None = None,
) -> Document:
    """Run all cells of a selection on each engine that is named, or on the default one; see `measure`."""
    if len(engines) <= 1:
        one = replace(selection, engine=engines[0]) if engines else selection
        return measure(one, begin=begin, end=end, journal=journal)
    from harness.columns import Columns

    return _journaled(lambda hooks: Columns(selection, engines, hooks), begin=begin, end=end, journal=journal)


def measure_over(
    scheduler: str,
    engines: Sequence[str],
    selection: Selection,
    *,
    begin: Callable[[Distributed], None] = lambda _: None,
    end: Callable[[Document], None] = lambda _: None,
    journal: OpenJournal | None = None,
) -> Document:
    """Have the workers of the dask scheduler at an address run all cells of a selection; see `measure_on`.

    Raises:
        UsageError: more than one engine is named, or what it needs is not installed.
    """
    if len(engines) > 1:
        why = "--dask runs each cell once, on the engine beside the worker that it goes to"
        raise UsageError(why, remedy="Name one --engine at most.")
    one = replace(selection, engine=engines[0]) if engines else selection
    try:
        from harness.distributed import Distributed
    except ModuleNotFoundError as error:
        if error.name not in ("distributed", "dask"):
            raise
        why = "--dask needs dask.distributed, which is not installed"
        raise UsageError(why, remedy="pip install 'signal-harness[distributed]'") from error

    return _journaled(lambda hooks: Distributed(one, hooks, scheduler), begin=begin, end=end, journal=journal)


def measure_check(
    check: Check,
    *,
    planned: tuple[str, ...],
    begin: Callable[[Checking], None],
    end: Callable[[Document], None],
    journal: OpenJournal | None,
) -> Document:
    """Run all cells of a check, one of several whose cells are ``planned`` together; see `measure`."""
    from harness.checking import Checking

    return _journaled(partial(Checking, check), begin=begin, end=end, journal=journal, planned=planned)


def _journaled(
    opened: Callable[[Hooks], AbstractContextManager[J]],
    *,
    begin: Callable[[J], None],
    end: Callable[[Document], None],
    journal: OpenJournal | None,
    planned: tuple[str, ...] | None = None,
) -> Document:
    """Run all cells of what is opened, but for those of which a ``journal`` has the rows; see `measure_all`.

    ``planned`` are the cells of all parts of the run, where this is one of several.
    """
    if journal is None:
        return measure_all(opened, begin=begin, end=end)

    def told(hooks: Hooks) -> AbstractContextManager[J]:
        journal.tell = hooks.note
        return opened(hooks)

    def known(run: J) -> Iterable[Row]:
        head = run.head()
        return journal.begin(head if planned is None else structs.replace(head, cells=planned))

    return measure_all(told, begin=begin, end=end, known=known, keep=journal.keep)


def measure_all(
    opened: Callable[[Hooks], AbstractContextManager[S]],
    *,
    begin: Callable[[S], None] = lambda _: None,
    end: Callable[[Document], None] = lambda _: None,
    known: Callable[[S], Iterable[Row]] = lambda _: (),
    keep: Callable[[Row], None] = lambda _: None,
) -> Document:
    """Run all cells of what is opened, with progress.

    ``begin`` is called once engine and images are there, before anything is run, and then ``known``: cells whose rows
    it gives are not run. ``keep`` is called with the row of each cell as that ends, ``end`` with the results so far,
    whatever ended the run.
    """
    from harness.report.progress import Progress
    from harness.session import Hooks

    rows: list[Row] = []
    with Progress() as progress:

        def on_row(row: Row) -> None:
            rows.append(row)
            keep(row)
            progress.result(row)

        hooks = Hooks(note=progress.note, build=progress.build, result=on_row)
        with opened(hooks) as session:
            begin(session)
            before = {row.id: row for row in known(session)}
            rows += before.values()
            order = {cell.id: number for number, cell in enumerate(session.cells)}

            def document(cut: Cut | None = None) -> Document:
                return session.document(sorted(rows, key=lambda row: order[row.id]), cut)

            try:
                progress.begin(len(session.cells))
                for row in before.values():
                    progress.result(row)
                for future in session.run([cell for cell in session.cells if cell.id not in before]):
                    future.result()
            except BaseException as error:
                end(document(cut_of(error, len(session.cells))))
                raise
            done = document()
            end(done)
    return done


def cut_of(error: BaseException, planned: int) -> Cut:
    """What results say of a run that did not come to its end."""
    if isinstance(error, HarnessError):
        return Cut(planned=planned, reason=error.message, exit_code=error.exit_code)
    return Cut(planned=planned, reason="interrupted", exit_code=ExitCode.INTERRUPTED)
