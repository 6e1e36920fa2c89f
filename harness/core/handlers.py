"""The code that handles a signal, by the language that the app's program tells of. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from harness.core.fix import Fix
from harness.core.program import PROGRAMS, SHELLS, program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.core.signals import Signal

_FIRST_REAL_TIME: Final = 32
_LANGUAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "node": ("process.on('SIGNAL', () => server.close());",),
    "python": (
        "import signal, sys",
        "signal.signal(signal.SIGNAL, lambda *_: sys.exit(0))",
    ),
    "sh": ('trap \'kill -SHORT "$child"; wait "$child"; exit $?\' SHORT', 'the-command & child=$!; wait "$child"'),
}
_WITHOUT_REAL_TIME: Final = frozenset({"node"})


def handler(argv: Sequence[str], signal: Signal) -> Fix:
    """How an app handles a signal; in words where its language is not known, or has no way to."""
    language = _language(argv)
    if language in _WITHOUT_REAL_TIME and signal.number >= _FIRST_REAL_TIME:
        label = PROGRAMS[language].label
        return Fix(notes=(f"{label} has no handlers for real-time signals such as {signal.name}: send SIGTERM.",))
    lines = _LANGUAGES.get(language)
    if lines is None:
        return Fix(notes=(f"The app must handle {signal.name}, and end when it comes.",))
    short = signal.name.removeprefix("SIG")
    code = tuple(
        line.replace("signal.SIGNAL", f"signal.{signal.name}").replace("SIGNAL", signal.name) for line in lines
    )
    return Fix(code=tuple(line.replace("SHORT", short) for line in code))


def _language(argv: Sequence[str]) -> str:
    name = re.sub(r"[\d.]+$", "", program(argv))
    return "sh" if name in SHELLS else {"nodejs": "node"}.get(name, name)
