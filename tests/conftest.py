"""Settings of all tests, and what several kinds of them share: a browser, and an engine without a network."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from playwright.sync_api import sync_playwright

from tests.support.offline import Offline, offline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

# How long one example takes says more about the machine than about the code. They differ from run to run, so that many
# runs try many.
settings.register_profile("signal-harness", deadline=None, max_examples=50)
settings.load_profile("signal-harness")

_PREPARES_S = 600

# What is ignored as a program starts, it leaves ignored (POSIX, sh: trap); whoever runs the tests under nohup or in the
# background of a script has what they start be deaf.
for number, usual in (
    (signal.SIGHUP, signal.SIG_DFL),
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGQUIT, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it, one for all tests."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.fail("These tests need Chromium: apt-get install chromium", pytrace=False)
    with sync_playwright() as started:
        launched = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def prepared() -> Iterator[Offline]:
    """An engine that has nothing but what ``demo --prepare`` put there, and no network."""
    with offline() as engine:
        command = [sys.executable, "-m", "harness", "demo", "--prepare"]
        done = subprocess.run(
            command, env=engine.environment, capture_output=True, text=True, check=False, timeout=_PREPARES_S
        )
        assert done.returncode == 0, done.stderr
        yield engine
