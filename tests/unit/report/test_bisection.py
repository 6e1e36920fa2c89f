"""What a bisection found as people see it, whole and without colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.core.evidence import LogLine
from harness.core.question import Probe
from harness.core.search import Change, Found, Tried
from harness.report.bisection import render
from tests.support.evidence import changed
from tests.support.facts import start_command
from tests.support.reports import (
    DEBIAN,
    FORCED,
    FORWARDED,
    GRACEFUL,
    KEPT,
    LOST,
    UNTESTED,
    chained,
    drawn,
    report,
    result,
)

if TYPE_CHECKING:
    from harness.core.document import Row

APP = "node server.js"
SH = "/bin/sh -c node server.js"
UNRECORDED = changed(chained(SH, APP), trace=None)
ASH = Tried(document=report(result("shell", chained(APP, of=FORWARDED))))
DASH = Tried(document=report(result("shell", UNRECORDED, base=DEBIAN.reference), facts=DEBIAN))
REFUSED = Tried(document=None, refusal="b cannot be pulled: the registry said nothing for 6 s")
FOUND = Found(
    cell="shell/SIGTERM",
    references=("a:1", "a:2", "a:3", "local:debian12-node24", "b"),
    gap=3,
    tried={4: REFUSED, 2: ASH, 0: ASH, 3: DASH},
    changes=(Change(before=2, after=3), Change(before=3, after=4)),
)
DRAWN = """\
shell/SIGTERM on 5 bases: 2 changes, 4 bases tried

   verdict       from                    to                       tried
   ────────────────────────────────────────────────────────────────────
   ✓ forwarded   a:1                     a:3                     2 of 3
   ○ swallowed   local:debian12-node24   local:debian12-node24   1 of 1
   ? untested    b                       b                       1 of 1


1. ✓ forwarded → ○ swallowed
   likely: /bin/sh is now dash 0.5.12-2, was BusyBox v1.37.0 ash: it stays the parent of what it
starts

   a:3                                               local:debian12-node24
   ────────────────────────────────────────────────────────────────────────────────────────────────
   PID 1 is the app, `node server.js`, and handles   PID 1 is `/bin/sh -c node server.js`: no
   SIGTERM                                           handler for SIGTERM, so the kernel dropped it

   Processes before                                  Processes before
   PID   command          state    catches           PID   command         state    catches
   ───────────────────────────────────────           ──────────────────────────────────────────────
     1   node server.js   sleeps   TERM                1   /bin/sh -c      sleeps   nothing;
                                                           node                     ignores PIPE
   The path of the signal                                  server.js
       +0 µs  docker ──SIGTERM──▶ 1 node server.js     2     node          sleeps   TERM
   +100.0 ms  1 node server.js: its handler for            server.js
              SIGTERM runs
   500.00 ms from the request to send it to the      The path of the signal
   app's handler                                     There is no kernel's record of it here; the
   decided after 2 ms                                trees and the log are what there is.

   The log                                           The log
   Listening                                         Listening


2. ○ swallowed → ? untested

   local:debian12-node24                             b
   ────────────────────────────────────────────────────────────────────────────────────────────────
   PID 1 is `/bin/sh -c node server.js`: no          b cannot be pulled: the registry said nothing
   handler for SIGTERM, so the kernel dropped it     for 6 s

   Processes before
   PID   command         state    catches
   ───────────────────────────────────────────────
     1   /bin/sh -c      sleeps   nothing; ignores
         node                     PIPE
         server.js
     2     node          sleeps   TERM
         server.js

   The path of the signal
   There is no kernel's record of it here; the
   trees and the log are what there is.

   The log
   Listening


A change that is undone within 2 bases may have gone unseen; --gap 1 tries each."""


def test_what_was_found_is_drawn_whole() -> None:
    assert drawn(render(FOUND)) == DRAWN


def one(*tried: Tried, references: tuple[str, ...], gap: int = 1, changes: tuple[Change, ...] = ()) -> Found:
    places = dict(enumerate(tried)) if len(tried) == len(references) else {0: tried[0], len(references) - 1: tried[-1]}
    return Found(cell="shell/SIGTERM", references=references, gap=gap, tried=places, changes=changes)


ONE = """\
shell/SIGTERM on 1 base: no changes, 1 base tried

   verdict       from   to     tried
   ─────────────────────────────────
   ✓ forwarded   a:1    a:1   1 of 1
"""
NONE = """\
shell/SIGTERM on 2 bases: no changes, 2 bases tried

   verdict      from   to    tried
   ───────────────────────────────
   ? untested   a      b    2 of 2
