"""Downloads that are checked against a known hash and kept under it in a cache, which several processes may share."""

from __future__ import annotations

import fcntl
import hashlib
import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from harness.core.errors import BaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TIMEOUT_S: Final = (10.0, 60.0)  # to connect, and between two pieces
_CHUNK: Final = 1 << 20
_TRIES_PER_FILE: Final = 3
_OFFLINE: Final = (
    "Check the network (HTTPS_PROXY and REQUESTS_CA_BUNDLE are honoured) and try again, "
    "or name an image that the engine already has with --base."
)

HashName = Literal["sha256", "sha512"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """A file that an index offers.

    ``title`` names it to a reader, as in ``npm 9.6.7``; ``digest`` is the hash that the index gives, in lower-case
    hexadecimal; ``size`` is in bytes, if the index says.
    """

    title: str
    url: str
    digest: str
    algorithm: HashName = "sha256"
    size: int | None = None


def host_of(url: str) -> str:
    """The host of a URL, for messages (a URL may carry credentials, its host does not)."""
    return urlsplit(url).hostname or "the package index"


def megabytes(size: int) -> str:
    """A size in bytes as people read it."""
    return f"{max(1, round(size / 1e6))} MB"


class Downloads:
    """HTTP with retries and bounded waits, over a cache of checked files that processes may share; a context manager.

    Proxies and certificate authorities come from the environment, as `requests` reads it. Each method raises
    `BaseUnavailable` if a host does not answer or answers with something else, and reports what takes a while.
    """

    def __init__(self, cache: Path, report: Callable[[str], None]) -> None:
        self._cache = cache
        self._report = report
        self._session = requests.Session()
        statuses = (429, 500, 502, 503, 504)
        retry = Retry(total=3, backoff_factor=0.5, status_forcelist=statuses, raise_on_status=False)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retry))

    def __enter__(self) -> Downloads:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._session.close()

    def read(self, url: str) -> bytes:
        """Fetch something small as it is; nothing is cached."""
        return self._body(url, accept="text/plain, */*")

    def json(self, url: str, *, accept: str) -> Any:
        """Fetch a JSON document of a media type; nothing is cached."""
        body = self._body(url, accept=accept)
        try:
            return json.loads(body)
        except ValueError as error:
            raise BaseUnavailable(
                f"{host_of(url)} answered {url} with something that is not JSON",
                remedy="Use an index that speaks the JSON form of its protocol (pypi.org and registry.npmjs.org do).",
            ) from error

    def file(self, artifact: Artifact) -> Path:
        """The path of an artifact in the cache, fetched if it is not there; its content has the artifact's hash."""
        path = self._cache / f"{artifact.algorithm}-{artifact.digest}"
        if path.is_file() and _digest(path, artifact.algorithm) == artifact.digest:
            return path
        with arriving(path) as part:
            self._fetch(artifact, part)
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
        if (digest := _digest(part, artifact.algorithm)) != artifact.digest:
            raise BaseUnavailable(
                f"{artifact.title} from {host_of(artifact.url)} is not what its index promises: "
                f"{artifact.algorithm} {digest} instead of {artifact.digest}",
                remedy="Try again; if it stays, a proxy or mirror in between changes the file.",
            )

    def _body(self, url: str, *, accept: str) -> bytes:
        try:
            with self._get(url, accept=accept) as response:
                return response.content
        except requests.RequestException as error:
            raise _unreachable(url, error) from error

    def _get(self, url: str, *, accept: str) -> requests.Response:
        response = self._session.get(url, headers={"Accept": accept}, timeout=_TIMEOUT_S, stream=True)
        response.raise_for_status()
        return response


def _digest(path: Path, algorithm: HashName) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, algorithm).hexdigest()


def _unreachable(url: str, error: requests.RequestException) -> BaseUnavailable:
    answer = f"does not answer ({type(error).__name__})"
    if error.response is not None:
        answer = f"answered {url} with status {error.response.status_code}"
    return BaseUnavailable(f"{host_of(url)} {answer}", remedy=_OFFLINE)


@contextmanager
def arriving(path: Path) -> Iterator[Path]:
    """A scratch file that takes its place when the block ends well; at any time, others see all of it or nothing."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="part-") as scratch:
        part = Path(scratch, path.name)
        yield part
        part.replace(path)


@contextmanager
def exclusive(path: Path, report: Callable[[str], None], waiting: str) -> Iterator[None]:
    """Lock a file while the block runs, and report once that this is ``waiting`` if someone else has the lock.

    The kernel drops the lock when its holder ends. The file stays, as removing it would let two holders in.
    """
    with path.open("ab") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(waiting)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
