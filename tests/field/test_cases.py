"""Each case from the field has the verdict that is right; without the kernel's record it may be open, never wrong.

Without the record each is asked where it is PID 1 alone: what an init adds is seen with it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.cases import CASES, NEVER_READY, Case
from tests.support.field import Form

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.field import Said

pytestmark = pytest.mark.engine
needs_record = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="the record needs root")
ALONE = [case for case in CASES if case.row.form is Form.EXEC]


def _named(case: Case) -> str:
    return f"{case.kind}: {case}"


@pytest.mark.parametrize("trace", [pytest.param("on", marks=needs_record)])
@pytest.mark.parametrize("case", [case for case in CASES if case.words is not NEVER_READY], ids=_named)
def test_it_is_right_with_the_record(case: Case, trace: str, said: Callable[[Case, str], Said]) -> None:
    answer = said(case, trace)
    assert answer.verdict is case.right or (case.or_open and answer.open), answer.reason


@pytest.mark.parametrize("trace", ["off"])
@pytest.mark.parametrize("case", ALONE, ids=_named)
def test_it_is_right_or_open_without_the_record(case: Case, trace: str, said: Callable[[Case, str], Said]) -> None:
    answer = said(case, trace)
    assert answer.verdict is case.right or answer.open, answer.reason


@pytest.mark.parametrize("trace", ["off"])
@pytest.mark.parametrize("case", [case for case in ALONE if case.words is NEVER_READY], ids=_named)
def test_an_app_that_is_not_seen_to_be_ready_is_shown(
    case: Case, trace: str, said: Callable[[Case, str], Said]
) -> None:
    reason = said(case, trace).reason
    assert "^server is listening" in reason
    assert ("orders: up on 8080" if "node" in case.row.command else "ready") in reason.split("^server is listening")[1]
