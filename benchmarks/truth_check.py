"""Is ``check`` right about images that it knows nothing of? The images of our own catalogue, against matrix and record.

The matrix reads the sample app's log. ``check`` is given the same images as anybody's: it finds the app and when it is
ready by itself, and no line of the log tells it anything. With the kernel's record the two must agree on what was
delivered and what became of the container; without it ``check`` must say the same, or that it cannot tell. Every run is
also judged by the record alone, by the rules of `benchmarks.kernel`.

The matrix stops an app while a request is in flight, which ``check`` does not send, and an app that answers one lives
longer. So the matrix is asked here without one, with the same grace period and the same environment.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.kernel import Record, apps_among, judge, judge_stop, worst
from benchmarks.truth_apps import MODES, Watched, counted
from harness.checking import Check, Checking
from harness.core.errors import EngineUnavailable
from harness.core.evidence import Untested
from harness.core.question import Probe
from harness.core.signals import parse_signal
from harness.core.verdict import Verdict
from harness.run.observation import GRACE_S
from harness.run.runner import Runner
from harness.session import Pull, Selection, Session, TraceMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.truth_apps import Seen
    from harness.core.result import Result
    from harness.core.signals import Signal
    from harness.core.subject import Cell, LaunchOptions

SIGNALS: Final = (parse_signal("TERM"), parse_signal("HUP"))
FILES: Final = tuple(file.name for file in Path(__file__).parents[1].joinpath("sample_app").glob("*.js"))
_OPEN: Final = (Verdict.UNSTABLE, Verdict.UNTESTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """One cell: what ``check`` says, what the matrix says, and what the record says of each run of ``check``."""

    name: str
    recorded: bool
    checked: Result
    matrix: Result
    truths: Counter[Verdict]

    @property
    def open(self) -> bool:
        """Whether ``check`` says that it cannot tell."""
        return self.checked.verdict in _OPEN

    @property
    def contradicted(self) -> bool:
        """Whether ``check`` says something else than the record, or than the matrix where that can tell."""
        if self.open:
            return self.recorded and self.matrix.verdict is not self.checked.verdict
        return set(self.truths) != {self.checked.verdict} or (self.differs and not self.race)

    @property
    def differs(self) -> bool:
        """Whether the matrix says something else of delivery, outcome or verdict."""
        ours, theirs = self.checked.judgement, self.matrix.judgement
        if self.open or theirs.verdict in _OPEN:
            return False
        unlike = ours.delivery is not theirs.delivery and (self.recorded or ours.delivery is not None)
        return unlike or ours.outcome is not theirs.outcome or ours.verdict is not theirs.verdict

    @property
    def race(self) -> bool:
        """Whether an app that was told leaves as its container ends: how far it gets is luck, in each run anew.

        The matrix settles that for a stop by a request in flight, which is left out here.
        """
        both = [one.evidence.signalled if one.evidence else None for one in (self.checked, self.matrix)]
        gone = all(signalled is not None and not signalled.seen.running for signalled in both)
        recorded = [signalled for signalled in both if signalled and signalled.seen.trace is not None]
        return gone and all(signalled.sends > 0 for signalled in recorded)

    def __str__(self) -> str:
        says = ", ".join(f"{verdict} {count}×" for verdict, count in self.truths.most_common()) or "nothing"
        return (
            f"{self.name} {MODES[TraceMode.ON if self.recorded else TraceMode.OFF]}:\n"
            f"      check: {_told(self.checked)}\n      matrix: {_told(self.matrix)}\n      the record: {says}"
        )


def _told(result: Result) -> str:
    judged, first = result.judgement, result.shown.evidence
    reason = first.reason if isinstance(first, Untested) else judged.reason
    return f"{judged.verdict} (delivery {judged.delivery}, {judged.outcome}): {reason}"


@dataclass(kw_only=True)
class Tally:
    """All cells, and how many runs of ``check`` they took; ``lost`` counts records that the kernel dropped."""

    cells: list[Compared] = field(default_factory=list)
    runs: int = 0
    lost: int = 0

    @property
    def contradicted(self) -> list[Compared]:
        """The cells in which ``check`` is not right."""
        return [cell for cell in self.cells if cell.contradicted]

    @property
    def open(self) -> list[Compared]:
        """The cells that are told to be open, and may be."""
        return [cell for cell in self.cells if cell.open and not cell.contradicted]


def compare(
    *,
    bases: tuple[str, ...] = (),
    variants: tuple[str, ...] = (),
    signals: tuple[Signal, ...] = SIGNALS,
    repeat: int | None = None,
    modes: tuple[TraceMode, ...] = tuple(MODES),
) -> Tally:
    """Ask the matrix, then ``check`` about the same images, with the record and without, and compare."""
    tally = Tally()
    selection = Selection(
        bases=bases,
        variants=variants,
        signals=signals,
        probes=(Probe.SIGNAL, Probe.STOP),
        trace=TraceMode.ON,
        repeat=repeat,
    )
    with Session(selection) as session, Record() as record:
        session.prepare(session.cells)
        cells = [_without_request(cell) for cell in session.cells]
        with Runner(session.engine, session.schedule, lambda result: result) as runner:
            matrix = [future.result() for future in runner.submit(cells)]
        told = {(session.image_of(one.cell), one.cell.question.name): one for one in matrix if one.start}
        for trace in modes:
            for check in _checks(matrix, session, signals, trace, repeat):
                _check(check, told, record, tally)
        tally.lost = record.lost
    return tally


def _without_request(cell: Cell) -> Cell:
    app = cell.subject.app
    if cell.question.probe is not Probe.STOP or app.stop is None:
        return cell
    return replace(cell, subject=replace(cell.subject, app=replace(app, stop=replace(app.stop, port=None))))


def _checks(
    matrix: Sequence[Result], session: Session, signals: tuple[Signal, ...], trace: TraceMode, repeat: int | None
) -> Iterator[Check]:
    """The checks that ask about all images: one for each way to run containers, and each kind of question."""
    images: dict[str, tuple[LaunchOptions, list[str]]] = {}
    for result in matrix:
        launch = result.cell.subject.launch
        _, some = images.setdefault(repr(launch), (launch, []))
        if result.start and (image := session.image_of(result.cell)) not in some:
            some.append(image)
    for launch, some in images.values():
        common = Check(images=tuple(some), options=launch, trace=trace, repeat=repeat, pull=Pull.NEVER, tries=False)
        if signals:
            yield replace(common, signals=signals)
        stop = session.catalogue.app.stop
        environment = {**launch.environment, **(stop.environment if stop else {})}
        yield replace(common, options=replace(launch, environment=environment, stop_timeout=GRACE_S))


def _check(check: Check, told: dict[tuple[str, str], Result], record: Record, tally: Tally) -> None:
    with Checking(check) as checking:
        watched = Watched(checking.engine)

        def receive(result: Result) -> None:
            matrix = told[result.cell.subject.name, result.cell.question.name]
            seen = watched.taken()
            tally.runs += len(seen)
            tally.cells.append(
                Compared(
                    name=matrix.cell.id,
                    recorded=check.trace is TraceMode.ON,
                    checked=result,
                    matrix=matrix,
                    truths=Counter(filter(None, (_truth(result, matrix, one, record) for one in seen))),
                )
            )

        # Most of the time is spent waiting for what comes later.
        schedule = replace(checking.schedule, jobs=3 * checking.schedule.jobs)
        with Runner(watched, schedule, receive) as runner:
            for future in runner.submit(checking.cells):
                future.result()


def _truth(result: Result, matrix: Result, seen: Seen, record: Record) -> Verdict | None:
    """What the record says of one run."""
    apps = [app for file in FILES for app in apps_among(seen.processes, file)]
    if not apps:
        return None
    pattern = matrix.cell.subject.app.done
    done = None if pattern is None else any(pattern.pattern.search(line) for line in seen.log)
    entries = record.between(seen.began_s, seen.ended_s)
    signal = result.cell.question.signal
    if signal is None:
        return worst(judge_stop(seen.processes, app, entries, done=done) for app in apps)
    return worst(judge(app, signal.number, entries, done=done) for app in apps)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, help="how often each cell runs (default: as often as its evidence needs)")
    parser.add_argument("--signal", action="append", default=[], help="signal to send; repeatable (default: TERM, HUP)")
    parser.add_argument("--base", action="append", default=[], help="repeatable (default: the catalogue's)")
    parser.add_argument("--variant", action="append", default=[], help="only variants of this name; repeatable")
    chosen = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        tally = compare(
            bases=tuple(chosen.base),
            variants=tuple(chosen.variant),
            signals=tuple(map(parse_signal, chosen.signal)) or SIGNALS,
            repeat=chosen.repeat,
        )
    except EngineUnavailable as why:
        sys.exit(f"{why}")
    print("check on the images of the catalogue, with the kernel's record and without")
    print(f"{len(tally.cells)} cells, {tally.runs} runs in {time.monotonic() - began:.0f} s")
    show(tally)
    sys.exit(bool(tally.contradicted))


def show(tally: Tally) -> None:
    """Print the figures, and each cell that is not as it should be."""
    for recorded, mode in ((True, "with the record"), (False, "without the record")):
        here = [cell for cell in tally.cells if cell.recorded is recorded]
        open_, wrong = ([cell for cell in some if cell in here] for some in (tally.open, tally.contradicted))
        print(f"  {mode}:")
        print(f"    {counted(len(here) - len(open_) - len(wrong), 'cell')}: as the matrix and the record say")
        for cells, what in ((open_, "told to be open"), (wrong, "contradicted by the matrix or the record")):
            print(f"    {counted(len(cells), 'cell')}: {what}")
        races = [cell for cell in here if cell.differs and not cell.contradicted]
        print(f"    {counted(len(races), 'cell')} of the first: a race, which the matrix has seen end otherwise")
        for cell in sorted(wrong, key=str):
            print(f"    {cell}")
    if tally.lost:
        print(f"  the kernel dropped records {tally.lost} times")


if __name__ == "__main__":
    main()
