"""Requests in flight as ``check`` stops small servers, each with manners of its own; and ``--ready http``."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

from harness.engine.client import connect
from tests.support.command import command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest import TempPathFactory  # noqa: PT013  for the annotation alone

pytestmark = [pytest.mark.engine, pytest.mark.cli]

needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="namespaces need root")

BASE: Final = "signal-harness/base:musl-node24"
PORT: Final = 8080
SERVER: Final = (
    # A slow request is answered as the app is told to stop, or never; so it is in flight however slow the machine is.
    "const open = new Set(), held = []; let stopping = false;"
    "const server = require('http').createServer((request, response) => "
    "request.url === '/slow' && !stopping ? held.push(response) : response.end('whole'));"
    f"server.on('connection', each => open.add(each)).listen({PORT});"
    "const answer = () => { stopping = true; setTimeout(() => held.forEach(each => each.end('whole')), 300); };"
)
APPS: Final = {
    "drains": SERVER + "process.on('SIGTERM', () => { answer(); server.close(); });",
    "resets": SERVER + "process.on('SIGTERM', () => { for (const each of open) each.resetAndDestroy();"
    " server.close(); });",
    "exits": SERVER + "process.on('SIGTERM', () => process.exit(0));",
    "destroys": SERVER + "process.on('SIGTERM', () => { for (const each of open) each.destroy(); server.close(); });",
    "stays-open": SERVER + "process.on('SIGTERM', () => { answer(); setTimeout(() => server.close(), 1000); });",
    "hangs": SERVER + "process.on('SIGTERM', () => { answer(); server.close(); }); setInterval(() => {}, 1000);",
    # It does not read what it is asked for, so that its request is not taken for one that it works on.
    "answers": "require('net').createServer({ pauseOnConnect: true, allowHalfOpen: true }, connection => "
    f"connection.end('HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nwhole')).listen({PORT});"
    "process.on('SIGTERM', process.exit);",
    "deaf": "process.on('SIGTERM', process.exit); setInterval(() => {}, 1000);",
}
STOPPED: Final = [app for app in APPS if app not in ("answers", "deaf")]
Rows = dict[str, dict[str, Any]]


def name(app: str) -> str:
    return f"signal-harness-test/in-flight:{app}"


@pytest.fixture(scope="module")
def images() -> Iterator[None]:
    """An image of each app, which exposes its port and starts it."""
    api = connect()
    try:
        for app, code in APPS.items():
            created = api.create_container(BASE, ["true"])["Id"]
            changes = [f"CMD {json.dumps(['node', '-e', code])}", f"EXPOSE {PORT}"]
            api.commit(created, *name(app).split(":"), changes=changes)
            api.remove_container(created)
        yield
    finally:
        for app in APPS:
            api.remove_image(name(app), force=True)
        api.close()


def check(*words: str, before: tuple[str, ...] = ()) -> tuple[int, Rows, str]:
    """The exit code, the rows by app, and what is printed."""
    done = command("check", *words, "--json", "-", "--no-try", before=before)
    assert done.stdout, done.stderr
    rows = {row["subject"].partition(":")[2]: row for row in json.loads(done.stdout)["results"]}
    return done.returncode, rows, done.stderr


@pytest.fixture(scope="module")
def stopped(images: None) -> tuple[int, Rows, str]:
    words = ("--request", "/slow", "--in-flight", "3", "--stop-timeout", "4", "--jobs", str(len(STOPPED)))
    return check(*map(name, STOPPED), *words)


@pytest.mark.parametrize(
    ("app", "verdict", "end", "reason"),
    [
        ("drains", "graceful", "answered", "answered the 3 requests in flight, and ended by itself"),
        ("resets", "abrupt", "reset", "ended by itself, but all 3 requests in flight were reset"),
        ("exits", "abrupt", "cut", "ended by itself, but all 3 requests in flight were cut"),
        ("destroys", "abrupt", "cut", "ended by itself, but all 3 requests in flight were cut"),
        ("stays-open", "graceful", "answered", "answered the 3 requests in flight, and ended by itself"),
        ("hangs", "forced", "answered", "SIGKILL ended the container"),
    ],
)
def test_what_becomes_of_requests_makes_the_verdict(
    stopped: tuple[int, Rows, str], app: str, verdict: str, end: str, reason: str
) -> None:
    row = stopped[1][app]
    assert (row["verdict"], reason in row["reason"]) == (verdict, True), row["reason"]
    facts = row["finding"]["facts"]
    counts = {way: facts[f"in_flight_{way}"] for way in ("answered", "reset", "cut")}
    assert counts == {"answered": 0, "reset": 0, "cut": 0, end: 3}
    assert (facts["in_flight"], facts["in_flight_not_taken"], facts["before_the_stop"]) == (3, 0, 0)
    assert row["exit_code"] == (137 if verdict == "forced" else 0)


def test_one_that_is_lost_makes_the_exit_code(stopped: tuple[int, Rows, str]) -> None:
    assert stopped[0] == 1


def test_how_long_new_ones_are_accepted(stopped: tuple[int, Rows, str]) -> None:
    """A busy machine runs a handler late; an app that goes on for a second is told from one that does not."""
    accepting = {app: row["finding"]["facts"]["accepting_s"] for app, row in stopped[1].items()}
    assert 0.5 <= accepting.pop("stays-open") < 3
    assert max(accepting.values()) < 0.5, accepting
    then = {app: row["finding"]["facts"]["new_then"] for app, row in stopped[1].items()}
    assert then["hangs"] == "refused"
    # What ends at once may end with one that it, or its kernel for it, has just taken, or before a new one is tried.
    assert set(then.values()) <= {"refused", "reset", "cut", None}


def test_the_shortest_safe_grace_is_what_a_graceful_one_took(stopped: tuple[int, Rows, str]) -> None:
    found = {app: row["finding"] for app, row in stopped[1].items()}
    assert found["drains"]["brief"] == f"needs {found['drains']['facts']['needs_s']} s of 4 s, exit 0"
    needs = {app: one["facts"]["needs_s"] for app, one in found.items()}
    assert 0 <= needs["drains"] - found["drains"]["facts"]["took_s"] <= 0.1
    assert needs["stays-open"] > 0.9
    assert [needs[app] for app in ("resets", "exits", "destroys", "hangs")] == [None] * 4
    assert found["hangs"]["brief"] == "needs more than 4 s, exit 137"


def test_people_read_it_in_a_line_or_two(stopped: tuple[int, Rows, str]) -> None:
    told = " ".join(stopped[2].split())
    assert "3 requests in flight: 3 answered; new requests: accepting for 0." in told
    assert "3 requests in flight: 3 reset; new requests: accepting for 0." in told


ELSEWHERE: Final = ("unshare", "--pid", "--fork", "--mount-proc")
"""A PID namespace of its own: its /proc lacks the containers' processes, which are then taken to run elsewhere."""


