"""An engine that is tried: what it refuses is told, and nothing is left of what it did."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import HarnessError
from harness.engine.client import connect
from harness.engine.store import ImageStore
from harness.engine.trial import try_build, try_container

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

pytestmark = pytest.mark.engine
BASE = "signal-harness/base:musl-node24"


@pytest.fixture
def api() -> Iterator[docker.APIClient]:
    with closing(connect()) as api:
        yield api


def ours(api: docker.APIClient) -> list[object]:
    tags = [tag for tag in ImageStore(api).tags() if tag.startswith("signal-harness/doctor")]
    names = [name for entry in api.containers(all=True) for name in entry["Names"] if "signal-harness-doctor" in name]
    return [*tags, *names]


def test_an_engine_that_works_is_left_as_it_was(api: docker.APIClient) -> None:
    usual = api.timeout
    try_build(api, BASE)
    try_container(api, BASE, network=True)
    try_container(api, BASE, network=False)
    assert ours(api) == []
    assert api.timeout == usual


@pytest.mark.parametrize("base", ["signal-harness/test-no-such-base", "Not A Reference"])
def test_what_the_engine_refuses_is_told(base: str, api: docker.APIClient) -> None:
    with pytest.raises(HarnessError):
        try_build(api, base)
    with pytest.raises(HarnessError):
        try_container(api, base, network=False)
    assert ours(api) == []
