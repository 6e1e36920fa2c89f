"""The engines there are: each can be found by its name."""

from __future__ import annotations

import pkgutil

import pytest

from harness.core.errors import EngineUnavailable, UsageError
from harness.engine.registry import DEFAULT, ENGINES, open_engine


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_has_a_factory(name: str) -> None:
    assert callable(pkgutil.resolve_name(ENGINES[name]))


def test_the_default_is_no_name_of_one() -> None:
    assert DEFAULT not in ENGINES


def test_an_unknown_engine_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError) as refusal:
        open_engine("rkt")
    assert (refusal.value.message, refusal.value.remedy) == (
        "'rkt' is not an engine",
        "Engines: docker, podman; or a URL, such as unix:///var/run/docker.sock",
    )


def test_a_url_is_an_engine_that_speaks_dockers_api() -> None:
    with pytest.raises(EngineUnavailable, match=r"no engine answers at unix:///nowhere/engine.sock"):
        open_engine("unix:///nowhere/engine.sock")


@pytest.mark.parametrize(
    "url", ["ftp://x", "carrier-pigeon://loft", "://", "tcp://", "tcp://host", "unix://x?y", "ssh://"]
)
def test_a_url_that_leads_to_no_engine_is_bad_usage(url: str) -> None:
    with pytest.raises(UsageError) as refusal:
        open_engine(url)
    assert refusal.value.remedy
