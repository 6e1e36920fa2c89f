"""Containers that run anyway: which are meant, what a stop would do to each, and the document that says so. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from harness.core.document import Tool
from harness.core.errors import UsageError
from harness.core.forecast import Forecast, Stopping, Sure, forecast
from harness.core.process import apps_below_wrappers
from harness.core.signals import Signal, known_signal
from harness.core.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.core.process import Tree

SCHEMA: Final[Literal[1]] = 1
GRACE_S: Final = 10
"""The grace period of a stop where nothing is said (docs.docker.com, docker container stop)."""
_SIGTERM: Final = Signal(15)
_YOUNG_S: Final = 3.0
"""How long after its start a container may still be getting ready, as far as nothing else tells."""
_MOST_NAMES: Final = 8
_STOPPABLE: Final = frozenset({"running", "paused", "restarting"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A container as the engine lists it. ``ours`` says whether it is one that this program runs an experiment in."""

    id: str
    name: str
    image: str
    state: str
    ours: bool = False

    @property
    def stoppable(self) -> bool:
        """Whether there is anything to stop."""
        return self.state in _STOPPABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class Starting:
    """What is started, as an image says or a container: named as in a Dockerfile."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    stop_signal: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """A container that was looked at: what the engine says of it, and its processes, sampled once.

    ``stop_timeout`` is in seconds; ``None`` where nothing is said, negative where the engine waits for ever. ``age_s``
    is how long ago it was started, by the engine's clock. ``health`` is what its HEALTHCHECK says, empty without one.
    ``restart`` is the name of its restart policy, ``removed`` whether the engine removes it as it ends, ``shares_pids``
    whether it has no PID namespace of its own. ``image`` is what its image says, ``None`` if that is gone.
    ``executables`` are the names of the files that processes run, by PID
    on the host.
    """

    listed: Listed
    starting: Starting
    stop_timeout: int | None
    age_s: float
    init: bool = False
    health: str = ""
    restart: str = ""
    removed: bool = False
    shares_pids: bool = False
    image: Starting | None = None
    tree: Tree = ()
    executables: Mapping[int, str] = field(default_factory=dict)

    @property
    def stopping(self) -> Stopping:
        """How the engine would stop it; a STOPSIGNAL that is no signal counts as none (moby, ``StopSignal``)."""
        grace_s = GRACE_S if self.stop_timeout is None else self.stop_timeout
        unless = (
            "it is paused, and a stop resumes it" if self.listed.state == "paused" else "",
            "its health is still `starting`" if self.health == "starting" else "",
            "it was started a moment ago and may not be ready" if self._young else "",
        )
        return Stopping(
            signal=known_signal(self.starting.stop_signal) or _SIGTERM,
            grace_s=None if grace_s < 0 else grace_s,
            unless=tuple(filter(None, unless)),
        )

    @property
    def _young(self) -> bool:
        """Whether nothing tells that it is ready: neither its age nor its HEALTHCHECK."""
        return self.age_s < _YOUNG_S and self.health not in ("healthy", "starting")

    @property
    def forecast(self) -> Forecast:
        """What a stop would do."""
        if self.listed.state == "restarting" and not self.tree:
            return Forecast(verdict=None, sure=Sure.OPEN, reason="it has ended, and the engine is about to restart it")
        return forecast(self.tree, self.stopping, self.executables)


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process as it was: its PID in the container, where that is known, and what it does with the stop signal."""

    pid: int
    parent: int
    command: str
    app: bool
    catches: bool
    blocks: bool
    ignores: bool
    fetches: bool | None


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """A container and what a stop would do to it: ``expected`` is a verdict of `check`, ``None`` if it cannot be told.

    ``process`` is the command line of the one that decides it. ``notes`` are other things that a stop brings,
    ``check`` a command that measures the same in a container of its own; ``None`` where its image is gone, or ``check``
    cannot stop it in the same way.
    """

    name: str
    id: str
    image: str
    state: str
    stop_signal: str
    grace_s: int | None
    expected: Verdict | None
    sure: Sure
    reason: str
    process: str | None
    notes: tuple[str, ...]
    check: str | None
    processes: tuple[Process, ...]

    @property
    def bad(self) -> bool:
        """Whether it would not be stopped well, as far as can be told."""
        return self.expected is not None and not self.expected.good


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """All containers that were looked at, the worst first.

    ``left_out`` are containers that this program runs itself, where none is named; ``ended`` are those that ended while
    they were looked at.
    """

    schema: Literal[1]
    tool: Tool
    engine: str
    started: str
    duration_s: float
    containers: tuple[Audited, ...]
    left_out: tuple[str, ...]
    ended: tuple[str, ...]


