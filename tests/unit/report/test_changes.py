"""What changed, as JSON for other programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from harness.core.baseline import Finding
from harness.core.comparison import compare
from harness.core.verdict import Verdict
from harness.report.changes import encode
from tests.support.evidence import changed
from tests.support.reports import DEBIAN, ENGINE, finding, recording

if TYPE_CHECKING:
    from typing import Any

APP = "node server.js"
SH = "/bin/sh -c node server.js"
APP_ARGV = ["node", "server.js"]
SH_ARGV = ["/bin/sh", "-c", "node server.js"]
OLD = recording(
    {
        ("shell", "SIGTERM"): finding(Verdict.FORWARDED, APP),
        ("shell", "stop"): finding(Verdict.FORCED, APP, signal="SIGTERM"),
        ("flaky", "reap"): finding(Verdict.UNSTABLE, APP, seen=(Verdict.REAPED, Verdict.ZOMBIE)),
    }
)
NEW = recording(
    {
        ("shell", "SIGTERM"): finding(Verdict.SWALLOWED, SH, APP),
        ("shell", "stop"): finding(Verdict.FORCED, APP, signal="SIGTERM"),
        ("new", "tty"): finding(Verdict.UNTESTED),
    },
    base=changed(DEBIAN, libc=None),
    engine=changed(ENGINE, kernel="6.13"),
)
SHELL = {"name": "/bin/sh", "old": "BusyBox v1.37.0 ash", "new": "dash 0.5.12-2"}
ENCODED = {
    "schema": 2,
    "comparisons": [
        {
            "old": "local:musl-node24",
            "new": "local:debian12-node24",
            "engines": None,
            "image": {"name": "the image", "old": "sha256:abc", "new": "sha256:def"},
            "base": [
                {"name": "the system", "old": "alpine 3.22", "new": "debian 12"},
                {"name": "the C library", "old": "musl 1.2.5", "new": None},
                SHELL,
            ],
            "engine": [{"name": "the kernel", "old": "6.12", "new": "6.13"}],
            "same": 1,
            "changed": [
                {
                    "subject": "shell",
                    "question": "SIGTERM",
                    "change": "worse",
                    "old": {"verdict": "forwarded", "seen": [], "signal": None, "chain": [APP_ARGV]},
                    "new": {"verdict": "swallowed", "seen": [], "signal": None, "chain": [SH_ARGV, APP_ARGV]},
                    "cause": (
                        "/bin/sh is now dash 0.5.12-2, was BusyBox v1.37.0 ash: it stays the parent of what it starts"
                    ),
                    "detail": f"PID 1 was `{APP}`, is `{SH}`",
                },
                {
                    "subject": "flaky",
                    "question": "reap",
                    "change": "gone",
                    "old": {"verdict": "unstable", "seen": ["reaped", "zombie"], "signal": None, "chain": [APP_ARGV]},
                    "new": None,
                    "cause": None,
                    "detail": None,
                },
                {
                    "subject": "new",
                    "question": "tty",
                    "change": "new",
                    "old": None,
                    "new": {"verdict": "untested", "seen": [], "signal": None, "chain": []},
                    "cause": None,
                    "detail": None,
                },
            ],
        },
    ],
}


def test_what_changed_is_written_whole() -> None:
    assert encode([compare(OLD, NEW)]) == json.dumps(ENCODED, indent=2, ensure_ascii=False) + "\n"


def read(text: str) -> Any:
    assert text.endswith("}\n")
    return json.loads(text)


def test_what_did_not_change_is_counted_alone() -> None:
    assert read(encode([compare(OLD, OLD)]))["comparisons"] == [
        {
            "old": "local:musl-node24",
            "new": "local:musl-node24",
            "engines": None,
            "image": None,
            "base": [],
            "engine": [],
            "same": 3,
            "changed": [],
        }
    ]


def test_several_bases_come_in_their_order() -> None:
    comparisons = read(encode([compare(OLD, NEW), compare(NEW, OLD)]))["comparisons"]
    assert [comparison["old"] for comparison in comparisons] == ["local:musl-node24", "local:debian12-node24"]


def test_nothing_compared_is_a_document_too() -> None:
    assert read(encode([])) == {"schema": 2, "comparisons": []}


def test_a_stop_tells_its_signal() -> None:
    after = changed(OLD, findings={("shell", "stop"): finding(Verdict.GRACEFUL, APP, signal="SIGQUIT")})
    differences = read(encode([compare(OLD, after)]))["comparisons"][0]["changed"]
    stop = {difference["question"]: difference for difference in differences}["stop"]
    assert (stop["old"]["signal"], stop["new"]["signal"]) == ("SIGTERM", "SIGQUIT")
    assert stop["cause"] == "the engine stops it with SIGQUIT, not with SIGTERM"


@given(st.text(), st.text())
def test_any_name_and_command_is_written_as_it_is(variant: str, command: str) -> None:
    key = (variant, "SIGTERM")
    killed = Finding(verdict=Verdict.KILLED, chain=((command,),))
    comparison = compare(recording({key: killed}), recording({key: finding(Verdict.FORWARDED)}))
    (difference,) = read(encode([comparison]))["comparisons"][0]["changed"]
    assert (difference["subject"], difference["old"]["chain"]) == (variant, [[command]])
