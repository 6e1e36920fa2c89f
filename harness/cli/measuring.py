"""Running a selection with progress, for every command that does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from harness.core.document import Cut
from harness.core.errors import ExitCode, HarnessError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from harness.core.document import Document, Row
    from harness.core.subject import Cell
    from harness.distributed import Distributed
    from harness.journals import OpenJournal
    from harness.session import Hooks, Selection, Session

    Matrix = Session | Distributed

S = TypeVar("S", bound="Measured")


class Measured(Protocol):
    """A run under way, of whatever kind: `harness.session.Session`, `harness.checking.Checking`."""

    cells: tuple[Cell, ...]

    def run(self, cells: Sequence[Cell] | None = None) -> list[Future[Row]]:
        """Start building and running cells, all if none are given; a future for each, in order."""
        ...

    def document(self, rows: Iterable[Row], cut: Cut | None = None) -> Document:
        """The results document of some rows; ``cut`` says why there are no more."""
        ...


def measure(
    selection: Selection,
    *,
    begin: Callable[[Matrix], None] = lambda _: None,
    end: Callable[[Document], None] = lambda _: None,
    journal: OpenJournal | None = None,
    scheduler: str | None = None,
) -> Document:
    """Run all cells of a selection, but for those of which a ``journal`` has the rows; see `measure_all`.

    With the address of a dask ``scheduler``, its workers run them.
    """
    if journal is None:
        return measure_all(lambda hooks: _opened(selection, hooks, scheduler), begin=begin, end=end)

    def opened(hooks: Hooks) -> AbstractContextManager[Matrix]:
        journal.tell = hooks.note
        return _opened(selection, hooks, scheduler)

    return measure_all(
        opened, begin=begin, end=end, known=lambda session: journal.begin(session.head()), keep=journal.keep
    )


def _opened(selection: Selection, hooks: Hooks, scheduler: str | None) -> AbstractContextManager[Matrix]:
    if scheduler is None:
        from harness.session import Session

        return Session(selection, hooks)
    try:
        from harness.distributed import Distributed
    except ModuleNotFoundError as error:
        if error.name not in ("distributed", "dask"):
            raise
        why = "--dask needs dask.distributed, which is not installed"
        raise UsageError(why, remedy="pip install 'signal-harness[distributed]'") from error
    return Distributed(selection, hooks, scheduler)


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