def chosen(listed: Sequence[Listed], wanted: Sequence[str]) -> tuple[Listed, ...]:
    """The containers to look at: those that are named, as docker names them, else all that can be stopped.

    Raises:
        UsageError: a name fits none, or several, or one that does not run.
    """
    if not wanted:
        return tuple(one for one in listed if one.stoppable and not one.ours)
    return tuple(dict.fromkeys(_named(listed, name) for name in wanted))


def still_there(listed: Sequence[Listed], before: Sequence[Listed]) -> tuple[Listed, ...]:
    """Those of some containers that can be stopped still, or again."""
    ids = {one.id for one in before}
    return tuple(one for one in listed if one.id in ids and one.stoppable)


def _named(listed: Sequence[Listed], name: str) -> Listed:
    """The container of a whole name, a whole id, or the beginning of one id (docker's own rule)."""
    plain = name.removeprefix("/")
    found = [one for one in listed if plain in (one.name, one.id)]
    found = found or [one for one in listed if plain and one.id.startswith(plain)]
    if len(found) > 1:
        several = ", ".join(one.name for one in found[:_MOST_NAMES])
        raise UsageError(f"{name!r} is the beginning of several ids", remedy=f"It may be one of: {several}.")
    if not found:
        names = [one.name for one in listed if one.stoppable]
        near = get_close_matches(plain, names)
        others = f"Running: {', '.join(names[:_MOST_NAMES])}{', …' if len(names) > _MOST_NAMES else ''}."
        remedy = f"Did you mean {' or '.join(near)}?" if near else others if names else "None is running."
        raise UsageError(f"there is no container {name!r}", remedy=remedy)
    if not found[0].stoppable:
        raise UsageError(f"{name!r} is not running: it is {found[0].state}", remedy=f"docker start {found[0].name}")
    return found[0]


def audited(looked: Looked) -> Audited:
    """What a stop would do to a container, and why."""
    found, stopping = looked.forecast, looked.stopping
    apps = apps_below_wrappers(looked.tree)
    return Audited(
        name=looked.listed.name,
        id=looked.listed.id,
        image=looked.listed.image,
        state=looked.listed.state,
        stop_signal=stopping.signal.name,
        grace_s=stopping.grace_s,
        expected=found.verdict,
        sure=found.sure,
        reason=found.reason,
        process=found.process.command if found.process else None,
        notes=_notes(looked),
        check=shlex.join(words) if (words := check_of(looked)) else None,
        processes=tuple(
            Process(
                pid=one.inner_pid or one.pid,
                parent=next((other.inner_pid or other.pid for other in looked.tree if other.pid == one.ppid), 0),
                command=one.command,
                app=one in apps,
                catches=one.catches(stopping.signal),
                blocks=one.blocks(stopping.signal),
                ignores=one.ignores(stopping.signal),
                fetches=one.fetches_signals,
            )
            for one in looked.tree
        ),
    )


def ranked(looked: Iterable[Looked]) -> tuple[Audited, ...]:
    """All of them, the worst first; equals by name."""
    ordered = sorted(looked, key=lambda one: (one.forecast.order, one.listed.name))
    return tuple(map(audited, ordered))


def _notes(looked: Looked) -> tuple[str, ...]:
    notes = []
    if looked.restart == "always":
        notes.append("restart policy `always`: it starts again when the engine does, stopped or not")
    if looked.removed:
        notes.append("started with --rm: as it ends, the engine removes it and its log")
    return tuple(notes)


def check_of(looked: Looked) -> tuple[str, ...]:
    """The command that measures a stop in a container of its own, started as this one as far as its image does not say.

    Values of variables are left to the environment of who runs it, as they may be secret; mounts, networks and limits
    are left out.

    Returns:
        No words where there is none: the image is gone, or a check cannot stop a container in this way.
    """
    image, stopping = looked.image, looked.stopping
    if image is None or looked.shares_pids or not stopping.grace_s or not stopping.signal.catchable:
        return ()
    ran, options = looked.starting, ["--init"] if looked.init else []
    command = ran.command
    if ran.entrypoint != image.entrypoint:
        options += ["--entrypoint", ran.entrypoint[0] if ran.entrypoint else ""]
        command = (*ran.entrypoint[1:], *command)
    elif command == image.command:
        command = ()
    if ran.user != image.user:
        options += ["--user", ran.user]
    if ran.stop_signal and ran.stop_signal != image.stop_signal:
        options += ["--stop-signal", ran.stop_signal]
    if looked.stop_timeout is not None:
        options += ["--stop-timeout", str(looked.stop_timeout)]
    for name, value in ran.environment.items():
        if image.environment.get(name) != value:
            options += ["--env", name]
    return ("signal-harness", "check", looked.listed.image, *options, *(("--", *command) if command else ()))
