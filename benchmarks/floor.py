"""A run's wall time against the floor: the same containers, straight through the Engine API, no waiting for verdicts.

With the kernel's record, without it, and with a helper that reads it, each cell run once. All sides run in one session,
in turn, each several times; ratios are of medians. The floor is taken at the best of several concurrencies. From docker
kill to the verdict it is longer where other containers start meanwhile: so all cells run once more, one at a time.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from harness.engine.client import connect
from harness.engine.containers import LABEL
from harness.session import Isolation, Selection, Session, TraceMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    import docker

    from harness.core.document import Row
    from harness.core.subject import Cell

JOBS = (2, 4, 6, 8)


def life(api: docker.APIClient, image: str, cell: Cell) -> None:
    """Live one container's life: create, start, ready, kill, remove."""
    config = api.create_host_config(network_mode="none", init=cell.subject.launch.init)
    container = api.create_container(image, host_config=config, labels={f"{LABEL}.bench": "floor"})["Id"]
    try:
        stream = api.attach(container, stdout=True, stderr=True, stream=True, logs=False)
        api.start(container)
        seen = b""
        for piece in stream:
            seen += piece
            if b"Listening on port" in seen:
                break
        api.kill(container, cell.question.name)
    finally:
        api.remove_container(container, force=True, v=True)


def floor(api: docker.APIClient, work: Sequence[tuple[str, Cell]], jobs: int) -> float:
    began = time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(life, api, image, cell) for image, cell in work]:
            future.result()
    return time.monotonic() - began


def run(session: Session, cells: Sequence[Cell]) -> tuple[float, list[Row]]:
    began = time.monotonic()
    rows = [future.result() for future in session.run(cells)]
    return time.monotonic() - began, rows


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variant", action="append", default=[], help="only variants of this name; repeatable")
    chosen = parser.parse_args(arguments)
    variants = tuple(chosen.variant)
    with (
        Session(Selection(variants=variants, repeat=1, trace=TraceMode.ON, isolation=Isolation.RUN)) as session,
        Session(Selection(variants=variants, repeat=1, trace=TraceMode.OFF, isolation=Isolation.RUN)) as without,
        Session(Selection(variants=variants, repeat=1, trace=TraceMode.HELPER, isolation=Isolation.RUN)) as by_helper,
        Session(Selection(variants=variants, repeat=1, trace=TraceMode.ON, isolation=Isolation.RUN, jobs=1)) as alone,
    ):
        cells = session.cells
        print(
            f"{len(cells)} cells on {', '.join(session.base_facts)}; {chosen.rounds} rounds; building images first",
            flush=True,
        )
        work = [(session.image_of(cell), cell) for cell in cells]
        for other in (without, by_helper, alone):
            for cell in other.cells:
                other.image_of(cell)
        api = connect()
        best = min(JOBS, key=lambda jobs: floor(api, work[:: max(1, len(work) // 40)], jobs))
        floors, runs, blind, helped = [], [], [], []
        at_once: list[Row] = []
        for number in range(chosen.rounds):
            floors.append(floor(api, work, best))
            seconds, rows = run(session, cells)
            runs.append(seconds)
            blind.append(run(without, without.cells)[0])
            seconds, others = run(by_helper, by_helper.cells)
            helped.append(seconds)
            at_once += rows
            print(
                f"round {number + 1}: floor {floors[-1]:.2f} s ({best} at once), run {runs[-1]:.2f} s, "
                f"without the kernel's record {blind[-1]:.2f} s, by a helper {helped[-1]:.2f} s with "
                f"{sum(one.verdict != other.verdict for one, other in zip(rows, others, strict=True))} other verdicts",
                flush=True,
            )
        one_at_a_time = run(alone, alone.cells)[1]
        api.close()
    show("run/floor", runs, floors)
    show("run/floor without the kernel's record", blind, floors)
    show("with the kernel's record/without", runs, blind)
    show("with a helper/with the kernel's record", helped, runs)
    show_decided("as above", at_once)
    show_decided("one cell at a time", one_at_a_time)


def show_decided(how: str, rows: Sequence[Row]) -> None:
    decided: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        if (milliseconds := row.runs[row.shown].decided_ms) is not None:
            decided[row.verdict].append((milliseconds, milliseconds - last_ms(row)))
    print(f"from docker kill to verdict, {how}, ms; and from the last that the kernel recorded:")
    for verdict, values in sorted(decided.items()):
        (median, p95), (since, since_p95) = (
            (statistics.median(one), quantile(list(one), 0.95)) for one in zip(*values, strict=True)
        )
        print(
            f"  {verdict:10} n={len(values):4}  median {median:7.1f}  p95 {p95:7.1f};  "
            f"median {since:7.1f}  p95 {since_p95:7.1f}"
        )


def last_ms(row: Row) -> float:
    """How long after the signal was sent the last thing happened that the kernel recorded."""
    return row.evidence.path.steps[-1].at_us / 1000 if row.evidence.path and row.evidence.path.steps else 0.0


def show(what: str, ours: list[float], theirs: list[float]) -> None:
    pairs = ", ".join(f"{one / other:.2f}" for one, other in zip(ours, theirs, strict=True))
    print(f"ratio {what}: {statistics.median(ours) / statistics.median(theirs):.2f} (rounds: {pairs})")


if __name__ == "__main__":
    main()
