"""Ways to this machine's engine as from elsewhere: through an sshd, and through an endpoint that speaks TLS."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, Final

from harness.run.inbox import Inbox
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

SSHD: Final = "/usr/sbin/sshd"
_STARTS_S: Final = 10
_PIECE: Final = 1 << 16
_SERVER: Final = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
"""
_CLIENT: Final = """
IdentityFile {folder}/user
IdentitiesOnly yes
UserKnownHostsFile {folder}/known_hosts
GlobalKnownHostsFile /dev/null
"""


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass(frozen=True, kw_only=True, slots=True)
class Sshd:
    """An sshd of our own, and the folder in which its clients have their keys and the hosts that they know."""

    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"ssh://root@127.0.0.1:{self.port}"

    @property
    def programs(self) -> str:
        """The folder whose ``ssh`` is the one of this machine, with these keys and hosts."""
        return str(self.folder / "bin")


@contextmanager
def sshd(folder: Path) -> Iterator[Sshd]:
    """Start an sshd with a new key, and have a client that knows it and is let in."""
    port = free_port()
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (folder / "sshd_config").write_text(_SERVER.format(port=port, folder=folder))
    (folder / "ssh_config").write_text(_CLIENT.format(folder=folder))
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    (folder / "bin").mkdir()
    (folder / "bin" / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/ssh_config "$@"\n')
    (folder / "bin" / "ssh").chmod(0o755)
    Path("/run/sshd").mkdir(exist_ok=True)  # where it locks itself in before anybody is let in
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log)
    try:
        assert until(lambda: _listens(port), timeout_s=_STARTS_S, time=Inbox()), (folder / "log").read_text()
        yield Sshd(port=port, folder=folder)
    finally:
        server.terminate()
        server.wait()


def _listens(port: int) -> bool | None:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return None


def make_certificates(folder: Path) -> None:
    """Certificates as DOCKER_CERT_PATH has them, of an authority of their own: of 127.0.0.1, and of a client."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    _openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test", cwd=folder)
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    for name, more in (("server", names), ("client", [])):
        files = ["-keyout", f"{name}.key", "-out", f"{name}.pem"]
        _openssl("req", "-x509", *signed, *key, *more, *files, "-subj", f"/CN={name}", cwd=folder)
    (folder / "client.pem").rename(folder / "cert.pem")
    (folder / "client.key").rename(folder / "key.pem")


def _openssl(*words: str, cwd: Path) -> None:
    subprocess.run(["openssl", *words], cwd=cwd, check=True, capture_output=True)


@contextmanager
def tls_endpoint(folder: Path, engine: Path) -> Iterator[str]:
    """The URL of a port that speaks TLS, takes clients of the authority alone, and passes on to the engine's socket."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    begun: Queue[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Queue()

    async def passed_on(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        answers, to_engine = await asyncio.open_unix_connection(engine)
        asked = asyncio.create_task(_copy(client, to_engine))
        try:
            await _copy(answers, to_client)
        finally:
            asked.cancel()
            for writer in (to_engine, to_client):
                writer.transport.abort()

    async def serve() -> None:
        server = await asyncio.start_server(passed_on, "127.0.0.1", 0, ssl=context)
        over = asyncio.Event()
        begun.put((f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}", asyncio.get_running_loop(), over))
        await over.wait()
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="tls-endpoint")
    thread.start()
    url, loop, over = begun.get()
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass on what comes, until there is no more or nobody to take it."""
    with suppress(OSError):
        while piece := await source.read(_PIECE):
            sink.write(piece)
            await sink.drain()
