"""How long does ``audit`` take where many containers run? The whole command, as a user starts it."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from harness.engine.client import connect
from harness.engine.containers import LABEL
from harness.engine.registry import open_engine
from harness.engine.removals import remove
from harness.session import open_bases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import docker

BASE: Final = "local:musl-node24"
_AT_ONCE: Final = 4


@contextmanager
def many(api: docker.APIClient, image: str, number: int) -> Iterator[list[str]]:
    """Have so many containers that sleep, without a network."""
    made: list[str] = []

    def run(_: int) -> None:
        host = api.create_host_config(network_mode="none")
        labels = {f"{LABEL}.bench": "audit"}
        made.append(api.create_container(image, ["sleep", "1000"], host_config=host, labels=labels)["Id"])
        api.start(made[-1])

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            list(pool.map(run, range(number)))
            yield made
        finally:
            list(pool.map(lambda container: remove(api, container), made))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--containers", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args(arguments)
    engine = open_engine()
    bases = open_bases(engine, lambda _: None)
    bases.get(BASE)
    with many(connect(), bases.tag(BASE), chosen.containers) as made:
        took = []
        for _ in range(chosen.rounds):
            began = time.monotonic()
            done = subprocess.run(
                [sys.executable, "-m", "harness", "audit", *made],
                capture_output=True,
                text=True,
                check=False,
            )
            took.append(time.monotonic() - began)
            if done.returncode != 1 or f"{chosen.containers} container" not in done.stdout:
                sys.exit(f"not all of them would be forced:\n{done.stdout}{done.stderr}")
    print(
        f"audit of {chosen.containers} containers: median {statistics.median(took):.2f} s "
        f"(rounds: {' '.join(f'{seconds:.2f}' for seconds in took)})"
    )


if __name__ == "__main__":
    main()
