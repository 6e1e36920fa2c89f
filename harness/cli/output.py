"""Where reports go: files opened before a run, so that a wrong path is reported at once; or standard output."""

from __future__ import annotations

import errno
import os
import shlex
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from harness.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")


class Output:
    """One target of text: a file, standard output for ``-``, or nowhere for ``None``.

    A link stays a link, and a pipe or device is written to as it is; ``file`` is what is replaced, if it is neither.
    ``make_folders`` makes those that are missing above a file. ``written`` says whether its text is there.

    Raises:
        UsageError: the file cannot be written. What it holds already stays until `write`, and then is replaced whole.
    """

    def __init__(self, target: str | None, *, make_folders: bool = False) -> None:
        self.path = None if target in (None, "-") else Path(str(target))
        self.standard = target == "-"
        self.file: Path | None = None
        self.written = False
        if self.path is not None:
            with self._writing(self.path):
                special = self.path.exists() and not self.path.is_file()
                if self.path.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                if not special:
                    self.file = self.path.resolve()
                    if make_folders:
                        self.file.parent.mkdir(parents=True, exist_ok=True)
                    new = not self.file.exists()
                    self.file.open("a", encoding="utf-8").close()  # can it be written? It stays as it is
                    if new:
                        self.file.unlink()

    @property
    def wanted(self) -> bool:
        """Whether there is a target at all."""
        return self.standard or self.path is not None

    def write(self, text: str) -> None:
        """Write all of it, or leave what is there.

        Raises:
            UsageError: it can no longer be written.
        """
        from harness.files import replace_file

        if self.standard:
            click.echo(text, nl=not text.endswith("\n"))
        elif self.path is not None:
            with self._writing(self.path):
                if self.file is None:
                    self.path.write_text(text, encoding="utf-8")
                else:
                    replace_file(self.file, text)
        self.written = True

    @staticmethod
    @contextmanager
    def _writing(path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            remedy = f"Make its folder first: mkdir -p {shlex.quote(str(path.parent))}"
            raise UsageError(
                f"{path} cannot be written: {error.strerror}",
                remedy=remedy if error.errno == errno.ENOENT and not path.parent.exists() else "",
            ) from error


def opened(targets: Iterable[tuple[T, str | None]]) -> list[tuple[T, Output]]:
    """Open an output for each of several things.

    Raises:
        UsageError: two of them are to share standard output, or a file cannot be written.
    """
    outputs = [(what, Output(target)) for what, target in targets]
    if sum(output.standard for _, output in outputs) > 1:
        raise UsageError("two formats cannot share standard output", remedy="Name a file for all but one.")
    files = [output.file for _, output in outputs if output.file is not None]
    if twice := next((file for number, file in enumerate(files) if _same(file, files[:number])), None):
        raise UsageError(f"two formats cannot share one file: {twice}", remedy="Name a file for each.")
    return outputs


def _same(file: Path, others: Iterable[Path]) -> bool:
    """Whether a file is one of others, by its name or as another link to it; what is no file takes any number."""
    return any(file == other or (file.is_file() and other.is_file() and file.samefile(other)) for other in others)


def write_all(outputs: Iterable[tuple[str, Output, Callable[[], str]]], tell: Callable[[str], object]) -> None:
    """Write all outputs that are wanted; one that cannot be written does not stop the others.

    Args:
        outputs: what each is called, where it goes, and what makes its text.
        tell: what is called with a line on each file that was written.

    Raises:
        UsageError: some could not be written; after all others were.
    """
    faults: list[UsageError] = []
    for name, output, text in outputs:
        if not output.wanted:
            continue
        try:
            output.write(text())
        except UsageError as error:
            faults.append(error)
        else:
            if output.path is not None:
                tell(f"{name}: {output.path}")
    if faults:
        raise UsageError("\n".join(fault.message for fault in faults))
