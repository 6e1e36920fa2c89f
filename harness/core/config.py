"""The config of a team: what to check and how, what a stop may take, what is left be and why. Text in, records out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from harness.core.errors import UsageError
from harness.core.ignoring import Ignore
from harness.core.policy import REQUIRABLE
from harness.core.rules import Rule, find_rule
from harness.core.toml import convert, load, unknown_key

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE_NAME: Final = "signal-harness.toml"
PYPROJECT: Final = "pyproject.toml"
TABLE: Final = "signal-harness"
"""The table of ``[tool]`` in a pyproject.toml."""


def _one_of(*words: str) -> msgspec.Meta:
    """What an editor is told of a value; what reads it is the option, which names the others if it is none of them."""
    return msgspec.Meta(extra_json_schema={"enum": list(words)})


_Words = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
_Text = Annotated[str, msgspec.Meta(min_length=1)]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A table of the file: unknown keys are errors."""


class CheckOptions(_Table, frozen=True):
    """Options of ``check``, by their long names; those that may be repeated are lists, NAME=VALUE are tables."""

    signal: tuple[str, ...] | None = None
    probe: tuple[str, ...] | None = None
    app: str | None = None
    no_try: bool | None = None
    ready: str | None = None
    ready_timeout: float | None = None
    file: str | None = None
    target: str | None = None
    build_arg: dict[str, str] | None = None
    request: str | None = None
    in_flight: int | None = None
    port: int | None = None
    init: bool | None = None
    entrypoint: str | None = None
    env: dict[str, str] | None = None
    env_file: tuple[str, ...] | None = None
    user: str | None = None
    volume: tuple[str, ...] | None = None
    network: str | None = None
    stop_signal: str | None = None
    stop_timeout: int | None = None
    memory: str | None = None
    pids_limit: int | None = None
    cap_add: tuple[str, ...] | None = None
    read_only: bool | None = None
    tmpfs: tuple[str, ...] | None = None
    platform: str | None = None
    pull: Annotated[str, _one_of("missing", "always", "never")] | None = None
    repeat: int | None = None
    jobs: int | None = None
    # A helper is as good as root on the engine's machine: for who runs the command to ask for, not for a file.
    trace: Annotated[str, _one_of("auto", "on", "off")] | None = None
    settle: float | None = None
    engine: str | None = None
    max_stop: str | float | None = None
    require: tuple[Annotated[str, _one_of(*REQUIRABLE)], ...] | None = None


class SubjectTable(CheckOptions, frozen=True):
    """What is checked: one of ``image``, ``build`` (a folder) and ``archive``; ``command`` takes the place of CMD."""

    image: _Text | None = None
    build: _Text | None = None
    archive: _Text | None = None
    command: _Words | None = None


class IgnoreTable(_Table, frozen=True):
    """A rule that is left be, for subjects that match, with the reason; from the day after ``until`` no more."""

    rule: Annotated[str, _one_of(*(name for rule in Rule for name in (rule.value, rule.about.slug)))]
    reason: _Text
    subject: _Text = "*"
    until: dt.date | None = None


class ConfigFile(_Table, frozen=True):
    """``check`` holds options for all subjects, ``output`` files to write, by format."""

    check: CheckOptions = CheckOptions()
    subject: tuple[SubjectTable, ...] = ()
    output: dict[str, str] = {}
    ignore: tuple[IgnoreTable, ...] = ()


_KINDS: Final = ("image", "build", "archive")
_NO_OPTIONS: Final = (*_KINDS, "command")


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigSubject:
    """What a config checks: its ``kind`` (image, build, archive), its name there, and options by their long names."""

    kind: str
    name: str
    command: tuple[str, ...] | None
    options: dict[str, Any]
    place: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """A config: what is checked, options for all of it, outputs by format, and what is left be.

    ``place`` is the file's name, for messages.
    """

    place: str
    subjects: tuple[ConfigSubject, ...] = ()
    options: dict[str, Any]
    outputs: dict[str, str]
    ignores: tuple[Ignore, ...] = ()


def has_table(text: str, *, place: str) -> bool:
    """Whether the text of a pyproject.toml has our table.

    Raises:
        UsageError: it speaks of us, and is not valid TOML.
    """
    if TABLE not in text:
        return False
    tool = load(text, place=place).get("tool")
    return isinstance(tool, dict) and TABLE in tool


def parse_config(text: str, *, place: str, formats: tuple[str, ...], pyproject: bool = False) -> Config:
    """Read a config.

    Args:
        text: the content of the file.
        place: the file's name, for messages.
        formats: what ``output`` may name.
        pyproject: whether it is a pyproject.toml, of which only our table is read.

    Raises:
        UsageError: anything is wrong, with its place: malformed TOML, unknown or missing keys, values of a wrong kind,
            an unknown rule, a missing reason, a subject that is none or several things.
    """
    data: Any = load(text, place=place)
    if pyproject:
        data, place = data.get("tool", {}).get(TABLE, {}), f"{place}, tool.{TABLE}"
    file = convert(data, ConfigFile, place=place)
    for name in file.output:
        if name not in formats:
            raise unknown_key(name, formats, place=f"{place}, output")
    return Config(
        place=place,
        subjects=tuple(_subjects(file, place)),
        options=_options(file.check),
        outputs=dict(file.output),
        ignores=tuple(_ignore(row, f"{place}, ignore {number}") for number, row in enumerate(file.ignore, start=1)),
    )


def _subjects(file: ConfigFile, place: str) -> Iterator[ConfigSubject]:
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(file.subject, start=1):
        at = f"{place}, subject {number}"
        kinds = [kind for kind in _KINDS if getattr(row, kind) is not None]
        if len(kinds) != 1:
            said = " and ".join(kinds) or "nothing"
            raise UsageError(f"{at}: it names {said}", remedy=f"A subject has one of {', '.join(_KINDS)}.")
        name = getattr(row, kinds[0])
        if (kinds[0], name) in seen:
            raise UsageError(f"{at}: {name} is named twice", remedy="Keep one of them.")
        seen.add((kinds[0], name))
        yield ConfigSubject(
            kind=kinds[0], name=name, command=row.command, options=_options(row), place=f"{at} ({name})"
        )


def _options(row: CheckOptions) -> dict[str, Any]:
    """The options that are set, by their long names."""
    return {
        field.encode_name: value
        for field in msgspec.structs.fields(row)
        if field.name not in _NO_OPTIONS and (value := getattr(row, field.name)) is not None
    }


def _ignore(row: IgnoreTable, place: str) -> Ignore:
    if not row.reason.strip():
        raise UsageError(f"{place}: reason is empty", remedy="Say why the finding is as it should be.")
    try:
        rule = find_rule(row.rule)
    except UsageError as error:
        raise UsageError(f"{place}, rule: {error.message}", remedy=error.remedy) from error
    return Ignore(rule=rule, subject=row.subject, reason=row.reason.strip(), until=row.until, place=place)


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of ``signal-harness.toml``, and of ``[tool.signal-harness]``, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:signal-harness:config",
        "title": "signal-harness config",
        **_without_defaults(msgspec.json.schema(ConfigFile)),
    }


def _without_defaults(part: Any) -> Any:
    """A schema without the defaults of keys, which are those of the options and not known here."""
    if isinstance(part, dict):
        return {key: _without_defaults(value) for key, value in part.items() if key != "default"}
    return [_without_defaults(value) for value in part] if isinstance(part, list | tuple) else part
