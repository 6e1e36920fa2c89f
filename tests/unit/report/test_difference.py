"""What changed between two recordings as people see it, whole and without colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.core.comparison import compare
from harness.core.ranking import Change
from harness.core.verdict import Verdict
from harness.report.difference import SIGNS, caveat, render, summary
from harness.report.style import CHANGED
from tests.support.evidence import changed
from tests.support.reports import DEBIAN, ENGINE, FACTS, drawn, finding, recording, with_programs

if TYPE_CHECKING:
    from harness.core.comparison import Comparison

APP = "node server.js"
SH = "/bin/sh -c node server.js"
NPM = ("npm start", APP)
NPM_ON_DASH = ('/bin/sh -c "npm" "start"', "npm start", "sh -c node server.js", APP)
OLD = recording(
    {
        ("npm-start", "SIGHUP"): finding(Verdict.SWALLOWED, *NPM),
        ("npm-start", "SIGTERM"): finding(Verdict.FORWARDED, *NPM),
        ("npm-start", "stop"): finding(Verdict.GRACEFUL, *NPM, signal="SIGTERM"),
        ("shell", "SIGTERM"): finding(Verdict.FORWARDED, APP),
        ("npm-start-exec", "SIGTERM"): finding(Verdict.FORWARDED, *NPM),
        ("flaky", "SIGTERM"): finding(Verdict.UNSTABLE, APP, seen=(Verdict.FORWARDED, Verdict.DUPLICATED)),
        ("odd", "SIGTERM"): finding(Verdict.KILLED, APP),
        ("slow", "SIGTERM"): finding(Verdict.UNTESTED),
        ("gone", "reap"): finding(Verdict.ZOMBIE, APP),
        ("same", "exit-code"): finding(Verdict.KEPT, APP),
    },
    variants={"odd": "1"},
)
NEW = recording(
    {
        ("npm-start", "SIGHUP"): finding(Verdict.SWALLOWED, *NPM_ON_DASH),
        ("npm-start", "SIGTERM"): finding(Verdict.SWALLOWED, *NPM_ON_DASH),
        ("npm-start", "stop"): finding(Verdict.FORCED, *NPM_ON_DASH, signal="SIGTERM"),
        ("shell", "SIGTERM"): finding(Verdict.SWALLOWED, SH, APP),
        ("npm-start-exec", "SIGTERM"): finding(Verdict.KILLED, *NPM_ON_DASH[1:]),
        ("flaky", "SIGTERM"): finding(Verdict.FORWARDED, APP),
        ("odd", "SIGTERM"): finding(Verdict.SWALLOWED, APP),
        ("slow", "SIGTERM"): finding(Verdict.SWALLOWED, SH, APP),
        ("fresh", "tty"): finding(Verdict.FORWARDED, APP),
        ("same", "exit-code"): finding(Verdict.KEPT, APP),
    },
    base=with_programs(DEBIAN, {"node": "24.12.0", "npm": None}),
    engine=changed(ENGINE, kernel="6.13", trace=True),
    variants={"odd": "2"},
)
DRAWN = """\
local:musl-node24 → local:debian12-node24
  the image      sha256:abc → sha256:def
  the system     alpine 3.22 → debian 12
  the C library  musl 1.2.5 → glibc 2.36
  /bin/sh        BusyBox v1.37.0 ash → dash 0.5.12-2
  Node           24.11.1 → 24.12.0
  npm            11.6.2 → –
  ! not the same engine: what changed may be the engine's doing
    the kernel                      6.12 → 6.13
    the kernel's record of signals  not used → used

▼ 4 worse
  likely: /bin/sh is now dash 0.5.12-2, was BusyBox v1.37.0 ash: it stays the parent of what it
  starts
    npm-start       SIGTERM  ✓ forwarded → ○ swallowed
                    stop     ✓ graceful → ✗ forced
                    PID 1 was `npm start`, is `/bin/sh -c "npm" "start"`
    shell           SIGTERM  ✓ forwarded → ○ swallowed
                    PID 1 was `node server.js`, is `/bin/sh -c node server.js`
    npm-start-exec  SIGTERM  ✓ forwarded → ✗ killed
                    `sh -c node server.js` is now the parent of `node server.js`

? 1 not to be compared: untested then or now
    slow  SIGTERM  ? untested → ○ swallowed

◆ 1 changed sideways: as bad as before, in another way
  likely: the variant itself changed: its Dockerfile, its options or the app
    odd  SIGTERM  ✗ killed → ○ swallowed

- 1 gone
    gone  reap     ○ zombie

+ 1 new
    fresh  tty      ✓ forwarded

▲ 1 better
  likely: Node is now 24.12.0, was 24.11.1; the processes are the same
    flaky  SIGTERM  ~ unstable (forwarded, duplicated) → ✓ forwarded

= 2 the same"""


STILL_UNTESTED = """\
? 1 not to be compared: untested then or now
    slow  SIGTERM  ? untested → ? untested

