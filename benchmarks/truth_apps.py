"""Are verdicts on apps that are not our own right? Twelve apps, each started in five ways, against the kernel's record.

Every cell runs with the record hidden from the harness, and with it. Once a run is decided, its container is left alone
for a while longer; then the record says what became of the signal, by the rules of `benchmarks.kernel`. The two must
agree, or the harness must have said that it cannot tell: ``unstable``, or ``untested`` with the reason.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby, product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.kernel import Record, Running, apps_among, judge, running, worst
from harness.core.errors import EngineUnavailable
from harness.core.evidence import Untested
from harness.core.signals import parse_signal
from harness.core.verdict import Verdict
from harness.run.runner import Runner
from harness.run.waiting import until
from harness.session import Selection, Session, TraceMode
from tests.support.cases import DEBIAN, MUSL
from tests.support.field import write_catalogue
from tests.support.python_base import python_base
from tests.support.services import SERVICES, Service, compile_service

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.core.result import Result
    from harness.core.signals import Signal
    from harness.run.protocol import Container, Engine, Launch

LONGER_S: Final = 4.0
"""How long the truth looks on after the signal: longer than the slowest of the apps and wrappers takes."""
MODES: Final = {TraceMode.ON: "with the record", TraceMode.OFF: "without the record"}
AT_ONCE: Final = 3
JOBS: Final = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What the truth needs of one run: the processes before the signal, what to look at since, and the log."""

    processes: dict[int, Running]
    began_s: float
    ended_s: float
    log: tuple[str, ...]


class Watched:
    """An engine whose containers stay a while longer than the harness needs them; what became of them is kept."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._here = threading.local()

    def answers(self) -> bool:
        return self._engine.answers()

    @contextmanager
    def launch(self, launch: Launch) -> Iterator[Container]:
        with self._engine.launch(launch) as container:
            watched = _WatchedContainer(container)
            yield watched
            if watched.began_s is None:
                return
            inbox, ends_s = container.inbox, watched.began_s + LONGER_S
            left_s = max(0.1, ends_s - time.monotonic())
            until(lambda: True if inbox.closed else None, timeout_s=left_s, time=inbox)
            log = tuple(line.text for line in inbox.lines)
            self._here.seen = [
                *self._kept(),
                Seen(processes=watched.processes, began_s=watched.began_s, ended_s=time.monotonic(), log=log),
            ]

    def taken(self) -> list[Seen]:
        """The runs of this thread since this was last asked."""
        kept, self._here.seen = self._kept(), []
        return kept

    def _kept(self) -> list[Seen]:
        kept: list[Seen] = getattr(self._here, "seen", [])
        return kept


class _WatchedContainer:
    """A container whose processes are noted just before it is sent a signal."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self.processes: dict[int, Running] = {}
        self.began_s: float | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def kill(self, signal: Signal) -> int:
        self._note()
        return self._container.kill(signal)

    def stop(self, grace_s: int) -> int:
        self._note()
        return self._container.stop(grace_s)

    def _note(self) -> None:
        tree = self._container.tree()
        self.processes = running(tree[0].pid) if tree else {}
        self.began_s = time.monotonic()


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """One cell: what the harness says, and what the record says of each of its runs."""

    name: str
    verdict: Verdict
    reason: str
    truths: Counter[Verdict]

    @property
    def open(self) -> bool:
        """Whether the harness says that it cannot tell."""
        return self.verdict in (Verdict.UNSTABLE, Verdict.UNTESTED)

    @property
    def contradicted(self) -> bool:
        """Whether the harness says something else than the record."""
        return not self.open and set(self.truths) != {self.verdict}

    def __str__(self) -> str:
        says = ", ".join(f"{verdict} {count}×" for verdict, count in self.truths.most_common()) or "nothing"
        return f"{self.name}: {self.verdict}, the record says {says}\n      {self.reason}"


@dataclass(kw_only=True)
class Tally:
    """All cells, and how many runs they took; ``lost`` counts records that the kernel dropped."""

    cells: list[Checked] = field(default_factory=list)
    runs: int = 0
    lost: int = 0

    @property
    def open(self) -> list[Checked]:
        """The cells that are told to be open."""
        return [cell for cell in self.cells if cell.open]

    @property
    def contradicted(self) -> list[Checked]:
        """The cells of which the record says something else."""
        return [cell for cell in self.cells if cell.contradicted]


