"""What somebody else does to a container just after the signal is no finding."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.cases import SAMPLE
from tests.support.field import Form, Row, ask, write_catalogue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.field import Said

BASE = "local:musl-node24"
TINI = Row(name="sample", command=("node", "server.js"), form=Form.TINI)
pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="signals processes of containers"),
]


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=False).stdout


@pytest.fixture
def interfered(tmp_path: Path) -> Iterator[Callable[[Callable[[str], object], str], Said]]:
    """What the harness says of a cell in whose container somebody does something once it has been sent a signal."""
    catalogue = write_catalogue(tmp_path / "catalogue", SAMPLE, [TINI])
    watches: list[subprocess.Popen[str]] = []

    def run(interfere: Callable[[str], object], trace: str) -> Said:
        watch = subprocess.Popen(
            [
                "docker",
                "events",
                "--since",
                str(int(time.time())),  # what happens until it listens is told, too
                "--filter",
                "event=kill",
                "--filter",
                "label=signal-harness.run",
                "--format",
                "{{.ID}}",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        watches.append(watch)

        def follow() -> None:
            assert watch.stdout is not None
            for line in watch.stdout:
                name = docker("inspect", "--format", "{{.Config.Image}}", line.strip())
                if TINI.variant in name:
                    interfere(line.strip())
                    return

        threading.Thread(target=follow, daemon=True).start()
        # It takes its time, so that there is time to interfere.
        said = ask(catalogue, BASE, "--signal", "TERM", "--trace", trace, "--repeat", "1", "--settle", "4")
        return said[TINI.variant, "SIGTERM"]

    yield run
    for watch in watches:
        watch.kill()
        watch.wait()


def kill_app(container: str) -> None:
    """End the app from the host, past the engine."""
    rows = docker("top", container, "-o", "pid,args").splitlines()
    os.kill(next(int(row.split()[0]) for row in rows if row.endswith(" node server.js") and "tini" not in row), 9)


@pytest.mark.parametrize("trace", ["on", "off"])
@pytest.mark.parametrize(
    "words", [("kill",), ("kill", "--signal", "TERM"), ("stop", "-t", "1"), ("rm", "-f")], ids=" ".join
)
def test_an_order_of_somebody_else_is_no_finding(
    words: tuple[str, ...], trace: str, interfered: Callable[[Callable[[str], object], str], Said]
) -> None:
    said = interfered(lambda container: docker(*words, container), trace)
    assert said.open, said.reason
    assert "somebody else" in said.reason or "somebody outside" in said.reason


def test_a_signal_from_the_host_is_no_finding(interfered: Callable[[Callable[[str], object], str], Said]) -> None:
    said = interfered(kill_app, "on")
    assert said.open
    assert "somebody outside the container, `" in said.reason


def test_left_alone_it_is_forwarded(interfered: Callable[[Callable[[str], object], str], Said]) -> None:
    said = interfered(lambda _: None, "on")
    assert said.verdict == "forwarded", said.reason
