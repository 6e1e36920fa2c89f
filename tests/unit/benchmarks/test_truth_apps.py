"""What counts as a contradiction between the harness and the truth."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.truth_apps import Checked
from harness.core.verdict import Verdict


def cell(verdict: Verdict, *truths: Verdict) -> Checked:
    return Checked(name="base/app.exec/SIGTERM", verdict=verdict, reason="because", truths=Counter(truths))


@pytest.mark.parametrize(
    ("checked", "is_open", "contradicted"),
    [
        (cell(Verdict.FORWARDED, Verdict.FORWARDED), False, False),
        (cell(Verdict.FORWARDED, Verdict.CUT_SHORT), False, True),
        (cell(Verdict.FORWARDED, Verdict.FORWARDED, Verdict.DUPLICATED), False, True),
        (cell(Verdict.SWALLOWED), False, True),
        (cell(Verdict.UNTESTED, Verdict.FORWARDED), True, False),
        (cell(Verdict.UNSTABLE, Verdict.FORWARDED, Verdict.DUPLICATED), True, False),
    ],
)
def test_a_verdict_is_right_open_or_contradicted(checked: Checked, is_open: bool, contradicted: bool) -> None:
    assert (checked.open, checked.contradicted) == (is_open, contradicted)


def test_a_cell_says_what_the_record_says() -> None:
    assert str(cell(Verdict.FORWARDED, Verdict.CUT_SHORT)) == (
        "base/app.exec/SIGTERM: forwarded, the record says cut-short 1×\n      because"
    )
