"""The catalogue: which variants there are, what is expected of each, and who claims what. Text in, records out."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, TypeVar

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from harness.core.errors import UsageError
from harness.core.question import Probe
from harness.core.signals import Signal, parse_signal
from harness.core.subject import CODE, App, Claim, ExitSetting, Expectation, StopSetting, Variant
from harness.core.verdict import Expected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SCHEMA: Final = 1
FILE_NAME: Final = "catalogue.toml"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")
_FACTS: Final = ("node", "npm")
_MOST_PORT: Final = 65535
_OTHER_PROBES: Final = tuple(probe.value for probe in Probe if probe is not Probe.SIGNAL)
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    """A folder's worth of variants; ``context`` is relative to that folder."""

    context: str
    app: App
    variants: tuple[Variant, ...]

    def select(self, globs: Iterable[str]) -> tuple[Variant, ...]:
        """The variants that match any of the globs, in catalogue order; all if there are no globs.

        Raises:
            UsageError: a glob matches nothing.
        """
        wanted = tuple(globs)
        for glob in wanted:
            if not any(fnmatchcase(variant.name, glob) for variant in self.variants):
                raise UsageError(
                    f"no variant matches {glob!r}",
                    remedy="Known variants: " + ", ".join(variant.name for variant in self.variants),
                )
        return tuple(v for v in self.variants if not wanted or any(fnmatchcase(v.name, glob) for glob in wanted))


class _Table:
    """One TOML table, read key by key, that knows where it stands and what was not read."""

    def __init__(self, data: Any, place: str) -> None:
        if not isinstance(data, dict):
            raise UsageError(f"{place}: a table is wanted here")
        self.place = place
        self._data: dict[str, Any] = dict(data)

    def take(self, key: str, kind: type[T], *, default: T | None = None) -> T | None:
        value = self._data.pop(key, default)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise UsageError(f"{self.place}: {key} is {value!r}; a {_KINDS[kind]} is wanted")
        return value

    def need(self, key: str, kind: type[T]) -> T:
        value = self.take(key, kind)
        if value is None:
            raise UsageError(f"{self.place}: {key} is missing")
        return value

    def words(self, key: str) -> tuple[str, ...] | None:
        value = self.take(key, list)
        if value is None:
            return None
        if not value or not all(isinstance(word, str) for word in value):
            raise UsageError(f"{self.place}: {key} is empty or holds something that is no string")
        return tuple(value)

    def table(self, key: str) -> _Table | None:
        value = self.take(key, dict)
        return None if value is None else _Table(value, f"{self.place}, {key}")

    def rest(self) -> dict[str, Any]:
        rest, self._data = self._data, {}
        return rest

    def close(self, known: str) -> None:
        if self._data:
            raise UsageError(f"{self.place}: unknown key {next(iter(self._data))!r}", remedy=f"Known keys: {known}.")


_KINDS: Final = {str: "string", int: "whole number", bool: "true or false", list: "list", dict: "table"}


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
    try:
        document = _Table(tomllib.loads(text), place)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{place} is no valid TOML: {error}") from error
    schema = document.need("schema", int)
    if schema != SCHEMA:
        raise UsageError(f"{place}: schema {schema} is unknown", remedy=f"This version reads schema {SCHEMA}.")
    context = document.need("context", str)
    app = _app(document.table("app"), place)
    rows = document.take("variant", list) or []
    document.close("schema, context, app, variant")
    variants = tuple(_variant(_Table(row, f"{place}, variant {n}")) for n, row in enumerate(rows, start=1))
    if not variants:
        raise UsageError(f"{place}: there is no [[variant]]")
    for name, count in Counter(variant.name for variant in variants).items():
        if count > 1:
            raise UsageError(f"{place}: {count} variants are called {name!r}")
    for wanted in (context, *(variant.dockerfile for variant in variants)):
        if not has_file(wanted):
            raise UsageError(f"{place}: {wanted} is not there", remedy="Paths are relative to the catalogue's folder.")
    return Catalogue(context=context, app=app, variants=variants)


