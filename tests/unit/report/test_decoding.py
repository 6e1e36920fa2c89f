"""Results documents and what a file is, read back, upgraded or refused; baselines are in test_baseline.py."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.baseline import Finding as RecordedFinding
from harness.core.baseline import recordings
from harness.core.document import Cut, Finding, Ignored, Kind, Role, Shard
from harness.core.errors import UsageError
from harness.core.judged import judged
from harness.core.question import Probe
from harness.core.verdict import Verdict
from harness.report.baseline import write
from harness.report.decoding import kind_of, read_baseline, read_document, read_recordings, schema_of
from harness.report.json import render, schema
from tests.support.everything import EVERYTHING
from tests.support.evidence import changed
from tests.support.reports import BASE, report
from tests.unit.report.test_json import SMALL_DOCUMENT, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DATA = Path(__file__).parents[2] / "data"


def refusal(content: bytes) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read_document(content, place="b.json")
    assert caught.value.message.startswith("b.json")
    assert caught.value.remedy
    assert caught.value.exit_code == 2
    return caught.value


def test_what_was_written_is_read_back() -> None:
    for document in (EVERYTHING, SMALL_DOCUMENT, report()):
        assert read_document(render(document).encode(), place="b.json") == document


def test_how_json_is_laid_out_makes_no_difference() -> None:
    backwards = dict(reversed(written(EVERYTHING).items()))
    assert read_document(json.dumps(backwards).encode(), place="b.json") == EVERYTHING


CONTENT = render(SMALL_DOCUMENT).encode()
LINES = CONTENT.count(b"\n")
SMALL_VERDICT = b'"verdict": "swallowed"'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "b.json:1:1: not valid JSON: Expecting value"),
        (b" \n\n", "b.json:3:1: not valid JSON: Expecting value"),
        (b"\0", "b.json:1:1: not valid JSON: "),
        (b'{\n  "schema": 2,\n', "b.json:3:1: not valid JSON: Expecting property name enclosed in double quotes"),
        (b'{\n  "schema": 2,\n  "results": [', "b.json:3:15: not valid JSON: Expecting value"),
        (CONTENT + b"x", f"b.json:{LINES + 1}:1: not valid JSON: Extra data"),
        (CONTENT * 2, f"b.json:{LINES + 1}:1: not valid JSON: Extra data"),
        (CONTENT.replace(b"Listening", b"Liste\nning"), "b.json:"),
        (b"[]", "b.json is not a file of signal-harness: "),
        (b"null", "b.json is not a file of signal-harness: "),
        (b"7", "b.json is not a file of signal-harness: "),
        (b'"results"', "b.json is not a file of signal-harness: "),
        (b"{}", "b.json is not a file of signal-harness: it names no schema"),
        (b'{"results": []}', "b.json is not a file of signal-harness: it names no schema"),
        (b'{"schema": null, "results": []}', "b.json is not a file of signal-harness: it names no schema"),
        (b'{"schema": 3}', "b.json has schema 3"),
        (b'{"schema": 0, "results": []}', "b.json has schema 0"),
        (b'{"schema": "1"}', "b.json has schema '1'"),
        (b'{"schema": true, "results": []}', "b.json has schema True"),
        (b'{"schema": [1]}', "b.json has schema [1]"),
        (b'{"schema": ' + b"9" * 5000 + b"}", "b.json is not a file of signal-harness: "),
        (b'{"schema": 2}', "b.json is not a results file"),
        (b'{"schema": 2, "cells": {}}', "b.json is not a results file: it holds cells"),
        (b'{"schema": 2, "results": null}', "b.json, results: "),
        (b'{"schema": 2, "results": {"a": 1}}', "b.json, results: "),
        (b'{"schema": 2, "results": [7]}', "b.json, results[0]: "),
        (b'{"schema": 2, "results": []}', "b.json: Object missing required field `tool`"),
        (b'{"schema": 2, "results": [], "cells": {}}', "b.json: Object contains unknown field `cells`"),
        (b'{"schema": 2.0, "results": []}', "b.json, schema: "),
        (CONTENT.replace(SMALL_VERDICT, b'"verdict": "fine"', 1), "b.json, results[0].verdict: "),
        (CONTENT.replace(SMALL_VERDICT, b'"verdict": ["x"]', 1), "b.json, results[0].verdict: "),
        (CONTENT.replace(b'"verdict": "untested"', b'"verdict": "fine"', 1), "b.json, results[1].verdict: "),
        (CONTENT.replace(b'"duration_s": 1.25', b'"duration_s": "1.25"'), "b.json, duration_s: "),
        (CONTENT.replace(b'"duration_s": 1.25', b'"duration_s": 1e999'), "b.json, duration_s: "),
        (CONTENT.replace(b'"duration_s": 1.25', b'"duration_s": NaN'), "b.json: not JSON that can be read: "),
        (CONTENT.replace(b'"duration_s": 1.25', b'"duration_s": -Infinity'), "b.json: not JSON that can be read: "),
        (b"NaN", "b.json: not JSON that can be read: "),
        (b'{"schema": NaN, "results": []}', "b.json: not JSON that can be read: "),
        (CONTENT.replace(b"Listening", b"\\ud800"), "b.json: not JSON that can be read: "),
        (CONTENT.replace(b"Listening", b"Liste\xefning"), "b.json: not JSON that can be read: "),
        (CONTENT.replace(b'"duration_s"', b'"dur\xe9e_s"'), "b.json: not JSON that can be read: "),
        (CONTENT.replace(SMALL_VERDICT, b'"verdict": "\xff"', 1), "b.json: not JSON that can be read: "),
        (CONTENT.decode().encode("utf-16"), "b.json: not JSON that can be read: "),
        (b"\xff\xfe", "b.json"),
        (b"\x1f\x8b\x08\x00", "b.json"),
        (b"[" * 100_000, "b.json"),
        (b"[" * 100_000 + b"]" * 100_000, "b.json"),
        (b'{"a":' * 100_000, "b.json: not JSON that can be read: "),
        (b'{"schema": ' + b"[" * 100_000, "b.json: not JSON that can be read: "),
        (b'{"schema": 2, "results": ' + b"[" * 100_000, "b.json: not JSON that can be read: "),
        (b'{"schema": 2, "results": [], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "b.json"),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_what_is_not_a_results_file_is_refused_with_its_place(content: bytes, message: str) -> None:
    assert refusal(content).message.startswith(message)


def test_an_unknown_schema_is_answered_with_the_known_ones() -> None:
    remedy = "This version of signal-harness reads schemas 1 and 2."
    assert refusal(b'{"schema": 3, "results": []}').remedy == remedy


def test_a_wrong_file_is_answered_with_where_the_right_one_comes_from() -> None:
    assert "signal-harness run --json" in refusal(b'{"schema": 2, "cells": {}}').remedy


def test_a_document_cut_short_names_line_and_column() -> None:
    for end in range(len(CONTENT.rstrip())):
        assert re.match(r"b\.json:\d+:\d+: not valid JSON: ", refusal(CONTENT[:end]).message)


def parts(part: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a document that have keys of their own, with their places as messages name them."""
    if isinstance(part, list):
        for number, item in enumerate(part):
            yield from parts(item, f"{place}[{number}]")
    elif isinstance(part, dict):
        by_name = place in ("engines", "bases", "subjects") or place.endswith(
            (".programs", ".facts", ".marked", ".cells", ".variants")
        )
        if not by_name:
            yield place, part
        for key, value in part.items():
            yield from parts(value, f"{place}[...]" if by_name else f"{place}.{key}".removeprefix("."))


