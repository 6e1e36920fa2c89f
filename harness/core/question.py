"""Questions: what is asked of a container, a signal or another probe."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from harness.core.errors import UsageError
from harness.core.signals import Signal, parse_signal
from harness.core.verdict import Verdict

_OF_A_SIGNAL: Final = (
    Verdict.FORWARDED,
    Verdict.DUPLICATED,
    Verdict.CUT_SHORT,
    Verdict.TRANSLATED,
    Verdict.SWALLOWED,
    Verdict.KILLED,
)


class Probe(StrEnum):
    """A kind of question; `harness.run.probes` has a module of the same name for each.

    ``about`` is its line in the help. ``verdicts`` are those that a single run can find, the good one first.
    """

    about: str
    verdicts: tuple[Verdict, ...]

    def __new__(cls, word: str, about: str = "", verdicts: tuple[Verdict, ...] = ()) -> Self:
        """A probe with its facts."""
        probe = str.__new__(cls, word)
        probe._value_ = word
        probe.about, probe.verdicts = about, verdicts
        return probe

    SIGNAL = "signal", "what becomes of each --signal, sent as docker kill does", _OF_A_SIGNAL
    STOP = (
        "stop",
        "docker stop, with a request in flight if a port is given: does the app get to finish?",
        (Verdict.GRACEFUL, Verdict.ABRUPT, Verdict.FORCED),
    )
    EXIT_CODE = (
        "exit-code",
        "the app exits with 42, 0 and 143: what does docker wait say?",
        (Verdict.KEPT, Verdict.LOST),
    )
    REAP = (
        "reap",
        "a process is orphaned and ends: does PID 1 wait for it?",
        (Verdict.REAPED, Verdict.ZOMBIE),
    )
    TTY = "tty", "Ctrl-C typed on a terminal: how often does it arrive?", _OF_A_SIGNAL

    @property
    def good(self) -> Verdict:
        """The verdict that one wants."""
        return self.verdicts[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked: a probe, and for the probe ``signal`` which signal."""

    probe: Probe = Probe.SIGNAL
    signal: Signal | None = None

    @property
    def name(self) -> str:
        """The question in one word: the signal's name, or the probe's."""
        return self.signal.name if self.signal else self.probe.value

    @property
    def order(self) -> tuple[int, int]:
        """Where its column stands: signals by number, then the other probes."""
        return list(Probe).index(self.probe), self.signal.number if self.signal else 0

    @classmethod
    def parse(cls, text: str) -> Question:
        """The question of a name: a probe's, or a signal's as `harness.core.signals.parse_signal` reads it.

        Raises:
            UsageError: it is neither.
        """
        if text in OTHER_PROBES:
            return cls(probe=Probe(text))
        return cls(signal=parse_signal(text))


OTHER_PROBES: Final = tuple(probe.value for probe in Probe if probe is not Probe.SIGNAL)
"""The names of the probes that ask about no particular signal."""


def is_signal(text: str) -> bool:
    """Whether a text is the name of a signal that can be asked about, spelled as `Question.name` spells it."""
    return text not in OTHER_PROBES and is_question(text)


def is_question(text: str) -> bool:
    """Whether a text is the name of a question, spelled as `Question.name` spells it."""
    try:
        return Question.parse(text).name == text
    except UsageError:
        return False
