"""Verdicts on twelve apps that are not ours against the kernel's record: ``make truth-apps`` in a shorter form."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from benchmarks import truth_apps
from benchmarks.truth_apps import Checked, Tally, compare
from harness.core.verdict import Verdict
from harness.session import TraceMode
from tests.support.services import SERVICES

if TYPE_CHECKING:
    from tests.support.services import Service

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="the kernel's record needs root"),
]
FORMS = 5


@pytest.fixture(scope="session")
def tally() -> Tally:
    """All apps in all forms, once each."""
    return compare(1)


def of(service: Service, mode: TraceMode, tally: Tally) -> list[Checked]:
    """The cells of one app, with the kernel's record or without."""
    end = truth_apps.MODES[mode]
    return [cell for cell in tally.cells if f"/{service.name}." in cell.name and cell.name.endswith(end)]


@pytest.mark.parametrize("mode", truth_apps.MODES)
@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_no_verdict_is_contradicted_by_the_record(service: Service, mode: TraceMode, tally: Tally) -> None:
    cells = of(service, mode, tally)
    assert len(cells) == FORMS
    assert [str(cell) for cell in cells if cell.contradicted] == []


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_no_verdict_is_open_with_the_record(service: Service, tally: Tally) -> None:
    assert [str(cell) for cell in of(service, TraceMode.ON, tally) if cell.open] == []


def test_the_record_is_complete(tally: Tally) -> None:
    assert tally.lost == 0


def test_the_record_tells_good_from_bad(tally: Tally) -> None:
    truths = {verdict for cell in tally.cells for verdict in cell.truths}
    assert truths >= {Verdict.FORWARDED, Verdict.SWALLOWED, Verdict.KILLED, Verdict.CUT_SHORT}
