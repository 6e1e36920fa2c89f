"""Rules on real containers: what is measured comes to the rule whose page has it as its example."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.core.rules import Rule
from tests.support.command import command
from tests.support.rule_pages import EXAMPLES

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.cli]

BASE, SIGNAL = "local:debian12-node24", "SIGTERM"
"""One run of all examples on one base, with one signal."""


def cells() -> dict[str, Rule]:
    found = {}
    for rule, line in EXAMPLES.items():
        base, variant, question = line.split()[-3:]
        if (base, question) == (BASE, SIGNAL):
            found[variant] = rule
    return found


def test_examples_come_to_their_rules(tmp_path: Path) -> None:
    wanted = cells()
    assert len(wanted) >= 5
    variants = [word for variant in wanted for word in ("--variant", variant)]
    path = tmp_path / "results.json"
    done = command("run", "--base", BASE, "--signal", SIGNAL, "--repeat", "1", *variants, "--json", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(path.read_text(encoding="utf-8"))["results"]
    assert {row["subject"]: Rule(row["rule"]) for row in rows} == wanted
