"""The catalogue: which variants there are, what is expected of each, and who claims what. Text in, records out."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from harness.core.errors import UsageError
from harness.core.program import PROGRAMS
from harness.core.question import OTHER_PROBES, Probe
from harness.core.signals import Signal, parse_signal
from harness.core.subject import (
    ANY,
    CODE,
    App,
    Built,
    Claim,
    ExitSetting,
    Expectation,
    LaunchOptions,
    LogPattern,
    Quiescent,
    StopSetting,
    Subject,
)
from harness.core.toml import read_toml, unknown_key
from harness.core.verdict import Expected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SCHEMA: Final = 1
FILE_NAME: Final = "catalogue.toml"
LIMITS: Final = LaunchOptions(network="none", memory="512m", pids_limit=256)
"""How the matrix runs, unless a catalogue says otherwise: nothing to reach, and no way to harm the machine."""

_Words = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """A row of the catalogue: one Dockerfile (and stage) plus run options. On a base it becomes a `Subject`."""

    name: str
    title: str
    dockerfile: str
    target: str | None = None
    launch: LaunchOptions = LIMITS
    requires: Mapping[str, str] = field(default_factory=dict)
    expect: Expectation = field(default_factory=lambda: Expectation(forwards=Expected.DEPENDS))
    claim: Claim | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    """A folder's worth of variants.

    ``context`` is relative to that folder. ``bases`` are the images to use if the user names none, ``requires`` what
    every base must have for any variant to work.
    """

    context: str
    app: App
    variants: tuple[Variant, ...]
    bases: tuple[str, ...] = ()
    requires: Mapping[str, str] = field(default_factory=dict)

    def select(self, globs: Iterable[str]) -> tuple[Variant, ...]:
        """The variants that match any of the globs, in catalogue order; all if there are no globs.

        Raises:
            UsageError: a glob matches nothing.
        """
        wanted = tuple(globs)
        for glob in wanted:
            if not any(fnmatchcase(variant.name, glob) for variant in self.variants):
                raise self._no_variant(glob)
        return tuple(v for v in self.variants if not wanted or any(fnmatchcase(v.name, glob) for glob in wanted))

    def _no_variant(self, glob: str) -> UsageError:
        names = [variant.name for variant in self.variants]
        near = get_close_matches(glob, names) or get_close_matches(glob.strip("*?"), names, cutoff=_FAR)
        remedy = f"Did you mean {' or '.join(near)}?" if near else f"Known variants: {', '.join(names)}"
        return UsageError(f"no variant matches {glob!r}", remedy=remedy)

    def subject(self, variant: Variant, base: str) -> Subject:
        """A variant on a base."""
        return Subject(
            name=variant.name,
            title=variant.title,
            image=Built(base=base, dockerfile=variant.dockerfile, target=variant.target),
            app=self.app,
            launch=variant.launch,
            requires=variant.requires,
            expect=variant.expect,
            claim=variant.claim,
        )


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: unknown keys are errors."""


class _Stop(_Table, frozen=True):
    environment: dict[str, str] = {}
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    path: Annotated[str, msgspec.Meta(pattern="^/")] = "/"


class _Exit(_Table, frozen=True):
    environment: dict[str, str] = {}


class _App(_Table, frozen=True):
    ready: str | None = None
    received: str | None = None
    done: str | None = None
    only_logs: bool = msgspec.field(name="only-logs", default=False)
    stop: _Stop | None = None
    exit_code: _Exit | None = msgspec.field(name="exit-code", default=None)


class _Launch(_Table, frozen=True):
    environment: dict[str, str] = {}
    user: str | None = None
    network: str | None = LIMITS.network
    memory: str | None = LIMITS.memory
    pids_limit: int | None = LIMITS.pids_limit
    cpus: Annotated[float, msgspec.Meta(gt=0)] | None = None
    cap_drop: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    extra_hosts: dict[str, str] = {}
    stop_signal: str | None = None
    stop_timeout: int | None = None
    volumes: tuple[str, ...] = ()


class _Variant(_Table, frozen=True):
    name: str
    title: str
    dockerfile: str
    target: str | None = None
    init: bool = False
    entrypoint: _Words | None = None
    command: _Words | None = None
    cap_add: tuple[str, ...] = ()
    requires: dict[str, str] = {}
    expect: dict[str, Any] = {}
    claim: dict[str, Any] | None = None


class _File(_Table, frozen=True):
    schema: int
    context: str
    app: _App
    bases: tuple[str, ...] = ()
    requires: dict[str, str] = {}
    launch: _Launch = _Launch()
    variant: tuple[_Variant, ...] = ()


