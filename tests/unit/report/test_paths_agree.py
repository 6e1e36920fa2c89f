"""Text, SVG and HTML say the same of a signal's path: who takes part, and step by step what happened."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from harness.core.process import shown
from harness.core.signals import Signal
from harness.core.trace import Fate, Handled
from harness.report.html_cells import dialogs
from harness.report.path_text import path_table
from harness.report.sequence_svg import render
from tests.support.evidence import changed, words
from tests.support.reports import (
    APP,
    FORWARDED,
    GRACEFUL,
    PID1,
    SWALLOWED,
    TO_APP,
    TO_SHELL,
    chained,
    drawn,
    report,
    result,
    subject_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.core.document import Row, SignalPath

SVG = "{http://www.w3.org/2000/svg}"
NPM = changed(PID1, argv=words("npm start"), caught=1 << 14)
TAKEN = Handled(time_s=1.6, comm="node", pid=1007, number=15, handler=64)
ENDED = changed(SWALLOWED, before=(NPM, APP), after=(), running=False, exit_code=1)
LEAVING = (
    changed(TO_SHELL, target="npm"),
    Handled(time_s=1.002, comm="npm", pid=1001, number=15, handler=64),
    changed(TO_APP, time_s=1.1, sender="npm", sender_pid=1001),
    changed(TO_APP, time_s=1.2, sender="npm", sender_pid=1001, target="npm", target_pid=1001),
    Handled(time_s=1.3, comm="npm", pid=1001, number=15, handler=0),
    changed(TO_APP, time_s=1.4, sender="npm", sender_pid=1001, number=9, by_kernel=True),
    Handled(time_s=1.5, comm="node", pid=1007, number=9, handler=0),
)
TYPED = (
    changed(TO_SHELL, number=2, fate=Fate.IGNORED, by_kernel=True),
    changed(TO_APP, time_s=1.00001, number=2, by_kernel=True),
    changed(TAKEN, time_s=1.00002, number=2, handler=0),
    changed(TO_APP, time_s=1.00003, sender="bash", sender_pid=4711, number=10, fate=Fate.LOST),
    changed(TAKEN, time_s=1.00004, number=10),
)
ROWS = {
    "dropped": result("v", SWALLOWED),
    "dropped, and never near the app": result("v", chained("npm start", "sh -c node server.js", "node server.js")),
    "handled": result("v", FORWARDED),
    "duplicated": result("v", changed(SWALLOWED, trace=(TO_APP, changed(TO_APP, time_s=1.50001), TAKEN))),
    "merged": result("v", changed(SWALLOWED, trace=(TO_APP, changed(TO_APP, fate=Fate.MERGED), TAKEN))),
    "killed": result("v", changed(ENDED, trace=(changed(TO_APP, number=9), changed(TAKEN, number=9, handler=0)))),
    "the end of PID 1": result("v", changed(ENDED, trace=LEAVING)),
    "a key on a terminal": result("v", changed(SWALLOWED, sent=Signal(2), typed=True, trace=TYPED)),
    "a stop": result("v", changed(GRACEFUL, trace=LEAVING)),
}


@dataclass(frozen=True, kw_only=True)
class Said:
    """One step as a drawing says it."""

    moment: str
    who: str
    what: str
    to: str = ""
    fate: str = ""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What a drawing says: its lifelines from left to right, its steps, and what is written at each of them."""

    lifelines: tuple[str, ...]
    steps: tuple[Said, ...]
    written: tuple[tuple[str, ...], ...]


NAME = re.compile(r"(\d+) (.+)")
LINE = re.compile(r"(\+\S+ \S+)  (.+)")
ARROW = re.compile(r"(.+) ──(\S+)──▶ (.+?)(?:   (.+))?")
ALONE = re.compile(r"(.+?)(?:: | (?=dies|exits))(.+)")
SENTENCE = re.compile(r"(.+?),? sends (\S+) to (.+?)(?:: (.+))?")


def of_text(row: Row) -> tuple[Said, ...]:
    """The lines of the text, with names as they are in a sentence."""
    lines = (LINE.fullmatch(line.strip()) for line in drawn(path_table(row), width=200).splitlines())
    return tuple(said(line[1], line[2], ARROW) for line in lines if line)


