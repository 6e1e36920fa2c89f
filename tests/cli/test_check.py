"""``check``, as its users run it: images of anybody, whose apps log nothing that we know of."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from harness.report.formats import Format
from tests.support.command import command
from tests.support.leftovers import left_behind, wait_for_a_signal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.cli]

IMAGE = "local:musl-node24"
LEAVES = "process.on('SIGTERM', () => setTimeout(process.exit, 200, 0)); setInterval(() => {}, 1000)"
DEAF = "setInterval(() => {}, 1000)"


def check(folder: Path, *words: str) -> tuple[int, list[dict[str, Any]], str]:
    """The exit code, the rows, and what is printed."""
    file = folder / "results.json"
    options, dashes, behind = _apart(words)
    done = command("check", IMAGE, "--json", str(file), *options, *dashes, *behind)
    rows = json.loads(file.read_text())["results"] if file.exists() else []
    return done.returncode, rows, done.stdout + done.stderr


def _apart(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at : at + 1], words[at + 1 :]


def test_an_app_that_shuts_down_is_stopped_well(tmp_path: Path) -> None:
    code, (row,), told = check(tmp_path, "--", "node", "-e", LEAVES)
    assert (code, row["verdict"], row["exit_code"]) == (0, "graceful", 0), told
    (app,) = row["evidence"]["roll_call"]
    assert (app["pid"], app["app"], app["told"], app["became"]) == (1, True, True, "its handler ran")
    assert app["end"] == "exited with 0"
    assert row["tried"] == []


def test_a_shell_in_between_loses_the_signal_and_what_was_tried_helps(tmp_path: Path) -> None:
    script = f'node -e "{LEAVES}"; true'
    code, (row,), told = check(tmp_path, "--stop-timeout", "2", "--", "/bin/sh", "-c", script)
    assert (code, row["verdict"]) == (1, "forced"), told
    shell, app = row["evidence"]["roll_call"]
    assert (shell["became"], app["told"], app["app"]) == ("dropped by the kernel", False, True)
    assert app["end"] == "SIGKILL by the kernel, as PID 1 ended"
    tried = {one["change"]: one["verdict"] for one in row["tried"]}
    assert tried["--init"] == "abrupt", told


def test_a_report_of_the_results_is_what_the_check_wrote(tmp_path: Path) -> None:
    own = {wanted: tmp_path / f"own.{wanted}" for wanted in Format}
    later = {wanted: tmp_path / f"later.{wanted}" for wanted in Format}
    outputs = [word for wanted, file in own.items() for word in (f"--{wanted}", str(file))]
    asked = ("--stop-timeout", "1", "--signal", "HUP", "--probe", "stop", "--probe", "signal", "--jobs", "4")
    done = command("check", IMAGE, *outputs, *asked, "--", "node", "-e", DEAF)
    assert done.returncode == 1, done.stderr
    targets = [word for wanted, file in later.items() for word in ("--to", f"{wanted}={file}")]
    told = command("report", str(own[Format.JSON]), *targets)
    assert told.returncode == done.returncode, told.stderr
    for wanted in Format:
        text = own[wanted].read_text()
        assert later[wanted].read_text() == text
        assert "--init" in text, wanted
        assert "SIGHUP" in text, wanted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_does_not_wait_for_a_stop_under_way(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "results.json"
    words = ("check", IMAGE, "--json", str(file), "--stop-timeout", "3600", "--", "node", "-e", DEAF)
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for_a_signal(process.pid)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert re.search(r"cut short after [\d.]+ s: 0 of 1 cell ran; interrupted", " ".join(out.split()))
    assert json.loads(file.read_text())["cut"] == {"planned": 1, "reason": "interrupted", "exit_code": 130}
    assert left_behind(process.pid) == []


def test_an_app_without_a_handler_is_not_mended_by_an_init(tmp_path: Path) -> None:
    code, (row,), told = check(tmp_path, "--stop-timeout", "2", "--", "node", "-e", DEAF)
    assert (code, row["verdict"]) == (1, "forced"), told
    assert {one["change"]: one["verdict"] for one in row["tried"]}["--init"] == "abrupt", told
    lines = [line.strip() for line in told.splitlines()]
    assert "app: node -e setInterval(() => {}, 1000) (PID 1): the first process, and no shell, init," in told
    vain = next(number for number, line in enumerate(lines) if line.startswith("Nothing tried helps: "))
    assert "In the app (not tried):" in lines[vain:]
    assert row["advice"][0].endswith(
        "because the app has no handler of its own for SIGTERM and SIGINT (its runtime's raises it again)."
    ), told


HELPS = """
node -e "process.on('SIGTERM', () => setTimeout(process.exit, 300, 0)); setInterval(() => {}, 1000)" &
child=$!
trap '/bin/kill -TERM $child; sleep 0.05' TERM
wait $child; wait $child
"""


def test_helpers_that_live_between_two_samples_are_in_the_roll_call(tmp_path: Path) -> None:
    code, (row,), told = check(tmp_path, "--app", "^node", "--", "/bin/sh", "-c", HELPS)
    assert (code, row["verdict"]) == (0, "graceful"), told
    shell, app, *helpers = row["evidence"]["roll_call"]
    assert (shell["became"], shell["parent"]) == ("its handler ran", None), told
    assert (app["app"], app["told"], app["became"], app["end"]) == (True, True, "its handler ran", "exited")
    assert app["by"].startswith(("kill", "/bin/kill")), told
    names = [helper["command"].split()[0].rpartition("/")[2] for helper in helpers]
    assert names == ["kill", "sleep"], told
    assert {(one["parent"], one["told"], one["end"], one["inferred"]) for one in helpers} == {
        (0, False, "exited", False)
    }


RAISES = "process.kill(process.pid, 'SIGTERM')"
AT_ONCE = f"process.once('SIGTERM', () => {RAISES}); setInterval(() => {{}}, 1000)"
LATER = f"process.once('SIGTERM', () => setTimeout(() => {RAISES}, 300)); setInterval(() => {{}}, 1000)"


@pytest.mark.parametrize(
    ("source", "code", "verdict", "became"),
    [(AT_ONCE, 1, "abrupt", "its runtime raised it again"), (LATER, 0, "graceful", "its handler ran")],
    ids=["at once", "once it has cleared up"],
)
def test_an_app_that_raises_the_signal_again(tmp_path: Path, source: str, code: int, verdict: str, became: str) -> None:
    done, (row,), told = check(tmp_path, "--init", "--no-try", "--", "node", "-e", source)
    assert (done, row["verdict"]) == (code, verdict), told
    _, app = row["evidence"]["roll_call"]
    assert (app["became"], app["end"]) == (became, "died of SIGTERM"), told


def test_an_app_of_one_thread_that_dies_of_the_signal_is_not_graceful(tmp_path: Path) -> None:
    """All that the record of signals shows of it is SIGKILL, as of the threads of whatever ends."""
    done, (row,), told = check(tmp_path, "--init", "--no-try", "--", "sleep", "1000")
    assert (done, row["verdict"]) == (1, "abrupt"), told
    assert row["evidence"]["roll_call"][-1]["became"] == "died of it"


@pytest.mark.parametrize(("required", "code"), [("abrupt", 0), ("forced", 1), ("good", 1)])
def test_a_verdict_that_is_not_good_will_do_where_it_is_required(tmp_path: Path, required: str, code: int) -> None:
    done, (row,), told = check(tmp_path, "--init", "--no-try", "--require", required, "--", "sleep", "1000")
    assert (done, row["verdict"], required in ("good", row["required"][-1])) == (code, "abrupt", True), told
    assert ("1 not as expected" in told) == bool(code), told


# Containers that never rest

TIMERS = """
const { Worker } = require('worker_threads');
for (let n = 0; n < 3; n++) new Worker("setInterval(() => { for (let i = 0; i < 1e5; i++); }, 5)", { eval: true });
"""


@pytest.mark.parametrize("trace", ["on", "off"])
def test_what_is_dropped_in_a_container_that_never_rests_is_decided_at_once(tmp_path: Path, trace: str) -> None:
    options = ("--trace", trace, "--no-try", "--signal", "HUP")  # node has a handler of its own for SIGTERM
    code, (row,), told = check(tmp_path, *options, "--", "node", "-e", TIMERS)
    assert (code, row["verdict"]) == (1, "swallowed"), told
    (run,) = row["runs"]
    assert run["ground"] == "masks"
    assert run["decided_ms"] < 2000


@pytest.mark.parametrize("trace", ["on", "off"])
def test_a_container_that_never_rests_is_judged_by_its_end(tmp_path: Path, trace: str) -> None:
    options = ("--trace", trace, "--no-try", "--probe", "stop", "--probe", "signal", "--signal", "TERM")
    code, rows, told = check(tmp_path, *options, "--", "node", "-e", TIMERS + LEAVES)
    assert [row["verdict"] for row in rows] == ["graceful", "forwarded"], told
    assert code == 0


def test_a_shell_around_an_app_that_never_rests_is_found(tmp_path: Path) -> None:
    script = f'node -e "{TIMERS.replace(chr(34), "`")}{LEAVES}"; true'.replace("`", "\\`")
    code, (row,), told = check(tmp_path, "--no-try", "--signal", "TERM", "--", "/bin/sh", "-c", script)
    assert (code, row["verdict"]) == (1, "swallowed"), told
    shell, app = row["evidence"]["roll_call"]
    assert (shell["became"], app["told"]) == ("dropped by the kernel", False)


def test_nothing_is_tried_if_not_wanted(tmp_path: Path) -> None:
    _, (row,), _ = check(tmp_path, "--no-try", "--stop-timeout", "1", "--", "node", "-e", DEAF)
    assert row["tried"] == []


def test_signals_can_be_asked_for(tmp_path: Path) -> None:
    code, rows, told = check(tmp_path, "--no-try", "--signal", "TERM", "--signal", "HUP", "--", "node", "-e", LEAVES)
    assert [(row["signal"], row["verdict"]) for row in rows] == [("SIGTERM", "forwarded"), ("SIGHUP", "swallowed")], (
        told
    )
    assert code == 1


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (
            ("--ready", "port:9", "--ready-timeout", "1", "--", "node", "-e", DEAF),
            4,
            "nothing listens on port 9 within 1 s",
        ),
        (("--ready", "healthy", "--ready-timeout", "1", "--", "node", "-e", DEAF), 4, "HEALTHCHECK"),
        (("--entrypoint", "no-such-command"), 4, "no-such-command"),
        (("--entrypoint", "/etc/passwd"), 4, "ermission denied"),
        (("--", "node", "--help"), 4, "the container ended before it could be tested, with exit code 0"),
        (("--user", "nobody-at-all"), 4, "nobody-at-all"),
    ],
    ids=["port", "health", "not found", "not executable", "prints and goes", "user"],
)
def test_what_cannot_be_tested_is_told_and_nothing_is_left(
    tmp_path: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    done, (row,), text = check(tmp_path, *words)
    assert (done, row["verdict"]) == (code, "untested"), text
    assert told in row["reason"], text


def test_an_image_that_is_not_here_is_told() -> None:
    done = command("check", "no-such/image:1", "--pull", "never")
    assert done.returncode == 3
    assert "no-such/image:1 is not here" in done.stderr
    assert "Traceback" not in done.stderr
