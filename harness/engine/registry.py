"""The engines there are, by name or by where they answer."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Final

from harness.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.engine.protocol import OpenEngine

# By name, so that an engine's own libraries are imported only when it is opened: docker takes a while.
ENGINES: Final[Mapping[str, str]] = {
    "docker": "harness.engine.docker_engine:open_docker",
}
"""Where the factory of each engine is, as `pkgutil.resolve_name` reads it."""

DEFAULT: Final = "docker"
_URL: Final = "://"


def open_engine(name: str = DEFAULT) -> OpenEngine:
    """Connect to an engine: one of a name, or what answers Docker's API at a URL.

    Raises:
        UsageError: there is no engine of this name.
        EngineUnavailable: it does not answer.
    """
    if name not in ENGINES and _URL not in name:
        there_are = f"Engines: {', '.join(ENGINES)}; or a URL, such as unix:///var/run/docker.sock"
        raise UsageError(f"{name!r} is not an engine", remedy=there_are)
    factory: Callable[..., OpenEngine] = resolve_name(ENGINES.get(name, ENGINES[DEFAULT]))
    return factory() if name in ENGINES else factory(name)
