"""Plain requests to an app whose answers take as long as the app likes: sent, watched in a thread, and timed."""

from __future__ import annotations

import fcntl
import selectors
import socket
import struct
import termios
import threading
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Final

from harness.core.errors import EngineFault
from harness.core.flight import End, Exchange, Traffic
from harness.core.http_answer import HttpAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.engine.reach import Address

_CONNECT_S: Final = 5.0
_READY_S: Final = 2.0
_PIECE: Final = 1 << 16
_LOOK_S: Final = 0.02
_EVERY_NS: Final = 20_000_000
_LATER_NS: Final = 500_000_000
_OFTEN: Final = 500
"""After so many new requests they are tried less often: each may be a line of the app's log, which is capped."""

_MOST_OPEN: Final = 100
"""How many new requests may be unanswered at once."""

_LAST_S: Final = 1.0
"""How long after the container's end its last packets may take."""


def _request(address: Address, path: str) -> bytes:
    host = f"127.0.0.1:{address.port}"
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: signal-harness\r\nConnection: close\r\n\r\n".encode()


def status_of(address: Address, path: str) -> int | None:
    """The status with which a GET is answered; ``None`` if it is not, within 2 s."""
    connection = HTTPConnection(address.host, address.host_port, timeout=_READY_S)
    try:
        connection.request("GET", path, headers={"Host": f"127.0.0.1:{address.port}", "Connection": "close"})
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


class _Connection:
    """One request on a connection of its own, which never blocks."""

    def __init__(self, address: Address, request: bytes, *, new: bool) -> None:
        self._new = new
        self._proxied = address.proxied
        self._unsent = request
        self._answer = HttpAnswer()
        self._bytes = 0
        self.connected = False
        self.taken: bool | None = None
        self.end: End | None = None
        self._ended_ns = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self._began_ns = time.monotonic_ns()
        # What is wrong shows as the socket gets ready.
        with suppress(OSError):
            self.socket.connect((address.host, address.host_port))

    @property
    def local_port(self) -> int:
        """The port on this side."""
        return int(self.socket.getsockname()[1])

    @property
    def arrived(self) -> bool:
        """Whether the other side's kernel has acknowledged all of the request (tcp(7), ``SIOCOUTQ``)."""
        try:
            left = fcntl.ioctl(self.socket, termios.TIOCOUTQ, bytes(struct.calcsize("i")))
        except (OSError, ValueError):  # it was closed just now
            return False
        return self.connected and struct.unpack("i", left) == (0,)

    @property
    def nonsense(self) -> bool:
        """Whether the answer is none of HTTP/1."""
        return self._answer.broken

    @property
    def events(self) -> int:
        """What to wait for."""
        return selectors.EVENT_WRITE if self._unsent else selectors.EVENT_READ

    def advance(self) -> None:
        """Do what can be done without waiting."""
        try:
            if self._unsent:
                self._send()
            while self.end is None and not self._unsent:
                self._receive()
        except BlockingIOError:
            pass
        except (ConnectionResetError, BrokenPipeError):
            self.finish(End.RESET if self.connected else End.REFUSED)
        except OSError:
            self.finish(End.CUT if self.connected else End.REFUSED)

    def _send(self) -> None:
        number = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise OSError(number, "")  # becomes the subclass that stands for the number
        self._unsent = self._unsent[self.socket.send(self._unsent) :]
        self.connected = True

    def _receive(self) -> None:
        piece = self.socket.recv(_PIECE)
        self._bytes += len(piece)
        if piece:
            self._answer.feed(piece)
        else:
            self._answer.end()
        if self._answer.whole:
            self.finish(End.ANSWERED)
        elif self._answer.broken or not piece:
            self.finish(End.CUT)

    def finish(self, end: End) -> None:
        """Take in how it ended; what a proxy does with its connection is not always what the app did."""
        if self._proxied and end in (End.RESET, End.CUT):
            end = End.CLOSED if self._new and not self._bytes else End.CUT
        self._ended_ns = time.monotonic_ns()
        self.end = end
        self.socket.close()

    @property
    def exchange(self) -> Exchange:
        """What became of it."""
        return Exchange(
            began_ns=self._began_ns,
            ended_ns=self._ended_ns,
            end=self.end or End.CUT,
            status=self._answer.status,
            taken=self.taken,
        )


