"""``--format FORMAT … -o FILE``: a second spelling of what is written where, as other tools have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from harness.cli.help import OUTPUT
from harness.cli.options import together
from harness.core.errors import UsageError
from harness.report.formats import Format

if TYPE_CHECKING:
    from collections.abc import Iterable

_PRINTED: Final = "table"
"""What is printed anyhow."""
SPELLING: Final = ("formats", "files")
"""The parameters of the options."""

file_option = OUTPUT.option(
    "-o", "--output", "files", multiple=True, metavar="F", help="A file for each --format, in order."
)
format_options = together(
    OUTPUT.option(
        "--format",
        "formats",
        multiple=True,
        type=click.Choice([_PRINTED, *map(str, Format)]),
        metavar="FORMAT",
        help=f"One of these by its name, or {_PRINTED}, which is printed anyhow: to standard output, or to its -o. "
        "Repeatable.",
    ),
    file_option,
)
"""The second spelling."""


def paired(wanted: Iterable[tuple[Format, str | None]], files: Iterable[str]) -> list[tuple[Format, str]]:
    """Each format with its file: its own, else the next of ``files``, else standard output.

    Raises:
        UsageError: there are more files than formats.
    """
    rest = list(files)
    pairs = [(each, file or (rest.pop(0) if rest else "-")) for each, file in wanted]
    if rest:
        raise UsageError(f"-o {rest[0]} has no --format", remedy="For instance: --format sarif -o out.sarif")
    return pairs


def targets_of(ctx: click.Context, chosen: dict[str, Any]) -> dict[str, str | None]:
    """Where each format goes by either spelling, taken out of the parameters; what is typed goes before the config.

    Raises:
        UsageError: a format is asked for twice, or there are more files than formats.
    """
    targets: dict[str, str | None] = {wanted.value: chosen.pop(wanted.value) for wanted in Format}
    typed = {name for name in targets if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    formats, files = (chosen.pop(name) for name in SPELLING)
    for wanted, target in paired([(Format(name), None) for name in formats if name != _PRINTED], files):
        if wanted.value in typed:
            raise UsageError(f"{wanted} is asked for twice", remedy="Keep one of them.")
        typed.add(wanted.value)
        targets[wanted.value] = target
    return targets
