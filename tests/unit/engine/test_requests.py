"""Plain requests over real connections, to small servers of every kind of manners."""

from __future__ import annotations

import itertools
import os
import socket
import struct
import threading
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import EngineFault
from harness.core.flight import End, Traffic
from harness.engine.ports import taken
from harness.engine.reach import Address, reach
from harness.engine.requests import HttpRequests, status_of
from harness.run.inbox import Inbox
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole"
HALF = WHOLE[:-2]
LONG_S = 20.0


def reset(connection: socket.socket) -> None:
    """Close it with RST: SO_LINGER with a time of 0 (socket(7))."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Server:
    """Takes connections until it is closed, and reads a request on each."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.requests: list[bytes] = []
        self.open: list[socket.socket] = []
        self._news = threading.Condition()
        self.answer: bytes | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            request = b""
            while not request.endswith(b"\r\n\r\n") and (piece := connection.recv(1000)):
                request += piece
            with self._news:
                self.requests.append(request)
                if self.answer is None:
                    self.open.append(connection)
                else:
                    connection.sendall(self.answer)
                    connection.close()
                self._news.notify_all()

    def wait_for(self, number: int) -> None:
        with self._news:
            assert self._news.wait_for(lambda: len(self.requests) >= number, timeout=LONG_S), self.requests

    def each(self, act: Callable[[socket.socket], None]) -> None:
        for connection in self.open:
            act(connection)

    def close(self) -> None:
        # A thread that waits in accept(2) is woken by shutdown alone.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            connection.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    if made.listener.fileno() >= 0:
        made.close()


def at(port: int, *, proxied: bool = False) -> Address:
    return Address(host="127.0.0.1", host_port=port, port=8080, proxied=proxied)


@contextmanager
def sent(server: Server, number: int = 2, *, proxied: bool = False) -> Iterator[HttpRequests]:
    with closing(HttpRequests(at(server.port, proxied=proxied), "/slow?x=1", number)) as requests:
        server.wait_for(number)
        yield requests


def wait_until_ended(requests: HttpRequests) -> None:
    assert until(lambda: requests.ended() or None, timeout_s=LONG_S, time=Inbox())


def ends(traffic: Traffic) -> list[End]:
    return [one.end for one in traffic.sent]


def test_they_are_plain_gets_each_on_its_own_connection(server: Server) -> None:
    with sent(server, 3) as requests:
        assert not requests.ended()
    assert len(server.open) == 3
    request = server.requests[0]
    assert request.startswith(b"GET /slow?x=1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n")
    assert b"\r\nConnection: close\r\n" in request


def test_answers_that_come_whole(server: Server) -> None:
    with sent(server) as requests:
        server.each(lambda connection: connection.sendall(WHOLE))
        wait_until_ended(requests)
        traffic = requests.finish()
    assert ends(traffic) == [End.ANSWERED] * 2
    assert all(one.status == 200 and one.ended_ns > one.began_ns for one in traffic.sent)
    assert traffic.new == ()


@pytest.mark.parametrize("begun", [b"", HALF], ids=["before it began", "in the middle"])
@pytest.mark.parametrize(
    ("act", "proxied", "end"),
    [
        (socket.socket.close, False, End.CUT),
        (reset, False, End.RESET),
        (reset, True, End.CUT),
    ],
    ids=["closed", "reset", "reset, as a proxy tells it"],
)
def test_an_answer_that_breaks_off(
    server: Server, begun: bytes, act: Callable[[socket.socket], None], proxied: bool, end: End
) -> None:
    with sent(server, proxied=proxied) as requests:
        server.each(lambda connection: connection.sendall(begun))
        server.each(act)
        wait_until_ended(requests)
        assert ends(requests.finish()) == [end] * 2


def test_each_ends_by_itself(server: Server) -> None:
    with sent(server, 3) as requests:
        server.open[0].sendall(WHOLE)
        reset(server.open[1])
        server.open[2].close()
        wait_until_ended(requests)
        assert sorted(ends(requests.finish())) == sorted([End.ANSWERED, End.RESET, End.CUT])


def test_what_nobody_ends_is_cut_as_the_container_is_gone(server: Server) -> None:
    with sent(server) as requests:
        assert ends(requests.finish()) == [End.CUT] * 2


def test_new_ones_go_on_until_nobody_takes_them(server: Server) -> None:
    with sent(server, 1) as requests:
        server.answer = WHOLE
        requests.press()
        server.wait_for(4)
        server.close()
        refused = until(
            lambda: any(one.end is End.REFUSED for one in requests._new) or None, timeout_s=LONG_S, time=Inbox()
        )
        assert refused
        traffic = requests.finish()
    assert sum(one.end is End.ANSWERED for one in traffic.new) >= 3
    assert traffic.new[-1].end is End.REFUSED
    starts = [one.began_ns for one in traffic.new]
    assert all(later - earlier >= 20_000_000 for earlier, later in itertools.pairwise(starts))


