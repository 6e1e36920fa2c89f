"""Podman, by the Docker API of its service: one that runs, else one that is started for as long as it is needed."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from harness.core.errors import EngineUnavailable
from harness.engine.client import DENIED
from harness.engine.docker_engine import open_docker
from harness.engine.endpoint import DEFAULT_SOCKET, engine_url
from harness.engine.scratch import scratch
from harness.engine.service import awaited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.engine.protocol import OpenEngine

_PROGRAM: Final = "podman"
_ROOTFUL: Final = "/run/podman/podman.sock"
_START_S: Final = 30
_END_S: Final = 10
_IDLE_S: Final = 600
"""How long a service of ours goes on that nobody asks anything, as after we were killed."""

_REMEDY: Final = (
    "Start its service, or name where it answers in CONTAINER_HOST:\n"
    "  systemctl enable --now podman.socket        (as root; --user for your own)\n"
    "  podman system service --time 0 &            (without systemd)\n"
    "Debian's package: apt-get install -y podman catatonit netavark"
)


def installed() -> bool:
    """Whether there is a Podman here that can be started."""
    return shutil.which(_PROGRAM) is not None


def sockets(environment: Mapping[str, str], *, root: bool) -> tuple[str, ...]:
    """Where Podman's service is looked for, as URLs, in order (podman-system-service(1), podman(1)).

    ``CONTAINER_HOST`` names the only place; else it is the user's own socket, or for ``root`` that of the system.
    """
    if named := environment.get("CONTAINER_HOST"):
        return (named,)
    own = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    rootless = f"unix://{own}/podman/podman.sock"
    return (f"unix://{_ROOTFUL}",) if root else (rootless, f"unix://{_ROOTFUL}")


def open_instead(absent: EngineUnavailable, note: Callable[[str], None]) -> OpenEngine:
    """Connect to Podman in place of a Docker that is absent, if nobody has said which engine it is to be.

    Args:
        absent: why there is no Docker.
        note: called with a line that says which engine it is.

    Raises:
        EngineUnavailable: ``absent``, where Docker is there and may not be used, was named, or there is no Podman.
    """
    if absent.remedy == DENIED or engine_url() != DEFAULT_SOCKET:
        raise absent
    try:
        engine = open_podman()
    except EngineUnavailable:
        raise absent from None
    note(f"{absent}; Podman is used, at {engine.url}")
    return engine


def open_podman() -> OpenEngine:
    """Connect to Podman at its socket; where none answers, and podman is installed, its service is started.

    A service of ours ends as the engine is closed.

    Raises:
        EngineUnavailable: it does not answer, and cannot be started.
    """
    urls = sockets(os.environ, root=os.geteuid() == 0)
    for url in urls:
        with suppress(EngineUnavailable):
            return open_docker(url)
    if "CONTAINER_HOST" in os.environ or not installed():
        raise EngineUnavailable(f"no Podman answers at {' or '.join(urls)}", remedy=_REMEDY)
    with ExitStack() as stack:
        url = stack.enter_context(_service())
        return open_docker(url, ending=stack.pop_all())


@contextmanager
def _service() -> Iterator[str]:
    """Start Podman's service on a socket of its own, and end it on leaving; the URL where it answers.

    Raises:
        EngineUnavailable: it does not come up; the message has what it said.
    """
    with scratch("podman") as folder:
        socket, said = folder / "podman.sock", folder / "service.log"
        url = f"unix://{socket}"
        command = [_PROGRAM, "system", "service", "--time", str(_IDLE_S), url]
        with said.open("wb") as log:
            # In a session of its own: Ctrl-C is for us, who still need it to remove the containers.
            service = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        with awaited(service, socket, within_s=_START_S, ends_s=_END_S):
            if service.poll() is not None or not socket.exists():
                why = said.read_text(encoding="utf-8", errors="replace").strip()[-400:]
                raise EngineUnavailable(f"Podman's service does not come up: {why}", remedy=_REMEDY)
            yield url
