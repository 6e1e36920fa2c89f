"""Running a selection with progress, for every command that does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.core.result import Report, Result
    from harness.session import Selection, Session


def measure(
    selection: Selection,
    *,
    begin: Callable[[Session], None] = lambda _: None,
    end: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Run all cells of a selection and give the report.

    Args:
        selection: what to run.
        begin: called once engine and bases are there, before anything is run.
        end: called with what was found so far, whatever ended the run.
    """
    from harness.report.progress import Progress
    from harness.session import Hooks, Session

    results: list[Result] = []
    with Progress() as progress:

        def on_result(result: Result) -> None:
            results.append(result)
            progress.result(result)

        hooks = Hooks(note=progress.note, build=progress.build, result=on_result)
        with Session(selection, hooks) as session:
            begin(session)
            order = {cell.id: number for number, cell in enumerate(session.cells)}
            try:
                progress.begin(len(session.cells))
                for future in session.run():
                    future.result()
            finally:
                results.sort(key=lambda result: order[result.cell.id])
                report = session.report(results)
                end(report)
    return report
