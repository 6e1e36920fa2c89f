"""The TCP ports that a container listens on, without connecting: from its network namespace in /proc."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

_LISTEN: Final = "0A"
"""``TCP_LISTEN`` (include/net/tcp_states.h), as the column ``st`` of proc_net_tcp has it."""


def listening(pid: int) -> frozenset[int]:
    """The ports that are listened on in the network namespace of a process, over IPv4 or IPv6 (proc_pid_net(5))."""
    found: set[int] = set()
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            _head, *rows = Path(f"/proc/{pid}/net/{name}").read_text(encoding="ascii").splitlines()
            found |= {int(row.split()[1].rpartition(":")[2], 16) for row in rows if row.split()[3] == _LISTEN}
    return frozenset(found)
