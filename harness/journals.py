"""Journals on disk: beside the results file of a run that is under way, and gone once the results are written."""

from __future__ import annotations

import fcntl
import os
import shlex
import time
from itertools import islice
from typing import IO, TYPE_CHECKING, Final

from msgspec import structs

from harness.core import journal as lines
from harness.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.core.document import Document, Row
    from harness.core.journal import Head, Journal, Kept

_HEAD_AND_ONE: Final = 2
"""Lines of a journal that holds a row, or what was written of it."""
_NOTHING_THERE: Final = "Leave out --resume."


def beside(results: Path) -> Path:
    """Where the journal of a results file lies."""
    return results.with_name(f"{results.name}.journal")


class OpenJournal:
    """The journal of one run, locked as long as that lives. A context manager; one that holds no row is not left.

    The parts of a run begin one after the other, in the same order each time.

    Args:
        results: the results file that it lies beside.
        resume: whether a run is taken up that was killed; else a new one begins.

    Raises:
        UsageError: there is none to take up, or it cannot be read; or there is one, and it is not to be; or a run that
            is under way has it.
    """

    def __init__(self, results: Path, *, resume: bool) -> None:
        self.path = beside(results)
        self.tell: Callable[[str], object] = lambda _: None
        self._file: IO[bytes] | None = None
        self._before: Journal | None = None
        self._began = time.monotonic()
        self._begun = False
        self._parts = self._rows = 0
        if resume:
            self._take_up()
        elif self.path.exists():
            self._make_way()

    def __enter__(self) -> OpenJournal:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of it; its rows stay, unless `end` has removed it."""
        if self._begun and not self._rows:
            self.path.unlink(missing_ok=True)
        if self._file is not None:
            self._file.close()

    def begin(self, head: Head) -> tuple[Row, ...]:
        """Begin the run or its next part, or go on: what ended before, of that part of the run that is taken up.

        Raises:
            UsageError: something has changed since that run, or the file cannot be written.
        """
        before, number = self._before, self._parts
        if before is None and not self._begun:
            self._create(head)
        elif before is None or number >= len(before.heads):
            self._add(head)
        elif changed := lines.changes(before.heads[number], head):
            why = f"what {self.path} holds cannot be added to: {'; '.join(changed)}"
            raise UsageError(why, remedy=self._anew())
        self._begun = True
        self._parts += 1
        if before is None:
            return ()
        if not number:
            had, left = len(before.rows), len(head.cells) - len(before.rows)
            self.tell(f"{self.path}: {had} of {len(head.cells)} cells have run already, {left} are run now")
        return tuple(row for row in before.rows if row.subject in head.document.subjects)

    def keep(self, row: Row) -> None:
        """Put the row of a cell that has ended on disk. If that fails, it says so, and the run goes on without."""
        spent_s = self._spent_s() + time.monotonic() - self._began
        if self._add(lines.Kept(after_s=round(spent_s, 3), row=row)):
            self._rows += 1

    def whole(self, document: Document) -> Document:
        """The document of a run that was taken up, with the start and duration of all of it."""
        if self._before is None:
            return document
        return structs.replace(
            document,
            started=self._before.heads[0].document.started,
            duration_s=round(self._spent_s() + document.duration_s, 3),
        )

    def end(self, document: Document) -> bool:
        """Remove it, as results are written; not if they lack what it held of a run that was taken up, but not all of.

        Returns:
            whether it was removed.
        """
        written = {row.id for row in document.results}
        if self._before is not None and any(row.id not in written for row in self._before.rows):
            return False
        self.path.unlink(missing_ok=True)
        return True

    def _add(self, entry: Head | Kept) -> bool:
        """Add a line; whether it is there. If it cannot be, that is said, and none is added any more."""
        if self._file is None:
            return False
        try:
            self._write(self._file, lines.line(entry))
        except OSError as error:
            self.tell(f"{self.path} cannot be written: {error.strerror}; if this run is killed, what follows is lost")
            self._file.close()
            self._file = None
            return False
        return True

    def _spent_s(self) -> float:
        return self._before.spent_s if self._before else 0.0

    def _create(self, head: Head) -> None:
        try:
            self._file = self.path.open("xb", buffering=0)
        except FileExistsError:
            raise self._in_use() from None
        except OSError as error:
            raise self._unusable(error) from error
        self._begun = True
        try:
            self._lock(self._file)
            self._write(self._file, lines.line(head))
        except OSError as error:
            raise self._unusable(error) from error

    def _take_up(self) -> None:
        try:
            self._file = self.path.open("r+b", buffering=0)
        except FileNotFoundError:
            why = f"there is no {self.path}: no run was killed that wrote to it"
            raise UsageError(why, remedy=_NOTHING_THERE) from None
        except OSError as error:
            raise self._unusable(error) from error
        try:
            self._lock(self._file)
            self._before = lines.read(self._file.read(), place=str(self.path))
            if self._before is None:
                raise UsageError(f"{self.path} holds nothing: its run was killed as it began", remedy=_NOTHING_THERE)
            self._file.truncate(self._before.size)  # so that no line is added to one that was cut
            self._file.seek(self._before.size)
        except BlockingIOError:
            self._file.close()
            raise self._in_use() from None
        except OSError as error:
            self._file.close()
            raise self._unusable(error) from error
        except UsageError as error:
            self._file.close()
            error.remedy = error.remedy or self._anew()
            raise
        self._rows = len(self._before.kept)

    def _anew(self) -> str:
        return f"To run all of it anew, throw it away first: rm {shlex.quote(str(self.path))}"

    def _unusable(self, error: OSError) -> UsageError:
        return UsageError(f"{self.path} cannot be used: {error.strerror}")

    def _make_way(self) -> None:
        """Remove what a run left that was killed before a cell had ended.

        Raises:
            UsageError: it holds rows, or a run has it, or it is no journal.
        """
        try:
            with self.path.open("rb") as file:
                self._lock(file)
                there = list(islice(file, _HEAD_AND_ONE))
                if not lines.may_begin(b"".join(there)):
                    why = f"{self.path} is no journal, and in the way of one"
                    raise UsageError(why, remedy="Move it, or name another file with --json.")
                if len(there) < _HEAD_AND_ONE:
                    self.path.unlink()
                    return
        except BlockingIOError:
            raise self._in_use() from None
        except OSError as error:
            raise self._unusable(error) from error
        raise UsageError(
            f"{self.path} holds what a run had found before it was killed",
            remedy="To run the rest: the same command with --resume\n"
            f"To throw it away: rm {shlex.quote(str(self.path))}",
        )

    def _in_use(self) -> UsageError:
        why = f"{self.path} is the journal of a run that is under way"
        return UsageError(why, remedy="Wait for its end, or name another file with --json.")

    @staticmethod
    def _lock(file: IO[bytes]) -> None:
        """Lock it until it is closed, or until we die (flock(2)); where files cannot be locked, do without.

        Raises:
            BlockingIOError: another has it.
        """
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            return

    @staticmethod
    def _write(file: IO[bytes], text: bytes) -> None:
        """Write all of it, down to the disk.

        Raises:
            OSError: it cannot be.
        """
        rest = memoryview(text)
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())
