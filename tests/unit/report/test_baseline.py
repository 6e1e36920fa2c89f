"""Baseline files: what is written for review, what is read back, and how bad input is refused."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.core.baseline import Finding, Recording, recordings
from harness.core.comparison import compare
from harness.core.errors import UsageError
from harness.core.facts import BaseFacts, EngineFacts
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.verdict import Verdict
from harness.report.baseline import file_name, write
from harness.report.decoding import Image, read_baseline, read_recordings
from harness.report.json import render as as_json
from tests.support.evidence import changed
from tests.support.reports import (
    ABRUPT,
    BASE,
    ENGINE,
    FACTS,
    FORCED,
    FORWARDED,
    GRACEFUL,
    KEPT,
    KILLED,
    REAPED,
    SOURCE,
    SWALLOWED,
    UNTESTED,
    ZOMBIE,
    finding,
    recording,
    report,
    result,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from random import Random

    from harness.core.baseline import Key

RECORDED = recording(
    {
        ("npm-start", "SIGTERM"): finding(Verdict.FORWARDED, "npm start", "node server.js"),
        ("flaky", "reap"): finding(Verdict.UNSTABLE, "node server.js", seen=(Verdict.REAPED, Verdict.ZOMBIE)),
        ("npm-start", "SIGHUP"): finding(Verdict.SWALLOWED, "npm start", "node server.js"),
        ("node", "stop"): finding(Verdict.FORCED, "node server.js", signal="SIGTERM"),
        ("node", "SIGTERM"): finding(Verdict.UNTESTED),
        ("node", "SIGRTMIN+3"): finding(Verdict.KILLED),
        ("node-2", "tty"): Finding(
            verdict=Verdict.FORWARDED, chain=(("/bin/sh", "-c", '"node" "server.js"'), ("node", "server.js"))
        ),
    },
    base=changed(
        FACTS,
        digest="node@sha256:def",
        programs={**FACTS.programs, "tini": "0.19.0"},
        stop_signal="SIGQUIT",
        entrypoint=("docker-entrypoint.sh", "--"),
        entrypoint_sha256="0f" * 32,
    ),
    engine=changed(ENGINE, trace=True),
    variants={"npm-start": "0123456789ab", "node": "ba9876543210", "unasked": "ffffffffffff"},
)
FILE = """\
{
  "schema": 2,
  "base": "local:musl-node24",
  "image": {
    "id": "sha256:abc",
    "digest": "node@sha256:def",
    "os": "alpine 3.22",
    "libc": "musl 1.2.5",
    "shell": "BusyBox v1.37.0 ash",
    "programs": {"node": "24.11.1", "npm": "11.6.2", "tini": "0.19.0"},
    "stop_signal": "SIGQUIT",
    "entrypoint": ["docker-entrypoint.sh", "--"],
    "entrypoint_sha256": "%s"
  },
  "engine": {
    "name": "Docker Engine",
    "version": "28.1",
    "api": "1.49",
    "runtime": "runc 1.2",
    "init": "docker-init 0.19",
    "kernel": "6.12",
    "builder": "BuildKit",
    "trace": true
  },
  "variants": {
    "node": "ba9876543210",
    "npm-start": "0123456789ab"
  },
  "cells": {
    "flaky/reap": {"verdict": "unstable", "seen": ["reaped", "zombie"], "chain": [["node", "server.js"]]},
    "node/SIGRTMIN+3": {"verdict": "killed", "chain": []},
    "node/stop": {"verdict": "forced", "signal": "SIGTERM", "chain": [["node", "server.js"]]},
    "node-2/tty": {"verdict": "forwarded", "chain": [["/bin/sh", "-c", "\\"node\\" \\"server.js\\""], ["node", "server.js"]]},
    "npm-start/SIGHUP": {"verdict": "swallowed", "chain": [["npm", "start"], ["node", "server.js"]]},
    "npm-start/SIGTERM": {"verdict": "forwarded", "chain": [["npm", "start"], ["node", "server.js"]]}
  }
}
""" % ("0f" * 32)  # noqa: E501  that is how it is written
CONTENT = FILE.encode()
LINES = FILE.count("\n")
RESULTS = as_json(report(result("v", SWALLOWED), sources={"v": SOURCE})).encode()
QUESTIONS = [Signal(number).name for number in (1, 2, 15, 31, 34, 37, 64)] + [
    probe.value for probe in Probe if probe is not Probe.SIGNAL
]
HOSTILE = st.text() | st.sampled_from(
    [
        "\x1b[2J\x07",
        '"\\/',
        "\r\n",
        "\u2028\u2029\x85\x0b\x0c",
        "\u202e\u200b\ufeff",
        "\x00",
        "👩\u200d🚀",
        "a/b/",
        "{}",
    ]
)


def findings_of(key: tuple[str, str]) -> st.SearchStrategy[tuple[tuple[str, str], Finding]]:
    """What can have been found in a cell."""
    known = (Probe.SIGNAL if key[1].startswith("SIG") else Probe(key[1])).verdicts
    made = st.builds(
        Finding,
        verdict=st.sampled_from([*known, Verdict.UNSTABLE, Verdict.UNTESTED]),
        seen=st.lists(st.sampled_from(known), unique=True).map(tuple),
        signal=st.none() | st.sampled_from(["SIGTERM", "SIGQUIT"]),
        chain=st.lists(st.lists(HOSTILE, max_size=3).map(tuple), max_size=4).map(tuple),
    )
    return st.tuples(st.just(key), made)


CELLS = st.tuples(HOSTILE.filter(bool), st.sampled_from(QUESTIONS)).flatmap(findings_of)
TEXTS = {
    "reference": HOSTILE.filter(bool),
    "id": HOSTILE,
    "entrypoint": st.lists(HOSTILE, max_size=3).map(tuple),
    "programs": st.dictionaries(HOSTILE, HOSTILE, max_size=3),
}
BASES = st.builds(BaseFacts, **{name: TEXTS.get(name, st.none() | HOSTILE) for name in BaseFacts.__struct_fields__})
ENGINES = st.builds(
    EngineFacts,
    **{name: st.booleans() if name == "trace" else HOSTILE for name in EngineFacts.__struct_fields__},
)
RECORDINGS = st.builds(
    Recording,
    base=BASES,
    engine=ENGINES,
    variants=st.dictionaries(HOSTILE, HOSTILE),
    findings=st.lists(CELLS, max_size=6).map(dict),
)


def stored(whole: Recording) -> Recording:
    """What of a recording is kept in a file."""
    findings = {key: found for key, found in whole.findings.items() if found.verdict is not Verdict.UNTESTED}
    names = {variant for variant, _ in findings}
    variants = {name: digest for name, digest in whole.variants.items() if name in names}
    return changed(whole, variants=variants, findings=findings)


def refusal(content: bytes, reads: Callable[..., object] = read_baseline) -> UsageError:
    with pytest.raises(UsageError) as caught:
        reads(content, place="b.json")
    assert caught.value.message.startswith("b.json")
    assert caught.value.remedy
    assert caught.value.exit_code == 2
    return caught.value


# Writing.


def test_a_baseline_is_written_whole() -> None:
    assert write(RECORDED) == FILE


def test_a_baseline_of_nothing_is_written_and_read_back() -> None:
    text = write(recording())
    assert text.endswith('  "variants": {},\n  "cells": {}\n}\n')
    assert read_baseline(text.encode(), place="b.json") == recording()


def test_what_could_not_be_tested_is_left_out() -> None:
    assert "node/SIGTERM" not in FILE
    assert ("node", "SIGTERM") not in read_baseline(CONTENT, place="b.json").findings


def test_the_order_of_what_was_found_does_not_matter() -> None:
    backwards = changed(
        RECORDED,
        findings=dict(reversed([*RECORDED.findings.items()])),
        variants=dict(reversed([*RECORDED.variants.items()])),
    )
    assert write(backwards) == FILE


def test_another_verdict_is_another_line_and_no_more() -> None:
    findings: Mapping[Key, Finding] = {**RECORDED.findings, ("node", "stop"): finding(Verdict.GRACEFUL, "x")}
    lines = zip(FILE.splitlines(), write(changed(RECORDED, findings=findings)).splitlines(), strict=True)
    assert [new for old, new in lines if old != new] == ['    "node/stop": {"verdict": "graceful", "chain": [["x"]]},']


@given(RECORDINGS)
@example(RECORDED)
def test_what_was_written_is_read_back(whole: Recording) -> None:
    assert read_baseline(write(whole).encode(), place="b.json").findings == stored(whole).findings
    assert read_baseline(write(stored(whole)).encode(), place="b.json") == stored(whole)


@given(RECORDINGS)
def test_what_was_read_is_written_again_byte_by_byte(whole: Recording) -> None:
    text = write(stored(whole))
    assert write(read_baseline(text.encode(), place="b.json")) == text


@given(RECORDINGS, st.randoms())
def test_the_bytes_do_not_depend_on_any_order(whole: Recording, order: Random) -> None:
    shuffled = [*whole.findings.items()]
    order.shuffle(shuffled)
    assert write(changed(whole, findings=dict(shuffled))) == write(whole)


@given(RECORDINGS)
def test_there_is_one_line_for_each_cell_and_they_are_sorted(whole: Recording) -> None:
    _, _, cells = write(whole).partition('\n  "cells": {')
    lines = [] if cells.startswith("}") else cells.split("\n")[1:-3]
    names = [next(iter(json.loads("{" + line.rstrip(",") + "}"))) for line in lines]
    kept = stored(whole)
    assert names == [f"{variant}/{question}" for variant, question in sorted(kept.findings)]


@given(RECORDINGS)
def test_no_control_character_of_ascii_but_the_end_of_a_line_is_in_it(whole: Recording) -> None:
    assert not set(write(whole)) & {chr(number) for number in range(0x20) if number != 0x0A}


def test_all_that_is_known_of_base_and_engine_is_in_the_file() -> None:
    assert ("reference", *Image.__struct_fields__) == BaseFacts.__struct_fields__
    assert list(json.loads(FILE)["image"]) == [*Image.__struct_fields__]
    assert list(json.loads(FILE)["engine"]) == [*EngineFacts.__struct_fields__]


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("local:musl-node24", "musl-node24.json"),
        ("local:debian12-node22.14.0-npm9.6.7", "debian12-node22.14.0-npm9.6.7.json"),
        ("node:24-alpine", "node_24-alpine.json"),
        ("r.example:5000/team/node:24", "r.example_5000_team_node_24.json"),
        ("node@sha256:0f0f", "node_sha256_0f0f.json"),
        ("../../etc/passwd", ".._.._etc_passwd.json"),
        ("a b\n\x00ü*?", "a_b_____.json"),
        ("", ".json"),
    ],
)
def test_a_base_has_a_file_of_its_name(reference: str, name: str) -> None:
    assert file_name(reference) == name


@given(st.text())
def test_any_base_has_a_name_for_any_file_system(reference: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._-]*\.json", file_name(reference))


# Reading what a run has found.


FULL = report(
    result("naive", SWALLOWED),
    result("naive", FORWARDED, signal=Signal(1)),
    result("odd", GRACEFUL, ABRUPT, FORCED, UNTESTED, probe=Probe.STOP),
    result("odd", changed(FORCED, sent=Signal(3)), probe=Probe.STOP, base="node:24"),
    result("same", KEPT, probe=Probe.EXIT_CODE),
    result("clean", REAPED, probe=Probe.REAP, base="node:24"),
    result("undead", REAPED, ZOMBIE, probe=Probe.REAP),
    result("typed", changed(FORWARDED, sent=Signal(2), typed=True), probe=Probe.TTY),
    result("slow", UNTESTED, probe=Probe.TTY),
    sources={"naive": SOURCE},
)
FULL = changed(FULL, bases={"node:24": changed(FACTS, reference="node:24"), BASE: FACTS, "unused": FACTS})


def test_a_results_file_has_recorded_what_its_report_has() -> None:
    content = as_json(FULL).encode()
    assert read_recordings(content, place="r.json") == recordings(FULL)


def test_a_results_file_of_nothing_has_recorded_nothing() -> None:
    assert read_recordings(as_json(report()).encode(), place="r.json") == ()


def test_what_a_results_file_has_recorded_can_be_a_baseline() -> None:
    for one in recordings(FULL):
        assert read_recordings(write(one).encode(), place="b.json") == (stored(one),)


def test_a_baseline_is_read_wherever_recordings_are() -> None:
    assert read_recordings(CONTENT, place="b.json") == (read_baseline(CONTENT, place="b.json"),)


def test_a_result_of_an_unknown_base_is_named() -> None:
    content = RESULTS.replace(b'"base": "local:musl-node24"', b'"base": "other"', 1)
    assert content != RESULTS
    assert str(_only(read_recordings, content)) == "r.json, results[0]: 'other' is none of its bases"
    document = changed(FULL, bases={BASE: FACTS})
    assert str(_only(recordings, document)) == "the results, results[3]: 'node:24' is none of its bases"


def _only(reads: Callable[..., object], what: object) -> UsageError:
    place = {"place": "r.json"} if isinstance(what, bytes) else {}
    with pytest.raises(UsageError) as caught:
        reads(what, **place)
    return caught.value


# Bad input.


def swapped(old: str, new: str) -> bytes:
    assert old in FILE
    return FILE.replace(old, new, 1).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "b.json:1:1: not valid JSON: Expecting value"),
        (CONTENT[: CONTENT.index(b'npm": ')], "b.json:10:37: not valid JSON: "),
        (CONTENT + b"x", f"b.json:{LINES + 1}:1: not valid JSON: Extra data"),
        (CONTENT * 2, f"b.json:{LINES + 1}:1: not valid JSON: Extra data"),
        (b"<<<<<<< HEAD\n" + CONTENT, "b.json:1:1: not valid JSON: "),
        (
            swapped('    "node/stop"', '<<<<<<< HEAD\n    "node/stop"'),
            f"b.json:{FILE[: FILE.index('node/stop')].count(chr(10)) + 1}:1: not valid JSON: ",
        ),
        (b"[]", "b.json is not a file of signal-harness: "),
        (b"{}", "b.json is not a file of signal-harness: it names no schema"),
        (b'{"schema": 2}', "b.json is not a baseline"),
        (b'{"schema": 2, "rows": []}', "b.json is not a baseline"),
        (swapped('"schema": 2', '"schema": 3'), "b.json has schema 3"),
        (swapped('"schema": 2', '"schema": "1"'), "b.json has schema '1'"),
        (swapped('"schema": 2', '"schema": null'), "b.json is not a file of signal-harness: it names no schema"),
        (RESULTS, "b.json is not a baseline: it holds results"),
        (swapped('"cells": {', '"cells": null, "cell": {'), "b.json, cells: Expected `object`, got `null`"),
        (b'{"schema": 2, "cells": null}', "b.json, cells: Expected `object`, got `null`"),
        (b'{"schema": 2, "cells": []}', "b.json, cells: Expected `object`, got `array`"),
        (b'{"schema": 2, "cells": {}}', "b.json: Object missing required field `base`"),
        (swapped('"schema": 2', '"schema": 2, "note": ""'), "b.json: Object contains unknown field `note`"),
        (swapped('"base": "local:musl-node24"', '"base": null'), "b.json, base: Expected `str`, got `null`"),
        (swapped('    "os": "alpine 3.22",\n', ""), "b.json, image: Object missing required field `os`"),
        (swapped('"trace": true', '"trace": 1'), "b.json, engine.trace: Expected `bool`, got `int`"),
        (swapped('"node": "ba9876543210"', '"node": null'), "b.json, variants[...]: Expected `str`, got `null`"),
        (swapped('"verdict": "killed"', '"verdict": "fine"'), 'b.json, cells["node/SIGRTMIN+3"].verdict: Invalid enum'),
        (
            swapped('["reaped", "zombie"]', '["reaped", "dead"]'),
            'b.json, cells["flaky/reap"].seen[1]: Invalid enum value',
        ),
        (swapped('"seen": [', '"saw": ['), 'b.json, cells["flaky/reap"]: Object contains unknown field `saw`'),
        (swapped('"verdict": "killed", ', ""), 'b.json, cells["node/SIGRTMIN+3"]: Object missing required'),
        (swapped('"chain": []', '"chain": "node"'), 'b.json, cells["node/SIGRTMIN+3"].chain: Expected `array`'),
        (swapped("node/stop", "stop"), "b.json, cells: 'stop' is not a cell"),
        (swapped("node/stop", "/stop"), "b.json, cells: '/stop' is not a cell"),
        (swapped("node/stop", "node/"), "b.json, cells: 'node/' is not a cell"),
        (swapped("node/stop", "node/signal"), "b.json, cells: 'node/signal' is not a cell"),
        (swapped("node/stop", "node/halt"), "b.json, cells: 'node/halt' is not a cell"),
        (swapped("node/stop", "node/STOP"), "b.json, cells: 'node/STOP' is not a cell"),
        (swapped("node/stop", "node/TERM"), "b.json, cells: 'node/TERM' is not a cell"),
        (swapped("node/stop", "node/sigterm"), "b.json, cells: 'node/sigterm' is not a cell"),
        (swapped("node/stop", "node/15"), "b.json, cells: 'node/15' is not a cell"),
        (swapped("node/stop", "node/SIGKILL"), "b.json, cells: 'node/SIGKILL' is not a cell"),
        (swapped("node/stop", "node/SIGIOT"), "b.json, cells: 'node/SIGIOT' is not a cell"),
        (swapped("node/stop", "node/SIGTERM "), "b.json, cells: 'node/SIGTERM ' is not a cell"),
        (swapped("node/stop", "node\\u001b[2J/x"), r"b.json, cells: 'node\x1b[2J/x' is not a cell"),
        (CONTENT.replace(b"server.js", b"s\xffrver"), "b.json: not JSON that can be read: "),
        (CONTENT.replace(b"server.js", b"\\ud800"), "b.json: not JSON that can be read: "),
        (FILE.encode("utf-16"), "b.json: not JSON that can be read: "),
        (b'{"schema": 2, "cells": ' + b"[" * 100_000, "b.json: not JSON that can be read: "),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_what_is_not_a_baseline_is_refused_with_its_place(content: bytes, message: str) -> None:
    assert refusal(content).message.startswith(message)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"schema": 2}', CONTENT[:-4], swapped('"killed"', '"fine"')])
def test_what_is_neither_is_refused_wherever_recordings_are_read(content: bytes) -> None:
    refusal(content, read_recordings)


def test_a_wrong_file_is_answered_with_where_the_right_one_comes_from() -> None:
    remedy = "Results come from `signal-harness run --json F`, baselines from `signal-harness baseline update`."
    assert refusal(RESULTS).remedy == remedy
    assert refusal(b'{"schema": 2, "cells": 7}').remedy == remedy
    assert refusal(swapped("node/stop", "stop")).remedy == "A cell is VARIANT/SIGNAL or VARIANT/PROBE."
    assert (
        refusal(swapped('"schema": 2', '"schema": 9')).remedy == "This version of signal-harness reads schemas 1 and 2."
    )


def test_a_baseline_cut_short_names_line_and_column() -> None:
    for end in range(len(CONTENT.rstrip())):
        assert re.match(r"b\.json:\d+:\d+: not valid JSON: ", refusal(CONTENT[:end]).message)
        refusal(CONTENT[:end], read_recordings)


def parts(part: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a baseline that have keys of their own, with their places."""
    yield place, part
    for key in ("image", "engine"):
        yield key, part[key]
    yield 'cells["flaky/reap"]', part["cells"]["flaky/reap"]


