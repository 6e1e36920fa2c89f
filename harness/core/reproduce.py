"""The plain commands with which a person sees the same as a run."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from harness.core.question import Probe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.core.subject import App, Cell

# npm asks its registry for updates of itself. musl's resolver, without a network, lets it wait 5 s for that before it
# leaves; a name that leads nowhere makes it fail at once, as it does with glibc.
UNREACHABLE_HOSTS: Final = {"registry.npmjs.org": "127.0.0.1"}


def commands(cell: Cell, image: str, app: App, *, grace_s: int) -> tuple[str, ...]:
    """Give the ``docker`` commands that repeat a cell by hand with an image that is there."""
    name = f"try-{cell.variant.name}"
    listening = f"docker logs {name}   # until it listens"
    top = f"docker top {name} -o pid,ppid,pgid,stat,caught,ignored,blocked,pending,args"
    logs = f"docker logs {name}"
    state = f"docker inspect --format '{{{{.State.Status}}}} {{{{.State.ExitCode}}}}' {name}"
    match cell.probe:
        case Probe.SIGNAL:
            steps = [_run(cell, image), listening, top, f"docker kill --signal={cell.question} {name}", logs, state]
        case Probe.TTY:
            steps = [f"{_run(cell, image, how='-it')}   # press Ctrl-C once it listens, then look", logs, state]
        case Probe.REAP:
            steps = [
                _run(cell, image),
                listening,
                f"docker exec {name} sh -c 'sleep 3600 & echo $!'",
                f"docker exec {name} sh -c 'kill -KILL PID'   # the number that was printed",
                f"docker top {name} -o pid,ppid,stat,args   # is it there, with a Z?",
            ]
        case Probe.STOP:
            setting = app.stop
            port = setting.port if setting else None
            steps = [_run(cell, image, environment=setting.environment if setting else {}, port=port), listening]
            if setting and port:
                url = f"http://$(docker port {name} {port}){shlex.quote(setting.path)}"
                steps.append(f"(sleep 2; printf x) | curl -s -T - -X POST {url} &   # a request in flight")
                steps.append("sleep 1")
            steps += [f"time docker stop -t {grace_s} {name}", logs, state]
        case Probe.EXIT_CODE:
            environment = app.exit_code.exiting(42) if app.exit_code else {}
            steps = [_run(cell, image, environment=environment), f"docker wait {name}   # 42?"]
    return (*steps, f"docker rm -f {name}")


def _run(
    cell: Cell, image: str, *, how: str = "-d", environment: Mapping[str, str] | None = None, port: int | None = None
) -> str:
    variant = cell.variant
    run = ["docker", "run", how, "--name", f"try-{variant.name}"]
    run += ["-p", f"127.0.0.1::{port}"] if port else ["--network", "none"]
    run += [f"--add-host={name}:{address}" for name, address in UNREACHABLE_HOSTS.items()]
    run += [word for name, value in (environment or {}).items() for word in ("-e", f"{name}={value}")]
    run += ["--init"] if variant.init else []
    words = list(variant.command or ())
    if variant.entrypoint is not None:
        run += ["--entrypoint", variant.entrypoint[0]]
        words = [*variant.entrypoint[1:], *words]
    return shlex.join([*run, image, *words])