def test_new_ones_are_not_sent_to_whoever_has_the_address_next(server: Server) -> None:
    left = iter([True, True])
    with closing(HttpRequests(at(server.port), "/", 1, there=lambda: next(left, False))) as requests:
        server.answer = WHOLE
        requests.press()
        server.wait_for(3)
        assert until(lambda: not requests._pressing or None, timeout_s=LONG_S, time=Inbox())
        assert len(requests.finish().new) == 2


@pytest.mark.parametrize(("proxied", "end"), [(False, End.CUT), (True, End.CLOSED)])
def test_new_ones_that_are_taken_and_closed_are_lost_unless_a_proxy_may_have_done_it(
    server: Server, proxied: bool, end: End
) -> None:
    with sent(server, 1, proxied=proxied) as requests:
        server.answer = b""
        requests.press()
        server.wait_for(3)
        traffic = requests.finish()
    assert traffic.new[0].end is end


def test_what_is_no_http_is_a_fault(server: Server) -> None:
    with sent(server) as requests:
        server.each(lambda connection: connection.sendall(b"SSH-2.0-x\r\n"))
        wait_until_ended(requests)
        with pytest.raises(EngineFault, match="what answers on port 8080 of the container is not HTTP/1"):
            requests.finish()


def test_a_port_where_nobody_listens_is_a_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(EngineFault, match="nothing takes connections on port 8080 of the container"):
        HttpRequests(at(port), "/", 2)


def test_nothing_is_left_open(server: Server) -> None:
    with sent(server, 3) as requests:
        assert len(connections(server.port)) == 3
        server.answer = WHOLE
        requests.press()
        server.wait_for(5)
    assert connections(server.port) == set()


def connections(port: int) -> set[str]:
    """The sockets of this process that are connected to a port, by their inodes (proc_net_tcp(5), proc_pid_fd(5))."""
    lines = (line.split() for line in Path("/proc/self/net/tcp").read_text(encoding="ascii").splitlines()[1:])
    to_port = {words[9] for words in lines if int(words[2].rpartition(":")[2], 16) == port}
    ours: set[str] = set()
    for path in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # what runs beside this closes files
            ours.add(path.readlink().name)
    return {inode for inode in to_port if f"socket:[{inode}]" in ours}


def test_whether_the_app_has_read_them_is_seen_where_it_can_be() -> None:
    """The kernel takes a connection for the app before the app does, and bytes before they are read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
        with closing(HttpRequests(at(port), "/", 1, taken=lambda: taken(os.getpid(), port))) as requests:
            assert requests.taken() is False
            connection, _ = listener.accept()
            with connection:
                assert requests.taken() is False
                connection.recv(10_000)
                assert until(lambda: requests.taken() or None, timeout_s=LONG_S, time=Inbox())
        with closing(HttpRequests(at(port), "/", 1)) as requests:
            assert requests.taken() is None


@pytest.mark.parametrize("status", [200, 302, 404, 503])
def test_the_status_of_a_get(server: Server, status: int) -> None:
    server.answer = f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode()
    assert status_of(at(server.port), "/ready") == status
    assert server.requests[0].startswith(b"GET /ready HTTP/1.1\r\n")


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n"], ids=["closed", "no HTTP"])
def test_what_does_not_answer_has_no_status(server: Server, answer: bytes) -> None:
    server.answer = answer
    assert status_of(at(server.port), "/") is None


BRIDGE = {"Networks": {"bridge": {"IPAddress": "172.17.0.9", "Gateway": "127.0.0.1"}}}
PORTS = {"Ports": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "33000"}]}}


class TestReach:
    def test_a_container_on_a_bridge_of_this_machine_is_reached_at_its_own_address(self) -> None:
        found = reach({**BRIDGE, **PORTS}, 8080, here=True)
        assert found == Address(host="172.17.0.9", host_port=8080, port=8080, proxied=False)

    @pytest.mark.parametrize(
        ("networks", "here"),
        [
            (BRIDGE, False),
            ({"Networks": {"bridge": {"IPAddress": "172.17.0.9", "Gateway": "192.0.2.77"}}}, True),
            ({"Networks": {"bridge": {"IPAddress": "", "Gateway": ""}}}, True),
            ({}, True),
        ],
        ids=["another machine", "another network namespace", "no address", "no network"],
    )
    def test_else_it_is_reached_where_its_port_is_published(self, networks: dict[str, object], here: bool) -> None:
        found = reach({**networks, **PORTS}, 8080, here=here)
        assert found == Address(host="127.0.0.1", host_port=33000, port=8080, proxied=True)

    @pytest.mark.parametrize("ports", [{}, {"Ports": None}, {"Ports": {"8080/tcp": None}}])
    def test_a_port_that_is_published_nowhere_is_reached_nowhere(self, ports: dict[str, object]) -> None:
        assert reach(ports, 8080, here=True) is None
