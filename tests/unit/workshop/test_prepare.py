"""What the demo builds beforehand, on an engine by script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.core.errors import EngineFault
from harness.engine.registry import ENGINES
from harness.session import Selection, Session
from harness.workshop.demo.launcher import load_story
from harness.workshop.demo.prepare import prepare
from tests.support import engines
from tests.support.engines import ScriptedOpenEngine

if TYPE_CHECKING:
    from collections.abc import Callable

VARIANTS = ("npm-start", "tini", "naive")


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, list[int]]]:
    """Builds on an engine where these variants do not build."""

    def run(*broken: str) -> tuple[int, list[int]]:
        engine = ScriptedOpenEngine(broken=frozenset(broken))
        monkeypatch.setattr(engines, "installed", engine, raising=False)
        monkeypatch.setitem(ENGINES, "docker", "tests.support.engines:installed")
        counts: list[int] = []
        with Session(Selection(bases=("b:1", "b:2"), variants=VARIANTS, jobs=1)) as session:
            number = prepare(session, load_story(None), begin=counts.append, advance=lambda: counts.append(1))
        return number, counts

    return run


def test_every_image_is_built_once(build: Callable[..., tuple[int, list[int]]]) -> None:
    number, counts = build()
    assert counts == [number, *[1] * number]
    assert number > 2 * len(VARIANTS)


@pytest.mark.parametrize("broken", [("naive",), ("naive", "npm-start")])
def test_what_does_not_build_is_named(broken: tuple[str, ...], build: Callable[..., tuple[int, list[int]]]) -> None:
    with pytest.raises(EngineFault) as caught:
        build(*broken)
    text = caught.value.message
    assert f"{2 * len(broken)} of " in text
    assert all(f"\n  {name} on {base}" in text for name in broken for base in ("b:1", "b:2"))
    assert text.count("does not build: no\n  line") == 1
    assert "doctor" in caught.value.remedy
