"""Where nothing that was tried helps: that this is said only then, and why, by what each change has shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.core.advice import advice
from harness.core.evidence import Ground
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.trace import Fate
from harness.core.unhelped import in_the_app, nothing_helps
from tests.support.evidence import changed
from tests.support.reports import (
    APP,
    DUPLICATED,
    FORCED,
    FORWARDED,
    GRACEFUL,
    HANDED_ON,
    PID1,
    SWALLOWED,
    TAKEN,
    TO_APP,
    TO_SHELL,
    UNTESTED,
    ran,
)

if TYPE_CHECKING:
    from harness.core.evidence import Evidence, Untested
    from harness.core.result import Result

ALONE = changed(APP, ppid=900, is_namespace_init=True, inner_pid=1)
DROPPED = changed(TO_APP, fate=Fate.IGNORED)
DEAF = changed(FORCED, before=(changed(ALONE, caught=0, wchan="ep_poll"),), ground=Ground.MASKS, trace=(DROPPED,))
DEAF_TO_INT = changed(DEAF, sent=Signal(2), trace=(changed(DROPPED, number=2),), events=())
IGNORING = changed(DEAF, before=(changed(ALONE, caught=0, ignored=1 << 14, wchan="ep_poll"),))
TO_ITSELF = changed(TO_APP, time_s=1.003, sender="node", sender_pid=1007)
AGAIN = changed(FORCED, before=(ALONE,), trace=(changed(TO_APP, time_s=1.0), TAKEN, TO_ITSELF))
SLOW = changed(FORCED, before=(ALONE,), receipts=GRACEFUL.signalled.receipts, done=False, trace=(TO_APP, TAKEN))
NOT_TOLD = changed(FORCED, before=(PID1, APP), trace=(changed(TO_SHELL, fate=Fate.IGNORED),))
LEFT_BEHIND = changed(
    NOT_TOLD, forced=False, took_s=0.1, exit_code=143, trace=(TO_SHELL, changed(TO_APP, number=9, by_kernel=True))
)
ONE_OPEN = "Nothing tried is known to help: 1 of 2 could not be tested"
OPEN = changed(FORCED, before=(PID1, APP), trace=None)


def tried(*evidence: Evidence | Untested, probe: Probe = Probe.STOP) -> list[Result]:
    return [ran("v", one, probe=probe)[0] for one in evidence]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([DEAF], "Nothing tried helps: each is forced, because the app has no handler for SIGTERM."),
        ([DEAF, DEAF_TO_INT], "…, because the app has no handler for SIGTERM and SIGINT."),
        ([IGNORING], "…, because the app ignores SIGTERM."),
        ([AGAIN], "…, because the app has no handler of its own for SIGTERM (its runtime's raises it again)."),
        ([SLOW], "…, because the app gets SIGTERM, but is not done in time."),
        ([NOT_TOLD, DEAF], "…, because the app is not told, or has no handler for SIGTERM."),
        ([OPEN, DEAF], "…."),
        (
            [LEFT_BEHIND, DEAF],
            "Nothing tried helps: each is abrupt or forced",
        ),
        ([UNTESTED], "Whether anything tried helps is not known: nothing of it could be tested."),
        ([UNTESTED, DEAF], f"{ONE_OPEN}, and each other is forced, because the app has no handler for SIGTERM."),
    ],
    ids=[
        *("no handler", "two signals", "ignored", "raised again", "slow", "not told", "not known", "two verdicts"),
        *("untested", "one untested"),
    ],
)
def test_nothing_helps_and_why(found: list[Evidence | Untested], said: str) -> None:
    told = nothing_helps(tried(*found))
    assert told is not None
    assert told.startswith(said.replace("…", "Nothing tried helps: each is forced"))


@pytest.mark.parametrize(
    "found", [[], [GRACEFUL], [DEAF, GRACEFUL]], ids=["nothing tried", "one helps", "another does"]
)
def test_it_is_said_only_then(found: list[Evidence | Untested]) -> None:
    results = tried(*found)
    assert nothing_helps(results) is None
    assert in_the_app(tried(DEAF)[0], results) == ()


def test_what_is_no_stop_has_no_grace_to_be_done_in() -> None:
    assert nothing_helps(tried(DUPLICATED, probe=Probe.SIGNAL)) == "Nothing tried helps: each is duplicated."
    assert nothing_helps(tried(SWALLOWED, probe=Probe.SIGNAL)) == (
        "Nothing tried helps: each is swallowed, because the app is not told."
    )
    assert nothing_helps(tried(FORWARDED, probe=Probe.SIGNAL)) is None


def test_what_the_app_lacks_behind_a_wrapper_is_advised_as_well_and_marked_as_not_tried() -> None:
    (wrapped,) = tried(NOT_TOLD)
    deaf = tried(DEAF, DEAF_TO_INT)
    lines = advice(wrapped, tried=(), beyond=in_the_app(wrapped, deaf))
    assert lines[-3:] == ("and", "In the app (not tried):", "  process.on('SIGTERM', () => server.close());")
    assert not any("SIGINT" in line for line in lines)


def test_of_an_app_in_an_unknown_language_it_is_said_in_words() -> None:
    (wrapped,) = tried(NOT_TOLD)
    other = changed(DEAF, before=(changed(ALONE, caught=0, wchan="ep_poll", argv=("/app/serve",)),))
    lines = advice(wrapped, tried=(), beyond=in_the_app(wrapped, tried(other)))
    assert lines[-2:] == ("and", "The app must handle SIGTERM, and end when it comes.")


def test_what_stands_above_the_app_is_not_the_apps_fault() -> None:
    (wrapped,) = tried(NOT_TOLD)
    assert in_the_app(wrapped, tried(LEFT_BEHIND)) == ()
    assert in_the_app(wrapped, tried(SLOW)) == ()


def test_it_is_not_advised_twice() -> None:
    (deaf,) = tried(DEAF)
    lines = advice(deaf, tried=(), beyond=in_the_app(deaf, [deaf]))
    assert sum("In the app" in line for line in lines) == 1


def test_a_wrapper_that_hands_on_is_not_held_to_tell_nobody() -> None:
    told = changed(NOT_TOLD, trace=(changed(TO_SHELL, fate=Fate.DELIVERED), HANDED_ON))
    assert nothing_helps(tried(NOT_TOLD)) == "Nothing tried helps: each is forced, because the app is not told."
    assert nothing_helps(tried(told)) == "Nothing tried helps: each is forced."
