"""``check`` against the container's own life, lived by hand: create, start, ready, stop, remove, by docker-py alone.

The app is a graceful one, ready by the same line of its log on both sides. All sides run in one session, in turn, many
times; ratios are of medians. Then what may help a bad app is tried: all of it at once, against the slowest by itself.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from harness.checking import Check, Checking
from harness.core.subject import LaunchOptions, LogPattern
from harness.core.trying import candidates
from harness.core.verdict import Verdict
from harness.engine.client import connect
from harness.engine.containers import LABEL
from harness.run.runner import Runner
from harness.session import Pull, TraceMode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import docker

    from harness.core.subject import Cell

IMAGE: Final = "local:musl-node24"
READY: Final = "ready to serve"
APP: Final = (
    "const server = require('http').createServer((_, answer) => answer.end('hello'));"
    f"server.listen(8080, () => console.log('{READY}')); process.on('SIGTERM', () => server.close())"
)
_GRACEFUL: Final = ("node", "-e", APP)
_SHELL: Final = ("/bin/sh", "-c", f'node -e "{APP}"; true')


def by_hand(api: docker.APIClient, image: str) -> None:
    """Live one container's life."""
    container = api.create_container(image, command=list(_GRACEFUL), labels={f"{LABEL}.bench": "life"})["Id"]
    try:
        stream = api.attach(container, stdout=True, stderr=True, stream=True, logs=False)
        api.start(container)
        seen = b""
        for piece in stream:
            seen += piece
            if READY.encode() in seen:
                break
        api.stop(container)
    finally:
        api.remove_container(container, v=True)


def asked(image: str, trace: TraceMode, command: tuple[str, ...] = _GRACEFUL) -> Check:
    """The same life, looked at."""
    return Check(
        images=(image,),
        options=LaunchOptions(command=command),
        ready=LogPattern(pattern=re.compile(READY)),
        trace=trace,
        pull=Pull.NEVER,
    )


def check(image: str, trace: TraceMode) -> None:
    """A whole check, from connecting to the engine until nothing of it is left there."""
    with Checking(asked(image, trace)) as checking:
        (row,) = (future.result() for future in checking.run())
    if row.verdict is not Verdict.GRACEFUL:
        raise SystemExit(f"the app is not stopped well: {row.reason}")


def timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--image", default=IMAGE, help="an image with Node and a shell")
    chosen = parser.parse_args(arguments)
    api, name = connect(), chosen.image
    sides: dict[str, list[float]] = {}

    def add(side: str, work: Callable[[], object]) -> None:
        sides.setdefault(side, []).append(timed(work))

    with Checking(asked(name, TraceMode.OFF)) as checking:
        image = checking.schedule.prepare(checking.cells[0]).image
    for _ in range(chosen.rounds):
        add("by hand", partial(by_hand, api, image))
        add("a check with the kernel's record", partial(check, name, TraceMode.ON))
        add("a check without the kernel's record", partial(check, name, TraceMode.OFF))
    api.close()
    hand = sides["by hand"]
    print(f"a graceful app on {name}, {chosen.rounds} rounds")
    for side, values in sides.items():
        ratios = sorted(value / other for value, other in zip(values, hand, strict=True))
        low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
        ratio = statistics.median(values) / statistics.median(hand)
        print(f"{side}: median {statistics.median(values):.3f} s, ratio {ratio:.2f} (rounds: {low:.2f} to {high:.2f})")
    show_tries(name)


def show_tries(image: str) -> None:
    """How long what is tried takes, all at once, against each by itself."""
    check = replace(
        asked(image, TraceMode.AUTO, _SHELL), options=LaunchOptions(command=_SHELL, stop_timeout=2), tries=False
    )
    with Checking(check) as checking, Runner(checking.engine, checking.schedule, lambda result: result) as runner:
        (result,) = (future.result() for future in runner.submit(checking.cells))
        subject = result.cell.subject
        cells = [
            replace(result.cell, subject=replace(subject, launch=chance.options)) for chance in candidates(result, 2)
        ]

        def run(some: Sequence[Cell]) -> None:
            for future in runner.submit(some):
                future.result()

        alone = [timed(partial(run, [cell])) for cell in cells]
        together = timed(partial(run, cells))
    print(f"a bad app: {len(cells)} changes tried at once took {together:.2f} s; the slowest alone {max(alone):.2f} s")


if __name__ == "__main__":
    main()
