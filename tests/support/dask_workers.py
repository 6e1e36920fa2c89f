"""A dask scheduler with workers, as people start them, but for the nannies that start workers again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from harness.run.inbox import Inbox
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_STARTS_S = 60
_ENDS_S = 30
_ANYWHERE = ("--no-dashboard", "--dashboard-address", "127.0.0.1:0")
"""There is a server for figures even so, on a port that another one may have."""


@contextmanager
def dask_scheduler(folder: Path) -> Iterator[str]:
    """A scheduler on this machine alone; gives its address."""
    file = folder / "scheduler.json"
    words = ("scheduler", "--host", "127.0.0.1", "--port", "0", *_ANYWHERE, "--scheduler-file", str(file))
    with _started(folder / "scheduler", *words) as process:
        yield str(until(lambda: _address(file, process), timeout_s=_STARTS_S, time=Inbox()))


@contextmanager
def dask_worker(scheduler: str, folder: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with two threads."""
    words = ("worker", scheduler, "--no-nanny", "--nthreads", "2", *_ANYWHERE)
    with _started(folder, *words, "--local-directory", str(folder), **environment) as process:
        yield process


@contextmanager
def _started(folder: Path, *words: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        log = stack.enter_context((folder / "log").open("wb"))
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **environment},
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(_ENDS_S)


def _address(file: Path, process: subprocess.Popen[bytes]) -> str | None:
    """Where a scheduler answers; ``None`` for not yet."""
    if process.poll() is not None:
        raise RuntimeError((file.with_suffix("") / "log").read_text()[-2000:])
    with suppress(OSError, ValueError):
        return str(json.loads(file.read_text())["address"])
    return None
