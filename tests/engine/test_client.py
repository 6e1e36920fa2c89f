"""The connection to an engine."""

from __future__ import annotations

import urllib.request
from typing import NoReturn

import pytest
import requests

from harness.engine.client import connect

pytestmark = pytest.mark.engine


def test_requests_leave_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread may be changing it: pytest names the test that is running there."""
    api = connect()

    def asked() -> NoReturn:
        raise AssertionError("a request went through the environment")

    monkeypatch.setattr(urllib.request, "getproxies_environment", asked)
    try:
        assert api.ping()
        api.trust_env = True
        with pytest.raises(AssertionError, match="went through the environment"):
            api.ping()
    finally:
        api.close()


def test_an_interrupt_before_anything_is_open_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: requests.Session) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(requests.Session, "__init__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        connect()
