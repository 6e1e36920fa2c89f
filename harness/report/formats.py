"""The formats of a results file for other programs and pages: one renderer each, loaded when it is asked for."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.comparison import Comparison
    from harness.report.document import Document


class Format(StrEnum):
    """What a document can be written as."""

    JSON = "json"
    JUNIT = "junit"
    MARKDOWN = "markdown"
    HTML = "html"
    SARIF = "sarif"


class _Renderer(Protocol):
    def render(self, document: Document, comparisons: Sequence[Comparison] = ()) -> str: ...


def render(wanted: Format, document: Document, comparisons: Sequence[Comparison] = ()) -> str:
    """Give a document in a format.

    Args:
        wanted: the format.
        document: the results.
        comparisons: the results held against what was recorded, base by base; JSON does not hold them.
    """
    if wanted is Format.JSON:
        from harness.report.document import encode

        return encode(document)
    return cast("_Renderer", import_module(f"harness.report.{wanted}")).render(document, comparisons)
