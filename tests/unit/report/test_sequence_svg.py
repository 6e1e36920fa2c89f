"""The path of a signal as a drawing: whole, well-formed, within its frame, and safe from what containers say."""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.document import Kind, Line, Step
from harness.core.errors import UsageError
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.trace import Fate, Handled, Sent
from harness.report.sequence_svg import Placed, columns, place, render, wrapped
from tests.support.evidence import changed, words
from tests.support.reports import (
    APP,
    FORCED,
    FORWARDED,
    KEPT,
    PID1,
    REAPED,
    START,
    SWALLOWED,
    UNTESTED,
    chained,
    result,
    subject_of,
)

if TYPE_CHECKING:
    from harness.core.document import Row
    from harness.core.evidence import Evidence, SignalEvidence, Untested

LINES = (Line(line=9, text="CMD node server.js"),)
SVG = "{http://www.w3.org/2000/svg}"
NPM = changed(PID1, argv=words("npm start"), caught=1 << 14)
SHELL = changed(PID1, pid=1006, ppid=1001, argv=words("sh -c node server.js"), inner_pid=6)
NODE = changed(APP, ppid=1006)
SENT = Sent(time_s=1.5, sender="runc", sender_pid=5, number=15, target="npm", target_pid=1001, fate=Fate.DELIVERED)


def sent(sender: int, target: int, at_us: int, number: int = 15, fate: Fate = Fate.DELIVERED) -> Sent:
    return changed(
        SENT, time_s=1.5 + at_us / 1e6, sender_pid=sender, target_pid=target, target="comm", number=number, fate=fate
    )


def took(pid: int, at_us: int, number: int = 15, handler: int = 64) -> Handled:
    return Handled(time_s=1.5 + at_us / 1e6, comm="comm", pid=pid, number=number, handler=handler)


KILLED = changed(
    SWALLOWED,
    before=(NPM, SHELL, NODE),
    after=(),
    running=False,
    exit_code=1,
    trace=(
        SENT,
        took(1001, 402),
        sent(1001, 1006, 552),
        took(1006, 571, number=9, handler=0),
        sent(1001, 1001, 4_867, fate=Fate.IGNORED),
        took(1001, 512_402, number=9, handler=0),
        changed(sent(1001, 1007, 514_723, number=9), by_kernel=True),
        took(1007, 514_728, number=9, handler=0),
    ),
)


def drawn(*evidence: Evidence | Untested) -> str:
    row = result("shell", *evidence, start=START)
    return picture(row)


def picture(row: Row, lines: tuple[Line, ...] = LINES, **facts: object) -> str:
    return render(row, msgspec.structs.replace(subject_of(row), starting=lines, **facts))


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314  our own


def groups(svg: str, kind: str) -> list[ET.Element]:
    return parsed(svg).findall(f"{SVG}g[@class='{kind}']")


def texts(part: ET.Element) -> list[str]:
    return [one.text or "" for one in part.iter(f"{SVG}text")]


def shapes(part: ET.Element) -> list[tuple[str, str]]:
    return [(one.get("class", ""), one.get("d", "")) for one in part.iter(f"{SVG}path")]


HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" role="img" width="640" height="289" viewBox="0 0 640 289" font-family="ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace">
<title>shell on local:musl-node24, SIGTERM: swallowed</title>
<desc>CMD node server.js
+0 µs: docker sends SIGTERM to /bin/sh -c node server.js (PID 1): dropped by the kernel
swallowed: PID 1 is `/bin/sh -c node server.js`: no handler for SIGTERM, so the kernel dropped it</desc>
<style>
"""  # noqa: E501  it is as wide as it is
BODY = """\
<rect class="paper" x="0.5" y="0.5" width="639" height="288" rx="6"/>
<g class="head">
<title>CMD node server.js</title>
<text class="title" x="20" y="34" font-size="16">shell on local:musl-node24, SIGTERM</text>
<text class="start" x="20" y="54" font-size="12">CMD node server.js</text>
</g>
<g class="lane">
<title>docker</title>
<path class="box outside" d="M128,76 L270,76 L270,132 L128,132 Z"/>
<path class="life" d="M199,132 L199,189"/>
<text class="pid" x="199" y="92" font-size="10" text-anchor="middle">outside the container</text>
<text class="name" x="199" y="108" font-size="12" text-anchor="middle">docker</text>
</g>
<g class="lane">
<title>/bin/sh -c node server.js (PID 1)</title>
<path class="box" d="M314,76 L456,76 L456,132 L314,132 Z"/>
<path class="life" d="M385,132 L385,189"/>
<text class="pid" x="385" y="92" font-size="10" text-anchor="middle">PID 1</text>
<text class="name" x="385" y="108" font-size="12" text-anchor="middle">/bin/sh -c node</text>
<text class="name" x="385" y="124" font-size="12" text-anchor="middle">server.js</text>
</g>
<g class="lane">
<title>node server.js (PID 7)</title>
<path class="box" d="M474,76 L616,76 L616,132 L474,132 Z"/>
<path class="life" d="M545,132 L545,189"/>
<text class="pid" x="545" y="92" font-size="10" text-anchor="middle">PID 7, the app</text>
<text class="name" x="545" y="108" font-size="12" text-anchor="middle">node server.js</text>
</g>
<g class="step">
<title>+0 µs: docker sends SIGTERM to /bin/sh -c node server.js (PID 1): dropped by the kernel</title>
<path class="arrow ignored" d="M199,170 L374,170"/>
<path class="cross ignored" d="M369,165 L379,175 M369,175 L379,165"/>
<text class="time" x="108" y="174" font-size="11" text-anchor="end">+0 µs</text>
<text class="signal ignored" x="292" y="163" font-size="12" text-anchor="middle">SIGTERM</text>
<text class="fate ignored" x="292" y="185" font-size="11" text-anchor="middle">dropped by the kernel</text>
</g>
<g class="foot">
<title>swallowed: PID 1 is `/bin/sh -c node server.js`: no handler for SIGTERM, so the kernel dropped it</title>
<path class="rule" d="M20,199 L620,199"/>
<text class="symbol bad" x="20" y="227" font-size="16">○</text>
<text class="verdict bad" x="42" y="227" font-size="15">swallowed</text>
<text class="reason" x="20" y="250" font-size="13">PID 1 is `/bin/sh -c node server.js`: no handler for SIGTERM, so the kernel</text>
<text class="reason" x="20" y="269" font-size="13">dropped it</text>
</g>
</svg>
"""  # noqa: E501  it is as wide as it is


def test_a_small_path_is_drawn_whole() -> None:
    svg = drawn(SWALLOWED)
    before, _, after = svg.partition("</style>\n")
    assert before.startswith(HEAD)
    assert after == BODY


def test_the_same_path_is_the_same_drawing() -> None:
    assert drawn(KILLED) == drawn(KILLED)


def test_every_step_is_told_in_words_with_its_time() -> None:
    told = (parsed(drawn(KILLED)).findtext(f"{SVG}desc") or "").splitlines()
    assert told == [
        "CMD node server.js",
        "+0 µs: docker sends SIGTERM to npm start (PID 1)",
        "+402 µs: npm start (PID 1): its handler for SIGTERM runs",
        "+552 µs: npm start (PID 1) sends SIGTERM to sh -c node server.js (PID 6)",
        "+571 µs: sh -c node server.js (PID 6) dies of SIGTERM",
        "+4.9 ms: npm start (PID 1) sends SIGTERM to itself: dropped by the kernel",
        "507.5 ms pass",
        "+512.4 ms: npm start (PID 1) exits",
        "+514.7 ms: the kernel, as PID 1 ends, sends SIGKILL to node server.js (PID 7)",
        "+514.7 ms: node server.js (PID 7) dies of SIGKILL",
        f"killed: {result('v', KILLED).reason}",
    ]


def test_what_is_written_at_each_step() -> None:
    assert [texts(step) for step in groups(drawn(KILLED), "step")] == [
        ["+0 µs", "SIGTERM"],
        ["+402 µs", "handler runs"],
        ["+552 µs", "SIGTERM"],
        ["+571 µs", "dies of SIGTERM"],
        ["+4.9 ms", "SIGTERM to itself", "dropped by the kernel"],
        ["507.5 ms pass"],
        ["+512.4 ms", "exits"],
        ["+514.7 ms", "SIGKILL"],
        ["+514.7 ms", "dies of SIGKILL"],
    ]


def test_every_verdict_has_its_symbol_and_its_word() -> None:
    assert texts(groups(drawn(KILLED), "foot")[0])[:2] == ["✗", "killed"]
    assert texts(groups(drawn(FORWARDED), "foot")[0])[:2] == ["✓", "forwarded"]
    assert texts(groups(drawn(changed(FORCED, trace=SWALLOWED.seen.trace)), "foot")[0])[:2] == ["✗", "forced"]


# Who takes part.


def lanes(svg: str) -> list[str]:
    return [lane.findtext(f"{SVG}title") or "" for lane in groups(svg, "lane")]


def test_lifelines_stand_in_the_order_of_the_processes() -> None:
    assert lanes(drawn(KILLED)) == [
        "docker",
        "npm start (PID 1)",
        "sh -c node server.js (PID 6)",
        "node server.js (PID 7)",
        "the kernel, as PID 1 ends",
    ]


def test_the_order_of_pids_is_not_that_of_the_lifelines() -> None:
    deep = changed(KILLED, before=(NPM, changed(SHELL, inner_pid=40), NODE))
    assert lanes(drawn(deep))[1:4] == ["npm start (PID 1)", "sh -c node server.js (PID 40)", "node server.js (PID 7)"]


def test_the_terminal_stands_first_and_a_process_unknown_last() -> None:
    typed = changed(
        KILLED, typed=True, trace=(sent(4711, 1006, 0), changed(sent(33, 1007, 10), by_kernel=True), took(1007, 20))
    )
    svg = drawn(typed)
    assert lanes(svg) == [
        "the terminal",
        "npm start (PID 1)",
        "sh -c node server.js (PID 6)",
        "node server.js (PID 7)",
        "runc",
    ]
    assert [texts(lane)[0] for lane in groups(svg, "lane")] == [
        "outside the container",
        "PID 1",
        "PID 6",
        "PID 7, the app",
        "a process unknown",
    ]


def test_what_stands_between_pid_1_and_the_app_is_drawn_though_nothing_comes_there() -> None:
    svg = drawn(chained("npm start", "sh -c node server.js", "node server.js"))
    assert lanes(svg)[1:] == ["npm start (PID 1)", "sh -c node server.js (PID 2)", "node server.js (PID 3)"]


def test_who_is_neither_in_the_chain_nor_in_the_path_is_not_drawn() -> None:
    other = changed(SHELL, pid=1030, inner_pid=30, argv=words("tee log"))
    evidence = changed(SWALLOWED, before=(PID1, APP, other))
    assert lanes(drawn(evidence)) == lanes(drawn(SWALLOWED))
    signalled = changed(evidence, trace=(sent(1001, 1030, 0),))
    assert lanes(drawn(signalled))[-1] == "tee log (PID 30)"


# Arrows, marks and ends.


def centre(svg: str, number: int) -> int:
    """Where a lifeline is."""
    (kind, d), *_ = shapes(groups(svg, "lane")[number])[1:]
    assert kind.startswith("life")
    return int(d.removeprefix("M").partition(",")[0])


def one_send(fate: Fate, sender: int = 1001, target: int = 1007) -> str:
    return drawn(changed(KILLED, trace=(sent(sender, target, 0, fate=fate),)))


@pytest.mark.parametrize(
    ("fate", "reaches", "tip", "told"),
    [
        (Fate.DELIVERED, True, "tip delivered", []),
        (Fate.MERGED, True, "tip merged", ["merges with a pending one"]),
        (Fate.IGNORED, False, "cross ignored", ["dropped by the kernel"]),
        (Fate.LOST, False, "cross lost", ["lost: the queue is full"]),
    ],
)
def test_each_fate_is_drawn_and_told_in_its_own_way(fate: Fate, reaches: bool, tip: str, told: list[str]) -> None:
    svg = one_send(fate)
    (step,) = groups(svg, "step")
    (kind, shaft), (head, _) = shapes(step)
    start, end = (int(point.partition(",")[0]) for point in shaft.removeprefix("M").split(" L"))
    assert (kind, head) == (f"arrow {fate}", tip)
    assert (start, end >= centre(svg, 2) - 1, end < centre(svg, 2)) == (centre(svg, 0), reaches, True)
    assert texts(step)[1:] == ["SIGTERM", *told]


def test_only_what_is_delivered_has_a_full_head() -> None:
    closed = {fate: shapes(groups(one_send(fate), "step")[0])[1][1].endswith("Z") for fate in Fate}
    assert closed == {Fate.DELIVERED: True, Fate.MERGED: False, Fate.IGNORED: False, Fate.LOST: False}


def test_what_does_not_arrive_is_dashed() -> None:
    (style,) = (parsed(one_send(Fate.MERGED)).findtext(f"{SVG}style") or "",)
    assert "path.arrow.ignored, path.arrow.lost, path.arrow.merged { stroke-dasharray" in style


def test_an_arrow_back_is_drawn_from_right_to_left() -> None:
    svg = one_send(Fate.DELIVERED, sender=1007, target=1006)
    (_, shaft), _ = shapes(groups(svg, "step")[0])
    start, end = (int(point.partition(",")[0]) for point in shaft.removeprefix("M").split(" L"))
    assert start > end > 0
    assert end == centre(svg, 1) + 1


@pytest.mark.parametrize(("fate", "told"), [(Fate.DELIVERED, []), (Fate.IGNORED, ["dropped by the kernel"])])
def test_a_send_to_itself_is_a_loop_that_leaves_and_comes_back(fate: Fate, told: list[str]) -> None:
    svg = one_send(fate, sender=1007, target=1007)
    (step,) = groups(svg, "step")
    (_, loop), _ = shapes(step)
    xs = [int(x) for x in re.findall(r"(\d+),", loop)]
    assert xs[0] == centre(svg, 2)
    assert xs[1] == xs[2] > xs[3] > xs[0]
    assert texts(step)[1:] == ["SIGTERM to itself", *told]


@pytest.mark.parametrize(
    ("record", "told", "words"),
    [
        (took(1007, 5), "handler runs", "its handler for SIGTERM runs"),
        (took(1007, 5, number=3), "SIGQUIT: handler runs", "its handler for SIGQUIT runs"),
        (took(1007, 5, handler=0), "default action", "SIGTERM has its default action"),
        (took(1007, 5, number=19, handler=0), "SIGSTOP: default action", "SIGSTOP has its default action"),
    ],
)
def test_what_a_process_does_with_a_signal_is_told_beside_its_lifeline(record: Handled, told: str, words: str) -> None:
    _, step = groups(drawn(changed(KILLED, trace=(sent(1001, 1007, 0), record))), "step")
    assert texts(step) == ["+5 µs", told]
    assert step.findtext(f"{SVG}title") == f"+5 µs: node server.js (PID 7): {words}"


def test_a_lifeline_ends_where_its_process_does() -> None:
    svg = drawn(KILLED)
    ends = [int(shapes(lane)[-1][1].rpartition(",")[2]) for lane in groups(svg, "lane")]
    docker, npm, shell, node, kernel = ends
    assert docker == kernel > node > npm > shell
    crosses = [d for step in groups(svg, "step") for kind, d in shapes(step) if kind == "end"]
    heights = [sum(int(y) for y in re.findall(r",(\d+)", d)) // 4 for d in crosses]
    assert heights == [shell, npm, node]


def test_a_lifeline_is_dotted_where_much_time_passes_unless_it_has_ended() -> None:
    kinds = [[kind for kind, _ in shapes(lane)[1:]] for lane in groups(drawn(KILLED), "lane")]
    waits = ["life", "life waits", "life"]
    assert kinds == [waits, waits, ["life"], waits, waits]


# Geometry.


def test_steps_go_down_row_by_row_with_room_for_a_pause() -> None:
    steps = [take(at_us) for at_us in (0, 1, 50_000, 100_000, 100_001)]
    assert [(step.y, step.pause) for step in place(steps, 100)] == [
        (138, ""),
        (176, ""),
        (214, ""),
        (290, "50.0 ms pass"),
        (328, ""),
    ]
    assert place(steps[:1], 0) == (Placed(step=steps[0], y=38, pause=""),)


def take(at_us: int) -> Step:
    return Step(
        at_us=at_us,
        kind=Kind.HANDLER,
        who=0,
        to=None,
        signal="SIGTERM",
        outcome=None,
        label="handler runs",
        fate="",
        words="",
    )


def test_a_record_out_of_order_makes_no_time_before_the_first_step() -> None:
    """The kernel's records are almost in the order of time: the first one need not be the earliest."""
    svg = drawn(changed(KILLED, trace=(took(1001, 3), SENT)))
    assert [texts(step)[0] for step in groups(svg, "step")] == ["+0 µs", "+3 µs"]


