"""An engine that reaches no network and that none reaches: a dockerd of its own where there is loopback alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import docker
import requests

from harness.run.inbox import Inbox
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

_STARTS_S = 60
_ENDS_S = 60
_START = 'ip link set lo up && exec dockerd --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/pid" -H "$2"'


@dataclass(frozen=True, kw_only=True, slots=True)
class Offline:
    """The engine under way: where it answers, and the process whose network namespace is its own."""

    url: str
    pid: int

    @property
    def environment(self) -> dict[str, str]:
        """An environment whose engine it is."""
        return {**os.environ, "DOCKER_HOST": self.url}

    def inside(self, *words: str) -> list[str]:
        """A command as it is run where there is no network but loopback."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *words]

    def containers(self) -> list[str]:
        """The containers that are on it."""
        api = docker.APIClient(base_url=self.url)
        try:
            return [entry["Id"] for entry in api.containers(all=True)]
        finally:
            api.close()


@contextmanager
def offline() -> Iterator[Offline]:
    """Start the engine, with nothing in its store; stop it again, and leave nothing of it."""
    missing = [name for name in ("dockerd", "unshare", "nsenter", "ip") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        raise RuntimeError(f"an engine without a network needs root and {', '.join(missing) or 'nothing else'}")
    with TemporaryDirectory(prefix="signal-harness-offline-") as name:
        folder = Path(name)
        url = f"unix://{folder}/docker.sock"
        with folder.joinpath("log").open("wb") as log:
            process = subprocess.Popen(
                ["unshare", "--net", "sh", "-c", _START, "sh", name, url],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            if not until(lambda: answers(url, process), timeout_s=_STARTS_S, time=Inbox()):
                raise RuntimeError("dockerd did not come up:\n" + folder.joinpath("log").read_text()[-2000:])
            yield Offline(url=url, pid=process.pid)
        finally:
            process.terminate()
            process.wait(_ENDS_S)


def answers(url: str, process: subprocess.Popen[bytes]) -> bool | None:
    """Whether the engine answers; ``None`` for not yet."""
    if process.poll() is not None:
        return False
    try:
        api = docker.APIClient(base_url=url)
        api.ping()
        api.close()
    except (docker.errors.DockerException, requests.RequestException):
        return None
    return True
