"""Builds that are given up: the engine is told which, and none begins any more."""

from __future__ import annotations

from typing import Any

import pytest

from harness.core.errors import Abandoned
from harness.engine.builds import Builds


class Engine:
    """Takes orders to cancel builds."""

    base_url = "http+docker://localhost"
    api_version = "1.41"

    def __init__(self) -> None:
        self.cancelled: list[tuple[str, str]] = []

    def post(self, url: str, params: dict[str, str]) -> None:
        self.cancelled.append((url, params["id"]))


def test_those_under_way_are_cancelled_and_none_that_has_ended() -> None:
    engine = Engine()
    builds = Builds(engine)  # type: ignore[arg-type]  # as much of an engine as it takes
    ended: dict[str, Any] = {}
    first: dict[str, Any] = {}
    second: dict[str, Any] = {}
    with builds.one(ended):
        pass
    with builds.one(first), builds.one(second):
        builds.abandon()
    assert len({ended["buildid"], first["buildid"], second["buildid"]}) == 3
    url = "http+docker://localhost/v1.41/build/cancel"
    assert sorted(engine.cancelled) == sorted([(url, first["buildid"]), (url, second["buildid"])])


def test_none_begins_afterwards() -> None:
    builds = Builds(Engine())  # type: ignore[arg-type]
    builds.abandon()
    with pytest.raises(Abandoned), builds.one({}):
        raise AssertionError("it has begun")
