"""The HTML page as text: what it holds, what it must never hold, and that its policy lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.core.baseline import Finding, Recording, recordings
from harness.core.comparison import compare
from harness.core.evidence import LogLine
from harness.core.question import Probe
from harness.core.ranking import Change
from harness.core.signals import Signal, catchable_signals
from harness.core.subject import Claim, Expectation
from harness.core.trace import Fate, Handled
from harness.core.verdict import Expected, Verdict
from harness.report.html import render
from harness.report.style import printable
from tests.support.evidence import changed, words
from tests.support.reports import (
    ABRUPT,
    APP,
    BASE,
    DUPLICATED,
    ENGINE,
    FACTS,
    FORCED,
    FORWARDED,
    GRACEFUL,
    KEPT,
    KILLED,
    LOST,
    PID1,
    REAPED,
    SOURCE,
    START,
    SWALLOWED,
    TO_APP,
    TRIED,
    UNTESTED,
    ZOMBIE,
    report,
    result,
)

if TYPE_CHECKING:
    from harness.core.comparison import Comparison
    from harness.core.document import Document

EVERYTHING = report(
    result(
        "naive",
        SWALLOWED,
        claim=Claim(text="it works", source="an article", forwards=Expectation(forwards=Expected.ALWAYS)),
        start=START,
        expected=Expected.ALWAYS,
    ),
    result("node", FORWARDED, expected=Expected.ALWAYS),
    result("npm", KILLED),
    result("slow", UNTESTED),
    result("flaky", FORWARDED, SWALLOWED, UNTESTED, signal=Signal(37)),
    result("twice", DUPLICATED),
    result("early", changed(KILLED, receipts=FORWARDED.receipts)),
    result("well", GRACEFUL, probe=Probe.STOP, claim=Claim(text="it stops", source="a blog")),
    result("soon", ABRUPT, probe=Probe.STOP, start=changed(START, stop_signal="SIGTERM")),
    changed(result("late", FORCED, probe=Probe.STOP), tried=TRIED),
    result("same", KEPT, probe=Probe.EXIT_CODE),
    result("wrong", LOST, probe=Probe.EXIT_CODE),
    result("clean", REAPED, probe=Probe.REAP),
    result("undead", ZOMBIE, probe=Probe.REAP),
    result("typed", changed(SWALLOWED, typed=True, sent=Signal(2)), probe=Probe.TTY),
    sources={"naive": SOURCE},
)


class Page(HTMLParser):
    """A page taken apart: its tags with their attributes, its text, and what is in each style and script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.inline: list[tuple[str, dict[str, str], str]] = []
        self.text = ""
        self._open: tuple[str, dict[str, str]] | None = None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.tags.append((tag, told))
        if tag in ("style", "script"):
            self._open = (tag, told)
            self.inline.append((tag, told, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "script"):
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open:
            tag, told, content = self.inline.pop()
            self.inline.append((tag, told, content + data))
        else:
            self.text += data

    def named(self, tag: str) -> list[dict[str, str]]:
        return [told for name, told in self.tags if name == tag]

    @property
    def cells(self) -> list[dict[str, str]]:
        return [told for told in self.named("button") if "data-cell" in told]

    @property
    def data(self) -> dict[str, Any]:
        (data,) = [content for _, told, content in self.inline if told.get("type") == "application/json"]
        read: dict[str, Any] = json.loads(data)
        return read

    @property
    def policy(self) -> str:
        (policy,) = [
            told["content"]
            for told in self.named("meta")
            if told.get("http-equiv", "").lower() == "content-security-policy"
        ]
        return policy

    def told(self, number: int = 0) -> dict[str, Any]:
        """What the dialog of a cell shows, with its texts in place."""
        data = self.data
        cell = data["cells"][number]
        texts = data["texts"]
        told: dict[str, Any] = {
            name: texts[cell[name]] for name in ("reason", "after", "finding", "advice") if name in cell
        }
        told |= {
            name: [tuple(texts[one] for one in pair) for pair in cell.get(name, ())]
            for name in ("facts", "starts", "events", "notes")
        }
        told |= {name: [texts[one] for one in cell.get(name, ())] for name in ("log", "others", "hand", "apps")}
        told["processes"] = [
            (pid, depth, *(texts[one] for one in rest)) for pid, depth, *rest in cell.get("processes", ())
        ]
        told["calls"] = [
            (pid, depth, app, *(texts[one] for one in rest)) for pid, depth, app, *rest in cell.get("calls", ())
        ]
        told["tried"] = [(verdict, texts[change], texts[what]) for verdict, change, what, _ in cell.get("tried", ())]
        told["patches"] = [
            [(texts[sort], texts[line]) for sort, line in patch] for *_, patch in cell.get("tried", ()) if patch
        ]
        told["parties"] = [(pid, texts[name]) for pid, name in cell.get("parties", ())]
        told["path"] = [
            (*(None if number is None else texts[number] for number in step[:5]), *step[5:])
            for step in cell.get("path", ())
        ]
        return told


def page_of(document: Document, *comparisons: Comparison) -> Page:
    return Page(render(document, comparisons))


def recording(findings: dict[tuple[str, str], Finding], **changes: Any) -> Recording:
    return Recording(base=changed(FACTS, **changes), engine=ENGINE, findings=findings)


def against(document: Document, verdicts: dict[tuple[str, str], Verdict], **changes: Any) -> Comparison:
    old = recording({key: Finding(verdict=verdict) for key, verdict in verdicts.items()}, **changes)
    (new,) = recordings(document)
    return compare(old, new)


# It stands alone.


def test_nothing_leads_out_of_the_page() -> None:
    page = page_of(EVERYTHING)
    links = [
        told[name]
        for _, told in page.tags
        for name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href", "formaction")
        if name in told
    ]
    assert links
    rules = sorted({row.rule.page for row in EVERYTHING.results if row.rule})
    assert [link for link in links if not link.startswith("#")] == rules
    assert not {tag for tag, _ in page.tags} & {"link", "img", "iframe", "object", "embed", "base", "form"}
    for kind, told, content in page.inline:
        if "type" not in told:
            assert "http" not in content.replace("http://www.w3.org/2000/svg", ""), kind
            assert "@import" not in content
            assert "url(" not in content


def test_the_policy_admits_the_inline_style_and_script_by_their_hashes_and_nothing_else() -> None:
    page = page_of(EVERYTHING)
    hashes = {
        f"{'style' if tag == 'style' else 'script'}-src": f"'sha256-{digest(content)}'"
        for tag, told, content in page.inline
        if told.get("type") != "application/json"
    }
    rules = dict(rule.strip().split(" ", 1) for rule in page.policy.split(";"))
    assert rules == {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'", **hashes}
    assert len([tag for tag, _, _ in page.inline]) == 3


def digest(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def test_the_policy_comes_before_what_it_is_about() -> None:
    names = [tag for tag, _ in page_of(EVERYTHING).tags]
    assert names.index("meta") < names.index("style") < names.index("script")


def test_there_is_no_style_handler_or_autofocus_in_any_tag() -> None:
    for tag, told in page_of(EVERYTHING).tags:
        assert not [name for name in told if name in ("style", "autofocus") or name.startswith("on")], tag


def test_scripts_never_make_elements_of_text() -> None:
    script = next(content for tag, told, content in page_of(EVERYTHING).inline if tag == "script" and not told)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(", script)


def test_it_has_a_language_a_title_and_landmarks() -> None:
    page = page_of(EVERYTHING)
    assert page.named("html") == [{"lang": "en"}]
    assert "15 cells on 1 base" in page.text
    for tag in ("title", "header", "main", "footer", "h1"):
        assert len(page.named(tag)) == 1, tag


def test_ids_are_unique() -> None:
    ids = [told["id"] for _, told in page_of(EVERYTHING).tags if "id" in told]
    assert len(ids) == len(set(ids))


def test_it_is_the_same_each_time() -> None:
    assert render(EVERYTHING) == render(EVERYTHING)


# It holds everything.


def test_every_result_has_a_cell_and_every_cell_its_data() -> None:
    page = page_of(EVERYTHING)
    assert [told["data-verdict"] for told in sorted(page.cells, key=lambda told: int(told["data-cell"]))] == [
        row.verdict for row in EVERYTHING.results
    ]
    assert len(page.data["cells"]) == 15
    assert all("reason" in cell for cell in page.data["cells"])


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_a_look_and_a_meaning(verdict: Verdict) -> None:
    document = EVERYTHING
    row = msgspec.structs.replace(document.results[0], verdict=verdict)
    page = page_of(msgspec.structs.replace(document, results=(row,)))
    assert verdict.meaning in page.text
    assert page.data["looks"][verdict][0] == verdict.symbol
    assert f": {verdict}" in page.cells[0]["aria-label"]


def test_a_cell_says_what_it_is() -> None:
    labels = {told["aria-label"] for told in page_of(EVERYTHING).cells}
    assert f"naive on {BASE}, SIGTERM: swallowed, not as expected" in labels
    assert f"node on {BASE}, SIGTERM: forwarded" in labels
    assert f"well on {BASE}, stop: graceful" in labels


def test_columns_are_signals_by_number_and_then_the_other_probes() -> None:
    heads = [told["data-question"] for told in page_of(EVERYTHING).named("th") if "data-question" in told]
    assert heads == ["SIGTERM", "SIGRTMIN+3", "stop", "exit-code", "reap", "tty"]


def test_results_of_the_same_place_are_all_there() -> None:
    twice = page_of(report(result("one", SWALLOWED), result("one", FORWARDED)))
    assert [told["data-verdict"] for told in twice.cells] == ["swallowed", "forwarded"]
    assert [told["id"] for told in twice.cells] == [
        "cell=musl-node24/one/SIGTERM",
        "cell=musl-node24/one/SIGTERM~2",
    ]


def test_a_document_may_know_nothing_of_its_bases() -> None:
    document = msgspec.structs.replace(EVERYTHING, bases={})
    assert len(page_of(document).cells) == 15


def test_an_image_that_was_given_has_a_cell() -> None:
    document = report(result("redis:8", SWALLOWED))
    page = page_of(
        changed(
            document,
            bases={},
            subjects={"redis:8": changed(document.subjects["redis:8"], title="", dockerfile=None, starting=())},
            results=(changed(document.results[0], base=None),),
        )
    )
    assert [cell["aria-label"] for cell in page.cells] == ["redis:8, SIGTERM: swallowed"]
    assert page.data["starts"] == [[]]


def test_a_document_may_be_empty() -> None:
    page = page_of(report())
    assert page.cells == []
    assert "0 cells" in page.text


def test_facts_of_bases_are_there() -> None:
    text = page_of(report(facts=changed(FACTS, entrypoint=("tini", "--"), stop_signal="SIGQUIT"))).text
    for fact in ("alpine 3.22", "musl 1.2.5", "BusyBox v1.37.0 ash", "24.11.1", "SIGQUIT", '["tini", "--"]'):
        assert fact in text, fact


@pytest.mark.parametrize(("used", "told"), [(True, "used"), (False, "not used")])
def test_whether_the_record_was_used_is_told(used: bool, told: str) -> None:
    text = page_of(report(engine=changed(ENGINE, trace=used))).text
    assert re.search(rf"record of signals\s*{told}\n", text)


# What a cell shows.


def test_what_is_started_is_told() -> None:
    page = page_of(EVERYTHING)
    data = page.data
    assert [[data["texts"][one] for one in pair] for pair in data["starts"][0]] == [
        ["dockerfiles/naive.Dockerfile:9", "CMD node server.js"]
    ]
    assert page.told()["starts"] == [
        ("the image says", 'CMD ["/bin/sh", "-c", "node server.js"]'),
        ("PID 1 became", "/bin/sh -c node server.js"),
    ]


def test_a_variant_that_sets_nothing_says_so() -> None:
    bare = page_of(report(result("bare", SWALLOWED), sources={"bare": changed(SOURCE, starting=())})).data
    assert bare["texts"][bare["starts"][0][0][1]] == "sets neither ENTRYPOINT nor CMD; the base does"


def test_expected_and_recorded_are_told() -> None:
    document = report(result("one", SWALLOWED, expected=Expected.NEVER))
    told = page_of(document, against(document, {("one", "SIGTERM"): Verdict.KILLED})).told()
    assert ("expected", "anything but forwarded") in told["facts"]
    assert ("recorded", "killed") in told["facts"]
    assert told["notes"][0] == ("unexpected", "Not as expected, which is killed.")


def test_processes_are_told_before_and_after() -> None:
    assert page_of(report(result("one", SWALLOWED))).told()["processes"] == [
        (1, 0, "/bin/sh -c node server.js", "sleeps", "sleeps", "nothing; ignores PIPE"),
        (7, 1, "node server.js", "sleeps", "sleeps", "TERM"),
    ]


def test_processes_of_an_ended_container_are_gone() -> None:
    told = page_of(report(result("one", KILLED))).told()
    assert [one[4] for one in told["processes"]] == ["gone", "gone"]
    assert told["after"] == "The container has ended, with exit code 143."


def test_processes_that_became_others_or_are_new_are_told() -> None:
    after = (
        changed(PID1, argv=words("node server.js"), caught=1 << 14, ignored=0),
        changed(APP, pid=1009, inner_pid=9),
    )
    told = page_of(report(result("one", changed(SWALLOWED, after=after)))).told()
    assert [(one[0], one[3], one[4]) for one in told["processes"]] == [
        (1, "sleeps", "sleeps; is now node server.js; catches TERM"),
        (7, "sleeps", "gone"),
        (9, "–", "sleeps"),
    ]


def test_processes_that_cannot_be_seen_later_are_not_called_gone() -> None:
    told = page_of(report(result("one", changed(SWALLOWED, after=())))).told()
    assert {one[4] for one in told["processes"]} == {"–"}


def test_a_zombie_is_shown() -> None:
    told = page_of(report(result("one", ZOMBIE, probe=Probe.REAP))).told()
    assert told["processes"][2] == (20, 1, "sleep 3600", "sleeps", "zombie", "nothing")
    assert told["finding"] == "the orphan is a zombie"


def test_many_signals_are_told_by_those_that_are_missing() -> None:
    every = sum(1 << signal.number - 1 for signal in catchable_signals())
    before = (changed(PID1, caught=every, blocked=(1 << 31) - 1),)
    told = page_of(report(result("one", changed(SWALLOWED, before=before)))).told()
    assert told["processes"][0][5] == "all but KILL STOP; ignores PIPE; blocks all"


def test_what_probes_found_is_told() -> None:
    page = page_of(
        report(
            result("one", FORCED, probe=Probe.STOP),
            result("two", GRACEFUL, probe=Probe.STOP),
            result("three", ABRUPT, probe=Probe.STOP),
            result("four", LOST, probe=Probe.EXIT_CODE),
        )
    )
    assert [page.told(number)["finding"] for number in range(4)] == [
        "docker stop with 3 s of grace: SIGKILL, after 3.06 s, exit code 137; no request was sent",
        (
            "docker stop with 3 s of grace: the end came by itself, after 0.25 s, exit code 0; "
            "the request in flight was answered"
        ),
        (
            "docker stop with 3 s of grace: the end came by itself, after 0.25 s, exit code 143; "
            "the request in flight was lost"
        ),
        (
            "the app exits with 42: docker wait says 1\n"
            "the app exits with 0: docker wait says 0\n"
            "the app exits with 143: docker wait says nothing, it runs on"
        ),
    ]


def test_the_path_is_drawn_from_who_starts_it_to_the_kernel() -> None:
    trace = (
        changed(TO_APP, target_pid=1001, target="sh"),
        changed(TO_APP, time_s=1.6, sender_pid=1001, sender="sh", fate=Fate.MERGED),
        Handled(time_s=1.7, comm="node", pid=1007, number=15, handler=64),
        changed(TO_APP, time_s=1.8, sender_pid=1001, number=9, by_kernel=True),
        Handled(time_s=1.9, comm="node", pid=1007, number=9, handler=0),
    )
    page = page_of(report(result("one", changed(SWALLOWED, trace=trace))))
    told = page.told()
    assert told["parties"] == [
        (None, "docker"),
        (1, "/bin/sh -c node server.js"),
        (7, "node server.js"),
        (None, "the kernel, as PID 1 ends"),
    ]
    sh, node = "/bin/sh -c node server.js (PID 1)", "node server.js (PID 7)"
    kernel, merges = "the kernel, as PID 1 ends,", "merges with a pending one"
    assert [step[:5] for step in told["path"]] == [
        (None, "+0 µs", f"docker sends SIGTERM to {sh}", "SIGTERM", None),
        ("100.0 ms pass", "+100.0 ms", f"{sh} sends SIGTERM to {node}: {merges}", "SIGTERM", merges),
        ("100.0 ms pass", "+200.0 ms", f"{node}: its handler for SIGTERM runs", "handler runs", None),
        ("100.0 ms pass", "+300.0 ms", f"{sh} dies of SIGTERM", "dies of SIGTERM", None),
        (None, "+300.0 ms", f"{kernel} sends SIGKILL to {node}", "SIGKILL", None),
        ("100.0 ms pass", "+400.0 ms", f"{node} dies of SIGKILL", "dies of SIGKILL", None),
    ]
    assert [step[5:] for step in told["path"]] == [
        ("send", 0, 1, "delivered"),
        ("send", 1, 2, "merged"),
        ("handler", 2, None, None),
        ("end", 1, None, None),
        ("send", 3, 2, "delivered"),
        ("end", 2, None, None),
    ]


def test_a_path_that_nobody_recorded_is_said_to_be_unseen() -> None:
    cell = page_of(report(result("one", KILLED))).data["cells"][0]
    assert cell["unseen"] == 1
    assert "path" not in cell
    assert "unseen" not in page_of(report(result("one", KEPT, probe=Probe.EXIT_CODE))).data["cells"][0]


def test_the_roll_call_is_told() -> None:
    assert page_of(EVERYTHING).told()["calls"] == [
        (1, 0, 0, "/bin/sh -c node server.js", "by docker, +0.0 ms", "dropped by the kernel", "still there"),
        (7, 1, 1, "node server.js", "never", "–", "still there"),
    ]
    assert "inferred" not in page_of(EVERYTHING).data["cells"][0]
    assert page_of(EVERYTHING).told(11)["calls"] == []


def test_a_roll_call_without_a_record_is_said_to_be_inferred() -> None:
    data = page_of(report(result("one", changed(SWALLOWED, trace=None)))).data
    (cell,) = data["cells"]
    assert [data["texts"][told][0] for _, _, _, _, told, _, _ in cell["calls"]] == ["~", "~"]
    assert "there is no kernel's record" in data["texts"][cell["inferred"]]


def test_what_was_tried_is_told_and_what_helps_comes_first() -> None:
    assert page_of(EVERYTHING).told(9)["tried"] == [
        ("graceful", 'CMD ["node", "server.js"]', "(0.1 s, exit 0)"),
        ("abrupt", "--init", "(0.1 s, exit 143): the container ended by itself"),
    ]


def test_a_patch_stands_below_what_it_brought() -> None:
    assert page_of(EVERYTHING).told(9)["patches"] == [
        [
            ("name", "--- a/Dockerfile"),
            ("name", "+++ b/Dockerfile"),
            ("where", "@@ -1,2 +1,2 @@"),
            ("stays", " FROM node"),
            ("goes", "-CMD node server.js"),
            ("comes", '+CMD ["node", "server.js"]'),
        ]
    ]


def test_which_process_is_the_app_is_told() -> None:
    assert page_of(report(result("one", SWALLOWED))).told()["apps"] == [
        "node server.js (PID 7): it wrote the ready line"
    ]


def test_images_that_were_given_stand_below_each_other() -> None:
    rows = [changed(result(name, SWALLOWED), base=None) for name in ("my/app:1", "my/app:2")]
    page = page_of(changed(report(*rows), bases={}))
    assert page.text.strip().startswith("2 cells of 2 images, ")
    assert [head["data-base"] for head in page.named("th") if "data-question" in head] == [""]
    assert [cell["data-verdict"] for cell in page.cells] == ["swallowed", "swallowed"]


def test_several_runs_are_told_and_one_is_not() -> None:
    cells = page_of(EVERYTHING).data["cells"]
    assert [run[0] for run in cells[4]["runs"]] == ["forwarded", "swallowed", "untested"]
    assert "runs" not in cells[0]


def test_an_untested_cell_tells_why_and_shows_the_log() -> None:
    told = page_of(EVERYTHING).told(3)
    assert told["reason"] == UNTESTED.reason
    assert told["log"] == ["starting"]
    assert told["processes"] == []


def test_events_claims_advice_and_commands_are_told() -> None:
    told = page_of(EVERYTHING).told()
    assert told["events"] == [("+0 ms", "kill SIGTERM")]
    assert told["others"] == [
        f"“it works” (an article): refuted on {BASE}",
        "A linter warns of the shell form (JSONArgsRecommended).",
    ]
    assert told["hand"] == ["docker run x", "docker kill x"]
    assert told["advice"].startswith("In the Dockerfile")
    assert page_of(EVERYTHING).told(7)["events"][1] == ("+250 ms", "die with exit code 0")


def test_a_text_is_there_once() -> None:
    texts = page_of(EVERYTHING).data["texts"]
    assert len(texts) == len(set(texts))


# What changed comes first.


COMPARED = report(
    result("worse", SWALLOWED),
    result("better", FORWARDED),
    result("aside", KILLED),
    result("fresh", SWALLOWED),
    result("same", SWALLOWED),
    result("unsure", UNTESTED),
)
OLD = {
    ("worse", "SIGTERM"): Verdict.FORWARDED,
    ("better", "SIGTERM"): Verdict.SWALLOWED,
    ("aside", "SIGTERM"): Verdict.SWALLOWED,
    ("gone", "SIGTERM"): Verdict.FORWARDED,
    ("same", "SIGTERM"): Verdict.SWALLOWED,
    ("unsure", "SIGTERM"): Verdict.FORWARDED,
}


def test_each_kind_of_change_is_shown_before_the_matrix() -> None:
    html = render(COMPARED, [against(COMPARED, OLD)])
    matrix = html.index('<table class="matrix')
    for change in Change:
        if change is not Change.SAME:
            assert 0 < html.index(f'<details class="changes {change}"') < matrix, change
    assert re.search(r"1 the same\.", html)


def test_a_change_leads_to_its_cell_where_there_is_one() -> None:
    page = page_of(COMPARED, against(COMPARED, OLD))
    links = [told["href"] for told in page.named("a") if "data-opens" in told]
    assert "#cell=musl-node24/worse/SIGTERM" in links
    assert len(links) == 5
    assert {link.removeprefix("#") for link in links} <= {told["id"] for told in page.cells}
    assert "gone, SIGTERM" in page.text


def test_a_link_to_a_real_time_signal_is_one_that_a_browser_reads_back() -> None:
    document = report(result("one", SWALLOWED, signal=Signal(37)))
    page = page_of(document, against(document, {("one", "SIGRTMIN+3"): Verdict.FORWARDED}))
    assert [told["href"] for told in page.named("a") if "data-opens" in told] == ["#cell=musl-node24/one/SIGRTMIN%2B3"]


def test_cells_are_marked_by_what_became_of_them() -> None:
    cells = {told["id"].split("/")[1]: told for told in page_of(COMPARED, against(COMPARED, OLD)).cells}
    assert cells["worse"]["class"] == "bad unexpected changed worse"
    assert cells["better"]["class"] == "good unexpected changed better"
    assert cells["same"]["class"] == "bad"
    assert cells["worse"]["aria-label"].endswith("swallowed, not as expected, worse (was forwarded)")
    assert cells["fresh"]["aria-label"].endswith("new")


def test_the_cause_and_what_differs_are_told() -> None:
    comparison = against(COMPARED, OLD, shell="dash 0.5", os="debian 12", id="sha256:def")  # noqa: S604  a fact
    comparison = changed(comparison, old=changed(comparison.old, engine=changed(ENGINE, name="Podman", version="5")))
    page = page_of(COMPARED, comparison)
    for said in (
        "Another engine, Docker Engine 28.1 in place of Podman 5",
        "not strictly comparable",
        "dash 0.5",
        "The image changed",
    ):
        assert said in page.text, said
    assert any(cause.text.split(":")[0].replace("`", "") in page.text for cause in causes(comparison))
    assert "Likely cause: " in page.told()["notes"][-1][1]


def test_another_kernel_is_told_too() -> None:
    comparison = against(COMPARED, OLD)
    page = page_of(COMPARED, changed(comparison, old=changed(comparison.old, engine=changed(ENGINE, kernel="5.10"))))
    assert "Another host, or another view of it" in page.text
    assert "5.10" in page.text


def causes(comparison: Comparison) -> list[Any]:
    return [difference.cause for difference in comparison.differences if difference.cause]


def test_without_changes_nothing_is_marked() -> None:
    document = report(result("same", SWALLOWED))
    page = page_of(document, against(document, {("same", "SIGTERM"): Verdict.SWALLOWED}))
    assert "1 the same." in page.text
    assert "changed" not in page.cells[0]["class"]


# Whatever a container says is text.

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "\x1b[31mred\x07\x00",
    "a\u2028b\u2029c\u202ed",
    "{{ 7 * 7 }}{% raw %}",
    "`code` and `half",
    "\ud800",
)
WORDS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60))


@given(WORDS, WORDS, WORDS)
@example(*HOSTILE[:3])
@example(*HOSTILE[3:6])
def test_what_containers_say_is_text(line: str, args: str, name: str) -> None:
    evidence = changed(
        SWALLOWED, logs=(LogLine(at_ns=1, text=line),), before=(changed(PID1, argv=(args,)), APP), after=()
    )
    plain = page_of(report(result("one", SWALLOWED), facts=FACTS))
    tried = (changed(TRIED[0], change=name, reason=line),)
    page = page_of(report(changed(result("one", evidence), tried=tried), facts=changed(FACTS, os=f"its {name}")))
    assert sorted(tag for tag, _ in page.tags if tag != "code") == sorted(tag for tag, _ in plain.tags if tag != "code")
    assert page.told()["log"] == [printable(line)]
    assert page.told()["processes"][0][2] == page.told()["calls"][0][3] == printable(args)
    assert page.told()["tried"] == [("abrupt", printable(name), printable(f"(0.1 s, exit 143): {line}"))]
    assert " ".join(printable(f"its {name}").split()) in " ".join(page.text.split())


@given(WORDS)
@example(HOSTILE[0])
@example(HOSTILE[3])
def test_names_from_a_file_are_text_and_keep_their_place(name: str) -> None:
    made = report(result("one", SWALLOWED))
    row = changed(made.results[0], subject=name, base=name, reason=name, advice=(name,))
    document = changed(
        made,
        results=(row,),
        bases={name: changed(FACTS, reference=name)},
        subjects={name: changed(made.subjects["one"], title=name)},
    )
    (new,) = recordings(document)
    old = changed(new, findings={(name, "SIGTERM"): Finding(verdict=Verdict.FORWARDED)})
    page = page_of(document, compare(old, new))
    (cell,) = page.cells
    assert not re.search(r"\s", cell["id"])
    assert cell["aria-label"].startswith(printable(f"{name} on {name}, SIGTERM: swallowed"))
    assert [told["href"] for told in page.named("a") if "data-opens" in told]
    assert page.told()["reason"] == printable(name)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_control_character_is_left(text: str) -> None:
    html = render(report(result("one", changed(SWALLOWED, logs=(LogLine(at_ns=1, text=text),)))))
    assert all(character == "\n" or character.isprintable() for character in html)
