"""How long files of 10,000 cells take to compare, and 2,000 cells to show, against reading them with Python's json.

The cells of a results file of any size are repeated under other names.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec

from harness.core.comparison import compare_all
from harness.report import baseline
from harness.report.decoding import read_document, read_recordings
from harness.report.formats import Format, render

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.core.document import Document

ROUNDS = 5


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="a results file: signal-harness run --json F")
    parser.add_argument("--cells", type=int, default=10_000, help="how many cells the files to compare have")
    chosen = parser.parse_args(arguments)
    cells, few_cells = chosen.cells, chosen.cells // 5
    source = read_document(chosen.results.read_bytes(), place=str(chosen.results))
    with TemporaryDirectory() as name:
        folder = Path(name)
        old, new = (repeated(source, cells, folder / f"{side}.json") for side in ("old", "new"))
        files = [path.read_bytes() for path in (old, new)]
        read = timed(lambda: [json.loads(content) for content in files])
        show(f"diff of two results files, {cells:,} cells each", timed(lambda: diff(files)), read, files)
        (recorded,) = read_recordings(files[0], place="old")
        lines = [baseline.write(recorded).encode()] * 2
        read = timed(lambda: [json.loads(content) for content in lines])
        show(f"diff of two baselines, {cells:,} cells each", timed(lambda: diff(lines)), read, lines)
        content = repeated(source, few_cells, folder / "few.json").read_bytes()
        few = read_document(content, place="few")
        read = timed(lambda: json.loads(content))
        show(f"HTML of {few_cells:,} cells", timed(lambda: render(Format.HTML, few)), read, [content])


def repeated(source: Document, cells: int, path: Path) -> Path:
    """A results file of one base with so many cells."""
    base = str(next(row.base for row in source.results if row.base))
    own = [row for row in source.results if row.base == base]
    rows, subjects = [], {}
    for number in range(cells):
        row, turn = own[number % len(own)], number // len(own)
        name = f"{row.subject}-{turn}"
        subjects[name] = source.subjects[row.subject]
        rows.append(msgspec.structs.replace(row, subject=name))
    made = msgspec.structs.replace(source, subjects=subjects, results=tuple(rows), bases={base: source.bases[base]})
    path.write_text(render(Format.JSON, made), encoding="utf-8")
    return path


def diff(files: list[bytes]) -> object:
    old, new = (read_recordings(content, place="file") for content in files)
    return compare_all(old, new, [one.base.reference for one in new])


def timed(work: Callable[[], Any]) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return median(took)


def show(what: str, took: float, read: float, files: list[bytes]) -> None:
    size = sum(map(len, files)) / 1e6
    print(f"{what} ({size:.1f} MB): {took:.2f} s, {took / read:.2f} times json.loads of the same")


if __name__ == "__main__":
    main()
