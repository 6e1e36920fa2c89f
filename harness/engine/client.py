"""Connecting to an engine, and its errors in our words."""

from __future__ import annotations

import ssl
from collections import OrderedDict
from contextlib import ExitStack, contextmanager
from functools import partial
from http.client import RemoteDisconnected
from typing import TYPE_CHECKING, Any, Final

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException
from docker.utils import parse_host
from docker.utils.json_stream import json_stream
from requests.utils import get_environ_proxies

from harness.core.errors import Disturbed, EngineFault, EngineUnavailable, UsageError
from harness.engine.again import FAILED_FROM, answered, cause_in, comes_of
from harness.engine.endpoint import endpoint_at

if TYPE_CHECKING:
    from collections.abc import Iterator

REMEDY: Final = (
    "Start your engine, or name one in DOCKER_HOST.\n"
    "On Debian or Ubuntu, as root:\n"
    "  signal-harness engine up\n"
    "which does: apt-get install -y --no-install-recommends docker.io, and starts dockerd."
)
DENIED: Final = (
    "Run it as root, or as a member of the socket's group, then log in again:\n  sudo usermod -aG docker $USER"
)
_CERTIFY: Final = (
    "It wants a certificate of yours that it knows: cert.pem and key.pem in DOCKER_CERT_PATH, or in the context."
)
_TIMEOUT_S: Final = 120
_POOL: Final = 64
_TWICE: Final = ("GET", "HEAD", "DELETE")
_WAIT: Final = "/wait"


class _Client(docker.APIClient):
    """A client that asks for the engine's version once: Docker asks its runtime and its init for theirs each time.

    What may come twice is asked again where it breaks: what looks, removes or waits, and no other.
    """

    adapters = OrderedDict()  # noqa: RUF012 - each gets its own; an interrupt may come before, and closing needs one

    _answer: dict[str, Any] | None = None

    def __init__(self, **options: Any) -> None:
        # It asks for the version at once: where that fails, nobody else can close what it opened.
        with ExitStack() as stack:
            stack.callback(self.close)
            super().__init__(**options)
            stack.pop_all()

    def request(self, method: str | bytes, url: str | bytes, *arguments: Any, **options: Any) -> requests.Response:
        # Else REQUESTS_CA_BUNDLE goes before the authority that is named for this engine (psf/requests#3829).
        options.setdefault("verify", self.verify)
        ask = partial(super().request, method, url, *arguments, **options)
        return answered(ask) if method in _TWICE or str(url).endswith(_WAIT) else ask()

    def version(self, api_version: bool = True) -> dict[str, Any]:
        if self._answer is None:
            self._answer = dict(super().version(api_version))
        return self._answer


@contextmanager
def our_errors(*, but: tuple[int, ...] = ()) -> Iterator[None]:
    """Turn the engine's refusals (but for these statuses) into `EngineFault`, its silence into `EngineUnavailable`.

    Where it failed and did not refuse, that is `Disturbed`.
    """
    try:
        yield
    except APIError as error:
        if error.status_code not in but:
            kind = Disturbed if (error.status_code or 0) >= FAILED_FROM else EngineFault
            raise kind(f"the engine says: {error.explanation or error}") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, DockerException, ConnectionError) as error:
        raise EngineUnavailable(f"the engine does not answer: {error}", remedy=REMEDY) from None


def connect(at: str | None = None) -> docker.APIClient:
    """Connect to the engine at a URL (``None``: at `engine_url`), but not by ssh; the API version is negotiated.

    Raises:
        UsageError: it is no URL of an engine.
        EngineUnavailable: none answers there.
    """
    endpoint = endpoint_at(at)
    url = endpoint.url
    try:
        base = parse_host(url, tls=endpoint.tls is not None)
    except (DockerException, ValueError) as error:
        remedy = "Such as unix:///var/run/docker.sock, tcp://HOST:PORT or ssh://USER@HOST."
        raise UsageError(f"{url!r} is no address of an engine: {error}", remedy=remedy) from None
    try:
        api = _Client(
            base_url=str(base),
            tls=endpoint.tls or False,
            version="auto",
            timeout=_TIMEOUT_S,
            max_pool_size=_POOL,
            num_pools=_POOL,
        )
        # Else each request goes through the environment, which pytest changes with each test, in another thread.
        api.proxies = get_environ_proxies(api.base_url)
        api.trust_env = False
    except (DockerException, requests.RequestException, ConnectionError, ValueError) as error:
        if comes_of(error, PermissionError):
            raise EngineUnavailable(f"you may not use the engine at {url}: permission denied", remedy=DENIED) from None
        if (refusal := cause_in(error, ssl.SSLError)) is not None:
            raise _untrusted(url, refusal) from None
        if endpoint.tls and comes_of(error, RemoteDisconnected, ConnectionResetError):
            raise EngineUnavailable(f"the engine at {url} does not let us in: it hangs up", remedy=_CERTIFY) from None
        raise EngineUnavailable(f"no engine answers at {url}", remedy=REMEDY) from None
    return api


def _untrusted(url: str, refusal: ssl.SSLError) -> EngineUnavailable:
    """What keeps two sides from each other that are to prove who they are."""
    if isinstance(refusal, ssl.SSLCertVerificationError):
        return EngineUnavailable(
            f"what answers at {url} does not prove that it is your engine: {refusal.verify_message}",
            remedy="ca.pem has to be of who signed its certificate, and the certificate of this host's name: see "
            "DOCKER_CERT_PATH, or docker context inspect.",
        )
    reason = (refusal.reason or str(refusal)).replace("_", " ").lower()
    if "alert" in reason:
        return EngineUnavailable(f"the engine at {url} does not let us in: {reason}", remedy=_CERTIFY)
    return EngineUnavailable(
        f"what answers at {url} does not speak TLS as we do: {reason}",
        remedy="Does the port speak TLS at all? Without it: unset DOCKER_TLS_VERIFY and DOCKER_CERT_PATH.",
    )


def stream(api: docker.APIClient, path: str, **request: Any) -> Iterator[dict[str, Any]]:
    """POST to an engine and yield the JSON messages of its answer as they come.

    Raises:
        EngineFault: the engine refused, or a message is an error.
    """
    answer = api.post(f"{api.base_url}/v{api.api_version}/{path}", stream=True, **request)
    if not answer.ok:
        raise EngineFault(str(answer.json().get("message", answer.reason)))
    messages: Iterator[Any] = json_stream(answer.iter_content(8192, decode_unicode=False))
    for message in messages:
        if error := message.get("errorDetail") or message.get("error"):
            raise EngineFault(str(error["message"] if isinstance(error, dict) else error))
        yield message
