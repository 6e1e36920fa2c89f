"""What a check prints, whole, on a wide terminal and a narrow one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.core.question import Probe
from harness.core.verdict import Verdict
from harness.report.checked import render
from harness.report.tried import shortened
from tests.support.evidence import changed
from tests.support.reports import FORCED, GRACEFUL, TRIED, TYPED, UNTESTED, drawn, report, result

if TYPE_CHECKING:
    from harness.core.document import Row

INIT = "PID 1 is `/sbin/docker-init -- docker-entrypoint.sh /bin/sh -c node server.js`: the container ended by itself"
HELPED = changed(
    result(
        "my/app",
        changed(FORCED, chosen=("first process below sh that does more than start another",)),
        probe=Probe.STOP,
    ),
    tried=(changed(TRIED[0], reason=f"{INIT} 0.1 s after SIGTERM, but the app never saw SIGTERM"), TRIED[1]),
)
IN_VAIN = changed(
    HELPED,
    tried=(changed(TRIED[1], verdict=Verdict.FORCED, brief="10.0 s, exit 137", reason="it runs on", patch=None),),
    advice=("Nothing tried helps: each is forced.", "In the app (not tried):", "  code"),
)

WIDE = """\
my/app, stop: ✗ forced (SH002), 3.1 s, exit 137
PID 1 is `/bin/sh -c node server.js`: the app never saw SIGTERM; SIGKILL ended the container 3.1 s
after SIGTERM
app: node server.js (PID 7): first process below sh that does more than start another

The roll call
  PID   process                     told          what it did   how it ended
  ─────────────────────────────────────────────────────────────────────────────
    1   /bin/sh -c node server.js   ~ by docker   not known     exited with 137
    7     node server.js  ◀ app     ~ not known   not known     gone
  ~ inferred from signal masks, samples and the container's end: there is no kernel's record

How to fix it
  tried  CMD ["node", "server.js"]  ✓ graceful, 0.1 s, exit 0
  tried  --init                     ✂ abrupt, 0.1 s, exit 143
         PID 1 is `/sbin/docker-init -- docker-entrypoint.…`: the container ended by itself 0.1 s
         after SIGTERM, but the app never saw SIGTERM

  In the Dockerfile:
    CMD ["node", "server.js"]
  `/bin/sh -c node server.js` stays as PID 1 and forwards no signal.

The patch, built and run: ✓ graceful
  --- a/Dockerfile
  +++ b/Dockerfile
  @@ -1,2 +1,2 @@
   FROM node
  -CMD node server.js
  +CMD ["node", "server.js"]"""

NARROW = """\
How to fix it
  tried  CMD ["node",      ✓ graceful, 0.1 s, exit 0
         "server.js"]
  tried  --init            ✂ abrupt, 0.1 s, exit 143
         PID 1 is `/sbin/docker-init --
         docker-entrypoint.…`: the container ended
         by itself 0.1 s after SIGTERM, but the app
         never saw SIGTERM
"""

NARROWER = """\
How to fix it
  tried  CMD ["node", "server.js"]
         ✓ graceful, 0.1 s, exit 0
  tried  --init
         ✂ abrupt, 0.1 s, exit 143
"""

VAIN = """\
How to fix it
  tried  CMD ["node", "server.js"]  ✗ forced, 10.0 s, exit 137
         it runs on

  Nothing tried helps: each is forced.
  In the app (not tried):
    code"""


def printed(*rows: Row, width: int = 100) -> str:
    return drawn(render(report(*rows)), width=width)


def test_a_bad_cell_is_told_whole() -> None:
    assert printed(HELPED) == WIDE


def test_a_narrow_terminal_folds_changes_and_keeps_verdicts_on_one_line() -> None:
    assert NARROW in printed(HELPED, width=52)
    assert NARROWER in printed(HELPED, width=40)


@pytest.mark.parametrize("width", [80, 100])
def test_where_nothing_helps_that_stands_above_what_is_not_tried(width: int) -> None:
    assert printed(IN_VAIN, width=width).endswith(VAIN)


def test_a_good_cell_says_which_process_is_the_app_and_how_long_it_took() -> None:
    good = changed(GRACEFUL, chosen=("it wrote the ready line",))
    head, reason, app, *_ = printed(result("my/app", good, probe=Probe.STOP), width=200).splitlines()
    assert head == "my/app, stop: ✓ graceful, 0.2 s, exit 0"
    assert reason.startswith("PID 1 is the app, `node server.js`: the app received SIGTERM")
    assert app == "app: node server.js (PID 7): it wrote the ready line"


def test_where_no_app_was_found_nothing_is_said_of_it() -> None:
    assert "app:" not in printed(result("v", UNTESTED))
    assert "app:" not in printed(result("v", changed(TYPED, chosen=()), probe=Probe.TTY))


def test_what_is_printed_has_no_control_character_of_a_container() -> None:
    hostile = changed(TRIED[0], change="\x1b[2J", reason="`\x1b[2J`", brief="\x07")
    text = printed(changed(HELPED, tried=(hostile,)))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "tried  \\x1b[2J" in text


def test_a_long_reason_is_cut_and_its_commands_first() -> None:
    assert shortened("`sh`: no") == "`sh`: no"
    assert shortened(f"`{'x' * 60}`: no") == f"`{'x' * 39}…`: no"
    assert len(shortened("word " * 200)) == 240
