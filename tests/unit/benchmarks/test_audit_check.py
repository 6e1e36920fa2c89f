"""What counts as a forecast that came true, as a wrong one, and as none."""

from __future__ import annotations

import pytest

from benchmarks.audit_check import Compared, Tally, show
from harness.core.forecast import Forecast, Sure
from harness.core.verdict import Verdict


def compared(foretold: Verdict | None, sure: Sure, measured: Verdict) -> Compared:
    forecast = Forecast(verdict=foretold, sure=sure, reason="because")
    return Compared(name="x", foretold=forecast, measured=measured, reason="it was so")


RIGHT = compared(Verdict.FORCED, Sure.CERTAIN, Verdict.FORCED)
WRONG = compared(Verdict.FORCED, Sure.CERTAIN, Verdict.GRACEFUL)
UNLIKELY = compared(Verdict.GRACEFUL, Sure.LIKELY, Verdict.ABRUPT)
OPEN = compared(None, Sure.OPEN, Verdict.FORCED)


@pytest.mark.parametrize(
    ("cell", "wrong", "open_"),
    [
        (RIGHT, False, False),
        (WRONG, True, False),
        (UNLIKELY, True, False),
        (OPEN, False, True),
        (compared(Verdict.GRACEFUL, Sure.LIKELY, Verdict.UNTESTED), False, True),
    ],
)
def test_a_forecast_is_right_wrong_or_open(cell: Compared, wrong: bool, open_: bool) -> None:
    assert (cell.wrong, cell.open) == (wrong, open_)


def test_what_is_not_as_foretold_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    show(Tally(cells=[RIGHT, WRONG, OPEN]))
    assert capsys.readouterr().out.splitlines() == [
        "  certain: 2, 1 came so, 1 did not",
        "  likely: 0, 0 came so, 0 did not",
        "  cannot tell: 1",
        "    x: forced was foretold (certain), measured is graceful",
        "      because",
        "      it was so",
        "    x: nothing was foretold (cannot tell), measured is forced",
        "      because",
        "      it was so",
    ]
