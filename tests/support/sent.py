"""What docker's own command sends to an engine: an engine that takes a build context, and builds nothing."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase
    from pathlib import Path

DOCKER: Final = shutil.which("docker")


class _Server(ThreadingHTTPServer):
    body = b""
    dockerfile = ""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(b"{}")

    def do_POST(self) -> None:
        self.server.body = b"".join(_pieces(self.rfile))
        self.server.dockerfile = parse_qs(urlsplit(self.path).query)["dockerfile"][0]
        self._answer(b'{"stream":"built"}\n')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _pieces(body: BufferedIOBase) -> Iterator[bytes]:
    """The chunks of a body (RFC 9112, 7.1)."""
    while size := int(body.readline(), 16):
        yield body.read(size)
        body.readline()
    body.readline()


class Docker:
    """Docker's command with the classic builder, in front of an engine that only listens."""

    def __init__(self, server: _Server) -> None:
        self._server = server

    def build(self, folder: Path, *words: str) -> tuple[str | None, dict[str, tarfile.TarInfo], str]:
        """What ``docker build`` says as it fails, else ``None``; what it sends, by name; and as which Dockerfile."""
        self._server.body, self._server.dockerfile = b"", ""
        host = f"tcp://127.0.0.1:{self._server.server_port}"
        done = subprocess.run(
            [str(DOCKER), "--host", host, "build", *words, str(folder)],
            env={**os.environ, "DOCKER_BUILDKIT": "0"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.stderr if done.returncode else None, entries(self._server.body), self._server.dockerfile


def entries(archive: bytes) -> dict[str, tarfile.TarInfo]:
    """What is in an archive, by name, the last of each."""
    if not archive:
        return {}
    with tarfile.open(
        fileobj=io.BytesIO(archive + bytes(2 * tarfile.BLOCKSIZE))
    ) as tar:  # docker may leave out its end
        return {entry.name: entry for entry in tar}


@contextmanager
def listening() -> Iterator[Docker]:
    """Docker's command, for as long as there is an engine that listens."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield Docker(server)
        finally:
            server.shutdown()
            thread.join()
