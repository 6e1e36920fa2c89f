"""Running the system's own tools to their end."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from harness.core.errors import BaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Far above what any of them takes, on a slow mirror too.
_LIMIT_S: Final = 1200
_STOP_S: Final = 30
_LINES: Final = 3


def run(command: Sequence[str], *, sink: IO[bytes] | int, environment: Mapping[str, str]) -> None:
    """Run a command to its end, and on any interruption let it clean up after itself.

    Its standard output goes to the sink, and ``environment`` is added to that of this process.

    Raises:
        BaseUnavailable: it fails, or takes longer than 20 minutes.
    """
    name = Path(command[0]).name
    remedy = f"Run it by hand to see more: {shlex.join(command)}\nOr use a base that is ready faster: local:musl-node24"
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        # A group of its own, so that its children can be stopped with it: mmdebstrap ends only when they do.
        process_group=0,
    ) as process:
        try:
            _, messages = process.communicate(timeout=_LIMIT_S)
        except subprocess.TimeoutExpired as error:
            raise BaseUnavailable(f"{name} did not end within {_LIMIT_S} s", remedy=remedy) from error
        finally:
            if process.poll() is None:
                _stop(process)
    if process.returncode:
        errors = [line for line in messages.decode(errors="replace").splitlines() if line.startswith("E:")]
        reason = " ".join(errors[-_LINES:]) or "it gives no reason"
        raise BaseUnavailable(f"{name} failed with status {process.returncode}: {reason}", remedy=remedy)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a process and its children to end, and kill them if they do not."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.communicate(timeout=_STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
