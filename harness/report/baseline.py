"""Recordings as baseline files, laid out for review: sorted, one line per cell."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import msgspec

from harness.core.document import SCHEMA
from harness.core.subject import base_label
from harness.core.verdict import Verdict
from harness.report.json import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.core.baseline import Recording

_OTHER: Final = re.compile(r"[^A-Za-z0-9._-]")


def file_name(reference: str, column: str | None = None) -> str:
    """The name of a base's baseline file, fit for any file system; ``column`` stands for its engine among several."""
    return ".".join(_OTHER.sub("_", word) for word in (base_label(reference), column or "") if word) + ".json"


def write(recording: Recording) -> str:
    """A recording as a baseline file. Cells that could not be tested are left out."""
    findings = {
        key: finding for key, finding in sorted(recording.findings.items()) if finding.verdict is not Verdict.UNTESTED
    }
    image = msgspec.structs.asdict(recording.base)
    variants = sorted({variant for variant, _ in findings} & set(recording.variants))
    cells = {
        "/".join(key): {name: value for name, value in asdict(finding).items() if value or name == "chain"}
        for key, finding in findings.items()
    }
    parts = {
        "schema": _text(SCHEMA),
        "base": _text(image.pop("reference")),
        "image": _lines(image),
        "engine": _lines(msgspec.structs.asdict(recording.engine)),
        "variants": _lines({variant: recording.variants[variant] for variant in variants}),
        "cells": _lines(cells),
    }
    return "{\n" + ",\n".join(f"  {_text(name)}: {text}" for name, text in parts.items()) + "\n}\n"


def _text(value: Any) -> str:
    return escaped(json.dumps(value, ensure_ascii=False))


def _lines(values: Mapping[str, Any]) -> str:
    inner = ",\n".join(f"    {_text(name)}: {_text(value)}" for name, value in values.items())
    return "{\n" + inner + "\n  }" if values else "{}"
