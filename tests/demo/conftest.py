"""The demo in real terminals; in two of them it is gone through while other tests run, where there is no network."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.terminal import Terminal
from tests.support.walking import Shot, walk

if TYPE_CHECKING:
    from tests.support.offline import Offline

Opens = Callable[..., Terminal]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests come last that wait for a walk, and after them those that wait for the whole table."""
    here = Path(__file__).parent
    places = [number for number, item in enumerate(items) if item.path.is_relative_to(here)]
    ours = sorted((items[number] for number in places), key=_how_late)
    for number, item in zip(places, ours, strict=True):
        items[number] = item


def _how_late(item: pytest.Item) -> int:
    needed = getattr(item, "fixturenames", ())
    return ("walks" in needed) + ("end" in needed)


@contextmanager
def _opening(folders: pytest.TempPathFactory, room: Offline | None = None) -> Iterator[Opens]:
    with ExitStack() as stack:

        def opens(*words: str, **how: Any) -> Terminal:
            terminal = stack.enter_context(Terminal(folders.mktemp("demo")))
            report = str(terminal.folder / "report.html")
            command = [sys.executable, "-m", "harness", "demo", "--html", report, *words]
            if room is None:
                terminal.start(command, **how)
            else:
                terminal.start(room.inside(*command), **how, DOCKER_HOST=room.url)
            return terminal

        yield opens


@pytest.fixture
def opens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opens]:
    """Start a demo in a terminal of its own, which is gone after the test."""
    with _opening(tmp_path_factory) as opened:
        yield opened


@pytest.fixture(scope="module")
def opens_ahead(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opens]:
    """Start demos in terminals that stay for all tests of a module."""
    with _opening(tmp_path_factory) as opened:
        yield opened


@dataclass(frozen=True, slots=True)
class Walks:
    """Two walks: through the whole story, in a terminal where the table is under way now, and through a part of it."""

    terminal: Terminal
    whole: tuple[Shot, ...]
    low: tuple[Shot, ...]


@pytest.fixture(scope="package", autouse=True)
def walking(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Future[Walks] | None]:
    """Set out on the walks, if a test will wait for them: they have their own terminals, and take their time."""
    if not any(_how_late(item) for item in request.session.items):
        yield None
        return
    room: Offline = request.getfixturevalue("prepared")
    with ThreadPoolExecutor() as pool, _opening(tmp_path_factory, room) as opened:
        terminal, low = opened(), opened("--chapter", "3", "--chapter", "5-7", width=80, height=24)
        walked = pool.submit(walk, terminal, "100x30"), pool.submit(walk, low, "80x24")
        yield pool.submit(lambda: Walks(terminal, *(future.result() for future in walked)))


@pytest.fixture(scope="package")
def walks(walking: Future[Walks]) -> Walks:
    """The whole story gone through at 100×30, and some chapters at 80×24."""
    return walking.result()
