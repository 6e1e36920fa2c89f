"""Does ``audit`` foretell what a stop does? Each container is looked at untouched, then stopped, and the two compared.

The containers are those of the matrix (every variant of the catalogue on both default bases, with a request in flight)
and, if asked for, images that are not ours. ``audit`` looks at the very container that is stopped then, a moment before
that. A forecast that is certain must come true each time. One that is likely and does not come true counts as wrong as
well, but says only that a program has other habits than is known; where ``audit`` cannot tell, the cell is open.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from benchmarks.truth_apps import counted
from harness.checking import Check, Checking
from harness.core.audit import chosen
from harness.core.errors import EngineUnavailable
from harness.core.forecast import Sure
from harness.core.question import Probe
from harness.core.verdict import Verdict
from harness.engine.registry import open_engine
from harness.run.runner import Runner
from harness.session import Pull, Selection, Session, TraceMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.core.forecast import Forecast
    from harness.core.result import Result
    from harness.core.subject import Cell
    from harness.engine.protocol import OpenEngine
    from harness.run.protocol import Container, Engine, Launch
    from harness.run.runner import Schedule

READY: Final = 3600.0
"""An age in seconds: the containers are known to be ready, however young they are."""
JOBS: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """One container: what was foretold, and what the stop brought."""

    name: str
    foretold: Forecast
    measured: Verdict
    reason: str

    @property
    def open(self) -> bool:
        """Whether nothing was foretold, or nothing measured."""
        return self.foretold.verdict is None or self.measured in (Verdict.UNTESTED, Verdict.UNSTABLE)

    @property
    def wrong(self) -> bool:
        """Whether something else came than was foretold."""
        return not self.open and self.foretold.verdict is not self.measured

    def __str__(self) -> str:
        told = self.foretold.verdict or "nothing"
        return (
            f"{self.name}: {told} was foretold ({self.foretold.sure}), measured is {self.measured}\n"
            f"      {self.foretold.reason}\n      {self.reason}"
        )


@dataclass(kw_only=True)
class Tally:
    """All containers."""

    cells: list[Compared] = field(default_factory=list)

    @property
    def wrong(self) -> list[Compared]:
        """Those that came otherwise than foretold."""
        return [cell for cell in self.cells if cell.wrong]

    def of(self, sure: Sure) -> list[Compared]:
        """Those of which so much was sure."""
        return [cell for cell in self.cells if cell.foretold.sure is sure]


class Foretelling:
    """An engine of which ``audit`` looks at each container just before it is stopped."""

    def __init__(self, engine: Engine, looking: OpenEngine) -> None:
        self._engine = engine
        self._looking = looking
        self._here = threading.local()

    @contextmanager
    def launch(self, launch: Launch) -> Iterator[Container]:
        with self._engine.launch(launch) as container:
            yield _Foretold(container, self)

    def answers(self) -> bool:
        return self._engine.answers()

    def look(self, name: str, grace_s: int) -> None:
        """Look at a container as ``audit NAME`` does."""
        (looked,) = self._looking.look(chosen(self._looking.listed(), [name]))
        self._here.found = replace(looked, age_s=READY, stop_timeout=grace_s).forecast

    def taken(self) -> Forecast | None:
        """What was foretold last in this thread, once."""
        found: Forecast | None = getattr(self._here, "found", None)
        self._here.found = None
        return found


class _Foretold:
    def __init__(self, container: Container, by: Foretelling) -> None:
        self._container = container
        self._by = by

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def stop(self, grace_s: int) -> int:
        self._by.look(self._container.name, grace_s)
        return self._container.stop(grace_s)


def compare(
    *, bases: tuple[str, ...] = (), variants: tuple[str, ...] = (), images: Sequence[str] = (), catalogue: bool = True
) -> Tally:
    """Look at every container, stop it, and compare: variants of the catalogue on bases, and images."""
    tally = Tally()
    if catalogue:
        selection = Selection(bases=bases, variants=variants, probes=(Probe.STOP,), trace=TraceMode.AUTO)
        with Session(selection) as session:
            session.prepare(session.cells)
            _run(session.engine, session.schedule, session.cells, tally)
    if images:
        with Checking(Check(images=tuple(images), pull=Pull.NEVER, tries=False, jobs=JOBS)) as checking:
            _run(checking.engine, checking.schedule, checking.cells, tally)
    return tally


def _run(engine: Engine, schedule: Schedule, cells: Iterable[Cell], tally: Tally) -> None:
    with closing(open_engine()) as looking:
        foretelling = Foretelling(engine, looking)

        def receive(result: Result) -> None:
            foretold = foretelling.taken()
            if foretold is not None:
                judged = result.judgement
                tally.cells.append(
                    Compared(name=result.cell.id, foretold=foretold, measured=judged.verdict, reason=judged.reason)
                )

        with Runner(foretelling, schedule, receive) as runner:
            for future in runner.submit(list(cells)):
                future.result()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", action="append", default=[], help="repeatable (default: the catalogue's)")
    parser.add_argument("--variant", action="append", default=[], help="only variants of this name; repeatable")
    parser.add_argument("--image", action="append", default=[], help="these images in place of the catalogue's")
    chosen_ones = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        tally = compare(
            bases=tuple(chosen_ones.base),
            variants=tuple(chosen_ones.variant),
            images=chosen_ones.image,
            catalogue=not chosen_ones.image,
        )
    except EngineUnavailable as why:
        sys.exit(f"{why}")
    print(f"{counted(len(tally.cells), 'container')}, looked at and then stopped, in {time.monotonic() - began:.0f} s")
    show(tally)
    sys.exit(bool(tally.wrong))


def show(tally: Tally) -> None:
    """Print the figures, and each container of which something else came than was foretold, or nothing was."""
    for sure in Sure:
        cells = tally.of(sure)
        wrong = sum(cell.wrong for cell in cells)
        came = "" if sure is Sure.OPEN else f", {len(cells) - wrong} came so, {wrong} did not"
        print(f"  {sure}: {len(cells)}{came}")
    for cell in sorted((cell for cell in tally.cells if cell.wrong or cell.open), key=str):
        print(f"    {cell}")


if __name__ == "__main__":
    main()
