"""The results document as JSON, and the JSON Schema of it, made from its types."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from harness.core.document import SCHEMA, Document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.comparison import Comparison

_ODD: Final = re.compile(r"[^\x20-\x7e\n]")


def render(document: Document, _: Sequence[Comparison] = ()) -> str:
    """A document as JSON text; comparisons are not in it."""
    return indented(document)


def indented(value: object) -> str:
    """Anything that msgspec encodes, as JSON text for people and programs."""
    return escaped(msgspec.json.format(msgspec.json.encode(value), indent=2).decode()) + "\n"


def escaped(text: str) -> str:
    r"""JSON text that means the same, with what would do something to a terminal, or to its order, spelled out.

    These are all that are not printable, such as U+009B (begins a terminal's command) and U+202E (turns what follows
    around: Unicode Technical Report 36, 2.10). JSON has them raw only in strings, where ``\uXXXX`` means them too.
    """
    return _ODD.sub(lambda odd: odd[0] if odd[0].isprintable() else json.dumps(odd[0])[1:-1], text)


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:signal-harness:results:{SCHEMA}",
        "title": f"signal-harness results, schema {SCHEMA}",
        **msgspec.json.schema(Document),
    }
