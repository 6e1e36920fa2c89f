"""What changed, as JSON for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.core.document import SCHEMA
from harness.report.json import indented

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.core.comparison import Comparison, Difference


def encode(comparisons: Iterable[Comparison]) -> str:
    """Comparisons as one JSON document: base by base what differs, and each cell that changed."""
    changed = [
        {
            "old": comparison.old.base.reference,
            "new": comparison.new.base.reference,
            "engines": _engines(comparison),
            "image": comparison.image,
            "base": comparison.base,
            "engine": comparison.engine,
            "same": comparison.same,
            "changed": [_difference(difference) for difference in comparison.differences],
        }
        for comparison in comparisons
    ]
    return indented({"schema": SCHEMA, "comparisons": changed})


def _engines(comparison: Comparison) -> list[str | None] | None:
    """What stands for the two engines where a base is compared on both; ``None`` where each has the base on one."""
    columns = [comparison.old.column, comparison.new.column]
    return columns if any(columns) else None


def _difference(difference: Difference) -> dict[str, Any]:
    subject, question = difference.key
    cause = difference.cause
    return {
        "subject": subject,
        "question": question,
        "change": difference.change,
        "old": difference.old,
        "new": difference.new,
        "cause": cause.text if cause else None,
        "detail": cause.detail if cause else None,
    }
