"""The code that is advised handles the signal: it is run, and sent it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.core.fix import Fix
from harness.core.handlers import by_language, caught_by_runtime, handler, taken_by_runtime
from harness.core.signals import Signal
from tests.support.scripted import process

if TYPE_CHECKING:
    from harness.core.process import Process

TERM, RT = Signal(15), Signal(37)
# Not pause(2), which sleeps through what came just before it.
READY = "import os, signal; woken, wakes = os.pipe(); os.set_blocking(wakes, False); signal.set_wakeup_fd(wakes)"
WAITS = 'print("ready", flush=True); os.read(woken, 1)'
CHILD = f"""python3 -c '{READY}; signal.signal(15, lambda *_: exit(7)); {WAITS}'"""


def told(command: list[str], number: int) -> int:
    """The exit code of a program that says when it is ready, and is sent a signal then."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(number)
        try:
            return running.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            raise


@pytest.mark.parametrize("number", [TERM, Signal(1), RT], ids=str)
def test_python(number: Signal) -> None:
    code = "\n".join((READY, *handler(process(1, "python3 app.py"), number).code, WAITS))
    assert told([sys.executable, "-c", code], number.number) == 0


@pytest.mark.parametrize("number", [TERM, Signal(2), Signal(3)], ids=str)
def test_a_shell_forwards_and_waits(number: Signal) -> None:
    """In the background SIGINT and SIGQUIT are ignored: SIGTERM is what its child gets."""
    code = "\n".join(handler(process(1, "/bin/sh /app.sh"), number).code)
    assert told(["sh", "-c", code.replace("the-command &", f"{CHILD} &")], number.number) == 7


def test_a_shell_forwards_what_a_background_process_does_not_ignore() -> None:
    assert handler(process(1, "/bin/sh /app.sh"), Signal(1)).code[0].startswith("trap 'kill -HUP ")


def test_a_java_vm_that_is_told_not_to_handle_signals_is_to_be_told_otherwise() -> None:
    note = "With -Xrs, Java runs no hooks on SIGTERM: start it without that."
    assert handler(process(1, "java -Xrs -jar app.jar"), TERM) == Fix(notes=(note,))
    assert handler(process(1, "java -jar app.jar -Xrs.txt"), TERM).code


def test_only_a_java_vm_ends_the_app_with_no_code_of_its_own() -> None:
    java = process(1, "java -jar app.jar")
    assert [taken_by_runtime(java, number) for number in (TERM, Signal(10))] == [True, False]
    assert not any(taken_by_runtime(app, TERM) for app in (GO, PUMA, process(1, "node app.js")))


GO = replace(process(1, "/srv/orders"), caught=0xFFFFFFFD7FC1FEFF)
"""What the runtime of a Go program catches, as /proc/PID/status has it."""

PUMA = replace(process(1, "puma"), argv=("puma: cluster worker 0: 7 [app]",))


@pytest.mark.parametrize(
    ("app", "number", "code"),
    [
        (process(1, "nodejs app.js"), TERM, ("process.on('SIGTERM', () => server.close());",)),
        (process(1, "java -jar app.jar"), TERM, ("addShutdownHook",)),
        (PUMA, TERM, ("Signal.trap('TERM') { exit }",)),
        (process(1, "php8.2 -S 0.0.0.0:80"), TERM, ("pcntl_async_signals(true);", "pcntl_signal(SIGTERM, fn ()")),
        (process(1, "php -S 0.0.0.0:80"), RT, ("pcntl_async_signals(true);", "pcntl_signal(37, fn ()")),
        (GO, TERM, ("import (", "syscall.SIGTERM)", "go server.", "<-stopping.Done()", "server.Shutdown")),
        (GO, RT, ("import (", "syscall.Signal(37))", "go server.", "<-stopping.Done()", "server.Shutdown")),
    ],
    ids=str,
)
def test_code_is_in_the_language_of_the_app(app: Process, number: Signal, code: tuple[str, ...]) -> None:
    lines = handler(app, number).code
    assert [part in line for part, line in zip(code, lines, strict=True)] == [True] * len(lines), lines


@pytest.mark.parametrize(
    ("args", "number", "note"),
    [
        ("node app.js", RT, "Node has no handlers for real-time signals such as SIGRTMIN+3: send SIGTERM."),
        ("ruby app.rb", RT, "Ruby has no handlers for real-time signals such as SIGRTMIN+3: send SIGTERM."),
        ("java -jar a.jar", RT, "Java has no handlers for real-time signals such as SIGRTMIN+3: send SIGTERM."),
        (
            "java -jar a.jar",
            Signal(10),
            "Java has hooks for SIGHUP, SIGINT, SIGTERM alone, and not for SIGUSR1: send SIGTERM.",
        ),
    ],
)
def test_what_a_language_has_no_way_to_handle_is_said(args: str, number: Signal, note: str) -> None:
    assert handler(process(1, args), number) == Fix(notes=(note,))


@pytest.mark.parametrize("args", ["/srv/orders", "orders: worker", "erl -noshell", ""])
def test_other_languages_are_told_in_words(args: str) -> None:
    assert handler(process(1, args), TERM).notes == ("The app must handle SIGTERM, and end when it comes.",)


ENDING = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGWINCH")


@pytest.mark.parametrize(
    ("args", "catches", "file", "runtime"),
    [
        ("node x.js", ("SIGINT", "SIGTERM"), None, "Node"),
        ("node x.js", ("SIGINT", "SIGTERM", "SIGHUP"), None, "Node"),
        ("node x.js", ENDING, None, None),
        ("my title", ("SIGINT", "SIGTERM"), "node", "Node"),
        ("java -jar x", (*ENDING[:4], "SIGUSR2"), None, "the Java VM"),
        ("puma 5.6.5 (tcp://0.0.0.0:80)", ENDING, None, "Ruby"),
        ("dotnet x.dll", ("SIGTERM",), None, ".NET"),
        ("python3 x.py", ("SIGTERM",), None, None),
        ("nginx", ("SIGTERM",), None, None),
    ],
)
def test_a_runtime_may_have_a_handler_of_its_own(
    args: str, catches: tuple[str, ...], file: str | None, runtime: str | None
) -> None:
    assert caught_by_runtime(process(1, args, catches=catches), TERM, file) == runtime


def test_go_is_told_by_all_that_it_catches() -> None:
    go = replace(process(1, "/server"), caught=0xFFFFFFFD7FC1FEFF)
    assert caught_by_runtime(go, TERM) == "Go"


def test_a_signal_that_the_runtime_leaves_alone_is_the_app_s() -> None:
    assert caught_by_runtime(process(1, "node x.js", catches=("SIGQUIT",)), Signal(3)) is None


def test_no_language_is_left_with_a_word_that_stands_for_another() -> None:
    lines = [line for code in by_language(TERM).values() for line in code]
    assert not [line for line in lines if re.search(r"\b(SIGNAL|SHORT|PASSED|NUMBER)\b", line)]
    assert any("kill -TERM" in line for line in lines)
