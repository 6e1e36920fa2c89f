"""A user's own catalogue: apps that do not do what they should make their cells untested, and the others go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.leftovers import left_behind, swept, wait_for_a_signal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.cli]

HEAD = """
schema = 1
context = "app"
[app]
ready = '^ready pid=(?P<pid>\\d+)'
received = '^got (?P<signal>SIG\\w+)'
"""
ROW = '[[variant]]\nname = "{0}"\ntitle = "{0}"\ndockerfile = "{0}.Dockerfile"\nexpect = {{ forwards = "{1}" }}\n'
APP = """
process.on("SIGTERM", () => console.log("got SIGTERM"));
setInterval(() => {}, 1 << 30);
console.log(`ready pid=${process.pid}`);
"""
APPS = {
    "good": APP,
    "exits": "process.exit(7);",
    "silent": "setInterval(() => {}, 1 << 30);",
    "floods": APP
    + """
process.on("SIGTERM", () => {
  for (;;) try { require("fs").writeSync(1, "x".repeat(4096) + "\\n"); } catch { /* the pipe is full for now */ }
});
""",
}


def catalogue(folder: Path, **expected: str) -> Path:
    (folder / "app").mkdir()
    rows = [HEAD]
    for name, forwards in expected.items():
        (folder / "app" / f"{name}.js").write_text(APPS.get(name, ""))
        run = "RUN echo some last words && exit 3\n" if name == "broken" else ""
        (folder / f"{name}.Dockerfile").write_text(
            f'ARG BASE\nFROM ${{BASE}}\n{run}COPY {name}.js app.js\nCMD ["node", "app.js"]\n'
        )
        rows.append(ROW.format(name, forwards))
    (folder / "catalogue.toml").write_text("\n".join(rows))
    return folder


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    words = ["run", "--catalogue", str(folder), "--base", "local:musl-node24", "--signal", "TERM", "--json", "-", *more]
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any], str]:
    out, err = process.communicate(timeout=200)
    assert "Traceback" not in err
    document = json.loads(out) if out else {"results": []}
    return process.returncode, {row["subject"]: row for row in document["results"]}, err


def test_what_cannot_be_tested_is_never_a_finding(tmp_path: Path) -> None:
    process = start(catalogue(tmp_path, good="always", exits="always", broken="always", floods="always"))
    code, rows, _ = finish(process)
    assert code == 4
    assert rows["good"]["verdict"] == "forwarded"
    assert {rows[name]["verdict"] for name in ("exits", "broken", "floods")} == {"untested"}
    assert "before the app was ready, with exit code 7" in rows["exits"]["reason"]
    assert "some last words" in rows["broken"]["reason"]
    assert "floods its log" in rows["floods"]["reason"]
    assert left_behind(process.pid) == []


def test_a_wrong_expectation_is_told(tmp_path: Path) -> None:
    code, rows, err = finish(start(catalogue(tmp_path, good="never")))
    assert code == 1
    assert rows["good"]["verdict"] == "forwarded"
    assert "expected anything but forwarded, but forwarded" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_clears_up(tmp_path: Path, number: signal.Signals) -> None:
    process = start(catalogue(tmp_path, good="always"), "--repeat", "500")
    wait_for_a_signal(process.pid)
    process.send_signal(number)
    code, _, err = finish(process)
    assert code == 130
    assert "interrupted" in err
    assert left_behind(process.pid) == []


def test_what_a_killed_run_leaves_is_removed_by_the_next(tmp_path: Path) -> None:
    folder = catalogue(tmp_path, good="always")
    process = start(folder, "--repeat", "500")
    wait_for_a_signal(process.pid)
    assert left_behind(process.pid) != []
    process.kill()
    process.communicate(timeout=20)
    assert finish(start(folder))[0] == 0
    assert swept(process.pid)


def test_what_a_killed_run_leaves_is_removed_by_clean(tmp_path: Path) -> None:
    process = start(catalogue(tmp_path, good="always"), "--repeat", "500")
    wait_for_a_signal(process.pid)
    process.kill()
    process.communicate(timeout=20)
    done = subprocess.run([sys.executable, "-m", "harness", "clean"], capture_output=True, text=True, check=True)
    assert "removed" in done.stdout
    assert swept(process.pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="a PID namespace needs root")
def test_a_run_is_left_alone_by_those_who_cannot_see_its_process(tmp_path: Path) -> None:
    """Whoever cleans up in a PID namespace of its own, as in a container with the host's name, sees none of ours."""
    process = start(catalogue(tmp_path, good="always"), "--repeat", "500")
    try:
        wait_for_a_signal(process.pid)
        elsewhere = ("unshare", "--pid", "--fork")
        for inside in (elsewhere, (*elsewhere, "--mount-proc")):
            done = subprocess.run(
                [*inside, sys.executable, "-m", "harness", "clean"], capture_output=True, text=True, check=True
            )
            assert done.stdout == "0 containers, 0 trace instances and 0 temporary folders removed\n"
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert "somebody else" not in out + err
    assert left_behind(process.pid) == []


def judged(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """What pytest says of a catalogue, run in its folder."""
    words = ["--rootdir", str(folder), "-p", "no:cacheprovider", "-m", "signals", "--signal", "TERM", *more]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(folder), *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def test_pytest_judges_by_the_baselines_that_lie_beside_it(tmp_path: Path) -> None:
    folder = catalogue(tmp_path, good="depends")
    words = ["baseline", "update", "--catalogue", str(folder), "--base", "local:musl-node24", "--signal", "TERM"]
    subprocess.run([sys.executable, "-m", "harness", *words], cwd=folder, capture_output=True, check=True, timeout=200)
    base = ("--signal-base", "local:musl-node24")
    done = judged(folder, *base)
    assert done.returncode == 0, done.stdout
    assert "recorded, not asserted" not in done.stdout
    (file,) = (folder / "baselines").glob("*.json")
    text = file.read_text()
    file.write_text(text.replace('"forwarded"', '"swallowed"'))
    done = judged(folder, *base)
    assert done.returncode == 1, done.stdout
    assert "expected  swallowed, as recorded" in done.stdout
    assert "likely    nothing that is recorded has changed" in done.stdout
    file.write_text(text.replace('"good/SIGTERM"', '"gone/SIGTERM"'))
    done = judged(folder, *base)
    assert done.returncode == 1, done.stdout
    assert "signals recorded, not run" in done.stdout
    assert "  musl-node24/gone/SIGTERM" in done.stdout
    assert judged(folder, *base, "--signal-variant", "good").returncode == 0
    file.write_text(text.replace('"forwarded"', '"fine"'))
    done = judged(folder, *base)
    assert done.returncode == 2, done.stdout
    assert """cells["good/SIGTERM"].verdict: Invalid enum value 'fine'""" in done.stdout + done.stderr


def test_pytest_lists_what_no_baseline_covers(tmp_path: Path) -> None:
    done = judged(catalogue(tmp_path, good="depends"), "--signal-base", "local:musl-node24")
    assert done.returncode == 0, done.stdout
    assert "musl-node24/good/SIGTERM: forwarded" in done.stdout
