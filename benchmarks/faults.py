"""What a run makes of faults: a real one, on a real engine behind a proxy that does harm, against one without faults.

Counted are wrong verdicts, untested ones, and what is left. ``python -m benchmarks.faults`` prints tables of all
faults, and of signals to the harness at random moments; its seed is printed, and can be given.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from harness.engine.endpoint import engine_url
from tests.support.harm import Asked, Deed, Harm, Proxy, proxy
from tests.support.leftovers import left_behind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

BASE: Final = "local:musl-node24"
VARIANTS: Final = ("node-exec-form", "npm-start-exec", "entrypoint-no-exec", "tini", "no-handlers")
_ASKED: Final = ("--signal", "SIGHUP", "--signal", "SIGUSR2", "--probe", "signal", "--probe", "stop")
_MANY_RUNS: Final = ("--repeat", "20")
_HOW: Final = {"auto": "with the kernel's record", "off": "without the kernel's record"}
_LONG_S: Final = 900
_CLEARED_S: Final = 30
_MOMENTS_S: Final = (0.1, 8.0)
"""After how many seconds a signal is sent to a run that would take longer."""

_OPEN: Final = ("untested", "unstable")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A fault, and when it is done: ``harm`` to requests, or all is frozen after some seconds, for some seconds."""

    name: str
    harm: Callable[[random.Random], Harm] = lambda _: lambda _: None
    frozen_s: float = 0.0
    frozen_after_s: float = 0.0


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


@dataclass(kw_only=True)
class Outcome:
    """What came of a run: verdicts by cell, how it ended, and what it left."""

    verdicts: Mapping[str, str]
    reasons: Mapping[str, str]
    code: int
    took_s: float
    left: list[str]
    harmed: int = 0
    said: str = ""
    wrong: list[str] = field(default_factory=list)

    @property
    def unsaid(self) -> list[str]:
        """What it left without saying that it could not be removed."""
        return [] if "could not be removed" in self.said else self.left

    @property
    def untested(self) -> list[str]:
        """The cells of which it says nothing."""
        return [name for name, verdict in self.verdicts.items() if verdict in _OPEN]

    def held_against(self, truth: Outcome) -> Outcome:
        """With the cells whose verdict is another, and which are not open."""
        self.wrong = [
            f"{name}: {verdict}, and not {truth.verdicts.get(name)}"
            for name, verdict in self.verdicts.items()
            if verdict not in (*_OPEN, truth.verdicts.get(name))
        ]
        return self


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['subject']}/{row['signal'] if row['probe'] == 'signal' else row['probe']}"


class Bench:
    """Where runs are made: a socket of the engine's, and a folder."""

    def __init__(self, folder: Path, *, variants: Sequence[str] = VARIANTS, more: Sequence[str] = ()) -> None:
        self.folder = folder
        self.engine = Path(urlsplit(engine_url()).path)
        self._words = [word for variant in variants for word in ("--variant", variant)]
        self._words = ["run", "--base", BASE, *self._words, *_ASKED, "--jobs", "4", *more]

    @contextmanager
    def started(self, socket: Path, results: Path) -> Iterator[subprocess.Popen[str]]:
        """A run under way; it is killed on leaving, if it still goes on."""
        scratch = self.folder / "tmp"
        scratch.mkdir(exist_ok=True)
        results.unlink(missing_ok=True)
        environment = {**os.environ, "DOCKER_HOST": f"unix://{socket}", "TMPDIR": str(scratch), "NO_COLOR": "1"}
        command = [sys.executable, "-m", "harness", *self._words, "--json", str(results)]
        with (self.folder / "said").open("w", encoding="utf-8") as said:
            run = subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT, text=True)
        try:
            yield run
        finally:
            if run.poll() is None:
                run.kill()
            run.wait()

    def left(self, pid: int) -> list[str]:
        """What a run left: containers, trace instances, temporary files."""
        scratch = self.folder / "tmp"
        return [*left_behind(pid), *(path.name for path in scratch.iterdir())]

    def run(self, fault: Fault | None = None, *, seed: int = 0) -> Outcome:
        """Make a run to its end, with a fault or without."""
        results = self.folder / "results.json"
        fault = fault or Fault(name="none")
        with proxy(self.folder / "engine.sock", self.engine, fault.harm(random.Random(seed))) as way:
            began_s = time.monotonic()
            with self.started(self.folder / "engine.sock", results) as run, frozen(way, fault):
                code = run.wait(timeout=_LONG_S)
            took_s = time.monotonic() - began_s
        rows: list[Any] = json.loads(results.read_text(encoding="utf-8"))["results"] if results.exists() else []
        return Outcome(
            verdicts={_name(row): row["verdict"] for row in rows},
            reasons={_name(row): row["reason"] for row in rows},
            code=code,
            took_s=took_s,
            left=self.left(run.pid),
            harmed=way.harmed,
            said=(self.folder / "said").read_text(encoding="utf-8"),
        )

    def interrupt(self, number: signal.Signals, after_s: float, *, hung: bool = False) -> Interrupted:
        """Send a running harness a signal after some seconds, and see what it leaves; ``hung``: the engine hangs."""
        with ExitStack() as stack:
            way = stack.enter_context(proxy(self.folder / "engine.sock", self.engine))
            run = stack.enter_context(self.started(self.folder / "engine.sock", self.folder / "results.json"))
            with suppress(subprocess.TimeoutExpired):
                run.wait(timeout=after_s)
            if hung:
                way.freeze()
            began_s, over = time.monotonic(), run.poll() is not None
            run.send_signal(number)
            try:
                run.wait(timeout=_CLEARED_S)
            except subprocess.TimeoutExpired:
                return Interrupted(number=number, ended_s=None, left=["itself"], over=over)
            ended_s = time.monotonic() - began_s
            way.thaw()
        said = (self.folder / "said").read_text(encoding="utf-8")
        if number is signal.SIGKILL or hung:
            subprocess.run([sys.executable, "-m", "harness", "clean"], check=True, capture_output=True)
        left = self.left(run.pid)
        for path in (self.folder / "tmp").iterdir():
            path.unlink()
        traceback = ["a traceback"] if "Traceback" in said else []
        return Interrupted(number=number, ended_s=ended_s, left=[*left, *traceback], over=over, said=said)


