"""The plain ``docker`` commands with which a person sees the same as a run; each probe puts its own together."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.core.subject import App, Cell


@dataclass(frozen=True, kw_only=True, slots=True)
class ByHand:
    """What is repeated by hand: a cell with its image, which is there; ``grace_s`` is what ``docker stop`` is given."""

    cell: Cell
    image: str
    app: App
    grace_s: int

    @property
    def name(self) -> str:
        """The name of the container."""
        return f"try-{self.cell.subject.name}"

    @property
    def listening(self) -> str:
        """How to see that the app is ready."""
        return f"docker logs {self.name}   # until it listens"

    @property
    def top(self) -> str:
        """How to see the processes and their signal masks."""
        return f"docker top {self.name} -o pid,ppid,pgid,stat,caught,ignored,blocked,pending,args"

    @property
    def logs(self) -> str:
        """How to read the log."""
        return f"docker logs {self.name}"

    @property
    def state(self) -> str:
        """How to see what became of the container."""
        return f"docker inspect --format '{{{{.State.Status}}}} {{{{.State.ExitCode}}}}' {self.name}"

    @property
    def remove(self) -> str:
        """How to leave nothing behind."""
        return f"docker rm -f {self.name}"

    def run(self, *, how: str = "-d", environment: Mapping[str, str] | None = None, port: int | None = None) -> str:
        """How to start the container.

        Args:
            how: detached, or on a terminal.
            environment: variables on top of the subject's own.
            port: a port to publish on 127.0.0.1.
        """
        launch = self.cell.subject.launch
        variables = {**launch.environment, **(environment or {})}
        words = ["docker", "run", how, "--name", self.name]
        if port:
            words += ["-p", f"127.0.0.1::{port}"]
        elif launch.network:
            words += ["--network", launch.network]
        words += [f"--add-host={name}:{address}" for name, address in launch.extra_hosts.items()]
        words += [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
        words += [word for volume in launch.volumes for word in ("-v", volume)]
        words += ["--user", launch.user] if launch.user else []
        words += ["--stop-signal", launch.stop_signal] if launch.stop_signal else []
        words += ["--stop-timeout", str(launch.stop_timeout)] if launch.stop_timeout is not None else []
        words += ["--init"] if launch.init else []
        command = list(launch.command or ())
        if launch.entrypoint is not None:
            words += ["--entrypoint", launch.entrypoint[0]]
            command = [*launch.entrypoint[1:], *command]
        return shlex.join([*words, self.image, *command])
