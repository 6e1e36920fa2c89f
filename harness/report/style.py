"""How verdicts look everywhere: symbols and words, never colour alone; and text that is safe to show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from harness.core.judge import as_expected
from harness.core.ranking import Change
from harness.core.verdict import VERDICTS, Expected, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.core.result import Result

LOOKS: Final = {
    Verdict.FORWARDED: ("✓", "green"),
    Verdict.DUPLICATED: ("»", "yellow"),
    Verdict.CUT_SHORT: ("✂", "yellow"),
    Verdict.TRANSLATED: ("⇄", "yellow"),
    Verdict.SWALLOWED: ("○", "red"),
    Verdict.KILLED: ("✗", "red"),
    Verdict.GRACEFUL: ("✓", "green"),
    Verdict.ABRUPT: ("✂", "yellow"),
    Verdict.FORCED: ("✗", "red"),
    Verdict.KEPT: ("✓", "green"),
    Verdict.LOST: ("✗", "red"),
    Verdict.REAPED: ("✓", "green"),
    Verdict.ZOMBIE: ("○", "yellow"),
    Verdict.UNSTABLE: ("~", "magenta"),
    Verdict.UNTESTED: ("?", "cyan"),
}
MEANINGS: Final = {
    Verdict.FORWARDED: "received once, the app is in control",
    Verdict.DUPLICATED: "received, or sent, more than once",
    Verdict.CUT_SHORT: "received, but the container ended first",
    Verdict.TRANSLATED: "another signal was received",
    Verdict.SWALLOWED: "not received, all runs on",
    Verdict.KILLED: "not received, the app is gone",
    Verdict.GRACEFUL: "the app shut down, and answered the request in flight",
    Verdict.ABRUPT: "the container ended before the app was done",
    Verdict.FORCED: "SIGKILL, after the whole grace period",
    Verdict.KEPT: "the container's exit code is the app's",
    Verdict.LOST: "the container's exit code is another, or it runs on",
    Verdict.REAPED: "an orphan that ended is gone",
    Verdict.ZOMBIE: "an orphan that ended stays",
    Verdict.UNSTABLE: "repeats disagree",
    Verdict.UNTESTED: "could not be tested",
}
TONES: Final = {"green": "good", "yellow": "fair", "red": "bad", "magenta": "odd", "cyan": "open"}
"""The colours of `LOOKS` by what they mean, where a page has its own."""

CHANGED: Final = {
    Change.WORSE: "worse",
    Change.UNKNOWN: "not to be compared: untested then or now",
    Change.SIDEWAYS: "changed sideways: as bad as before, in another way",
    Change.GONE: "gone",
    Change.NEW: "new",
    Change.BETTER: "better",
    Change.SAME: "the same",
}
GOOD: Final = {probe: verdicts[0] for probe, verdicts in VERDICTS.items()}


def wanted_of(result: Result) -> str:
    """What the catalogue expects of a cell, in words."""
    good = GOOD[result.cell.probe]
    return {
        Expected.ALWAYS: good.value,
        Expected.NEVER: f"anything but {good}",
        Expected.DEPENDS: "what was recorded",
    }[result.expected]


def look(verdict: Verdict) -> Text:
    """A verdict as it is shown everywhere: symbol, word and colour."""
    symbol, style = LOOKS[verdict]
    return Text(f"{symbol} {verdict}", style=style)


def differs(result: Result, recorded: Mapping[str, Verdict]) -> bool:
    """Whether a result contradicts the catalogue or a baseline."""
    return as_expected(result.expected, result.verdict, recorded.get(result.cell.id)) is False


def printable(text: str) -> str:
    """Make text from a container safe for a terminal: control characters are spelled out, newlines kept."""
    return "".join(c if c == "\n" or c.isprintable() else f"\\x{ord(c):02x}" for c in text)
