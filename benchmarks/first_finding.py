"""A new user's way: the wheel is installed, and an image that is here is checked. How long until the first finding?"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.support.installed import built, run

_IMAGE: Final = "local:musl-node24"
_WRAPPED: Final = ("sh", "-c", 'node -e "setInterval(() => {}, 1000)"; true')


def _installed(wheel: Path, folder: Path) -> Path:
    """Install it as users do, step by step, and return the folder of its programs."""
    run(sys.executable, "-m", "venv", folder)
    run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", wheel)
    return folder / "bin"


def main() -> None:
    """Print how long each step took, in seconds."""
    with TemporaryDirectory() as place:
        wheel = built(Path(place))
        began = time.monotonic()
        programs = _installed(wheel, Path(place) / "venv")
        there = time.monotonic()
        words = [str(programs / "signal-harness"), "check", "--no-try", "--stop-timeout", "1", _IMAGE, "--", *_WRAPPED]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        found = time.monotonic()
    print(done.stdout.splitlines()[0] if done.returncode == 1 else done.stderr)
    print(f"installed in {there - began:.1f} s, found in {found - there:.1f} s, {found - began:.1f} s in all")


if __name__ == "__main__":
    main()
