"""The plain ``docker`` commands with which a person sees the same as a run; each probe puts its own together."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

from harness.core.facts import cli_of
from harness.core.grep import as_grep
from harness.core.subject import Answering, LogPattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.core.evidence import Evidence
    from harness.core.subject import App, Cell

_READY_TRIES: Final = 300
_QUIET_TRIES: Final = 20
_LEAST_S: Final = 2
_MOST_S: Final = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class ByHand:
    """What is repeated by hand: a cell with its image, which is there, and the evidence of its run, if there is any.

    ``grace_s`` is what ``docker stop`` is given. The commands are for any POSIX shell, and can be pasted all at once.
    """

    cell: Cell
    image: str
    app: App
    grace_s: int
    evidence: Evidence | None = None

    @property
    def cli(self) -> str:
        """The command with which a person talks to the engine: Podman has its own, of the same words (podman(1))."""
        return cli_of(self.cell.engine)

    @property
    def name(self) -> str:
        """The name of the container."""
        return f"try-{re.sub(r'[^a-zA-Z0-9_.-]', '-', self.cell.subject.name)}"

    @property
    def listening(self) -> str:
        """How to wait until the app is ready: as its log or a request says, else until its processes have rested."""
        ready = self.app.ready
        if isinstance(ready, Answering) and ready.port:
            test = f"curl -sf -m 2 -o /dev/null {self.url(ready.port, ready.path)} && break"
            return f"for i in $(seq {_READY_TRIES}); do {test}; sleep 0.1; done   # until it is ready"
        pattern = as_grep(ready.pattern) if isinstance(ready, LogPattern) else None
        if pattern is not None:
            case = "i" if isinstance(ready, LogPattern) and ready.pattern.flags & re.IGNORECASE else ""
            test = f"{self.cli} logs {self.name} 2>&1 | grep -{case}Eq {shlex.quote(pattern)} && break"
        else:
            busy = f"{self.cli} top {self.name} -o stat | grep -q '^[RD]'"
            test = f"if {busy}; then n=0; else n=$((n + 1)); fi; [ $n -ge {_QUIET_TRIES} ] && break"
        start = "" if pattern is not None else "n=0; "
        return f"{start}for i in $(seq {_READY_TRIES}); do {test}; sleep 0.1; done   # until it is ready"

    def url(self, port: int, path: str) -> str:
        """Where a port that is published is reached, as a word of a shell."""
        return f"http://$({self.cli} port {self.name} {port}){shlex.quote(path)}"

    @property
    def wait_s(self) -> int:
        """For how many seconds the signal is given to do its work: well longer than in the run."""
        if self.evidence is None:
            return _LEAST_S
        took_s = (self.evidence.seen.decided_ns - self.evidence.seen.began_ns) / 1e9
        return min(max(_LEAST_S, ceil(took_s) + 1), _MOST_S)

    @property
    def settled(self) -> str:
        """How to wait until the signal has done its work."""
        return f"sleep {self.wait_s}"

    @property
    def ended(self) -> str:
        """How to wait until the container has ended, if it does."""
        running = f"{self.cli} inspect --format '{{{{.State.Running}}}}' {self.name}"
        return f'for i in $(seq 50); do [ "$({running})" = false ] && break; sleep 0.2; done'

    @property
    def top(self) -> str:
        """How to see the processes and their signal masks, which Podman's ``top`` knows none of (podman-top(1))."""
        masks = "caught,ignored,blocked,pending," if self.cli == "docker" else ""
        return f"{self.cli} top {self.name} -o pid,ppid,pgid,stat,{masks}args"

    @property
    def logs(self) -> str:
        """How to read the log."""
        return f"{self.cli} logs {self.name}"

    @property
    def state(self) -> str:
        """How to see what became of the container."""
        return f"{self.cli} inspect --format '{{{{.State.Status}}}} {{{{.State.ExitCode}}}}' {self.name}"

    @property
    def remove(self) -> str:
        """How to leave nothing behind."""
        return f"{self.cli} rm -f {self.name}"

    def run(self, *, how: str = "-d", environment: Mapping[str, str] | None = None, port: int | None = None) -> str:
        """How to start the container.

        Args:
            how: detached, or on a terminal.
            environment: variables on top of the subject's own.
            port: a port to publish on 127.0.0.1; else the one that tells whether the app is ready, if one does.
        """
        port = port or self.app.port
        launch = self.cell.subject.launch
        variables = {**launch.environment, **(environment or {})}
        words = [self.cli, "run", how, "--name", self.name]
        if port:
            words += ["-p", f"127.0.0.1::{port}"]
        if launch.network and not (port and launch.network == "none"):
            words += ["--network", launch.network]
        words += [f"--add-host={name}:{address}" for name, address in launch.extra_hosts.items()]
        words += [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
        words += [word for volume in launch.volumes for word in ("-v", volume)]
        words += ["--user", launch.user] if launch.user else []
        words += ["--stop-signal", launch.stop_signal] if launch.stop_signal else []
        words += ["--stop-timeout", str(launch.stop_timeout)] if launch.stop_timeout is not None else []
        words += ["--init"] if launch.init else []
        words += ["--memory", launch.memory] if launch.memory else []
        words += ["--pids-limit", str(launch.pids_limit)] if launch.pids_limit else []
        words += ["--cpus", f"{launch.cpus:g}"] if launch.cpus else []
        words += [word for capability in launch.cap_drop for word in ("--cap-drop", capability)]
        words += [word for capability in launch.cap_add for word in ("--cap-add", capability)]
        words += [word for option in launch.security_opt for word in ("--security-opt", option)]
        words += ["--read-only"] if launch.read_only else []
        words += [word for mount in launch.tmpfs for word in ("--tmpfs", mount)]
        words += ["--platform", launch.platform] if launch.platform else []
        command = list(launch.command or ())
        if launch.entrypoint is not None:
            words += ["--entrypoint", launch.entrypoint[0]]
            command = [*launch.entrypoint[1:], *command]
        return shlex.join([*words, self.image, *command])
