"""Do logs and process trees alone give the verdict that the kernel's own record gives, on a machine that is busy?

Every cell runs several times with the record hidden from the harness, while other work keeps all processors busy. Once
a run is decided, its container is left alone for a while longer; then the record is read, and a verdict is made of the
record alone, by rules that share nothing with the harness's. The two must agree; where evidence without the record
cannot tell, the harness must say so: ``unstable``, or ``untested`` with the reason.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.core.evidence import SignalEvidence, Untested
from harness.core.judge import judge, judge_all
from harness.core.question import Probe
from harness.core.result import Result, Run
from harness.core.trace import Fate, Handled, Sent
from harness.core.verdict import Verdict
from harness.run.runner import Runner
from harness.run.waiting import until
from harness.session import Selection, Session, TraceMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.core.trace import TraceRecord
    from harness.run.protocol import Container, Engine, Launch

LONGER_S = 2.5  # util-linux su sends SIGKILL two seconds after the signal that it passes on
SIGKILL = 9
PROBES = (Probe.SIGNAL, Probe.TTY)


class Blind:
    """An engine whose containers show no record while they are looked at; it is kept for afterwards."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._here = threading.local()

    @contextmanager
    def launch(self, launch: Launch) -> Iterator[Container]:
        with self._engine.launch(launch) as container:
            yield _BlindContainer(container)
            if launch.control:
                return
            inbox = container.inbox
            until(lambda: True if inbox.closed else None, timeout_s=LONGER_S, time=inbox)
            self._kept().append(container.trace())

    def answers(self) -> bool:
        return self._engine.answers()

    def taken(self) -> list[tuple[TraceRecord, ...] | None]:
        """The records of this thread's containers since this was last asked, in order."""
        kept, self._here.kept = self._kept(), []
        return kept

    def _kept(self) -> list[tuple[TraceRecord, ...] | None]:
        if not hasattr(self._here, "kept"):
            self._here.kept = []
        kept: list[tuple[TraceRecord, ...] | None] = self._here.kept
        return kept


class _BlindContainer:
    def __init__(self, container: Container) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def trace(self) -> None:
        return None


def by_record(evidence: SignalEvidence, record: tuple[TraceRecord, ...]) -> Verdict:
    """What the kernel's record alone says became of a signal; the evidence only names the app and the signal."""
    seen, number = evidence.seen, evidence.sent.number
    app, ids = seen.app, seen.app_ids
    since = [entry for entry in record if entry.time_s * 1e9 >= seen.began_ns]
    arrived = [
        entry.number
        for entry in since
        if isinstance(entry, Sent)
        and entry.target_pid in ids
        and entry.sender_pid not in ids
        and entry.fate in (Fate.DELIVERED, Fate.MERGED)
    ]
    gone = any(isinstance(entry, Handled) and entry.pid in ids and entry.number == SIGKILL for entry in since)
    # A runtime's own handler clears up and sends the process the same signal once more, without a handler this time.
    raised = any(isinstance(entry, Sent) and entry.sender_pid in ids and entry.number == number for entry in since)
    sent = arrived.count(number)
    if app is None or raised or not app.catches(evidence.sent):
        return Verdict.KILLED if gone else Verdict.SWALLOWED
    if sent:
        return Verdict.CUT_SHORT if gone else Verdict.DUPLICATED if sent > 1 else Verdict.FORWARDED
    if any(other not in (number, SIGKILL) for other in arrived):
        return Verdict.TRANSLATED
    return Verdict.KILLED if gone else Verdict.SWALLOWED


@dataclass(kw_only=True)
class Tally:
    """What came out of it; ``wrong`` are cells in which harness and record contradict each other."""

    cells: int = 0
    runs: int = 0
    agree: int = 0
    open: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    merged: int = 0
    lost_records: int = 0
    untested: Counter[str] = field(default_factory=Counter)

    def add(self, result: Result, records: list[tuple[TraceRecord, ...] | None]) -> None:
        """Take in one cell."""
        self.cells += 1
        truths: Counter[Verdict] = Counter()
        for run, record in zip(result.runs, records, strict=False):
            if isinstance(run.evidence, Untested):
                self.untested[f"{result.cell.id}: {run.evidence.reason}"] += 1
            if not isinstance(run.evidence, SignalEvidence) or record is None:
                self.lost_records += record is None
                continue
            truth = by_record(run.evidence, record)
            truths[truth] += 1
            self.runs += 1
            seeing = replace(
                run.evidence,
                seen=replace(
                    run.evidence.seen,
                    trace=tuple(r for r in record if r.time_s * 1e9 >= run.evidence.seen.began_ns),
                ),
            )
            with_record = judge_all([Run(evidence=seeing, judgement=judge(seeing))])[0].verdict
            if with_record not in (truth, Verdict.UNTESTED):
                self.wrong.append(f"{result.cell.id}: {with_record} with the record, which says {truth}")
            self.merged += run.judgement.verdict is Verdict.FORWARDED and truth is Verdict.DUPLICATED
        says = ", ".join(f"{verdict} {count}×" for verdict, count in truths.most_common())
        if result.verdict in (Verdict.UNSTABLE, Verdict.UNTESTED):
            self.open.append(f"{result.cell.id}: {result.verdict}, the record says {says}\n      {_why(result)}")
        elif set(truths) == {result.verdict}:
            self.agree += 1
        else:
            self.wrong.append(f"{result.cell.id}: {result.verdict} without the record, which says {says}")


def _why(result: Result) -> str:
    first = result.shown.evidence
    return first.reason if isinstance(first, Untested) else result.judgement.reason


@contextmanager
def busy() -> Iterator[None]:
    """Keep every processor busy with something else."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
        for other in others:
            other.wait()


def compare(
    repeats: int, *, bases: tuple[str, ...] = (), variants: tuple[str, ...] = (), settle_s: float | None = None
) -> Tally:
    """Run the matrix without the record under load, and compare each verdict with the record."""
    tally = Tally()
    selection = Selection(
        bases=bases, variants=variants, probes=PROBES, trace=TraceMode.ON, repeat=repeats, settle_s=settle_s
    )
    with Session(selection) as session:
        blind = Blind(session.engine)

        def receive(result: Result) -> None:
            tally.add(result, blind.taken())

        for cell in session.cells:
            session.image_of(cell)
        schedule = replace(session.schedule, jobs=4 * session.schedule.jobs)
        with busy(), Runner(blind, schedule, receive) as runner:
            for future in runner.submit(session.cells):
                future.result()
    return tally


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=10)
    repeats = parser.parse_args(arguments).repeats
    began = time.monotonic()
    print(f"{repeats} repeats of the whole matrix without the kernel's record, all processors busy", flush=True)
    tally = compare(repeats)
    print(f"{tally.cells} cells, {tally.runs} runs in {time.monotonic() - began:.0f} s")
    print(f"  {tally.agree} cells: the verdict is the record's")
    print(f"  {len(tally.open)} cells: told to be open without the record")
    for line in tally.open:
        print(f"    {line}")
    print(f"  {len(tally.wrong)} cells: contradicted by the record")
    for line in tally.wrong:
        print(f"    {line}")
    print(f"  {tally.merged} runs saw one delivery where the record has two")
    for line, count in tally.untested.items():
        print(f"  {count} runs could not be tested: {line}")
    if tally.lost_records:
        print(f"  {tally.lost_records} runs without a record to compare with")
    sys.exit(bool(tally.wrong))


if __name__ == "__main__":
    main()
