"""A real registry on this machine: Debian's docker-registry, started on a free port and stopped again."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests

from harness.run.inbox import Inbox
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

PROGRAM: Final = "docker-registry"
_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
_LISTENING: Final = re.compile(r"listening on (?P<address>127\.0\.0\.1:[0-9]+)")
_STARTS_S: Final = 20
_ENDS_S: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Registry:
    """A registry under way. Engines take one on 127.0.0.0/8 for insecure, and so speak plain HTTP with it."""

    address: str
    api: docker.APIClient
    process: subprocess.Popen[bytes]

    def push(self, image: str, repository: str, tag: str = "lts") -> str:
        """Push an image of the engine; give the digest that the registry itself knows it by.

        The engine keeps no name for it.
        """
        name = f"{self.address}/{repository}"
        assert self.api.tag(image, name, tag)
        told: list[dict[str, Any]] = list(self.api.push(name, tag=tag, stream=True, decode=True))
        assert [message["error"] for message in told if "error" in message] == []
        self.api.remove_image(f"{name}:{tag}")
        return self.digest(repository, tag)

    def digest(self, repository: str, tag: str = "lts") -> str:
        """The digest of a tag, asked of the registry."""
        answer = _get(f"http://{self.address}/v2/{repository}/manifests/{tag}", Accept=_MANIFEST)
        assert answer is not None
        return answer.headers["Docker-Content-Digest"]

    def names(self) -> set[str]:
        """The names by which the engine knows images of this registry."""
        told = [name for image in self.api.images() for key in ("RepoTags", "RepoDigests") for name in image[key] or ()]
        return {name for name in told if name.startswith(f"{self.address}/")}

    def forget(self) -> None:
        """Take these names from the engine."""
        # The last tag of a repository takes its digests with it.
        while names := self.names():
            self.api.remove_image(min(names, key=lambda name: "@" in name))

    def silence(self) -> None:
        """Let it take connections and say nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        """End it; what it holds is gone."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(_ENDS_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(_ENDS_S)


@contextmanager
def running(api: docker.APIClient) -> Iterator[Registry]:
    """A registry of its own, which is empty; in the end it is gone, and so are its names on the engine."""
    program = shutil.which(PROGRAM)
    if program is None:
        pytest.fail(f"{PROGRAM} is missing: apt-get install docker-registry")
    with TemporaryDirectory(prefix="signal-harness-registry-") as name:
        folder = Path(name)
        config = folder / "config.yml"
        config.write_text(json.dumps(_config(folder / "data")), encoding="utf-8")  # JSON is YAML
        log = folder / "log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [program, "serve", str(config)], stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, env={}
            )
        registry: Registry | None = None
        try:
            address = until(lambda: _address(process, log), timeout_s=_STARTS_S, time=Inbox())
            if not address:
                pytest.fail(f"{PROGRAM} does not start:\n{log.read_text(encoding='utf-8')}")
            registry = Registry(address=address, api=api, process=process)
            yield registry
        finally:
            if registry is None:
                process.kill()
                process.wait(_ENDS_S)
            else:
                registry.stop()
                registry.forget()
                assert registry.names() == set()


def _config(data: Path) -> dict[str, Any]:
    return {
        "version": 0.1,
        "log": {"level": "info"},  # at which it tells the port that it got
        "storage": {"filesystem": {"rootdirectory": str(data)}, "delete": {"enabled": True}},
        "http": {"addr": "127.0.0.1:0"},
    }


def _address(process: subprocess.Popen[bytes], log: Path) -> str | None:
    """Where it answers; ``None`` if it does not yet, empty if it has ended."""
    if process.poll() is not None:
        return ""
    match = _LISTENING.search(log.read_text(encoding="utf-8"))
    return match["address"] if match and _get(f"http://{match['address']}/v2/") else None


def _get(url: str, **headers: str) -> requests.Response | None:
    with suppress(requests.ConnectionError), requests.Session() as session:
        session.trust_env = False  # no proxy stands between us and this machine
        answer = session.get(url, headers=headers, timeout=_STARTS_S)
        answer.raise_for_status()
        return answer
    return None
