"""The plain commands with which a person sees the same as a run."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

# npm asks its registry for updates of itself. musl's resolver, without a network, lets it wait 5 s for that before it
# leaves; a name that leads nowhere makes it fail at once, as it does with glibc.
UNREACHABLE_HOSTS: Final = {"registry.npmjs.org": "127.0.0.1"}

if TYPE_CHECKING:
    from harness.core.model import Cell


def commands(cell: Cell, image: str) -> tuple[str, ...]:
    """Give the ``docker`` commands that repeat a cell by hand with an image that is there."""
    variant, name = cell.variant, f"try-{cell.variant.name}"
    run = ["docker", "run", "-d", "--name", name, "--network", "none"]
    run += [f"--add-host={name}:{address}" for name, address in UNREACHABLE_HOSTS.items()]
    run += ["--init"] if variant.init else []
    words = list(variant.command or ())
    if variant.entrypoint is not None:
        run += ["--entrypoint", variant.entrypoint[0]]
        words = [*variant.entrypoint[1:], *words]
    return (
        shlex.join([*run, image, *words]),
        f"docker logs {name}   # until it listens",
        f"docker top {name} -o pid,ppid,pgid,stat,caught,ignored,blocked,pending,args",
        f"docker kill --signal={cell.signal.name} {name}",
        f"docker logs {name}",
        f"docker inspect --format '{{{{.State.Status}}}} {{{{.State.ExitCode}}}}' {name}",
        f"docker rm -f {name}",
    )
