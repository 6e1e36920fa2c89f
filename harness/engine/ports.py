"""The TCP ports and connections of a container, without connecting: from its network namespace in /proc."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_LISTEN: Final = "0A"
"""``TCP_LISTEN`` (include/net/tcp_states.h), as the column ``st`` of proc_net_tcp has it."""


_ESTABLISHED: Final = "01"
"""``TCP_ESTABLISHED``, likewise."""

_NOBODY: Final = "0"
"""The inode of a connection that no process has accepted yet: it has no file (net/ipv4/tcp_ipv4.c, ``sock_i_ino``)."""


def listening(pid: int) -> frozenset[int]:
    """The ports that are listened on in the network namespace of a process, over IPv4 or IPv6 (proc_pid_net(5))."""
    return frozenset(_port(row[1]) for row in _rows(pid) if row[3] == _LISTEN)


def taken(pid: int, port: int) -> frozenset[int]:
    """The peers' ports of connections to a port whose process has accepted them and read all that has come."""
    return frozenset(
        _port(row[2])
        for row in _rows(pid)
        if row[3] == _ESTABLISHED and _port(row[1]) == port and row[9] != _NOBODY and _unread(row[4]) == 0
    )


def holders(pids: Iterable[int], ports: Collection[int]) -> frozenset[int]:
    """Those of the processes of a container that have the socket open of one of its ports that is listened on.

    That is read from their files (proc_pid_fd(5)), which takes root for those of others; of whom it may not be read
    holds none.
    """
    all_pids = tuple(pids)
    sockets = {
        f"socket:[{row[9]}]"
        for pid in all_pids[:1]
        for row in _rows(pid)
        if row[3] == _LISTEN and _port(row[1]) in ports
    }
    return frozenset(pid for pid in all_pids if sockets and not sockets.isdisjoint(_files(pid)))


def _files(pid: int) -> Iterator[str]:
    """What the files of a process are, as far as that may be read."""
    with suppress(OSError):
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                yield str(file.readlink())


def _rows(pid: int) -> list[list[str]]:
    """The rows of both tables of TCP sockets, column by column."""
    found: list[list[str]] = []
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            _head, *rows = Path(f"/proc/{pid}/net/{name}").read_text(encoding="ascii").splitlines()
            found += [row.split() for row in rows]
    return found


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _unread(queues: str) -> int:
    """How many bytes wait to be read, of a column ``tx_queue:rx_queue``."""
    return int(queues.rpartition(":")[2], 16)
