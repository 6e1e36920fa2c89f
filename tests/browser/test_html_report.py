"""The HTML report in a real browser, opened from disk: what a reader sees, does, and is safe from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from harness.core.baseline import Finding, Recording, recordings
from harness.core.comparison import compare
from harness.core.evidence import LogLine
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.trace import Fate, Handled, Sent
from harness.core.verdict import Expected, Verdict
from tests.support.evidence import changed, words
from tests.support.reports import (
    APP,
    BASE,
    ENGINE,
    FACTS,
    FORWARDED,
    GRACEFUL,
    KEPT,
    KILLED,
    PATCH,
    PID1,
    REAPED,
    SOURCE,
    START,
    SWALLOWED,
    TRIED,
    UNTESTED,
    ZOMBIE,
    report,
    result,
    with_programs,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from harness.core.comparison import Comparison
    from harness.core.evidence import Evidence, Untested

    Opens = Callable[..., Page]

HUP = Signal(1)
OTHER = "local:debian12-node24"
TO_SHELL = Sent(time_s=1.5, sender="runc", sender_pid=5, number=15, target="sh", target_pid=1001, fate=Fate.DELIVERED)
PASSED_ON = changed(
    SWALLOWED,
    before=(changed(PID1, argv=words("npm start"), caught=1 << 14), APP),
    after=(),
    running=False,
    exit_code=1,
    logs=(LogLine(at_ns=1, text="Listening on port 3000"), LogLine(at_ns=2, text="npm error signal SIGTERM")),
    trace=(
        TO_SHELL,
        Handled(time_s=1.5002, comm="npm start", pid=1001, number=15, handler=64),
        changed(TO_SHELL, time_s=1.5004, sender="npm start", sender_pid=1001, target="node", target_pid=1007),
        changed(TO_SHELL, time_s=1.5005, sender_pid=1001, sender="npm start", fate=Fate.IGNORED),
        changed(TO_SHELL, time_s=1.5006, sender_pid=1001, target="node", target_pid=1007, fate=Fate.MERGED),
        changed(TO_SHELL, time_s=2.5, sender_pid=1001, target="node", target_pid=1007, number=9, by_kernel=True),
        Handled(time_s=2.5001, comm="node", pid=1007, number=9, handler=0),
    ),
)
RESULTS = (
    result("npm-start", SWALLOWED, signal=HUP),
    result("npm-start", PASSED_ON, expected=Expected.ALWAYS, start=START),
    result("npm-start", GRACEFUL, probe=Probe.STOP),
    result("npm-start", FORWARDED, base=OTHER),
    result("node", FORWARDED, signal=HUP),
    result("node", FORWARDED),
    result("node", KEPT, probe=Probe.EXIT_CODE),
    result("node", SWALLOWED, base=OTHER, title="node, exec form"),
    result("tini", REAPED, probe=Probe.REAP),
    result("tini", UNTESTED),
    result("tini", SWALLOWED, FORWARDED, base=OTHER),
    result("su", ZOMBIE, probe=Probe.REAP),
    result("su", KILLED, base=OTHER),
)
DOCUMENT = changed(
    report(*RESULTS, sources={"npm-start": SOURCE}),
    bases={BASE: FACTS, OTHER: changed(FACTS, reference=OTHER, os="debian 12")},
)
TERM_CELL = "cell=musl-node24/npm-start/SIGTERM"
PHONE = {"width": 360, "height": 740}


def cell(page: Page, name: str) -> Locator:
    return page.locator(f'[id="{name if name.startswith("cell=") else f"cell=musl-node24/{name}"}"]')


def count(page: Page) -> Locator:
    return page.locator("#count")


def visible(page: Page) -> list[str]:
    shown: list[str] = page.eval_on_selector_all(
        "[data-cell]", "all => all.filter(one => one.offsetParent).map(one => one.id.slice(5))"
    )
    return shown


def toggle(page: Page, value: str) -> Locator:
    return page.locator(f'[data-set][data-value="{value}"]')


def compared() -> Comparison:
    new = recordings(DOCUMENT)[0]
    findings = dict(new.findings)
    findings["npm-start", "SIGTERM"] = Finding(
        verdict=Verdict.FORWARDED, chain=(words("npm start"), words("node server.js"))
    )
    findings["node", "SIGHUP"] = Finding(verdict=Verdict.SWALLOWED)
    findings["old", "SIGTERM"] = Finding(verdict=Verdict.SWALLOWED)
    old = Recording(
        base=with_programs(FACTS, {"npm": "9.6.7"}), engine=changed(ENGINE, version="27"), findings=findings
    )
    return compare(old, new)


# A cell, by keyboard alone.


def test_a_cell_is_opened_and_closed_by_keyboard_alone(opens: Opens) -> None:
    page = opens(DOCUMENT)
    page.keyboard.press("/")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("npm-start")
    page.keyboard.press("Enter")
    expect(cell(page, "npm-start/SIGHUP")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(cell(page, "npm-start/SIGTERM")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog#cell")
    expect(dialog).to_be_visible()
    expect(dialog.locator("h2")).to_contain_text("cut-short npm-start")
    expect(dialog.locator("h2")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(cell(page, "npm-start/SIGTERM")).to_be_focused()


def test_the_matrix_is_one_stop_of_the_tab_key(opens: Opens) -> None:
    page = opens(DOCUMENT)
    page.locator('[data-set="question"]').last.focus()
    page.keyboard.press("Tab")
    expect(cell(page, "npm-start/SIGHUP")).to_be_focused()
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.matches('[data-cell]')")
    page.keyboard.press("Shift+Tab")
    expect(cell(page, "npm-start/SIGHUP")).to_be_focused()


def test_arrow_keys_skip_what_is_not_there(opens: Opens) -> None:
    page = opens(DOCUMENT)
    cell(page, "npm-start/SIGHUP").focus()
    for key, at in [
        ("ArrowDown", "node/SIGHUP"),
        ("ArrowDown", "node/SIGHUP"),
        ("End", "cell=debian12-node24/node/SIGTERM"),
        ("Home", "node/SIGHUP"),
        ("Control+End", "cell=debian12-node24/su/SIGTERM"),
        ("ArrowLeft", "su/reap"),
        ("ArrowUp", "tini/reap"),
        ("Control+Home", "npm-start/SIGHUP"),
    ]:
        page.keyboard.press(key)
        expect(cell(page, at)).to_be_focused()
    assert page.locator('[data-cell][tabindex="0"]').count() == 1


def test_keys_lead_to_the_next_cell_and_focus_returns_to_the_last_one(opens: Opens) -> None:
    page = opens(DOCUMENT)
    cell(page, "npm-start/SIGHUP").press("Enter")
    page.keyboard.press("n")
    expect(page.locator("#cell-where")).to_have_text(f"{BASE}, SIGTERM")
    page.keyboard.press("n")
    page.keyboard.press("p")
    expect(page.locator("#cell-at")).to_have_text("2 of 13")
    page.locator("#next").click()
    expect(page.locator("#cell-title")).to_contain_text("graceful npm-start")
    page.keyboard.press("Escape")
    expect(cell(page, "npm-start/stop")).to_be_focused()


def test_the_list_of_keys_opens_and_closes(opens: Opens) -> None:
    page = opens(DOCUMENT)
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog#keys")).to_be_hidden()


# What a cell shows.


def test_the_evidence_of_a_cell_is_shown(opens: Opens) -> None:
    page = opens(DOCUMENT)
    cell(page, "npm-start/SIGTERM").click()
    story = page.locator("#story")
    for said in (
        "the container ended with exit code 1",
        "Not as expected, which is forwarded.",
        "naive.Dockerfile:9",
        'CMD ["/bin/sh", "-c", "node server.js"]',
        "npm error signal SIGTERM",
        "kill SIGTERM",
        "docker kill x",
        "A linter warns of the shell form",
        "stays as PID 1",
    ):
        expect(story).to_contain_text(said)
    rows = story.locator("table.processes tbody tr")
    assert [" ".join(row.split()) for row in rows.all_inner_texts()] == [
        "1 npm start sleeps gone TERM; ignores PIPE",
        "7 node server.js sleeps gone TERM",
    ]


def test_the_roll_call_and_what_was_tried_are_shown(opens: Opens) -> None:
    page = opens(report(changed(result("one", PASSED_ON, expected=Expected.ALWAYS), tried=TRIED)), viewport=PHONE)
    page.locator("[data-cell]").first.click()
    rows = page.locator("table.calls tbody tr")
    assert [" ".join(row.split()) for row in rows.all_inner_texts()] == [
        "1 npm start by docker, +0.0 ms its runtime raised it again exited with 1",
        "7 node server.js app by npm start (PID 1), +0.4 ms nothing visible SIGKILL by the kernel, as PID 1 ended",
    ]
    tried = page.get_by_role("list", name="Tried").locator("li")
    assert [" ".join(row.split()) for row in tried.all_inner_texts()] == [
        f'tried CMD ["node", "server.js"]: ✓ graceful (0.1 s, exit 0) {" ".join(PATCH.split())}',
        "tried --init: ✂ abrupt (0.1 s, exit 143): the container ended by itself",
    ]
    assert page.get_by_role("region", name="The patch, built and run").inner_text() == PATCH.rstrip()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_path_of_the_signal_is_drawn_and_told(opens: Opens) -> None:
    page = opens(DOCUMENT)
    cell(page, "npm-start/SIGTERM").click()
    drawing = page.locator("#story svg")
    expect(drawing).to_be_visible()
    assert drawing.locator(".party title").all_text_contents() == [
        "docker",
        "1 npm start",
        "7 node server.js",
        "the kernel, as PID 1 ends",
    ]
    assert drawing.locator(".send > text").all_text_contents() == [
        "SIGTERM",
        "SIGTERM",
        "SIGTERM to itself",
        "dropped by the kernel",
        "SIGTERM",
        "merges with a pending one",
        "SIGKILL",
    ]
    assert drawing.locator(".taking text").all_text_contents() == ["handler runs"]
    assert drawing.locator(".death text").all_text_contents() == ["exits", "dies of SIGKILL"]
    assert drawing.locator(".pause text").all_text_contents() == ["999.4 ms pass"]
    assert drawing.locator(".time").all_text_contents()[1] == "+200 µs"
    page.get_by_text("The same in words").click()
    expect(page.locator("ol.steps li").nth(3)).to_have_text(
        re.compile(re.escape("npm start (PID 1) sends SIGTERM to itself: dropped by the kernel"))
    )


def test_only_what_does_not_simply_arrive_is_dashed(opens: Opens) -> None:
    page = opens(DOCUMENT)
    cell(page, "npm-start/SIGTERM").click()
    dashed = page.eval_on_selector_all(
        ".drawing .arrow:not(.open)", "all => all.map((one) => getComputedStyle(one).strokeDasharray !== 'none')"
    )
    assert dashed == [False, False, True, True, False]


def test_what_is_written_is_within_the_drawing(opens: Opens) -> None:
    to_itself = changed(TO_SHELL, sender_pid=1007, target_pid=1007, fate=Fate.IGNORED)
    page = opens(report(result("raises", changed(SWALLOWED, trace=(to_itself,)))), viewport=PHONE)
    cell(page, "raises/SIGTERM").click()
    expect(page.locator(".send text").last).to_have_text("dropped by the kernel")
    outside = """() => {
      const frame = document.querySelector(".drawing svg").getBoundingClientRect();
      return [...document.querySelectorAll(".drawing text")].map((text) => text.getBoundingClientRect())
        .filter((box) => box.left < frame.left || box.right > frame.right || box.bottom > frame.bottom).length;
    }"""
    assert page.evaluate(outside) == 0


def test_each_party_has_its_place_and_arrows_lead_from_one_to_the_other(opens: Opens) -> None:
    page = opens(DOCUMENT)
    cell(page, "npm-start/SIGTERM").click()
    lives = page.eval_on_selector_all(".drawing .life", "all => all.map(one => +one.getAttribute('x1'))")
    assert lives == sorted(set(lives))
    first = page.locator(".drawing .send line").first
    assert float(first.get_attribute("x1") or "") == lives[0]
    assert lives[0] < float(first.get_attribute("x2") or "") < lives[1]


def test_several_runs_and_an_untested_cell_are_told(opens: Opens) -> None:
    page = opens(DOCUMENT)
    cell(page, "cell=debian12-node24/tini/SIGTERM").click()
    expect(page.locator("#story")).to_contain_text("2 runs")
    assert len(page.locator("ol.runs li").all()) == 2
    page.keyboard.press("Escape")
    cell(page, "tini/SIGTERM").click()
    expect(page.locator("#story .reason")).to_have_text(UNTESTED.reason)
    expect(page.locator("#story .advice")).to_contain_text("Make the cell testable")
    assert page.locator("#story svg").count() == 0


def test_where_there_is_no_record_that_is_said(opens: Opens) -> None:
    page = opens(DOCUMENT)
    cell(page, "cell=debian12-node24/su/SIGTERM").click()
    expect(page.locator("#story")).to_contain_text("record of it here; the processes and the log")


def test_commands_are_copied(opens: Opens) -> None:
    page = opens(DOCUMENT, permissions=["clipboard-read", "clipboard-write"])
    cell(page, "npm-start/SIGTERM").click()
    page.locator("[data-copy]").click()
    expect(page.locator("[data-copy]")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "docker run x\ndocker kill x"


def test_commands_are_copied_without_the_clipboard_too(opens: Opens) -> None:
    page = opens(DOCUMENT, before="Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.evaluate("addEventListener('copy', () => { window.copied = getSelection().toString(); })")
    cell(page, "npm-start/SIGTERM").click()
    page.locator("[data-copy]").click()
    expect(page.locator("[data-copy]")).to_have_text("Copied")
    assert page.evaluate("window.copied.trim()") == "docker run x\ndocker kill x"


# Filters, and the page's address.


def test_filters_combine_and_the_count_follows(opens: Opens) -> None:
    page = opens(DOCUMENT)
    expect(count(page)).to_have_text("13 of 13 cells")
    toggle(page, "SIGTERM").click()
    expect(count(page)).to_have_text("7 of 13 cells")
    toggle(page, BASE).click()
    expect(count(page)).to_have_text("3 of 13 cells")
    assert visible(page) == ["musl-node24/npm-start/SIGTERM", "musl-node24/node/SIGTERM", "musl-node24/tini/SIGTERM"]
    toggle(page, "forwarded").click()
    toggle(page, "untested").click()
    expect(count(page)).to_have_text("2 of 13 cells")
    page.locator("#text").fill("EXEC form")
    expect(count(page)).to_have_text("1 of 13 cells")
    assert visible(page) == ["musl-node24/node/SIGTERM"]
    assert page.locator("table.matrix thead th:visible").all_inner_texts() == ["variant", BASE, "SIGTERM"]
    page.locator("#reset").click()
    expect(count(page)).to_have_text("13 of 13 cells")
    assert len(visible(page)) == 13
    expect(page.locator("#reset")).to_be_disabled()


def test_only_the_unexpected_is_shown(opens: Opens) -> None:
    page = opens(DOCUMENT)
    toggle(page, "unexpected").click()
    assert visible(page) == ["musl-node24/npm-start/SIGTERM"]


def test_a_filter_that_leaves_nothing_says_so(opens: Opens) -> None:
    page = opens(DOCUMENT)
    page.locator("#text").fill("there is no such variant")
    expect(page.locator("#nothing")).to_be_visible()
    expect(count(page)).to_have_text("0 of 13 cells")
    page.locator("[data-reset]").click()
    expect(page.locator("#nothing")).to_be_hidden()


def test_a_filtered_cell_leaves_the_tab_order_to_one_that_is_shown(opens: Opens) -> None:
    page = opens(DOCUMENT)
    page.locator("#text").fill("tini")
    assert page.locator('[data-cell][tabindex="0"]').get_attribute("id") == "cell=musl-node24/tini/SIGTERM"


def test_the_address_restores_filters_and_the_open_cell(opens: Opens) -> None:
    page = opens(DOCUMENT)
    page.locator("#text").fill("npm start")
    page.locator("#text").fill("npm")
    toggle(page, "cut-short").click()
    toggle(page, BASE).click()
    cell(page, "npm-start/SIGTERM").click()
    address = page.evaluate("location.hash")
    assert TERM_CELL in address

    again = opens(DOCUMENT, at=address)
    expect(again.locator("dialog#cell")).to_be_visible()
    expect(again.locator("#cell-title")).to_have_text("✂ cut-short npm-start")
    again.keyboard.press("Escape")
    expect(count(again)).to_have_text("1 of 13 cells")
    expect(again.locator("#text")).to_have_value("npm")
    expect(toggle(again, "cut-short")).to_have_attribute("aria-pressed", "true")
    expect(again).not_to_have_url(re.compile("cell="))
    expect(cell(again, "npm-start/SIGTERM")).to_be_focused()


def test_a_count_in_the_summary_is_a_filter(opens: Opens) -> None:
    page = opens(DOCUMENT)
    page.locator('header a[href="#verdict=swallowed"]').click()
    expect(toggle(page, "swallowed")).to_have_attribute("aria-pressed", "true")
    expect(count(page)).to_have_text("2 of 13 cells")
    page.go_back()
    expect(count(page)).to_have_text("13 of 13 cells")


def test_an_address_that_says_nothing_known_does_no_harm(opens: Opens) -> None:
    page = opens(DOCUMENT, at="#cell=nowhere/x/SIGTERM&verdict=odd&only=%FF&x")
    expect(count(page)).to_have_text("13 of 13 cells")
    expect(page.locator("dialog#cell")).to_be_hidden()


# What changed.


def test_a_change_opens_its_cell_and_focus_returns_to_it(opens: Opens) -> None:
    page = opens(DOCUMENT, compared())
    expect(page.locator(".caution")).to_contain_text("not strictly comparable")
    expect(page.locator("details.worse")).to_contain_text("npm is now 11.6.2, was 9.6.7")
    link = page.locator("details.worse a")
    expect(link).to_have_text("npm-start, SIGTERM")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#story .note.worse")).to_contain_text("forwarded was recorded")
    page.keyboard.press("Escape")
    expect(link).to_be_focused()


def test_only_what_changed_is_shown(opens: Opens) -> None:
    page = opens(DOCUMENT, compared())
    toggle(page, "changed").click()
    unknown = "musl-node24/tini/SIGTERM"  # untested then and now
    assert visible(page) == ["musl-node24/npm-start/SIGTERM", "musl-node24/node/SIGHUP", unknown]
    toggle(page, "cut-short").click()
    expect(count(page)).to_have_text("1 of 13 cells")


# Hostile containers.

HOSTILE = (
    "<img src=x onerror=\"window.harmed='img'\">",
    "</script><script>window.harmed='script'</script>",
    "<!--<script>",
    "</pre><svg onload=\"window.harmed='svg'\"><style>*{display:none}</style>",
    "\x1b]0;title\x07 \u202egnp.exe",
)


def test_what_a_hostile_container_says_is_shown_as_text(opens: Opens) -> None:
    evidence: Evidence | Untested = changed(
        PASSED_ON,
        logs=tuple(LogLine(at_ns=1, text=line) for line in HOSTILE),
        before=(changed(PID1, argv=(HOSTILE[0],)), changed(APP, argv=(HOSTILE[1],))),
    )
    document = report(
        result("one", evidence, title=HOSTILE[1]), result("two", UNTESTED), facts=changed(FACTS, os=HOSTILE[0])
    )
    page = opens(document)
    page.locator("[data-cell]").first.click()
    log = page.get_by_role("region", name="The log")
    for line in HOSTILE[:4]:
        expect(log).to_contain_text(line)
        expect(log).not_to_contain_text("\x1b")
    expect(log).to_contain_text("\\x1b]0;title\\x07 \\x202egnp.exe")
    expect(page.locator("table.processes")).to_contain_text(HOSTILE[1])
    expect(page.locator(".drawing .party title").nth(1)).to_have_text(f"1 {HOSTILE[0]}")
    assert page.evaluate("window.harmed") is None
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2
    expect(page.locator("header h1")).to_be_visible()


# How it looks: dark and light, on a phone, on paper, without JavaScript.

CONTRASTS = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((one) => one / 255)
      .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (!/^rgba.*, 0\\)$/.test(colour)) return colour;
    }
  };
  return [...document.querySelectorAll("body *")].filter((one) => one.offsetParent && one.innerText).map((one) => {
    const [a, b] = [getComputedStyle(one).color, behind(one)].map(light);
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), one.outerHTML.slice(0, 120)];
  }).filter(([ratio]) => ratio < 4.5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(opens: Opens, scheme: str) -> None:
    page = opens(DOCUMENT, compared(), color_scheme=scheme)
    assert page.evaluate(CONTRASTS) == []
    cell(page, "npm-start/SIGTERM").click()
    assert page.evaluate(CONTRASTS) == []


def test_dark_is_dark_and_light_is_light(opens: Opens) -> None:
    page = opens(DOCUMENT, color_scheme="dark")
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(paper) == "rgb(15, 19, 24)"
    page.emulate_media(color_scheme="light")
    assert page.evaluate(paper) == "rgb(255, 255, 255)"


def test_a_phone_scrolls_the_matrix_and_not_the_page(opens: Opens) -> None:
    page = opens(DOCUMENT, compared(), viewport=PHONE, has_touch=True)
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) == 0
    grid = page.locator(".grid")
    assert grid.evaluate("one => one.scrollWidth > one.clientWidth")
    head = page.locator("table.matrix tbody th").first
    before = head.bounding_box()
    grid.evaluate("one => { one.scrollLeft = 80; }")
    after = head.bounding_box()
    assert before
    assert after
    assert before["x"] == after["x"]
    cell(page, "npm-start/SIGTERM").tap()
    box = page.locator("dialog#cell").bounding_box()
    assert box == {"x": 0, "y": 0, **PHONE}
    assert page.evaluate(overflow) == 0
    assert page.locator("#story").evaluate("one => one.scrollWidth <= one.clientWidth")


def test_paper_shows_matrix_and_changes_as_filtered(opens: Opens) -> None:
    page = opens(DOCUMENT, compared())
    toggle(page, BASE).click()
    page.emulate_media(media="print")
    expect(page.locator(".filters")).to_be_hidden()
    expect(page.locator("table.matrix")).to_be_visible()
    expect(page.locator("details.better li")).to_be_visible()
    assert len(visible(page)) == 9
    expect(cell(page, "node/SIGTERM").locator("span")).to_be_visible()
    assert cell(page, "npm-start/SIGTERM").evaluate("one => getComputedStyle(one).color") == "rgb(0, 0, 0)"
    assert page.pdf().startswith(b"%PDF")


def test_matrix_and_changes_are_there_without_javascript(opens: Opens) -> None:
    page = opens(DOCUMENT, compared(), java_script_enabled=False)
    assert page.locator("[data-cell]:visible").count() == 13
    expect(page.locator("details.worse li").first).to_be_visible()
    expect(page.locator(".filters")).to_be_hidden()
    expect(page.locator("noscript")).to_be_visible()
    page.locator("details.worse a").click()
    expect(cell(page, "npm-start/SIGTERM")).to_be_in_viewport()


def test_words_give_way_to_symbols_where_there_is_no_room(opens: Opens) -> None:
    page = opens(DOCUMENT)
    word = cell(page, "node/SIGTERM").locator("span")
    expect(word).to_be_visible()
    page.set_viewport_size({"width": 700, "height": 700})
    expect(word).to_be_hidden()
    expect(cell(page, "node/SIGTERM").locator("i")).to_be_visible()
