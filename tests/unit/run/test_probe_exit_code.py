"""Exit codes on scripted containers: the app's own, and what the engine says of its container."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.core.errors import EngineFault
from harness.core.judge import judge
from harness.core.question import Probe
from harness.core.verdict import Outcome, Verdict
from harness.run.inbox import MOST_BYTES
from harness.run.observation import DEADLINE_S, SETTLE_S, Patience
from harness.run.probes.exit_code import CODES, ExitEvidence
from tests.support.evidence import changed
from tests.support.scripted import Happening, Script, process
from tests.support.seeing import APP, DONE, NODE, NODE_1, NPM_1, PATIENCE, READY, SHELL_1, Look, see, up

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.run.protocol import Launch


def given_code(launch: Launch) -> int:
    return int(launch.options.environment["EXIT_CODE"])


def leaving(code_of: Callable[[int], int], *, done: bytes = DONE) -> Callable[[Launch], Script]:
    """Containers that end as their app does, with the code that becomes of the app's."""

    def script(launch: Launch) -> Script:
        end = Happening(after_s=0.35, output=done, exit_code=code_of(given_code(launch)))
        return Script(at_start=(*up(NPM_1, NODE), end))

    return script


def exit_code(script: Script | Callable[[Launch], Script], patience: Patience = PATIENCE) -> Look:
    return see(script, patience, probe=Probe.EXIT_CODE)


def test_the_apps_own_codes_are_kept() -> None:
    seen = exit_code(leaving(lambda code: code))
    evidence = seen.of(ExitEvidence)
    assert judge(evidence).verdict is Verdict.KEPT
    assert judge(evidence).outcome is Outcome.EXITED
    assert evidence.codes == tuple((code, code) for code in CODES)
    assert (evidence.seen.running, evidence.seen.exit_code, evidence.seen.after) == (False, 42, ())


def test_each_code_has_a_container_of_its_own() -> None:
    seen = exit_code(leaving(lambda code: code))
    assert [container.launch.options.environment for container in seen.containers] == [
        {"LANG": "C", "EXIT_AFTER_MS": "300", "EXIT_CODE": str(code)} for code in CODES
    ]


@pytest.mark.parametrize("wrong", CODES)
def test_one_code_that_becomes_another_is_lost(wrong: int) -> None:
    seen = exit_code(leaving(lambda code: 1 if code == wrong else code))
    evidence = seen.of(ExitEvidence)
    assert judge(evidence).verdict is Verdict.LOST
    assert evidence.codes == tuple((code, 1 if code == wrong else code) for code in CODES)
    assert evidence.seen.exit_code == 1


def test_a_container_that_runs_on_has_lost_the_code() -> None:
    stays = Happening(after_s=0.35, output=DONE, tree=(SHELL_1,))
    seen = exit_code(Script(at_start=(*up(SHELL_1, NODE), stays)))
    evidence = seen.of(ExitEvidence)
    assert judge(evidence).verdict is Verdict.LOST
    assert judge(evidence).outcome is Outcome.RUNNING
    assert evidence.codes == tuple((code, None) for code in CODES)
    assert (evidence.seen.after, evidence.seen.exit_code) == ((SHELL_1,), None)


def test_a_container_that_ends_some_time_after_its_app_has_its_code() -> None:
    def script(launch: Launch) -> Script:
        happenings = (
            Happening(after_s=0.35, output=DONE, tree=(NPM_1,)),
            Happening(after_s=0.35 + SETTLE_S - 0.1, exit_code=given_code(launch)),
        )
        return Script(at_start=(*up(NPM_1, NODE), *happenings))

    assert judge(exit_code(script).of(ExitEvidence)).verdict is Verdict.KEPT


def test_a_container_that_works_on_is_waited_for() -> None:
    def script(launch: Launch) -> Script:
        happenings = (
            Happening(after_s=0.35, output=DONE, tree=(NPM_1,), busy=True),
            Happening(after_s=9, exit_code=given_code(launch)),
        )
        return Script(at_start=(*up(NPM_1, NODE), *happenings))

    assert judge(exit_code(script).of(ExitEvidence)).verdict is Verdict.KEPT


def test_the_last_words_may_come_in_only_with_the_mark() -> None:
    stays = Happening(after_s=0.35, unread=DONE, tree=(SHELL_1,))
    assert judge(exit_code(Script(at_start=(*up(SHELL_1, NODE), stays))).of(ExitEvidence)).verdict is Verdict.LOST


def test_an_end_without_a_word_of_being_done_is_untested() -> None:
    seen = exit_code(leaving(lambda code: code, done=b""))
    assert seen.reason == "the container ended, but its app does not say that it was done"
    assert len(seen.containers) == 1


