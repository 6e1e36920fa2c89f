"""The results document as JSON, and the JSON Schema of it, made from its types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from harness.core.document import SCHEMA, Document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.comparison import Comparison


def render(document: Document, _: Sequence[Comparison] = ()) -> str:
    """A document as JSON text; comparisons are not in it."""
    return indented(document)


def indented(value: object) -> str:
    """Anything that msgspec encodes, as JSON text for people and programs."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:signal-harness:results:{SCHEMA}",
        "title": f"signal-harness results, schema {SCHEMA}",
        **msgspec.json.schema(Document),
    }
