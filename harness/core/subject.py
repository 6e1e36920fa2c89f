"""Subjects: what is run (an image, built or given, launch options, the app in it); cells: what is asked about them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from harness.core.question import Probe, Question
from harness.core.verdict import Expected

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from harness.core.facts import BaseFacts
    from harness.core.signals import Signal


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """An image that is built on a base: by a Dockerfile of the catalogue's folder, up to a stage (else the last)."""

    base: str
    dockerfile: str
    target: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """An image that is there, or can be pulled."""

    reference: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """An image that is built of a folder as its Dockerfile says, like ``docker build``: up to a stage (else the last).

    ``dockerfile`` is the file's path from the folder, ``arguments`` are build arguments by name. ``edited`` are texts
    that take the place of what files hold, by their paths from the folder.
    """

    path: str
    dockerfile: str = "Dockerfile"
    target: str | None = None
    arguments: tuple[tuple[str, str], ...] = ()
    edited: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """An image in a file, as ``docker save`` writes it."""

    path: str


Image = Built | Given | Folder | Archive


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchOptions:
    """How a container is run, named as ``docker run`` names it; what is empty or ``None`` is left to the image.

    ``memory`` is as docker takes it (``512m``), ``tmpfs`` as well (``/run:size=64m``), ``platform`` too
    (``linux/arm64``). ``network`` is a mode, such as ``none``; ``None`` is the engine's own. ``extra_hosts`` are
    addresses by name. ``cpus`` is how many processors' time it may take at most.
    """

    init: bool = False
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    network: str | None = None
    memory: str | None = None
    pids_limit: int | None = None
    cpus: float | None = None
    extra_hosts: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str | None = None
    stop_timeout: int | None = None
    volumes: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    read_only: bool = False
    tmpfs: tuple[str, ...] = ()
    platform: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LogPattern:
    """An app that says something in its log, in a line that a regular expression finds."""

    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Quiescent:
    """An app that is ready once all its container's processes rest."""


@dataclass(frozen=True, slots=True)
class Healthy:
    """An app that is ready once its image's HEALTHCHECK says so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listening:
    """An app that is ready once its container listens on ports, TCP ones."""

    ports: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Succeeding:
    """An app that is ready once a command in its container succeeds."""

    command: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answering:
    """An app that is ready once it answers a GET of ``path`` on a published ``port`` with 2xx or 3xx.

    ``port`` is ``None`` until it is chosen, which may take the image that is run.
    """

    path: str
    port: int | None = None


Ready = LogPattern | Quiescent | Healthy | Listening | Succeeding | Answering


def way_of(ready: Ready) -> str:
    """How one spells when an app is ready, such as ``port:8080``; ports that are several, with commas."""
    match ready:
        case LogPattern(pattern=pattern):
            return f"log:{pattern.pattern}"
        case Quiescent():
            return "rest"
        case Healthy():
            return "healthy"
        case Listening(ports=ports):
            return f"port:{','.join(map(str, ports))}"
        case Succeeding(command=command):
            return f"exec:{shlex.join(command)}"
        case Answering(path=path):
            return f"http:{path}"


@dataclass(frozen=True, kw_only=True, slots=True)
class InFlight:
    """Requests that are under way as the app is stopped: so many GETs of ``path`` on ``port``.

    The app decides how long an answer takes.
    """

    path: str
    port: int
    number: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class StopSetting:
    """How the app is run to be stopped: so that it shuts down, and answers a request that is in flight.

    A request is a POST to ``path`` on ``port``, whose answer begins at once and ends when the request's body has come.
    An app that is not made for that may get plain requests ``in_flight`` instead.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    path: str = "/"
    in_flight: InFlight | None = None


