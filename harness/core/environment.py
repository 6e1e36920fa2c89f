"""Variables of a container as ``docker run`` reads them from its options and files. Text in, variables out; pure.

Source: docker/cli, opts/file.go (parseKeyValueFile) and opts/env.go (ValidateEnv).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_BLANKS: Final = "\t\n\v\f\r \x85\xa0"
"""What Go's unicode.IsSpace takes for a blank in Latin-1."""

_LINES: Final = "A line is NAME=VALUE, or NAME for the value in your environment; one that begins with # is a comment."


def variables(pairs: Iterable[str], *, own: Mapping[str, str]) -> dict[str, str]:
    """Variables given as ``NAME=VALUE``, or as ``NAME`` for what ``own`` has; one that is not set there is left out.

    Raises:
        UsageError: one has no name.
    """
    return dict(_known(map(_pair, pairs), own))


def variables_of_file(content: bytes, *, place: str, own: Mapping[str, str]) -> dict[str, str]:
    """The variables of a file for ``--env-file``: lines as of `variables`; blank ones and comments do not count.

    A value is taken as it stands, with its quotes and blanks.

    Raises:
        UsageError: the file is not UTF-8, or a name is missing or has a blank in it; the message names the line.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{place} is not UTF-8, as a file for --env-file has to be", remedy=_LINES) from error
    found: list[tuple[str, str | None]] = []
    for number, row in enumerate(text.split("\n"), 1):
        line = row.removesuffix("\r").lstrip(_BLANKS)
        if not line or line.startswith("#"):
            continue
        try:
            name, value = _pair(line)
        except UsageError as error:
            raise UsageError(f"{place}:{number}: {error.message}", remedy=_LINES) from None
        if any(blank in name for blank in _BLANKS):
            raise UsageError(f"{place}:{number}: the name {name!r} has a blank in it", remedy=_LINES)
        found.append((name, value))
    return dict(_known(found, own))


def _pair(text: str) -> tuple[str, str | None]:
    name, sign, value = text.partition("=")
    if not name:
        raise UsageError(f"{text!r} has no name", remedy="Write NAME=VALUE, or NAME for the value in your environment.")
    return name, value if sign else None


def _known(pairs: Iterable[tuple[str, str | None]], own: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in pairs:
        known = own.get(name) if value is None else value
        if known is not None:
            yield name, known
