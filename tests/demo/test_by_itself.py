"""A demo that needs no presenter, or no more of a terminal than lines, or no colours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from harness.core.verdict import Verdict
from tests.support.leftovers import left_behind
from tests.support.terminal import WAIT_S
from tests.support.walking import NEXT, waits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.demo.conftest import Opens
    from tests.support.terminal import Terminal

pytestmark = [pytest.mark.engine, pytest.mark.cli]

COLOUR: Final = re.compile(r"\x1b\[(?:[\d;:]*[;:])?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:[;:][\d;:]*)?m")
HINT: Final = "[n next, b back, r repeat, s skip, - slower, + faster, q quit, ? keys]"
VERDICT: Final = re.compile(r"^  ([\w-]+), SIGTERM: \S ([a-z-]+): ", re.MULTILINE)
WITHOUT: Final = "no-colour"
PLAIN: Final = "plain"
AUTO: Final = "auto"


@pytest.fixture(scope="module")
def piped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """A demo by itself, that has no terminal at all."""
    report = str(tmp_path_factory.mktemp("piped") / "report.html")
    words = ["--plain", "--auto", "--pause", "0", "--chapter", "twice", "--html", report]
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "demo", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment, "TERM": "xterm-256color"},
        text=True,
        start_new_session=True,
    )
    yield process
    process.terminate()
    process.communicate(timeout=WAIT_S)


@pytest.fixture(scope="module")
def started(opens_ahead: Opens) -> dict[str, Terminal]:
    """The demos of this module that have a terminal, all of them started at once."""
    return {
        AUTO: opens_ahead("--auto", "--pause", "0.2", "--chapter", "npm-start"),
        PLAIN: opens_ahead("--plain", "--chapter", "twice"),
        WITHOUT: opens_ahead("--chapter", "twice", NO_COLOR="1"),
    }


@pytest.fixture(scope="module")
def printed(piped: subprocess.Popen[str], started: dict[str, Terminal]) -> str:
    """What a demo without a terminal writes."""
    out, err = piped.communicate(timeout=WAIT_S)
    assert piped.returncode == 0, err
    assert "Traceback" not in err
    assert left_behind(piped.pid) == []
    return out


def test_it_goes_on_without_a_key(started: dict[str, Terminal]) -> None:
    terminal = started[AUTO]
    terminal.wait_for(lambda lines: "after the fix" in lines[0] and "The path of the signal" in "\n".join(lines))
    assert COLOUR.search("\n".join(terminal.screen(escapes=True)))
    assert terminal.exit_code() == 0
    assert terminal.ask("#{alternate_on} #{cursor_flag}") == "0 1"
    assert "Traceback" not in terminal.history()
    assert left_behind(terminal.pid) == []


def test_plain_is_nothing_but_text(printed: str) -> None:
    assert printed.replace("\n", "").isprintable()
    assert HINT not in printed  # nobody is there to press a key


def test_plain_has_no_blanks_at_the_ends_of_lines(printed: str) -> None:
    assert [line for line in printed.splitlines() if line != line.rstrip()] == []


def test_plain_tells_commands_in_one_line(printed: str) -> None:
    runs = [line for line in printed.splitlines() if line.startswith("$ docker run ")]
    assert len(runs) == 2
    assert all(re.search(r" signal-harness/[\w-]+:\w+$", line) for line in runs), runs


def test_plain_tells_all_of_a_chapter_in_order(printed: str) -> None:
    wanted = (
        r"^6/9 One signal, two deliveries",
        r"dumb-init signals its child's whole process group",
        r'CMD \["dumb-init", "npm", "start"\]',
        r"Predict first",
        r"d  two",
        r"npm-start-dumb-init on local:",
        r"^\$ docker run -d ",
        r"│ Listening on port 3000",
        r"^\$ docker kill --signal=SIGTERM signal-harness-",
        r"^  npm-start-dumb-init, SIGTERM: \S [a-z-]+: ",
        r"Who was right\?",
        r"✓ [a-d]  ",
        r"^Before$",
        r"^After$",
        r"dumb-init on local:",
        r"^\$ docker run -d ",
        r"^\$ docker kill --signal=SIGTERM signal-harness-",
        r"│ Received signal: SIGTERM",
        r"^  dumb-init, SIGTERM: ✓ forwarded: ",
        r"Before and after",
        r"To take home",
    )
    assert _in_order(printed, *wanted), printed
    assert len(re.findall(r"^\$ docker (?:run|kill) ", printed, re.MULTILINE)) == 4


def test_plain_tells_a_command_before_what_it_leads_to(printed: str) -> None:
    lines = printed.splitlines()
    sent = [number for number, line in enumerate(lines) if line.startswith("$ docker kill ")]
    received = [number for number, line in enumerate(lines) if "│ Received signal: SIGTERM" in line]
    verdicts = [number for number, line in enumerate(lines) if VERDICT.match(line)]
    assert len(sent) == len(verdicts) == 2
    assert received
    for begin, end in zip(sent, verdicts, strict=True):
        assert any(begin < number < end for number in received), printed
    assert all(any(begin < number < end for begin, end in zip(sent, verdicts, strict=True)) for number in received)


def test_plain_tells_every_delivery(printed: str) -> None:
    before, _, after = printed.partition("Who was right?")
    _, word = VERDICT.findall(before)[0]
    (_, mended), *_ = VERDICT.findall(after)
    received = before.count("│ Received signal: SIGTERM")
    (app,) = set(re.findall(r"Listening on port \d+ pid=(\d+)", before))
    sent = len(re.findall(rf"──SIGTERM──▶ {app} node server\.js", before))
    handled = len(re.findall(rf" {app} node server\.js: its handler for SIGTERM runs", before))
    assert handled == received, printed
    if word == Verdict.DUPLICATED:
        assert sent == 2, printed
    assert mended == Verdict.FORWARDED
    assert after.count("│ Received signal: SIGTERM") == 1


def test_lines_wait_for_keys(started: dict[str, Terminal]) -> None:
    terminal = started[PLAIN]
    terminal.wait_for("d  two")
    assert "$ docker run" not in terminal.history()
    terminal.press("+", "+", "+", "n")
    terminal.wait_for(lambda _: _trees(terminal) == 1)
    assert "$ docker kill" not in terminal.history()
    terminal.press("n")
    terminal.wait_for(lambda _: _trees(terminal) == 2)
    assert "Who was right?" not in terminal.history()
    terminal.press("n")
    terminal.wait_for("Who was right?")
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert left_behind(terminal.pid) == []
    assert terminal.ask("#{alternate_on} #{cursor_flag}") == "0 1"
    history = terminal.history()
    assert _in_order(
        history, r"Predict first", r"^\$ docker run", r"^\$ docker kill", r"Who was right", r"^Go on there: "
    )


def test_lines_tell_of_the_keys(started: dict[str, Terminal]) -> None:
    terminal = started[PLAIN]
    terminal.exit_code()
    assert terminal.history().count(HINT) == 4  # the question, the command that is held, the path's end, the verdict


def test_without_colours_there_are_none(started: dict[str, Terminal]) -> None:
    terminal = started[WITHOUT]
    terminal.wait_for(waits)
    screens = [terminal.screen(escapes=True)]
    terminal.press("n")
    terminal.wait_for(lambda lines: waits(lines) and NEXT in "\n".join(lines))
    screens.append(terminal.screen(escapes=True))
    terminal.press("+", "+", "+", "n")
    terminal.wait_for(lambda lines: waits(lines) and "The path of the signal" in "\n".join(lines))
    screens.append(terminal.screen(escapes=True))
    assert [screen for screen in screens if COLOUR.search("\n".join(screen))] == []
    assert all("\x1b[1m" in "\n".join(screen) for screen in screens)  # bold is no colour


def _trees(terminal: Terminal) -> int:
    """How often the process tree has been printed in full."""
    return len(re.findall(r"└ node server\.js {2}handler", terminal.history()))


def _in_order(text: str, *wanted: str) -> bool:
    return re.search("[\\s\\S]*?".join(wanted), text, re.MULTILINE) is not None
