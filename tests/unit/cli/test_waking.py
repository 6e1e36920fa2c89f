"""A main thread that is interrupted where it does not hear of it; in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest

from harness.cli import entry
from harness.core.errors import ExitCode
from harness.run.leaving import Leaving, Left

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
with waking([int(sys.argv[1])], handled.wait, handled.clear):
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


LOST = """
import os, signal, sys, time
from harness.cli.entry import _terminating
from harness.run.leaving import Leaving

class Dropped:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)

class Named:
    def __set_name__(self, *_):
        os.kill(os.getpid(), signal.SIGTERM)

class Loader:
    def find_spec(self, name, path=None, target=None):
        if name == "made":
            type("Made", (), {"named": Named()})

def a_weak_reference():
    Dropped()

def a_class_that_is_made():
    import made

sys.meta_path.insert(0, Loader())
bare = "bare" in sys.argv
if bare:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    with _terminating(Leaving(print, print)) if not bare else open(os.devnull):
        try:
            globals()[sys.argv[1]]()
        except ImportError:
            pass
        time.sleep(50 if not bare else 0)
except KeyboardInterrupt:
    print("interrupted")
except RuntimeError as error:
    print("another error")
else:
    print("lost")
"""


@pytest.mark.parametrize(
    ("where", "bare"), [("a_weak_reference", "lost"), ("a_class_that_is_made", "another error")], ids=str
)
def test_an_interruption_is_heard_where_exceptions_get_lost(where: str, bare: str) -> None:
    for more, said in (((), "interrupted\n"), (("bare",), f"{bare}\n")):
        command = [sys.executable, "-c", LOST, where, *more]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
        assert done.stdout == said
        assert done.stderr == "" or more


@pytest.mark.parametrize(("comes_of", "code"), [(KeyboardInterrupt, ExitCode.INTERRUPTED), (ValueError, None)])
def test_what_fails_for_an_interruption_is_one(
    comes_of: type[BaseException], code: ExitCode | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_made(**_: object) -> None:
        try:
            raise comes_of
        finally:
            raise AttributeError("nothing to close")

    monkeypatch.setattr(entry.cli, "main", half_made)
    monkeypatch.setattr(entry, "Leaving", partial(Leaving, left=Left()))  # what the tests have is not to be removed
    if code is None:
        with pytest.raises(AttributeError, match="nothing to close"):
            entry._run()
    else:
        assert entry._run() is code
