"""What a process of the harness has on the engine and in the kernel, and when it is in the middle of a cell."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import docker
from docker.utils import kwargs_from_env

from harness.run.inbox import Inbox
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

_SOON_S = 60
_RUN = "signal-harness.run"


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


def swept(pid: int) -> bool:
    """Whether nothing is left of a process that was killed, or soon is: another run may be removing it just now."""
    return until(lambda: not left_behind(pid) or None, timeout_s=_SOON_S, time=Inbox()) is True


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


def counting_cells() -> AbstractContextManager[Callable[[int], int]]:
    """Follow the engine, and give what tells for how many runs of cells a process has started containers meanwhile."""
    return _counting(lambda run: run != "facts")


def counting_facts() -> AbstractContextManager[Callable[[int], int]]:
    """Follow the engine, and give what tells how many containers a process has started to look at bases meanwhile."""
    return _counting(lambda run: run == "facts")


@contextmanager
def _counting(of: Callable[[str], bool]) -> Iterator[Callable[[int], int]]:
    """Follow the engine, and give what counts the containers that a process has started, by the label of their run.

    An engine can be asked for the last 256 events only (moby, daemon/events), so they are read as they come.
    """
    api = _engine()
    filters = {"type": ["container", "volume"], "event": ["start", "create"]}
    events = api.events(decode=True, filters=filters, since=int(time.time()))

    def count(pid: int) -> int:
        end = f"signal-harness-test-{uuid4().hex}"
        api.create_volume(end)
        try:
            told = takewhile(lambda event: event["Actor"]["ID"] != end, events)
            starts = [event["Actor"]["Attributes"] for event in told if event["Action"] == "start"]
        finally:
            api.remove_volume(end)
        name, _, value = owner(pid).partition("=")
        return sum(attributes.get(name) == value and of(attributes[_RUN]) for attributes in starts)

    try:
        yield count
    finally:
        events.close()


def _events(kind: str, pid: int, *, since: int, until: int) -> Any:
    filters = {"event": kind, "label": owner(pid)}
    return _engine().events(decode=True, filters=filters, since=since, until=until)


def _of_a_cell(event: dict[str, Any]) -> bool:
    """Whether an event is of a container of a cell: bases are looked at in one, too."""
    return bool(event["Actor"]["Attributes"][_RUN] != "facts")
