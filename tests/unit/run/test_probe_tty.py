"""Ctrl-C on the terminal of scripted containers."""

from __future__ import annotations

import pytest

from harness.core.evidence import Ground, SignalEvidence
from harness.core.judge import judge
from harness.core.question import Probe
from harness.core.trace import Fate, Sent
from harness.core.verdict import Delivery, Outcome, Verdict
from harness.run.observation import SETTLE_S
from tests.support.evidence import changed
from tests.support.scripted import Happening, Script
from tests.support.seeing import INIT_1, INT, NODE, NODE_1, NPM_1, SHELL_1, Look, see, up

RECEIVED = b"Received signal: SIGINT\r\n"
ECHO = b"^C"
ONCE = Happening(after_s=0.005, output=ECHO + RECEIVED)


def press(*at_key: Happening, tree: tuple[object, ...] = (INIT_1, NODE), traced: bool = False) -> Look:
    return see(Script(at_start=up(*tree), at_key=at_key, traced=traced), probe=Probe.TTY)


def by_terminal(target_pid: int, fate: Fate = Fate.DELIVERED) -> Sent:
    return Sent(
        time_s=2.0,
        sender="dockerd",
        sender_pid=3,
        number=2,
        target="x",
        target_pid=target_pid,
        fate=fate,
        by_kernel=True,
    )


def test_ctrl_c_that_the_app_gets_once_is_forwarded() -> None:
    seen = press(ONCE)
    evidence = seen.of(SignalEvidence)
    assert judge(evidence).verdict is Verdict.FORWARDED
    assert (evidence.sent, evidence.typed, evidence.ground) == (INT, True, Ground.SETTLED)
    assert [line.text for line in evidence.seen.logs[1:]] == ["Received signal: SIGINT"]
    assert seen.decided_s < 0.1


def test_one_key_is_typed_on_a_terminal_and_nothing_is_sent() -> None:
    container = press(ONCE).container
    assert (container.typed, container.killed, container.inbox.events) == ([b"\x03"], [], ())
    assert (container.launch.tty, container.launch.publish, container.launch.options.environment) == (
        True,
        None,
        {"LANG": "C"},
    )
    assert container.inbox.tty


def test_ctrl_c_that_an_init_passes_on_too_is_duplicated() -> None:
    again = Happening(after_s=0.2, output=RECEIVED, busy=False)
    evidence = press(changed(ONCE, busy=True), again).of(SignalEvidence)
    assert judge(evidence).verdict is Verdict.DUPLICATED
    assert judge(evidence).delivery is Delivery.DUPLICATE


def test_ctrl_c_that_nobody_takes_is_swallowed_after_the_settle_time() -> None:
    seen = press(Happening(after_s=0.001, output=ECHO))
    assert judge(seen.of(SignalEvidence)).verdict is Verdict.SWALLOWED
    assert SETTLE_S <= seen.decided_s < SETTLE_S + 0.2


def test_the_masks_of_pid_1_decide_nothing() -> None:
    """Ctrl-C goes to the terminal's foreground group, whatever its PID 1 does with the signal."""
    seen = press(changed(ONCE, after_s=0.3), tree=(SHELL_1, NODE))
    assert seen.of(SignalEvidence).ground is Ground.SETTLED
    assert judge(seen.of(SignalEvidence)).verdict is Verdict.FORWARDED


def test_what_the_kernel_dropped_for_pid_1_decides_nothing() -> None:
    records = (by_terminal(1001, Fate.IGNORED), by_terminal(1007))
    seen = press(Happening(trace=records), changed(ONCE, after_s=0.3), tree=(SHELL_1, NODE), traced=True)
    assert seen.of(SignalEvidence).ground is Ground.SETTLED
    assert judge(seen.of(SignalEvidence)).verdict is Verdict.FORWARDED


def test_the_terminal_is_named_by_the_kernels_record() -> None:
    by_init = changed(by_terminal(1007, Fate.MERGED), sender="dumb-init", sender_pid=1001, by_kernel=False)
    judgement = judge(press(changed(ONCE, trace=(by_terminal(1007), by_init)), traced=True).of(SignalEvidence))
    assert judgement.verdict is Verdict.DUPLICATED
    assert judgement.reason.endswith("by the terminal and by `dumb-init node server.js`")


def test_an_app_that_ctrl_c_ends_is_killed() -> None:
    evidence = press(Happening(after_s=0.01, output=ECHO, exit_code=130), tree=(NPM_1, NODE)).of(SignalEvidence)
    assert judge(evidence).verdict is Verdict.KILLED
    assert evidence.seen.exit_code == 130


def test_an_app_that_ctrl_c_lets_leave_is_forwarded() -> None:
    happening = changed(ONCE, output=ECHO + RECEIVED + b"Shutdown complete\r\n", exit_code=0)
    seen = see(Script(at_start=up(NODE_1, app=1), at_key=(happening,)), probe=Probe.TTY)
    judgement = judge(seen.of(SignalEvidence))
    assert (judgement.verdict, judgement.outcome) == (Verdict.FORWARDED, Outcome.EXITED)


def test_a_line_that_came_before_the_key_makes_the_log_worthless() -> None:
    start = (*up(INIT_1, NODE), Happening(after_s=0.05, output=RECEIVED))
    seen = see(Script(at_start=start, at_key=(Happening(output=ECHO),)), probe=Probe.TTY)
    assert judge(seen.of(SignalEvidence)).reason.endswith("were in the log before the signal was sent")


@pytest.mark.parametrize(
    ("before", "after", "deliveries"),
    [
        (b"npm notice ", b"", 1),
        (b"\x1b[1G\x1b[0K\\ ", b"", 1),
        (b"Received signal: SIGINT ", b"", 2),
        (b"half^C", b"^Cand more ", 1),
        (b"Received signal: ", b"", 1),
    ],
)
def test_a_line_that_another_process_left_unfinished(before: bytes, after: bytes, deliveries: int) -> None:
    seen = press(Happening(after_s=0.001, output=ECHO + before), Happening(after_s=0.005, output=RECEIVED + after))
    assert seen.of(SignalEvidence).deliveries == deliveries


def test_a_line_that_is_read_only_with_the_mark_counts() -> None:
    seen = press(Happening(after_s=0.001, output=ECHO, unread=RECEIVED))
    assert seen.of(SignalEvidence).deliveries == 1
    assert seen.decided_s < 0.1


def test_a_terminal_that_does_not_echo_the_key_may_not_have_sent_the_signal() -> None:
    assert press().reason == "the terminal does not echo Ctrl-C, as if it were only a character"


def test_a_key_that_takes_long_to_get_there_is_waited_for() -> None:
    seen = press(Happening(after_s=SETTLE_S + 2, output=ECHO + RECEIVED))
    assert judge(seen.of(SignalEvidence)).verdict is Verdict.FORWARDED


def test_rest_before_the_key_got_there_is_no_rest() -> None:
    """The app has logged it, and the shell above it has yet to end: all slept until a moment ago."""
    seen = press(
        Happening(after_s=0.1, output=ECHO + RECEIVED, busy=True),
        Happening(after_s=0.15, exit_code=130),
        tree=(NPM_1, NODE),
    )
    assert judge(seen.of(SignalEvidence)).verdict is Verdict.CUT_SHORT
