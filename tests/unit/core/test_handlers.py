"""The code that is advised handles the signal: it is run, and sent it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from harness.core.handlers import handler
from harness.core.signals import Signal

TERM, RT = Signal(15), Signal(37)
CHILD = (
    """python3 -c 'import signal; signal.signal(15, lambda *_: exit(7)); print("ready", flush=True); signal.pause()'"""
)


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
    code = "\n".join((*handler(("python3", "app.py"), number).code, "print('ready', flush=True)", "signal.pause()"))
    assert told([sys.executable, "-c", code], number.number) == 0


def test_a_shell_forwards_and_waits() -> None:
    code = "\n".join(handler(("/bin/sh", "/app.sh"), TERM).code)
    assert told(["sh", "-c", code.replace("the-command", CHILD)], signal.SIGTERM) == 7


def test_real_time_signals_are_not_for_every_language() -> None:
    assert handler(("node", "app.js"), RT).code == ()
    assert handler(("nodejs", "app.js"), TERM).code == ("process.on('SIGTERM', () => server.close());",)


@pytest.mark.parametrize("argv", [("/srv/orders",), ("orders: worker",), ("java", "-jar", "a.jar"), ()])
def test_other_languages_are_told_in_words(argv: tuple[str, ...]) -> None:
    assert handler(argv, TERM).notes == ("The app must handle SIGTERM, and end when it comes.",)
