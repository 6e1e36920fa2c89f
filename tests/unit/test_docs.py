"""The README and the pages of docs agree with the program, and their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.core.verdict import Verdict

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "dockerfiles" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_lists_every_verdict_as_the_program_shows_it() -> None:
    rows = re.findall(
        r"^\| `(.)` \| `([\w-]+)` \| (.+) \|$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert rows == [(verdict.symbol, verdict.value, verdict.meaning) for verdict in Verdict]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_modules_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"\b(?:harness|benchmarks|tests)/[\w/]+\.py\b", page.read_text(encoding="utf-8"))

    assert [name for name in named if not (ROOT / name).exists()] == []
