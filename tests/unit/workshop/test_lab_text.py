"""What an attendee sees of a lab, whole and without colour, in the width of a small terminal."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from harness.core.evidence import LogLine, Untested
from harness.core.signals import Signal
from harness.workshop.lab.check import GoalResult, Outcome
from harness.workshop.lab.exercises import load
from harness.workshop.lab.progress import State
from harness.workshop.lab.text import hints, listing, report, solution, standing
from tests.support.evidence import changed, words
from tests.support.reports import (
    DEBIAN,
    FACTS,
    FORWARDED,
    GRACEFUL,
    SWALLOWED,
    UNTESTED,
    ZOMBIE,
    drawn,
)
from tests.support.reports import result as row

if TYPE_CHECKING:
    from pathlib import Path

    from harness.core.evidence import Evidence
    from harness.core.facts import BaseFacts
    from harness.workshop.lab.exercises import Exercise

LABS = load()
FIRST, SCRIPT, ZOMBIES = LABS[0], LABS[3], LABS[5]
HUP = Signal(1)
ONE_TRY = State(tries=1, hints=1)


def checked(lab: Exercise, *evidence: Evidence | Untested, lacks: str = "", on: BaseFacts = DEBIAN) -> Outcome:
    """An outcome on one base, from the evidence on each goal."""
    results = []
    for goal, run in zip(lab.goals, evidence, strict=True):
        of_goal = row(lab.name, run, probe=goal.probe, signal=goal.signal or HUP, base=on.reference)
        results.append(GoalResult(goal=goal, row=of_goal, lacks=lacks if of_goal.verdict.good else ""))
    return Outcome(exercise=lab, facts={on.reference: on}, results=tuple(results))


def shown_of(outcome: Outcome, state: State = ONE_TRY, **options: bool) -> str:
    return drawn(report(outcome, state, **options), width=80)


FAILING = """\
1-shell-form: The shell in between (easy)

Wanted
  SIGHUP, SIGTERM  ✓ forwarded: received once, the app is in control

local:debian12-node24  /bin/sh is dash 0.5.12-2
  SIGHUP   ○ swallowed  PID 1 is `/bin/sh -c node server.js`: no handler for
                        SIGTERM, so the kernel dropped it
  SIGTERM  ✓ forwarded  PID 1 is the app, `node server.js`, and handles SIGTERM

Evidence: SIGHUP on local:debian12-node24

Processes
  PID   command                     state    catches
  ────────────────────────────────────────────────────────────────
    1   /bin/sh -c node server.js   sleeps   nothing; ignores PIPE
    7     node server.js            sleeps   TERM

The path of the signal
  +0 µs  docker ──SIGTERM──▶ 1 /bin/sh -c node server.js   dropped by the kernel
  decided after 2 ms

The log
  Listening

Hint 2 of 3
  `CMD` has two forms. A plain text is run by `/bin/sh -c`. Here that shell
  stays, and has no handler for these signals."""

SOLVED = """\
1-shell-form: The shell in between (easy)

Wanted
  SIGHUP, SIGTERM  ✓ forwarded: received once, the app is in control

local:debian12-node24  /bin/sh is dash 0.5.12-2
  SIGHUP   ✓ forwarded  PID 1 is the app, `node server.js`, and handles SIGTERM
  SIGTERM  ✓ forwarded  as above

Solved. What to remember
  Write CMD and ENTRYPOINT as a list: the exec form. The shell form puts a shell
  in front of the app. Whether it stays there depends on the base: BusyBox makes
  way for the app, dash does not. So a new base image can break the shutdown."""

UNBUILT = """\
1-shell-form: The shell in between (easy)

Wanted
  SIGHUP, SIGTERM  ✓ forwarded: received once, the app is in control

local:debian12-node24  /bin/sh is dash 0.5.12-2
  SIGHUP   ? untested  Dockerfile does not build: exit code 3
  SIGTERM  ? untested  as above

Evidence: SIGHUP on local:debian12-node24