JUDGED = judged(EVERYTHING, recordings(EVERYTHING), {BASE: {("flaky", "SIGRTMIN+3")}}, named=True)
LEFT_BE = changed(JUDGED.results[0], ignored=Ignored(reason="it is so", place="x.toml, ignore 1", until="2026-12-31"))
WHOLE = written(
    changed(
        JUDGED,
        shard=Shard(parts=(1,), of=2, planned=("one", "two")),
        cut=Cut(planned=99, reason="interrupted", exit_code=130),
        results=(LEFT_BE, *JUDGED.results[1:]),
    )
)
KINDS = {tuple(part): (place, part) for place, part in parts(WHOLE)}


@pytest.mark.parametrize(("place", "part"), KINDS.values(), ids=[place or "document" for place, _ in KINDS.values()])
def test_in_every_part_no_key_may_be_missing_unknown_or_of_another_type(place: str, part: dict[str, Any]) -> None:
    at = f"b.json, {place}" if place else "b.json"
    kept = dict(part)
    try:
        for key in set(kept) - ({"schema", "results"} if not place else set()):
            part.pop(key)
            assert refusal(json.dumps(WHOLE).encode()).message == f"{at}: Object missing required field `{key}`"
            part[key] = [[[]]]
            below = f"{place}.{key}".removeprefix(".")
            assert re.match(rf"b\.json, {re.escape(below)}(\[0\])*: ", refusal(json.dumps(WHOLE).encode()).message)
            part[key] = kept[key]
        part["extra"] = None
        assert refusal(json.dumps(WHOLE).encode()).message == f"{at}: Object contains unknown field `extra`"
    finally:
        part.clear()
        part.update(kept)


