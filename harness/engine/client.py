"""Finding an engine, and its errors in our words."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import docker
import requests
import urllib3
from docker.context import ContextAPI
from docker.errors import APIError, DockerException
from docker.utils import parse_host
from docker.utils.json_stream import json_stream

from harness.core.errors import EngineFault, EngineUnavailable
from harness.core.facts import EngineFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_SOCKET: Final = "unix:///var/run/docker.sock"
REMEDY: Final = (
    "Start your engine, or name one in DOCKER_HOST.\n"
    "On Debian or Ubuntu, as root:\n"
    "  signal-harness engine up\n"
    "which does: apt-get install -y --no-install-recommends docker.io, and starts dockerd."
)
_TIMEOUT_S: Final = 120
_POOL: Final = 64


@contextmanager
def our_errors() -> Iterator[None]:
    """Turn the engine's refusals into `EngineFault` and its silence into `EngineUnavailable`."""
    try:
        yield
    except APIError as error:
        raise EngineFault(f"the engine says: {error.explanation or error}") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, DockerException, ConnectionError) as error:
        raise EngineUnavailable(f"the engine does not answer: {error}", remedy=REMEDY) from error


def engine_url() -> str:
    """The engine to talk to: ``DOCKER_HOST``, else the current Docker context, else the default socket."""
    if host := os.environ.get("DOCKER_HOST"):
        return host
    try:
        context = ContextAPI.get_current_context()
    except (DockerException, OSError, ValueError):
        return DEFAULT_SOCKET
    host = getattr(context, "Host", None)
    return str(host) if host else DEFAULT_SOCKET


def connect() -> docker.APIClient:
    """Connect to the engine; the API version is negotiated.

    Raises:
        EngineUnavailable: none answers there.
    """
    url = engine_url()
    try:
        arguments: dict[str, Any] = {"base_url": parse_host(url)}
        if os.environ.get("DOCKER_HOST"):
            arguments = dict(docker.utils.kwargs_from_env())
        api = docker.APIClient(**arguments, version="auto", timeout=_TIMEOUT_S, max_pool_size=_POOL, num_pools=_POOL)
        api.ping()
    except (DockerException, requests.RequestException, ConnectionError, ValueError) as error:
        raise EngineUnavailable(f"no engine answers at {url}", remedy=REMEDY) from error
    return api


def engine_facts(api: docker.APIClient, *, builder: str, trace: bool = False) -> EngineFacts:
    """What a result must say of the engine it was got on, and of how it was seen there."""
    version: dict[str, Any]
    info: dict[str, Any]
    with our_errors():
        version, info = dict(api.version()), dict(api.info())
    components = {part["Name"]: part["Version"] for part in version.get("Components") or ()}
    engine = next((part["Name"] for part in version.get("Components") or ()), "Engine")
    runtime = info.get("DefaultRuntime") or "unknown"
    init = info.get("InitBinary") or "unknown"
    return EngineFacts(
        name="Podman" if "podman" in engine.lower() else "Docker " + engine,
        version=version["Version"],
        api=str(api.api_version),
        runtime=f"{runtime} {components.get(runtime, '')}".strip(),
        init=f"{init} {components.get(init, '')}".strip(),
        kernel=version.get("KernelVersion") or info.get("KernelVersion") or "unknown",
        builder=builder,
        trace=trace,
    )


def messages(answer: requests.Response) -> Iterator[dict[str, Any]]:
    """The JSON messages of an engine's streamed answer, as they come."""
    for message in json_stream(answer.iter_content(8192, decode_unicode=False)):
        if isinstance(message, dict):
            yield dict(message)


def shares_kernel(api: docker.APIClient) -> bool:
    """Whether the engine's containers run on this machine's kernel.

    That is, it is reached over a socket of this machine, and has the same kernel: not so for Docker Desktop, whose
    engine is in a virtual machine.
    """
    local = sys.platform.startswith("linux") and str(api.base_url).startswith("http+docker://")
    with our_errors():
        return local and api.info().get("KernelVersion") == os.uname().release


def now_text() -> str:
    """The time of day in UTC, as results carry it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
