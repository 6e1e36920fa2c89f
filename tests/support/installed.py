"""The package as its users have it: built, and installed from the wheel into a virtual environment of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


def run(*words: str | Path, cwd: Path = ROOT) -> None:
    """Run a command.

    Raises:
        RuntimeError: it failed; the text is what it said.
    """
    done = subprocess.run(list(map(str, words)), cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed:\n{done.stdout}{done.stderr}")


def built(folder: Path) -> Path:
    """Build the wheel into a folder."""
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


def installed(wheel: Path, folder: Path, *more: str, extras: str = "") -> Path:
    """Install a wheel, with extras and other packages, and return the folder of its programs.

    It is not compiled, as most of it is never imported; and by our own pip, which it does not bring.
    """
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python")
    run(*pip, "install", "--quiet", "--no-compile", f"{wheel}{extras}", *more)
    return folder / "bin"
