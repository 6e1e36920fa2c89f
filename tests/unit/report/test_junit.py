"""JUnit XML: what a file holds, that Jenkins' schema takes it, and that no text breaks it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from harness.core.baseline import recordings
from harness.core.comparison import Comparison, compare
from harness.core.dockerfile import Instruction
from harness.core.evidence import LogLine, Receipt
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.source import Source
from harness.core.verdict import Expected, Verdict
from harness.report.decoding import read_document
from harness.report.json import render as as_json
from harness.report.junit import render
from tests.support.evidence import changed
from tests.support.reports import (
    ABRUPT,
    BASE,
    DEBIAN,
    DUPLICATED,
    FACTS,
    FORCED,
    FORWARDED,
    GRACEFUL,
    KEPT,
    KILLED,
    LOST,
    REAPED,
    SOURCE,
    SWALLOWED,
    TRANSLATED,
    TRIED,
    TYPED,
    UNTESTED,
    ZOMBIE,
    report,
    result,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.core.document import Document, Row
    from harness.core.facts import BaseFacts

XSD = xmlschema.XMLSchema(Path(__file__).parents[2] / "schemas" / "junit-10.xsd")
INTERRUPTED = (Receipt(signal="SIGINT", at_ns=None, read_ns=1_002_000_000),)
ENTRY = Source(
    path="dockerfiles/entry point.Dockerfile",
    digest="ba9876543210",
    starting=(Instruction(line=4, text='CMD ["node"]'), Instruction(line=7, text='ENTRYPOINT ["/entry.sh"]')),
)


def some(base: str = BASE) -> tuple[Row, ...]:
    """Every verdict and every probe."""
    return (
        result("naive", SWALLOWED, expected=Expected.NEVER, base=base),
        result("node", FORWARDED, expected=Expected.ALWAYS, base=base),
        result("npm", KILLED, expected=Expected.ALWAYS, base=base),
        result("slow", UNTESTED, base=base),
        result("flaky", FORWARDED, SWALLOWED, signal=Signal(10), base=base),
        result("twice", DUPLICATED, base=base),
        result("early", changed(KILLED, receipts=FORWARDED.receipts), base=base),
        result("other", TRANSLATED, base=base),
        result("well", GRACEFUL, probe=Probe.STOP, base=base),
        result("soon", ABRUPT, probe=Probe.STOP, base=base),
        result("late", FORCED, probe=Probe.STOP, expected=Expected.NEVER, base=base),
        result("same", KEPT, probe=Probe.EXIT_CODE, base=base),
        result("wrong", LOST, probe=Probe.EXIT_CODE, base=base),
        result("clean", REAPED, probe=Probe.REAP, base=base),
        result("undead", ZOMBIE, probe=Probe.REAP, base=base),
        result("typed", TYPED, probe=Probe.TTY, base=base),
        result("naive", UNTESTED, probe=Probe.TTY, base=base),
    )


def document(*results: Row, facts: BaseFacts = FACTS, sources: dict[str, Source] | None = None) -> Document:
    return report(*results, facts=facts, sources=sources if sources is not None else {"naive": SOURCE})


def compared(old: Document, new: Document) -> list[Comparison]:
    """The first base of each, compared."""
    return [compare(recordings(old)[0], recordings(new)[0])]


EVERYTHING = changed(
    report(*some(), *some(DEBIAN.reference), sources={"naive": SOURCE, "undead": ENTRY}),
    bases={BASE: changed(FACTS, entrypoint=("docker-entrypoint.sh", "-x")), DEBIAN.reference: DEBIAN},
)
SMALL = document(result("node", FORWARDED), result("naive", SWALLOWED, expected=Expected.ALWAYS), result("v", UNTESTED))
WAS = document(
    result("node", KILLED, base=DEBIAN.reference), result("naive", FORWARDED, base=DEBIAN.reference), facts=DEBIAN
)

SMALL_XML = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="signal-harness" tests="3" failures="1" errors="1" time="0.006">
	<testsuite name="local:musl-node24" timestamp="2026-01-02T03:04:05Z" tests="3" errors="1" failures="1" skipped="0" time="0.006">
		<properties>
			<property name="base.id" value="sha256:abc"/>
			<property name="base.os" value="alpine 3.22"/>
			<property name="base.libc" value="musl 1.2.5"/>
			<property name="base.shell" value="BusyBox v1.37.0 ash"/>
			<property name="base.node" value="24.11.1"/>
			<property name="base.npm" value="11.6.2"/>
			<property name="engine.name" value="Docker Engine"/>
			<property name="engine.version" value="28.1"/>
			<property name="engine.api" value="1.49"/>
			<property name="engine.runtime" value="runc 1.2"/>
			<property name="engine.init" value="docker-init 0.19"/>
			<property name="engine.kernel" value="6.12"/>
			<property name="engine.builder" value="BuildKit"/>
			<property name="engine.trace" value="no"/>
		</properties>
		<testcase name="node/SIGTERM" classname="musl-node24" time="0.003">
			<system-out>forwarded: PID 1 is the app, `node server.js`, and handles SIGTERM</system-out>
		</testcase>
		<testcase name="naive/SIGTERM" classname="musl-node24" time="0.003">
			<failure message="swallowed: PID 1 is `/bin/sh -c node server.js`: no handler for SIGTERM, so the kernel dropped it" type="swallowed">musl-node24/naive/SIGTERM
  expected  forwarded (the catalogue says: always)
  observed  swallowed, delivery none, outcome running
  because   PID 1 is `/bin/sh -c node server.js`: no handler for SIGTERM, so the kernel dropped it
  app       node server.js (PID 7): it wrote the ready line
  rule      SH001: PID 1 is not the app and has no handler: the kernel drops the signal
  the roll call
    1 /bin/sh -c node server.js  [told by docker, +0.0 ms; dropped by the kernel; still there]
      7 node server.js  [the app; never told; still there]
  processes before
    1 /bin/sh -c node server.js  [ignores PIPE]
      7 node server.js  [catches TERM 32]
  processes after
    1 /bin/sh -c node server.js  [ignores PIPE]
      7 node server.js  [catches TERM 32]
  end of the log
    Listening
  to reproduce it by hand
    docker run x
    docker kill x</failure>
		</testcase>
		<testcase name="v/SIGTERM" classname="musl-node24" time="0.0">
			<error message="untested: no ready line within 30 s" type="untested">musl-node24/v/SIGTERM
  expected  what was recorded (the catalogue says: depends)
  observed  untested
  because   no ready line within 30 s
  end of the log
    starting</error>
		</testcase>
	</testsuite>
</testsuites>
"""  # noqa: E501  that is how it is written


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text.encode())  # noqa: S314  our own


