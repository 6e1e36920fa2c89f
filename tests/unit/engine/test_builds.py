"""Builds: given up, within bounds, and by the builder that an engine has."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from harness.core.errors import Abandoned, EngineFault
from harness.engine.builds import Builder, Builds, Recipe, bounds, build, builder_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import docker


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
    builds = Builds(engine)  # as much of an engine as it takes
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
    builds = Builds(Engine())
    builds.abandon()
    with pytest.raises(Abandoned), builds.one({}):
        raise AssertionError("it has begun")


class Building:
    """An engine whose builder says so many lines, and then that it failed; ``params`` are those that it was sent."""

    base_url = "http+docker://localhost"

    def __init__(self, lines: int = 0, *, version: Mapping[str, Any] | None = None, api_version: str = "1.41") -> None:
        self.cancelled: list[str] = []
        self.api_version = api_version
        self._version = dict(version or {})
        self._lines = lines
        self.params: dict[str, Any] = {}
        self.read = 0

    def version(self) -> dict[str, Any]:
        return self._version

    def info(self) -> dict[str, Any]:
        return INFO

    def get(self, _: str, *, timeout: float) -> Any:
        assert timeout == 10
        return SimpleNamespace(headers={})

    def post(self, url: str, *, params: dict[str, Any], **_: Any) -> Any:
        if url.endswith("/cancel"):
            self.cancelled.append(params["id"])
            return None
        self.params = params
        return SimpleNamespace(ok=True, iter_content=self._said)

    def _said(self, *_: object, **__: object) -> Iterator[bytes]:
        for number in range(self._lines):
            self.read += 1
            yield json.dumps({"stream": f"line {number}\n"}).encode()
        yield json.dumps({"error": "it failed"}).encode()


INFO = {"CpuCfsQuota": True, "MemoryLimit": True, "NCPU": 8, "MemTotal": 16 << 30}
LONE = Recipe(archive=lambda: b"", dockerfile="Dockerfile")
PODMAN = {"Components": [{"Name": "Podman Engine"}]}


@pytest.mark.parametrize(
    ("engine", "builder"),
    [
        (Building(), Builder.BUILDKIT),
        (Building(api_version="1.38"), Builder.CLASSIC),
        (Building(version=PODMAN), Builder.BUILDAH),
    ],
)
def test_a_build_is_bounded_where_the_builder_has_bounds(engine: Building, builder: Builder) -> None:
    api: docker.APIClient = engine
    assert builder_of(api) is builder
    with pytest.raises(EngineFault, match="it failed"):
        build(api, "tag", LONE, name="x")
    sent = {name: engine.params.get(name) for name in ("memory", "cpuperiod", "cpuquota")}
    bounded = {"memory": 12 << 30, "cpuperiod": 100_000, "cpuquota": 600_000}
    assert sent == (dict.fromkeys(sent) if builder is Builder.BUILDKIT else bounded)
    assert engine.params["version"] == ("2" if builder is Builder.BUILDKIT else None)


@pytest.mark.parametrize(
    ("more", "bounded"),
    [
        ({}, {"memory", "cpuperiod", "cpuquota"}),
        ({"MemoryLimit": False}, {"cpuperiod", "cpuquota"}),
        ({"CpuCfsQuota": False}, set()),
        ({"SecurityOptions": ["name=rootless"]}, set()),
    ],
)
def test_what_an_engine_cannot_limit_is_not_asked_of_it(more: dict[str, Any], bounded: set[str]) -> None:
    assert bounds(INFO | more).keys() == bounded


def test_the_last_lines_of_a_flood_are_said_and_no_more_is_kept() -> None:
    api: docker.APIClient = Building(10_000)
    with pytest.raises(EngineFault) as fault:
        build(api, "tag", LONE, name="x")
    assert fault.value.message.splitlines() == ["it failed", *(f"  line {number}" for number in range(9_988, 10_000))]


def test_a_build_that_goes_on_and_on_is_given_up() -> None:
    engine = Building(10_000)
    api: docker.APIClient = engine
    with pytest.raises(EngineFault, match="it has taken more than 0 min, and was given up"):
        build(api, "tag", LONE, name="x", longest_s=0)
    assert engine.read < 10
    assert engine.cancelled == [engine.params["buildid"]]


class Killing(Building):
    """An engine that kills the builds that it is asked for, each with what it says of that."""

    def __init__(self, *says: str, version: Mapping[str, Any]) -> None:
        super().__init__(version=version)
        self.says = list(says)
        self.images = 0

    def inspect_image(self, _: str) -> dict[str, Any]:
        return {}

    def _said(self, *_: object, **__: object) -> Iterator[bytes]:
        self.images += 1
        yield json.dumps({"stream": f"attempt {self.images}\n"}).encode()
        if self.says:
            yield json.dumps({"error": self.says.pop(0)}).encode()


KILLED = 'building at STEP "RUN npm ci": while running runtime: signal: killed'
EXITED = 'building at STEP "RUN npm ci": while running runtime: exit status 1'


def test_what_podman_kills_at_its_end_is_built_again() -> None:
    engine = Killing(KILLED, version=PODMAN)
    build(engine, "tag", LONE, name="x")
    assert engine.images == 2


@pytest.mark.parametrize(
    ("engine", "attempts", "said"),
    [
        (Killing(KILLED, KILLED, version=PODMAN), 2, f"{KILLED}\n  attempt 2"),
        (Killing(EXITED, version=PODMAN), 1, f"{EXITED}\n  attempt 1"),
        (Killing(KILLED, version={}), 1, f"{KILLED}\n  attempt 1"),
    ],
    ids=["killed twice", "failed by itself", "another builder"],
)
def test_what_does_not_build_is_not_tried_for_ever(engine: Killing, attempts: int, said: str) -> None:
    with pytest.raises(EngineFault) as failed:
        build(engine, "tag", LONE, name="x")
    assert (engine.images, failed.value.message) == (attempts, said)
