"""Where reports go: files opened before a run, so that a wrong path is told at once; or standard output."""

from __future__ import annotations

from pathlib import Path

import click

from harness.core.errors import UsageError


class Output:
    """One target of text: a file, standard output for ``-``, or nowhere for ``None``.

    Raises:
        UsageError: the file cannot be written. What it holds already stays until `write`, and then is replaced whole.
    """

    def __init__(self, target: str | None) -> None:
        self.path = None if target in (None, "-") else Path(str(target))
        self.standard = target == "-"
        if self.path is not None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                new = not self.path.exists()
                self.path.open("a", encoding="utf-8").close()
                if new:
                    self.path.unlink()
            except OSError as error:
                raise UsageError(f"{self.path} cannot be written: {error.strerror}") from error

    @property
    def wanted(self) -> bool:
        """Whether there is a target at all."""
        return self.standard or self.path is not None

    def write(self, text: str) -> None:
        """Write all of it, or leave what is there."""
        if self.standard:
            click.echo(text, nl=not text.endswith("\n"))
        elif self.path is not None:
            beside = self.path.with_name(f".{self.path.name}.new")
            beside.write_text(text, encoding="utf-8")
            beside.replace(self.path)
