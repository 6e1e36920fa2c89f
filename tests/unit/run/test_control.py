"""Controls: whether the app's log would have shown a receipt, and whether one comes without any signal."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.core.evidence import SignalEvidence
from harness.core.judge import judge
from harness.core.question import Probe
from harness.core.subject import LogPattern
from harness.core.trace import Fate, Sent
from harness.core.verdict import Verdict
from harness.run.observation import DEADLINE_S
from tests.support.scripted import Happening, Script
from tests.support.seeing import APP, INIT_1, NODE, NODE_1, NPM_1, RECEIVED, Look, see, up

if TYPE_CHECKING:
    from harness.run.protocol import Launch

OTHER_WORDS = Happening(output=b"stopping on SIGTERM\n")
TELLS = Happening(after_s=0.01, output=RECEIVED)
LATE = Happening(after_s=2, output=RECEIVED)
SILENCE = Script(at_start=up(NPM_1, NODE))


def looked(first: Script, control: Script, *, probe: Probe = Probe.SIGNAL) -> Look:
    """A run of which the control follows a script of its own."""
    return see(lambda launch: control if launch.control else first, probe=probe)


def told(look: Look) -> list[tuple[int, int]]:
    """Whom the control told what, by PID in the container."""
    return [(process.inner_pid or 0, signal.number) for process, signal in look.container.told]


def test_a_silent_log_counts_where_the_app_answers_the_control() -> None:
    look = looked(SILENCE, replace(SILENCE, at_tell=(TELLS,)))
    evidence = look.of(SignalEvidence)
    assert (evidence.proven, judge(evidence).verdict) == (True, Verdict.SWALLOWED)
    assert (len(look.containers), told(look), look.container.killed) == (2, [(7, 15)], [])


@pytest.mark.parametrize(
    "control",
    [
        replace(SILENCE, at_tell=()),
        replace(SILENCE, at_tell=(OTHER_WORDS,)),
        replace(SILENCE, at_tell=(Happening(output=b"Received signal: SIGINT\n"),)),
        replace(SILENCE, at_tell=(Happening(exit_code=143),)),
        replace(SILENCE, at_tell=(Happening(after_s=DEADLINE_S + 1, output=RECEIVED),)),
        replace(SILENCE, at_tell=None),
        replace(SILENCE, at_start=()),
    ],
    ids=["silent", "other words", "another signal", "ends", "too late", "no kill", "never ready"],
)
def test_a_silent_log_says_nothing_where_the_app_does_not_answer_the_control(control: Script) -> None:
    evidence = looked(SILENCE, control).of(SignalEvidence)
    assert not evidence.proven
    judgement = judge(evidence)
    assert judgement.verdict is Verdict.UNTESTED
    assert "silence says nothing" in judgement.reason


def test_a_line_that_was_there_before_the_control_was_told_proves_nothing() -> None:
    early = (Happening(after_s=0.01, output=RECEIVED), *up(NPM_1, NODE))
    assert not looked(SILENCE, Script(at_start=early, at_tell=())).of(SignalEvidence).proven


@pytest.mark.parametrize("after_s", [0.4, 2.0, 6.0])
def test_a_late_receipt_that_comes_without_a_signal_too_says_nothing(after_s: float) -> None:
    """It may be a line that always comes."""
    late = Happening(after_s=after_s, output=RECEIVED)
    busy = (Happening(busy=True), late, Happening(after_s=after_s + 0.1, busy=False))
    first = Script(at_start=up(INIT_1, NODE), at_signal=busy)
    look = looked(first, Script(at_start=(*up(INIT_1, NODE), Happening(after_s=after_s, output=RECEIVED))))
    judgement = judge(look.of(SignalEvidence))
    assert judgement.verdict is Verdict.UNTESTED
    assert "were in the log before the signal was sent" in judgement.reason
    assert (look.container.killed, look.container.told) == ([], [])


def test_a_late_receipt_that_only_comes_with_a_signal_counts() -> None:
    busy = (Happening(busy=True), LATE, Happening(after_s=2.1, busy=False))
    look = looked(Script(at_start=up(INIT_1, NODE), at_signal=busy), SILENCE)
    assert judge(look.of(SignalEvidence)).verdict is Verdict.FORWARDED
    assert len(look.containers) == 2


def recorded() -> Sent:
    return Sent(
        time_s=2.0,
        sender="runc",
        sender_pid=5,
        number=15,
        target="x",
        target_pid=1001,
        fate=Fate.DELIVERED,
        from_outside=True,
    )


@pytest.mark.parametrize(
    "script",
    [
        Script(at_start=up(INIT_1, NODE), at_signal=(TELLS,)),
        replace(SILENCE, traced=True, at_signal=(Happening(trace=(recorded(),)),)),
        Script(at_start=up(INIT_1)),
        Script(at_start=up(NODE_1, app=1), at_signal=(TELLS,)),
    ],
    ids=["answered at once", "record", "untested", "alone"],
)
def test_no_control_where_none_is_needed(script: Script) -> None:
    def launched(launch: Launch) -> Script:
        assert not launch.control
        return script

    assert len(see(launched).containers) == 1


def test_without_a_pattern_there_is_nothing_to_prove() -> None:
    look = see(SILENCE, app=replace(APP, receipts=None))
    assert judge(look.of(SignalEvidence)).verdict is Verdict.UNTESTED
    assert len(look.containers) == 1


def test_a_control_of_another_pattern() -> None:
    words = LogPattern(pattern=re.compile(r"stopping on (?P<signal>SIG[A-Z]+)"))
    look = see(replace(SILENCE, at_tell=(OTHER_WORDS,)), app=replace(APP, receipts=words))
    assert judge(look.of(SignalEvidence)).verdict is Verdict.SWALLOWED


def test_the_control_of_a_key_is_the_signal_that_it_stands_for() -> None:
    typed = Script(at_start=up(NPM_1, NODE), at_key=(Happening(output=b"^C"),))
    look = looked(typed, typed, probe=Probe.TTY)
    assert look.of(SignalEvidence).proven
    assert (told(look), look.container.launch.tty, look.container.typed) == ([(7, 2)], True, [])