def test_lifelines_leave_room_for_what_is_written_between_them() -> None:
    path = result("v", KILLED).evidence.path
    assert path is not None
    places, width = columns(len(path.participants), path.steps)
    assert places == sorted(places)
    gaps = [right - left for left, right in pairwise(places)]
    assert min(gaps) == gaps[0]
    assert max(gaps) == gaps[1]  # "dropped by the kernel" stands beside npm's lifeline
    assert width > places[-1]


def test_few_lifelines_share_the_room_there_is() -> None:
    (alone,), width = columns(1, [take(0)])
    assert (alone < width / 2, width) == (True, 640)
    (left, right), width = columns(2, [changed(take(0), kind=Kind.SEND, to=1, label="SIGTERM")])
    assert width == 640
    assert right - left > 250


@pytest.mark.parametrize(
    ("text", "room", "most", "lines"),
    [
        ("", 10, 3, ()),
        ("node", 10, 3, ("node",)),
        ("node server.js", 10, 3, ("node", "server.js")),
        ("node  server.js", 20, 3, ("node  server.js",)),
        ("node server.js --port=3000", 10, 2, ("node", "server.js…")),
        ("node server.js --port=3000", 10, 1, ("node serv…",)),
        ("abcdefghijklm", 5, 2, ("abcde", "fghi…")),
        ("abcdefghij", 5, 2, ("abcde", "fghij")),
        ("日本語の名前", 5, 2, ("日本", "語の…")),
        ("a\nb\tc\x1b", 30, 1, (r"a b\x09c\x1b",)),
    ],
)
def test_a_text_is_broken_at_spaces_and_cut(text: str, room: int, most: int, lines: tuple[str, ...]) -> None:
    assert wrapped(text, room, most) == lines


def cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


@given(st.text(), st.integers(6, 40), st.integers(1, 5))
def test_no_line_is_too_long_and_only_an_ellipsis_tells_of_what_is_missing(text: str, room: int, most: int) -> None:
    lines = wrapped(text, room, most)
    assert len(lines) <= most
    assert all(line and cells(line) <= room for line in lines)
    assert all(c.isprintable() for line in lines for c in line)
    whole = "".join(lines).replace(" ", "")
    full = "".join(wrapped(text, 10_000, 1)).replace(" ", "")
    assert whole == full or (whole.endswith("…") and full.startswith(whole[:-1]))


# What a drawing is not to hold, to load or to run.

HOSTILE = (
    '</text></svg><script>alert(1)</script> <image href="https://evil.example/x"/> &amp; ]]> '
    "'\"\x1b[2J\x00\u202e {{x}} {% x %}"
)


def hostile(text: str) -> Row:
    """A result with a text wherever a container or a file could put it."""
    before = (
        changed(NPM, argv=words(text)),
        changed(SHELL, argv=words(text)),
        changed(NODE, argv=words(f"{text} app")),
    )
    evidence: SignalEvidence = changed(KILLED, before=before)
    trace = (*(evidence.seen.trace or ()), changed(sent(4711, 1007, 600_000), sender=text[:16] or "x"))
    return result(text or "v", changed(evidence, trace=trace), base=text)