What was said
  some last words
  \\x1b[31mand more[/red]

Not tested: this does not count as a try, and uses up no hint."""

LACKING = """\
4-entry-script: The script that stays (medium)

Wanted
  SIGTERM        ✓ forwarded: received once, the app is in control
  stop           ✓ graceful: the app shut down within the grace period
  SIGTERM, stop  and the log says `Prepared`

local:debian12-node24  /bin/sh is dash 0.5.12-2
  SIGTERM  ✓ forwarded  PID 1 is the app, `node server.js`, and handles SIGTERM
                        ✗ the log does not say `Prepared`
  stop     ✓ graceful   PID 1 is the app, `node server.js`: the app received
                        SIGTERM, answered the request in flight, and ended by
                        itself
                        ✗ the log does not say `Prepared`

Evidence: SIGTERM on local:debian12-node24
"""

LIST = """
     lab              about                      level    state
 ────────────────────────────────────────────────────────────────────────────
     1-shell-form     The shell in between       easy     ✓ solved
 →   2-npm-start      npm is not your app        easy     ○ failing, 1 try
     3-stop-signal    The wrong word for stop    easy     ○ failing, 12 tries
     4-entry-script   The script that stays      medium   open
     5-no-handlers    An app without handlers    medium   open
     6-zombies        Nobody reaps the orphans   medium   open
     7-twice          Told twice                 hard     open
     8-wrapper        The last one out           hard     open
"""
BUILD = Untested(reason="Dockerfile does not build: exit code 3\n  some last words\n  \x1b[31mand more[/red]")
PROGRESS = {
    "1-shell-form": State(solved=True),
    "2-npm-start": State(tries=1),
    "3-stop-signal": State(tries=12),
}


def test_a_failing_check_is_told_with_the_evidence_and_one_hint() -> None:
    assert shown_of(checked(FIRST, SWALLOWED, FORWARDED), State(tries=2, hints=2)) == FAILING


def test_a_solved_one_with_what_to_remember() -> None:
    assert shown_of(checked(FIRST, FORWARDED, FORWARDED), State(tries=3, hints=3, solved=True)) == SOLVED


def test_what_does_not_build_with_the_last_words_of_the_builder() -> None:
    assert shown_of(checked(FIRST, BUILD, BUILD), State(tries=2, hints=2)) == UNBUILT


def test_work_that_got_lost_is_told_beside_the_good_verdict() -> None:
    shown = shown_of(checked(SCRIPT, FORWARDED, GRACEFUL, lacks="the log does not say `Prepared`"))
    assert shown.startswith(LACKING)
    assert "Hint 1 of 3" in shown


def test_a_summary_leaves_out_the_evidence_and_keeps_the_hint() -> None:
    shown = shown_of(checked(FIRST, SWALLOWED, SWALLOWED), whole=False)
    assert "Evidence" not in shown
    assert shown.endswith("Hint 1 of 3\n  Look at the processes: which one is PID 1? It is not the app.")


def test_orphans_are_shown_as_they_are_at_the_end() -> None:
    shown = shown_of(checked(ZOMBIES, FORWARDED, ZOMBIE))
    assert "Evidence: reap on local:debian12-node24\n\nProcesses\n" in shown
    assert "   20     sleep 3600                zombie   nothing\n" in shown
    assert "The path" not in shown


def test_without_the_kernels_record_there_is_no_path() -> None:
    shown = shown_of(checked(FIRST, changed(SWALLOWED, trace=None), FORWARDED))
    assert "Processes\n" in shown
    assert "The path" not in shown
    assert "record" not in shown


def test_an_app_that_does_not_start_is_told_with_its_log() -> None:
    shown = shown_of(checked(FIRST, UNTESTED, UNTESTED))
    assert "Evidence: SIGHUP on local:debian12-node24\n\nThe log\n  starting\n" in shown


def test_a_finding_goes_before_what_could_not_be_tested() -> None:
    shown = shown_of(checked(FIRST, UNTESTED, SWALLOWED))
    assert "Evidence: SIGTERM" in shown
    assert "Hint 1 of 3" in shown
    assert "Not tested" not in shown


def test_a_lab_once_solved_gives_no_hint_that_was_not_asked_for() -> None:
    shown = shown_of(checked(FIRST, SWALLOWED, SWALLOWED), State(solved=True))
    assert "Evidence" in shown
    assert "Hint" not in shown


def test_all_well_on_another_kind_of_base_is_told_to_be_no_solution() -> None:
    shown = shown_of(checked(FIRST, FORWARDED, FORWARDED, on=FACTS))
    assert shown.endswith(
        "All is well here. But this lab is about a base whose /bin/sh is dash, and none\n"
        "of these is one: it counts as solved when it is checked there."
    )


def test_several_runs_are_said_to_be_several() -> None:
    result = GoalResult(goal=FIRST.goals[1], row=row("twice", FORWARDED, SWALLOWED, base=DEBIAN.reference))
    outcome = changed(checked(FIRST, SWALLOWED, FORWARDED), results=(result,))
    assert "Evidence: SIGTERM on local:debian12-node24, one of 2 runs" in shown_of(outcome)


def test_text_from_a_container_is_spelled_out() -> None:
    logs = tuple(LogLine(at_ns=1, text=f"{number}\x1b[2J[red]x[/red]") for number in range(20))
    before = (changed(SWALLOWED.seen.before[0], argv=words("sh\x1b[31m [bold]x[/bold]")), SWALLOWED.seen.before[1])
    shown = shown_of(checked(FIRST, changed(SWALLOWED, logs=logs, before=before), FORWARDED))
    assert "\x1b" not in shown
    assert "  19\\x1b[2J[red]x[/red]\n" in shown
    assert shown.count("[2J") == 12
    assert "1   sh\\x1b[31m [bold]x[/bold]" in shown


def test_the_list_marks_the_next_one() -> None:
    assert drawn(listing(LABS, PROGRESS), width=80) == LIST.rstrip("\n") + "\n"


def test_one_line_says_how_far_it_is() -> None:
    assert standing(LABS, PROGRESS) == "1 of 8 solved. Next: 2-npm-start, npm is not your app (easy)"
    assert standing(LABS, PROGRESS, after=4) == "1 of 8 solved. Next: 5-no-handlers, An app without handlers (medium)"
    assert standing(LABS, {lab.key: State(solved=True) for lab in LABS}).startswith("All 8 labs are solved. Next: ")


def test_hints_are_shown_up_to_the_last_one_that_was_given() -> None:
    shown = drawn(hints(SCRIPT, State(hints=2)), width=80)
    assert shown.count("Hint ") == 2
    assert "\nHint 2 of 3\n  Behind its last line the script has nothing left to do. Yet it stays, and\n" in shown


@pytest.mark.parametrize("lab", LABS, ids=[lab.key for lab in LABS])
def test_a_solution_is_a_diff_that_patch_takes(lab: Exercise, tmp_path: Path) -> None:
    place = tmp_path / lab.key
    place.mkdir()
    for name, content in lab.start.items():
        (place / name).write_bytes(content)
    subprocess.run(["git", "apply", "-p1", "-"], cwd=tmp_path, input=solution(lab), text=True, check=True)
    assert {path.name: path.read_bytes() for path in place.iterdir()} == {**lab.start, **lab.solution}
