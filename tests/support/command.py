"""The command as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys


def command(*words: str, before: tuple[str, ...] = (), **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end, with ``before`` it as a prefix; a traceback is never an answer."""
    done = subprocess.run(
        [*before, sys.executable, "-m", "harness", *words],
        env={**os.environ, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr + done.stdout
    return done