_FAR: Final = 0.4
"""How much a name must have in common with a word that is nearly none of them."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")


def parse_catalogue(text: str, *, place: str, has_file: Callable[[str], bool]) -> Catalogue:
    """Read a catalogue.

    Args:
        text: the content of ``catalogue.toml``.
        place: the file's name, for messages.
        has_file: tells whether a file or folder, relative to the catalogue's folder, is there.

    Raises:
        UsageError: anything is wrong, with its place: malformed TOML, unknown or missing keys, duplicate names,
            a missing Dockerfile or build context.
    """
    file = read_toml(text, _File, place=place)
    if file.schema != SCHEMA:
        raise UsageError(f"{place}: schema {file.schema} is unknown", remedy=f"This version reads schema {SCHEMA}.")
    if not file.variant:
        raise UsageError(f"{place}: there is no [[variant]]")
    for name, count in Counter(row.name for row in file.variant).items():
        if count > 1:
            raise UsageError(f"{place}: {count} variants are called {name!r}")
    for wanted in (file.context, *(row.dockerfile for row in file.variant)):
        if not has_file(wanted):
            raise UsageError(f"{place}: {wanted} is not there", remedy="Paths are relative to the catalogue's folder.")
    return Catalogue(
        context=file.context,
        app=_app(file.app, place=f"{place}, app"),
        variants=tuple(
            _variant(row, file.launch, place=f"{place}, variant {number} ({row.name})")
            for number, row in enumerate(file.variant, start=1)
        ),
        bases=file.bases,
        requires=_requires(file.requires, place=f"{place}, requires"),
    )


def _app(app: _App, *, place: str) -> App:
    if (app.stop or app.exit_code) and app.done is None:
        raise UsageError(f"{place}: done is missing: stop and exit-code need to see that the app is done")
    receipts = _pattern(app.received, "received", place)
    if receipts and "signal" not in receipts.pattern.groupindex:
        raise UsageError(f"{place}: received needs a group (?P<signal>…)")
    if app.exit_code and not any(CODE in value for value in app.exit_code.environment.values()):
        raise UsageError(f"{place}, exit-code: no variable of environment holds {CODE}")
    if app.only_logs and receipts is None:
        raise UsageError(f"{place}: received is missing: only-logs needs to see what the app logs")
    stop, leave = app.stop, app.exit_code
    return App(
        ready=_pattern(app.ready, "ready", place) or Quiescent(),
        receipts=receipts,
        done=_pattern(app.done, "done", place),
        stop=StopSetting(environment=stop.environment, port=stop.port, path=stop.path) if stop else None,
        exit_code=ExitSetting(environment=leave.environment) if leave else None,
        only_logs=app.only_logs,
    )


def _pattern(text: str | None, key: str, place: str) -> LogPattern | None:
    try:
        return None if text is None else LogPattern(pattern=re.compile(text))
    except re.error as error:
        raise UsageError(f"{place}: {key} is not a valid regular expression: {error}") from error


def _variant(row: _Variant, launch: _Launch, *, place: str) -> Variant:
    if not _NAME.fullmatch(row.name):
        raise UsageError(f"{place}: {row.name!r} is not a valid name", remedy="Use a-z, 0-9, '.', '_' and '-'.")
    common = msgspec.structs.asdict(launch) | {"cap_add": (*launch.cap_add, *row.cap_add)}
    return Variant(
        name=row.name,
        title=row.title,
        dockerfile=row.dockerfile,
        target=row.target,
        launch=LaunchOptions(init=row.init, entrypoint=row.entrypoint, command=row.command, **common),
        requires=_requires(row.requires, place=f"{place}, requires"),
        expect=_expectation(row.expect, place=f"{place}, expect")
        if row.expect
        else Expectation(forwards=Expected.DEPENDS),
        claim=None if row.claim is None else _claim(row.claim, place=f"{place}, claim"),
    )


def _requires(requires: Mapping[str, str], *, place: str) -> Mapping[str, str]:
    for program, wanted in requires.items():
        if program not in PROGRAMS:
            raise unknown_key(program, tuple(PROGRAMS), place=place)
        try:
            SpecifierSet("" if wanted == ANY else wanted)
        except InvalidSpecifier as error:
            raise UsageError(f"{place}: {wanted!r} is not a valid version specifier") from error
    return requires


def _claim(table: Mapping[str, Any], *, place: str) -> Claim:
    rest = dict(table)
    text, source = rest.pop("text", None), rest.pop("source", None)
    for key, value in (("text", text), ("source", source)):
        if not isinstance(value, str):
            raise UsageError(f"{place}: {key} is missing" if value is None else f"{place}, {key}: expected a string")
    return Claim(text=str(text), source=str(source), forwards=_expectation(rest, place=place))


def _expectation(table: Mapping[str, Any], *, place: str) -> Expectation:
    forwards: Expected | None = None
    signals: dict[Signal, Expected] = {}
    probes: dict[Probe, Expected] = {}
    for key, value in table.items():
        if value not in {*Expected}:
            raise UsageError(f"{place}: {key} is {value!r}", remedy="It is always, never or depends.")
        if key == "forwards":
            forwards = Expected(value)
        elif key in OTHER_PROBES:
            probes[Probe(key)] = Expected(value)
        else:
            try:
                signals[parse_signal(key)] = Expected(value)
            except UsageError as error:
                known = ("forwards", "names of signals", *OTHER_PROBES)
                raise unknown_key(key, known, place=place) from error
    return Expectation(forwards=forwards, signals=signals, probes=probes)
