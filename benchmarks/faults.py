"""What a run makes of faults: a real one, on a real engine behind a proxy that does harm, against one without faults.

Counted are wrong verdicts, untested ones, and what is left. ``python -m benchmarks.faults`` prints tables of all
faults, of signals to the harness at random moments, and of real harm to an engine of its own (`engine_faults`); its
seed is printed, and can be given.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import engine_faults
from benchmarks.harmed import VARIANTS, Bench, Fault
from tests.support.harm import Asked, Deed, Harm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MANY_RUNS: Final = ("--repeat", "20")
_HUNG_SHARE: Final = 4
"""A run on an engine that hangs takes some 8 s to end: it is interrupted less often."""

_HOW: Final = {"auto": "with the kernel's record", "off": "without the kernel's record"}
_MOMENTS_S: Final = (0.1, 8.0)
"""After how many seconds a signal is sent to a run that would take longer."""


def _is(asked: Asked, method: str, end: str) -> bool:
    return asked.method == method and asked.path.partition("?")[0].endswith(end)


def _some(deeds: Sequence[Deed], share: float, *, but: Sequence[str] = ()) -> Callable[[random.Random], Harm]:
    """Harm to a share of all requests, but for some of which the ends of the paths are given."""

    def harm(luck: random.Random) -> Harm:
        def of(asked: Asked) -> Deed | None:
            spared = any(asked.path.partition("?")[0].endswith(end) for end in but)
            return luck.choice(deeds) if not spared and luck.random() < share else None

        return of

    return harm


def _every(number: int, deeds: Sequence[Deed]) -> Callable[[random.Random], Harm]:
    """Harm to every so many-th connection, one deed after another."""
    return lambda _: lambda asked: deeds[asked.number // number % len(deeds)] if asked.number % number == 0 else None


def _these(method: str, end: str, deed: Deed, share: float = 1.0) -> Callable[[random.Random], Harm]:
    """Harm to a share of the requests of a kind."""
    return lambda luck: lambda asked: deed if _is(asked, method, end) and luck.random() < share else None


def _delete(luck: random.Random) -> Harm:
    return lambda asked: Deed.FAIL if asked.method == "DELETE" and luck.random() < 0.7 else None


FAULTS: Final = (
    Fault(name="every 10th connection is closed", harm=_every(10, (Deed.CLOSE, Deed.CLOSE_AFTER))),
    Fault(name="every 4th connection is closed", harm=_every(4, (Deed.CLOSE, Deed.CLOSE_AFTER))),
    Fault(name="the events are cut, again and again", harm=_these("GET", "/events", Deed.CUT)),
    Fault(name="a third of the outputs is cut", harm=_these("POST", "/attach", Deed.CUT, 0.33)),
    Fault(name="500 to one request in ten", harm=_some((Deed.FAIL, Deed.FAIL_AFTER), 0.1)),
    Fault(name="500 to a third of all signals", harm=_these("POST", "/kill", Deed.FAIL_AFTER, 0.33)),
    Fault(name="answers are late, half of them by 0.3 s", harm=_some((Deed.DELAY,), 0.5)),
    Fault(name="one answer in ten is cut short", harm=_some((Deed.TRUNCATE,), 0.1, but=("/events", "/attach"))),
    Fault(name="one answer in ten is garbage", harm=_some((Deed.GARBAGE,), 0.1)),
    Fault(name="a third of the signals is not sent (204)", harm=_these("POST", "/kill", Deed.LIE, 0.33)),
    Fault(name="no signal is sent (204)", harm=_these("POST", "/kill", Deed.LIE)),
    Fault(name="a third of the stops is not done (204)", harm=_these("POST", "/stop", Deed.LIE, 0.33)),
    Fault(name="most removals fail", harm=_delete),
    Fault(name="frozen for 5 s", frozen_after_s=2.5, frozen_s=5),
    Fault(name="frozen for 40 s", frozen_after_s=2.5, frozen_s=40),
)


def _faults(bench: Bench, faults: Sequence[Fault], seed: int, how: str) -> int:
    """Print the table of faults, and return how many things are wrong or left."""
    truth = bench.run()
    print(f"\n{len(truth.verdicts)} cells, {how}; {truth.took_s:.1f} s without faults\n")
    print("| fault | requests hit | wrong | untested | left, not said | left, said | seconds |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    bad = 0
    for fault in faults:
        found = bench.run(fault, seed=seed).held_against(truth)
        missing = len(truth.verdicts) - len(found.verdicts)
        untested = len(found.untested) + missing
        print(
            f"| {fault.name} | {found.harmed} | {len(found.wrong)} | {untested} | {len(found.unsaid)} "
            f"| {len(found.left) - len(found.unsaid)} | {found.took_s:.1f} |",
            flush=True,
        )
        for line in (*found.wrong, *found.unsaid, *({found.said[-400:]} if missing else ())):
            print(f"  {line}", file=sys.stderr)
        for reason, number in Counter(found.reasons[name] for name in found.untested).items():
            print(f"  {number} untested: {reason}", file=sys.stderr)
        bad += len(found.wrong) + len(found.unsaid)
    return bad


def _signals(bench: Bench, seed: int, times: int) -> int:
    """Print what signals at random moments leave, and return how much."""
    luck = random.Random(seed)
    print("\n| signal | times | while it ran | left | longest to the end |\n|---|--:|--:|--:|--:|")
    bad = 0
    kinds: list[tuple[str, signal.Signals | None, bool]] = [
        ("SIGINT", signal.SIGINT, False),
        ("SIGTERM", signal.SIGTERM, False),
        ("SIGHUP", signal.SIGHUP, False),
        ("SIGKILL, then `clean`", signal.SIGKILL, False),
        ("the terminal is closed", None, False),
        ("SIGINT, the engine hangs, then `clean`", signal.SIGINT, True),
    ]
    for name, number, hung in kinds:
        so_often = max(1, times // _HUNG_SHARE) if hung else times
        found = [bench.interrupt(number, luck.uniform(*_MOMENTS_S), hung=hung) for _ in range(so_often)]
        left = [line for one in found for line in one.left]
        longest = max(one.ended_s if one.ended_s is not None else float("inf") for one in found)
        running = sum(not one.over for one in found)
        print(f"| {name} | {so_often} | {running} | {len(left)} | {longest:.1f} s |", flush=True)
        for line in left:
            print(f"  {line}", file=sys.stderr)
        bad += len(left)
    return bad


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables; exit with 1 if a verdict is wrong or something is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 16), help="of what is hit, and when")
    parser.add_argument("--times", type=int, default=20, help="how often each signal is sent")
    parser.add_argument(
        "--harnesses",
        type=int,
        default=20,
        help="how many run at once on an engine of its own; 0 leaves that engine out",
    )
    parser.add_argument("--fault", action="append", choices=[fault.name for fault in FAULTS], help="only these")
    parser.add_argument("--variant", action="append", choices=VARIANTS, help="only these")
    parser.add_argument("--trace", action="append", choices=("auto", "off"), help="with the record, or without; both")
    chosen = parser.parse_args(arguments)
    print(f"seed {chosen.seed}")
    # In the background of a script it is ignored, and what is started there ignores it, too (POSIX, sh, 2.11).
    signal.signal(signal.SIGINT, signal.default_int_handler)
    faults = [fault for fault in FAULTS if chosen.fault is None or fault.name in chosen.fault]
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for trace in chosen.trace or ("auto", "off"):
            bench = Bench(Path(folder), variants=chosen.variant or VARIANTS, more=("--trace", trace))
            bad += _faults(bench, faults, chosen.seed, _HOW[trace])
        if chosen.times:
            bad += _signals(Bench(Path(folder), more=_MANY_RUNS), chosen.seed, chosen.times)
    if chosen.harnesses:
        bad += engine_faults.measure(chosen.variant or VARIANTS, chosen.harnesses)
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
