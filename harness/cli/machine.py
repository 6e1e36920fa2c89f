"""``bases``, ``engine``, ``doctor``, ``clean``, ``completion``: the machine that everything runs on."""

from __future__ import annotations

import sys
from contextlib import closing
from functools import partial
from textwrap import indent
from typing import TYPE_CHECKING

import click

from harness.cli.help import EXIT_CODES, HOW, WHERE, Command, Group
from harness.core.errors import ExitCode
from harness.local_bases.recipe import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.group(cls=Group, examples=["signal-harness bases get", "signal-harness bases build local:debian12-node24"])
def bases() -> None:
    """Get or build base images.

    Where no registry answers, stand-ins are built from packages.
    """


@bases.command(
    "build",
    examples=[
        "signal-harness bases build",
        "signal-harness bases build local:debian13-node24 local:musl-node22-npm10.5.0",
        "signal-harness bases build --rebuild local:musl-node24",
    ],
)
@click.argument("references", nargs=-1, metavar="[REF]...")
@HOW.option("--rebuild", is_flag=True, help="Build again, to get newer releases.")
def build_bases(references: tuple[str, ...], *, rebuild: bool) -> None:
    """Pull or build bases, unless they exist.

    REF is an image, or local:<os>-node<version>[-npm<version>], which is built from packages: <os> is debian11,
    debian12, debian13 or musl, and Node is 18 to 26. The default is local:musl-node24 and local:debian12-node24.
    """
    _get(references or DEFAULTS, rebuild=rebuild)


@bases.command("get", examples=["signal-harness bases get"])
def get_bases() -> None:
    """Get the default bases.

    These are official images where a registry answers, otherwise stand-ins built from packages.
    """
    _get()


def _get(references: Sequence[str] = (), *, rebuild: bool = False) -> None:
    """Make sure that bases are there, the default ones if none is named."""
    from harness.engine.registry import open_engine
    from harness.session import open_bases

    note = partial(click.echo, err=True)
    with closing(open_engine(note=note)) as engine:
        store = open_bases(engine, note)
        for reference in references or store.defaults():
            store.get(reference, rebuild=rebuild)
            click.echo(reference)


@click.group(cls=Group, examples=["signal-harness engine up", "signal-harness engine down"])
def engine() -> None:
    """Start or stop a Docker Engine on Debian."""


@engine.command("up", examples=["signal-harness engine up"])
def engine_up() -> None:
    """Find an engine, or start one.

    Where none answers, installs and starts Debian's. This needs Linux, root and apt.
    """
    from harness.local_bases.server import up

    click.echo(up(lambda line: click.echo(line, err=True)))


@engine.command("down", examples=["signal-harness engine down"])
def engine_down() -> None:
    """Stop the engine that `engine up` started."""
    from harness.local_bases.server import down

    click.echo(down())


@click.command(cls=Command, examples=["signal-harness doctor"], tables=[EXIT_CODES])
def doctor() -> None:
    """Check the setup, and say how to fix it.

    Checks the engine, bases, evidence and leftovers.
    """
    from rich.console import Console

    from harness.doctor import examine

    console = Console(highlight=False)
    worst = ExitCode.OK
    for finding in examine():
        console.print(f"{'[green]✓' if finding.good else '[yellow]!'}[/] {finding.subject:12}", end=" ")
        console.print(finding.text, markup=False, soft_wrap=True)
        if finding.remedy:
            console.print(indent(finding.remedy, " " * 15, lambda _: True), markup=False, soft_wrap=True)
        if not finding.good and finding.needed:
            worst = ExitCode.UNAVAILABLE
    sys.exit(worst)


@click.command(cls=Command, examples=["signal-harness clean", "signal-harness clean --images"])
@WHERE.option("--images", is_flag=True, help="Also remove the images of variants and stand-in bases.")
def clean(*, images: bool) -> None:
    """Remove what killed runs left behind.

    These are containers, trace instances and temporary folders.
    """
    from harness.engine.registry import open_engine
    from harness.report.style import counted

    with closing(open_engine(note=partial(click.echo, err=True))) as engine:
        swept = engine.sweep()
        containers, traces = counted(swept.containers, "container"), counted(swept.records, "trace instance")
        click.echo(f"{containers}, {traces} and {counted(swept.folders, 'temporary folder')} removed")
        if images:
            click.echo(f"{counted(engine.remove_images(), 'image')} removed")


@click.command(
    cls=Command,
    examples=[
        'eval "$(signal-harness completion bash)"    # in ~/.bashrc',
        "signal-harness completion fish | source     # in config.fish",
    ],
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is not None:
        root = click.get_current_context().find_root().command
        click.echo(kind(root, {}, "signal-harness", "_SIGNAL_HARNESS_COMPLETE").source())