def cases(text: str) -> dict[str, ET.Element]:
    return {f"{case.get('classname')}/{case.get('name')}": case for case in parsed(text).iter("testcase")}


def test_a_small_document_is_written_whole() -> None:
    assert render(SMALL) == SMALL_XML


def test_every_verdict_and_probe_is_in_the_big_document() -> None:
    assert {row.verdict for row in EVERYTHING.results} == set(Verdict)
    assert {row.probe for row in EVERYTHING.results} == set(Probe)


@pytest.mark.parametrize("comparisons", [[], compared(WAS, SMALL)], ids=["alone", "compared"])
def test_the_big_document_is_valid(comparisons: list[Comparison]) -> None:
    XSD.validate(render(EVERYTHING, comparisons))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("<testsuite name=", "<testsuite called="),
        lambda text: text.replace("<system-out>", "<properties/><system-out>", 1),
        lambda text: text.replace("<error ", "<errored ").replace("</error>", "</errored>"),
        lambda text: text.replace('errors="1"', "", 1).replace('errors="1"', "", 1),
        lambda text: text.replace('time="0.0', 'time="soon'),
        lambda text: text.replace('<testsuites name="signal-harness"', '<testsuites skipped="0"'),
    ],
)
def test_a_spoiled_file_is_not_valid(spoil: Callable[[str], str]) -> None:
    assert spoil(SMALL_XML) != SMALL_XML
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        XSD.validate(spoil(SMALL_XML))


