"""Verdicts, and what goes with one: delivery, outcome, expectation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from harness.core.question import Probe

if TYPE_CHECKING:
    from collections.abc import Mapping


class Delivery(StrEnum):
    """How often the app's handler ran for one ``docker kill``."""

    NONE = "none"
    ONCE = "once"
    DUPLICATE = "duplicate"


class Outcome(StrEnum):
    """What became of the container."""

    RUNNING = "running"
    EXITED = "exited"
    ENDED = "ended"


class Verdict(StrEnum):
    """What was found, for one cell. The first six are about a signal (probes ``signal`` and ``tty``)."""

    FORWARDED = "forwarded"
    DUPLICATED = "duplicated"
    CUT_SHORT = "cut-short"
    TRANSLATED = "translated"
    SWALLOWED = "swallowed"
    KILLED = "killed"
    GRACEFUL = "graceful"
    ABRUPT = "abrupt"
    FORCED = "forced"
    KEPT = "kept"
    LOST = "lost"
    REAPED = "reaped"
    ZOMBIE = "zombie"
    UNSTABLE = "unstable"
    UNTESTED = "untested"

    @property
    def good(self) -> bool:
        """Whether it is what one wants of a container: each probe has one such verdict."""
        return self in (Verdict.FORWARDED, Verdict.GRACEFUL, Verdict.KEPT, Verdict.REAPED)


_OF_A_SIGNAL: Final = (
    Verdict.FORWARDED,
    Verdict.DUPLICATED,
    Verdict.CUT_SHORT,
    Verdict.TRANSLATED,
    Verdict.SWALLOWED,
    Verdict.KILLED,
)
VERDICTS: Final[Mapping[Probe, tuple[Verdict, ...]]] = {
    Probe.SIGNAL: _OF_A_SIGNAL,
    Probe.STOP: (Verdict.GRACEFUL, Verdict.ABRUPT, Verdict.FORCED),
    Probe.EXIT_CODE: (Verdict.KEPT, Verdict.LOST),
    Probe.REAP: (Verdict.REAPED, Verdict.ZOMBIE),
    Probe.TTY: _OF_A_SIGNAL,
}
"""What a single run of each probe can find, the good verdict first."""


class Expected(StrEnum):
    """An expectation: the probe's good verdict is found on every base, on none, or that depends on the base."""

    ALWAYS = "always"
    NEVER = "never"
    DEPENDS = "depends"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What one run's evidence means; ``delivery`` is ``None`` where no signal is at stake."""

    verdict: Verdict
    delivery: Delivery | None
    outcome: Outcome | None
    reason: str
