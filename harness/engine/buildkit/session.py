"""A session of BuildKit's, over which it asks for the context of a build, and for its Dockerfile apart from that.

So ``COPY . .`` does not find a Dockerfile that is not in the context, as it would in an archive that is sent. A request
becomes a connection of HTTP/2, in which the engine asks and we answer, by gRPC. Sources: moby/buildkit,
``session/manager.go`` (``HandleHTTPRequest``), ``session/grpc.go`` and ``session/filesync/filesync.go``; gRPC over
HTTP/2, grpc/grpc, ``doc/PROTOCOL-HTTP2.md``.
"""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from harness.core.dockerignore import FILE_NAME
from harness.engine.buildkit.files import exchange, lone
from harness.engine.client import our_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import docker

    from harness.engine.buildkit.http2 import Stream
    from harness.engine.contexts import Context, File

_HEADER: Final = "X-Docker-Expose-Session-"
_COPY: Final = "/moby.filesync.v1.FileSync/DiffCopy"
_HEALTH: Final = "/grpc.health.v1.Health/Check"
_SERVING: Final = b"\x08\x01"  # HealthCheckResponse: status SERVING
_CONTEXT, _DOCKERFILE = "context", "dockerfile"
_UPGRADED: Final = 101
_SILENCE_S: Final = 900
_MOST_MESSAGE: Final = 1 << 20
_HEAD: Final = struct.Struct(">BI")
_OK, _UNKNOWN, _NOT_FOUND, _UNIMPLEMENTED = "0", "2", "5", "12"
_ANSWERED: Final = ((":status", "200"), ("content-type", "application/grpc"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A context, and a Dockerfile that is not in it.

    An engine keeps what it has taken over, and takes no file again that has the name, size and time of one that came
    with the same key. So that is the digest of the context, and the name of the Dockerfile has that of its text.
    """

    context: Context
    text: bytes

    @property
    def dockerfile(self) -> str:
        """The Dockerfile's name."""
        return f"{hashlib.sha256(self.text).hexdigest()}.Dockerfile"

    def folders(self) -> Mapping[str, Callable[[], list[File]]]:
        """What is in the folders that BuildKit may ask for."""
        return {_CONTEXT: self.context.files, _DOCKERFILE: lambda: [lone(self.dockerfile, self.text)]}


class Session:
    """A session under way; ``id`` names it in a request to build."""

    def __init__(self, offer: Offer) -> None:
        self.id = uuid.uuid4().hex
        self._folders = offer.folders()
        self._lock = threading.Lock()
        self._begun: list[str] = []
        self._taken: list[str] = []

    @property
    def served(self) -> bool:
        """Whether the Dockerfile was taken over, and all else that was begun to be."""
        with self._lock:
            return _DOCKERFILE in self._taken and sorted(self._begun) == sorted(self._taken)

    def answer(self, stream: Stream) -> None:
        """Answer one request.

        Raises:
            Cut: nobody waits for the answer any more.
        """
        path = (stream.fields.get(":path") or [""])[0]
        if path == _HEALTH:
            stream.answer(*_ANSWERED)
            stream.send(_framed(_SERVING))
            stream.end(("grpc-status", _OK))
        elif path == _COPY:
            self._copy(stream)
        else:
            stream.end(*_ANSWERED, ("grpc-status", _UNIMPLEMENTED))

    def _copy(self, stream: Stream) -> None:
        name = (stream.fields.get("dir-name") or [""])[0]
        if name not in self._folders:
            stream.end(*_ANSWERED, ("grpc-status", _NOT_FOUND))
            return
        with self._lock:
            self._begun.append(name)
        stream.answer(*_ANSWERED)
        messages = _messages(stream)
        only = FILE_NAME if stream.fields.get("followpaths") == [FILE_NAME] else None
        done = exchange(
            self._folders[name](), lambda: next(messages, None), lambda data: stream.send(_framed(data)), only=only
        )
        if done:
            with self._lock:
                self._taken.append(name)
        stream.end(("grpc-status", _OK if done else _UNKNOWN))


@contextmanager
def offered(api: docker.APIClient, offer: Offer) -> Iterator[Session | None]:
    """Offer an engine what is to be built, for as long as this is open; ``None`` if it takes no sessions.

    Raises:
        EngineUnavailable: it does not answer.
    """
    from harness.engine.buildkit.http2 import Connection  # other commands start without h2

    session = Session(offer)
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "h2c",
        f"{_HEADER}Uuid": session.id,
        f"{_HEADER}Name": "signal-harness",
        f"{_HEADER}Sharedkey": offer.context.digest,
        f"{_HEADER}Grpc-Method": _COPY,
    }
    with our_errors():
        answer = api.post(f"{api.base_url}/v{api.api_version}/session", headers=headers, stream=True)
    try:
        if answer.status_code != _UPGRADED:
            yield None
            return
        # What came behind the answer's head is in its buffer; docker-py knows no other way to the socket either.
        raw: Any = answer.raw
        source = getattr(raw, "_fp", raw).fp
        sock = getattr(source.raw, "_sock", source.raw)
        sock.settimeout(_SILENCE_S)  # else TLS does not read and write at the same time
        connection = Connection(source, sock.sendall, session.answer)

        def hang_up() -> None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

        def serve() -> None:
            connection.run()
            hang_up()

        thread = threading.Thread(target=serve, name="buildkit", daemon=True)
        thread.start()
        try:
            yield session
        finally:
            hang_up()
            thread.join()
    finally:
        answer.close()


def _framed(message: bytes) -> bytes:
    """A message as gRPC sends it: not compressed, and its length in front."""
    return _HEAD.pack(0, len(message)) + message


def _messages(stream: Stream) -> Iterator[bytes]:
    """The messages that come in; there are no more once one is compressed or too long."""
    rest = b""
    while (piece := stream.received.get()) is not None:
        rest += piece
        while len(rest) >= _HEAD.size:
            compressed, size = _HEAD.unpack_from(rest)
            end = _HEAD.size + size
            if compressed or size > _MOST_MESSAGE:
                return
            if len(rest) < end:
                break
            message, rest = rest[_HEAD.size : end], rest[end:]
            yield message