= 9 the same"""


def test_what_changed_is_drawn_whole() -> None:
    assert drawn(render([compare(OLD, NEW)])) == DRAWN


def test_several_bases_are_drawn_one_below_the_other() -> None:
    text = drawn(render([compare(OLD, OLD), compare(OLD, NEW)]))
    assert text == f"local:musl-node24\n\n{STILL_UNTESTED}\n\n{DRAWN}"


def test_another_image_of_the_same_name_is_named_once() -> None:
    new = changed(OLD, base=changed(FACTS, id="sha256:" + "0123456789abcdef" * 4))
    assert drawn(render([compare(OLD, new)])) == (
        f"local:musl-node24\n  the image  sha256:abc → sha256:0123456789ab\n\n{STILL_UNTESTED}"
    )


def test_nothing_compared_is_nothing_drawn() -> None:
    assert drawn(render([])) == ""
    assert summary([]) == "0 cells: none to compare"


def test_groups_of_one_change_are_told_one_after_the_other() -> None:
    old = recording(
        {("a", "SIGTERM"): finding(Verdict.FORWARDED, APP), ("b", "SIGTERM"): finding(Verdict.FORWARDED, APP)},
        variants={"a": "1"},
    )
    new = recording(
        {("a", "SIGTERM"): finding(Verdict.KILLED, APP), ("b", "SIGTERM"): finding(Verdict.UNSTABLE, APP)},
        variants={"a": "2"},
    )
    assert drawn(render([compare(old, new)])) == (
        "local:musl-node24\n"
        "\n"
        "▼ 2 worse\n"
        "  likely: the variant itself changed: its Dockerfile, its options or the app\n"
        "    a  SIGTERM  ✓ forwarded → ✗ killed\n"
        "  likely: nothing that is recorded has changed\n"
        "    b  SIGTERM  ✓ forwarded → ~ unstable\n"
        "\n"
        "= 0 the same"
    )


@pytest.mark.parametrize(
    ("compared", "line"),
    [
        ([compare(OLD, NEW)], "11 cells: 4 worse, 1 unknown, 1 sideways, 1 gone, 1 new, 1 better, 2 same"),
        (
            [compare(OLD, NEW), compare(NEW, OLD), compare(OLD, OLD)],
            "32 cells: 5 worse, 3 unknown, 2 sideways, 2 gone, 2 new, 5 better, 13 same",
        ),
        ([compare(OLD, OLD)], "10 cells: 1 unknown, 9 same"),
        ([compare(recording(), recording())], "0 cells: none to compare"),
    ],
)
def test_the_summary_is_one_line(compared: list[Comparison], line: str) -> None:
    assert summary(compared) == line


def test_another_engine_is_cause_for_caution() -> None:
    assert caveat(compare(OLD, NEW)) == (
        "local:debian12-node24 is compared with what was recorded of local:musl-node24. "
        "What was recorded of local:musl-node24 was run elsewhere: the kernel is now 6.13, was 6.12; "
        "the kernel's record of signals is now used, was not used."
    )
    assert caveat(compare(OLD, OLD)) == ""


def test_every_change_has_a_sign_and_words_of_its_own() -> None:
    assert set(SIGNS) == set(CHANGED) == set(Change)
    assert len({sign for sign, _ in SIGNS.values()}) == len(SIGNS)
    assert len({*CHANGED.values()}) == len(CHANGED)


@pytest.mark.parametrize("width", [40, 60, 100])
def test_no_verdict_and_no_name_is_cut_off_where_there_is_little_room(width: int) -> None:
    text = drawn(render([compare(OLD, NEW)]), width=width)
    for word in ("npm-start-exec", "○ swallowed", "✗ killed", "SIGTERM", "local:debian12-node24"):
        assert word in text
    assert "…" not in text


HOSTILE = "\x1b[2J\x9b31m\u202e [bold]x[/bold] [/] [link=x]"
SPELLED = r"\x1b[2J\x9b31m\x202e [bold]x[/bold] [/] [link=x]"


def test_hostile_facts_commands_and_names_of_bases_are_inert() -> None:
    old = recording({("v", "SIGTERM"): finding(Verdict.FORWARDED, APP)})
    new = recording(
        {("v", "SIGTERM"): finding(Verdict.KILLED, HOSTILE, APP)},
        base=with_programs(changed(FACTS, reference=HOSTILE), {"node": HOSTILE}),
        engine=changed(ENGINE, kernel=HOSTILE),
    )
    made = compare(old, new)
    text = drawn(render([made]), width=200)
    assert "\x1b" not in text
    assert text.startswith(f"local:musl-node24 → {SPELLED}\n  Node  24.11.1 → {SPELLED}\n")
    assert f"the kernel  6.12 → {SPELLED}\n" in text
    assert f"PID 1 was `node server.js`, is `{SPELLED}`" in text
    assert caveat(made) == (
        f"{SPELLED} is compared with what was recorded of local:musl-node24. "
        f"What was recorded of local:musl-node24 was run elsewhere: the kernel is now {SPELLED}, was 6.12."
    )


def test_control_characters_in_the_name_of_a_variant_are_spelled_out() -> None:
    old = recording({("v\x1b[2J", "SIGTERM"): finding(Verdict.FORWARDED, APP)})
    new = recording({("v\x1b[2J", "SIGTERM"): finding(Verdict.KILLED, APP)})
    assert r"    v\x1b[2J  SIGTERM  ✓ forwarded → ✗ killed" in drawn(render([compare(old, new)]))


@pytest.mark.parametrize("key", [("v [bold]x[/bold]", "SIGTERM"), ("v [/]", "SIGTERM"), ("v", "[red]SIG[/red]")])
def test_markup_in_the_name_of_a_variant_or_question_is_text(key: tuple[str, str]) -> None:
    made = compare(recording({key: finding(Verdict.FORWARDED)}), recording({key: finding(Verdict.KILLED)}))
    text = drawn(render([made]))
    assert all(name in text for name in key)


def test_control_characters_in_the_name_of_a_question_are_spelled_out() -> None:
    key = ("v", "SIG\x9b31m\u202e")
    made = compare(recording({key: finding(Verdict.FORWARDED)}), recording({key: finding(Verdict.KILLED)}))
    assert r"SIG\x9b31m\x202e" in drawn(render([made]))