"""
UNSEEN = """\
shell/SIGTERM on 8 bases: no changes, 2 bases tried

   verdict       from   to    tried
   ────────────────────────────────
   ✓ forwarded   a      h    2 of 8


A change that is undone within 7 bases may have gone unseen; --gap 1 tries each."""


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (one(ASH, references=("a:1",)), ONE),
        (one(REFUSED, REFUSED, references=("a", "b")), NONE),
        (one(ASH, ASH, references=tuple("abcdefgh"), gap=8), UNSEEN),
    ],
    ids=["one base", "nothing to be had", "no change seen"],
)
def test_where_nothing_changes_that_is_drawn_whole(found: Found, text: str) -> None:
    assert drawn(render(found)) == text


def test_one_change_is_one_change_and_where_all_were_tried_none_can_hide() -> None:
    found = one(ASH, DASH, references=("a", "b"), gap=5, changes=(Change(before=0, after=1),))
    text = drawn(render(found))
    assert text.startswith("shell/SIGTERM on 2 bases: 1 change, 2 bases tried\n")
    assert "unseen" not in text


def beside(old: Tried, new: Tried) -> str:
    return drawn(render(one(old, new, references=("a", "b"), changes=(Change(before=0, after=1),))))


def test_evidence_that_is_no_signals_has_no_path() -> None:
    kept, lost = (Tried(document=report(result("v", evidence, probe=Probe.EXIT_CODE))) for evidence in (KEPT, LOST))
    text = beside(kept, lost)
    assert "The path of the signal" not in text
    assert text.count("Processes before") == 2
    assert "   likely: nothing that is recorded has changed\n" in text


def test_what_could_not_be_tested_is_told_with_its_reason_and_without_a_cause() -> None:
    untested = Tried(document=report(result("shell", UNTESTED)))
    text = beside(ASH, untested)
    assert "no ready line within 30 s" in text
    assert text.count("Processes before") == 1
    assert "likely: " not in text


def test_only_the_end_of_the_log_is_shown() -> None:
    logs = tuple(LogLine(at_ns=n, text=f"line {n}") for n in range(20))
    long = Tried(document=report(result("shell", changed(UNRECORDED, logs=logs))))
    text = beside(ASH, long)
    assert [f"line {n}" in text for n in (13, 14, 19)] == [False, True, True]


HOSTILE = "\x1b[2J\x9b31m\u202e [bold]x[/bold] [/]"
SPELLED = r"\x1b[2J\x9b31m\x202e [bold]x[/bold] [/]"


def test_hostile_text_of_containers_and_registries_is_inert() -> None:
    evidence = changed(
        chained(HOSTILE, APP), trace=None, logs=(LogLine(at_ns=1, text=HOSTILE), LogLine(at_ns=2, text="[red]"))
    )
    made = Tried(document=report(result("shell", evidence)))
    refused = Tried(document=None, refusal=f"it says {HOSTILE}")
    found = one(ASH, made, references=("a", "b"), changes=(Change(before=0, after=1),))
    text = drawn(render(found), width=400)
    assert not set(text) & set("\x1b\x9b\u202e\x07")
    assert text.count(SPELLED) == 3
    assert "[red]" in text
    found = one(made, refused, references=("a", "b"), changes=(Change(before=0, after=1),))
    assert f"it says {SPELLED}" in drawn(render(found), width=400)


def test_control_characters_in_a_reference_or_cell_are_spelled_out() -> None:
    found = one(ASH, DASH, references=("a\x1b[2J", "b\x9b"), changes=(Change(before=0, after=1),))
    text = drawn(render(changed(found, cell="v\x1b/stop")))
    assert text.startswith(r"v\x1b/stop on 2 bases")
    assert text.count(r"a\x1b[2J") == 3
    assert text.count(r"b\x9b") == 3


@pytest.mark.parametrize("reference", ["node:[a-z]*", "x[/]", "[bold]"])
def test_markup_in_a_reference_is_text(reference: str) -> None:
    found = one(ASH, REFUSED, references=("a", reference), changes=(Change(before=0, after=1),))
    assert drawn(render(found)).count(reference) == 3


def given(name: str, row: Row) -> Tried:
    """An image as it is, and what a check has found of it."""
    made = report(row)
    found = changed(made.results[0], subject=name, base=None)
    return Tried(document=changed(made, bases={}, subjects={name: made.subjects[row.subject]}, results=(found,)))


EXEC = start_command(command=("node", "server.js"))
SHELL = start_command(command=("/bin/sh", "-c", "node server.js"), stop_signal="SIGTERM")
STOPS = given("my/app:1", result("x", GRACEFUL, probe=Probe.STOP, start=EXEC))
BREAKS = given("my/app:2", result("x", FORCED, probe=Probe.STOP, start=SHELL))
UNKNOWN = given("my/app:4", result("x", UNTESTED, probe=Probe.STOP))
LACKS = Tried(document=None, refusal="my/app:3 cannot be pulled: it is not there")
AS_IS = Found(
    cell="stop",
    references=("my/app:1", "my/app:2", "my/app:3", "my/app:4", "my/app:5"),
    gap=2,
    tried={0: STOPS, 1: BREAKS, 2: LACKS, 3: UNKNOWN, 4: UNKNOWN},
    changes=(Change(before=0, after=1), Change(before=1, after=2)),
    as_is=True,
)
AS_IS_DRAWN = """\
stop on 5 images: 2 changes, 5 images tried

   verdict      from       to          tried
   ─────────────────────────────────────────
   ✓ graceful   my/app:1   my/app:1   1 of 1
   ✗ forced     my/app:2   my/app:2   1 of 1
   ? untested   my/app:3   my/app:5   3 of 3


