"""What a process of the harness has on the engine and in the kernel, and when it is in the middle of a cell."""

from __future__ import annotations

import socket
import time
from itertools import islice
from pathlib import Path
from typing import Any

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
    events = _events("kill", pid, since=now - 1, until=now + _SOON_S)
    assert next(iter(events))["Action"] == "kill"
    events.close()


def wait_for_cells(pid: int, number: int) -> None:
    """Return as soon as a process has started containers for so many runs of cells."""
    now = int(time.time())
    events = _events("start", pid, since=now - 1, until=now + _SOON_S)
    assert len(list(islice(filter(_of_a_cell, events), number))) == number
    events.close()


def cells_started_by(pid: int, since: float) -> int:
    """For how many runs of cells a process that has ended has started containers, from a time on."""
    return len(list(filter(_of_a_cell, _events("start", pid, since=int(since), until=int(time.time()) + 1))))


def _events(kind: str, pid: int, *, since: int, until: int) -> Any:
    filters = {"event": kind, "label": owner(pid)}
    return _engine().events(decode=True, filters=filters, since=since, until=until)


def _of_a_cell(event: dict[str, Any]) -> bool:
    """Whether an event is of a container of a cell: bases are looked at in one, too."""
    return bool(event["Actor"]["Attributes"]["signal-harness.run"] != "facts")
