"""What changed, as JSON for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from harness.report.document import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.core.baseline import Finding
    from harness.core.cause import Shift
    from harness.core.comparison import Comparison, Difference


def encode(comparisons: Iterable[Comparison]) -> str:
    """Give comparisons as one JSON document: base by base what differs, and each cell that changed."""
    document = {"schema": SCHEMA, "comparisons": [_comparison(comparison) for comparison in comparisons]}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "old": comparison.old.base.reference,
        "new": comparison.new.base.reference,
        "image": _shift(comparison.image) if comparison.image else None,
        "base": [_shift(shift) for shift in comparison.base],
        "engine": [_shift(shift) for shift in comparison.engine],
        "same": comparison.same,
        "changed": [_difference(difference) for difference in comparison.differences],
    }


def _shift(shift: Shift) -> dict[str, Any]:
    return {"name": shift.name, "old": shift.old, "new": shift.new}


def _difference(difference: Difference) -> dict[str, Any]:
    variant, question = difference.key
    return {
        "variant": variant,
        "question": question,
        "change": difference.change,
        "old": _finding(difference.old),
        "new": _finding(difference.new),
        "cause": difference.cause.text if difference.cause else None,
        "detail": difference.cause.detail if difference.cause else None,
    }


def _finding(finding: Finding | None) -> dict[str, Any] | None:
    if finding is None:
        return None
    return {"verdict": finding.verdict, "seen": finding.seen, "signal": finding.signal, "chain": finding.chain}
