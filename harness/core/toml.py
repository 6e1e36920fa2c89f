"""TOML files of a known shape: text in, records out; what is wrong is said with its place and the next step."""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from typing import Any, Final, TypeVar

import msgspec

from harness.core.errors import UsageError

T = TypeVar("T")

_KINDS: Final = {
    "str": "a string",
    "int": "a whole number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "float": "a number",
    "null": "nothing",
}
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<key>.*)`")
_MISSING: Final = re.compile(r"Object missing required field `(?P<key>.*)`")
_STEP: Final = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<number>\d+)\]|\[\.\.\.\]")


def read_toml(text: str, shape: type[T], *, place: str) -> T:
    """Read a TOML document.

    Args:
        text: its content.
        shape: a msgspec Struct of what it must hold.
        place: the file's name, for messages.

    Raises:
        UsageError: it is not valid TOML, or not of this shape; the message names the place.
    """
    return convert(load(text, place=place), shape, place=place)


def load(text: str, *, place: str) -> dict[str, Any]:
    """A TOML document as plain data.

    Raises:
        UsageError: it is not valid TOML; the message names the place.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{place} is not valid TOML: {error}") from error


def convert(data: Any, shape: type[T], *, place: str) -> T:
    """Bring plain data, of a TOML document or a part of one, into a shape.

    Raises:
        UsageError: it is not of this shape; the message names the place.
    """
    try:
        return msgspec.convert(data, shape)
    except msgspec.ValidationError as error:
        raise _refusal(error, shape, data, place) from error


def _refusal(error: msgspec.ValidationError, shape: type, data: Any, place: str) -> UsageError:
    """What is of the wrong shape, and where: the way to it, with the name of each row of a list."""
    problem, _, path = str(error).partition(" - at `$")
    where = [place]
    kind: Any = shape
    for step in _STEP.finditer(path.removesuffix("`")):
        if step["key"] is not None:
            where.append(step["key"])
            kind = _field(kind, step["key"])
            data = data.get(step["key"]) if isinstance(data, dict) else None
        elif step["number"] is not None:
            data = data[int(step["number"])] if isinstance(data, list) else None
            name = data.get("name") if isinstance(data, dict) else None
            where[-1] += f" {int(step['number']) + 1}" + (f" ({name})" if isinstance(name, str) else "")
    at = ", ".join(where)
    if match := _UNKNOWN.fullmatch(problem):
        return unknown_key(match["key"], _keys(kind), place=at)
    if match := _MISSING.fullmatch(problem):
        return UsageError(f"{at}: {match['key']} is missing")
    words = re.sub(r"`(\w+)( \| null)?`", lambda type_: _KINDS.get(type_[1], type_[1]), problem)
    return UsageError(f"{at}: {words[:1].lower()}{words[1:]}")


def _field(kind: Any, key: str) -> Any:
    """The Struct that a key of a Struct holds (a list of them counts as one), or ``None``."""
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return None
    field = next((field for field in msgspec.structs.fields(kind) if field.encode_name == key), None)
    candidates = [field.type, *getattr(field.type, "__args__", ())] if field else []
    return next((one for one in candidates if isinstance(one, type) and issubclass(one, msgspec.Struct)), None)


def _keys(kind: Any) -> tuple[str, ...]:
    return tuple(field.encode_name for field in msgspec.structs.fields(kind)) if kind else ()


def unknown_key(key: str, known: tuple[str, ...], *, place: str) -> UsageError:
    """The error for a key that a table cannot have."""
    near = get_close_matches(key, known, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return UsageError(f"{place}: unknown key {key!r}", remedy=f"{hint}Known keys: {', '.join(known)}.")
