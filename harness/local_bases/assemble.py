"""From a recipe to an image on the engine."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.core.errors import BaseUnavailable, EngineFault, EngineUnavailable
from harness.local_bases import official
from harness.local_bases.debian import add_debian_system, open_debian_system
from harness.local_bases.download import Downloads, exclusive, megabytes
from harness.local_bases.musl import add_musl_system
from harness.local_bases.node import add_node
from harness.local_bases.recipe import architecture
from harness.local_bases.rootfs import Rootfs

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.engine.protocol import ImageStore
    from harness.local_bases.recipe import Architecture, Recipe

LABEL: Final = "signal-harness"
_RECIPE: Final = f"{LABEL}.recipe"


def build_recipe(
    store: ImageStore, recipe: Recipe, *, cache: Path, report: Callable[[str], None], rebuild: bool = False
) -> str:
    """Make sure that the engine has the image of a recipe, assembling it if necessary, and return its tag.

    An image that this code assembled from this recipe for this architecture is reused, and then no network is touched;
    a recipe that names a major therefore stays at the release it got first, unless ``rebuild``. Builds at the same time
    may share the ``cache`` of downloads, a folder that is made if missing.

    Raises:
        BaseUnavailable: a package or tool that it needs is not available, or the engine refuses the image.
    """
    try:
        arch = architecture(store.architecture())
        fingerprint = _fingerprint(recipe, arch)

        def wanted() -> bool:
            return rebuild or store.label(recipe.tag, _RECIPE) != fingerprint

        if wanted():
            cache.mkdir(parents=True, exist_ok=True)
            with exclusive(cache / f"{recipe.name}.lock", report, f"waiting for another build of {recipe.tag}"):
                if wanted():  # whoever held the lock may have built it
                    _assemble(store, recipe, arch, fingerprint=fingerprint, cache=cache, report=report)
    except (EngineFault, EngineUnavailable, OSError) as error:
        engine = "Check the engine, its log and its disk."
        raise BaseUnavailable(
            f"{recipe.reference} cannot be assembled: {error}",
            remedy=f"Make room in, or access to, {cache}" if isinstance(error, OSError) else engine,
        ) from error
    return recipe.tag


def _assemble(
    store: ImageStore,
    recipe: Recipe,
    arch: Architecture,
    *,
    fingerprint: str,
    cache: Path,
    report: Callable[[str], None],
) -> None:
    report(f"assembling {recipe.reference}")
    # A file without a name cannot be left behind, however this process ends.
    with tempfile.TemporaryFile(dir=cache) as archive, Downloads(cache, report) as downloads:
        with Rootfs(archive) as rootfs:
            if recipe.os == "musl":
                add_musl_system(rootfs, downloads, arch)
            else:
                with open_debian_system(recipe.os, arch, downloads, cache, report) as system:
                    add_debian_system(rootfs, system)
            official.add_surroundings(rootfs)
            node, npm = add_node(rootfs, downloads, recipe, arch)
        report(f"importing {recipe.tag} ({megabytes(archive.tell())})")
        archive.seek(0)
        labels = {_RECIPE: fingerprint, f"{LABEL}.base": recipe.reference, f"{LABEL}.node": node, f"{LABEL}.npm": npm}
        store.import_rootfs(archive, tag=recipe.tag, changes=official.settings(node=node, labels=labels))


def _fingerprint(recipe: Recipe, arch: Architecture) -> str:
    """A hash of what determines an image, apart from the newest releases on the indexes."""
    state = hashlib.sha256(f"{recipe.reference}\n{arch.debian}\n".encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        state.update(source.read_bytes())
    return state.hexdigest()
