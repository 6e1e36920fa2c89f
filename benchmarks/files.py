"""How long files of 10,000 cells take to compare, and 2,000 cells to show, against reading them with Python's json.

Usage: python -m benchmarks.files RESULTS, with a results file of any size: its cells are repeated under other names.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec

from harness.core.baseline import counterparts
from harness.core.comparison import compare
from harness.report import baseline, document
from harness.report.formats import Format, render

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    source = document.decode(Path(sys.argv[1]).read_bytes(), place=sys.argv[1])
    with TemporaryDirectory() as name:
        folder = Path(name)
        old, new = (_repeated(source, 10_000, folder / f"{side}.json") for side in ("old", "new"))
        files = [path.read_bytes() for path in (old, new)]
        read = _timed(lambda: [json.loads(content) for content in files])
        _told("diff of two results files, 10,000 cells each", _timed(lambda: _diff(files)), read, files)
        (recorded,) = baseline.read(files[0], place="old")
        lines = [baseline.write(recorded).encode()] * 2
        read = _timed(lambda: [json.loads(content) for content in lines])
        _told("diff of two baselines, 10,000 cells each", _timed(lambda: _diff(lines)), read, lines)
        few = document.decode(_repeated(source, 2_000, folder / "few.json").read_bytes(), place="few")
        content = document.encode(few).encode()
        read = _timed(lambda: json.loads(content))
        _told("HTML of 2,000 cells", _timed(lambda: render(Format.HTML, few)), read, [content])


def _repeated(source: document.Document, cells: int, path: Path) -> Path:
    """A results file of one base with so many cells."""
    base = source.results[0].base
    own = [row for row in source.results if row.base == base]
    rows, variants = [], {}
    for number in range(cells):
        row, turn = own[number % len(own)], number // len(own)
        name = f"{row.variant}-{turn}"
        variants[name] = source.variants[row.variant]
        rows.append(msgspec.structs.replace(row, variant=name))
    made = msgspec.structs.replace(source, variants=variants, results=tuple(rows), bases={base: source.bases[base]})
    path.write_text(document.encode(made), encoding="utf-8")
    return path


def _diff(files: list[bytes]) -> object:
    old, new = (baseline.read(content, place="file") for content in files)
    pairs = counterparts(old, [one.base.reference for one in new])
    return [compare(pairs[one.base.reference], one) for one in new]


def _timed(work: Callable[[], Any]) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return median(took)


def _told(what: str, took: float, read: float, files: list[bytes]) -> None:
    size = sum(map(len, files)) / 1e6
    print(f"{what} ({size:.1f} MB): {took:.2f} s, {took / read:.2f} times json.loads of the same")


if __name__ == "__main__":
    main()
