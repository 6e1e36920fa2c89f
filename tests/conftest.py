"""Settings of all tests, and an engine for those of them that must need no network."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.offline import Offline, offline

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long one example takes says more about the machine than about the code.
settings.register_profile("signal-harness", deadline=None)
settings.load_profile("signal-harness")

_PREPARES_S = 600


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
