"""A run's wall time and truth against the usual ways: a shell script that sleeps, and plain testcontainers.

Each asks the same cells whether the signal came through to the app, one after the other, as people do. What they answer
is how often the app's log says so; the kernel's record says how often the app got it. A cell whose outcome is luck has
no right answer, and is left out.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from harness.core.verdict import Delivery, Verdict
from harness.engine.client import connect
from harness.engine.containers import LABEL
from harness.engine.removals import remove
from harness.session import Selection, Session, TraceMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.core.subject import Cell

READY: Final = "Listening on port"
RECEIVED: Final = "Received signal: {signal}"
BENCH: Final = f"{LABEL}.bench"
WAIT_S: Final = 2
"""What scripts sleep, and tests wait, for a line that may not come."""

SCRIPT: Final = f"""
id=$(docker run --detach --label {BENCH}=usual --network none $INIT "$IMAGE")
sleep {WAIT_S}
docker kill --signal "$SIGNAL" "$id" >/dev/null
sleep {WAIT_S}
docker logs "$id" 2>&1
docker rm --force "$id" >/dev/null
"""
"""One cell, as it stands in many a blog."""

_UNKNOWN: Final = (Verdict.UNTESTED, Verdict.UNSTABLE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How somebody asked so many cells: how long that took in all, and what the answers were, by cell."""

    seconds: float
    answers: Mapping[str, Delivery | None]

    def wrong(self, truth: Mapping[str, Delivery | None]) -> int:
        """How many answers are not what the record says; where a way gives none, that is none."""
        return sum(answer not in (None, truth[cell]) for cell, answer in self.answers.items() if cell in truth)


@contextmanager
def cleared() -> Iterator[None]:
    """Leave nothing of a usual way that is interrupted: none of them clears up then."""
    try:
        yield
    finally:
        with closing(connect()) as api:
            for left in api.containers(all=True, filters={"label": f"{BENCH}=usual"}):
                remove(api, left["Id"])


def counted(log: str, signal: str) -> Delivery:
    """What people read in a log."""
    times = log.count(RECEIVED.format(signal=signal))
    return Delivery.NONE if times == 0 else Delivery.ONCE if times == 1 else Delivery.DUPLICATE


def by_script(image: str, cell: Cell) -> Delivery:
    """Run a container, sleep, kill, sleep, and read the log."""
    signal = cell.question.name
    variables = {"INIT": "--init" if cell.subject.launch.init else "", "IMAGE": image, "SIGNAL": signal}
    told = "".join(f"{name}='{value}'\n" for name, value in variables.items())
    done = subprocess.run(["sh", "-c", told + SCRIPT], capture_output=True, text=True, check=True)
    return counted(done.stdout, signal)


def by_testcontainers(image: str, cell: Cell) -> Delivery:
    """Wait for the ready line, kill, and wait for the line that is hoped for."""
    signal = cell.question.name
    container = DockerContainer(image).with_kwargs(
        network_mode="none", init=cell.subject.launch.init, labels={BENCH: "usual"}
    )
    with container.waiting_for(LogMessageWaitStrategy(READY)):
        container.get_wrapped_container().kill(signal)
        with suppress(TimeoutError, RuntimeError):  # the line did not come, or the container has ended
            hoped_for = LogMessageWaitStrategy(RECEIVED.format(signal=signal))
            hoped_for.with_startup_timeout(WAIT_S).with_poll_interval(0.1).wait_until_ready(container)
        out, errors = container.get_logs()
        return counted((out + errors).decode(errors="replace"), signal)


def ask(work: Sequence[tuple[str, Cell]], way: Callable[[str, Cell], Delivery]) -> Way:
    """Ask all cells, one after the other."""
    began = time.monotonic()
    answers = {cell.id: way(image, cell) for image, cell in work}
    return Way(seconds=time.monotonic() - began, answers=answers)


def ours(session: Session, cells: Sequence[Cell]) -> tuple[Way, dict[str, Verdict]]:
    """Ask all cells as `signal-harness run` does; what it leaves open is no answer."""
    began = time.monotonic()
    rows = [future.result() for future in session.run(cells)]
    seconds = time.monotonic() - began
    answers = {row.id: None if row.verdict in _UNKNOWN else row.delivery for row in rows}
    return Way(seconds=seconds, answers=answers), {row.id: row.verdict for row in rows}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=41, help="how many of the matrix, spread over all of it")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    testcontainers_config.ryuk_disabled = True  # each container is removed here
    ways: dict[str, list[Way]] = {"signal-harness run": [], "a shell script": [], "testcontainers": []}
    with (
        Session(Selection(repeat=1, trace=TraceMode.ON)) as session,
        Session(Selection(trace=TraceMode.ON)) as repeated,
    ):
        step = max(1, len(session.cells) // chosen.cells)
        cells = session.cells[::step][: chosen.cells]
        work = [(session.image_of(cell), cell) for cell in cells]
        wanted = {cell.id for cell in cells}
        known, verdicts = ours(repeated, [cell for cell in repeated.cells if cell.id in wanted])
        truth = {cell: known.answers[cell] for cell, verdict in verdicts.items() if verdict not in _UNKNOWN}
        print(f"{len(cells)} cells, {len(truth)} with one right answer, {chosen.rounds} rounds", flush=True)
        with cleared():
            for _ in range(chosen.rounds):
                ways["signal-harness run"].append(ours(session, cells)[0])
                ways["a shell script"].append(ask(work, by_script))
                ways["testcontainers"].append(ask(work, by_testcontainers))
    fastest = ways["signal-harness run"]
    for name, rounds in ways.items():
        ratios = [one.seconds / other.seconds for one, other in zip(rounds, fastest, strict=True)]
        wrong = [one.wrong(truth) for one in rounds]
        print(
            f"{name}: median {statistics.median(one.seconds for one in rounds):.1f} s, "
            f"ratio {statistics.median(ratios):.1f} (rounds: {', '.join(f'{ratio:.1f}' for ratio in ratios)}), "
            f"wrong answers {', '.join(map(str, wrong))} of {len(truth)}"
        )


if __name__ == "__main__":
    main()
