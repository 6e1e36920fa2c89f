"""Rules: each bad verdict comes to exactly one, each rule is reached, and the table says all that there is to say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import UsageError
from harness.core.evidence import EngineEvent, Ground
from harness.core.question import Probe
from harness.core.rules import ABOUT, GENERAL, Rule, find_rule, rule_of
from harness.core.signals import Signal
from harness.core.trace import Handled
from harness.core.verdict import Verdict
from tests.support.everything import EVERYTHING
from tests.support.evidence import changed, words
from tests.support.reports import (
    ABRUPT,
    APP,
    DUPLICATED,
    FORCED,
    FORWARDED,
    GRACEFUL,
    KEPT,
    KILLED,
    LOST,
    PID1,
    REAPED,
    SWALLOWED,
    TAKEN,
    TO_APP,
    TO_SHELL,
    TRANSLATED,
    TYPED,
    UNTESTED,
    ZOMBIE,
    ran,
)

if TYPE_CHECKING:
    from harness.core.evidence import Evidence, Untested

TERM = 1 << 14
DEAF = {"wchan": "do_wait"}
SHELL = changed(PID1, **DEAF)
TRAPS = changed(SHELL, caught=TERM)
ALONE = changed(APP, pid=1001, ppid=900, inner_pid=1, is_namespace_init=True, wchan="ep_poll")
SILENT = changed(ALONE, caught=0)
NO_HANDLER = changed(APP, caught=0, wchan="ep_poll")
RECEIPTS = FORWARDED.receipts
STUCK = changed(FORCED, ground=Ground.SETTLED, trace=None)
CTRL_C = changed(SWALLOWED, sent=Signal(2), typed=True, events=(), trace=(), before=(TRAPS, APP), ground=Ground.SETTLED)
DYING = Handled(time_s=1.75, comm="node", pid=1007, number=9, handler=0)
AGAIN = changed(TO_APP, sender="node", sender_pid=1007, time_s=1.003)

CASES: dict[str, tuple[Rule | None, Probe, tuple[Evidence | Untested, ...]]] = {
    "dropped, as the masks say": (Rule.WRAPPER_DROPS, Probe.SIGNAL, (SWALLOWED,)),
    "dropped at a stop": (Rule.WRAPPER_DROPS, Probe.STOP, (changed(STUCK, before=(SHELL, APP)),)),
    "taken and not passed on": (
        Rule.NOT_FORWARDED,
        Probe.SIGNAL,
        (changed(SWALLOWED, ground=Ground.SETTLED, before=(TRAPS, APP), after=(TRAPS, APP)),),
    ),
    "not passed on at a stop": (Rule.NOT_FORWARDED, Probe.STOP, (changed(STUCK, before=(TRAPS, APP)),)),
    "the app alone, deaf": (
        Rule.APP_DROPS,
        Probe.SIGNAL,
        (changed(SWALLOWED, before=(SILENT,), after=(SILENT,), app_pid=1001),),
    ),
    "the app alone, deaf, at a stop": (Rule.APP_DROPS, Probe.STOP, (changed(STUCK, before=(SILENT,), app_pid=1001),)),
    "the app has it and runs on": (Rule.APP_RUNS_ON, Probe.STOP, (changed(STUCK, receipts=RECEIPTS),)),
    "the app alone catches it and runs on": (
        Rule.APP_RUNS_ON,
        Probe.STOP,
        (changed(STUCK, before=(ALONE,), app_pid=1001),),
    ),
    "the app alone catches it, or its runtime does": (
        Rule.CONTAINER_RUNS_ON,
        Probe.STOP,
        (changed(STUCK, before=(ALONE,), app_pid=1001, receipts=None, done=None),),
    ),
    "the app is done, its container is not": (
        Rule.CONTAINER_RUNS_ON,
        Probe.STOP,
        (changed(STUCK, receipts=RECEIPTS, done=True),),
    ),
    "no tree to look at": (Rule.CONTAINER_RUNS_ON, Probe.STOP, (changed(STUCK, before=(), after=()),)),
    "gone with PID 1": (Rule.APP_GONE, Probe.SIGNAL, (KILLED,)),
    "gone with PID 1 at a stop": (Rule.APP_GONE, Probe.STOP, (ABRUPT,)),
    "no handler, with the record": (
        Rule.NO_HANDLER,
        Probe.SIGNAL,
        (changed(KILLED, before=(TRAPS, NO_HANDLER), trace=(TO_SHELL, TO_APP, DYING)),),
    ),
    "no handler, without the record": (
        Rule.NO_HANDLER,
        Probe.SIGNAL,
        (changed(KILLED, before=(TRAPS, NO_HANDLER)),),
    ),
    "no handler, at a stop": (Rule.NO_HANDLER, Probe.STOP, (changed(ABRUPT, before=(TRAPS, NO_HANDLER)),)),
    "a handler of the runtime's": (
        Rule.NO_HANDLER,
        Probe.STOP,
        (changed(ABRUPT, before=(TRAPS, APP), done=None, trace=(TO_SHELL, TO_APP, TAKEN, AGAIN, DYING)),),
    ),
    "cut short": (Rule.CUT_SHORT, Probe.SIGNAL, (changed(KILLED, receipts=RECEIPTS),)),
    "cut short at a stop": (Rule.CUT_SHORT, Probe.STOP, (changed(ABRUPT, receipts=RECEIPTS),)),
    "a request lost": (Rule.REQUEST_LOST, Probe.STOP, (changed(GRACEFUL, request=ABRUPT.request),)),
    "twice": (Rule.SENT_TWICE, Probe.SIGNAL, (DUPLICATED,)),
    "Ctrl-C twice": (
        Rule.CTRL_C_TWICE,
        Probe.TTY,
        (changed(TYPED, trace=(*(TYPED.seen.trace or ()), changed(TO_APP, number=2, sender="npm", sender_pid=1002))),),
    ),
    "Ctrl-C lost": (Rule.CTRL_C_LOST, Probe.TTY, (CTRL_C,)),
    "another one": (Rule.TRANSLATED, Probe.SIGNAL, (TRANSLATED,)),
    "another exit code": (Rule.EXIT_CODE_LOST, Probe.EXIT_CODE, (LOST,)),
    "a zombie": (Rule.NOT_REAPED, Probe.REAP, (ZOMBIE,)),
    "now and then": (Rule.UNSTABLE, Probe.REAP, (REAPED, ZOMBIE)),
    "forwarded": (None, Probe.SIGNAL, (FORWARDED,)),
    "graceful": (None, Probe.STOP, (GRACEFUL,)),
    "kept": (None, Probe.EXIT_CODE, (KEPT,)),
    "reaped": (None, Probe.REAP, (REAPED,)),
    "untested": (None, Probe.STOP, (UNTESTED,)),
}


@pytest.mark.parametrize(("wanted", "probe", "evidence"), CASES.values(), ids=CASES)
def test_a_result_comes_to_one_rule(wanted: Rule | None, probe: Probe, evidence: tuple[Evidence, ...]) -> None:
    result, _ = ran("v", *evidence, probe=probe, signal=Signal(15))
    assert rule_of(result) is wanted, result.judgement.reason
    assert wanted is None or result.verdict in wanted.about.verdicts


def test_each_rule_is_reached() -> None:
    reached = {rule for rule, *_ in CASES.values() if rule}
    elsewhere = {Rule.SLOW_STOP}  # it takes a threshold: see `harness.core.policy`
    static = {rule for rule in Rule if not rule.about.verdicts}  # see `harness.core.static`
    assert static == {Rule.STOP_SIGNAL, Rule.NOT_JSON}
    assert set(Rule) - reached == elsewhere | static


def test_each_bad_verdict_has_a_rule_that_stands_for_it() -> None:
    bad = {verdict for verdict in Verdict if not verdict.good and verdict is not Verdict.UNTESTED}
    assert set(GENERAL) == bad
    assert all(verdict in rule.about.verdicts for verdict, rule in GENERAL.items())
    assert {verdict for about in ABOUT.values() for verdict in about.verdicts} == bad | {Verdict.GRACEFUL}


def test_each_row_of_a_document_has_a_rule_if_it_is_bad() -> None:
    for row in EVERYTHING.results:
        assert (row.rule is not None) == (row.tested and not row.verdict.good), row.id


def test_without_a_tree_a_verdict_comes_to_its_general_rule() -> None:
    result, _ = ran("v", changed(KILLED, before=(), events=(EngineEvent(action="die", time_ns=1, exit_code=1),)))
    assert result.verdict is Verdict.UNTESTED or rule_of(result) is GENERAL[result.verdict]


def test_ids_stay_and_slugs_are_names() -> None:
    assert [rule.value for rule in Rule] == [f"SH{number:03}" for number in range(1, len(Rule) + 1)]
    assert list(ABOUT) == list(Rule)
    assert all(re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", about.slug) for about in ABOUT.values())
    assert len({about.slug for about in ABOUT.values()}) == len({about.title for about in ABOUT.values()}) == len(Rule)


@pytest.mark.parametrize("rule", Rule)
def test_all_is_said_of_a_rule(rule: Rule) -> None:
    about = rule.about
    assert about.seen.endswith(".")
    assert about.why.endswith(".")
    assert about.fix
    assert all(line.endswith(".") for line in about.fix)
    assert not about.title.endswith(".")
    assert len(about.title) < 80
    assert len(f"{about.seen} {about.why}") < 1024  # what code scanning shows


@pytest.mark.parametrize("text", ["SH001", "sh001", " wrapper-drops ", "Wrapper-Drops"])
def test_a_rule_is_found_by_id_and_slug(text: str) -> None:
    assert find_rule(text) is Rule.WRAPPER_DROPS


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("SH0099", "Did you mean SH009?"),
        ("wraper-drops", "Did you mean wrapper-drops?"),
        ("quux", "All rules: signal-harness rule"),
        ("", "All rules: signal-harness rule"),
    ],
)
def test_an_unknown_rule_is_told_with_the_nearest(text: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_rule(text)
    assert (caught.value.message, caught.value.remedy) == (f"{text!r} is not a rule", remedy)


def test_a_process_in_the_middle_that_drops_it_is_not_pid_1s_doing() -> None:
    middle = changed(APP, pid=1005, caught=0, inner_pid=5, argv=words("/bin/sh run.sh"))
    chain = (TRAPS, middle, changed(APP, ppid=1005))
    result, _ = ran("v", changed(SWALLOWED, ground=Ground.SETTLED, before=chain, after=chain))
    assert rule_of(result) is Rule.NOT_FORWARDED
