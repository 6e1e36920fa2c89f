"""Which cells there are, and in which order they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.model import Cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.catalogue import Variant
    from harness.core.signals import Signal


def cells(bases: Sequence[str], variants: Sequence[Variant], signals: Sequence[Signal]) -> tuple[Cell, ...]:
    """Every base × variant × signal, grouped by base as the table shows them."""
    return tuple(
        Cell(base=base, variant=variant, signal=signal) for base in bases for variant in variants for signal in signals
    )
