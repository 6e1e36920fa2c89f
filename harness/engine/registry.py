"""The engines there are, by name or by where they answer."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Final

from harness.core.errors import EngineUnavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.engine.protocol import OpenEngine

# By name, so that an engine's own libraries are imported only when it is opened: docker takes a while.
ENGINES: Final[Mapping[str, str]] = {
    "docker": "harness.engine.docker_engine:open_docker",
    "podman": "harness.engine.podman_engine:open_podman",
}
"""Where the factory of each engine is, as `pkgutil.resolve_name` reads it."""

DEFAULT: Final = "auto"
"""Docker, and where it is not there, Podman."""

_DOCKER: Final = "docker"
_INSTEAD: Final = "harness.engine.podman_engine:open_instead"
_URL: Final = "://"

SCHEMES: Final = ("unix", "tcp", "ssh", "http", "https", "npipe")
"""What the URL of an engine may begin with (docs.docker.com, docker --host)."""


def open_engine(name: str = DEFAULT, note: Callable[[str], None] = lambda _: None) -> OpenEngine:
    """Connect to an engine: one of a name, or what answers Docker's API at a URL.

    The default is Docker, where the environment or the current context says; where they say nothing and none answers,
    it is Podman, if it is installed, and ``note`` is told so.

    Raises:
        UsageError: there is no engine of this name, or none can be reached by such a URL.
        EngineUnavailable: it does not answer.
    """
    if name == DEFAULT:
        try:
            return _factory(ENGINES[_DOCKER])()
        except EngineUnavailable as error:
            return _factory(_INSTEAD)(error, note)
    if _URL in name:
        if (scheme := name.partition(_URL)[0]) not in SCHEMES:
            urls = f"An engine's URL begins with {', '.join(SCHEMES[:-1])} or {SCHEMES[-1]}."
            raise UsageError(f"{scheme!r} is no way to reach an engine: {name}", remedy=urls)
        return _factory(ENGINES[_DOCKER])(name)
    if name not in ENGINES:
        there_are = f"Engines: {', '.join(ENGINES)}; or a URL, such as unix:///var/run/docker.sock"
        raise UsageError(f"{name!r} is not an engine", remedy=there_are)
    return _factory(ENGINES[name])()


def _factory(place: str) -> Callable[..., OpenEngine]:
    factory: Callable[..., OpenEngine] = resolve_name(place)
    return factory
