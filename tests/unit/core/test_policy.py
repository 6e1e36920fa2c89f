"""A policy: stops that take too long, and findings that are left be until their day."""

from __future__ import annotations

import datetime as dt

import pytest

from harness.core.document import Ignored
from harness.core.ignoring import Ignore
from harness.core.policy import Limits, Policy, held_against, required_verdicts
from harness.core.question import Probe
from harness.core.rules import Rule
from harness.core.verdict import Expected, Verdict
from harness.report.rows import differs, wanted
from tests.support.evidence import changed
from tests.support.reports import FORCED, FORWARDED, GRACEFUL, SWALLOWED, UNTESTED, report, result

TODAY = dt.date(2026, 6, 30)
YESTERDAY = TODAY - dt.timedelta(days=1)
STOPPED = result("v", GRACEFUL, probe=Probe.STOP, expected=Expected.ALWAYS)


def left(rule: Rule, subject: str = "*", until: dt.date | None = None, number: int = 1) -> Ignore:
    return Ignore(rule=rule, subject=subject, reason="it is so", place=f"x.toml, ignore {number}", until=until)


def test_a_stop_that_takes_longer_than_it_may_comes_to_a_rule() -> None:
    slow = Limits(max_stop_s=0.2).of(STOPPED)
    assert (slow.verdict, slow.rule) == (Verdict.GRACEFUL, Rule.SLOW_STOP)
    assert slow.reason == f"{STOPPED.reason}; that took 0.2 s, and may take 0.2 s"
    assert not differs(STOPPED, {})
    assert differs(slow, {})


def test_a_stop_that_takes_as_long_as_it_may_is_well() -> None:
    assert Limits(max_stop_s=0.25).of(STOPPED) == STOPPED
    assert Limits(max_stop_s=None).of(STOPPED) == STOPPED


@pytest.mark.parametrize(
    ("names", "good"),
    [((), False), (("good",), False), (("abrupt",), False), (("forced",), True), (("abrupt", "forced"), True)],
)
def test_a_verdict_that_is_required_takes_the_place_of_what_is_expected(names: tuple[str, ...], good: bool) -> None:
    bad, well = (result("v", seen, probe=Probe.STOP, expected=Expected.ALWAYS) for seen in (FORCED, GRACEFUL))
    limits = Limits(required=required_verdicts(names))
    assert [differs(limits.of(row), {}) for row in (bad, well)] == [not good, False]
    assert not differs(limits.of(result("v", UNTESTED, expected=Expected.ALWAYS)), {})


@pytest.mark.parametrize("expected", [Expected.NEVER, Expected.DEPENDS])
def test_what_is_required_counts_whatever_the_catalogue_says(expected: Expected) -> None:
    row = Limits(required=required_verdicts(["good"])).of(result("v", SWALLOWED, expected=expected))
    assert differs(row, {})
    assert wanted(row, None) == "forwarded, as required"
    assert not differs(Limits(required=required_verdicts(["swallowed"])).of(row), {})
    assert differs(Limits(required=required_verdicts(["swallowed"])).of(row), {row.id: Verdict.FORWARDED})
    assert wanted(row, Verdict.SWALLOWED) == "swallowed, as recorded"


def test_every_good_verdict_will_do_beside_what_is_named() -> None:
    required = required_verdicts(["abrupt", "good", "duplicated"])
    assert required[-2:] == (Verdict.ABRUPT, Verdict.DUPLICATED)
    assert {verdict for verdict in Verdict if verdict.good} == set(required[:-2])
    row = Limits(required=required).of(STOPPED)
    assert wanted(row, None) == "graceful or abrupt or duplicated, as required"


def test_what_is_not_graceful_has_a_rule_of_its_own() -> None:
    for evidence in (FORCED, UNTESTED):
        row = result("v", evidence, probe=Probe.STOP)
        assert Limits(max_stop_s=0.01).of(row) == row
    assert Limits(max_stop_s=0.0001).of(result("v", FORWARDED)).rule is None


def test_a_finding_that_is_left_be_says_why_and_does_not_differ() -> None:
    document = report(*(result(name, SWALLOWED, expected=Expected.ALWAYS) for name in ("v", "w")))
    policy = Policy(ignores=(left(Rule.WRAPPER_DROPS, "v", TODAY),), today=TODAY)
    held, told = held_against(document, policy)
    assert [row.ignored for row in held.results] == [
        Ignored(reason="it is so", place="x.toml, ignore 1", until="2026-06-30"),
        None,
    ]
    assert [differs(row, {}) for row in held.results] == [False, True]
    assert told == []


def test_one_that_has_expired_ignores_nothing_and_says_so() -> None:
    document = report(result("v", SWALLOWED, expected=Expected.ALWAYS), result("w", FORWARDED))
    held, told = held_against(document, Policy(ignores=(left(Rule.WRAPPER_DROPS, until=YESTERDAY),), today=TODAY))
    assert held == document
    assert told == ["x.toml, ignore 1: SH001 of v is ignored no more, since 2026-06-29: it is so"]


def test_one_that_has_expired_is_not_told_of_where_another_counts() -> None:
    ignores = (left(Rule.WRAPPER_DROPS, until=YESTERDAY), left(Rule.WRAPPER_DROPS, number=2))
    held, told = held_against(report(result("v", SWALLOWED)), Policy(ignores=ignores, today=TODAY))
    assert held.results[0].ignored == Ignored(reason="it is so", place="x.toml, ignore 2", until=None)
    assert told == []


def test_what_is_well_or_untested_cannot_be_left_be() -> None:
    document = report(result("v", FORWARDED), result("w", UNTESTED))
    policy = Policy(ignores=tuple(left(rule) for rule in Rule), today=TODAY)
    assert held_against(document, policy) == (document, [])


def test_a_subject_goes_by_all_its_names() -> None:
    document = report(result("../app", SWALLOWED))
    policy = Policy(ignores=(left(Rule.WRAPPER_DROPS, "app"),), today=TODAY)
    assert held_against(document, policy)[0] == document
    held, _ = held_against(document, policy, {"../app": ["app"]})
    assert held.results[0].ignored is not None


def test_a_slow_stop_can_be_left_be() -> None:
    slow = Limits(max_stop_s=0.1).of(STOPPED)
    held, _ = held_against(report(slow), Policy(ignores=(left(Rule.SLOW_STOP),), today=TODAY))
    assert not differs(held.results[0], {})
    assert changed(held.results[0], ignored=None) == slow
