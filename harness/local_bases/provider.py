"""Bases assembled from packages, as an engine's `harness.engine.protocol.BaseProvider`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.local_bases.recipe import DEFAULTS, PREFIX, REPOSITORY, is_recipe, parse_recipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.engine.protocol import ImageStore


class LocalBases:
    """The bases whose references are recipes, as ``local:musl-node24``; ``cache`` is where downloads are kept."""

    defaults = DEFAULTS
    remedy = f"Without a registry, assemble one from packages: signal-harness bases build {DEFAULTS[0]}"

    handles = staticmethod(is_recipe)

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def tag(self, reference: str) -> str:
        """The tag under which an engine keeps the image of a recipe."""
        return parse_recipe(reference).tag

    def reference(self, tag: str) -> str | None:
        """The recipe whose image an engine keeps under a tag; ``None`` for tags of others."""
        repository, _, name = tag.partition(":")
        return PREFIX + name if repository == REPOSITORY else None

    def provide(self, reference: str, store: ImageStore, *, report: Callable[[str], None], rebuild: bool) -> None:
        """Make sure that the image of a recipe is in a store, assembling it from packages if necessary."""
        recipe = parse_recipe(reference)
        # Imported late: assembling needs much that is not needed to name an image.
        from harness.local_bases.assemble import build_recipe

        build_recipe(store, recipe, cache=self._cache, report=report, rebuild=rebuild)
