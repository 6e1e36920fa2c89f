"""A base that is there, and the API of the engine."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from harness.engine.client import connect
from harness.engine.registry import open_engine
from harness.session import open_bases

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

BASE = "local:musl-node24"


@pytest.fixture(scope="session")
def base() -> str:
    """The tag of a base that the engine has."""
    with closing(open_engine()) as engine:
        bases = open_bases(engine, lambda _: None)
        bases.get(BASE)
        return bases.tag(BASE)


@pytest.fixture
def api() -> Iterator[docker.APIClient]:
    """An engine's API."""
    opened = connect()
    try:
        yield opened
    finally:
        opened.close()