def test_one_code_that_could_not_be_tested_leaves_nothing_to_say() -> None:
    seen = exit_code(lambda launch: leaving(lambda code: code, done=DONE if given_code(launch) == 42 else b"")(launch))
    assert seen.reason == "the container ended, but its app does not say that it was done"
    assert len(seen.containers) == 2


def test_an_app_that_stays_is_untested() -> None:
    seen = exit_code(Script(at_start=up(NPM_1, NODE)), Patience(decide_s=12))
    assert seen.reason == "the app did not exit within 12 s"


def test_where_nothing_rests_a_deadline_says_that_the_exit_code_is_lost() -> None:
    happening = Happening(after_s=0.35, output=DONE, busy=True)
    seen = exit_code(Script(at_start=(*up(NPM_1, NODE), happening)))
    assert judge(seen.of(ExitEvidence)).verdict is Verdict.LOST
    assert DEADLINE_S <= seen.passed_s < DEADLINE_S + 1


def test_an_app_that_never_gets_ready_is_untested() -> None:
    assert exit_code(Script(at_start=(Happening(tree=(NODE_1,)),))).reason.startswith(
        "no ready line within 30 s: no line matches"
    )


def test_an_app_that_nobody_told_how_to_exit_is_untested() -> None:
    seen = see(Script(), probe=Probe.EXIT_CODE, app=changed(APP, exit_code=None))
    assert seen.reason == "the catalogue does not say how to make the app exit: add an [app.exit-code] table"
    assert seen.containers == ()


def test_an_engine_that_does_not_say_the_code_is_untested() -> None:
    fault = EngineFault("the engine says: no such container")
    seen = exit_code(lambda launch: changed(leaving(lambda code: code)(launch), exit_fault=fault))
    assert seen.reason == "the engine says: no such container"


@pytest.mark.parametrize(
    ("happening", "reason"),
    [
        (Happening(after_s=0.1, out_of_memory=True, exit_code=137), "the container ran out of memory"),
        (Happening(after_s=0.1, output=b"x" * MOST_BYTES + b"\n"), "the app floods its log: over 1 MiB"),
    ],
)
def test_trouble_of_its_own_is_no_finding(happening: Happening, reason: str) -> None:
    assert exit_code(Script(at_start=(*up(NPM_1, NODE), happening))).reason == reason


def test_an_app_that_was_quicker_than_the_look_at_its_tree_is_tested_all_the_same() -> None:
    def script(launch: Launch) -> Script:
        return Script(at_start=(Happening(after_s=0.05, output=READY % 1 + DONE, exit_code=given_code(launch)),))

    evidence = exit_code(script).of(ExitEvidence)
    assert judge(evidence).verdict is Verdict.KEPT
    assert (evidence.seen.before, evidence.seen.app_pid) == ((), None)


AGAIN = process(9, "node server.js", parent=1, catches=("TERM", "HUP", "INT"))


@pytest.mark.parametrize("after_s", [0.36, 2.0, 4.0])
def test_an_app_that_is_started_anew_has_lost_its_code(after_s: float) -> None:
    """Also where it leaves again and again, so that the container never comes to rest."""
    rounds = tuple(
        Happening(after_s=after_s + n, output=READY % (9 + n) + (DONE if n else b""), tree=(NPM_1, AGAIN), busy=True)
        for n in range(3)
    )
    left = Happening(after_s=0.35, output=DONE, tree=(NPM_1,), busy=True)
    evidence = exit_code(Script(at_start=(*up(NPM_1, NODE), left, *rounds))).of(ExitEvidence)
    assert evidence.anew
    judgement = judge(evidence)
    assert (judgement.verdict, judgement.outcome) == (Verdict.LOST, Outcome.RUNNING)
    assert "the app exited with 42, and was started anew" in judgement.reason


def test_an_app_that_says_that_it_is_ready_twice_was_not_started_anew() -> None:
    """Only what follows its last words counts."""
    start = (*up(NPM_1, NODE), Happening(after_s=0.1, output=READY % 7))
    evidence = exit_code(Script(at_start=(*start, Happening(after_s=0.35, output=DONE, tree=(NPM_1,))))).of(
        ExitEvidence
    )
    assert not evidence.anew
    assert "was started anew" not in judge(evidence).reason


def test_an_app_that_was_started_anew_and_then_let_the_container_end_with_its_code() -> None:
    def script(launch: Launch) -> Script:
        left = Happening(after_s=0.35, output=DONE + READY % 9, exit_code=given_code(launch))
        return Script(at_start=(*up(NPM_1, NODE), left))

    evidence = exit_code(script).of(ExitEvidence)
    assert not evidence.anew
    assert judge(evidence).verdict is Verdict.KEPT