@needs_root
def test_a_published_port_does_where_the_containers_own_address_does_not(stopped: tuple[int, Rows, str]) -> None:
    """The engine's proxy takes every connection, and closes what the app resets or refuses; verdicts stay as they are.

    That is dockerd's ``userland-proxy``, which is on unless it is told otherwise.
    """
    apps = ("drains", "resets", "exits")
    words = ("--request", "/slow", "--in-flight", "3", "--stop-timeout", "4", "--ready", "http:/up")
    _, rows, _ = check(*map(name, apps), *words, "--jobs", "3", before=ELSEWHERE)
    assert {app: rows[app]["verdict"] for app in apps} == {app: stopped[1][app]["verdict"] for app in apps}
    facts = {app: rows[app]["finding"]["facts"] for app in apps}
    assert facts["drains"]["in_flight_answered"] == 3
    # At its own address all three are reset.
    assert (facts["resets"]["in_flight_reset"], facts["resets"]["in_flight_cut"]) == (0, 3)
    assert facts["exits"]["in_flight_cut"] == 3
    # A new one that is closed without an answer may have been refused: it is not counted as lost.
    assert {one["new_then"] for one in facts.values()} <= {"closed without an answer", "refused", None}
    assert facts["drains"]["new_lost"] == 0


@needs_root
def test_a_proxy_that_takes_connections_for_nobody_is_no_app_that_loses_them(images: None) -> None:
    words = (name("deaf"), "--request", "/slow", "--stop-timeout", "2", "--ready", "exec:true")
    code, rows, _ = check(*words, before=ELSEWHERE)
    assert (code, rows["deaf"]["verdict"]) == (4, "untested")
    assert "whether it listens on that port on all addresses" in rows["deaf"]["reason"], rows["deaf"]["reason"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((name("answers"), "--request", "/"), "was complete before the stop (status 200, after 0."),
        ((name("drains"), "--request", "/", "--port", "9"), "nothing takes connections on port 9 of the container"),
        (
            (name("deaf"), "--request", "/", "--ready", "rest"),
            "nothing takes connections on port 8080 of the container",
        ),
        (
            (name("deaf"), "--ready", "http:/", "--ready-timeout", "1"),
            "nothing answers GET / on port 8080 within 1 s; its log is empty",
        ),
    ],
    ids=["answers before", "another port", "listens nowhere", "never answers"],
)
@pytest.mark.usefixtures("images")
def test_what_cannot_be_tested_is_told(words: tuple[str, ...], told: str) -> None:
    code, rows, _ = check(*words)
    (row,) = rows.values()
    assert (code, row["verdict"]) == (4, "untested")
    assert told in row["reason"], row["reason"]


def test_an_image_that_exposes_no_port_needs_one_to_be_named() -> None:
    done = command("check", "local:musl-node24", "--request", "/slow", "--", "node", "-e", APPS["drains"])
    assert done.returncode == 2
    assert "exposes no port" in done.stderr
    assert "--port N" in done.stderr


@pytest.mark.usefixtures("images")
def test_ready_by_a_request_and_the_same_by_hand(tmp_path_factory: TempPathFactory) -> None:
    """What is pasted into a shell ends in the same way."""
    apps = ("drains", "exits")
    words = ("--ready", "http:/up", "--request", "/slow", "--in-flight", "2", "--stop-timeout", "4")
    code, rows, _ = check(*map(name, apps), *words)
    assert (code, {app: rows[app]["verdict"] for app in apps}) == (1, {"drains": "graceful", "exits": "abrupt"})
    pasted = {
        app: subprocess.Popen(
            ["sh"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=tmp_path_factory.mktemp(app),
        )
        for app in apps
    }
    for app, shell in pasted.items():
        # The names of containers are those of the images, whose tags alone differ.
        output, _ = shell.communicate("\n".join(rows[app]["evidence"]["reproduce"]), timeout=120)
        facts = rows[app]["finding"]["facts"]
        counts = Counter(line for line in output.splitlines() if line in ("answered", "lost"))
        assert counts["answered"] == facts["in_flight_answered"], output
        assert counts["lost"] == facts["in_flight_cut"] + facts["in_flight_reset"], output
        assert f"exited {rows[app]['exit_code']}" in output
