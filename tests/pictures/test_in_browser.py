"""Pictures in a real browser, as a page shows them: nothing is cut off, nothing lies on another, nothing is loaded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from rich.text import Text

from harness.core.document import Line
from harness.core.trace import Fate, Handled, Sent
from harness.report import sequence_svg, terminal_svg
from tests.support.comparing import PICTURES
from tests.support.evidence import changed
from tests.support.reports import SWALLOWED, chained, result, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

OVERLAPS = """() => {
  const frame = document.documentElement.viewBox.baseVal;
  const texts = [...document.querySelectorAll("text")].map((text) => [text.textContent, text.getBBox(), text.getCTM()])
    .filter(([words]) => words.trim())
    .map(([words, box, { e, f }]) => [words, box.x + e, box.y + f, box.x + e + box.width, box.y + f + box.height]);
  const outside = texts.filter(([, left, top, right, bottom]) =>
    left < 0 || top < 0 || right > frame.width || bottom > frame.height);
  const slack = 1;
  const crossing = texts.flatMap((one, n) => texts.slice(n + 1)
    .filter((two) => one[1] < two[3] - slack && two[1] < one[3] - slack
      && one[2] < two[4] - slack && two[2] < one[4] - slack)
    .map((two) => [one[0], two[0]]));
  return { seen: texts.length, outside, crossing };
}"""
HOSTILE = "node --eval 'x=\"<&>\"' 日本語日本語 🚀🚀 a\u0301\u0301 ﷽﷽﷽ \x1b[31m WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW"


def hostile() -> str:
    made = chained(*[HOSTILE] * 3, f"{HOSTILE} app", of=changed(SWALLOWED, after=(), running=False, exit_code=1))
    ids = [1001, 1002, 1003, 1007]
    send = Sent(time_s=1, sender="runc", sender_pid=5, number=37, target="x", target_pid=1001, fate=Fate.DELIVERED)
    trace = [
        changed(send, time_s=1 + number / 10, sender_pid=sender, target_pid=target, fate=fate)
        for number, (sender, target, fate) in enumerate((s, t, f) for s in ids for t in ids for f in Fate)
    ][:40]
    taken = [Handled(time_s=20, comm="x", pid=pid, number=64, handler=handler) for pid in ids for handler in (0, 1)]
    ends = [Handled(time_s=30, comm="x", pid=pid, number=9, handler=0) for pid in ids]
    row = result(HOSTILE, changed(made, trace=(send, *trace, *taken, *ends)), base=HOSTILE)
    starting = (Line(line=1, text=HOSTILE), Line(line=2, text=HOSTILE * 9))
    return sequence_svg.render(row, msgspec.structs.replace(subject_of(row), starting=starting))


def terminal() -> str:
    return terminal_svg.render([Text("─" * 100), Text("WM" * 50, style="bold"), Text("✓✂⇄»○✗ … · – →")], "x " * 100)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page; whatever it asks for beside a picture, or complains of, is a failure."""
    wrong: list[str] = []
    context = browser.new_context()
    opened = context.new_page()
    opened.on("request", lambda request: None if request.url.endswith(".svg") else wrong.append(request.url))
    opened.on("console", lambda message: wrong.append(message.text))
    yield opened
    context.close()
    assert wrong == []


def laid_out(page: Page, file: Path) -> Any:
    page.goto(file.as_uri())
    return page.evaluate(OVERLAPS)


@pytest.mark.parametrize("name", sorted(file.name for file in PICTURES.glob("*.svg")))
def test_a_picture_of_the_docs_is_laid_out(page: Page, name: str) -> None:
    found = laid_out(page, PICTURES / name)
    assert found["seen"] > 10
    assert (found["outside"], found["crossing"]) == ([], [])


@pytest.mark.parametrize("draw", [hostile, terminal])
def test_whatever_is_in_it_a_picture_is_laid_out(page: Page, draw: Any, tmp_path: Path) -> None:
    (tmp_path / "made.svg").write_text(draw(), encoding="utf-8")
    found = laid_out(page, tmp_path / "made.svg")
    assert found["seen"] > 3
    assert (found["outside"], found["crossing"]) == ([], [])


def test_a_text_that_lies_on_another_or_outside_is_found(page: Page, tmp_path: Path) -> None:
    svg = PICTURES.joinpath("path-dropped.svg").read_text(encoding="utf-8")
    aside, count = re.subn(r'(class="fate ignored" x="\d+") y="\d+"', r'\1 y="20"', svg)
    spoiled = aside.replace(">SIGTERM<", f">{'SIGTERM ' * 20}<")
    assert (count, spoiled.count("SIGTERM SIGTERM")) == (1, 10)
    (tmp_path / "spoiled.svg").write_text(spoiled, encoding="utf-8")
    found = laid_out(page, tmp_path / "spoiled.svg")
    assert [words[:7] for words, *_ in found["outside"]] == ["SIGTERM"]
    crossing = [(one[:7], two[:7]) for one, two in found["crossing"]]
    assert crossing == [("node-sh", "dropped"), ("+0 µs", "SIGTERM")]


@pytest.mark.parametrize(("look", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(15, 19, 24)")])
def test_a_path_has_the_look_of_the_system(browser: Browser, look: Any, paper: str) -> None:
    context = browser.new_context(color_scheme=look)
    page = context.new_page()
    page.goto((PICTURES / "path-killed.svg").as_uri())
    assert page.evaluate("getComputedStyle(document.querySelector('.paper')).fill") == paper
    context.close()
