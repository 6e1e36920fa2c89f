"""Downloads that are checked against a known hash and kept in a cache under that hash."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from harness.core.errors import BaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_CONNECT_S: Final = 10.0
_READ_S: Final = 60.0
_CHUNK: Final = 1 << 20
_TRIES_PER_FILE: Final = 3
_OFFLINE: Final = (
    "Check the network (HTTPS_PROXY and REQUESTS_CA_BUNDLE are honoured) and try again, "
    "or name an image that the engine already has with --base."
)

HashName = Literal["sha1", "sha256", "sha512"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A file that an index offers.

    Args:
        title: what it is to a reader, such as ``npm 9.6.7``.
        url: where it is.
        algorithm: the hash function that `digest` is of.
        digest: the hash the index gives, in lower-case hexadecimal.
        size: bytes, where the index says.
    """

    title: str
    url: str
    algorithm: HashName
    digest: str
    size: int | None = None


def host_of(url: str) -> str:
    """Give the host of a URL, for messages (a URL may carry credentials, its host does not)."""
    return urlsplit(url).hostname or "the package index"


def megabytes(size: int) -> str:
    """Write a size in bytes for people."""
    return f"{max(1, round(size / 1e6))} MB"


class Downloads:
    """HTTP with retries and bounded waits, over a cache of checked files.

    Use it as a context manager; it owns a connection pool. Proxies and certificate authorities come from the
    environment, as `requests` reads it.

    Args:
        cache: a directory for the files; made when it is not there. Several processes may share it.
        report: called with one line when something is fetched that takes a while.

    Raises:
        BaseUnavailable: from each method, when a host does not answer or answers with something else than asked for.
    """

    def __init__(self, cache: Path, report: Callable[[str], None]) -> None:
        """Open a connection pool; nothing is fetched yet."""
        self._cache = cache
        self._report = report
        self._session = requests.Session()
        retry = Retry(
            total=3,
            backoff_factor=0.5,
            status_forcelist=(429, 500, 502, 503, 504),
            allowed_methods=("GET",),
            raise_on_status=False,
        )
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retry))

    def __enter__(self) -> Downloads:
        """Hand out the downloader itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._session.close()

    def text(self, url: str) -> str:
        """Fetch a small text; nothing is cached."""
        return self._body(url, accept="text/plain, */*").decode("utf-8", errors="replace")

    def json(self, url: str, *, accept: str) -> Any:
        """Fetch a JSON document; nothing is cached.

        Args:
            url: where it is.
            accept: the media type to ask for, as an ``Accept`` header.
        """
        body = self._body(url, accept=accept)
        try:
            return json.loads(body)
        except ValueError as error:
            raise BaseUnavailable(
                f"{host_of(url)} answered {url} with something that is not JSON",
                remedy="Use an index that speaks the JSON form of its protocol (pypi.org and registry.npmjs.org do).",
            ) from error

    def file(self, artifact: Artifact) -> Path:
        """Give the path of an artifact in the cache, fetching it when it is not there.

        The content has the artifact's hash, whoever put it there. The caller does not change or remove it.
        """
        path = self._cache / f"{artifact.algorithm}-{artifact.digest}"
        if path.is_file() and _digest(path, artifact.algorithm) == artifact.digest:
            return path
        with tempfile.TemporaryDirectory(dir=self._cache, prefix="download-") as scratch:
            part = Path(scratch, "part")
            self._fetch(artifact, part)
            # A rename is atomic: another process sees the whole file or none.
            part.replace(path)
        return path

    def _fetch(self, artifact: Artifact, part: Path) -> None:
        """Write the artifact to `part`, again from the start when the connection breaks half-way."""
        for left in reversed(range(_TRIES_PER_FILE)):
            try:
                with part.open("wb") as sink, self._get(artifact.url, accept="*/*") as response:
                    size = artifact.size or int(response.headers.get("Content-Length", 0))
                    self._report(f"fetching {artifact.title}" + (f" ({megabytes(size)})" if size else ""))
                    for chunk in response.iter_content(_CHUNK):
                        sink.write(chunk)
            except requests.RequestException as error:
                if not left:
                    raise _unreachable(artifact.url, error) from error
            else:
                break
        found = _digest(part, artifact.algorithm)
        if found != artifact.digest:
            raise BaseUnavailable(
                f"{artifact.title} from {host_of(artifact.url)} is not what its index promises: "
                f"{artifact.algorithm} {found} instead of {artifact.digest}",
                remedy="Try again; if it stays, a proxy or mirror in between changes the file.",
            )

    def _body(self, url: str, *, accept: str) -> bytes:
        try:
            with self._get(url, accept=accept) as response:
                return response.content
        except requests.RequestException as error:
            raise _unreachable(url, error) from error

    def _get(self, url: str, *, accept: str) -> requests.Response:
        response = self._session.get(url, headers={"Accept": accept}, timeout=(_CONNECT_S, _READ_S), stream=True)
        response.raise_for_status()
        return response


def _digest(path: Path, algorithm: HashName) -> str:
    with path.open("rb") as source:
        return _digest_of(source, algorithm)


def _digest_of(source: IO[bytes], algorithm: HashName) -> str:
    state = hashlib.new(algorithm)
    while chunk := source.read(_CHUNK):
        state.update(chunk)
    return state.hexdigest()


def _unreachable(url: str, error: requests.RequestException) -> BaseUnavailable:
    """Say in one sentence which host failed and how."""
    host = host_of(url)
    if error.response is not None:
        return BaseUnavailable(f"{host} answered {url} with status {error.response.status_code}", remedy=_OFFLINE)
    return BaseUnavailable(f"{host} does not answer ({type(error).__name__})", remedy=_OFFLINE)
