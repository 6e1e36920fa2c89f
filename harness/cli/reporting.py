"""What a command that measures leaves, whatever ends it: reports, the journal beside the results, what it prints."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from harness.cli.help import HOW
from harness.cli.output import write_all
from harness.core.errors import UsageError
from harness.report.formats import Format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from rich.console import RenderableType

    from harness.cli.output import Output
    from harness.core.document import Document
    from harness.journals import OpenJournal

resume_option = HOW.option(
    "--resume",
    is_flag=True,
    help="Take up a run that was killed: take over what the journal beside the --json file holds, and run the rest.",
)


class Reporting:
    """The reports of one run. A context manager: on leaving, what there is to print is printed.

    ``journal`` is kept beside the results file; ``None`` where results go to no file. ``parts`` are printed first, then
    ``lines``, to standard error where a report goes to standard output.

    Args:
        outputs: where reports go, by their formats.
        resume: whether a run is taken up that was killed.

    Raises:
        UsageError: one is to be taken up, and no file is named; or a report is to go in the journal's place; or see
            `harness.journals.OpenJournal`.
    """

    def __init__(self, outputs: Mapping[str, Output], *, resume: bool) -> None:
        self._outputs = outputs
        self._stack = ExitStack()
        self.journal = _journal(outputs, resume=resume)
        self.parts: list[RenderableType] = []
        self.lines: list[str] = []

    def __enter__(self) -> Reporting:
        """Return itself."""
        self._stack.callback(self._print)
        if self.journal is not None:
            self._stack.enter_context(self.journal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the journal, and print."""
        self._stack.__exit__(kind, error, trace)

    def whole(self, document: Document) -> Document:
        """The results of a run, with the start and duration of all of it where it was taken up."""
        return document if self.journal is None else self.journal.whole(document)

    def write(self, document: Document, texts: Iterable[tuple[str, str, Callable[[], str]]]) -> None:
        """Write all reports that are wanted, and then remove the journal.

        Args:
            document: the results, as they are.
            texts: of each report its format, what it is called, and what makes its text.

        Raises:
            UsageError: some could not be written; after all others were.
        """
        try:
            write_all([(label, self._outputs[wanted], text) for wanted, label, text in texts], tell=self.lines.append)
        finally:
            journal = self.journal
            if journal is not None and not (self._outputs[Format.JSON].written and journal.end(document)):
                self.lines.append(
                    f"What was found is kept in {journal.path}: the same command with --resume takes it up"
                )

    def _print(self) -> None:
        from harness.report.table import console

        people = console(stderr=any(output.standard for output in self._outputs.values()))
        for part in self.parts:
            people.print(part)
        for line in self.lines:
            people.print(line, soft_wrap=True, markup=False)


def _journal(outputs: Mapping[str, Output], *, resume: bool) -> OpenJournal | None:
    if (results := outputs[Format.JSON].file) is not None:
        from harness.journals import OpenJournal, beside

        if any(output.file == beside(results) for output in outputs.values()):
            raise UsageError(f"{beside(results)} is where the journal of the run goes", remedy="Name another file.")
        return OpenJournal(results, resume=resume)
    if resume:
        remedy = "Give the whole command of the run that was killed, with its --json FILE, and --resume."
        raise UsageError("--resume takes up the journal beside a --json file, and none is named", remedy=remedy)
    return None