WHOLE = json.loads(FILE)


@pytest.mark.parametrize(("place", "part"), [*parts(WHOLE)], ids=["file", "image", "engine", "cell"])
def test_in_every_part_no_key_may_be_unknown_or_of_another_type_and_few_missing(
    place: str, part: dict[str, Any]
) -> None:
    at = f"b.json, {place}" if place else "b.json"
    kept = dict(part)
    may_be_missing = {"schema", "cells", "seen", "signal", "chain"}
    try:
        for key in set(kept) - {"schema"}:
            part.pop(key)
            if key not in may_be_missing:
                assert refusal(json.dumps(WHOLE).encode()).message == f"{at}: Object missing required field `{key}`"
            part[key] = [[[]]]
            below = f"{place}.{key}".removeprefix(".")
            assert refusal(json.dumps(WHOLE).encode()).message.startswith(f"b.json, {below}")
            part[key] = kept[key]
        part["extra"] = None
        assert refusal(json.dumps(WHOLE).encode()).message == f"{at}: Object contains unknown field `extra`"
    finally:
        part.clear()
        part.update(kept)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["schema", "cells", "base"]), inner),
)


@given(ANY_JSON)
def test_any_other_json_is_refused(value: object) -> None:
    others = [{"schema": schema, "cells": cells} for schema in (1, 2) for cells in (value, {"a/stop": value})]
    for other in (value, {"schema": value}, *others):
        refusal(json.dumps(other).encode())
        refusal(json.dumps(other).encode(), read_recordings)


