"""Options as a journal tells them, from the records that hold them: by what one calls each, as text. Pure."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from harness.core.journal import option
from harness.core.subject import Answering, Healthy, Listening, LogPattern, Quiescent, Succeeding, way_of

if TYPE_CHECKING:
    from collections.abc import Collection

_CALLED: Final = {
    "environment": option("--env"),
    "volumes": option("--volume"),
    "command": "the command",
    "ready_s": option("--ready-timeout"),
    "process": option("--app"),
    "settle_s": option("--settle"),
    "tries": "whether fixes are tried",
}
"""Fields that are not called as the option of their name."""
_DIGITS: Final = 12


def told(record: Any, *, leaving: Collection[str] = ()) -> dict[str, str | None]:
    """The fields of a dataclass, but for some, by what one calls them; ``None`` for one that is not given.

    What variables hold is not told: a digest of it is.
    """
    names = [one.name for one in fields(record) if one.name not in leaving]
    return {_CALLED.get(name, option(f"--{name.replace('_', '-')}")): _text(getattr(record, name)) for name in names}


def _text(value: object) -> str | None:
    match value:
        case bool():
            return "yes" if value else "no"
        case re.Pattern():
            return str(value.pattern)
        case tuple():
            return shlex.join(value) or None
        case Mapping():
            return ", ".join(f"{name}={_digest(str(held))}" for name, held in value.items()) or None
        case LogPattern() | Quiescent() | Healthy() | Listening() | Succeeding() | Answering():
            return way_of(value)
    return None if value is None else str(value)


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode(errors='surrogateescape')).hexdigest()[:_DIGITS]}"