@dataclass(frozen=True, kw_only=True, slots=True)
class Interrupted:
    """What came of a signal: after how many seconds the run ended (``None``: it did not), and what it left.

    ``over`` says whether it had ended before.
    """

    number: signal.Signals
    ended_s: float | None
    left: list[str]
    over: bool
    said: str = ""


@contextmanager
def frozen(way: Proxy, fault: Fault) -> Iterator[None]:
    """Freeze the way for as long as a fault says, while a run goes on."""
    over = threading.Event()

    def freeze() -> None:
        if not over.wait(fault.frozen_after_s):
            way.freeze()
            over.wait(fault.frozen_s)
            way.thaw()

    if not fault.frozen_s:
        yield
        return
    freezing = threading.Thread(target=freeze, daemon=True)
    freezing.start()
    try:
        yield
    finally:
        over.set()
        freezing.join()


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
    kinds: list[tuple[str, signal.Signals, bool]] = [
        ("SIGINT", signal.SIGINT, False),
        ("SIGTERM", signal.SIGTERM, False),
        ("SIGHUP", signal.SIGHUP, False),
        ("SIGKILL, then `clean`", signal.SIGKILL, False),
        ("SIGINT, the engine hangs, then `clean`", signal.SIGINT, True),
    ]
    for name, number, hung in kinds:
        found = [bench.interrupt(number, luck.uniform(*_MOMENTS_S), hung=hung) for _ in range(times)]
        left = [line for one in found for line in one.left]
        longest = max(one.ended_s if one.ended_s is not None else float("inf") for one in found)
        running = sum(not one.over for one in found)
        print(f"| {name} | {times} | {running} | {len(left)} | {longest:.1f} s |", flush=True)
        for line in left:
            print(f"  {line}", file=sys.stderr)
        bad += len(left)
    return bad


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables; exit with 1 if a verdict is wrong or something is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 16), help="of what is hit, and when")
    parser.add_argument("--times", type=int, default=15, help="how often each signal is sent")
    parser.add_argument("--fault", action="append", choices=[fault.name for fault in FAULTS], help="only these")
    parser.add_argument("--variant", action="append", choices=VARIANTS, help="only these")
    parser.add_argument("--trace", action="append", choices=("auto", "off"), help="with the record, or without; both")
    chosen = parser.parse_args(arguments)
    print(f"seed {chosen.seed}")
    faults = [fault for fault in FAULTS if chosen.fault is None or fault.name in chosen.fault]
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for trace in chosen.trace or ("auto", "off"):
            bench = Bench(Path(folder), variants=chosen.variant or VARIANTS, more=("--trace", trace))
            bad += _faults(bench, faults, chosen.seed, _HOW[trace])
        if chosen.times:
            bad += _signals(Bench(Path(folder), more=_MANY_RUNS), chosen.seed, chosen.times)
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
