"""Where reports go: files opened before a run, so that a wrong path is reported at once; or standard output."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from harness.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")


class Output:
    """One target of text: a file, standard output for ``-``, or nowhere for ``None``.

    A link stays a link, and a pipe or device is written to as it is.

    Raises:
        UsageError: the file cannot be written. What it holds already stays until `write`, and then is replaced whole.
    """

    def __init__(self, target: str | None) -> None:
        self.path = None if target in (None, "-") else Path(str(target))
        self.standard = target == "-"
        if self.path is not None:
            with self._writing():
                self._special = self.path.exists() and not self.path.is_file()
                self._real = self.path if self._special else self.path.resolve()
                self._real.parent.mkdir(parents=True, exist_ok=True)
                if self._real.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                if not self._special:
                    new = not self._real.exists()
                    self._real.open("a", encoding="utf-8").close()  # can it be written? It stays as it is
                    if new:
                        self._real.unlink()

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
            with self._writing():
                if self._special:
                    self._real.write_text(text, encoding="utf-8")
                else:
                    replace_file(self._real, text)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror}") from error


def opened(targets: Iterable[tuple[T, str | None]]) -> list[tuple[T, Output]]:
    """Open an output for each of several things.

    Raises:
        UsageError: two of them are to share standard output, or a file cannot be written.
    """
    outputs = [(what, Output(target)) for what, target in targets]
    if sum(output.standard for _, output in outputs) > 1:
        raise UsageError("two formats cannot share standard output", remedy="Name a file for all but one.")
    return outputs