def _app(table: _Table | None, place: str) -> App:
    if table is None:
        raise UsageError(f"{place}: [app] is missing")
    done = table.take("done", str)
    app = App(
        ready=_pattern(table, "ready", table.need("ready", str)),
        received=_pattern(table, "received", table.need("received", str)),
        done=None if done is None else _pattern(table, "done", done),
        stop=_stop_setting(table.table("stop")),
        exit_code=_exit_setting(table.table("exit-code")),
    )
    if app.done is None and (app.stop or app.exit_code):
        raise UsageError(f"{table.place}: done is missing: stop and exit-code need to see that the app is done")
    if "signal" not in app.received.groupindex:
        raise UsageError(f"{table.place}: received needs a group (?P<signal>…)")
    table.close("ready, received, done, stop, exit-code")
    return app


def _stop_setting(table: _Table | None) -> StopSetting | None:
    if table is None:
        return None
    port, path = table.take("port", int), table.take("path", str, default="/")
    if port is not None and not 1 <= port <= _MOST_PORT:
        raise UsageError(f"{table.place}: port is {port}; 1 to {_MOST_PORT} is wanted")
    if not path or not path.startswith("/"):
        raise UsageError(f"{table.place}: path is {path!r}; it begins with /")
    setting = StopSetting(environment=_environment(table), port=port, path=path)
    table.close("environment, port, path")
    return setting


def _exit_setting(table: _Table | None) -> ExitSetting | None:
    if table is None:
        return None
    setting = ExitSetting(environment=_environment(table))
    if not any(CODE in value for value in setting.environment.values()):
        raise UsageError(f"{table.place}: no variable of environment holds {CODE}")
    table.close("environment")
    return setting


def _environment(table: _Table) -> dict[str, str]:
    inner = table.table("environment")
    environment = inner.rest() if inner else {}
    for name, value in environment.items():
        if not isinstance(value, str):
            raise UsageError(f"{table.place}, environment: {name} is {value!r}; a string is wanted")
    return environment


def _pattern(table: _Table, key: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise UsageError(f"{table.place}: {key} is no regular expression: {error}") from error


def _variant(table: _Table) -> Variant:
    name = table.need("name", str)
    if not _NAME.fullmatch(name):
        raise UsageError(f"{table.place}: {name!r} is no name", remedy="Use a-z, 0-9, '.', '_' and '-'.")
    table.place = f"{table.place} ({name})"
    expect = table.table("expect")
    claim = table.table("claim")
    variant = Variant(
        name=name,
        title=table.need("title", str),
        dockerfile=table.need("dockerfile", str),
        target=table.take("target", str),
        init=bool(table.take("init", bool)),
        entrypoint=table.words("entrypoint"),
        command=table.words("command"),
        requires=_requires(table.table("requires")),
        expect=_expectation(expect) if expect else Expectation(forwards=Expected.DEPENDS),
        claim=_claim(claim) if claim else None,
    )
    table.close("name, title, dockerfile, target, init, entrypoint, command, requires, expect, claim")
    return variant


def _requires(table: _Table | None) -> dict[str, str]:
    requires = table.rest() if table else {}
    for fact, wanted in requires.items():
        if table and fact not in _FACTS:
            raise UsageError(f"{table.place}: unknown fact {fact!r}", remedy=f"Known facts: {', '.join(_FACTS)}.")
        try:
            SpecifierSet(wanted)
        except (InvalidSpecifier, TypeError, AttributeError) as error:
            raise UsageError(f"{table and table.place}: {wanted!r} is no version specifier") from error
    return requires


def _claim(table: _Table) -> Claim:
    text, source = table.need("text", str), table.need("source", str)
    return Claim(text=text, source=source, forwards=_expectation(table))


def _expectation(table: _Table) -> Expectation:
    forwards: Expected | None = None
    signals: dict[Signal, Expected] = {}
    probes: dict[Probe, Expected] = {}
    for key, value in table.rest().items():
        try:
            wanted = Expected(value)
        except ValueError:
            raise UsageError(f"{table.place}: {key} is {value!r}", remedy="It is always, never or depends.") from None
        if key == "forwards":
            forwards = wanted
        elif key in _OTHER_PROBES:
            probes[Probe(key)] = wanted
        else:
            try:
                signals[parse_signal(key)] = wanted
            except UsageError as error:
                raise UsageError(
                    f"{table.place}: unknown key {key!r}",
                    remedy=f"Known keys: forwards, names of signals, {', '.join(_OTHER_PROBES)}.",
                ) from error
    return Expectation(forwards=forwards, signals=signals, probes=probes)
