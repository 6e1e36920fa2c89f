"""Many bases side by side, whole and without colour."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.core.evidence import Untested
from harness.core.question import Probe
from harness.core.signals import Signal, catchable_signals
from harness.core.verdict import Expected, Verdict
from harness.report.bases_table import render
from tests.support.evidence import changed
from tests.support.reports import (
    BASE,
    DEBIAN,
    FACTS,
    FORWARDED,
    GRACEFUL,
    KILLED,
    SWALLOWED,
    UNTESTED,
    drawn,
    report,
    result,
    with_programs,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.core.document import Document, Row

HUP = Signal(1)
NODE = with_programs(changed(FACTS, reference="node:22", os=None), {"npm": None})


def on(bases: Iterable[str], *results: Row) -> Document:
    """A report of results on bases of these names."""
    return changed(report(*results), bases={base: changed(FACTS, reference=base) for base in bases})


SMALL = changed(
    report(
        result("naive", GRACEFUL, probe=Probe.STOP, base=DEBIAN.reference),
        result("naive", SWALLOWED, signal=HUP),
        result("naive", FORWARDED),
        result("naive", SWALLOWED, signal=HUP, base=DEBIAN.reference),
        result("naive", KILLED, base=DEBIAN.reference, expected=Expected.ALWAYS),
        result("exec-form", FORWARDED, signal=HUP, base=DEBIAN.reference),
        result("exec-form", FORWARDED, SWALLOWED, base=DEBIAN.reference),
        result("exec-form", FORWARDED, base="node:22"),
        result("exec-form", UNTESTED, signal=HUP, base="node:22"),
    ),
    bases={BASE: FACTS, DEBIAN.reference: DEBIAN, "node:22": NODE},
)
DRAWN = """\

     base                    system        /bin/sh               Node      npm
 ────────────────────────────────────────────────────────────────────────────────
 1   local:musl-node24       alpine 3.22   BusyBox v1.37.0 ash   24.11.1   11.6.2
 2   local:debian12-node24   debian 12     dash 0.5.12-2         24.11.1   11.6.2
 3   node:22                 –             BusyBox v1.37.0 ash   24.11.1   –


Each cell: SIGHUP SIGTERM stop

 variant     debian12-node24   musl-node24   node:22
 ───────────────────────────────────────────────────
 naive       ○ ✗! ✓            ○ ✓ –         – – –
 exec-form   ✓ ~ –             – – –         ? ✓ –


✓ forwarded: received once, the app is in control
○ swallowed: not received; everything keeps running (SH001)
✗ killed: not received, the app is gone (SH006)
✓ graceful: the app shut down within the grace period
~ unstable: repeats disagree (SH016)
? untested: could not be tested

