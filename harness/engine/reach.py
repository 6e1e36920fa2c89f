"""Where a port of a container is reached from here: at the container's own address, else where it is published."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where to connect to, and the container's ``port`` that is behind it.

    ``proxied`` says whether a proxy of the engine takes the connection first: who is refused by the app then sees a
    connection that is closed at once (moby/libnetwork, cmd/proxy/tcp_proxy_linux.go).
    """

    host: str
    host_port: int
    port: int
    proxied: bool


def reach(settings: Mapping[str, Any], port: int, *, here: bool) -> Address | None:
    """Where a port of a container is reached; ``None`` if it is published nowhere, as the container has ended.

    Args:
        settings: the ``NetworkSettings`` that the engine inspects.
        port: the container's port, which is published.
        here: whether the container runs on this machine's kernel.
    """
    for network in (settings.get("Networks") or {}).values():
        address, gateway = network.get("IPAddress"), network.get("Gateway")
        if here and address and gateway and _ours(gateway):
            return Address(host=address, host_port=port, port=port, proxied=False)
    bound = (settings.get("Ports") or {}).get(f"{port}/tcp")
    return Address(host=_LOOPBACK, host_port=int(bound[0]["HostPort"]), port=port, proxied=True) if bound else None


def _ours(gateway: str) -> bool:
    """Whether a gateway is an address of this machine, so that the containers behind it are reached without a proxy.

    It is not where the engine has a network namespace or a machine of its own (rootless mode, Docker Desktop).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as test:
        try:
            test.bind((gateway, 0))
        except OSError:
            return False
    return True