def test_the_counts_are_those_of_the_cases() -> None:
    root = parsed(render(EVERYTHING))
    assert root.attrib == {
        "name": "signal-harness",
        "tests": str(len(EVERYTHING.results)),
        "failures": "2",
        "errors": "4",
        "time": root.get("time"),
    }
    for suite in root:
        counted = {tag: len(list(suite.iter(tag))) for tag in ("testcase", "failure", "error", "skipped")}
        told = {tag: int(suite.get(key) or -1) for tag, key in (("testcase", "tests"), ("failure", "failures"))}
        assert counted == told | {"error": 2, "skipped": 0}
    assert [suite.get("name") for suite in root] == [BASE, DEBIAN.reference]
    assert float(root.get("time") or 0) == pytest.approx(sum(float(suite.get("time") or 0) for suite in root))


def test_the_time_is_that_of_all_runs() -> None:
    (case,) = cases(render(document(result("v", KEPT, KEPT, LOST, probe=Probe.EXIT_CODE)))).values()
    assert case.get("time") == "0.9"


def test_an_untested_cell_is_an_error_whatever_is_expected_or_recorded() -> None:
    untested = document(*(result(one.value, UNTESTED, expected=one) for one in Expected))
    found = cases(render(untested, compared(document(result("depends", FORWARDED)), untested)))
    for case in found.values():
        assert [(child.tag, child.get("type")) for child in case] == [("error", "untested")]


def test_a_cell_that_changed_fails_with_what_was_recorded_and_the_likely_cause() -> None:
    found = cases(render(SMALL, compared(WAS, SMALL)))["musl-node24/naive/SIGTERM"].find("failure")
    assert found is not None
    assert found.text is not None
    assert found.text.splitlines()[:7] == [
        "musl-node24/naive/SIGTERM",
        "  expected  forwarded, as recorded",
        "  observed  swallowed, delivery none, outcome running",
        "  because   PID 1 is `/bin/sh -c node server.js`: no handler for SIGTERM, so the kernel dropped it",
        "  app       node server.js (PID 7): it wrote the ready line",
        "  rule      SH001: PID 1 is not the app and has no handler: the kernel drops the signal",
        (
            "  likely    /bin/sh is now BusyBox v1.37.0 ash, was dash 0.5.12-2: it stays the parent of what it starts; "
            "PID 1 was `node server.js`, is `/bin/sh -c node server.js`"
        ),
    ]


def test_what_was_recorded_goes_before_the_catalogue() -> None:
    new = document(result("node", FORWARDED, expected=Expected.ALWAYS))
    case = cases(render(new, compared(WAS, new)))["musl-node24/node/SIGTERM"]
    assert [child.tag for child in case] == ["failure"]


def test_recorded_cells_that_were_not_run_and_cells_that_nothing_covers_are_errors() -> None:
    old = document(result("gone", FORWARDED), result("lost", KILLED), result("same", FORWARDED))
    new = document(
        result("same", FORWARDED), result("new", KILLED), result("sure", FORWARDED, expected=Expected.ALWAYS)
    )
    found = cases(render(new, compared(old, new)))
    errors = {name: case.find("error").get("message") for name, case in found.items() if case.find("error") is not None}  # type: ignore[union-attr]
    assert errors["musl-node24/gone/SIGTERM"] == errors["musl-node24/lost/SIGTERM"] == "recorded, but not run"
    assert (errors["musl-node24/new/SIGTERM"] or "").startswith("covered by nothing, neither a recording nor the cat")
    assert set(found) - set(errors) == {"musl-node24/same/SIGTERM", "musl-node24/sure/SIGTERM"}


def test_a_cell_as_recorded_passes_and_tells_what_it_is() -> None:
    new = document(result("naive", SWALLOWED))
    (case,) = cases(render(new, compared(new, new))).values()
    assert [(child.tag, (child.text or "").partition(":")[0]) for child in case] == [("system-out", "swallowed")]


def test_the_end_of_a_container_and_of_a_long_log_is_told() -> None:
    logs = tuple(LogLine(at_ns=1, text=f"line {number}") for number in range(40))
    new = document(result("v", changed(KILLED, logs=logs), expected=Expected.ALWAYS))
    text = next(parsed(render(new)).iter("failure")).text or ""
    assert "  processes after\n    none: the container has ended\n" in text
    assert [line for line in text.splitlines() if line.startswith("    line")] == [
        f"    line {number}" for number in range(28, 40)
    ]


