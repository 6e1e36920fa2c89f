"""What is run and asked about: variants of a catalogue, the app in them, and cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from harness.core.question import Probe
from harness.core.verdict import Expected

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from harness.core.facts import BaseFacts
    from harness.core.signals import Signal


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """Whether signals are forwarded: a default, and exceptions by signal; and whether other probes find all well."""

    forwards: Expected | None = None
    signals: Mapping[Signal, Expected] = field(default_factory=dict)
    probes: Mapping[Probe, Expected] = field(default_factory=dict)

    def of(self, probe: Probe, signal: Signal | None = None) -> Expected | None:
        """What holds for one signal or another probe; ``None`` if nothing is said of it."""
        return self.probes.get(probe) if signal is None else self.signals.get(signal, self.forwards)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What the article or common advice says, and where."""

    text: str
    source: str
    forwards: Expectation = field(default_factory=Expectation)


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One Dockerfile (and stage) plus run options: a row of the catalogue."""

    name: str
    title: str
    dockerfile: str
    target: str | None = None
    init: bool = False
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    requires: Mapping[str, str] = field(default_factory=dict)
    expect: Expectation = field(default_factory=lambda: Expectation(forwards=Expected.DEPENDS))
    claim: Claim | None = None

    def unmet(self, facts: BaseFacts) -> str | None:
        """Why this variant cannot work on a base, or ``None`` if its requirements are met."""
        for fact, wanted in self.requires.items():
            found = getattr(facts, fact)
            if found is None:
                return f"it needs {fact} {wanted}, and the base has no {fact}"
            try:
                met = SpecifierSet(wanted).contains(Version(found), prereleases=True)
            except InvalidVersion:
                return f"it needs {fact} {wanted}, and the base's {fact} calls itself {found!r}"
            if not met:
                return f"it needs {fact} {wanted}, and the base has {found}"
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class StopSetting:
    """How the app is run to be stopped: so that it shuts down, and answers a request that is in flight.

    A request is a POST to ``path`` on ``port``, whose answer begins at once and ends when the request's body has come.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    path: str = "/"


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
    """The app under test: how its log is read, and how it is set up for probes.

    Named groups of the patterns: ``pid`` and ``ppid`` (ready), ``signal`` and ``t`` (received).
    """

    ready: re.Pattern[str]
    received: re.Pattern[str]
    done: re.Pattern[str] | None = None
    stop: StopSetting | None = None
    exit_code: ExitSetting | None = None

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The probes that a check of signals runs: ``signal``, and ``stop`` for an app that is set up for it."""
        return (Probe.SIGNAL, Probe.STOP) if self.stop else (Probe.SIGNAL,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """base × variant × what is asked: a signal, or another probe. Only the probe ``signal`` names its signal."""

    base: str
    variant: Variant
    signal: Signal | None = None
    probe: Probe = Probe.SIGNAL

    @property
    def question(self) -> str:
        """What is asked, in one word: the signal's name, or the probe's."""
        return self.signal.name if self.signal else self.probe.value

    @property
    def id(self) -> str:
        """A readable name, ``alpine-node24/npm-start/SIGTERM``."""
        return f"{base_label(self.base)}/{self.variant.name}/{self.question}"


def base_label(reference: str) -> str:
    """A base as it appears in ids and headings: short, without slashes."""
    return reference.removeprefix("local:").replace("/", "_")