CODE: Final = "{code}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExitSetting:
    """How the app is made to exit with a code soon after its start: by an environment that holds `CODE`."""

    environment: Mapping[str, str]

    def exiting(self, code: int) -> dict[str, str]:
        """The environment with which the app exits with a given code."""
        return {name: value.replace(CODE, str(code)) for name, value in self.environment.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class App:
    """The app under test: when it is ready, how its log is read, and how it is set up for probes.

    ``below_wrappers`` finds it in the process tree as the first that is no wrapper, or that ``process`` matches,
    instead of by the PID of its ready line. ``exposed`` are the ports that its image EXPOSEs. One that ``only_logs``
    is as it was once it has handled a signal, but for the line that it has written.

    Named groups of the patterns: ``pid`` and ``ppid`` (ready), ``signal`` and ``t`` (receipts). Without ``receipts``
    the kernel's record says what was delivered; without ``done`` the container's end says whether the app was done.
    """

    ready: Ready = field(default_factory=Quiescent)
    receipts: LogPattern | None = None
    done: LogPattern | None = None
    stop: StopSetting | None = None
    exit_code: ExitSetting | None = None
    below_wrappers: bool = False
    process: re.Pattern[str] | None = None
    exposed: tuple[int, ...] = ()
    only_logs: bool = False

    @property
    def port(self) -> int | None:
        """The port that has to be published so that it can be seen whether it is ready; ``None`` if none has."""
        return self.ready.port if isinstance(self.ready, Answering) else None

    @property
    def serves(self) -> tuple[int, ...]:
        """The ports that it is known to serve: exposed ones, and those where it is ready or is asked."""
        ready = self.ready.ports if isinstance(self.ready, Listening) else ()
        asked = (self.port, self.stop.in_flight.port if self.stop and self.stop.in_flight else None)
        return (*self.exposed, *ready, *(port for port in asked if port is not None))

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The probes that a check of signals runs: ``signal``, and ``stop`` for an app that is set up for it."""
        return (Probe.SIGNAL, Probe.STOP) if self.stop else (Probe.SIGNAL,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """Whether signals are forwarded: a default, and exceptions by signal; and whether other probes find all well."""

    forwards: Expected | None = None
    signals: Mapping[Signal, Expected] = field(default_factory=dict)
    probes: Mapping[Probe, Expected] = field(default_factory=dict)

    def of(self, question: Question) -> Expected | None:
        """What holds for one question; ``None`` if nothing is said of it."""
        if question.signal is None:
            return self.probes.get(question.probe)
        return self.signals.get(question.signal, self.forwards)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What the article or common advice says, and where."""

    text: str
    source: str
    forwards: Expectation = field(default_factory=Expectation)


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What is run and asked about. ``requires`` are versions that the base's programs must have."""

    name: str
    title: str
    image: Image
    app: App
    launch: LaunchOptions = field(default_factory=LaunchOptions)
    requires: Mapping[str, str] = field(default_factory=dict)
    expect: Expectation = field(default_factory=lambda: Expectation(forwards=Expected.DEPENDS))
    claim: Claim | None = None

    @property
    def base(self) -> str | None:
        """The base that its image is built on; ``None`` for one that was given."""
        return self.image.base if isinstance(self.image, Built) else None


ANY: Final = "*"
"""A requirement that any version of a program meets."""


def unmet(requires: Mapping[str, str], facts: BaseFacts) -> str | None:
    """Why a base does not meet requirements on its programs' versions, or ``None`` if it does."""
    for name, wanted in requires.items():
        version = facts.programs.get(name)
        if version is None:
            return f"it needs {name if wanted == ANY else f'{name} {wanted}'}, and the base has no {name}"
        if wanted == ANY:
            continue
        try:
            met = SpecifierSet(wanted).contains(Version(version), prereleases=True)
        except InvalidVersion:
            return f"it needs {name} {wanted}, and the base's {name} calls itself {version!r}"
        if not met:
            return f"it needs {name} {wanted}, and the base has {version}"
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """engine × subject × question; ``engine`` is the name that results give it.

    ``column`` stands for it in ids, where a run has several; see `harness.core.columns`.
    """

    engine: str
    subject: Subject
    question: Question
    column: str | None = None

    @property
    def id(self) -> str:
        """A readable name, ``debian-13/exec-form/SIGTERM``."""
        return cell_id(self.subject.base, self.subject.name, self.question, self.column)


def base_label(reference: str) -> str:
    """A base as it appears in ids and headings: short, without slashes."""
    return reference.removeprefix("local:").replace("/", "_")


def place_label(base: str | None, column: str | None) -> str:
    """Where cells are, as ids have it: ``debian-13``, or ``podman/debian-13`` where a run has several engines."""
    return "/".join(_place(base, column))


def _place(base: str | None, column: str | None) -> list[str]:
    return [*([] if column is None else [column]), *([] if base is None else [base_label(base)])]


def in_column(column: str | None) -> str:
    """What stands for an engine behind a name that is shown, where a run has several."""
    return "" if column is None else f" ({column})"


def cell_id(base: str | None, subject: str, question: Question, column: str | None = None) -> str:
    """A cell's readable name, ``debian-13/exec-form/SIGTERM``; a subject that has no base goes by its own.

    In a run of several engines, what stands for its engine comes first: ``podman/debian-13/exec-form/SIGTERM``.
    """
    return "/".join((*_place(base, column), subject, question.name))
