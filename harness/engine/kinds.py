"""Which engine answers Docker's API, and what differs between those that do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


_VERSION: Final = re.compile(r"\S+ version (\S+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineKind:
    """What is known of one kind of engine.

    ``name`` is what results call it, ``cli`` the command with which a person talks to it. ``tells`` says whether its
    events tell of all that becomes of a container, as it happens: that the signal of a stop was sent, the SIGKILL as
    the grace ran out, and each end with the exit code. Where not, that is learnt from its answers, its states and the
    kernel's record. ``tops`` says whether its ``top`` shows the signal masks of any container's processes. ``init`` is
    its init, where it does not say which it has; ``prefixes`` is what it may write in front of an image's name that has
    no registry. ``names_itself`` says whether its id is its own, and stays. ``removes_at_once`` says whether a removal
    by force ends a container outright, and does not stop it first, which takes up to its grace.
    """

    name: str
    cli: str
    tells: bool
    tops: bool
    init: str
    prefixes: tuple[str, ...] = ()
    names_itself: bool = True
    removes_at_once: bool = True

    def short(self, tag: str) -> str:
        """The tag of an image as it was given."""
        return tag.removeprefix(next(filter(tag.startswith, self.prefixes), ""))


DOCKER: Final = EngineKind(name="Docker Engine", cli="docker", tells=True, tops=True, init="unknown")

PODMAN: Final = EngineKind(
    name="Podman",
    cli="podman",
    tells=False,
    tops=False,
    init="catatonit",
    prefixes=("localhost/", "docker.io/library/", "docker.io/"),
    names_itself=False,
    removes_at_once=False,
)
"""Its ``kill`` event comes up to 250 ms late and without the signal, none comes of a stop or of its SIGKILL, and an end
is ``died``, which a filter for ``die`` leaves out (measured on 4.3.1). Its ``top`` knows no signal masks, and runs the
image's own ps for them (podman-top(1)). Asked by Docker's API to remove by force, it stops a container with that one's
own grace (pkg/api/handlers/compat/containers.go, ``RemoveContainer``)."""


def kind_of(version: Mapping[str, Any]) -> EngineKind:
    """Which kind of engine answers, by its ``/version``: its components name it; one that names none is Docker."""
    names = (str(part.get("Name", "")).casefold() for part in version.get("Components") or ())
    return PODMAN if any("podman" in name for name in names) else DOCKER


def runtime_version(name: str, version: Mapping[str, Any]) -> str:
    """The version of a runtime among an engine's components; empty if it is not among them.

    Podman has all that the runtime prints of itself, under a longer name.
    """
    components = {str(part["Name"]): str(part["Version"]) for part in version.get("Components") or ()}
    text = components.get(name) or components.get(f"OCI Runtime ({name})", "")
    found = _VERSION.match(text)
    return found[1] if found else text
