"""The subjects of a config for others than the command ``check``: each as the check that the command would make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from harness.cli.check import check, groups_of
from harness.cli.entry import cli
from harness.configs import config_in
from harness.obtaining import ARCHIVE, PATHS

if TYPE_CHECKING:
    from harness.checking import Check
    from harness.core.ignoring import Ignore
    from harness.core.policy import Limits

_PROGRAM: Final = "signal-harness"
"""What names of variables begin with: those of ``check`` count here, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A subject of a config: its name there and on the command line, how it is checked, and what is left be of it.

    ``limits`` say what its verdicts have to be. Paths are absolute, so that it can be checked from anywhere.
    """

    name: str
    typed: str
    check: Check
    limits: Limits
    ignores: tuple[Ignore, ...]


def subjects_of(file: Path) -> list[Subject]:
    """What a config says is to be checked; nothing if a pyproject.toml has no table of ours.

    Raises:
        UsageError: the file or an option in it is not as it should be; the message names its place.
    """
    found = config_in(file)
    if found is None:
        return []
    root = click.Context(cli, info_name=_PROGRAM, **cli.context_settings)
    ctx = check.make_context("check", ["--config", str(file)], parent=root)
    subjects: list[Subject] = []
    for subject in found.config.subjects:
        typed = found.subject(subject)
        ((asked, limits),) = groups_of(ctx, (typed,), ctx.params, {})
        build = replace(asked.build, file=asked.build.file and asked.build.file.absolute())
        subjects.append(
            Subject(
                name=subject.name,
                typed=typed,
                check=replace(asked, images=(_absolute(typed),), build=build),
                limits=limits,
                ignores=found.config.ignores,
            )
        )
    return subjects


def _absolute(typed: str) -> str:
    """A subject as it is named from anywhere."""
    if typed.startswith(ARCHIVE):
        return f"{ARCHIVE}{Path(typed.removeprefix(ARCHIVE)).absolute()}"
    return str(Path(typed).absolute()) if typed.startswith(PATHS) else typed
