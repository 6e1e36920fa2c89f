"""What counts as ``check`` being wrong: against the record always, against the matrix unless the two had a race."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from benchmarks.truth_check import Compared
from harness.core.verdict import Verdict
from tests.support.evidence import changed
from tests.support.reports import DUPLICATED, FORWARDED, KILLED, SWALLOWED, TO_SHELL, UNTESTED, ran

if TYPE_CHECKING:
    from harness.core.evidence import SignalEvidence, Untested

ENDED = {"running": False, "exit_code": 0, "after": ()}


def compared(
    checked: SignalEvidence | Untested, matrix: SignalEvidence | Untested, *truths: Verdict, recorded: bool = True
) -> Compared:
    return Compared(
        name="x", recorded=recorded, checked=ran("x", checked)[0], matrix=ran("x", matrix)[0], truths=Counter(truths)
    )


@pytest.mark.parametrize(
    ("cell", "wrong"),
    [
        (compared(FORWARDED, FORWARDED, Verdict.FORWARDED), False),
        (compared(FORWARDED, FORWARDED, Verdict.KILLED), True),
        (compared(FORWARDED, FORWARDED), True),
        (compared(FORWARDED, SWALLOWED, Verdict.FORWARDED), True),
        (compared(FORWARDED, DUPLICATED, Verdict.FORWARDED), True),
        (compared(FORWARDED, UNTESTED, Verdict.FORWARDED), False),
        (compared(UNTESTED, FORWARDED, Verdict.FORWARDED), True),
        (compared(UNTESTED, FORWARDED, Verdict.FORWARDED, recorded=False), False),
        (compared(UNTESTED, UNTESTED), False),
        (compared(KILLED, FORWARDED, Verdict.KILLED, recorded=False), True),
    ],
)
def test_a_check_is_right_or_wrong(cell: Compared, wrong: bool) -> None:
    assert cell.contradicted is wrong


def test_how_often_an_app_was_told_that_leaves_is_luck() -> None:
    once, twice = changed(FORWARDED, **ENDED), changed(DUPLICATED, **ENDED)
    assert not compared(once, twice, Verdict.FORWARDED).contradicted
    assert compared(once, twice, Verdict.FORWARDED).differs


def test_it_is_no_luck_whether_it_was_told() -> None:
    told, not_told = changed(FORWARDED, **ENDED), changed(KILLED, trace=(TO_SHELL,))
    assert compared(told, not_told, Verdict.FORWARDED).contradicted
