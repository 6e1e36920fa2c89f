"""What a stop would do, foretold from processes as they were recorded: certain, likely, or not to be told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.core.forecast import Stopping, Sure, forecast
from harness.core.signals import Signal, catchable_signals, parse_signal
from harness.core.verdict import Verdict
from tests.support.scripted import process

if TYPE_CHECKING:
    from harness.core.process import Process, Tree

FORCED, ABRUPT, GRACEFUL = Verdict.FORCED, Verdict.ABRUPT, Verdict.GRACEFUL
CERTAIN, LIKELY, OPEN = Sure.CERTAIN, Sure.LIKELY, Sure.OPEN
TERM = parse_signal("TERM")
ALL = tuple(signal.name for signal in catchable_signals())
NODES_OWN = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGSEGV", "SIGCHLD")
SHELLS_OWN = ("SIGINT", "SIGCHLD")
FETCHING = "do_sigtimedwait"


def app(pid: int = 1, parent: int = 0, *, catches: tuple[str, ...] = ALL) -> Process:
    return process(pid, "node server.js", parent=parent, catches=catches)


def shell(pid: int = 1, parent: int = 0, *, text: str = "/bin/sh -c node server.js") -> Process:
    return process(pid, text, parent=parent, catches=SHELLS_OWN, wchan="do_wait")


def npm(pid: int = 1, parent: int = 0) -> Process:
    return process(pid, "npm start", parent=parent, catches=NODES_OWN)


def init(args: str = "tini -- node server.js") -> Process:
    return process(1, args, wchan=FETCHING)


def su() -> Process:
    return process(1, "su app -c node", catches=("SIGINT", "SIGQUIT", "SIGTERM"))


def foretold(tree: Tree, signal: Signal = TERM, grace_s: int | None = 10) -> tuple[Verdict | None, Sure]:
    found = forecast(tree, Stopping(signal=signal, grace_s=grace_s))
    assert found.bad == (found.verdict in (FORCED, ABRUPT))
    return found.verdict, found.sure


@pytest.mark.parametrize(
    ("tree", "verdict", "sure"),
    [
        # PID 1 neither handles nor blocks it: the kernel's own rule.
        ((process(1, "sleep 1000"),), FORCED, CERTAIN),
        ((shell(), app(7, 1)), FORCED, CERTAIN),
        ((shell(), npm(7, 1), shell(8, 7), app(9, 8)), FORCED, CERTAIN),
        ((shell(text="/bin/sh /entry.sh"), app(7, 1)), FORCED, CERTAIN),
        # The app is PID 1.
        ((app(),), GRACEFUL, LIKELY),
        ((process(1, "redis-server", catches=("SIGTERM",)),), GRACEFUL, LIKELY),
        ((app(catches=NODES_OWN),), None, OPEN),
        ((app(catches=(*NODES_OWN, "SIGHUP")),), None, OPEN),
        (
            (process(1, "sh /loop.sh", catches=("SIGTERM", *SHELLS_OWN)), process(2, "sleep 1", parent=1)),
            GRACEFUL,
            LIKELY,
        ),
        # Inits forward, and the app is nothing special.
        ((init(), app(7, 1)), GRACEFUL, LIKELY),
        ((init(), process(7, "sleep 1000", parent=1)), ABRUPT, LIKELY),
        ((init(), app(7, 1, catches=NODES_OWN)), None, OPEN),
        ((init(), shell(7, 1), app(8, 7)), ABRUPT, LIKELY),
        ((init(), npm(7, 1), shell(8, 7), app(9, 8)), ABRUPT, LIKELY),
        ((init(), npm(7, 1), app(9, 7)), GRACEFUL, LIKELY),
        ((init("dumb-init --rewrite 15:3 node server.js"), app(7, 1)), GRACEFUL, LIKELY),
        ((init("dumb-init --rewrite 15:0 node server.js"), app(7, 1)), FORCED, LIKELY),
        ((init("dumb-init -r 15:3 x"), app(7, 1, catches=("SIGTERM",))), ABRUPT, LIKELY),
        # To the whole group: the shell between dies first.
        ((init("dumb-init npm start"), npm(7, 1), shell(8, 7), app(9, 8)), ABRUPT, LIKELY),
        ((init("tini -g -- npm start"), npm(7, 1), app(9, 7)), GRACEFUL, LIKELY),
        # Package managers and runners.
        ((npm(), shell(7, 1), app(8, 7)), ABRUPT, LIKELY),
        ((npm(), app(8, 1)), GRACEFUL, LIKELY),
        ((process(1, "node --run start", catches=NODES_OWN), shell(7, 1), app(8, 7)), FORCED, LIKELY),
        ((process(1, "node --watch x.js", catches=NODES_OWN), app(8, 1)), GRACEFUL, LIKELY),
        # What a trap, su or a supervisor does is theirs.
        ((process(1, "sh /entry.sh", catches=("SIGTERM",)), app(7, 1)), None, OPEN),
        ((process(1, "sh -c trap x TERM; node", catches=("SIGTERM",)), app(7, 1)), None, OPEN),
        ((su(), app(7, 1)), None, OPEN),
        ((process(1, "supervisord -n", catches=("SIGTERM",)), app(7, 1), app(8, 1)), None, OPEN),
        ((process(1, "runsvdir /s", catches=("SIGTERM",)),), None, OPEN),
        ((), None, OPEN),
    ],
)
def test_a_stop_is_foretold(tree: Tree, verdict: Verdict | None, sure: Sure) -> None:
    assert foretold(tree) == (verdict, sure)


def test_a_signal_that_is_ignored_is_lost_for_certain() -> None:
    deaf = replace(shell(text="/bin/sh -c trap '' TERM; node"), ignored=1 << 14)
    found = forecast((deaf, app(7, 1)), Stopping(signal=TERM, grace_s=10))
    assert (found.verdict, found.sure) == (FORCED, CERTAIN)
    assert "ignores SIGTERM" in found.reason


def test_a_mask_that_proves_nothing_makes_nothing_certain() -> None:
    """While a thread sleeps in sigtimedwait, what it waits for is in no mask; on a processor it may be anywhere."""
    busy = replace(process(1, "sh -c while :; do :; done"), state="R")
    assert foretold((busy,)) == (FORCED, LIKELY)
    assert foretold((process(1, "/service", wchan=FETCHING),)) == (None, OPEN)
    assert foretold((replace(process(1, "/service"), wchan=None),)) == (FORCED, LIKELY)
    assert foretold((init(), replace(process(7, "/service", parent=1), wchan=None))) == (None, OPEN)


def test_a_signal_that_is_blocked_is_meant_to_be_fetched() -> None:
    assert foretold((replace(process(1, "/service"), blocked=1 << 14),)) == (GRACEFUL, LIKELY)


def test_only_pid_1_of_a_namespace_is_spared() -> None:
    there = replace(process(1, "sleep 1000"), is_namespace_init=False)
    assert foretold((there,)) == (ABRUPT, CERTAIN)
    assert foretold((replace(there, wchan=None),)) == (None, OPEN)
    assert foretold((there,), Signal(28)) == (FORCED, LIKELY)


@pytest.mark.parametrize(
    ("signal", "verdict", "sure"), [("HUP", FORCED, LIKELY), ("INT", ABRUPT, LIKELY), ("TERM", ABRUPT, LIKELY)]
)
def test_a_package_manager_forwards_some_signals(signal: str, verdict: Verdict, sure: Sure) -> None:
    tree = (replace(npm(), caught=app().caught), shell(7, 1, text="sh -c node server.js"), app(8, 7))
    shell_dies = replace(tree[1], caught=0)
    assert foretold((tree[0], shell_dies, tree[2]), parse_signal(signal)) == (verdict, sure)


def test_a_shell_keeps_its_own_handler_for_itself() -> None:
    assert foretold((shell(), app(7, 1)), parse_signal("INT")) == (FORCED, LIKELY)


def test_another_stop_signal_is_asked_for_by_its_own_mask() -> None:
    tree = (init(), process(7, "python3 -m http.server", parent=1, catches=("SIGINT",)))
    assert foretold(tree, TERM) == (ABRUPT, LIKELY)
    assert foretold((process(1, "/s", catches=("SIGTERM",)),), parse_signal("QUIT")) == (FORCED, CERTAIN)
    assert foretold((init(), process(7, "sleep 9", parent=1)), Signal(28)) == (FORCED, LIKELY)


@pytest.mark.parametrize("number", [9, 19])
def test_nobody_handles_sigkill_and_sigstop(number: int) -> None:
    assert foretold((app(),), Signal(number)) == (FORCED, CERTAIN)


@pytest.mark.parametrize("wchan", [None, "do_wait"])
def test_an_init_that_was_not_seen_waiting_is_not_taken_to_be_deaf(wchan: str | None) -> None:
    busy = replace(init(), state="R", wchan=wchan, leader_wchan=None)
    assert foretold((busy, app(7, 1))) == (None, OPEN)
    assert foretold((replace(busy, argv=("my-loop",)), app(7, 1))) == (FORCED, LIKELY)


def test_no_grace_is_no_time() -> None:
    assert foretold((app(),), grace_s=0) == (FORCED, LIKELY)
    assert foretold((process(1, "sleep 9"),), grace_s=0) == (FORCED, CERTAIN)
    assert "no SIGKILL ever follows" in forecast((process(1, "x"),), Stopping(signal=TERM, grace_s=None)).reason


def test_the_worst_of_several_apps_counts() -> None:
    script = process(1, "tini -g sh /both.sh", wchan=FETCHING)
    both = (script, replace(shell(7, 1, text="sh /both.sh"), caught=1 << 14), app(8, 7), app(9, 7))
    deaf = replace(both[3], caught=0, argv=("other",))
    assert foretold(both) == (GRACEFUL, LIKELY)
    found = forecast((*both[:3], deaf), Stopping(signal=TERM, grace_s=10))
    assert (found.verdict, found.process) == (ABRUPT, deaf)
    assert found.reason.endswith("(one of 2 apps)")


def test_what_may_not_last_is_no_longer_certain() -> None:
    found = forecast((process(1, "sleep 9"),), Stopping(signal=TERM, grace_s=10, unless=("it is paused",)))
    assert (found.verdict, found.sure) == (FORCED, LIKELY)
    assert found.reason.endswith("; but it is paused")


@pytest.mark.parametrize(
    ("command", "file", "verdict"),
    [("my-worker (v2)", "node", None), ("my-worker (v2)", "", GRACEFUL), ("app", "python3.11", GRACEFUL)],
)
def test_the_file_that_a_process_runs_tells_its_runtime(command: str, file: str, verdict: Verdict | None) -> None:
    """A process may give itself another title, and hide that its handler for SIGTERM may be its runtime's."""
    tree = (process(1, command, catches=("SIGTERM", "SIGINT")),)
    assert forecast(tree, Stopping(signal=TERM, grace_s=10), {1001: file}).verdict is verdict


def test_the_reason_names_who_decides() -> None:
    reasons = {
        (shell(), app(7, 1)): "PID 1, `/bin/sh -c node server.js`, neither handles nor blocks SIGTERM, so that the "
        "kernel drops it: SIGKILL ends the container after 10 s; the app, `node server.js`, is never told",
        (init(), process(7, "sleep 9", parent=1)): "`tini -- node server.js` forwards SIGTERM to the app, `sleep 9`, "
        "which has no handler for it and dies: what is under way is lost",
        (app(),): "PID 1 is the app, `node server.js`, which handles SIGTERM and has 10 s to end",
        (npm(), app(8, 1)): "`npm start` forwards SIGTERM to the app, `node server.js`, which handles it and has 10 s "
        "to end, unless npm is one of 9.6.7 to 10.2, which forward nothing",
    }
    stopping = Stopping(signal=TERM, grace_s=10)
    assert {tree: forecast(tree, stopping).reason for tree in reasons} == reasons


def test_a_long_command_line_is_cut() -> None:
    reason = forecast((process(1, "x" * 200),), Stopping(signal=TERM, grace_s=10)).reason
    assert "x" * 59 + "…`" in reason
    assert "x" * 60 not in reason
