"""Logins to registries, as ``docker login`` keeps them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.engine.login import login

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEPT = {"auths": {"registry.example:5000": {"auth": base64.b64encode(b"me:secret").decode()}}}


@pytest.fixture
def keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], None]:
    """Writes what docker keeps of a user."""

    def write(config: dict[str, Any]) -> None:
        (tmp_path / "config.json").write_text(json.dumps(config))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    return write


def test_a_login_goes_to_its_own_registry_alone(keep: Callable[[dict[str, Any]], None]) -> None:
    keep(KEPT)
    sent = json.loads(base64.urlsafe_b64decode(login("registry.example:5000/team/app")["X-Registry-Auth"]))
    assert (sent["username"], sent["password"]) == ("me", "secret")
    assert login("node") == login("other.example/app") == {}


def test_who_has_no_login_pulls_without(keep: Callable[[dict[str, Any]], None]) -> None:
    keep({})
    assert login("node") == {}


@pytest.mark.parametrize("repository", ["registry.example/app", "-/x"])
def test_a_login_that_cannot_be_read_is_none(keep: Callable[[dict[str, Any]], None], repository: str) -> None:
    keep({"credsStore": "is-not-installed"})
    assert login(repository) == {}
