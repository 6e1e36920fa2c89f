"""The pages on rules agree with the table of rules; their outputs are those of the commands above them."""

from __future__ import annotations

import pytest

from harness.core.rules import Rule
from tests.support.rule_pages import EXAMPLES, FOLDER, example_of, index, page_of, written

NONE = {Rule.UNSTABLE, Rule.SLOW_STOP, Rule.STOP_SIGNAL, Rule.NOT_JSON}


@pytest.mark.parametrize("rule", Rule)
def test_a_page_says_what_the_table_says(rule: Rule) -> None:
    example = example_of(rule)
    assert page_of(rule).read_text(encoding="utf-8") == written(rule, example.pasted if example else None), "make rules"


def test_the_list_says_what_the_table_says() -> None:
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == index()


def test_there_is_no_page_on_anything_else() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {"README.md", *(f"{rule}.md" for rule in Rule)}


@pytest.mark.parametrize("rule", [rule for rule in Rule if rule not in NONE])
def test_an_example_finds_what_its_page_is_about(rule: Rule) -> None:
    example = example_of(rule)
    assert example is not None
    assert example.line == EXAMPLES[rule]
    assert f"({rule})" in (example.pasted or "")


def test_what_has_no_example_is_known() -> None:
    assert set(Rule) - set(EXAMPLES) == NONE