def test_every_kind_of_part_is_among_them() -> None:
    assert {tuple(part) for _, part in KINDS.values()} == {
        tuple(part["properties"]) for part in schema()["$defs"].values() if "properties" in part
    }


def test_the_place_is_named_whatever_the_value_is() -> None:
    content = CONTENT.replace(b'"verdict": "untested"', b'"verdict": "good - at last"', 1)
    assert refusal(content).message.startswith("b.json, results[1].verdict: ")


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["schema", "results"]), inner),
)


@given(ANY_JSON)
def test_any_other_json_is_refused(value: object) -> None:
    others = [{"schema": schema, "results": rows} for schema in (1, 2) for rows in (value, [value])]
    for other in (value, {"schema": value}, *others):
        refusal(json.dumps(other).encode())


@given(st.binary())
def test_any_bytes_are_refused(content: bytes) -> None:
    refusal(content)


@given(st.integers(0, len(CONTENT)), st.integers(0, 3), st.binary(max_size=3))
def test_a_damaged_document_is_read_or_refused(begin: int, length: int, instead: bytes) -> None:
    damaged = CONTENT[:begin] + instead + CONTENT[begin + length :]
    message = "b.json"
    try:
        read_document(damaged, place="b.json")
    except UsageError as error:
        message = error.message
    assert message.startswith("b.json")


@pytest.mark.parametrize(
    ("content", "kind", "number"),
    [
        (CONTENT, "results", 2),
        (b'{"schema": 1, "results": null}', "results", 1),
        (b'{"cells": {}, "schema": 2}', "cells", 2),
        (b'{"schema": 1, "rows": []}', "", 1),
    ],
)
def test_a_file_is_known_by_its_key_and_its_schema(content: bytes, kind: str, number: int) -> None:
    assert kind_of(content, place="b.json") == kind
    assert schema_of(content, place="b.json") == number