1. ✓ graceful → ✗ forced
   likely: a shell now stays the parent of what it starts (CMD is now /bin/sh -c node server.js, was
node server.js)

                    my/app:1                                 my/app:2
   ────────────────────────────────────────────────────────────────────────────────────────────────
   ENTRYPOINT       –                                        –
   CMD              node server.js                           /bin/sh -c node server.js
   STOPSIGNAL       –                                        SIGTERM
   what was found   PID 1 is the app, `node server.js`:      PID 1 is `/bin/sh -c node server.js`:
                    the app received SIGTERM, answered the   the app never saw SIGTERM; SIGKILL
                    request in flight, and ended by itself   ended the container 3.1 s after
                                                             SIGTERM
   PID 1                                                     /bin/sh -c node server.js
                                                             ~ told: by docker
                                                             not known what it did
                                                             exited with 137
   the app          node server.js                           node server.js
                    ~ told: by docker                        ~ told: not known
                    its handler ran                          gone
                    exited with 0
   exit code        0                                        137

  ~ inferred from signal masks, samples and the container's end: there is no kernel's record

2. ✗ forced → ? untested

                    my/app:2                                 my/app:3
   ────────────────────────────────────────────────────────────────────────────────────────────────
   ENTRYPOINT       –
   CMD              /bin/sh -c node server.js
   STOPSIGNAL       SIGTERM
   what was found   PID 1 is `/bin/sh -c node server.js`:    my/app:3 cannot be pulled: it is not
                    the app never saw SIGTERM; SIGKILL       there
                    ended the container 3.1 s after
                    SIGTERM
   PID 1            /bin/sh -c node server.js
                    ~ told: by docker
                    not known what it did
                    exited with 137
   the app          node server.js
                    ~ told: not known
                    gone
   exit code        137

  ~ inferred from signal masks, samples and the container's end: there is no kernel's record"""


def test_images_as_they_are_stand_side_by_side_by_what_they_start_and_what_became_of_that() -> None:
    assert drawn(render(AS_IS)) == AS_IS_DRAWN


def test_what_may_go_unseen_among_images_is_told_of_images() -> None:
    found = changed(AS_IS, tried={0: STOPS, 4: STOPS}, changes=(), gap=4)
    assert drawn(render(found)).endswith(
        "\nA change that is undone within 3 images may have gone unseen; --gap 1 tries each."
    )


def test_why_an_image_could_not_be_tested_is_told() -> None:
    found = changed(AS_IS, tried={0: STOPS, 1: UNKNOWN}, changes=(Change(before=0, after=1),), references=("a", "b"))
    text = drawn(render(found))
    assert "no ready line within 30 s" in text
    assert "likely: " not in text


def test_hostile_text_of_images_is_inert() -> None:
    start = start_command(command=(HOSTILE,))
    hostile = given("x", result("x", FORCED, probe=Probe.STOP, start=start))
    found = changed(
        AS_IS, tried={0: STOPS, 1: hostile}, references=("a", "b\x1b"), changes=(Change(before=0, after=1),)
    )
    text = drawn(render(found), width=400)
    assert not set(text) & set("\x1b\x9b\u202e\x07")
    assert SPELLED in text
