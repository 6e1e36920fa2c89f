"""A main thread that waits for a lock, and a signal that another thread takes; in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import signal, sys, threading, time
from harness.cli.waking import waking

handled, lock = threading.Event(), threading.Lock()

def interrupt(*_):
    handled.set()
    raise KeyboardInterrupt

signal.signal(signal.SIGTERM, interrupt)
take = threading.Timer(0.5, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGTERM))
take.daemon = True
lock.acquire()
until = time.monotonic() + float(sys.argv[2])
with waking([int(sys.argv[1])], handled.wait):
    try:
        take.start()
        lock.acquire(timeout=float(sys.argv[2]))
    except KeyboardInterrupt:
        print("in time" if time.monotonic() < until else "late")
"""


@pytest.mark.parametrize(("number", "waits_s", "told"), [(15, 50, "in time"), (1, 2, "late")], ids=["woken", "not"])
def test_the_main_thread_runs_its_handler_whoever_takes_the_signal(number: int, waits_s: int, told: str) -> None:
    command = [sys.executable, "-c", PROGRAM, str(number), str(waits_s)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.stdout, done.stderr) == (f"{told}\n", "")
