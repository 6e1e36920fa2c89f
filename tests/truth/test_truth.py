"""Verdicts without the kernel's record against the record, on a busy machine: ``make truth`` in a shorter form."""

from __future__ import annotations

import os

import pytest

from benchmarks.truth import compare

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="the kernel's record needs root"),
]


def test_no_verdict_is_contradicted_by_the_record() -> None:
    tally = compare(repeats=1)
    assert tally.wrong == []
    assert tally.agree >= 0.85 * tally.cells
    assert tally.runs + tally.lost_records == tally.cells


def test_a_harness_that_does_not_wait_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Npm ends itself half a second after its script did; who looks for a tenth of that sees an app that runs on."""

    def nothing_pends(*_: object, began_ns: int, **__: object) -> int:
        return began_ns

    monkeypatch.setattr("harness.run.rest.next_deed_ns", nothing_pends)
    tally = compare(repeats=1, bases=("local:debian12-node24",), variants=("npm-start-exec",), settle_s=0.05)
    assert tally.wrong == ["debian12-node24/npm-start-exec/SIGTERM: swallowed with the record, which says killed"]
