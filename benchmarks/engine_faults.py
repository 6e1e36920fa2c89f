"""Real harm to an engine while runs go on, many harnesses on it at once, and hostile containers.

It is killed and started again, frozen, and its disk is full. It is one of its own, in a network namespace and on a disk
of its own, and gone in the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from benchmarks import hostile
from benchmarks.harmed import BASE, Bench, Outcome
from tests.support.leftovers import wait_for_cells
from tests.support.own_engine import OwnEngine, own_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_DISK_MB: Final = 3000
_CELLS: Final = 2
"""How many containers are started before harm is done."""

_DOWN_S: Final = 3.0
_FULL_S: Final = 5.0

Do: TypeAlias = "Callable[[OwnEngine, Callable[[float], object]], None]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """Harm: ``do`` is given the engine, and what waits for so many seconds, or less where the run is over."""

    name: str
    do: Do


def _killed(engine: OwnEngine, pause: Callable[[float], object]) -> None:
    engine.kill()
    pause(_DOWN_S)
    engine.start()


def _stopped(engine: OwnEngine, pause: Callable[[float], object]) -> None:
    engine.stop()
    pause(_DOWN_S)
    engine.start()


def _frozen(seconds: float) -> Do:
    def do(engine: OwnEngine, pause: Callable[[float], object]) -> None:
        engine.freeze()
        pause(seconds)
        engine.thaw()

    return do


def _full(seconds: float) -> Do:
    def do(engine: OwnEngine, pause: Callable[[float], object]) -> None:
        engine.fill()
        pause(seconds)
        engine.empty()

    return do


DEEDS: Final = (
    Deed(name="dockerd is killed, and there again after 3 s", do=_killed),
    Deed(name="dockerd is stopped, and there again after 3 s", do=_stopped),
    Deed(name="dockerd is frozen for 5 s", do=_frozen(5)),
    Deed(name="dockerd is frozen for 40 s", do=_frozen(40)),
    Deed(name="dockerd is frozen for 150 s", do=_frozen(150)),
    Deed(name="its disk is full for 5 s", do=_full(_FULL_S)),
    Deed(name="its disk is full to the end", do=_full(1000)),
)


@contextmanager
def _meanwhile(deed: Deed, engine: OwnEngine, pid: int) -> Iterator[None]:
    """Do harm while a run goes on, as its first cells do; on leaving, the engine is as before."""
    over = threading.Event()

    def do() -> None:
        wait_for_cells(pid, _CELLS)
        if not over.is_set():
            deed.do(engine, over.wait)

    doing = threading.Thread(target=do, daemon=True)
    doing.start()
    try:
        yield
    finally:
        over.set()
        doing.join()


@contextmanager
def _named(url: str) -> Iterator[None]:
    """Have the environment name an engine."""
    before = os.environ.get("DOCKER_HOST")
    os.environ["DOCKER_HOST"] = url
    try:
        yield
    finally:
        if before is None:
            del os.environ["DOCKER_HOST"]
        else:
            os.environ["DOCKER_HOST"] = before


def measure(variants: Sequence[str], harnesses: int, deeds: Sequence[Deed] = DEEDS) -> int:
    """Print the tables, and return how many things are wrong or left."""
    with tempfile.TemporaryDirectory() as name, own_engine(_DISK_MB) as engine, _named(engine.url):
        folder = Path(name)
        # From outside: there is no network where the engine is.
        subprocess.run([sys.executable, "-m", "harness", "bases", "build", BASE], check=True, capture_output=True)
        bench = Bench(folder, variants=variants, enter=engine.inside())
        bad = _deeds(bench, engine, deeds)
        if harnesses:
            bad += _at_once(folder, engine, variants, harnesses)
        return bad + sum(hostile.measure(folder, engine.url, trace, enter=engine.inside()) for trace in ("auto", "off"))


def _deeds(bench: Bench, engine: OwnEngine, deeds: Sequence[Deed]) -> int:
    bench.straight()  # which builds the images
    truth = bench.straight()
    print(f"\n{len(truth.verdicts)} cells on an engine of its own; {truth.took_s:.1f} s without faults\n")
    print("| fault | wrong | untested | left | seconds |\n|---|--:|--:|--:|--:|")
    bad = 0
    for deed in deeds:
        found = bench.straight(partial(_meanwhile, deed, engine)).held_against(truth)
        bad += _row(deed.name, [found], len(truth.verdicts))
        # What could not be removed while the engine was gone goes with the next run.
        subprocess.run(engine.inside(sys.executable, "-m", "harness", "clean"), check=True, capture_output=True)
    return bad


def _at_once(folder: Path, engine: OwnEngine, variants: Sequence[str], number: int) -> int:
    """Runs of many harnesses on one engine, each of one variant."""
    benches = []
    for count in range(number):
        own = folder / str(count)
        own.mkdir()
        benches.append(Bench(own, variants=(variants[count % len(variants)],), enter=engine.inside()))
    truth = [bench.straight() for bench in benches[: len(variants)]]
    with ThreadPoolExecutor(number) as pool:
        found = list(pool.map(Bench.straight, benches))
    compared = [one.held_against(truth[count % len(truth)]) for count, one in enumerate(found)]
    cells = sum(len(truth[count % len(truth)].verdicts) for count in range(number))
    return _row(f"{number} harnesses at once, {cells} cells", compared, cells)


def _row(name: str, found: Sequence[Outcome], cells: int) -> int:
    """Print what came of one fault, and return how many things are wrong, or left and not said."""
    wrong = [line for one in found for line in one.wrong]
    left, unsaid = sum(len(one.left) for one in found), sum(len(one.unsaid) for one in found)
    missing = cells - sum(len(one.verdicts) for one in found)
    untested = sum(len(one.untested) for one in found) + missing
    took_s = max(one.took_s for one in found)
    print(f"| {name} | {len(wrong)} | {untested} | {left} | {took_s:.1f} |", flush=True)
    reasons = Counter(one.reasons[cell] for one in found for cell in one.untested)
    for line in (*wrong, *(f"{number} untested: {reason}" for reason, number in reasons.items())):
        print(f"  {line}", file=sys.stderr)
    if missing:
        print(f"  {missing} missing: {[one.said[-300:] for one in found if not one.verdicts]}", file=sys.stderr)
    return len(wrong) + unsaid
