"""A container's output over an encrypted connection: each piece as it comes, not with the next one."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from typing import TYPE_CHECKING

import pytest

from harness.engine.output import frames
from tests.support.remote import make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("certificates")
    make_certificates(made)
    return made


@pytest.fixture
def ends(folder: Path) -> Iterator[tuple[ssl.SSLSocket, ssl.SSLSocket]]:
    """The two ends of an encrypted connection: who reads, and who writes."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem", folder / "server.key")
    client = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    here, there = socket.socketpair()
    made: list[ssl.SSLSocket] = []
    thread = threading.Thread(target=lambda: made.append(server.wrap_socket(there, server_side=True)))
    thread.start()
    reader = client.wrap_socket(here, server_hostname="127.0.0.1")
    thread.join()
    with reader, made[0] as writer:
        yield reader, writer


def frame(number: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", number, len(data)) + data


def test_a_frame_is_read_though_no_other_follows(ends: tuple[ssl.SSLSocket, ssl.SSLSocket]) -> None:
    reader, writer = ends
    stream = frames(reader, tty=False)
    writer.sendall(frame(1, b"one\n") + frame(2, b"two\n"))
    assert [next(stream), next(stream)] == [(1, b"one\n"), (2, b"two\n")]
    writer.sendall(frame(1, b""))
    writer.sendall(frame(1, b"x" * 100_000) + b"\x01\0\0")
    assert [next(stream), next(stream)] == [(1, b""), (1, b"x" * 100_000)]
    writer.shutdown(socket.SHUT_RDWR)
    assert list(stream) == []


def test_a_terminal_has_one_stream(ends: tuple[ssl.SSLSocket, ssl.SSLSocket]) -> None:
    reader, writer = ends
    stream = frames(reader, tty=True)
    writer.sendall(b"^C")
    assert next(stream) == (1, b"^C")
    writer.shutdown(socket.SHUT_RDWR)
    assert list(stream) == []
