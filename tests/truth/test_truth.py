"""Verdicts against the kernel's record: ``make truth`` and ``make truth-check`` in a shorter form."""

from __future__ import annotations

import os

import pytest

from benchmarks import audit_check, truth_check
from benchmarks.truth import compare
from harness.core.evidence import SignalEvidence
from harness.core.verdict import Verdict
from harness.session import TraceMode

DEBIAN = "local:debian12-node24"
KINDS = ("npm-*-exec", "npm-start-tini-g", "*-shell-form", "shell-*", "entrypoint-*", "su-user", "dumb-init*", "tini")
"""Ways to start an app that have something between it and the signal, and races; ``make truth`` takes all."""

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="the kernel's record needs root"),
]


def test_no_verdict_is_contradicted_by_the_record() -> None:
    """On Debian, whose shell stays between PID 1 and the app: there is more to get wrong."""
    tally = compare(repeats=1, bases=(DEBIAN,), variants=KINDS)
    assert tally.wrong == []
    assert tally.agree >= 0.85 * tally.cells
    assert tally.runs + tally.lost_records == tally.cells


def test_a_harness_that_does_not_wait_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Npm ends itself half a second after its script did; who looks for a tenth of that sees an app that runs on."""

    def nothing_pends(*_: object, began_ns: int, **__: object) -> int:
        return began_ns

    monkeypatch.setattr("harness.run.rest.next_deed_ns", nothing_pends)
    tally = compare(repeats=1, bases=(DEBIAN,), variants=("npm-start-exec",), settle_s=0.05)
    assert tally.wrong == ["debian12-node24/npm-start-exec/SIGTERM: swallowed with the record, which says killed"]


def test_check_agrees_with_the_matrix_about_images_that_it_knows_nothing_of() -> None:
    tally = truth_check.compare(bases=(DEBIAN,), variants=("npm-start-exec",), repeat=1)
    assert [str(cell) for cell in tally.contradicted] == []
    assert [cell.name for cell in tally.open if cell.recorded] == []
    assert (len(tally.cells), tally.runs) == (6, 6)


def test_a_check_that_takes_any_end_for_a_good_one_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Npm ends half a second after the shell below it has died, and the app is killed as npm ends."""
    monkeypatch.setattr(SignalEvidence, "finished", property(lambda evidence: not evidence.seen.running))
    tally = truth_check.compare(
        bases=(DEBIAN,), variants=("npm-start-exec",), signals=(), repeat=1, modes=(TraceMode.OFF,)
    )
    assert [cell.name for cell in tally.contradicted] == ["debian12-node24/npm-start-exec/stop"]


def test_what_audit_foretells_comes_true() -> None:
    tally = audit_check.compare(bases=(DEBIAN,), variants=("node-shell-form", "npm-start-tini", "tini", "no-handlers"))
    assert [str(cell) for cell in tally.wrong] == []
    assert {cell.name.split("/")[1]: (cell.foretold.verdict, cell.foretold.sure.value) for cell in tally.cells} == {
        "node-shell-form": (Verdict.FORCED, "certain"),
        "npm-start-tini": (Verdict.ABRUPT, "likely"),
        "tini": (Verdict.GRACEFUL, "likely"),
        "no-handlers": (None, "cannot tell"),
    }