def test_no_text_passes_for_lines_of_the_report() -> None:
    before = tuple(changed(process, argv=("sh\n  expected  nothing\r\x1b[2J",)) for process in SWALLOWED.seen.before)
    evidence = changed(SWALLOWED, before=before, logs=(LogLine(at_ns=1, text="x\n</failure>]]>\x00\ufffe"),))
    new = document(result("v", evidence, expected=Expected.ALWAYS))
    XSD.validate(render(new))
    failure = next(parsed(render(new)).iter("failure"))
    text = failure.text or ""
    assert text.count("\n  expected  ") == 1
    assert "1 sh\\n  expected  nothing\\x0d\\x1b[2J  [ignores PIPE]" in text
    assert "    x\\n</failure>]]>\\x00\\xfffe" in text
    assert "\n" not in (failure.get("message") or "")


def test_what_was_tried_is_told_and_an_inferred_roll_call_is_marked() -> None:
    row = changed(result("v", changed(FORCED, trace=None), probe=Probe.STOP, expected=Expected.ALWAYS), tried=TRIED)
    text = next(parsed(render(document(row))).iter("failure")).text or ""
    assert "    1 /bin/sh -c node server.js  [~ told by docker; not known what it did; exited with 137]\n" in text
    assert "      7 node server.js  [the app; ~ not known whether told; gone]\n    ~ inferred from" in text
    assert '  tried\n    CMD ["node", "server.js"]: ✓ graceful (0.1 s, exit 0)\n' in text
    assert "    --init: ✂ abrupt (0.1 s, exit 143): the container ended by itself\n" in text
    assert "  the patch, built and run: ✓ graceful\n    --- a/Dockerfile\n" in text
    assert "how to fix it" not in text


def test_where_nothing_helped_what_to_change_stands_below_what_was_tried() -> None:
    advice = ("Nothing tried helps: each is abrupt.", "In the app (not tried):", "  code")
    row = changed(result("v", FORCED, probe=Probe.STOP, expected=Expected.ALWAYS), tried=TRIED[:1], advice=advice)
    text = next(parsed(render(document(row))).iter("failure")).text or ""
    told = "  how to fix it\n    Nothing tried helps: each is abrupt.\n    In the app (not tried):\n      code\n"
    assert told in text
    assert "the patch" not in text


def test_a_given_image_stands_in_its_own_group_and_nobody_has_to_expect_anything_of_it() -> None:
    row = changed(result("nginx:1", FORCED, probe=Probe.STOP, expected=Expected.ALWAYS), base=None)
    made = parsed(render(changed(document(row), bases={})))
    (case,) = made.iter("testcase")
    assert (case.get("name"), case.get("classname")) == ("nginx:1/stop", "nginx:1")
    assert "\n  expected  graceful\n" in (next(case.iter("failure")).text or "")


def test_a_given_image_is_grouped_by_the_name_that_it_was_given() -> None:
    row = changed(result("./my/app", FORCED, probe=Probe.STOP), base=None)
    (case,) = parsed(render(changed(document(row), bases={}))).iter("testcase")
    assert case.get("classname") == "./my/app"


def test_an_empty_document_is_valid() -> None:
    XSD.validate(render(document()))


HOSTILE = st.text(max_size=30) | st.sampled_from(["]]>", "<x/>", "&amp;", "\ud7ff\ufffe\uffff", '"', "'", "a\r\n\tb"])


def forged(text: str) -> Document:
    """A document whose every free text is the one given, as a file may hold it."""
    new = document(*(changed(one, tried=TRIED) for one in some() if one.subject in ("naive", "npm", "slow", "flaky")))
    loaded = json.loads(as_json(new))

    def spoil(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {name: spoil(one, name) for name, one in value.items()}
        if isinstance(value, list):
            return [spoil(one, key) for one in value]
        free = {"title", "dockerfile", "text", "source", "reason", "args", "logs", "reproduce", "advice", "pid1", "os"}
        return (
            text
            if isinstance(value, str) and key in free | {"chain", "shell", "kernel", "name", "change", "command", "end"}
            else value
        )

    return read_document(json.dumps(spoil(loaded)).encode(), place="forged")


@given(HOSTILE)
def test_any_text_gives_a_valid_file(text: str) -> None:
    written = render(forged(text))
    XSD.validate(written)
    assert len(cases(written)) == len(forged(text).results)
