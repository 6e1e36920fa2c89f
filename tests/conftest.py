"""Settings of all tests, and what several kinds of them share: a browser, and an engine without a network."""

from __future__ import annotations

import shutil
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

# How long one example takes says more about the machine than about the code.
settings.register_profile("signal-harness", deadline=None)
settings.load_profile("signal-harness")

_PREPARES_S = 600
_LOOK_AROUND = ("test_own_catalogue.py", "test_bad_input.py", "test_trial.py")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep the tests of a file together where several processes share them (``-n``), as they share what is made once.

    So are those of the demo, which walk through it once and need an engine of their own, and those that look for what
    others leave on the machine with those that leave it for a while.
    """
    group = str(item.path)
    if "prepared" in getattr(item, "fixturenames", ()) or item.path.parent.name == "demo":
        group = "demo"
    elif item.path.parent.name == "upgrade" or item.path.name in _LOOK_AROUND:
        group = "leftovers"
    item.add_marker(pytest.mark.xdist_group(group))


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
