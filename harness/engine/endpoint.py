"""Where an engine is, and how it is reached there: what ``DOCKER_HOST`` and Docker's contexts say."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from docker.context import ContextAPI
from docker.errors import DockerException, TLSParameterError
from docker.utils import kwargs_from_env

from harness.core.errors import EngineUnavailable

if TYPE_CHECKING:
    from docker.tls import TLSConfig

DEFAULT_SOCKET: Final = "unix:///var/run/docker.sock"
SSH: Final = "ssh://"
_HOST: Final = "DOCKER_HOST"
_CONTEXT: Final = "DOCKER_CONTEXT"
_ENCRYPTED: Final = ("tcp://", "https://")


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A URL, and what proves both sides to each other where it is encrypted; ``None`` if it is not."""

    url: str
    tls: TLSConfig | None = None


def engine_url() -> str:
    """The engine to talk to: ``DOCKER_HOST``, else the current Docker context, else the default socket."""
    return os.environ.get(_HOST) or getattr(_context(), "Host", None) or DEFAULT_SOCKET


def endpoint_at(url: str | None) -> Endpoint:
    """How the engine at a URL is reached, or (``None``) the one of `engine_url`.

    What the environment says of TLS (``DOCKER_TLS_VERIFY``, ``DOCKER_CERT_PATH``) is about any URL, as for docker's own
    ``--host``; a context has its own.

    Raises:
        EngineUnavailable: the environment names a context that does not exist, or files that are not there.
    """
    if url is None and not os.environ.get(_HOST):
        context = _context()
        if context is None and (name := os.environ.get(_CONTEXT)):
            remedy = "To list the contexts: docker context ls\nOr name an engine by its URL: --engine, DOCKER_HOST."
            raise EngineUnavailable(f"there is no Docker context {name!r}, which {_CONTEXT} names", remedy=remedy)
        host = getattr(context, "Host", None)
        if host:
            return Endpoint(url=str(host), tls=getattr(context, "TLSConfig", None))
    found = url or engine_url()
    return Endpoint(url=found, tls=_tls_of_environment() if found.startswith(_ENCRYPTED) else None)


def _context() -> Any:
    """The current context, by the environment or Docker's config; ``None`` if there is no such context."""
    with suppress(DockerException, OSError, ValueError, KeyError):
        return ContextAPI.get_context(os.environ.get(_CONTEXT) or None)
    return None


def _tls_of_environment() -> TLSConfig | None:
    try:
        return kwargs_from_env().get("tls")
    except TLSParameterError as error:
        why = "DOCKER_TLS_VERIFY and DOCKER_CERT_PATH ask for TLS, and its files are not there"
        remedy = "DOCKER_CERT_PATH is the folder of ca.pem, cert.pem and key.pem; its default is ~/.docker."
        raise EngineUnavailable(f"{why}: {error}", remedy=remedy) from None
