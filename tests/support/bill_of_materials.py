"""What the package is made of, as CycloneDX: ``python -m tests.support.bill_of_materials FOLDER``.

By what a plain install of the wheel brings, as an index may have newer versions tomorrow.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.installed import installed, run


def write(folder: Path) -> Path:
    """Write the bill of a folder's wheel beside it."""
    (wheel,) = folder.glob("*.whl")
    bill = folder / f"{wheel.stem.split('-py3')[0]}.cdx.json"
    with TemporaryDirectory() as place:
        programs = installed(wheel, Path(place))
        words = ("--output-reproducible", "--mc-type", "application", "--output-file", bill)
        run(sys.executable, "-m", "cyclonedx_py", "environment", *words, programs / "python")
    return bill


if __name__ == "__main__":
    write(Path(sys.argv[1]))
