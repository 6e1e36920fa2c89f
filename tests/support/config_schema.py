"""The JSON Schema of the config, for editors: ``python -m tests.support.config_schema`` writes it anew."""

from __future__ import annotations

from typing import Final

from harness.core.config import schema
from harness.report.json import indented
from tests.support.pasted import ROOT

FILE: Final = ROOT / "docs" / "config.schema.json"


def main() -> None:
    """Write it."""
    FILE.write_text(indented(schema()), encoding="utf-8")


if __name__ == "__main__":
    main()
