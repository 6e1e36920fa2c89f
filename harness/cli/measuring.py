"""Running a selection with progress, for every command that does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.document import Cut
from harness.core.errors import ExitCode, HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.core.document import Document, Row
    from harness.session import Selection, Session


def measure(
    selection: Selection,
    *,
    begin: Callable[[Session], None] = lambda _: None,
    end: Callable[[Document], None] = lambda _: None,
) -> Document:
    """Run all cells of a selection.

    ``begin`` is called once engine and bases are there, before anything is run; ``end`` with the results so far,
    whatever ended the run.
    """
    from harness.report.progress import Progress
    from harness.session import Hooks, Session

    rows: list[Row] = []
    with Progress() as progress:

        def on_row(row: Row) -> None:
            rows.append(row)
            progress.result(row)

        hooks = Hooks(note=progress.note, build=progress.build, result=on_row)
        with Session(selection, hooks) as session:
            begin(session)
            order = {cell.id: number for number, cell in enumerate(session.cells)}

            def document(cut: Cut | None = None) -> Document:
                return session.document(sorted(rows, key=lambda row: order[row.id]), cut)

            try:
                progress.begin(len(session.cells))
                for future in session.run():
                    future.result()
            except BaseException as error:
                end(document(_cut(error, len(session.cells))))
                raise
            done = document()
            end(done)
    return done


def _cut(error: BaseException, planned: int) -> Cut:
    """What results say of a run that did not come to its end."""
    if isinstance(error, HarnessError):
        return Cut(planned=planned, reason=error.message, exit_code=error.exit_code)
    return Cut(planned=planned, reason="interrupted", exit_code=ExitCode.INTERRUPTED)