def said(moment: str, words: str, form: re.Pattern[str]) -> Said:
    """A step from its line or its sentence; ``form`` is that of a signal that is sent."""
    if send := form.fullmatch(words):
        who, signal, to, fate = send.groups()
        to = who if to == "itself" else to
        return Said(moment=moment, who=name(who), what=f"sends {signal}", to=name(to), fate=fate or "")
    alone = ALONE.fullmatch(words)
    assert alone, words
    return Said(moment=moment, who=name(alone[1]), what=alone[2])


def name(text: str) -> str:
    """``7 node`` as ``node (PID 7)``."""
    return NAME.sub(r"\2 (PID \1)", text) if NAME.fullmatch(text) else text


def of_svg(row: Row) -> Drawing:
    """The picture: what it says in words, and what is written in it."""
    root = ET.fromstring(render(row, subject_of(row)))  # noqa: S314  our own
    lanes, steps = (root.findall(f"{SVG}g[@class='{kind}']") for kind in ("lane", "step"))
    sentences = [str(step.findtext(f"{SVG}title")).partition(": ") for step in steps]
    return Drawing(
        lifelines=tuple(str(lane.findtext(f"{SVG}title")) for lane in lanes),
        steps=tuple(said(moment, words, SENTENCE) for moment, _, words in sentences if words),
        written=tuple(tuple(str(text.text) for text in step.iter(f"{SVG}text")) for step in steps),
    )


def of_html(row: Row) -> Drawing:
    """What the page's script gets to paint."""
    data = dialogs(report(row), (), ())
    (cell,) = data["cells"]
    words = dict(enumerate(data["texts"]))
    written: list[tuple[str, ...]] = []
    for pause, moment, _, *labels in (step[:5] for step in cell["path"]):
        written += [(words[pause],)] if pause is not None else []
        written.append((words[moment], *(words[label] for label in labels if label is not None)))
    return Drawing(
        lifelines=tuple(words[of] if pid is None else f"{words[of]} (PID {pid})" for pid, of in cell["parties"]),
        steps=tuple(said(words[moment], words[sentence], SENTENCE) for _, moment, sentence, *_ in cell["path"]),
        written=tuple(written),
    )


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_text_picture_and_page_say_the_same_in_the_same_order(row: Row) -> None:
    lines, picture, page = of_text(row), of_svg(row), of_html(row)
    assert lines
    assert lines == picture.steps == page.steps
    assert picture == page


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_all_who_are_named_have_a_lifeline_and_all_others_stand_in_the_chain(row: Row) -> None:
    named = {who for step in of_text(row) for who in (step.who, step.to) if who}
    lifelines = of_svg(row).lifelines
    assert named <= set(lifelines)
    chain = {shown(argv) for argv in row.evidence.chain}
    assert {who.partition(" (PID ")[0] for who in set(lifelines) - named} <= chain


def test_the_page_paints_between_those_whom_its_words_name() -> None:
    for row in ROWS.values():
        page, (cell,) = of_html(row), dialogs(report(row), (), ())["cells"]
        ends = [(step[6], step[7]) for step in cell["path"]]
        assert [(page.lifelines[who], "" if to is None else page.lifelines[to]) for who, to in ends] == [
            (step.who, step.to) for step in page.steps
        ]


# That a difference would be seen.


def with_path(row: Row, path: SignalPath) -> Row:
    return changed(row, evidence=changed(row.evidence, path=path))


def in_other_words(row: Row) -> Row:
    path = row.evidence.path
    assert path is not None
    steps = (
        changed(step, fate="dropped" if step.fate else "", words=step.words.replace("dropped by the kernel", "dropped"))
        for step in path.steps
    )
    return with_path(row, changed(path, steps=tuple(steps)))


def in_another_order(row: Row) -> Row:
    path = row.evidence.path
    assert path is not None
    return with_path(row, changed(path, steps=path.steps[::-1]))


def without_a_step(row: Row) -> Row:
    path = row.evidence.path
    assert path is not None
    return with_path(row, changed(path, steps=path.steps[:-1]))


def between_others(row: Row) -> Row:
    path = row.evidence.path
    assert path is not None
    return with_path(row, changed(path, participants=path.participants[::-1]))


@pytest.mark.parametrize("change", [in_other_words, in_another_order, without_a_step, between_others])
@pytest.mark.parametrize("drawing", [of_text, of_svg, of_html])
def test_a_drawing_of_another_path_says_something_else(
    drawing: Callable[[Row], object], change: Callable[[Row], Row]
) -> None:
    row = ROWS["the end of PID 1"]
    assert drawing(change(row)) != drawing(row)