@pytest.mark.parametrize("read", [kind_of, schema_of])
@pytest.mark.parametrize("content", [b"{}", b'{"schema": 3}', b'{"schema": 1', b"[]"])
def test_what_a_file_is_is_not_known_without_a_known_schema(read: Callable[..., object], content: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        read(content, place="b.json")
    assert caught.value.message.startswith("b.json")


@pytest.mark.parametrize("what", ["engine", "base", "subject"])
def test_a_row_names_an_engine_a_base_and_a_subject_of_the_document(what: str) -> None:
    loaded = written(SMALL_DOCUMENT)
    loaded["results"][1][what] = "other"
    assert (
        refusal(json.dumps(loaded).encode()).message == f"b.json, results[1].{what}: 'other' is not among the {what}s"
    )


@pytest.mark.parametrize("signal", [None, "", "FOO", "TERM", "SIGKILL", "stop"])
def test_a_row_about_a_signal_names_one(signal: str | None) -> None:
    loaded = written(SMALL_DOCUMENT)
    loaded["results"][1]["signal"] = signal
    assert refusal(json.dumps(loaded).encode()).message == f"b.json, results[1].signal: {signal!r} is not a signal"


def test_an_image_that_was_given_has_no_base() -> None:
    loaded = written(SMALL_DOCUMENT)
    loaded["results"][1]["base"] = None
    document = read_document(json.dumps(loaded).encode(), place="b.json")
    assert document.results[1].id == "slow/SIGTERM"


# Schema 1.

OLD = (DATA / "schema-1-results.json").read_bytes()
OLD_BASELINE = (DATA / "schema-1-baseline.json").read_bytes()
UPGRADED = read_document(OLD, place="old.json")
OLD_ROWS = {row.id: row for row in UPGRADED.results}


def test_a_results_file_of_schema_1_is_read_with_its_engine_bases_and_subjects() -> None:
    assert list(UPGRADED.engines) == ["Docker Engine"]
    assert UPGRADED.engines["Docker Engine"].kernel == "6.18.44-fc-v669"
    assert UPGRADED.engines["Docker Engine"].trace
    assert {row.engine for row in UPGRADED.results} == {"Docker Engine"}
    assert {reference: facts.shell for reference, facts in UPGRADED.bases.items()} == {
        "local:musl-node24": "BusyBox v1.37.0 ash",
        "local:debian12-node24": "dash 0.5.12-2",
    }
    musl = UPGRADED.bases["local:musl-node24"]
    assert musl.reference == "local:musl-node24"
    assert musl.programs == {"node": "24.19.0", "npm": "11.17.0", "tini": "0.19.0", "dumb-init": "1.2.5"}
    assert list(UPGRADED.subjects) == list(dict.fromkeys(json.loads(OLD)["variants"]))
    assert UPGRADED.subjects["npm-start-tini-g"].dockerfile == "dockerfiles/npm-start-tini-g.Dockerfile"


def test_every_probe_of_schema_1_keeps_its_verdict_and_its_question() -> None:
    assert {name: row.verdict.value for name, row in OLD_ROWS.items()} == {
        "musl-node24/npm-start-tini-g/SIGHUP": "cut-short",
        "debian12-node24/entrypoint-shell-form/SIGTERM": "swallowed",
        "musl-node24/naive/stop": "graceful",
        "debian12-node24/no-handlers/stop": "forced",
        "debian12-node24/ignore-term/exit-code": "lost",
        "musl-node24/naive/reap": "zombie",
        "musl-node24/npm-start/tty": "duplicated",
        "musl-node24/shell-pipe/tty": "unstable",
        "musl-node24/naive/exit-code": "untested",
    }
    assert {row.probe for row in UPGRADED.results} == set(Probe)


def test_command_lines_of_schema_1_are_split_at_blanks() -> None:
    evidence = OLD_ROWS["musl-node24/npm-start-tini-g/SIGHUP"].evidence
    assert evidence.main == ("tini", "-g", "--", "npm", "start")
    assert evidence.chain == (("tini", "-g", "--", "npm", "start"), ("npm", "start"), ("node", "server.js"))
    assert evidence.tree is not None
    assert [process.argv for process in evidence.tree.before] == list(evidence.chain)
    assert [process.fetches for process in evidence.tree.before] == [None] * 3


PATHS = {
    "musl-node24/npm-start-tini-g/SIGHUP": (
        (
            ("docker", Role.STARTER, False),
            ("tini -g -- npm start", Role.PROCESS, False),
            ("npm start", Role.PROCESS, False),
            ("node server.js", Role.PROCESS, True),
            ("the kernel, as PID 1 ends", Role.KERNEL, False),
        ),
        (
            "docker sends SIGHUP to tini -g -- npm start (PID 1)",
            "tini -g -- npm start (PID 1) sends SIGHUP to node server.js (PID 18)",
            "tini -g -- npm start (PID 1) sends SIGHUP to npm start (PID 7)",
            "npm start (PID 7) dies of SIGHUP",
            "node server.js (PID 18): its handler for SIGHUP runs",
            "tini -g -- npm start (PID 1) exits",
            "the kernel, as PID 1 ends, sends SIGKILL to node server.js (PID 18)",
            "node server.js (PID 18) dies of SIGKILL",
            "the kernel, as PID 1 ends, sends SIGKILL to node server.js (PID 18): dropped by the kernel",
        ),
    ),
    "debian12-node24/entrypoint-shell-form/SIGTERM": (
        (
            ("docker", Role.STARTER, False),
            ("/bin/sh -c node server.js", Role.PROCESS, False),
            ("node server.js", Role.PROCESS, True),
        ),
        ("docker sends SIGTERM to /bin/sh -c node server.js (PID 1): dropped by the kernel",),
    ),
    "debian12-node24/no-handlers/stop": (
        (("docker", Role.STARTER, False), ("node no-handlers.js", Role.PROCESS, True)),
        (
            "docker sends SIGTERM to node no-handlers.js (PID 1)",
            "node no-handlers.js (PID 1): its handler for SIGTERM runs",
            "node no-handlers.js (PID 1) sends SIGTERM to itself: dropped by the kernel",
            "docker sends SIGKILL to node no-handlers.js (PID 1)",
            "node no-handlers.js (PID 1) dies of SIGKILL",
        ),
    ),
    "musl-node24/npm-start/tty": (
        (
            ("the terminal", Role.STARTER, False),
            ("npm start", Role.PROCESS, False),
            ("node server.js", Role.PROCESS, True),
        ),
        (
            "the terminal sends SIGINT to node server.js (PID 17)",
            "the terminal sends SIGINT to npm start (PID 1)",
            "npm start (PID 1): its handler for SIGINT runs",
            "npm start (PID 1) sends SIGINT to node server.js (PID 17): merges with a pending one",
            "node server.js (PID 17): its handler for SIGINT runs",
        ),
    ),
}


@pytest.mark.parametrize(("name", "path"), PATHS.items(), ids=PATHS)
def test_a_path_of_schema_1_has_its_participants_and_its_steps_in_words(
    name: str, path: tuple[tuple[tuple[str, Role, bool], ...], tuple[str, ...]]
) -> None:
    upgraded = OLD_ROWS[name].evidence.path
    assert upgraded is not None
    assert path == (
        tuple((participant.name, participant.role, participant.app) for participant in upgraded.participants),
        tuple(step.words for step in upgraded.steps),
    )


def test_a_step_of_schema_1_has_its_label_and_its_fate() -> None:
    path = OLD_ROWS["debian12-node24/no-handlers/stop"].evidence.path
    assert path is not None
    assert [(step.at_us, step.kind, step.label, step.fate) for step in path.steps] == [
        (0, Kind.SEND, "SIGTERM", ""),
        (13, Kind.HANDLER, "handler runs", ""),
        (45, Kind.SEND, "SIGTERM to itself", "dropped by the kernel"),
        (3_014_786, Kind.SEND, "SIGKILL", ""),
        (3_014_789, Kind.END, "dies of SIGKILL", ""),
    ]


def test_what_a_probe_of_schema_1_found_is_its_finding() -> None:
    findings = {name: row.finding for name, row in OLD_ROWS.items() if row.finding}
    assert findings == {
        "musl-node24/naive/stop": Finding(
            brief="0.2 s, exit 0",
            text=(
                "docker stop with 3 s of grace: the end came by itself, after 0.24 s, exit code 0; "
                "the request in flight was answered"
            ),
            facts={"grace_s": 3, "took_s": 0.243, "forced": False, "request": "answered"},
            marked={},
        ),
        "debian12-node24/no-handlers/stop": Finding(
            brief="3.0 s, exit 137",
            text=(
                "docker stop with 3 s of grace: SIGKILL, after 3.04 s, exit code 137; the request in flight was lost"
            ),
            facts={"grace_s": 3, "took_s": 3.036, "forced": True, "request": "lost"},
            marked={},
        ),
        "debian12-node24/ignore-term/exit-code": Finding(
            brief="42 → 0",
            text="\n".join(f"the app exits with {code}: docker wait says 0" for code in (42, 0, 143)),
            facts={"42": 0, "0": 0, "143": 0},
            marked={},
        ),
        "musl-node24/naive/reap": Finding(
            brief="",
            text="the orphan is a zombie",
            facts={"orphan": "sleep 3600", "zombie": True},
            marked={12010: "the orphan"},
        ),
    }


def test_deliveries_of_schema_1_are_known_where_a_signal_is_at_stake() -> None:
    deliveries = {name: row.deliveries for name, row in OLD_ROWS.items()}
    assert deliveries["musl-node24/naive/stop"] == 1
    assert deliveries["debian12-node24/no-handlers/stop"] == 0
    assert deliveries["debian12-node24/ignore-term/exit-code"] is None
    assert deliveries["musl-node24/naive/exit-code"] is None
    for row in UPGRADED.results:
        assert row.deliveries == row.runs[row.shown].deliveries


def test_the_run_that_speaks_for_an_unstable_cell_of_schema_1_is_numbered() -> None:
    row = OLD_ROWS["musl-node24/shell-pipe/tty"]
    assert len(row.runs) == 10
    assert row.runs[row.shown].reason in row.reason


def test_what_was_upgraded_is_written_as_schema_2_and_read_back() -> None:
    content = render(UPGRADED).encode()
    assert schema_of(content, place="new.json") == 2
    jsonschema.Draft202012Validator(schema()).validate(json.loads(content))
    assert read_document(content, place="new.json") == UPGRADED


def test_a_baseline_of_schema_1_is_read_and_written_as_schema_2() -> None:
    recording = read_baseline(OLD_BASELINE, place="old.json")
    assert recording.base.programs == {"node": "24.19.0", "npm": "11.17.0", "tini": "0.19.0", "dumb-init": "1.2.5"}
    assert recording.engine.version == "20.10.24+dfsg1"
    assert recording.variants["naive"] == "0ffef29304f5"
    assert len(recording.findings) == 10
    assert recording.findings["stopsignal", "stop"] == RecordedFinding(
        verdict=Verdict.GRACEFUL, signal="SIGQUIT", chain=(("node", "server.js"),)
    )
    assert recording.findings["npm-start-tini-g", "SIGHUP"].chain[0] == ("tini", "-g", "--", "npm", "start")
    content = write(recording).encode()
    assert schema_of(content, place="new.json") == 2
    assert read_baseline(content, place="new.json") == recording
    assert read_recordings(OLD_BASELINE, place="old.json") == (recording,)


def test_results_of_schema_1_are_recordings_of_their_bases() -> None:
    assert [(one.base.reference, len(one.findings)) for one in read_recordings(OLD, place="old.json")] == [
        ("local:musl-node24", 6),
        ("local:debian12-node24", 3),
    ]


def old(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The results of schema 1, changed."""
    loaded = json.loads(OLD)
    change(loaded)
    return json.dumps(loaded).encode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("engine"), "b.json: Object missing required field `engine`"),
        (lambda d: d.pop("bases"), "b.json: Object missing required field `bases`"),
        (lambda d: d["engine"].update(name=None), "b.json, engines[...].name: Expected `str`, got `null`"),
        (lambda d: d.update(bases=[]), "b.json: Not as schema 1 has it: "),
        (lambda d: d.update(extra=1), "b.json: Object contains unknown field `extra`"),
        (
            lambda d: d["bases"]["local:musl-node24"].pop("npm"),
            "b.json, bases[...]: Object missing required field `npm`",
        ),
        (lambda d: d["bases"]["local:musl-node24"].update(npm=7), "b.json, bases[...].programs[...]: Expected `str`"),
        (lambda d: d["variants"]["naive"].pop("init"), "b.json, subjects[...]: Object missing required field `init`"),
        (lambda d: d["results"][2].pop("evidence"), "b.json, results[2]: Object missing required field `evidence`"),
        (lambda d: d["results"][2].update(runs=None), "b.json, results[2]: Not as schema 1 has it: "),
        (lambda d: d["results"][2].update(runs=[]), "b.json, results[2]: Not as schema 1 has it: "),
        (lambda d: d["results"][2].update(note=""), "b.json, results[2]: Object contains unknown field `note`"),
        (lambda d: d["results"][2].update(verdict="fine"), "b.json, results[2].verdict: Invalid enum value 'fine'"),
        (lambda d: d["results"][2].update(variant="other"), "b.json, results[2].subject: 'other' is not among"),
        (
            lambda d: d["results"][2]["evidence"]["path"][0].update(fate="eaten"),
            "b.json, results[2]: Not as schema 1 has it: 'eaten' is not a valid Fate",
        ),
        (
            lambda d: d["results"][2]["evidence"]["path"][0].update(note=""),
            "b.json, results[2]: Not as schema 1 has it: unknown field `note`",
        ),
        (
            lambda d: d["results"][2]["evidence"]["path"][0]["from"].update(note=""),
            "b.json, results[2]: Not as schema 1 has it: unknown field `note`",
        ),
        (
            lambda d: d["results"][2]["evidence"]["path"][0].update(step="leap"),
            "b.json, results[2]: Not as schema 1 has it: unknown kind of step 'leap'",
        ),
        (
            lambda d: d["results"][2]["evidence"]["probe"].update(note=""),
            "b.json, results[2]: Not as schema 1 has it: unknown field `note`",
        ),
        (
            lambda d: d["results"][2]["evidence"]["probe"].update(kind="look"),
            "b.json, results[2]: Not as schema 1 has it: unknown kind of probe 'look'",
        ),
        (
            lambda d: d["results"][4]["evidence"]["probe"]["codes"][0].update(note=""),
            "b.json, results[4]: Not as schema 1 has it: unknown field `note`",
        ),
        (
            lambda d: d["results"][5]["evidence"]["probe"]["orphan"].update(pid=None),
            "b.json, results[5]: Not as schema 1 has it: ",
        ),
        (
            lambda d: d["results"][2]["evidence"]["tree"]["before"][0].update(note=""),
            "b.json, results[2].evidence.tree.before[0]: Object contains unknown field `note`",
        ),
    ],
)
def test_a_damaged_file_of_schema_1_is_refused_with_its_place(
    change: Callable[[dict[str, Any]], object], message: str
) -> None:
    assert refusal(old(change)).message.startswith(message)


def test_a_file_of_schema_1_that_is_not_json_names_line_and_column() -> None:
    for end in range(0, len(OLD.rstrip()), 97):
        assert re.match(r"b\.json:\d+:\d+: not valid JSON: ", refusal(OLD[:end]).message)
    assert refusal(OLD.replace(b'"duration_s": ', b'"duration_s": NaN, "x": ')).message.startswith(
        "b.json: not JSON that can be read: "
    )


@given(st.integers(0, len(OLD)), st.integers(0, 3), st.binary(max_size=3))
def test_a_damaged_file_of_schema_1_is_read_or_refused(begin: int, length: int, instead: bytes) -> None:
    message = "b.json"
    try:
        read_document(OLD[:begin] + instead + OLD[begin + length :], place="b.json")
    except UsageError as error:
        message = error.message
    assert message.startswith("b.json")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (b'"npm": "11.17.0",', b"", "b.json, image: Object missing required field `npm`"),
        (b'"image": {', b'"image": {"note": "",', "b.json, image: Object contains unknown field `note`"),
        (
            b'"signal": "SIGQUIT",',
            b'"signal": "SIGFOO",',
            "b.json, cells[\"stopsignal/stop\"]: 'SIGFOO' is not a signal",
        ),
        (
            b'"chain": ["node no-handlers.js"]',
            b'"chain": [7]',
            "b.json, cells[no-handlers/stop]: Not as schema 1 has it",
        ),
        (
            b'"verdict": "cut-short",',
            b'"verdict": "fine",',
            'b.json, cells["npm-start-tini-g/SIGHUP"].verdict: Invalid',
        ),
    ],
)
def test_a_damaged_baseline_of_schema_1_is_refused_with_its_place(before: bytes, after: bytes, message: str) -> None:
    content = OLD_BASELINE.replace(before, after, 1)
    assert content != OLD_BASELINE
    with pytest.raises(UsageError) as caught:
        read_baseline(content, place="b.json")
    assert caught.value.message.startswith(message)
