"""Names of base images that are assembled from packages, and the architectures that they can be for.

A recipe is written ``local:<os>-node<version>[-npm<version>]``, for example ``local:musl-node24`` or
``local:debian12-node22.14.0-npm9.6.7``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, cast, get_args

from harness.core.errors import BaseUnavailable, UsageError

RecipeOs = Literal["musl", "debian11", "debian12", "debian13"]

PREFIX: Final = "local:"
REPOSITORY: Final = "signal-harness/base"
DEFAULTS: Final = ("local:musl-node24", "local:debian12-node24")
"""The recipes that stand in for the default bases of a registry."""

# The oldest major that the package indexes carry with an npm to go with it.
_OLDEST_NODE: Final = 18
_OSES: Final[tuple[str, ...]] = get_args(RecipeOs)
_NUMBER: Final = r"(?:0|[1-9][0-9]{0,4})"
_NODE: Final = re.compile(rf"{_NUMBER}(?:\.{_NUMBER}\.{_NUMBER})?")
_NPM: Final = re.compile(rf"{_NUMBER}(?:\.{_NUMBER}\.{_NUMBER}(?:-[0-9A-Za-z][0-9A-Za-z.-]{{0,31}})?)?")
_RECIPE: Final = re.compile(r"(?P<os>[a-z0-9]+)-node(?P<node>[0-9.]+)(?:-npm(?P<npm>[0-9A-Za-z.-]+))?")

_REMEDY: Final = (
    "Write local:<os>-node<version>[-npm<version>], with <os> one of "
    + ", ".join(_OSES)
    + " and each version a major (24) or complete (22.14.0), for example local:musl-node22-npm9.6.7"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One base image to assemble.

    Versions are majors (``24``: its newest release) or complete (``22.14.0``); without an npm it is the one that this
    Node bundles.

    Raises:
        UsageError: a part is not of this form, or the Node is older than what can be assembled.
    """

    os: RecipeOs
    node: str
    npm: str | None = None

    def __post_init__(self) -> None:
        """Refuse parts that could not be written and read back."""
        if self.os not in _OSES:
            raise UsageError(f"{self.os!r} is not an operating system of a local base", remedy=_REMEDY)
        if not _NODE.fullmatch(self.node):
            raise UsageError(f"{self.node!r} is not a Node version", remedy=_REMEDY)
        if int(self.node.partition(".")[0]) < _OLDEST_NODE:
            raise UsageError(
                f"Node {self.node} is too old for a local base",
                remedy=f"Local bases start at Node {_OLDEST_NODE}; pull older ones from a registry, as node:16.",
            )
        if self.npm is not None and not _NPM.fullmatch(self.npm):
            raise UsageError(f"{self.npm!r} is not an npm version", remedy=_REMEDY)

    @property
    def name(self) -> str:
        """The recipe without the ``local:`` prefix; a valid image tag."""
        return f"{self.os}-node{self.node}" + ("" if self.npm is None else f"-npm{self.npm}")

    @property
    def tag(self) -> str:
        """What the image is called on an engine."""
        return f"{REPOSITORY}:{self.name}"

    @property
    def reference(self) -> str:
        """The recipe as a user writes it; the inverse of `parse_recipe`."""
        return f"{PREFIX}{self.name}"


def is_recipe(reference: str) -> bool:
    """Whether a base reference asks for a local recipe, well-formed or not."""
    return reference.startswith(PREFIX)


def parse_recipe(text: str) -> Recipe:
    """The recipe of a text ``local:<os>-node<version>[-npm<version>]``, in lower case and without blanks.

    Raises:
        UsageError: the text is not of this form.
    """
    match = _RECIPE.fullmatch(text.removeprefix(PREFIX)) if is_recipe(text) else None
    if match is None:
        raise UsageError(f"{text!r} is not a recipe for a local base", remedy=_REMEDY)
    # Recipe itself refuses an unknown os.
    return Recipe(os=cast("RecipeOs", match["os"]), node=match["node"], npm=match["npm"])


class Architecture(NamedTuple):
    """One architecture under the names it goes by."""

    debian: str
    """In Debian and in container engines: ``amd64``."""
    machine: str
    """In the kernel, wheel tags and musl's file names: ``x86_64``."""
    node: str
    """In Node's own file names: ``x64``."""


_KNOWN: Final = (Architecture("amd64", "x86_64", "x64"), Architecture("arm64", "aarch64", "arm64"))


def architecture(engine_name: str) -> Architecture:
    """The architecture that an engine reports as that of its containers (``Arch`` of its version answer).

    Raises:
        BaseUnavailable: no packages are known for it.
    """
    for known in _KNOWN:
        if engine_name in (known.debian, known.machine):
            return known
    names = " and ".join(known.debian for known in _KNOWN)
    raise BaseUnavailable(
        f"no local base can be assembled for the engine's architecture {engine_name!r}",
        remedy=f"Local bases exist for {names}; name an image from a registry with --base.",
    )
