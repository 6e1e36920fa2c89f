"""Every signal to every variant: one container for several signals against a fresh one for each, and their verdicts.

The same cells, in turn: with ``--isolation run``, then with ``--isolation variant``. Said is how long each takes, how
many containers it takes, and which verdicts differ; it exits with 1 where one does.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import TYPE_CHECKING

from harness.session import Isolation, Selection, Session, TraceMode, select_signals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.document import Row

BASE = "local:musl-node24"
ONCE = 1


def run(selection: Selection) -> tuple[float, list[Row]]:
    """Run all cells; how long that took, in seconds, with all images built before."""
    with Session(selection) as session:
        for image in session.prepare(session.cells):
            image.result()
        began = time.monotonic()
        rows = [future.result() for future in session.run()]
        return time.monotonic() - began, rows


def containers(rows: Sequence[Row]) -> int:
    """How many containers the rows took."""
    return sum(not one.earlier for row in rows for one in row.runs)


def differing(fresh: Sequence[Row], shared: Sequence[Row]) -> list[str]:
    """The cells whose verdicts differ, each in a line."""
    return [
        f"  {old.id}: {old.verdict} in a fresh container, {new.verdict} after {', '.join(new.runs[new.shown].earlier)}"
        for old, new in zip(fresh, shared, strict=True)
        if old.verdict != new.verdict
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--base", default=BASE)
    parser.add_argument("--variant", action="append", default=[], help="only variants of this name; repeatable")
    parser.add_argument("--signal", action="append", default=[], help="only this signal; repeatable (default: all)")
    chosen = parser.parse_args(arguments)
    ratios, found = [], list[str]()
    for number in range(chosen.rounds):
        seconds: dict[Isolation, float] = {}
        rows: dict[Isolation, list[Row]] = {}
        for isolation in Isolation:
            seconds[isolation], rows[isolation] = run(
                Selection(
                    bases=(chosen.base,),
                    variants=tuple(chosen.variant),
                    signals=select_signals(chosen.signal or ["all"]),
                    repeat=ONCE,
                    trace=TraceMode.ON,
                    isolation=isolation,
                )
            )
        ratios.append(seconds[Isolation.RUN] / seconds[Isolation.VARIANT])
        fresh, shared = rows[Isolation.RUN], rows[Isolation.VARIANT]
        found += differing(fresh, shared)
        print(
            f"round {number + 1}: {len(fresh)} cells, {containers(fresh)} containers in "
            f"{seconds[Isolation.RUN]:.1f} s, or {containers(shared)} in {seconds[Isolation.VARIANT]:.1f} s",
            flush=True,
        )
    print(f"fresh/shared: {statistics.median(ratios):.2f} (rounds: {', '.join(f'{ratio:.2f}' for ratio in ratios)})")
    print(f"{len(found)} verdicts differ", *found, sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