class HttpRequests:
    """GETs on connections of their own; see `harness.run.protocol.Requests`.

    Args:
        address: where to.
        path: what to get.
        number: how many.
        taken: gives the local ports of connections whose requests the app has read; ``None`` if that cannot be seen.
        there: says whether the container is still there; what is not is tried no more.

    Raises:
        EngineFault: nothing takes connections there.
    """

    def __init__(
        self,
        address: Address,
        path: str,
        number: int,
        *,
        taken: Callable[[], Iterable[int]] | None = None,
        there: Callable[[], bool] = lambda: True,
    ) -> None:
        self._address = address
        self._request = _request(address, path)
        self._taken = taken
        self._there = there
        self._more = False
        self._pressing = False
        self._next_ns = 0
        self._leaving = False
        self._news = threading.Condition()
        self._new: list[_Connection] = []
        self._sent: list[_Connection] = []
        self._selector = selectors.DefaultSelector()
        self._thread = threading.Thread(target=self._run, name="requests", daemon=True)
        try:
            self._sent = [self._begin(new=False) for _ in range(number)]
        except OSError as error:
            raise EngineFault(f"{number} connections cannot be opened at once: {error.strerror}") from error
        self._ports = [one.local_port for one in self._sent]
        self._thread.start()
        with self._news:
            self._news.wait_for(lambda: all(one.connected or one.end for one in self._sent), timeout=_CONNECT_S)
        if any(not one.connected for one in self._sent):
            self.close()
            raise EngineFault(
                f"nothing takes connections on port {address.port} of the container: is that the port, and does the "
                "app listen on it on all addresses, not on 127.0.0.1 alone?"
            )

    def taken(self) -> bool | None:
        """Whether the app has read all of them, or they have ended."""
        if self._taken is None:
            return None
        # Asked first: what has not arrived is not waiting to be read either.
        arrived = [one.arrived for one in self._sent]
        ports = frozenset(self._taken())
        for one, came, port in zip(self._sent, arrived, self._ports, strict=True):
            one.taken = one.taken or one.end is not None or (came and port in ports)
        return all(one.taken for one in self._sent)

    def ended(self) -> bool:
        """Whether all of them have ended."""
        return all(one.end for one in self._sent)

    def press(self) -> None:
        """Go on with new ones."""
        self._pressing = True

    def finish(self) -> Traffic:
        """Send no more, and return what became of all of them."""
        self._pressing = False
        with self._news:
            self._news.wait_for(lambda: all(one.end for one in self._all() if one.connected), timeout=_LAST_S)
        self.close()
        if any(one.nonsense for one in self._all()):
            raise EngineFault(f"what answers on port {self._address.port} of the container is not HTTP/1")
        return Traffic(
            sent=tuple(one.exchange for one in self._sent),
            # Who is still connecting has come to nobody.
            new=tuple(one.exchange for one in self._new if one.connected or one.end is End.REFUSED),
            more=self._more,
        )

    def close(self) -> None:
        """Give them up."""
        self._leaving = True
        self._thread.join()
        for one in self._all():
            if one.end is None:
                one.finish(End.CUT)
        self._selector.close()

    def _all(self) -> list[_Connection]:
        return [*self._sent, *self._new]

    def _begin(self, *, new: bool) -> _Connection:
        one = _Connection(self._address, self._request, new=new)
        self._selector.register(one.socket, one.events, one)
        return one

    def _run(self) -> None:
        while not self._leaving:
            for key, _ in self._selector.select(_LOOK_S / 2):
                self._advance(key.data)
            if self._pressing and time.monotonic_ns() >= self._next_ns:
                self._try()
                self._next_ns = time.monotonic_ns() + (_EVERY_NS if len(self._new) < _OFTEN else _LATER_NS)

    def _advance(self, one: _Connection) -> None:
        connection, connected = one.socket, one.connected
        number = connection.fileno()
        one.advance()
        with self._news:
            if one.end is not None:
                self._selector.unregister(number)
            elif one.connected and not connected:
                self._selector.modify(connection, one.events, one)
            self._news.notify_all()

    def _try(self) -> None:
        """Begin a new request, unless so many are unanswered that they would be a load of their own."""
        if sum(one.end is None for one in self._new) >= _MOST_OPEN:
            self._more = True
            return
        if not self._there():
            self._pressing = False
            return
        try:
            self._new.append(self._begin(new=True))
        except OSError:  # too many open files
            self._more = True
