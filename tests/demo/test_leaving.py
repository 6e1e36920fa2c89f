"""A demo that is left in the middle, in every way: the terminal is as it was before, and nothing is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import docker
import pytest

from harness.catalogues import load_catalogue
from harness.run.inbox import Inbox
from harness.run.waiting import until
from tests.support.leftovers import left_behind
from tests.support.walking import BUSY, COUNTED, HEAD, NEXT, waits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.demo.conftest import Opens
    from tests.support.terminal import Terminal

pytestmark = [pytest.mark.engine, pytest.mark.cli]

SOON_S: Final = 6.0
"""Far less than the ten seconds that an engine gives a container."""


def held(terminal: Terminal) -> None:
    """Go to where a signal is about to be sent."""
    terminal.press("n")
    terminal.wait_for(lambda lines: waits(lines) and NEXT in "\n".join(lines))
    assert left_behind(terminal.pid) != []


def stopping(terminal: Terminal) -> None:
    """Go to where the engine has begun to stop a container that takes no notice."""
    held(terminal)
    terminal.press("n")
    terminal.wait_for(lambda lines: any(" docker stop -t 10 " in line for line in lines) and _is_busy(lines))


def tabling(terminal: Terminal) -> None:
    """Go to the table, and wait until it has begun to fill."""
    terminal.press("n")
    terminal.wait_for("Predict first")
    terminal.press("s")
    terminal.wait_for(_fills)
    assert left_behind(terminal.pid) != []


PLACES: Final[Mapping[str, tuple[Callable[[Terminal], None], str]]] = {
    "held": (held, "twice"),
    "stopping": (stopping, "docker-stop"),
    "tabling": (tabling, ""),
}
QUIT: Final = "q"
INTERRUPT: Final = "C-c"
HANG_UP: Final = "hang up"
IMPATIENT: Final = "impatient"
WAYS: Final = [(place, way) for place in PLACES for way in (QUIT, INTERRUPT)]
SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(scope="module")
def short_story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our own catalogue, with the first chapter of its story alone: the table is near."""
    own = load_catalogue(None)[0]
    folder = tmp_path_factory.mktemp("short") / own.name
    shutil.copytree(own, folder)
    shutil.copytree(own.parent / "sample_app", folder.parent / "sample_app")
    story = folder / "demo.toml"
    story.write_text("[[chapter]]".join(story.read_text().split("[[chapter]]")[:2]))
    return folder


@pytest.fixture(scope="module")
def started(opens_ahead: Opens, short_story: Path) -> dict[tuple[str, object], Terminal]:
    """A demo for each place and way to leave it, all of them started at once."""
    wanted = [*WAYS, *(("held", number) for number in SIGNALS), ("held", HANG_UP), ("held", IMPATIENT)]
    terminals: dict[tuple[str, object], Terminal] = {}
    for place, way in wanted:
        chapter = PLACES[place][1]
        words = ("--chapter", chapter) if chapter else ("--catalogue", str(short_story))
        terminals[place, way] = opens_ahead(*words, errors="errors" if way == HANG_UP else "")
    return terminals


@pytest.mark.parametrize(("place", "way"), WAYS)
def test_leaving_is_quick_and_leaves_nothing(started: dict[tuple[str, object], Terminal], place: str, way: str) -> None:
    terminal = started[place, way]
    terminal.wait_for(waits)
    PLACES[place][0](terminal)
    terminal.press(way)
    assert terminal.exit_code(SOON_S) == {INTERRUPT: 130, QUIT: 0}[way]
    assert left_behind(terminal.pid) == []
    assert_as_before(terminal)
    assert ("interrupted" in terminal.history()) is (way == INTERRUPT)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_it_as_ctrl_c_does(started: dict[tuple[str, object], Terminal], number: signal.Signals) -> None:
    terminal = started["held", number]
    terminal.wait_for(waits)
    held(terminal)
    os.kill(terminal.pid, number)
    assert terminal.exit_code(SOON_S) == 130
    assert left_behind(terminal.pid) == []
    assert_as_before(terminal)
    assert "interrupted" in terminal.history()


def test_a_window_that_is_closed_leaves_nothing(started: dict[tuple[str, object], Terminal]) -> None:
    terminal = started["held", HANG_UP]
    terminal.wait_for(waits)
    held(terminal)
    terminal.hang_up()  # which sends SIGHUP more than once
    assert until(lambda: terminal.gone or None, timeout_s=SOON_S, time=Inbox())
    with removed(terminal.pid):
        assert left_behind(terminal.pid) == []


def test_a_window_that_is_closed_is_no_fault(started: dict[tuple[str, object], Terminal]) -> None:
    terminal = started["held", HANG_UP]
    assert until(lambda: terminal.gone or None, timeout_s=SOON_S, time=Inbox())
    assert "Traceback" not in (terminal.folder / "errors").read_text()


def test_the_impatient_leave_nothing_either(started: dict[tuple[str, object], Terminal]) -> None:
    terminal = started["held", IMPATIENT]
    terminal.wait_for(waits)
    held(terminal)

    def again() -> bool | None:
        with suppress(ProcessLookupError):
            os.kill(terminal.pid, signal.SIGINT)
        return terminal.gone or None

    assert until(again, timeout_s=SOON_S, time=Inbox())
    with removed(terminal.pid):
        assert left_behind(terminal.pid) == []


@contextmanager
def removed(pid: int) -> Iterator[None]:
    """Remove, in the end, the containers that a process has left."""
    try:
        yield
    finally:
        for name in left_behind(pid):
            with suppress(docker.errors.APIError):
                docker.APIClient().remove_container(name, force=True)


def assert_as_before(terminal: Terminal) -> None:
    """The terminal shows what was there before, shows its cursor, and what is typed."""
    terminal.wait_for(lambda lines: any(line.startswith("$") for line in lines))
    assert terminal.ask("#{alternate_on} #{cursor_flag}") == "0 1"
    modes = subprocess.run(
        ["stty", "-a", "-F", terminal.ask("#{pane_tty}")], capture_output=True, text=True, check=True
    )
    assert {"echo", "icanon", "isig", "icrnl", "opost"} <= set(modes.stdout.split())
    history = terminal.history()
    assert "Traceback" not in history
    assert NEXT not in history
    terminal.type("echo hello $((40 + 2))")
    terminal.press("Enter")
    terminal.wait_for(lambda lines: "$ echo hello $((40 + 2))" in lines and "hello 42" in lines)


def _is_busy(lines: list[str]) -> bool:
    return BUSY.match(lines[-1]) is not None


def _fills(lines: list[str]) -> bool:
    """A table under way, with some cells"""
    counted = COUNTED.search("\n".join(lines))
    return HEAD.match(lines[0]) is None and counted is not None and int(counted["done"]) > 0