debian12-node24/naive/SIGTERM: expected forwarded, but killed: PID 1 is `/bin/sh -c node server.js`:
the app never saw SIGTERM, but the container ended with exit code 143 before the app was done
debian12-node24/exec-form/SIGTERM: unstable: 2 runs disagree: forwarded 1×, swallowed 1×; for
instance, PID 1 is `/bin/sh -c node server.js`: no handler for SIGTERM, so the kernel dropped it
node:22/exec-form/SIGHUP: untested: no ready line within 30 s
  the end of its log:
    starting"""


def test_a_small_crossing_is_drawn_whole() -> None:
    assert drawn(render(SMALL)) == DRAWN


def test_a_contradicted_recording_is_marked_and_noted() -> None:
    text = drawn(render(SMALL, {"musl-node24/naive/SIGTERM": Verdict.KILLED}))
    assert " naive       ○ ✗! ✓            ○ ✓! –        – – –\n" in text
    assert "musl-node24/naive/SIGTERM: expected killed, but forwarded: PID 1 is the app" in text


def test_a_recording_that_agrees_changes_nothing() -> None:
    assert drawn(render(SMALL, {"musl-node24/naive/SIGTERM": Verdict.FORWARDED})) == DRAWN


def test_where_there_are_no_results_the_bases_are_all_there_is_to_tell() -> None:
    assert drawn(render(report())).rstrip() == (
        "\n"
        "     base                system        /bin/sh               Node      npm\n"
        " ────────────────────────────────────────────────────────────────────────────\n"
        " 1   local:musl-node24   alpine 3.22   BusyBox v1.37.0 ash   24.11.1   11.6.2"
    )


def test_the_order_of_the_results_is_not_that_of_the_questions() -> None:
    backwards = changed(SMALL, results=SMALL.results[::-1])
    assert "Each cell: SIGHUP SIGTERM stop\n" in drawn(render(backwards))


def many(name: str, count: int, variant: str) -> Document:
    bases = [name.format(number) for number in range(10, 10 + count)]
    cells = [result(variant, SWALLOWED, signal=HUP, base=base) for base in bases]
    return on(bases, *cells, *(result(variant, FORWARDED, base=base) for base in bases))


def symbols(text: str, variant: str) -> list[str]:
    """What is drawn of the cells of a variant, table after table."""
    rows = [line.removeprefix(f" {variant} ") for line in text.splitlines() if line.startswith(f" {variant} ")]
    return [cell for row in rows for cell in re.split(r" {2,}", row.strip())]


@pytest.mark.parametrize("width", [40, 60, 79, 100, 160])
@pytest.mark.parametrize("count", [1, 2, 7, 8, 13, 30])
@pytest.mark.parametrize("name", ["b{}", "node:{}-alpine", "registry.example:5000/team/node:{}-alpine"])
def test_every_base_is_drawn_whatever_room_there_is(name: str, count: int, width: int) -> None:
    made = many(name, count, "npm-start")
    text = drawn(render(made), width=width)
    tables = text[text.index("Each cell") :]
    assert symbols(tables, "npm-start") == ["○ ✓"] * count
    headings = [word for line in tables.splitlines() if line.startswith(" variant") for word in line.split()[1:]]
    assert headings in ([base.replace("/", "_") for base in made.bases], [str(n) for n in range(1, count + 1)])


def _one(base: str) -> Row:
    return result("v", FORWARDED, base=base)


def test_bases_go_by_number_where_their_names_do_not_fit() -> None:
    bases = [f"node@sha256:{number}{'0123456789abcdef' * 4}" for number in range(3)]
    text = drawn(render(on(bases, *map(_one, bases))))
    assert " variant   1   2   3\n ───────────────────\n v         ✓   ✓   ✓\n" in text
    assert "  1   node@sha256:0" in text.replace("\n 1", "\n  1")


def test_a_base_without_results_keeps_its_number() -> None:
    bases = [f"{'x' * 60}:{number}" for number in range(3)]
    text = drawn(render(on(bases, _one(bases[0]), _one(bases[2]))))
    assert " variant   1   3\n" in text


HOSTILE = "\x1b[2J\x9b31m\u202e [bold]x[/bold] [/]"
SPELLED = r"\x1b[2J\x9b31m\x202e [bold]x[/bold] [/]"


def test_hostile_facts_and_reasons_are_inert() -> None:
    made = report(result("v", Untested(reason=f"it says {HOSTILE}")))
    text = drawn(render(changed(made, bases={BASE: changed(FACTS, os=HOSTILE)})), width=160)
    assert not set(text) & set("\x1b\x9b\u202e")
    assert f"local:musl-node24   {SPELLED}   BusyBox" in text
    assert text.endswith(f"musl-node24/v/SIGTERM: untested: it says {SPELLED}")


@pytest.mark.parametrize("base", ["a[bold]b", "a\x9b31m\u202e"])
def test_the_name_of_a_base_is_text(base: str) -> None:
    text = drawn(render(on([base], _one(base))))
    spelled = base.replace("\x9b", r"\x9b").replace("\u202e", r"\x202e")
    assert f" variant   {spelled}\n" in text


def test_the_name_of_a_variant_is_text() -> None:
    assert " v[bold]x   ✓\n" in drawn(render(report(result("v[bold]x", FORWARDED))))


def test_no_verdict_is_cut_off_where_the_names_of_variants_are_shorter_than_their_heading() -> None:
    assert symbols(drawn(render(many("b{}", 30, "tini")), width=98), "tini") == ["○ ✓"] * 30


def test_no_verdict_is_cut_off_where_there_are_many_questions() -> None:
    name = "npm-start-dumb-init-single-child"
    asked = [result(name, FORWARDED, signal=signal) for signal in catchable_signals()]
    asked += [result(name, UNTESTED, probe=probe) for probe in Probe if probe is not Probe.SIGNAL]
    text = drawn(render(report(*asked)))
    rows = [
        line for line in text.splitlines() if set(line.replace(name, "").strip()) in ({*"✓ "}, {*"✓? "}, {*"? "}, {"?"})
    ]
    assert sum(row.count("✓") + row.count("?") for row in rows) == len(asked)
