"""The user's logins to registries, as ``docker login`` keeps them, for an engine that is to pull."""

from __future__ import annotations

import warnings
from typing import Any

from docker import auth
from docker.errors import DockerException


def login(repository: str) -> dict[str, str]:
    """The header with which an engine logs in to the registry of a repository; none where there is no login.

    A login that cannot be read, as its credential helper is not installed, is none: what is public can be pulled.
    Source: the Engine API, "Authentication".
    """
    try:
        registry, _ = auth.resolve_repository_name(repository)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # docker-py warns of a missing helper
            found: dict[str, Any] | None = auth.load_config().resolve_authconfig(registry)
    except DockerException:
        return {}
    return {"X-Registry-Auth": auth.encode_header(found).decode()} if found else {}
