"""``bases``, ``engine``, ``doctor``, ``clean``, ``completion``: the machine that everything runs on."""

from __future__ import annotations

import sys
from typing import Final

import click

from harness.core.errors import ExitCode

_RECIPES: Final = """\b
REF defaults to local:musl-node24 and local:debian12-node24.
<os> is debian11, debian12, debian13 or musl; Node 18 to 26.
"""


@click.group()
def bases() -> None:
    """Get base images, or assemble stand-ins from packages where no registry answers."""


@bases.command("build", epilog=_RECIPES)
@click.argument("references", nargs=-1, metavar="[REF]...")
@click.option("--rebuild", is_flag=True, help="Assemble again, to get newer releases.")
def build_bases(references: tuple[str, ...], *, rebuild: bool) -> None:
    """Make sure that bases are there: pull, or assemble local:<os>-node<version>[-npm<version>]."""
    from harness.engine.bases import LOCAL_DEFAULTS, Bases
    from harness.engine.client import connect
    from harness.session import cache_folder

    api = connect()
    store = Bases(api, cache=cache_folder(), report=lambda line: click.echo(line, err=True))
    for reference in references or LOCAL_DEFAULTS:
        store.get(reference, rebuild=rebuild)
        click.echo(reference)


@bases.command("get")
def get_bases() -> None:
    """Get the default bases: official images where a registry answers, else stand-ins."""
    from harness.engine.bases import Bases
    from harness.engine.client import connect
    from harness.session import cache_folder

    store = Bases(connect(), cache=cache_folder(), report=lambda line: click.echo(line, err=True))
    for reference in store.defaults():
        store.get(reference)
        click.echo(reference)


@click.group()
def engine() -> None:
    """Bring a Docker Engine up on a bare Debian machine, and down again."""


@engine.command("up")
def engine_up() -> None:
    """Find an engine; where none answers, install and start Debian's (Linux, root, apt)."""
    from harness.local_bases.server import up

    click.echo(up(lambda line: click.echo(line, err=True)))


@engine.command("down")
def engine_down() -> None:
    """Stop the engine that `engine up` started, and no other."""
    from harness.local_bases.server import down

    click.echo(down())


@click.command()
def doctor() -> None:
    """Check engine, bases, evidence and leftovers, and say how to mend each."""
    from rich.console import Console

    from harness.doctor import examine

    console = Console(highlight=False)
    worst = ExitCode.OK
    for finding in examine():
        console.print(
            f"[{'green' if finding.good else 'yellow'}]{'✓' if finding.good else '!'}[/] {finding.subject:12}", end=" "
        )
        console.print(finding.text, markup=False, soft_wrap=True)
        if finding.remedy:
            console.print(
                "\n".join(f"               {line}" for line in finding.remedy.splitlines()),
                markup=False,
                soft_wrap=True,
            )
        if not finding.good and finding.needed:
            worst = ExitCode.UNAVAILABLE
    sys.exit(worst)


@click.command()
@click.option("--images", is_flag=True, help="Remove the images of variants and stand-in bases, too.")
def clean(*, images: bool) -> None:
    """Remove what killed runs left behind: containers and trace instances."""
    from harness.engine.client import connect
    from harness.engine.containers import sweep
    from harness.engine.images import remove_images
    from harness.engine.tracing import sweep as sweep_traces

    api = connect()
    click.echo(f"{sweep(api)} containers and {sweep_traces()} trace instances removed")
    if images:
        click.echo(f"{remove_images(api)} images removed")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell: eval "$(signal-harness completion bash)"."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is not None:
        root = click.get_current_context().find_root().command
        click.echo(kind(root, {}, "signal-harness", "_SIGNAL_HARNESS_COMPLETE").source())
