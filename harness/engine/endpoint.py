"""Where an engine is, and how it is reached there: what ``DOCKER_HOST`` and Docker's contexts say.

A context is a folder of files below docker's config, named by the SHA-256 of its name (github.com/docker/cli,
cli/context/store).
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from docker.errors import TLSParameterError
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env

from harness.core.errors import EngineUnavailable

DEFAULT_SOCKET: Final = "unix:///var/run/docker.sock"
SSH: Final = "ssh://"
_HOST: Final = "DOCKER_HOST"
_CONTEXT: Final = "DOCKER_CONTEXT"
_DEFAULT: Final = "default"
"""The name of the context that is none: the default socket."""

_ENCRYPTED: Final = ("tcp://", "https://")


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A URL, and what proves both sides to each other where it is encrypted; ``None`` if it is not."""

    url: str
    tls: TLSConfig | None = None


def engine_url() -> str:
    """The engine to talk to: ``DOCKER_HOST``, else the current Docker context, else the default socket.

    A context that does not exist is no engine, and has no URL: it is named.
    """
    if host := os.environ.get(_HOST):
        return host
    name = _current()
    endpoint = _of_context(name)
    return endpoint.url if endpoint else f"context {name}"


def endpoint_at(url: str | None) -> Endpoint:
    """How the engine at a URL is reached, or (``None``) the one of `engine_url`.

    What the environment says of TLS (``DOCKER_TLS_VERIFY``, ``DOCKER_CERT_PATH``) is about any URL, as for docker's own
    ``--host``; a context has its own.

    Raises:
        EngineUnavailable: the environment names a context that does not exist, or files that are not there.
    """
    found = url or os.environ.get(_HOST)
    if found:
        return Endpoint(url=found, tls=_tls_of_environment() if found.startswith(_ENCRYPTED) else None)
    name = _current()
    endpoint = _of_context(name)
    if endpoint is None:
        remedy = "To list the contexts: docker context ls\nOr name an engine by its URL: --engine, DOCKER_HOST."
        who = _CONTEXT if os.environ.get(_CONTEXT) else "docker's config"
        raise EngineUnavailable(f"there is no Docker context {name!r}, which {who} names", remedy=remedy)
    return endpoint


def _config() -> Path:
    """The folder of docker's config."""
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def _current() -> str:
    """The name of the current context."""
    named = os.environ.get(_CONTEXT) or _object(_content(_config() / "config.json")).get("currentContext")
    return str(named or _DEFAULT)


def _of_context(name: str) -> Endpoint | None:
    """Where a context is, with its certificates; ``None`` if there is none that can be read."""
    if name == _DEFAULT:
        return Endpoint(url=DEFAULT_SOCKET)
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()
    found = described(_content(_config() / "contexts" / "meta" / digest / "meta.json"))
    if found is None:
        return None
    url, trusted = found
    files = _config() / "contexts" / "tls" / digest / "docker"
    ca, cert, key = (str(file) if (file := files / f"{one}.pem").is_file() else None for one in ("ca", "cert", "key"))
    if not ca and not cert:
        return Endpoint(url=url)
    return Endpoint(
        url=url,
        tls=TLSConfig(client_cert=(cert, key) if cert and key else None, ca_cert=ca, verify=trusted),
    )


def described(content: bytes) -> tuple[str, bool] | None:
    """What the file of a context says: the URL, and whether its certificate is checked; ``None`` if it says no URL."""
    endpoints = _object(content).get("Endpoints")
    found = endpoints.get("docker") if isinstance(endpoints, dict) else None
    host = found.get("Host") if isinstance(found, dict) else None
    return (host, not found.get("SkipTLSVerify")) if isinstance(found, dict) and isinstance(host, str) else None


def _content(file: Path) -> bytes:
    """What is in a file; nothing where there is none that can be read."""
    with suppress(OSError):
        return file.read_bytes()
    return b""


def _object(content: bytes) -> dict[str, Any]:
    """A JSON object; empty where there is none."""
    with suppress(ValueError, RecursionError):
        read = json.loads(content)
        return read if isinstance(read, dict) else {}
    return {}


def _tls_of_environment() -> TLSConfig | None:
    try:
        return kwargs_from_env().get("tls")
    except TLSParameterError as error:
        why = "DOCKER_TLS_VERIFY and DOCKER_CERT_PATH ask for TLS, and its files are not there"
        remedy = "DOCKER_CERT_PATH is the folder of ca.pem, cert.pem and key.pem; its default is ~/.docker."
        raise EngineUnavailable(f"{why}: {error}", remedy=remedy) from None
