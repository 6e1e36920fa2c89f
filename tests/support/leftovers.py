"""What a process of the harness has on the engine and in the kernel, and when it is in the middle of a cell."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import docker
from docker.utils import kwargs_from_env

_SOON_S = 60


def _engine() -> docker.APIClient:
    """The engine that the environment names."""
    return docker.APIClient(**kwargs_from_env(), version="auto")


def owner(pid: int) -> str:
    """The label of every container that a process of this machine has made."""
    return f"signal-harness.owner={socket.gethostname()}:{pid}"


def containers_of(pid: int) -> list[str]:
    """The containers that a process has, running or not."""
    return [str(entry["Id"]) for entry in _engine().containers(all=True, filters={"label": owner(pid)})]


def left_behind(pid: int) -> list[str]:
    """What there is on the engine and in the kernel that a process with this number made."""
    instances = Path("/sys/kernel/tracing/instances").glob(f"signal-harness-{pid}-*")
    return containers_of(pid) + [path.name for path in instances]


def wait_for_a_signal(pid: int) -> None:
    """Return as soon as a process has sent one of its signals: it is in the middle of a cell then."""
    now = int(time.time())
    filters = {"event": "kill", "label": owner(pid)}
    events = _engine().events(decode=True, filters=filters, since=now - 1, until=now + _SOON_S)
    assert next(iter(events))["Action"] == "kill"
    events.close()
