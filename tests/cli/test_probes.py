"""All probes on real containers, as a user asks for them, and cells that explain themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harness.report.json import schema
from tests.support.command import command
from tests.support.elsewhere import elsewhere

pytestmark = [pytest.mark.engine, pytest.mark.cli]
MUSL, DEBIAN = "local:musl-node24", "local:debian12-node24"
Verdicts = dict[tuple[str, str, str], str]


def run(*words: str, before: tuple[str, ...] = (), **environment: str) -> tuple[int, list[dict[str, Any]], str]:
    done = command("run", "--json", "-", *words, before=before, **environment)
    document = json.loads(done.stdout) if done.stdout else {"results": []}
    return done.returncode, document["results"], done.stderr


KNOWN = [
    ("stop", "node-exec-form", "graceful", "graceful"),
    ("stop", "node-shell-form", "graceful", "forced"),
    ("stop", "npm-start-tini-g", "graceful", "abrupt"),
    ("stop", "stopsignal", "graceful", "graceful"),
    ("stop", "no-handlers", "forced", "forced"),
    ("exit-code", "npm-start", "kept", "kept"),
    ("exit-code", "shell-pipe", "lost", "lost"),
    ("exit-code", "node-watch", "lost", "lost"),
    ("reap", "tini", "reaped", "reaped"),
    ("reap", "pid-1", "zombie", "zombie"),
    ("reap", "node-shell-form", "zombie", "reaped"),
    ("tty", "node-exec-form", "forwarded", "forwarded"),
    ("tty", "npm-start-exec", "duplicated", "forwarded"),
    ("tty", "dumb-init-single-child", "duplicated", "duplicated"),
    ("tty", "no-handlers", "swallowed", "swallowed"),
]
PROBES = ("stop", "exit-code", "reap", "tty")


@pytest.fixture(scope="module")
def everything() -> list[tuple[int, dict[str, Any]]]:
    """Some variants on two bases, by probe. What the whole catalogue expects is tested by the plugin."""
    documents = []
    for probe in PROBES:
        variants = [word for asked, variant, _, _ in KNOWN if asked == probe for word in ("--variant", variant)]
        done = command("run", "--json", "-", "--base", MUSL, "--base", DEBIAN, "--probe", probe, *variants)
        documents.append((done.returncode, json.loads(done.stdout)))
    return documents


def rows_of(everything: list[tuple[int, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [row for _, document in everything for row in document["results"]]


def test_what_the_catalogue_expects_holds(everything: list[tuple[int, dict[str, Any]]]) -> None:
    assert [row["reason"] for row in rows_of(everything) if row["verdict"] == "untested"] == []
    assert [code for code, _ in everything] == [0] * len(PROBES)
    assert len(rows_of(everything)) == 2 * len(KNOWN)


def test_the_document_is_valid(everything: list[tuple[int, dict[str, Any]]]) -> None:
    for _, document in everything:
        jsonschema.Draft202012Validator(schema()).validate(document)


@pytest.mark.parametrize(("probe", "variant", "musl", "debian"), KNOWN)
def test_each_verdict_is_found_where_it_is(
    everything: list[tuple[int, dict[str, Any]]], probe: str, variant: str, musl: str, debian: str
) -> None:
    found = {(row["base"], row["probe"], row["subject"]): row["verdict"] for row in rows_of(everything)}
    assert (found[MUSL, probe, variant], found[DEBIAN, probe, variant]) == (musl, debian)


def test_a_stop_tells_how_it_went(everything: list[tuple[int, dict[str, Any]]]) -> None:
    rows = {(row["base"], row["subject"]): row for row in rows_of(everything) if row["probe"] == "stop"}
    forced, graceful = rows[DEBIAN, "no-handlers"], rows[DEBIAN, "stopsignal"]
    assert (forced["signal"], forced["exit_code"]) == ("SIGTERM", 137)
    assert forced["finding"]["facts"]["took_s"] >= forced["finding"]["facts"]["grace_s"] == 3
    assert forced["finding"]["facts"]["request"] == "lost"
    assert (graceful["signal"], graceful["exit_code"]) == ("SIGQUIT", 0)
    assert graceful["finding"]["facts"] | {"took_s": 0} == {
        "grace_s": 3,
        "took_s": 0,
        "forced": False,
        "request": "answered",
    }


def test_claims_are_compared_with_what_was_measured() -> None:
    words = ("--base", MUSL, "--base", DEBIAN, "--variant", "node-shell-form", "--variant", "node-exec-form")
    done = command("run", *words, "--signal", "HUP")
    assert done.returncode == 0
    assert "Claims that held: 2 of 2 on local:musl-node24, 1 of 2 on local:debian12-node24." in done.stdout
    assert "on local:musl-node24: 1 warning, 0 of them right; 0 variants" in done.stdout
    assert "on local:debian12-node24: 1 warning, 1 of them right; 0 variants" in done.stdout


class TestExplain:
    def test_a_cell_tells_its_story(self) -> None:
        done = command("explain", DEBIAN, "npm-start", "TERM")
        assert done.returncode == 0
        story = done.stdout
        assert story.startswith("npm-start on local:debian12-node24, SIGTERM: ○ swallowed")
        assert 'npm-start.Dockerfile:9  CMD "npm" "start"' in story
        assert "docker ──SIGTERM──▶ 1 /bin/sh -c" in story
        assert "dropped by the kernel" in story
        assert 'tried  CMD ["node", "server.js"]  ✓ forwarded' in story
        assert "docker kill --signal=SIGTERM try-npm-start" in story

    def test_a_probe_tells_its_story(self) -> None:
        done = command("explain", MUSL, "pid-1", "reap", "--no-try")
        assert done.returncode == 0
        assert "How to fix it (not tried)" in done.stdout
        assert "○ zombie" in done.stdout
        assert 'CMD ["tini", "--", "node", "server.js"]' in done.stdout

    @pytest.mark.parametrize(
        ("words", "code", "told"),
        [
            ((MUSL, "nope", "TERM"), 2, "no variant matches 'nope'"),
            ((MUSL, "n*", "TERM"), 2, "cells match, but only one can be explained"),
            ((MUSL, "tini", "FOO"), 2, "'FOO' is not a signal"),
            ((MUSL, "tini", "all"), 2, "cells match, but only one can be explained"),
            (("local:plan9-node24", "tini", "TERM"), 2, "is not an operating system of a local base"),
            (("localhost:1/no/such:1", "tini", "TERM"), 3, "cannot be pulled"),
            ((MUSL, "tini"), 2, "Missing argument"),
        ],
    )
    def test_bad_input_is_told(self, words: tuple[str, ...], code: int, told: str) -> None:
        done = command("explain", *words)
        assert (done.returncode, told in done.stderr) == (code, True), done.stderr


def test_an_engine_is_named_by_where_it_answers(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    with elsewhere() as address:
        words = ("--engine", address, "--no-try", "--json", str(results), "--", "sleep", "1000")
        done = command("check", MUSL, "--stop-timeout", "1", *words)
    assert done.returncode == 1, done.stderr
    (engine,) = json.loads(results.read_text())["engines"].values()
    assert engine["trace"] is False  # nobody knows that it is on this machine
    assert command("check", MUSL, "--engine", "rkt").returncode == 2
    gone = command("run", "--base", MUSL, "--engine", "unix:///nowhere/engine.sock")
    assert (gone.returncode, "no engine answers at unix:///nowhere/engine.sock" in gone.stderr) == (3, True)


class TestWithoutTheRecord:
    def test_auto_says_so_once_and_goes_on(self) -> None:
        words = ("--base", MUSL, "--variant", "node-exec-form", "--variant", "no-handlers")
        with elsewhere() as address:
            code, rows, told = run(*words, DOCKER_HOST=address)
        assert code == 4
        assert told.count("verdicts rest on log, process tree and events") == 1
        assert {row["sent"] for row in rows} == {None}
        # Node has a handler for SIGTERM of its own, so that the masks do not say that the kernel drops it.
        assert [row["verdict"] for row in rows] == ["forwarded", "forwarded", "swallowed", "untested"]

    def test_without_root_too(self) -> None:
        """Who may neither see what processes sleep in nor write marks still gets verdicts, of tini's cells as well."""
        group = Path("/var/run/docker.sock").stat().st_gid
        nobody = ("setpriv", "--reuid", "65534", "--regid", str(group), "--clear-groups")
        readable = ("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search")
        words = ("--base", MUSL, "--variant", "npm-start-tini", "--variant", "node-run", "--variant", "tini")
        code, rows, told = run(*words, before=(*nobody, *readable), PYTHONDONTWRITEBYTECODE="1", HOME="/nowhere")
        assert (code, told.count("need root")) == (0, 1)
        found = {(row["subject"], row["signal"]): row["verdict"] for row in rows}
        assert found["npm-start-tini", "SIGHUP"] == "killed"
        assert found["npm-start-tini", "SIGTERM"] == found["tini", "SIGHUP"] == found["tini", "SIGTERM"] == "forwarded"
        assert found["node-run", "SIGHUP"] == found["node-run", "SIGTERM"] == "swallowed"

    def test_on_ends_with_the_reason_and_what_to_do(self) -> None:
        with elsewhere() as address:
            done = command("run", "--base", MUSL, "--variant", "pid-1", "--trace", "on", DOCKER_HOST=address)
        assert done.returncode == 3
        assert "need an engine on this machine's own Linux" in done.stderr
        assert "leave out --trace on" in done.stderr

    def test_a_race_is_repeated_without_being_asked_and_never_passes_for_forwarded(self) -> None:
        _, rows, _ = run("--base", MUSL, "--variant", "npm-start-tini-g", "--signal", "TERM", "--trace", "off")
        (row,) = rows
        assert len(row["runs"]) == 10
        assert row["verdict"] in ("unstable", "untested", "duplicated")

    def test_with_the_record_one_run_proves_it(self) -> None:
        code, rows, _ = run("--base", MUSL, "--variant", "npm-start-tini-g", "--signal", "TERM", "--repeat", "2")
        (row,) = rows
        assert code == 0
        assert {one["verdict"] for one in row["runs"]} == {"duplicated"}
        assert row["sent"] == 2
