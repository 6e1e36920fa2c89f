"""A policy: stops that take too long, and findings that are left be until their day."""

from __future__ import annotations

import datetime as dt

from harness.core.document import Ignored
from harness.core.ignoring import Ignore
from harness.core.policy import Policy, held_against, limited
from harness.core.question import Probe
from harness.core.rules import Rule
from harness.core.verdict import Expected, Verdict
from harness.report.rows import differs
from tests.support.evidence import changed
from tests.support.reports import FORCED, FORWARDED, GRACEFUL, SWALLOWED, UNTESTED, report, result

TODAY = dt.date(2026, 6, 30)
YESTERDAY = TODAY - dt.timedelta(days=1)
STOPPED = result("v", GRACEFUL, probe=Probe.STOP, expected=Expected.ALWAYS)


def left(rule: Rule, subject: str = "*", until: dt.date | None = None, number: int = 1) -> Ignore:
    return Ignore(rule=rule, subject=subject, reason="it is so", place=f"x.toml, ignore {number}", until=until)


def test_a_stop_that_takes_longer_than_it_may_comes_to_a_rule() -> None:
    slow = limited(STOPPED, 0.2)
    assert (slow.verdict, slow.rule) == (Verdict.GRACEFUL, Rule.SLOW_STOP)
    assert slow.reason == f"{STOPPED.reason}; that took 0.2 s, and may take 0.2 s"
    assert not differs(STOPPED, {})
    assert differs(slow, {})


def test_a_stop_that_takes_as_long_as_it_may_is_well() -> None:
    assert limited(STOPPED, 0.25) == STOPPED
    assert limited(STOPPED, None) == STOPPED


def test_what_is_not_graceful_has_a_rule_of_its_own() -> None:
    for evidence in (FORCED, UNTESTED):
        row = result("v", evidence, probe=Probe.STOP)
        assert limited(row, 0.01) == row
    assert limited(result("v", FORWARDED), 0.0001).rule is None


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
    slow = limited(STOPPED, 0.1)
    held, _ = held_against(report(slow), Policy(ignores=(left(Rule.SLOW_STOP),), today=TODAY))
    assert not differs(held.results[0], {})
    assert changed(held.results[0], ignored=None) == slow
