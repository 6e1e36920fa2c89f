"""Cases from the field through pytest, by the plugin and by SignalContainer: what the command says, they say."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from harness.catalogues import load_catalogue
from harness.engine.registry import open_engine
from harness.session import open_bases
from harness.testing import SignalContainer
from tests.support.cases import MUSL, SAMPLE, WRONG
from tests.support.field import Row, write_catalogue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

pytestmark = pytest.mark.engine
needs_record = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="the record needs root")
READY = r"Listening on port \d+ pid=(?P<pid>\d+)"
RECEIVED = r"Received signal: (?P<signal>SIG[A-Z]+)( pid=(?P<pid>\d+))?"
ROWS = {
    "late-kill": Row(name="late-kill", command=("node", "late-kill.js"), environment={"WAIT": "300"}),
    "late-twice": Row(name="late-twice", command=("node", "late-twice.js"), environment={"WAIT": "600"}),
    "primary-logs": Row(name="primary-logs", command=("node", "primary-logs.js")),
    "launcher-logs": Row(name="launcher-logs", command=("node", "launcher-logs.js")),
    "orders": Row(name="orders", command=("node", "orders.js"), environment={"JSON": "1"}),
}
GOOD = {"late-kill": "never", "late-twice": "never", "primary-logs": "never", "launcher-logs": "always"}
OPPOSITE = {"always": "never", "never": "always"}


def judged(folder: Path, words: str, expect: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What pytest says of rows of which this is expected."""
    rows = [ROWS[name] for name in expect]
    catalogue = write_catalogue(folder / "field", words, rows, {f"{name}.exec": what for name, what in expect.items()})
    options = ["-m", "signals", "--signal", "TERM", "--signal-base", MUSL, "--signal-probe", "signal"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(catalogue), *options],
        cwd=catalogue,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


@needs_record
def test_the_plugin_finds_wrappers_as_they_are(tmp_path: Path) -> None:
    done = judged(tmp_path, SAMPLE, GOOD)
    assert done.returncode == 0, done.stdout
    assert f"{len(GOOD)} passed" in done.stdout


@needs_record
def test_the_plugin_fails_where_they_are_not_as_expected(tmp_path: Path) -> None:
    done = judged(tmp_path, SAMPLE, {name: OPPOSITE[what] for name, what in GOOD.items()})
    assert done.returncode == 1, done.stdout
    assert f"{len(GOOD)} failed" in done.stdout
    for verdict in ("cut-short", "duplicated", "swallowed", "forwarded"):
        assert verdict in done.stdout


@needs_record
def test_the_plugin_finds_an_app_with_its_own_words_well_behaved(tmp_path: Path) -> None:
    done = judged(tmp_path, WRONG, {"orders": "always"})
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Gives the image of a row."""
    folder, catalogue = load_catalogue(
        write_catalogue(tmp_path_factory.mktemp("images") / "field", SAMPLE, ROWS.values())
    )
    with closing(open_engine()) as engine:
        bases = open_bases(engine, lambda _: None)
        bases.get(MUSL)
        with engine.images(
            folder=folder,
            context=folder / catalogue.context,
            base_image=bases.image,
            on_build=lambda *_: None,
            jobs=2,
        ) as images:
            built = {
                name: images.image_of(catalogue.subject(catalogue.select([row.variant])[0], MUSL))
                for name, row in ROWS.items()
            }
    return built.__getitem__


@pytest.mark.parametrize(
    ("name", "deliveries"), [("launcher-logs", 1), ("primary-logs", 0), ("late-twice", 2)], ids=str
)
def test_a_container_counts_what_the_app_received(name: str, deliveries: int, image: Callable[[str], str]) -> None:
    with SignalContainer(image(name), ready=READY, received=RECEIVED) as container:
        container.send("SIGTERM")
        assert container.deliveries("SIGTERM") == deliveries


def test_a_container_counts_in_the_words_of_the_app(image: Callable[[str], str]) -> None:
    words = {"ready": "orders: up", "received": '"signal":"(?P<signal>SIG[A-Z]+)"'}
    with SignalContainer(image("orders"), **words) as container:
        container.send("SIGTERM")
        assert container.wait_for_exit(10) == 0
        assert container.deliveries("SIGTERM") == 1
