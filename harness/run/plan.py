"""Which cells there are, and in which order they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.question import Probe, Question
from harness.core.subject import Cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.core.signals import Signal
    from harness.core.subject import Subject


def questions(signals: Sequence[Signal], probes: Sequence[Probe]) -> tuple[Question, ...]:
    """What is asked of each subject; the probe ``signal`` asks once per signal."""
    asked: list[Question] = []
    for probe in probes:
        asked += [Question(signal=signal) for signal in signals] if probe is Probe.SIGNAL else [Question(probe=probe)]
    return tuple(asked)


def cells(
    engine: str, subjects: Iterable[Subject], asked: Sequence[Question], *, column: str | None = None
) -> tuple[Cell, ...]:
    """Every subject × question on an engine, in the order of the subjects; ``column`` where it is one of several."""
    return tuple(
        Cell(engine=engine, subject=subject, question=question, column=column)
        for subject in subjects
        for question in asked
    )