@given(st.binary())
def test_any_bytes_are_refused(content: bytes) -> None:
    refusal(content)
    refusal(content, read_recordings)


@given(st.integers(0, len(CONTENT)), st.integers(0, 3), st.binary(max_size=3))
def test_a_damaged_baseline_is_read_or_refused(begin: int, length: int, instead: bytes) -> None:
    damaged = CONTENT[:begin] + instead + CONTENT[begin + length :]
    message = "b.json"
    for reads in (read_baseline, read_recordings):
        try:
            reads(damaged, place="b.json")
        except UsageError as error:
            message = error.message
    assert message.startswith("b.json")


@given(st.integers(0, len(RESULTS)), st.integers(0, 3), st.binary(max_size=3))
def test_a_damaged_results_file_is_read_or_refused(begin: int, length: int, instead: bytes) -> None:
    damaged = RESULTS[:begin] + instead + RESULTS[begin + length :]
    message = "r.json"
    try:
        read_recordings(damaged, place="r.json")
    except UsageError as error:
        message = error.message
    assert message.startswith("r.json")


def test_a_variant_of_which_nothing_could_be_tested_is_left_out_whole() -> None:
    text = write(recording({("v", "stop"): finding(Verdict.UNTESTED)}, variants={"v": "0123456789ab"}))
    assert write(read_baseline(text.encode(), place="b.json")) == text


