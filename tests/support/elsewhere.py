"""An engine that is not there: reached over TCP, from namespaces in which nothing of its containers can be seen."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACES: Final = ("unshare", "--pid", "--fork", "--mount-proc", "--time", "--monotonic", "100000")
"""Put before a command: its /proc lacks the containers' processes, and its clock is another one. Needs root."""


@contextmanager
def elsewhere() -> Iterator[str]:
    """The engine over TCP on loopback, as if it were on another machine; its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def pump(source: socket.socket, sink: socket.socket) -> None:
            with suppress(OSError):
                while data := source.recv(65536):
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = server.accept()
                    engine = socket.socket(socket.AF_UNIX)
                    engine.connect("/var/run/docker.sock")
                    for ends in ((client, engine), (engine, client)):
                        threading.Thread(target=pump, args=ends, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
