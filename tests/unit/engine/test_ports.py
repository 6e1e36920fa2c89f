"""The ports that are listened on, as the kernel shows them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from harness.engine.ports import holders, listening, taken


def test_a_port_is_listened_on_from_then_on_until_it_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
        assert port in listening(os.getpid())
    assert port not in listening(os.getpid())


def test_ipv6_counts_and_a_connection_does_not() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as server:
        server.bind(("::1", 0))
        assert server.getsockname()[1] not in listening(os.getpid())
        server.listen()
        with socket.create_connection(server.getsockname()[:2]) as client:
            assert server.getsockname()[1] in listening(os.getpid())
            assert client.getsockname()[1] not in listening(os.getpid())


def test_a_port_is_held_by_those_who_have_its_socket_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as another:
        port, other = (int(one.getsockname()[1]) for one in (server, another))
        words = [sys.executable, "-c", "input()"]
        with (
            subprocess.Popen(words, stdin=subprocess.PIPE, pass_fds=[server.fileno()]) as heir,
            subprocess.Popen(words, stdin=subprocess.PIPE) as stranger,
        ):
            pids = (os.getpid(), heir.pid, stranger.pid, 2**22 + 1)
            assert holders(pids, [port]) == {os.getpid(), heir.pid}
            assert holders(pids, [other]) == {os.getpid()}
            assert holders(pids, []) == holders((), [port]) == frozenset()
            for process in (heir, stranger):
                process.communicate(b"\n")


def test_of_a_process_that_is_gone_there_are_none() -> None:
    assert listening(2**22 + 1) == frozenset()


def test_a_connection_is_taken_once_it_is_accepted_and_read() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
        with socket.create_connection(server.getsockname()) as client:
            own = {int(client.getsockname()[1])}
            assert taken(os.getpid(), port) == set()
            accepted, _ = server.accept()
            with accepted:
                assert taken(os.getpid(), port) == own
                client.sendall(b"more")
                assert taken(os.getpid(), port) == set()
                accepted.recv(4)
                assert taken(os.getpid(), port) == own
                assert taken(os.getpid(), port + 1) == set()
        assert taken(os.getpid(), port) == set()