@pytest.mark.parametrize(
    "content",
    [
        swapped('    "node/stop"', '    "node/stop": {"verdict": "graceful"},\n    "node/stop"'),
        swapped('    "node": "ba', '    "node": "000000000000",\n    "node": "ba'),
        swapped('"verdict": "killed"', '"verdict": "forwarded", "verdict": "killed"'),
        swapped('  "base"', '  "base": "another",\n  "base"'),
        swapped('  "cells"', '  "cells": {},\n  "cells"'),
    ],
    ids=["cell", "variant", "verdict", "base", "cells"],
)
def test_a_key_that_is_there_twice_is_refused(content: bytes) -> None:
    refusal(content)


@pytest.mark.parametrize("verdict", ["untested", "unstable"])
def test_verdicts_that_no_run_can_have_are_refused_or_at_least_compared(verdict: str) -> None:
    content = swapped('["reaped", "zombie"]', f'["reaped", "{verdict}"]')
    try:
        one = read_baseline(content, place="b.json")
    except UsageError:
        return
    assert compare(RECORDED, one).differences


def test_an_unstable_run_in_a_results_file_is_refused_or_at_least_compared() -> None:
    made = report(result("v", REAPED, ZOMBIE, probe=Probe.REAP))
    content = as_json(made).encode().replace(b'"verdict": "zombie"', b'"verdict": "unstable"')
    try:
        (one,) = read_recordings(content, place="r.json")
    except UsageError:
        return
    assert compare(one, recording({("v", "reap"): finding(Verdict.REAPED)})).differences


@pytest.mark.parametrize(
    "content",
    [
        swapped('"signal": "SIGTERM"', '"signal": "SIGFOO"'),
        swapped('"verdict": "killed"', '"verdict": "graceful"'),
        swapped('"base": "local:musl-node24"', '"base": ""'),
    ],
    ids=["no signal", "another probe's verdict", "no base"],
)
def test_what_cannot_have_been_found_is_refused(content: bytes) -> None:
    refusal(content)


def test_a_cell_that_is_wrong_is_named() -> None:
    assert "node/SIGRTMIN+3" in refusal(swapped('"verdict": "killed"', '"verdict": "fine"')).message


@pytest.mark.parametrize("signal", ["null", '"FOO"', '"SIGKILL"'])
def test_a_result_of_no_known_question_is_refused(signal: str) -> None:
    content = RESULTS.replace(b'"signal": "SIGTERM"', f'"signal": {signal}'.encode(), 1)
    assert content != RESULTS
    refusal(content, read_recordings)


def test_a_results_file_that_holds_a_cell_twice_is_refused() -> None:
    twice = report(result("v", SWALLOWED), result("v", KILLED))
    refusal(as_json(twice).encode(), read_recordings)
