"""Which cells there are, and in which order they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.question import Probe
from harness.core.subject import Cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.signals import Signal
    from harness.core.subject import Variant


def cells(
    bases: Sequence[str], variants: Sequence[Variant], signals: Sequence[Signal], probes: Sequence[Probe]
) -> tuple[Cell, ...]:
    """Every base × variant × question, grouped by base as the table shows them; ``signal`` asks once per signal."""
    questions: list[tuple[Probe, Signal | None]] = []
    for probe in probes:
        questions += [(probe, signal) for signal in signals] if probe is Probe.SIGNAL else [(probe, None)]
    return tuple(
        Cell(base=base, variant=variant, probe=probe, signal=signal)
        for base in bases
        for variant in variants
        for probe, signal in questions
    )