def compare(
    repeats: int = 1,
    *,
    bases: tuple[str, ...] = (DEBIAN,),
    services: Sequence[Service] = SERVICES,
    signals: tuple[Signal, ...] = (parse_signal("TERM"),),
    settle_s: float | None = None,
) -> Tally:
    """Run every app in every form on every base, with the record and without, and compare with the truth."""
    tally = Tally()
    python_base()
    ordered = sorted(services, key=lambda service: service.words)
    with tempfile.TemporaryDirectory(prefix="signal-harness-truth-") as scratch, Record() as record:
        groups = []
        for number, (words, some) in enumerate(groupby(ordered, key=lambda service: service.words)):
            group = list(some)
            folder = write_catalogue(Path(scratch, str(number)), words, [row for one in group for row in one.rows])
            compile_service(folder / "context")
            groups.append((folder, group))

        def run(folder: Path, group: list[Service], base: str, trace: TraceMode) -> None:
            here = [service for service in group if base == DEBIAN or not service.needs_debian]
            if not here:
                return
            selection = Selection(
                catalogue=folder,
                bases=(base,),
                variants=tuple(f"{service.name}.*" for service in here),
                signals=signals,
                trace=trace,
                repeat=repeats,
                jobs=JOBS,
                settle_s=settle_s,
            )
            _run(selection, record, tally)

        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            futures = [pool.submit(run, *group, base, trace) for group, base, trace in product(groups, bases, MODES)]
        for future in futures:
            future.result()
        tally.lost = record.lost
    return tally


def _run(selection: Selection, record: Record, tally: Tally) -> None:
    files = {service.name: service.file for service in SERVICES}
    with Session(selection) as session:
        watched = Watched(session.engine)

        def receive(result: Result) -> None:
            seen = watched.taken()
            file = files[result.cell.subject.name.partition(".")[0]]
            truths = Counter(filter(None, (_truth(result, one, file, record) for one in seen)))
            tally.runs += len(seen)
            name = f"{result.cell.id} {MODES[selection.trace]}"
            tally.cells.append(Checked(name=name, verdict=result.verdict, reason=_why(result), truths=truths))

        with Runner(watched, session.schedule, receive) as runner:
            for future in runner.submit(session.cells):
                future.result()


def _truth(result: Result, seen: Seen, file: str, record: Record) -> Verdict | None:
    """What the record says of one run."""
    signal, pattern = result.cell.question.signal, result.cell.subject.app.done
    apps = apps_among(seen.processes, file)
    if signal is None or not apps:
        return None
    done = None if pattern is None else any(pattern.pattern.search(line) for line in seen.log)
    entries = record.between(seen.began_s, seen.ended_s)
    return worst(judge(app, signal.number, entries, done=done) for app in apps)


def _why(result: Result) -> str:
    first = result.shown.evidence
    return first.reason if isinstance(first, Untested) else result.judgement.reason


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--signal", action="append", help="signal to send; repeatable (default: TERM)")
    parser.add_argument("--app", action="append", choices=[service.name for service in SERVICES], help="repeatable")
    parser.add_argument("--base", action="append", choices=[MUSL, DEBIAN], help="repeatable (default: both)")
    chosen = parser.parse_args(arguments)
    services = [service for service in SERVICES if not chosen.app or service.name in chosen.app]
    signals = tuple(parse_signal(name) for name in chosen.signal or ["TERM"])
    bases = tuple(chosen.base or (MUSL, DEBIAN))
    began = time.monotonic()
    try:
        tally = compare(chosen.repeats, bases=bases, services=services, signals=signals)
    except EngineUnavailable as why:
        sys.exit(f"{why}")
    print(f"{counted(len(services), 'app')} in 5 forms, with the kernel's record and without")
    print(f"{len(tally.cells)} cells, {tally.runs} runs in {time.monotonic() - began:.0f} s")
    show(tally)
    sys.exit(bool(tally.contradicted))


def show(tally: Tally) -> None:
    """Print the figure, and each cell that is not as it should be."""
    agree = len(tally.cells) - len(tally.open) - len(tally.contradicted)
    print(f"  {counted(agree, 'cell')}: the verdict is the record's")
    for cells, what in ((tally.open, "told to be open"), (tally.contradicted, "contradicted by the record")):
        print(f"  {counted(len(cells), 'cell')}: {what}")
        for cell in sorted(cells, key=str):
            print(f"    {cell}")
    if tally.lost:
        print(f"  the kernel dropped records {tally.lost} times")


def counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


if __name__ == "__main__":
    main()
