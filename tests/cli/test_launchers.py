"""Programs that start an app by the interpreter that runs them, as tools of TypeScript do: which of the two is the app?

What they load into it may handle its signals, too: tsx ends an app without a handler with 143, as if it had died.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.command import command
from tests.support.tagged_images import tagged_images

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.engine,
    pytest.mark.cli,
    pytest.mark.skipif(os.geteuid() != 0, reason="what became of the app is in the kernel's record, which needs root"),
]

NAME: Final = f"signal-harness-test/launchers-{os.getpid()}"
DEAF: Final = "console.log('up'); setInterval(() => {}, 1000)"
HANDLES: Final = f"process.on('SIGTERM', () => setTimeout(process.exit, 100, CODE)); {DEAF}"
LOADED: Final = "process.on('SIGTERM', () => process.listenerCount('SIGTERM') === 1 && process.exit(143))"


def launcher(app: str, *options: str) -> str:
    """A program that starts another by the same interpreter, passes the signal on, and then its exit code."""
    start = f"require('child_process').spawn('node', {json.dumps([*options, '-e', app])}, {{stdio: 'inherit'}})"
    end = "child.on('exit', (code) => process.exit(code ?? 0))"
    return f"const child = {start}; process.on('SIGTERM', () => child.kill('SIGTERM')); {end}"


LOAD: Final = ("--require", "/loaded.js")
STARTS: Final = {
    "deaf": launcher(DEAF),
    "handles": launcher(HANDLES.replace("CODE", "0")),
    "loaded": launcher(DEAF, *LOAD),
    "loaded-handles": launcher(HANDLES.replace("CODE", "0"), *LOAD),
    "loaded-143": launcher(HANDLES.replace("CODE", "143"), *LOAD),
}
AT_ONCE_US: Final = 50_000
APP: Final = ("--app", "^node (--require /loaded.js )?-e (console|process)")


@pytest.fixture(scope="module", autouse=True)
def images() -> Iterator[None]:
    loaded = f'RUN echo "{LOADED}" > /loaded.js'
    lines = {f"{NAME}:{n}": f"{loaded}\nENTRYPOINT []\nCMD {json.dumps(['node', '-e', s])}" for n, s in STARTS.items()}
    with tagged_images(lines):
        yield


def rows(folder: Path, *words: str) -> dict[str, Any]:
    file = folder / "r.json"
    done = command(
        "check", *(f"{NAME}:{name}" for name in STARTS), "--no-try", "--ready", "log:up", *words, "--json", str(file)
    )
    assert file.exists(), done.stderr
    return {row["subject"].partition(":")[2]: row for row in json.loads(file.read_text())["results"]}


def test_an_app_that_may_have_been_lost_below_its_launcher_is_no_good_verdict(tmp_path: Path) -> None:
    found = rows(tmp_path)
    assert {name: row["verdict"] for name, row in found.items()} == {
        "deaf": "untested",
        "handles": "graceful",
        "loaded": "untested",
        "loaded-handles": "graceful",
        "loaded-143": "untested",
    }
    for name in ("deaf", "loaded"):
        assert re.search(r"was not done as SIGTERM came, as far as is known; .* --app", found[name]["reason"])


def test_the_app_is_judged_where_it_is_named(tmp_path: Path) -> None:
    found = rows(tmp_path, *APP)
    assert {name: row["verdict"] for name, row in found.items()} == {
        "deaf": "abrupt",
        "handles": "graceful",
        "loaded": "abrupt" if ended_at_once(found["loaded"]) else "untested",
        "loaded-handles": "graceful",
        "loaded-143": "untested",  # nothing tells it from what the launcher has loaded
    }
    assert "the app's own code or by its runtime's" in found["loaded-143"]["reason"]
    if ended_at_once(found["loaded"]):
        assert "was handled by `/loaded.js`, which its launcher has loaded into it" in found["loaded"]["reason"]
        assert "process.on('SIGTERM'" in "\n".join(found["loaded"]["advice"])


def ended_at_once(row: dict[str, Any]) -> bool:
    """Whether the app has ended as soon as what was loaded into it can; a busy machine may take longer."""
    (app,) = (number for number, one in enumerate(row["evidence"]["path"]["participants"]) if one["app"])
    at_us = {step["kind"]: step["at_us"] for step in row["evidence"]["path"]["steps"] if step["who"] == app}
    return bool(at_us["end"] - at_us["handler"] <= AT_ONCE_US)


def test_a_launcher_that_is_named_is_the_app(tmp_path: Path) -> None:
    assert {row["verdict"] for row in rows(tmp_path, "--app", "require").values()} == {"graceful"}
