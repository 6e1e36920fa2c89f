"""Progress on standard error: a bar on a terminal, plain lines of what takes long elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

if TYPE_CHECKING:
    from harness.core.document import Row
    from harness.core.subject import Subject


class Progress:
    """A context manager whose methods a session calls as it goes; ``what`` is counted."""

    def __init__(self, what: str = "cells") -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[now]}"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._cells = self._bars.add_task(what, total=None, now="")
        self._building: dict[tuple[str, str], None] = {}

    def __enter__(self) -> Progress:
        """Show the bar."""
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self._bars.stop()

    def note(self, line: str) -> None:
        """Print a line on something that takes long or is out of the ordinary."""
        self._console.print(line, markup=False, soft_wrap=True)

    def begin(self, cells: int) -> None:
        """Show how many cells there are."""
        self._bars.update(self._cells, total=cells)

    def build(self, subject: Subject, begins: bool) -> None:
        """Show that a build begins or ends."""
        key = (subject.base or "", subject.name)
        if begins:
            self._building[key] = None
            if self._bars.disable:
                self.note(f"building {subject.name}{f' on {subject.base}' if subject.base else ''}")
        else:
            self._building.pop(key, None)
        names = ", ".join(name for _, name in list(self._building))
        self._bars.update(self._cells, now=f"building {names}" if names else "")

    def result(self, row: Row) -> None:
        """Show that a cell has ended."""
        self.advance()
        if not self._building:
            self._bars.update(self._cells, now=row.id)

    def advance(self) -> None:
        """Show that one more of what is counted is done."""
        self._bars.update(self._cells, advance=1)

    def tell(self, done: int, total: int, now: str) -> None:
        """Show how far a search has come, and what it is at."""
        self._bars.update(self._cells, completed=done, total=total, now=now)
        if self._bars.disable and now:
            self.note(now)
