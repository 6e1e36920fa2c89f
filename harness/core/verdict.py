"""Verdicts with the facts that every output shows of them; delivery, outcome, expectation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Delivery(StrEnum):
    """How often the app's handler ran for one signal."""

    NONE = "none"
    ONCE = "once"
    DUPLICATE = "duplicate"


class Outcome(StrEnum):
    """What became of the container."""

    RUNNING = "running"
    EXITED = "exited"
    ENDED = "ended"


class Tone(StrEnum):
    """How a verdict is coloured, by what it means; an output has its own colour for each."""

    GOOD = "good"
    FAIR = "fair"
    BAD = "bad"
    ODD = "odd"
    OPEN = "open"


class Verdict(StrEnum):
    """The finding in one cell.

    ``rank`` says how much is left of the control that an app should have. 0: as it should be. 1: the app gets to know,
    but not quite what was sent. 2: it gets to know too late. 3: it does not get to know. Verdicts of one rank are bad
    in different ways, and a change between them is sideways: ``swallowed`` loses the grace period, ``killed`` loses the
    data at once. The rank is ``None`` for ``unstable``, which ranks as the worst of its runs, and for ``untested``,
    which is no finding.
    """

    rank: int | None
    symbol: str
    tone: Tone
    meaning: str

    def __new__(
        cls, word: str, rank: int | None = None, symbol: str = "", tone: Tone = Tone.OPEN, meaning: str = ""
    ) -> Self:
        """A verdict with its facts."""
        verdict = str.__new__(cls, word)
        verdict._value_ = word
        verdict.rank, verdict.symbol, verdict.tone, verdict.meaning = rank, symbol, tone, meaning
        return verdict

    FORWARDED = "forwarded", 0, "✓", Tone.GOOD, "received once, the app is in control"
    DUPLICATED = "duplicated", 1, "»", Tone.FAIR, "received, or sent, more than once"
    CUT_SHORT = "cut-short", 2, "✂", Tone.FAIR, "received, but the container ended first"
    TRANSLATED = "translated", 1, "⇄", Tone.FAIR, "another signal was received"
    SWALLOWED = "swallowed", 3, "○", Tone.BAD, "not received; everything keeps running"
    KILLED = "killed", 3, "✗", Tone.BAD, "not received, the app is gone"
    GRACEFUL = "graceful", 0, "✓", Tone.GOOD, "the app shut down within the grace period"
    ABRUPT = "abrupt", 3, "✂", Tone.FAIR, "the container ended before the app was done"
    FORCED = "forced", 3, "✗", Tone.BAD, "SIGKILL, after the whole grace period"
    KEPT = "kept", 0, "✓", Tone.GOOD, "the container's exit code is the app's"
    LOST = "lost", 3, "✗", Tone.BAD, "the container's exit code differs, or it keeps running"
    REAPED = "reaped", 0, "✓", Tone.GOOD, "an orphan that ended is gone"
    ZOMBIE = "zombie", 3, "○", Tone.FAIR, "an orphan that ended stays"
    UNSTABLE = "unstable", None, "~", Tone.ODD, "repeats disagree"
    UNTESTED = "untested", None, "?", Tone.OPEN, "could not be tested"

    @property
    def good(self) -> bool:
        """Whether it is what one wants of a container: each probe has one such verdict."""
        return self.rank == 0


WORST_RANK = max(verdict.rank for verdict in Verdict if verdict.rank is not None)


class Expected(StrEnum):
    """An expectation: the probe's good verdict is found on every base, on none, or that depends on the base."""

    ALWAYS = "always"
    NEVER = "never"
    DEPENDS = "depends"


class Holds(StrEnum):
    """Whether a claim stood the test."""

    HELD = "held"
    REFUTED = "refuted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What one run's evidence means; ``delivery`` is ``None`` where no signal is at stake, or it is not known."""

    verdict: Verdict
    delivery: Delivery | None
    outcome: Outcome | None
    reason: str