def hostile_picture(text: str, copies: int = 1) -> str:
    return picture(hostile(text), (Line(line=1, text=text),) * copies, dockerfile=text, init=True)


def test_hostile_text_is_text() -> None:
    svg = hostile_picture(HOSTILE)
    root = parsed(svg)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg",
        "title",
        "desc",
        "style",
        "rect",
        "g",
        "path",
        "text",
    }
    assert all(c == "\n" or c.isprintable() for c in svg)
    shown = HOSTILE.replace("\x1b", r"\x1b").replace("\x00", r"\x00").replace("\u202e", r"\x202e")
    assert shown in (root.findtext(f"{SVG}desc") or "")


def test_a_drawing_refers_to_nothing_outside_itself() -> None:
    for svg in (drawn(KILLED), hostile_picture(HOSTILE, 0)):
        root = parsed(svg)
        for element in root.iter():
            assert not [name for name in element.attrib if name.startswith("on") or "href" in name]
        style = root.findtext(f"{SVG}style") or ""
        assert not re.search(r"url\(|@import|@font-face|https?:", style)
        assert root.get("role") == "img"


def box_of(label: ET.Element) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a text, with characters as wide as fixed-width fonts have them at most."""
    size = float(label.get("font-size", 0))
    width = float(label.get("textLength") or cells(label.text or "") * size * 0.61)
    left = float(label.get("x", 0)) - {"middle": width / 2, "end": width}.get(label.get("text-anchor", ""), 0)
    y = float(label.get("y", 0))
    return left, y - size, left + width, y + size * 0.3


def assert_within_its_frame(svg: str) -> None:
    root = parsed(svg)
    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    assert (root.get("width"), root.get("height")) == (f"{width:.0f}", f"{height:.0f}")
    for label in root.iter(f"{SVG}text"):
        left, top, right, bottom = box_of(label)
        assert 0 <= left <= right <= width, label.text
        assert 0 <= top <= bottom <= height, label.text
    for shape in root.iter(f"{SVG}path"):
        for x, y in re.findall(r"(-?\d+),(-?\d+)", shape.get("d", "")):
            assert 0 <= int(x) <= width
            assert 0 <= int(y) <= height


def test_all_is_within_the_frame() -> None:
    for svg in (
        drawn(SWALLOWED),
        drawn(KILLED),
        *map(one_send, Fate),
        hostile_picture(HOSTILE, 4),
    ):
        assert_within_its_frame(svg)


@given(st.text(max_size=500))
def test_whatever_a_command_line_is_a_drawing_is_well_formed_and_within_its_frame(text: str) -> None:
    svg = hostile_picture(text)
    assert_within_its_frame(svg)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([5, 1001, 1006, 1007, 4711]),
            st.sampled_from([1001, 1006, 1007, 4712]),
            st.integers(0, 10**9),
            st.integers(1, 64),
            st.sampled_from(Fate),
            st.booleans(),
        ),
        min_size=1,
        max_size=70,
    )
)
def test_whatever_the_record_is_a_drawing_is_within_its_frame(
    records: list[tuple[int, int, int, int, Fate, bool]],
) -> None:
    trace = tuple(
        took(target, us, number=number, handler=sender % 2) if taken else sent(sender, target, us, number, fate)
        for sender, target, us, number, fate, taken in records
    )
    assert_within_its_frame(drawn(changed(KILLED, trace=trace)))


def test_a_text_in_characters_of_unknown_fonts_is_squeezed_into_its_room() -> None:
    svg = drawn(changed(SWALLOWED, before=(changed(PID1, argv=words("日本語 …")), APP)))
    names = [label for label in groups(svg, "lane")[1].iter(f"{SVG}text") if label.get("class") == "name"]
    assert [(name.text, name.get("textLength")) for name in names] == [("日本語 …", "59")]
    assert 'textLength="59" lengthAdjust="spacingAndGlyphs"' in svg
    assert "textLength" not in drawn(KILLED)


# Both looks.


def colours(svg: str) -> list[dict[str, str]]:
    """The fills and strokes of the light look and of the dark one."""
    light, dark = (parsed(svg).findtext(f"{SVG}style") or "").split("@media (prefers-color-scheme: dark) {")
    found = []
    for part in (light, dark):
        rules = re.findall(r"^([^{}\n]+) \{ ([^}]*) \}", part, re.MULTILINE)
        found.append(
            {
                f"{one.strip()} {name}": value
                for selector, body in rules
                for one in selector.split(",")
                for name, value in re.findall(r"(fill|stroke): (#\w+)", body)
            }
        )
    return found


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_both_looks_colour_the_same_things_and_can_be_read() -> None:
    light, dark = colours(drawn(KILLED))
    assert light.keys() == dark.keys()
    for look in (light, dark):
        for name, colour in look.items():
            if name.startswith("text"):
                assert contrast(colour, look["rect.paper fill"]) >= 4.5, name
                assert contrast(colour, look["path.box fill"]) >= 4.5, name
            elif name.endswith("stroke") and name not in ("rect.paper stroke", "path.rule stroke"):
                assert contrast(colour, look["rect.paper fill"]) >= 3, name


def test_what_is_drawn_has_a_look() -> None:
    """A class without a rule is one that nobody meant; those that need none are named."""
    svgs = [drawn(KILLED), drawn(FORWARDED), *map(one_send, Fate), drawn(SWALLOWED, SWALLOWED)]
    plain = {"name", "reason", "fate", "delivered", "head", "lane", "step", "foot"}
    style = parsed(svgs[0]).findtext(f"{SVG}style") or ""
    known = set(re.findall(r"\.([a-z]+)", style))
    used = {kind for svg in svgs for one in parsed(svg).iter() for kind in one.get("class", "").split()}
    assert used <= known | plain


# What is told beside, and what cannot be drawn.


def heading(svg: str) -> list[str]:
    return texts(groups(svg, "head")[0])[1:]


def test_how_the_image_is_started_is_told() -> None:
    row = result("shell", SWALLOWED)
    both = (Line(line=8, text='ENTRYPOINT ["tini"]'), Line(line=9, text='CMD ["node"]'))
    assert heading(picture(row, both)) == ['ENTRYPOINT ["tini"]', 'CMD ["node"]']
    assert heading(picture(row, ())) == ["shell.Dockerfile sets neither ENTRYPOINT nor CMD; the base does"]
    assert heading(picture(row, init=True)) == ["CMD node server.js", "run with --init"]


def test_a_given_image_has_neither_base_nor_dockerfile() -> None:
    row = msgspec.structs.replace(result("redis:8", SWALLOWED), base=None)
    svg = picture(row, (), dockerfile=None)
    assert texts(groups(svg, "head")[0]) == ["redis:8, SIGTERM", "what the image says"]


def test_one_of_several_runs_is_said_to_be_one() -> None:
    svg = drawn(SWALLOWED, SWALLOWED, SWALLOWED)
    assert texts(groups(svg, "foot")[0])[-1] == "one of 3 runs is drawn"
    assert "runs is drawn" not in drawn(SWALLOWED)


def test_of_very_many_steps_the_first_are_drawn_and_the_others_counted() -> None:
    svg = drawn(changed(KILLED, trace=tuple(sent(1001, 1007, number) for number in range(1000))))
    assert len(groups(svg, "step")) == 60
    assert texts(groups(svg, "foot")[0])[-1] == "940 more steps are not drawn"
    assert "940 more steps are not drawn" in (parsed(svg).findtext(f"{SVG}desc") or "")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (result("v", UNTESTED), "as the cell is untested: no ready line within 30 s"),
        (result("v", REAPED, probe=Probe.REAP), "the probe reap sends no signal"),
        (result("v", KEPT, probe=Probe.EXIT_CODE), "the probe exit-code sends no signal"),
        (result("v", changed(SWALLOWED, trace=None)), "the kernel's record of SIGTERM is missing or empty"),
        (result("v", changed(SWALLOWED, trace=())), "the kernel's record of SIGTERM is missing or empty"),
    ],
)
def test_where_there_is_no_path_that_is_told(row: Row, why: str) -> None:
    with pytest.raises(UsageError) as refusal:
        picture(row)
    assert refusal.value.message.startswith("there is no path to draw")
    assert why in refusal.value.message


def test_real_time_signals_have_room_for_their_names() -> None:
    trace = tuple(
        changed(sent(1001, 1007, number, number=37, fate=fate), time_s=1.5 + number) for number, fate in enumerate(Fate)
    )
    svg = drawn(changed(KILLED, sent=Signal(37), trace=trace))
    assert_within_its_frame(svg)
    assert "SIGRTMIN+3" in svg


def test_what_has_ended_is_not_killed_once_more() -> None:
    """The kernel goes through all numbers of the namespace, threads of the dead among them (zap_pid_ns_processes)."""
    again = changed(sent(1001, 1007, 514_740, number=9, fate=Fate.IGNORED), by_kernel=True)
    assert drawn(changed(KILLED, trace=(*KILLED.seen.trace, again))) == drawn(KILLED)
