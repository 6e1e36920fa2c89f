"""The variables of the tests' own process."""

from __future__ import annotations

import os
import sys
import threading

from tests.support.command import surroundings


def test_they_are_read_while_another_thread_takes_one_away() -> None:
    done = threading.Event()

    def change() -> None:
        while not done.is_set():
            os.environ["SIGNAL_HARNESS_TEST_COMES_AND_GOES"] = "1"
            del os.environ["SIGNAL_HARNESS_TEST_COMES_AND_GOES"]

    thread = threading.Thread(target=change)
    every_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread.start()
    try:
        assert all(surroundings()["PATH"] == os.environ["PATH"] for _ in range(2000))
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(every_s)
